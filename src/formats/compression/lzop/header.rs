//! The header of an lzop file, and the checksums that it chooses.

use simd_adler32::adler32;

use crate::formats::Properties;
use crate::read::{Fields, length};

/// What starts a file.
pub(super) const MAGIC: [u8; 9] = [0x89, b'L', b'Z', b'O', 0, 0x0d, 0x0a, 0x1a, 0x0a];

const ADLER_CONTENT: u32 = 1;
const ADLER_STORED: u32 = 1 << 1;
const EXTRA: u32 = 1 << 6;
const CRC_CONTENT: u32 = 1 << 8;
const CRC_STORED: u32 = 1 << 9;
const FILTER: u32 = 1 << 11;
const CRC_HEADER: u32 = 1 << 12;

/// A file's header.
pub(super) struct Header {
    /// Its length in bytes, with the magic and without the extra field.
    pub(super) len: u64,
    /// The length of the extra field's data, if there is one.
    pub(super) extra: Option<u64>,
    pub(super) method: u8,
    /// How the content was changed before it was compressed; 0 for not at all.
    pub(super) filter: u32,
    pub(super) sums: Sums,
    /// Whether its checksum is right, and that of the extra field.
    pub(super) sound: bool,
    mode: u32,
    /// In seconds since 1970.
    mtime: u64,
    name: Vec<u8>,
}

/// Which checksums blocks have.
#[derive(Clone, Copy)]
pub(super) struct Sums(u32);

/// The checksums of some bytes.
#[derive(Default)]
pub(super) struct Stored {
    adler: Option<u32>,
    crc: Option<u32>,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::big(bytes);
        let version = fields.u16(9)?;
        if fields.slice(0, 9)? != MAGIC || !(0x0900..0x2000).contains(&version) {
            return None;
        }
        let new = version >= 0x0940;
        // Behind the version and that of the library: the version needed, if there is one.
        let mut at = if new { 15 } else { 13 };
        let method = take_u8(&fields, &mut at)?;
        if new {
            take_u8(&fields, &mut at)?;
        }
        let flags = take_u32(&fields, &mut at)?;
        let has = |bit: u32| flags & bit != 0;
        let filter = if has(FILTER) {
            take_u32(&fields, &mut at)?
        } else {
            0
        };
        let mode = take_u32(&fields, &mut at)?;
        let mut mtime = u64::from(take_u32(&fields, &mut at)?);
        if new {
            mtime |= u64::from(take_u32(&fields, &mut at)?) << 32;
        }
        let name_len = usize::from(take_u8(&fields, &mut at)?);
        let name = fields.slice(at, name_len)?.to_vec();
        at = at.checked_add(name_len)?;
        let sum = |bytes: &[u8]| {
            if has(CRC_HEADER) {
                crc32fast::hash(bytes)
            } else {
                adler32(&bytes)
            }
        };
        let mut sound = sum(bytes.get(9..at)?) == take_u32(&fields, &mut at)?;
        let len = length(bytes.get(..at)?);
        let mut extra = None;
        if has(EXTRA) {
            let start = at;
            let data = usize::try_from(take_u32(&fields, &mut at)?).ok()?;
            let end = at.checked_add(data)?;
            sound &= fields.u32(end)? == sum(bytes.get(start..end)?);
            extra = Some(u64::try_from(data).ok()?);
        }
        Some(Self {
            len,
            extra,
            method,
            filter,
            sums: Sums(flags),
            sound,
            mode,
            mtime,
            name,
        })
    }

    /// Whether the method and the filter are known.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.method, 1..=3) && self.filter <= 16
    }

    /// Undoes the filter: each byte was stored as the difference to the one `filter` bytes before it.
    pub(super) fn restore(&self, block: &mut [u8]) {
        let Ok(distance @ 1..) = usize::try_from(self.filter) else {
            return;
        };
        for at in distance..block.len() {
            let before = at
                .checked_sub(distance)
                .and_then(|before| block.get(before));
            let before = before.copied().unwrap_or_default();
            if let Some(byte) = block.get_mut(at) {
                *byte = byte.wrapping_add(before);
            }
        }
    }

    /// What the header says of the file that was packed.
    pub(super) fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        if !self.name.is_empty() {
            properties.set("name", self.name.clone());
        }
        if self.mode != 0 {
            properties.set("mode", format!("{:04o}", self.mode & 0o7777));
        }
        if self.mtime != 0 {
            properties.set("mtime", self.mtime.to_string());
        }
        properties
    }
}

impl Sums {
    /// Whether there is any of what blocks hold.
    pub(super) fn of_content(self) -> bool {
        self.0 & (ADLER_CONTENT | CRC_CONTENT) != 0
    }

    /// Those of what a block holds.
    pub(super) fn content(self, fields: &Fields<'_>, at: &mut usize) -> Option<Stored> {
        self.read(fields, at, ADLER_CONTENT, CRC_CONTENT)
    }

    /// Those of a block as it is stored.
    pub(super) fn stored(self, fields: &Fields<'_>, at: &mut usize) -> Option<Stored> {
        self.read(fields, at, ADLER_STORED, CRC_STORED)
    }

    fn read(self, fields: &Fields<'_>, at: &mut usize, adler: u32, crc: u32) -> Option<Stored> {
        let mut stored = Stored::default();
        if self.0 & adler != 0 {
            stored.adler = Some(take_u32(fields, at)?);
        }
        if self.0 & crc != 0 {
            stored.crc = Some(take_u32(fields, at)?);
        }
        Some(stored)
    }
}

impl Stored {
    /// Whether they are those of `bytes`.
    pub(super) fn fit(&self, bytes: &[u8]) -> bool {
        self.adler.is_none_or(|adler| adler == adler32(&bytes))
            && self.crc.is_none_or(|crc| crc == crc32fast::hash(bytes))
    }
}

fn take_u8(fields: &Fields<'_>, at: &mut usize) -> Option<u8> {
    let value = fields.u8(*at)?;
    *at = at.checked_add(1)?;
    Some(value)
}

fn take_u32(fields: &Fields<'_>, at: &mut usize) -> Option<u32> {
    let value = fields.u32(*at)?;
    *at = at.checked_add(4)?;
    Some(value)
}
