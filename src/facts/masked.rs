//! Lines of texts as they may be shown: without passwords, keys and the secrets of networks.
//!
//! More is hidden than need be: what follows a name such as `password`, up to the line's end. Settings that are no secret (`yes`, `required`)
//! stay. A secret in a place that no name, program or form tells is not recognised.

mod span;
#[cfg(test)]
mod tests;

use std::ops::Range;

/// What stands for something that is not shown.
pub const MASK: &[u8] = b"***";

/// Programs that are given passwords in ways too many to tell apart: nothing of their lines is shown but the program.
const KEEPERS: &[&[u8]] = &[
    b"chpasswd",
    b"sshpass",
    b"htpasswd",
    b"smbpasswd",
    b"wpa_passphrase",
    b"mkpasswd",
    b"cryptpw",
    b"expect",
];
/// Files whose content is secrets, by how their names end: of them no line is shown, and no baseline keeps any.
const FILES: &[&[u8]] = &[
    b"shadow",
    b"shadow-",
    b"/smbpasswd",
    b"/chap-secrets",
    b"/pap-secrets",
    b".netrc",
    b".pgpass",
    b"htpasswd",
    b"/secrets.tdb",
    b".key",
    b".secrets",
    b"/id_rsa",
    b"/id_dsa",
    b"/id_ecdsa",
    b"/id_ed25519",
    b"_host_key",
    b".psk",
    b"/psk.txt",
];

/// A line of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What may be shown of it, without its end.
    pub shown: Vec<u8>,
    /// What was hidden in it.
    pub hidden: Vec<Vec<u8>>,
    /// The program for whose sake nothing else is shown.
    pub keeper: Option<&'static [u8]>,
}

impl Line {
    /// A line of which nothing is shown.
    fn secret(text: &[u8], keeper: Option<&'static [u8]>) -> Self {
        let shown = match keeper {
            Some(keeper) => [MASK, b" ", keeper, b" ", MASK].concat(),
            None => MASK.to_vec(),
        };
        let hidden = if keeper.is_none() && !text.is_empty() {
            vec![text.to_vec()]
        } else {
            Vec::new()
        };
        Self {
            shown,
            hidden,
            keeper,
        }
    }
}

/// Whether a file holds secrets and nothing else, by its name.
pub fn is_secret_file(path: &[u8]) -> bool {
    FILES.iter().any(|ending| path.ends_with(ending))
}

/// The lines of a text, without the line feeds and what stands before them to return a carriage.
pub fn split(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let lines = text.split(|&byte| byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The lines of a text as they may be shown.
pub fn lines(text: &[u8]) -> Vec<Line> {
    let mut state = State::default();
    split(text).map(|line| state.line(line)).collect()
}

/// One text without line ends, such as a command or a value, as it may be shown.
pub fn one(text: &[u8]) -> Line {
    State::default().line(text)
}

/// The value that stands under a name, as it may be shown.
pub fn value(name: &[u8], value: &[u8]) -> Vec<u8> {
    let whole = [name, b"=", value].concat();
    let shown = one(&whole).shown;
    let name = name.len().saturating_add(1);
    shown.get(name..).map_or(MASK.to_vec(), <[u8]>::to_vec)
}

/// What lines before say of the next one.
#[derive(Default)]
struct State {
    /// Inside a private key.
    in_key: bool,
    /// The line that ends what a keeper of passwords reads.
    until: Option<Vec<u8>>,
}

impl State {
    fn line(&mut self, line: &[u8]) -> Line {
        let bare = line.trim_ascii();
        if let Some(until) = &self.until {
            if until == bare {
                self.until = None;
                return plain(line);
            }
            return Line::secret(bare, None);
        }
        if bare.ends_with(b"PRIVATE KEY-----") {
            self.in_key = bare.starts_with(b"-----BEGIN");
            return plain(line);
        }
        if self.in_key {
            return Line::secret(bare, None);
        }
        if let Some(keeper) = keeper(line) {
            self.until = delimiter(line);
            return Line::secret(bare, Some(keeper));
        }
        hide(line, span::secrets(line))
    }
}

fn plain(line: &[u8]) -> Line {
    Line {
        shown: line.to_vec(),
        ..Line::default()
    }
}

/// A line without some ranges, which may overlap.
fn hide(line: &[u8], mut spans: Vec<Range<usize>>) -> Line {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    let mut out = Line::default();
    let mut at = 0_usize;
    for span in merged {
        let from = span.start;
        let Some(secret) = line.get(from..span.end).filter(|it| !it.is_empty()) else {
            continue;
        };
        out.shown
            .extend_from_slice(line.get(at..from).unwrap_or_default());
        out.shown.extend_from_slice(MASK);
        out.hidden.push(secret.to_vec());
        at = span.end;
    }
    out.shown
        .extend_from_slice(line.get(at..).unwrap_or_default());
    out
}

/// The program in a line that is given passwords.
fn keeper(line: &[u8]) -> Option<&'static [u8]> {
    let mut is_passwd = false;
    for word in line.split(|byte| !byte.is_ascii_alphanumeric() && !b"_-".contains(byte)) {
        if let Some(keeper) = KEEPERS.iter().find(|keeper| **keeper == word) {
            return Some(keeper);
        }
        if is_passwd && word == b"--stdin" {
            return Some(b"passwd");
        }
        is_passwd |= word == b"passwd";
    }
    None
}

/// The line that ends the input which a command has in the lines behind it.
fn delimiter(line: &[u8]) -> Option<Vec<u8>> {
    let at = memchr::memmem::find(line, b"<<")?;
    let rest = line.get(at.saturating_add(2)..)?;
    let rest = rest.strip_prefix(b"-").unwrap_or(rest).trim_ascii_start();
    let word: Vec<u8> = rest
        .iter()
        .copied()
        .filter(|byte| !b"'\"\\".contains(byte))
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
        .collect();
    (!word.is_empty()).then_some(word)
}
