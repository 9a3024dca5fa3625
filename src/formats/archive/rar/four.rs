//! The headers of RAR 4.

use bytes::Bytes;

use super::{Header, Item, ItemKind, What};
use crate::read::{Fields, index};

/// What starts an archive.
pub(super) const MAGIC: [u8; 7] = [b'R', b'a', b'r', b'!', 0x1a, 7, 0];

const ARCHIVE: u8 = 0x73;
const FILE: u8 = 0x74;
const END: u8 = 0x7b;

/// A flag of all headers: a length of what belongs to it follows.
const HAS_DATA: u16 = 0x8000;
/// A flag of an archive: its headers are encrypted.
const ENCRYPTED_HEADERS: u16 = 0x80;
/// Flags of a file.
const SPLIT: u16 = 3;
const ENCRYPTED: u16 = 4;
const LARGE: u16 = 0x100;
const UNICODE: u16 = 0x200;
const DIRECTORY: u16 = 0xe0;

const UNIX: u8 = 3;
const STORED: u8 = 0x30;
const KINDS: u32 = 0o170_000;
const DIR: u32 = 0o040_000;
const SYMLINK: u32 = 0o120_000;

/// The header at `at`; `None` where there is none whose CRC is right.
pub(super) fn header(region: &Bytes, at: u64) -> Option<Header> {
    let fields = Fields::little(region.get(index(at)..)?);
    let (kind, flags, len) = (fields.u8(2)?, fields.u16(3)?, usize::from(fields.u16(5)?));
    let bytes = fields.slice(0, len)?;
    let crc = crc32fast::hash(bytes.get(2..)?) & 0xffff;
    if !(0x72..=0x7b).contains(&kind) || crc != u32::from(fields.u16(0)?) {
        return None;
    }
    let fields = Fields::little(bytes);
    let mut data_len = if flags & HAS_DATA != 0 || kind == FILE {
        u64::from(fields.u32(7)?)
    } else {
        0
    };
    let what = match kind {
        ARCHIVE if flags & ENCRYPTED_HEADERS != 0 => What::Encryption,
        END => What::End,
        FILE => {
            let (item, high) = file(&fields, flags)?;
            data_len |= high << 32;
            What::File(Box::new(item))
        }
        _ => What::Other,
    };
    Some(Header {
        at,
        data_at: at.checked_add(u64::try_from(len).ok()?)?,
        data_len,
        what,
    })
}

/// A file, and the high half of the length of its stored bytes.
fn file(fields: &Fields<'_>, flags: u16) -> Option<(Item, u64)> {
    let mut size = u64::from(fields.u32(11)?);
    let (system, crc) = (fields.u8(15)?, fields.u32(16)?);
    let (version, method) = (fields.u8(24)?, fields.u8(25)?);
    let name_len = usize::from(fields.u16(26)?);
    let attributes = fields.u32(28)?;
    let (mut name_at, mut high) = (32, 0);
    if flags & LARGE != 0 {
        high = u64::from(fields.u32(32)?);
        size |= u64::from(fields.u32(36)?) << 32;
        name_at = 40;
    }
    let stored = fields.slice(name_at, name_len)?;
    // Behind a zero the name stands once more, in a coding of its own.
    let mut name = stored;
    if flags & UNICODE != 0 {
        name = stored.split(|&byte| byte == 0).next()?;
    }
    let name = name.iter().map(|&byte| {
        if byte == b'\\' && system != UNIX {
            b'/'
        } else {
            byte
        }
    });
    let mode = (system == UNIX).then_some(attributes);
    let kind = match mode.unwrap_or_default() & KINDS {
        SYMLINK => ItemKind::Symlink(None),
        DIR => ItemKind::Dir,
        _ if flags & DIRECTORY == DIRECTORY => ItemKind::Dir,
        _ => ItemKind::File,
    };
    let method = (method != STORED).then(|| format!("method {method:#x} of version {version}"));
    let item = Item {
        name: name.collect(),
        size,
        crc: Some(crc),
        method,
        encrypted: flags & ENCRYPTED != 0,
        split: flags & SPLIT != 0,
        kind,
        mode,
        mtime: None,
    };
    Some((item, high))
}
