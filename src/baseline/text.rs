//! What a baseline states of a text: the start of each line's digest, so that it can be told which lines of another one are new.
//!
//! The form is bytes, written in base64: `1` for lines or `2` for words; how many bytes of each digest are kept (2); the digests in order. A line is
//! digested as it may be shown ([`masked`]): a baseline, which anyone may read, must not let anyone try passwords against single lines. Words are
//! what stands between blanks and semicolons of a single line, such as the value of a boot loader's variable.
//!
//! Two bytes cost less than a tenth of the text. Two lines of which the starts are the same by chance (one pair in 65536) are taken for one another;
//! that is found where nothing but new lines is told: without them the text must have the expected SHA-256.

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::digest::Digest;
use crate::facts::filetype::is_text;
use crate::facts::masked;

/// A longer text has no row (64 KiB).
pub(super) const LONGEST: u64 = 64 << 10;
/// A text of more lines has no row.
const MOST: usize = 16_384;
/// How many bytes of a digest are kept.
const WIDTH: u8 = 2;

/// The start of the digest of a line or word.
pub(super) type Mark = [u8; 2];

/// What a text is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pieces {
    /// Lines.
    Lines,
    /// Words of one line.
    Words,
}

impl Pieces {
    fn form(self) -> u8 {
        match self {
            Self::Lines => 1,
            Self::Words => 2,
        }
    }
}

/// A text as a baseline states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRow {
    /// The SHA-256 of the file.
    pub of: Digest,
    /// What the marks are of.
    pub pieces: Pieces,
    /// The lines or words, in order.
    pub marks: Vec<Mark>,
}

impl TextRow {
    /// The row of a file; `None` for what is no text, too long, or holds secrets and nothing else.
    pub fn of(path: &[u8], bytes: &[u8], of: Digest) -> Option<Self> {
        if masked::is_secret_file(path) || !is_text(bytes) || bytes.is_empty() {
            return None;
        }
        let marks = masked::split(bytes).take(MOST.saturating_add(1)).count();
        (marks <= MOST).then(|| Self {
            of,
            pieces: Pieces::Lines,
            marks: masked::lines(bytes)
                .iter()
                .map(|line| mark(&line.shown))
                .collect(),
        })
    }

    /// The row of the value of a variable; `None` where it is one word, or where its name says that it is a secret.
    pub fn of_value(name: &[u8], bytes: &[u8], of: Digest) -> Option<Self> {
        let shown = masked::value(name, bytes);
        let marks: Vec<Mark> = words(&shown).map(mark).collect();
        (is_text(bytes) && (2..=MOST).contains(&marks.len())).then_some(Self {
            of,
            pieces: Pieces::Words,
            marks,
        })
    }

    /// The text that a baseline holds.
    pub fn text(&self) -> String {
        let mut bytes = vec![self.pieces.form(), WIDTH];
        bytes.extend(self.marks.iter().flatten());
        STANDARD.encode(bytes)
    }

    /// What a baseline's text says.
    ///
    /// # Errors
    /// What it must be.
    pub fn parse(of: Digest, text: &str) -> Result<Self, &'static str> {
        let bytes = STANDARD.decode(text).map_err(|_error| "base64")?;
        let Some(([form, WIDTH], digests)) = bytes.split_first_chunk() else {
            return Err("digests of lines or words, in a form and of a width that is known");
        };
        let forms = [Pieces::Lines, Pieces::Words];
        let pieces = forms.into_iter().find(|pieces| pieces.form() == *form);
        let (marks, rest) = digests.as_chunks();
        match pieces {
            Some(pieces) if rest.is_empty() && (1..=MOST).contains(&marks.len()) => Ok(Self {
                of,
                pieces,
                marks: marks.to_vec(),
            }),
            Some(_) => Err("whole digests, of one line at least and 16384 at most"),
            None => Err("digests of lines or words, in a form and of a width that is known"),
        }
    }
}

/// What is kept of a line or word.
pub(super) fn mark(shown: &[u8]) -> Mark {
    let [one, two, ..] = *Digest::of(shown).as_bytes();
    [one, two]
}

/// The words of a value.
pub(super) fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = value.split(|&byte| byte.is_ascii_whitespace() || byte == b';');
    words.filter(|word| !word.is_empty())
}
