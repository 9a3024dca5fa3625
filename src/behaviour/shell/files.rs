//! What is written, unpacked, and made executable.

use std::collections::BTreeSet;

use super::Flow;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::{options, paths};
use crate::facts::script::{Argument, Command, RedirectKind};

impl Flow<'_> {
    pub(super) fn files(&mut self, name: &[u8], command: &Command) -> bool {
        let words = command.arguments();
        match name {
            b"cp" | b"mv" | b"install" | b"ln" => self.copy(name, command),
            b"dd" => {
                let operand = |key: &[u8]| {
                    let word = words.iter().find(|word| word.text.starts_with(key))?;
                    let text = word.text.get(key.len()..)?.to_vec();
                    Some(Argument {
                        text,
                        known: word.known,
                    })
                };
                if let Some(target) = operand(b"of=") {
                    let mut from = self.carried.clone();
                    if let Some(source) = operand(b"if=") {
                        from.extend(self.origin(&self.resolve(&source)));
                    }
                    self.write(self.resolve(&target), &from, command);
                }
            }
            b"tar" | b"bsdtar" => self.unpack_tar(command),
            b"unzip" => {
                let options = options::split(words, &["d", "x"]);
                let target = options.value(&["d"]).cloned();
                self.unpack(options.operands.first(), target.as_ref(), command);
            }
            b"cpio" => {
                let options = options::split(words, &["D", "directory", "F"]);
                if options.has(&["i", "extract"]) {
                    let target = options.value(&["D", "directory"]).cloned();
                    self.unpack(None, target.as_ref(), command);
                }
            }
            b"tee" => {
                let options = options::split(words, &[]);
                let from = self.carried.clone();
                for target in &options.operands {
                    let path = self.resolve(target);
                    let text = command.input.clone().unwrap_or_default();
                    self.account_line(&path, &text, command);
                    self.switch(&path, &text, command);
                    self.write(path, &from, command);
                }
            }
            b"flashcp" | b"nandwrite" | b"mtd" | b"mtd_debug" | b"ubiupdatevol"
            | b"flash_eraseall" => {
                let options = options::split(words, &["s", "start", "partition"]);
                let mut from = self.carried.clone();
                for operand in &options.operands {
                    from.extend(self.origin(&self.resolve(operand)));
                }
                from.insert(Trait::CodePath);
                self.note(Act::Write, from, command);
            }
            b"sed" => {
                let options = options::split(words, &["e", "f", "expression", "file"]);
                let edits = options.has(&["in-place"])
                    || words.iter().any(|word| word.text.starts_with(b"-i"));
                if edits {
                    for target in options.operands.clone() {
                        self.write(self.resolve(&target), &BTreeSet::new(), command);
                    }
                }
            }
            b"chmod" => {
                let options = options::split(words, &["reference"]);
                if let Some((mode, targets)) = options.operands.split_first() {
                    self.change_mode(&mode.text, targets, command);
                }
            }
            b"setcap" => self.note(Act::MakeExecutable, [Trait::Privileged], command),
            b"rm" | b"shred" | b"truncate" => {
                let is_trace = |word: &Argument| {
                    let path = self.resolve(word);
                    paths::is_below(&path, b"/var/log")
                        || path.ends_with(b"_history")
                        || path.ends_with(b"/wtmp")
                };
                if words.iter().any(is_trace) {
                    self.note(Act::TracesRemoved, [], command);
                }
            }
            b"touch" | b"mkdir" | b"rmdir" | b"ls" | b"test" | b"[" | b"[[" | b"echo"
            | b"printf" | b"grep" | b"cat" | b"chown" | b"umount" | b"find" | b"which" | b"awk"
            | b"cut" | b"head" | b"tail" | b"sort" | b"wc" | b"basename" | b"dirname"
            | b"readlink" | b"exit" | b"return" | b"true" | b"false" | b":" | b"sleep"
            | b"sync" | b"date" | b"id" | b"stat" | b"set" | b"shift" | b"local" | b"read" => {}
            _ => return false,
        }
        true
    }

    fn copy(&mut self, name: &[u8], command: &Command) {
        let options = options::split(
            command.arguments(),
            &[
                "t",
                "m",
                "o",
                "g",
                "S",
                "target-directory",
                "mode",
                "owner",
                "group",
            ],
        );
        if name == b"install" && options.has(&["d", "directory"]) {
            return;
        }
        let folder = options.value(&["t", "target-directory"]).cloned();
        let (sources, target) = match (&folder, options.operands.split_last()) {
            (Some(folder), _) => (options.operands.as_slice(), folder),
            (None, Some((target, sources))) if !sources.is_empty() => (sources, target),
            _ => return,
        };
        let mut from = BTreeSet::new();
        for source in sources {
            from.extend(self.origin(&self.resolve(source)));
        }
        let path = self.resolve(target);
        self.write(path, &from, command);
        if name == b"install" {
            self.note(Act::MakeExecutable, from, command);
        }
    }

    fn unpack_tar(&mut self, command: &Command) {
        // The first word may be options without a dash.
        let mut words = command.arguments().to_vec();
        if let Some(first) = words.first_mut()
            && !first.text.starts_with(b"-")
        {
            first.text.insert(0, b'-');
        }
        let options = options::split(
            &words,
            &[
                "f",
                "C",
                "X",
                "T",
                "b",
                "file",
                "directory",
                "exclude",
                "files-from",
                "strip-components",
                "I",
            ],
        );
        if options.has(&["x", "extract", "get"]) {
            let source = options.value(&["f", "file"]).cloned();
            let target = options.value(&["C", "directory"]).cloned();
            self.unpack(source.as_ref(), target.as_ref(), command);
        }
    }

    fn unpack(&mut self, source: Option<&Argument>, target: Option<&Argument>, command: &Command) {
        let mut from = self.carried.clone();
        match source {
            Some(source) if source.text != b"-" => from.extend(self.origin(&self.resolve(source))),
            _ => {
                let reads = command
                    .redirects
                    .iter()
                    .filter(|it| it.kind == RedirectKind::Read);
                for read in reads {
                    from.extend(self.origin(&self.resolve(&read.target)));
                }
            }
        }
        let path = target.map_or_else(|| self.folder.clone(), |target| self.resolve(target));
        if !path.is_empty() {
            self.write(path, &from, command);
        }
    }

    fn change_mode(&mut self, mode: &[u8], targets: &[Argument], command: &Command) {
        let number = std::str::from_utf8(mode)
            .ok()
            .and_then(|mode| u32::from_str_radix(mode, 8).ok());
        let executable = match number {
            Some(bits) => bits & 0o111 != 0,
            None => {
                memchr::memchr(b'+', mode).is_some() && mode.contains(&b'x') || mode.contains(&b's')
            }
        };
        let privileged = match number {
            Some(bits) => bits & 0o6000 != 0,
            None => mode.contains(&b's') && mode.contains(&b'+'),
        };
        if !executable {
            return;
        }
        let mut traits = BTreeSet::new();
        for target in targets {
            traits.extend(self.origin(&self.resolve(target)));
        }
        if privileged {
            traits.insert(Trait::Privileged);
        }
        self.note(Act::MakeExecutable, traits, command);
    }
}
