//! A name as a binary stores it: bytes that need not be text.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a symbol, library, section or interpreter, as stored and without its closing NUL.
///
/// As text, a byte that is not part of valid UTF-8 stands as `\xHH` and a backslash as `\\`, so that every name
/// can be read back. Control characters stay: escaping them for a reader is the renderers' work.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Vec<u8>);

impl Name {
    /// The name that these bytes are.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for (count, plain) in chunk.valid().split('\\').enumerate() {
                if count > 0 {
                    out.write_str("\\\\")?;
                }
                out.write_str(plain)?;
            }
            for byte in chunk.invalid() {
                write!(out, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_char('"')?;
        fmt::Display::fmt(self, out)?;
        out.write_char('"')
    }
}

/// A backslash that starts neither `\\` nor `\xHH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in a name a backslash is written `\\\\` and a byte `\\xHH`")]
pub struct BadEscape;

impl FromStr for Name {
    type Err = BadEscape;

    fn from_str(text: &str) -> Result<Self, BadEscape> {
        let mut parts = text.split('\\');
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        while let Some(part) = parts.next() {
            if part.is_empty() {
                let plain = parts.next().ok_or(BadEscape)?;
                bytes.push(b'\\');
                bytes.extend_from_slice(plain.as_bytes());
            } else {
                let (digits, plain) = part
                    .strip_prefix('x')
                    .and_then(|part| part.split_at_checked(2))
                    .filter(|(digits, _)| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                    .ok_or(BadEscape)?;
                bytes.push(u8::from_str_radix(digits, 16).or(Err(BadEscape))?);
                bytes.extend_from_slice(plain.as_bytes());
            }
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for bytes in [
            &b""[..],
            b"libc.so.6",
            b"a\\b",
            b"\\\\",
            b"\\x41",
            b"\xff\xfe caf\xc3\xa9\x80",
            b"\\",
        ] {
            let name = Name::new(bytes);
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert_eq!(Name::new(*b"\xffa\\").to_string(), "\\xffa\\\\");
        for bad in ["\\", "a\\q", "\\x4", "\\xg0", "\\x+1", "\\x\u{e9}"] {
            assert_eq!(bad.parse::<Name>(), Err(BadEscape), "{bad}");
        }
    }
}
