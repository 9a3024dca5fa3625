//! Names, as the three sorts of tree store them.

use crate::read::Fields;

/// How the names of a tree are stored.
#[derive(Clone, Copy)]
pub(super) enum Names {
    /// Upper-case letters, digits and a version.
    Plain,
    /// POSIX names in the system use area, which starts so many bytes later than elsewhere.
    RockRidge(u8),
    /// UCS-2, big-endian.
    Joliet,
}

impl Names {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::RockRidge(_) => "rock-ridge",
            Self::Joliet => "joliet",
        }
    }

    /// The name that a record stores, or the one that its Rock Ridge fields tell.
    pub(super) fn read(self, stored: &[u8], told: Option<Vec<u8>>) -> Vec<u8> {
        match self {
            Self::RockRidge(_) => told.unwrap_or_else(|| without_version(stored.to_vec())),
            Self::Plain => without_version(stored.to_vec()),
            Self::Joliet => without_version(utf8(stored)),
        }
    }
}

/// A name without its version (`;1`) and without the dot of an empty extension.
fn without_version(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(at) = name.iter().rposition(|&byte| byte == b';') {
        let digits = name.get(at.saturating_add(1)..).unwrap_or_default();
        if digits.iter().all(u8::is_ascii_digit) {
            name.truncate(at);
        }
    }
    if name.last() == Some(&b'.') && name.len() > 1 && name != b".." {
        name.pop();
    }
    name
}

/// UCS-2 as UTF-8. A lone surrogate keeps its three bytes, so that no two names become one.
fn utf8(stored: &[u8]) -> Vec<u8> {
    let units = stored.chunks_exact(2);
    let units = units.filter_map(|pair| Fields::big(pair).u16(0));
    let mut name = Vec::new();
    for unit in char::decode_utf16(units) {
        match unit {
            Ok(char) => name.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let unit = lone.unpaired_surrogate().to_be_bytes();
                let (high, low) = (unit[0], unit[1]);
                name.extend([
                    0xe0 | high >> 4,
                    0x80 | (high & 0xf) << 2 | low >> 6,
                    0x80 | low & 0x3f,
                ]);
            }
        }
    }
    name
}
