//! The text of a script and how far it was read.

use std::cell::OnceCell;
use std::rc::Rc;

use super::syntax::{Spot, Word};

/// How deep commands, quotes and substitutions may be nested.
pub(super) const DEEPEST: usize = 48;

/// Why a command could not be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fail {
    /// In bytes from the text's start.
    pub(super) at: usize,
    pub(super) what: &'static str,
    /// Whether nothing that follows is worth reading.
    pub(super) is_limit: bool,
}

pub(super) type Read<T> = Result<T, Fail>;

/// What stands `at` so many bytes from the text's start cannot be read.
pub(super) fn fail<T>(at: usize, what: &'static str) -> Read<T> {
    Err(Fail {
        at,
        what,
        is_limit: false,
    })
}

/// A here-document whose text follows the line it is named on.
pub(super) struct Awaited {
    pub(super) delimiter: Vec<u8>,
    pub(super) quoted: bool,
    pub(super) without_tabs: bool,
    pub(super) text: Rc<OnceCell<Word>>,
}

/// Reads one text from its start to its end.
pub(super) struct Reader<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
    /// Where its lines end.
    ends: Vec<usize>,
    /// The line that it starts on.
    first_line: u32,
    pub(super) depth: usize,
    pub(super) awaited: Vec<Awaited>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t [u8], first_line: u32, depth: usize) -> Self {
        Self {
            text,
            at: 0,
            ends: memchr::memchr_iter(b'\n', text).collect(),
            first_line,
            depth,
            awaited: Vec::new(),
        }
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The byte that stands `ahead` of the next one.
    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at.checked_add(ahead)?).copied()
    }

    pub(super) fn starts(&self, with: &[u8]) -> bool {
        self.rest().starts_with(with)
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes).min(self.text.len());
    }

    /// Goes on behind `bytes`, if they are next.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        let is_next = self.starts(bytes);
        if is_next {
            self.skip(bytes.len());
        }
        is_next
    }

    pub(super) fn since(&self, start: usize) -> &'t [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn spot(&self, at: usize) -> Spot {
        Spot {
            line: self.line(at),
            at,
        }
    }

    pub(super) fn line(&self, at: usize) -> u32 {
        let before = self.ends.partition_point(|&end| end < at);
        self.first_line
            .saturating_add(u32::try_from(before).unwrap_or(u32::MAX))
    }

    /// Does something one level deeper.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEEPEST {
            return Err(Fail {
                at: self.at,
                what: "its commands are nested too deep",
                is_limit: true,
            });
        }
        self.depth = self.depth.saturating_add(1);
        let read = read(self);
        self.depth = self.depth.saturating_sub(1);
        read
    }

    /// Blanks, escaped line ends, and a comment up to its line's end.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.skip(1),
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.skip(2),
                Some(b'\\') if self.starts(b"\\\r\n") => self.skip(3),
                Some(b'#') => {
                    let rest = self.rest();
                    self.skip(memchr::memchr(b'\n', rest).unwrap_or(rest.len()));
                }
                _ => return,
            }
        }
    }

    /// Blanks, comments and line ends, with the here-documents that follow those.
    pub(super) fn skip_lines(&mut self) -> Read<()> {
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'\n') {
                return Ok(());
            }
            self.newline()?;
        }
    }

    /// A line end, and the here-documents that were named on the line.
    pub(super) fn newline(&mut self) -> Read<()> {
        self.skip(1);
        for awaited in std::mem::take(&mut self.awaited) {
            self.here_document(&awaited)?;
        }
        Ok(())
    }

    fn here_document(&mut self, awaited: &Awaited) -> Read<()> {
        let start = self.at;
        let mut body = Vec::new();
        while self.at < self.text.len() {
            let rest = self.rest();
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let mut line = rest.get(..end).unwrap_or_default();
            self.skip(end.saturating_add(1));
            if awaited.without_tabs {
                let text = line.iter().position(|&byte| byte != b'\t');
                line = line.get(text.unwrap_or(line.len())..).unwrap_or_default();
            }
            if line == awaited.delimiter {
                break;
            }
            body.extend_from_slice(line);
            body.push(b'\n');
        }
        let word = if awaited.quoted {
            super::word::text(body)
        } else {
            let line = self.line(start);
            let depth = self.depth;
            Reader::new(&body, line, depth).deeper(Reader::here_text)?
        };
        // It was made for this and nothing else fills it.
        let _ = awaited.text.set(word);
        Ok(())
    }

    /// The letters of a reserved word or name that stands next, up to what ends a word.
    pub(super) fn plain_word(&self) -> &'t [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|&byte| is_meta(byte));
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }
}

/// Whether a byte ends a word where it is not quoted.
pub(super) fn is_meta(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')'
    )
}

/// Whether bytes are a name that a variable can have.
pub(super) fn is_name(bytes: &[u8]) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    bytes.first().is_some_and(|&first| letter(first))
        && bytes
            .iter()
            .all(|&byte| letter(byte) || byte.is_ascii_digit())
}
