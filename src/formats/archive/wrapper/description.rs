//! What somebody says of a vendor's header: TOML, every key known.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;

use super::checksum::{Checksum, Kind};
use crate::digest::{hex, unhex};
use crate::read::{Endian, cut, is_all};

/// Longest header (1 MiB).
const LONGEST_HEADER: u64 = 1 << 20;

/// The description of a wrapper.
#[derive(Clone, Debug)]
pub struct Wrapper {
    /// What reports call it.
    pub name: String,
    pub(super) magic: Signature,
    /// Bytes of the header.
    pub(super) header: u64,
    pub(super) endian: Endian,
    pub(super) length: Option<Length>,
    pub(super) checksums: Vec<Checksum>,
    pub(super) fields: Vec<Shown>,
}

/// The bytes that tell it.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub(super) at: u64,
    pub(super) bytes: Vec<u8>,
}

/// Where the length stands.
#[derive(Clone, Debug)]
pub(super) struct Length {
    pub(super) number: Number,
    pub(super) counts: Counts,
}

/// A number of 1, 2, 4 or 8 bytes at an offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    pub(super) at: u64,
    pub(super) size: u64,
}

impl Number {
    /// The number; `None` where it is not there.
    pub(super) fn read(self, bytes: &Bytes, endian: Endian) -> Option<u64> {
        let bytes = cut(bytes, self.at, self.size)?;
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match endian {
            Endian::Big => bytes.iter().fold(0, add),
            Endian::Little => bytes.iter().rev().fold(0, add),
        })
    }
}

/// What a length counts.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Counts {
    /// The bytes behind the header.
    Payload,
    /// All bytes.
    File,
}

/// What a checksum is of. Its own bytes count as zeros.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Over {
    Header,
    Payload,
    File,
}

/// A field that is shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) name: String,
    number: Number,
    form: Form,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Text,
    Number,
    Hex,
}

impl Shown {
    /// Its value as reports show it.
    pub(super) fn read(&self, bytes: &Bytes, endian: Endian) -> Option<Vec<u8>> {
        let raw = cut(bytes, self.number.at, self.number.size)?;
        Some(match self.form {
            Form::Number => self.number.read(bytes, endian)?.to_string().into_bytes(),
            Form::Hex => hex(&raw).into_bytes(),
            Form::Text => {
                let end = raw.iter().position(|&byte| byte == 0);
                let (text, padding) = raw.split_at(end.unwrap_or(raw.len()));
                // What stands behind the end of the text is shown too, or it could hide.
                let whole = !is_all(padding, 0);
                if whole { raw.to_vec() } else { text.to_vec() }
            }
        })
    }
}

/// Why a description cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// The text of a description, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    schema: u32,
    name: String,
    endian: Order,
    header: u64,
    magic: MagicText,
    length: Option<LengthText>,
    #[serde(default)]
    checksum: Vec<ChecksumText>,
    #[serde(default)]
    field: Vec<FieldText>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Big,
    Little,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MagicText {
    at: u64,
    text: Option<String>,
    hex: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LengthText {
    at: u64,
    size: u64,
    counts: Counts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChecksumText {
    at: u64,
    kind: Kind,
    over: Over,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldText {
    name: String,
    at: u64,
    size: u64,
    form: Form,
}

impl Wrapper {
    /// Reads a description.
    ///
    /// # Errors
    /// [`Malformed`], with the line where TOML or a key is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let text: Text = toml::from_slice(text).map_err(|error| Malformed(error.to_string()))?;
        let complain = |what: &str| Err(Malformed(what.to_owned()));
        if text.format != "vitalsign-wrapper" || text.schema != 1 {
            return complain("format must be \"vitalsign-wrapper\", and schema 1");
        }
        if text.header > LONGEST_HEADER {
            return complain("header: at most 1048576 bytes");
        }
        let inside =
            |at: u64, size: u64| at.checked_add(size).is_some_and(|end| end <= text.header);
        let bytes = match (&text.magic.text, &text.magic.hex) {
            (Some(text), None) => Some(text.clone().into_bytes()),
            (None, Some(digits)) => unhex(digits),
            _ => None,
        };
        let Some(bytes) = bytes.filter(|bytes| bytes.len() >= 2) else {
            return complain("magic: text, or hex in lower-case digits, of at least two bytes");
        };
        let magic = Signature {
            at: text.magic.at,
            bytes,
        };
        if !inside(magic.at, crate::read::length(&magic.bytes)) {
            return complain("magic: it must stand in the header");
        }
        let length = text.length.map(|field| Length {
            number: Number {
                at: field.at,
                size: field.size,
            },
            counts: field.counts,
        });
        if let Some(Length { number, .. }) = &length
            && !(inside(number.at, number.size) && matches!(number.size, 1 | 2 | 4 | 8))
        {
            return complain("length: 1, 2, 4 or 8 bytes in the header");
        }
        let checksums = text.checksum.iter().map(|field| Checksum {
            at: field.at,
            kind: field.kind,
            over: field.over,
        });
        let checksums: Vec<Checksum> = checksums.collect();
        if !checksums.iter().all(|it| inside(it.at, it.kind.size())) {
            return complain("checksum: it must stand in the header");
        }
        let mut fields = Vec::new();
        for field in text.field {
            let sized = match field.form {
                Form::Number => matches!(field.size, 1 | 2 | 4 | 8),
                Form::Text | Form::Hex => (1..=256).contains(&field.size),
            };
            if !sized || !inside(field.at, field.size) {
                return complain(
                    "field: 1, 2, 4 or 8 bytes of a number, up to 256 of others, in the header",
                );
            }
            fields.push(Shown {
                name: field.name,
                number: Number {
                    at: field.at,
                    size: field.size,
                },
                form: field.form,
            });
        }
        Ok(Self {
            name: text.name,
            magic,
            header: text.header,
            endian: match text.endian {
                Order::Big => Endian::Big,
                Order::Little => Endian::Little,
            },
            length,
            checksums,
            fields,
        })
    }
}
