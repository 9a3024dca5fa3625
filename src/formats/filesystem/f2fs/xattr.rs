//! Extended attributes: first those in the inode, then those in a node of their own, read as if they were one piece.

use std::collections::BTreeMap;

use crate::read::Fields;

/// The length of the header of the whole, in bytes, and what it starts with.
const HEADER: usize = 24;
const MAGIC: u32 = 0xf2f5_2011;

/// What was found.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) found: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Whether an access control list is among them, whose form is not read.
    pub(super) lists: bool,
    /// Whether they end in something that is no attribute.
    pub(super) broken: bool,
}

pub(super) fn parse(raw: &[u8]) -> Attributes {
    let mut attributes = Attributes::default();
    let fields = Fields::little(raw);
    if fields.u32(0) != Some(MAGIC) {
        attributes.broken = fields.u32(0).is_some_and(|word| word != 0);
        return attributes;
    }
    let mut at = HEADER;
    while fields.u32(at).is_some_and(|word| word != 0) {
        let entry = || {
            let (prefix, name_len) = (fields.u8(at)?, fields.u8(at.checked_add(1)?)?);
            let value_len = fields.u16(at.checked_add(2)?)?;
            let name_at = at.checked_add(4)?;
            let name = fields.slice(name_at, name_len.into())?;
            let value_at = name_at.checked_add(name_len.into())?;
            let value = fields.slice(value_at, value_len.into())?;
            let end = value_at.checked_add(value_len.into())?;
            Some((prefix, name, value, end.checked_next_multiple_of(4)?))
        };
        let Some((prefix, name, value, next)) = entry() else {
            attributes.broken = true;
            break;
        };
        let prefix: Option<&[u8]> = match prefix {
            1 => Some(b"user."),
            4 => Some(b"trusted."),
            5 => Some(b"lustre."),
            6 => Some(b"security."),
            2 | 3 => {
                attributes.lists = true;
                None
            }
            // Hints, keys and hash trees are the file system's own.
            _ => None,
        };
        if let Some(prefix) = prefix {
            attributes
                .found
                .insert([prefix, name].concat(), value.to_vec());
        }
        at = next;
    }
    attributes
}
