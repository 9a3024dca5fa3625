//! The headers of RAR 5.

use bytes::Bytes;

use super::{Header, Item, ItemKind, What};
use crate::read::{Fields, index, length};

/// What starts an archive.
pub(super) const MAGIC: [u8; 8] = [b'R', b'a', b'r', b'!', 0x1a, 7, 1, 0];

/// Types of headers.
const FILE: u64 = 2;
const ENCRYPTION: u64 = 4;
const END: u64 = 5;

/// Flags of all headers.
const HAS_EXTRA: u64 = 1;
const HAS_DATA: u64 = 2;
const SPLIT: u64 = 0x18;

/// Flags of a file.
const IS_DIR: u64 = 1;
const HAS_TIME: u64 = 2;
const HAS_CRC: u64 = 4;

/// Records of the extra area of a file.
const ENCRYPTED: u64 = 1;
const TIMES: u64 = 3;
const REDIRECTION: u64 = 5;

/// The longest header, as the specification has it (2 MiB).
const LARGEST: u64 = 2 << 20;

/// The system that wrote a file is a Unix.
const UNIX: u64 = 1;

/// The unread rest of a header.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(index(len))?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Fields::little(self.take(4)?).u32(0)
    }

    /// A number of 7 bits a byte, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut number: u64 = 0;
        for shift in (0..70).step_by(7) {
            let byte = *self.take(1)?.first()?;
            let part = u64::from(byte & 0x7f);
            number |= part.checked_shl(shift).unwrap_or_default();
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

/// The header at `at`; `None` where there is none whose CRC-32 is right.
pub(super) fn header(region: &Bytes, at: u64) -> Option<Header> {
    let bytes = region.get(index(at)..)?;
    let mut reader = Reader(bytes);
    let crc = reader.u32()?;
    let before = length(reader.0);
    let size = reader
        .number()
        .filter(|size| (1..=LARGEST).contains(size))?;
    let size_len = before.checked_sub(length(reader.0))?;
    let len = size_len.checked_add(size)?;
    let checked = bytes.get(4..index(len.checked_add(4)?))?;
    if crc32fast::hash(checked) != crc {
        return None;
    }
    let mut reader = Reader(checked.get(index(size_len)..)?);
    let (kind, flags) = (reader.number()?, reader.number()?);
    let extra_len = if flags & HAS_EXTRA != 0 {
        reader.number()?
    } else {
        0
    };
    let data_len = if flags & HAS_DATA != 0 {
        reader.number()?
    } else {
        0
    };
    let what = match kind {
        FILE => What::File(Box::new(file(&mut reader, flags, extra_len)?)),
        ENCRYPTION => What::Encryption,
        END => What::End,
        _ => What::Other,
    };
    Some(Header {
        at,
        data_at: at.checked_add(4)?.checked_add(len)?,
        data_len,
        what,
    })
}

fn file(reader: &mut Reader<'_>, header_flags: u64, extra_len: u64) -> Option<Item> {
    let flags = reader.number()?;
    let size = reader.number()?;
    let attributes = reader.number()?;
    let mut mtime = None;
    if flags & HAS_TIME != 0 {
        mtime = Some(i64::from(reader.u32()?));
    }
    let mut crc = None;
    if flags & HAS_CRC != 0 {
        crc = Some(reader.u32()?);
    }
    let compression = reader.number()?;
    let system = reader.number()?;
    let name_len = reader.number()?;
    let name = reader.take(name_len)?.to_vec();
    let method = compression >> 7 & 7;
    let mut item = Item {
        name,
        size,
        crc,
        method: (method != 0).then(|| {
            let version = compression & 0x3f;
            format!("method {method} of algorithm {version}")
        }),
        encrypted: false,
        split: header_flags & SPLIT != 0,
        kind: if flags & IS_DIR != 0 {
            ItemKind::Dir
        } else {
            ItemKind::File
        },
        mode: (system == UNIX).then(|| u32::try_from(attributes).unwrap_or_default()),
        mtime,
    };
    // The extra area is the end of the header.
    let skipped = length(reader.0).checked_sub(extra_len)?;
    reader.take(skipped)?;
    while !reader.0.is_empty() {
        let len = reader.number()?;
        let mut record = Reader(reader.take(len)?);
        match record.number()? {
            ENCRYPTED => item.encrypted = true,
            REDIRECTION => redirect(&mut record, &mut item)?,
            TIMES => times(&mut record, &mut item),
            _ => {}
        }
    }
    Some(item)
}

/// What a file is instead of one: a link of Unix is 1. Hard links and copies name a file of the archive.
fn redirect(record: &mut Reader<'_>, item: &mut Item) -> Option<()> {
    let kind = record.number()?;
    record.number()?;
    let len = record.number()?;
    let target = record.take(len)?.to_vec();
    if kind == 1 {
        item.kind = ItemKind::Symlink(Some(target));
    } else {
        item.method = Some(format!("a reference (kind {kind}) to another file"));
    }
    Some(())
}

/// The modification time, when it is one of Unix: seconds since 1970.
fn times(record: &mut Reader<'_>, item: &mut Item) {
    let flags = record.number().unwrap_or_default();
    if flags & 3 == 3 {
        item.mtime = record.u32().map(i64::from).or(item.mtime);
    }
}
