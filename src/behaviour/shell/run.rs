//! What is run, and shells whose input and output are tied to a network.

use std::collections::BTreeSet;

use super::Flow;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::{host, options, paths};
use crate::facts::script::Command;

const SHELLS: &[&[u8]] = &[
    b"sh", b"ash", b"bash", b"dash", b"ksh", b"zsh", b"csh", b"hush",
];
const INTERPRETERS: &[&[u8]] = &[
    b"python", b"python2", b"python3", b"perl", b"php", b"lua", b"ruby", b"node",
];

/// Whether a program is a shell.
pub(in super::super) fn is_shell(program: &[u8]) -> bool {
    let base = program
        .rsplit(|&byte| byte == b'/')
        .next()
        .unwrap_or_default();
    SHELLS.contains(&base)
}

impl Flow<'_> {
    pub(super) fn run(&mut self, name: &[u8], command: &Command) {
        let words = command.arguments();
        let is_interpreter = INTERPRETERS.contains(&name);
        if is_shell(name) || is_interpreter {
            let script = words.iter().find(|word| !word.text.starts_with(b"-"));
            // `-c`, `-e`, `-ne` and the like: the code stands in the next word.
            let inline = words.iter().any(|word| {
                word.text.strip_prefix(b"-").is_some_and(|letters| {
                    !letters.starts_with(b"-")
                        && letters
                            .iter()
                            .any(|byte| matches!(byte, b'c' | b'e' | b'r'))
                })
            });
            match script {
                _ if inline => self.inline(command),
                Some(script) => self.started(&self.resolve(script), command),
                None if self.carried.contains(&Trait::FromRemote) => {
                    let mut traits = self.carried.clone();
                    traits.insert(Trait::Piped);
                    self.note(Act::Run, traits, command);
                }
                None if self.decodes => {
                    self.note(Act::DecodedRun, [Trait::Piped], command);
                }
                None => {}
            }
            return;
        }
        match name {
            b"." | b"source" => {
                if let Some(file) = words.first() {
                    self.started(&self.resolve(file), command);
                }
            }
            b"insmod" | b"modprobe" => {
                let options = options::split(words, &[]);
                if let Some(module) = options.operands.first() {
                    let from = self.origin(&self.resolve(module));
                    self.note(Act::LoadModule, from, command);
                }
            }
            _ => {
                let Some(program) = command.words.first() else {
                    return;
                };
                if program.text.contains(&b'/') || program.text.starts_with(b"$") {
                    self.started(&self.resolve(program), command);
                }
            }
        }
    }

    /// A program or script by its path.
    fn started(&mut self, path: &[u8], command: &Command) {
        let mut from = self.origin(path);
        let is_plain =
            from.is_empty() || path.starts_with(b"$") && !from.contains(&Trait::FromRemote);
        if !is_plain {
            if matches!(path.first(), Some(b'$' | b'`')) {
                from.insert(Trait::PathUnknown);
            }
            self.note(Act::Run, from, command);
        }
        if path.first() == Some(&b'/') {
            self.enter(path);
        }
    }

    /// Code in an argument of an interpreter: a socket and a shell in it are tied together.
    fn inline(&mut self, command: &Command) {
        let code: Vec<u8> = command
            .arguments()
            .iter()
            .flat_map(|word| word.text.clone())
            .collect();
        let has = |part: &[u8]| memchr::memmem::find(&code, part).is_some();
        let connects = has(b"socket") && (has(b"connect") || has(b"fsockopen"));
        let shell = has(b"/bin/sh") || has(b"/bin/bash") || has(b"pty.spawn") || has(b"dup2");
        if connects && shell {
            self.note(Act::ReverseShell, [Trait::HostUnknown], command);
        }
    }

    /// A pipe that ties a shell to a network: `nc` or `telnet` on one side, a shell on the other. Nothing else is said of its commands.
    pub(super) fn shell_in_pipe(&mut self, pipe: &[Command]) -> bool {
        let is_net = |command: &&Command| {
            matches!(
                command.name(),
                b"nc" | b"netcat" | b"ncat" | b"telnet" | b"openssl" | b"socat"
            )
        };
        let Some(net) = pipe.iter().find(is_net) else {
            return false;
        };
        let connects =
            net.name() != b"openssl" || net.arguments().iter().any(|word| word.text == b"s_client");
        let reads_input = |command: &&Command| {
            is_shell(command.name())
                && command
                    .arguments()
                    .iter()
                    .all(|word| word.text.starts_with(b"-") && word.text != b"-c")
        };
        let Some(shell) = pipe.iter().find(reads_input).filter(|_| connects) else {
            return false;
        };
        let options = options::split(net.arguments(), &["p", "w", "q", "s", "i", "connect"]);
        let peer = options
            .value(&["connect"])
            .or_else(|| options.operands.first());
        let class = peer.map_or(Trait::HostUnknown, host::class_of);
        let is_before = shell.pipe < net.pipe;
        let is_loop = net
            .redirects
            .iter()
            .any(|it| !paths::is_below(&it.target.text, b"/dev"))
            || pipe.iter().filter(is_net).count() > 1;
        if net.name() == b"openssl" || options.has(&["l"]) || is_before || is_loop {
            let act = if options.has(&["l"]) {
                Act::Listen
            } else {
                Act::ReverseShell
            };
            let mut traits = BTreeSet::from([Trait::Shell]);
            if act == Act::ReverseShell {
                traits.insert(class);
            }
            self.note(act, traits, net);
            return true;
        }
        false
    }
}
