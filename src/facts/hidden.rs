//! Texts that a short key or an encoding hides in the bytes of a program: what may be commands, and addresses on the Internet.
//!
//! Found under XOR with one to four bytes that repeat, XOR with a counter, a number that is added (the same, or a counter), the same backwards,
//! base64, and hexadecimal digits. Every byte of the file is looked at, whatever its tables say of it. One pass finds all keys: the difference of
//! bytes under the same byte of a key does not depend on the key. Not found: longer keys, ciphers, what is packed.

mod encoded;
mod key;
mod quad;
mod scan;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use self::key::Key;
use crate::read::index;

/// So many texts of one file are kept.
const MOST: usize = 2000;

/// What is hidden in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// In the order of their places.
    pub texts: Vec<HiddenText>,
    /// Whether not all of the file was looked at because there is too much that looks hidden.
    pub cut: bool,
}

/// A text that does not stand in clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenText {
    /// Where it stands in the file, in bytes from its start.
    pub offset: u64,
    /// How it is hidden.
    pub hiding: Hiding,
    /// The text. Of an address, `?` stands for digits that the bytes leave open.
    pub text: Vec<u8>,
    /// Whether it is an address on the Internet and nothing else.
    pub is_address: bool,
    /// The parts of the text that may be the whole: what stands around a hidden text may look like a piece of it.
    parts: Vec<Range<usize>>,
}

/// One way to tell where a hidden text begins and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading<'t> {
    /// Where it starts in the file, in bytes from the file's start.
    pub offset: u64,
    /// How it is hidden, as told from there on.
    pub hiding: Hiding,
    /// The text.
    pub text: &'t [u8],
}

/// How a text is hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hiding {
    /// By a key that is combined with each byte.
    Key(Key),
    /// As base64.
    Base64,
    /// As hexadecimal digits.
    Digits,
}

impl Hidden {
    /// Looks for hidden texts.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hidden = scan::scan(bytes);
        encoded::scan(bytes, &mut hidden);
        hidden.texts.sort_by_key(|text| text.offset);
        hidden
    }

    /// Keeps a text, if there is room.
    fn keep(&mut self, text: HiddenText) {
        if self.texts.len() < MOST {
            self.texts.push(text);
        } else {
            self.cut = true;
        }
    }
}

impl HiddenText {
    /// What may be the whole text, the likeliest first.
    pub fn readings(&self) -> impl Iterator<Item = Reading<'_>> {
        self.parts.iter().filter_map(|part| {
            let text = self.text.get(part.clone())?;
            let start = match &self.hiding {
                Hiding::Key(key) if key.is_backwards() => self.text.len().checked_sub(part.end)?,
                Hiding::Key(_) => part.start,
                Hiding::Base64 | Hiding::Digits => 0,
            };
            let offset = self.offset.checked_add(u64::try_from(start).ok()?)?;
            let hiding = match &self.hiding {
                Hiding::Key(key) => Hiding::Key(key.from(index(offset))),
                other => other.clone(),
            };
            Some(Reading {
                offset,
                hiding,
                text,
            })
        })
    }
}

impl Hiding {
    /// Whether bytes that are no text seldom look like one that is hidden so.
    pub fn is_sure(&self) -> bool {
        match self {
            Self::Key(key) => key.is_sure(),
            Self::Base64 | Self::Digits => true,
        }
    }

    /// How many bytes its key has; 0 without one.
    pub fn key_length(&self) -> usize {
        match self {
            Self::Key(key) => key.length(),
            Self::Base64 | Self::Digits => 0,
        }
    }
}

impl fmt::Display for Hiding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(out),
            Self::Base64 => out.write_str("base64"),
            Self::Digits => out.write_str("hexadecimal digits"),
        }
    }
}

/// Whether a byte can stand in a text.
fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}
