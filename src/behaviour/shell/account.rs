//! Accounts, passwords, and secrets that stand in the text.

use super::Flow;
use crate::behaviour::act::{Act, Trait};
use crate::behaviour::config::account;
use crate::behaviour::{Secret, options, paths};
use crate::facts::script::redact::is_secret_name;
use crate::facts::script::{Argument, Command};

impl Flow<'_> {
    pub(super) fn account(&mut self, name: &[u8], command: &Command) -> bool {
        let words = command.arguments();
        match name {
            b"useradd" | b"adduser" => {
                let options = options::split(
                    words,
                    &[
                        "u", "g", "G", "s", "d", "h", "c", "p", "k", "uid", "gid", "password",
                        "shell", "home",
                    ],
                );
                if options
                    .value(&["u", "uid"])
                    .is_some_and(|uid| uid.text == b"0")
                {
                    self.note(Act::Account, [Trait::UidZero, Trait::NotRoot], command);
                }
                if options.value(&["p", "password"]).is_some_and(|it| it.known) {
                    self.note(Act::SetPassword, [Trait::Literal], command);
                }
            }
            b"chpasswd" => {
                let input = command.input.as_deref().unwrap_or_default();
                if memchr::memchr(b':', input).is_some() {
                    self.note_as(
                        Act::SetPassword,
                        [Trait::Literal],
                        command,
                        "chpasswd is given a fixed password".to_owned(),
                        passwords(input),
                    );
                }
            }
            b"passwd" => {
                if words
                    .iter()
                    .any(|word| matches!(word.text.as_slice(), b"-d" | b"--delete"))
                {
                    self.note(Act::SetPassword, [Trait::EmptyPassword], command);
                }
            }
            b"usermod" => {
                let options = options::split(
                    words,
                    &["p", "u", "g", "G", "s", "d", "l", "password", "uid"],
                );
                if options.value(&["p", "password"]).is_some_and(|it| it.known) {
                    self.note(Act::SetPassword, [Trait::Literal], command);
                }
                if options
                    .value(&["u", "uid"])
                    .is_some_and(|uid| uid.text == b"0")
                {
                    self.note(Act::Account, [Trait::UidZero, Trait::NotRoot], command);
                }
            }
            b"sshpass" => {
                let options = options::split(words, &["p", "f", "d", "P"]);
                if options.value(&["p"]).is_some_and(|it| it.known) {
                    self.note(Act::Secret, [Trait::Literal], command);
                }
                // What it starts is a command of its own.
                let inner = options.operands.len();
                let from = command.words.len().saturating_sub(inner);
                let inner = command.words.get(from..).unwrap_or_default().to_vec();
                if !inner.is_empty() {
                    self.command(&Command {
                        words: inner,
                        assignments: Vec::new(),
                        redirects: Vec::new(),
                        ..command.clone()
                    });
                }
            }
            _ => return false,
        }
        true
    }

    /// A line that is added to the files of accounts.
    pub(super) fn account_line(&mut self, path: &[u8], text: &[u8], command: &Command) {
        if !paths::is_account(path) {
            return;
        }
        let text = text.strip_prefix(b"echo ").unwrap_or(text);
        for row in account::lines(path, text) {
            let secrets = row.secret.into_iter().collect();
            self.note_as(Act::Account, row.traits, command, row.shown, secrets);
        }
    }

    pub(super) fn assignment(&mut self, variable: &[u8], value: &Argument, command: &Command) {
        let text = value.text.as_slice();
        if matches!(variable, b"LD_PRELOAD" | b"LD_AUDIT") && !text.is_empty() {
            let mut from = self.origin(&paths::normal(text));
            from.insert(Trait::Literal);
            self.note(Act::Preload, from, command);
        }
        if matches!(variable, b"PATH" | b"LD_LIBRARY_PATH") {
            let first = text.split(|&byte| byte == b':').next().unwrap_or_default();
            let open = first == b"." || paths::is_temporary(first) || paths::is_medium(first);
            if open && !first.is_empty() {
                self.note(Act::SearchPath, [Trait::FromTemporary], command);
            }
        }
        if is_secret_name(variable) && value.known && is_password(text) {
            self.note(Act::Secret, [Trait::Literal], command);
        }
    }
}

/// The passwords of lines `NAME:PASSWORD`.
fn passwords(input: &[u8]) -> Vec<Secret> {
    /// So many of one command are kept.
    const MOST: usize = 16;
    let lines = input.split(|&byte| byte == b'\n').take(MOST);
    lines
        .filter_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            Secret::new(line.get(colon.saturating_add(1)..)?.trim_ascii())
        })
        .collect()
}

/// Whether a text can be a password rather than a path, a flag or a word for one.
pub(in super::super) fn is_password(text: &[u8]) -> bool {
    let plain = text.iter().all(u8::is_ascii_graphic);
    let lower = text.to_ascii_lowercase();
    let words: [&[u8]; 12] = [
        b"true",
        b"false",
        b"none",
        b"null",
        b"yes",
        b"password",
        b"passwd",
        b"secret",
        b"changeme",
        b"required",
        b"optional",
        b"disabled",
    ];
    (4..=128).contains(&text.len())
        && plain
        && !words.contains(&lower.as_slice())
        && !text.starts_with(b"/")
        && !text
            .iter()
            .any(|byte| matches!(byte, b'$' | b'%' | b'<' | b'{' | b'*' | b'(' | b'`'))
        && text
            .iter()
            .any(|byte| byte.is_ascii_digit() || byte.is_ascii_punctuation())
}
