//! The text of an extent of a directory: one name, and what it names.

use super::volume::{Pointer, Version};
use crate::entry::Meta;
use crate::read::{Endian, Fields, length};

/// A bit of the status of an entry, and of what it says of a file, in version 2.
const NO_STAT: u16 = 0x0001;
const NO_COMPRESSION: u16 = 0x0001;

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) name: Vec<u8>,
    /// The first extent of its content.
    pub(super) first: Pointer,
    /// Type and permissions; none where nothing says so.
    pub(super) mode: Option<u32>,
    pub(super) meta: Meta,
    /// Whether version 2 says that blocks of the content are compressed.
    pub(super) compressed: bool,
    /// How many bytes it takes.
    pub(super) len: u64,
}

impl Record {
    pub(super) fn is_directory(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o170_000 == 0o040_000)
    }

    /// The entry in `text`, if it is one.
    pub(super) fn parse(text: &[u8], version: Version, endian: Endian) -> Option<Self> {
        let fields = Fields::new(text, endian);
        let (size, name_at, first, count) = match version {
            Version::Two => (fields.u16(2)?, 12, 4, fields.u8(9)?),
            Version::Three => (fields.u16(0)?, 8, 4, fields.u8(3)?),
        };
        if usize::from(size) != name_at {
            return None;
        }
        let name = fields.slice(name_at, count.into())?;
        let end = memchr::memchr(0, name).unwrap_or(name.len());
        let stat_at = usize::from(count)
            .checked_next_multiple_of(4)?
            .checked_add(name_at)?;
        let stat = Fields::new(text.get(stat_at..).unwrap_or_default(), endian);
        let bare = version == Version::Two && fields.u16(0)? & NO_STAT != 0;
        let known = match version {
            _ if bare => None,
            Version::Two => (stat.u16(2) == Some(24)).then(|| stat.u32(20))?,
            Version::Three => (stat.u16(0) == Some(20)).then(|| stat.u16(2).map(u32::from))?,
        };
        if known.is_none() && !bare {
            return None;
        }
        let number = |at| stat.u32(at).filter(|_| known.is_some());
        let stat_len = match (version, known) {
            (_, None) => 0,
            (Version::Two, _) => 24,
            (Version::Three, _) => 20,
        };
        Some(Self {
            name: name.get(..end)?.to_vec(),
            first: Pointer::parse(&fields, first)?,
            mode: known,
            meta: Meta {
                mode: known.map(|mode| mode & 0o7777),
                uid: number(4),
                gid: number(8),
                mtime: number(12).map(i64::from),
                ..Meta::default()
            },
            compressed: version == Version::Two
                && known.is_some()
                && stat.u16(0)? & NO_COMPRESSION == 0,
            len: length(text.get(..stat_at.checked_add(stat_len)?)?),
        })
    }
}
