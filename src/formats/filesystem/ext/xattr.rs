//! Tables of extended attributes, as they stand behind an inode or in a block of their own.

use std::ops::Range;

use crate::read::Fields;

/// Bytes of an attribute before its name.
const ENTRY: usize = 16;

/// A table of attributes.
#[derive(Default)]
pub(super) struct Table {
    /// Its attributes, as stored.
    pub(super) attributes: Vec<Attribute>,
    /// The bytes that say something, as ranges of what was parsed.
    pub(super) used: Vec<Range<usize>>,
    /// Whether it ends in something that is no attribute.
    pub(super) broken: bool,
}

/// One attribute.
pub(super) struct Attribute {
    /// Which prefix its name has.
    pub(super) prefix: u8,
    /// Its name without the prefix, as a range of what was parsed.
    pub(super) name: Range<usize>,
    /// Its value.
    pub(super) value: Value,
}

/// Where a value is.
pub(super) enum Value {
    /// Beside the table: a range of what was parsed.
    Here(Range<usize>),
    /// The content of an inode.
    Inode {
        /// The inode's number.
        number: u32,
        /// Its size in bytes.
        size: u64,
    },
}

impl Table {
    /// Reads the table that starts at `first` in `raw`; values are counted from `base`.
    pub(super) fn parse(raw: &[u8], first: usize, base: usize) -> Self {
        let mut table = Self::default();
        let mut at = first;
        // The table ends with four zeros, or where there is no room for them.
        while Fields::little(raw).u32(at).is_some_and(|start| start != 0) {
            let Some((attribute, next)) = Attribute::parse(raw, at, base) else {
                table.broken = true;
                break;
            };
            if let Value::Here(range) = &attribute.value
                && !range.is_empty()
            {
                let padded = range.end.next_multiple_of(4).min(raw.len());
                table.used.push(range.start..padded);
            }
            table.attributes.push(attribute);
            at = next;
        }
        table.used.push(first..at.saturating_add(4).min(raw.len()));
        table
    }
}

impl Attribute {
    fn parse(raw: &[u8], at: usize, base: usize) -> Option<(Self, usize)> {
        let fields = Fields::little(raw.get(at..)?);
        let name_at = at.checked_add(ENTRY)?;
        let name = name_at..name_at.checked_add(usize::from(fields.u8(0)?))?;
        raw.get(name.clone())?;
        let size = fields.u32(8)?;
        let value = match fields.u32(4)? {
            0 => {
                let start = base.checked_add(usize::from(fields.u16(2)?))?;
                let end = start.checked_add(usize::try_from(size).ok()?)?;
                let range = if size == 0 { 0..0 } else { start..end };
                raw.get(range.clone())?;
                Value::Here(range)
            }
            number => Value::Inode {
                number,
                size: u64::from(size),
            },
        };
        let next = name.end.checked_next_multiple_of(4)?;
        let prefix = fields.u8(1)?;
        Some((
            Self {
                prefix,
                name,
                value,
            },
            next,
        ))
    }
}

/// The full name of an attribute; `None` for those that the kernel keeps to itself.
pub(super) fn full_name(prefix: u8, name: &[u8]) -> Option<Vec<u8>> {
    let prefix: &[u8] = match prefix {
        1 => b"user.",
        2 if name.is_empty() => b"system.posix_acl_access",
        3 if name.is_empty() => b"system.posix_acl_default",
        4 => b"trusted.",
        5 => b"lustre.",
        6 => b"security.",
        7 if name != b"data" => b"system.",
        8 if name.is_empty() => b"system.richacl",
        10 => b"gnu.",
        _ => return None,
    };
    Some([prefix, name].concat())
}

/// Whether an attribute is the file system's own: the rest of an inline content, or the key of an encrypted one.
pub(super) fn is_internal(prefix: u8, name: &[u8]) -> bool {
    matches!((prefix, name), (7, b"data") | (9, b"c"))
}

/// A POSIX access list in the form that the system call returns. On disk it is shorter; what is no such list stays as it is.
pub(super) fn access_list(stored: &[u8]) -> Vec<u8> {
    expand(stored).unwrap_or_else(|| stored.to_vec())
}

fn expand(stored: &[u8]) -> Option<Vec<u8>> {
    let fields = Fields::little(stored);
    if fields.u32(0)? != 1 {
        return None;
    }
    let mut list = 2_u32.to_le_bytes().to_vec();
    let mut at: usize = 4;
    while at < stored.len() {
        let named = matches!(fields.u16(at)?, 0x2 | 0x8);
        list.extend_from_slice(fields.slice(at, 4)?);
        at = at.checked_add(4)?;
        if named {
            list.extend_from_slice(fields.slice(at, 4)?);
            at = at.checked_add(4)?;
        } else {
            list.extend_from_slice(&[0xff; 4]);
        }
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_list_gets_its_long_form() {
        let stored = [
            1, 0, 0, 0, 1, 0, 6, 0, 2, 0, 4, 0, 0xe8, 3, 0, 0, 0x20, 0, 0, 0,
        ];
        let long = access_list(&stored);
        assert_eq!(long.len(), 4 + 3 * 8);
        assert_eq!(long[..4], [2, 0, 0, 0]);
        assert_eq!(long[8..12], [0xff; 4]);
        assert_eq!(long[16..20], [0xe8, 3, 0, 0]);
        assert_eq!(access_list(&stored[..13]), stored[..13]);
        assert_eq!(access_list(b"other"), b"other");
    }

    #[test]
    fn a_value_out_of_bounds_breaks_the_table() {
        let mut raw = vec![0; 64];
        raw[..16].copy_from_slice(&[1, 1, 60, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
        assert!(!Table::parse(&raw, 0, 0).broken);
        raw[8] = 5;
        assert!(Table::parse(&raw, 0, 0).broken);
    }
}
