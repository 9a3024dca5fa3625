//! What is written by redirection, and what lines that are written to some files mean.

use std::collections::BTreeSet;

use super::Flow;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::paths;
use crate::facts::script::{Command, RedirectKind};

impl Flow<'_> {
    pub(super) fn redirections(&mut self, command: &Command) {
        for redirect in &command.redirects {
            if !matches!(
                redirect.kind,
                RedirectKind::Write | RedirectKind::Append | RedirectKind::Both
            ) {
                continue;
            }
            let path = self.resolve(&redirect.target);
            if paths::is_below(&path, b"/dev/tcp") || paths::is_below(&path, b"/dev/udp") {
                self.socket(&path, command);
                continue;
            }
            let mut from = self.carried.clone();
            if matches!(command.name(), b"cat" | b"zcat" | b"gunzip") {
                for word in command.arguments() {
                    from.extend(self.origin(&self.resolve(word)));
                }
            }
            let words = command.words.iter().map(|word| word.text.as_slice());
            let words: Vec<&[u8]> = words.collect();
            let text = command.input.clone().unwrap_or_else(|| words.join(&b' '));
            self.account_line(&path, &text, command);
            self.switch(&path, &text, command);
            self.start_line(&path, &text, command);
            self.key_line(&path, &text, command);
            if !path.starts_with(b"/dev/null") {
                self.write(path, &from, command);
            }
        }
    }

    /// A line that is added to what runs at the start, and starts something that others can put there.
    fn start_line(&mut self, path: &[u8], text: &[u8], command: &Command) {
        if !paths::is_start(path) {
            return;
        }
        let words = text.split(|byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'\'' | b'"' | b';' | b':' | b'=')
        });
        let programs = words.filter(|word| word.first() == Some(&b'/') && *word != path);
        let mut from: BTreeSet<Trait> = programs
            .flat_map(|word| self.origin(&paths::normal(word)))
            .collect();
        from.remove(&Trait::Recorded);
        if !from.is_empty() {
            from.insert(Trait::StartPath);
            self.note(Act::Persist, from, command);
        }
    }

    /// A key that is admitted for logins, where the text itself holds it.
    fn key_line(&mut self, path: &[u8], text: &[u8], command: &Command) {
        const KINDS: [&[u8]; 4] = [
            b"ssh-rsa AAAA",
            b"ssh-ed25519 AAAA",
            b"ssh-dss AAAA",
            b"ecdsa-sha2-",
        ];
        let is_key = KINDS
            .iter()
            .any(|kind| memchr::memmem::find(text, kind).is_some());
        if path.ends_with(b"authorized_keys") && is_key {
            self.note(Act::AuthorizedKey, [Trait::Literal], command);
        }
    }
}

/// Whether a command undoes an encoding.
pub(super) fn decodes(command: &Command) -> bool {
    let has = |options: &[&[u8]]| {
        command
            .words
            .iter()
            .any(|word| options.contains(&word.text.as_slice()))
    };
    match command.name() {
        b"base64" | b"base32" | b"openssl" => has(&[b"-d", b"-D", b"--decode"]),
        b"xxd" => has(&[b"-r"]),
        b"uudecode" => true,
        _ => false,
    }
}
