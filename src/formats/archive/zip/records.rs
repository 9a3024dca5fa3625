//! The records of a zip archive: local headers, the directory, and what ends it.

use super::extra::Extras;
use crate::read::{Fields, index, length};

/// What stands in front of a member's bytes.
pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// What stands behind them, when the header could not state their size.
pub(super) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// A record of the directory.
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
/// What ends the directory, and the two records of zip64 in front of it.
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
pub(super) const END64: [u8; 4] = *b"PK\x06\x06";
pub(super) const LOCATOR64: [u8; 4] = *b"PK\x06\x07";

/// The lengths of the records without what is appended to them (bytes).
pub(super) const LOCAL_LEN: u64 = 30;
pub(super) const CENTRAL_LEN: u64 = 46;
const END_LEN: u64 = 22;
const END64_LEN: u64 = 56;
const LOCATOR64_LEN: u64 = 20;

/// Bits of a member's flags.
pub(super) const ENCRYPTED: u16 = 1;
pub(super) const HAS_DESCRIPTOR: u16 = 1 << 3;
pub(super) const MASKED: u16 = 1 << 13;

/// What both descriptions of a member state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    /// Length of the member's bytes as stored.
    pub(super) stored: u64,
    /// Length of its content.
    pub(super) size: u64,
}

/// The header in front of a member.
#[derive(Clone, Copy)]
pub(super) struct Local<'a> {
    /// Where it stands, in bytes from the region's start.
    pub(super) at: u64,
    pub(super) stated: Stated,
    pub(super) needed: u16,
    pub(super) name: &'a [u8],
    pub(super) extras: Extras<'a>,
    /// Where the member's bytes start.
    pub(super) body_at: u64,
}

impl<'a> Local<'a> {
    /// The header at `at`; `None` where there is none.
    pub(super) fn parse(region: &'a [u8], at: u64) -> Option<Self> {
        let fields = Fields::little(region.get(index(at)..)?);
        if fields.slice(0, 4)? != LOCAL {
            return None;
        }
        let name_len = usize::from(fields.u16(26)?);
        let extra_len = usize::from(fields.u16(28)?);
        let name_at = index(LOCAL_LEN);
        let extra_at = name_at.checked_add(name_len)?;
        let extras = Extras::new(fields.slice(extra_at, extra_len)?);
        let mut stated = Stated {
            flags: fields.u16(6)?,
            method: fields.u16(8)?,
            crc: fields.u32(14)?,
            stored: u64::from(fields.u32(18)?),
            size: u64::from(fields.u32(22)?),
        };
        extras.widen([&mut stated.size, &mut stated.stored]);
        let len = u64::try_from(extra_at.checked_add(extra_len)?).ok()?;
        Some(Self {
            at,
            stated,
            needed: fields.u16(4)?,
            name: fields.slice(name_at, name_len)?,
            extras,
            body_at: at.checked_add(len)?,
        })
    }

    /// Whether an archiver would write such a header. Four bytes of magic are not enough to believe it.
    pub(super) fn is_plausible(&self) -> bool {
        let method = matches!(self.stated.method, 0..=20 | 93..=99);
        let version = self.needed & 0xff <= 63;
        method && version && !self.name.is_empty() && !self.name.contains(&0)
    }

    /// Whether the size of its bytes stands behind them only.
    pub(super) fn is_open(&self) -> bool {
        self.stated.flags & HAS_DESCRIPTOR != 0 && self.stated.stored == 0
    }
}

/// What may stand behind a member's bytes.
#[derive(Clone, Copy)]
pub(super) struct Descriptor {
    pub(super) len: u64,
    pub(super) crc: u32,
    pub(super) size: u64,
}

impl Descriptor {
    /// The descriptor at `at` of a member of `stored` bytes; `None` where there is none for such a member. There are four
    /// forms: with and without a signature, with sizes of 4 and of 8 bytes.
    pub(super) fn parse(region: &[u8], at: u64, stored: u64) -> Option<Self> {
        let fields = Fields::little(region.get(index(at)..)?);
        let signed = if fields.slice(0, 4)? == DESCRIPTOR {
            4
        } else {
            0
        };
        let crc = fields.u32(signed)?;
        let at = signed.checked_add(4)?;
        let len = u64::try_from(at).ok()?;
        let short = (
            fields.u32(at).map(u64::from),
            fields.u32(at.checked_add(4)?),
        );
        let short = match short {
            (Some(found), Some(size)) if found == stored => Some(Self {
                len: len.checked_add(8)?,
                crc,
                size: u64::from(size),
            }),
            _ => None,
        };
        let long = match (fields.u64(at), fields.u64(at.checked_add(8)?)) {
            (Some(found), Some(size)) if found == stored => Some(Self {
                len: len.checked_add(16)?,
                crc,
                size,
            }),
            _ => None,
        };
        // Of a member without content both fit; then what follows tells.
        let is_followed = |found: &Self| {
            let after = fields.slice(index(found.len), 2);
            after == Some(b"PK")
        };
        long.filter(|found| short.is_none() || is_followed(found))
            .or(short)
    }
}

/// A record of the directory.
#[derive(Clone, Copy)]
pub(super) struct Central<'a> {
    /// Where it stands, in bytes from the region's start.
    pub(super) at: u64,
    pub(super) stated: Stated,
    /// Which system wrote it.
    pub(super) system: u8,
    pub(super) attributes: u32,
    /// Where it says that the member starts, in bytes from the archive's start.
    pub(super) local: u64,
    pub(super) disk: u16,
    pub(super) name: &'a [u8],
    pub(super) extras: Extras<'a>,
    pub(super) extra_at: u64,
    /// Where the next record starts.
    pub(super) next: u64,
}

impl<'a> Central<'a> {
    /// The record at `at`; `None` where there is none.
    pub(super) fn parse(region: &'a [u8], at: u64) -> Option<Self> {
        let fields = Fields::little(region.get(index(at)..)?);
        if fields.slice(0, 4)? != CENTRAL {
            return None;
        }
        let name_len = usize::from(fields.u16(28)?);
        let extra_len = usize::from(fields.u16(30)?);
        let comment_len = usize::from(fields.u16(32)?);
        let name_at = index(CENTRAL_LEN);
        let extra_at = name_at.checked_add(name_len)?;
        let comment_at = extra_at.checked_add(extra_len)?;
        fields.slice(comment_at, comment_len)?;
        let extras = Extras::new(fields.slice(extra_at, extra_len)?);
        let mut stated = Stated {
            flags: fields.u16(8)?,
            method: fields.u16(10)?,
            crc: fields.u32(16)?,
            stored: u64::from(fields.u32(20)?),
            size: u64::from(fields.u32(24)?),
        };
        let mut local = u64::from(fields.u32(42)?);
        extras.widen([&mut stated.size, &mut stated.stored, &mut local]);
        let next = comment_at.checked_add(comment_len)?;
        Some(Self {
            at,
            stated,
            system: fields.u8(5)?,
            attributes: fields.u32(38)?,
            local,
            disk: fields.u16(34)?,
            name: fields.slice(name_at, name_len)?,
            extras,
            extra_at: at.checked_add(u64::try_from(extra_at).ok()?)?,
            next: at.checked_add(u64::try_from(next).ok()?)?,
        })
    }
}

/// What ends a directory.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// Where the first of the records that end it stands: of zip64, if there are any.
    pub(super) first: u64,
    /// Where the last one stands.
    at: u64,
    /// How many members the directory lists.
    pub(super) count: u64,
    /// Its length in bytes.
    pub(super) dir_len: u64,
    /// Where it says that the directory starts, in bytes from the archive's start.
    pub(super) dir_at: u64,
    /// The number of this file of a split archive, and of that in which the directory starts.
    pub(super) disk: u16,
    pub(super) dir_disk: u16,
    pub(super) comment_len: u64,
    /// Whether the records of zip64 say the same, where this one says anything.
    pub(super) agrees: bool,
}

impl End {
    /// The record at `at`, with those of zip64 in front of it; `None` where there is none.
    pub(super) fn parse(region: &[u8], at: u64) -> Option<Self> {
        let fields = Fields::little(region.get(index(at)..)?);
        if fields.slice(0, 4)? != END {
            return None;
        }
        let mut end = Self {
            first: at,
            at,
            count: u64::from(fields.u16(10)?),
            dir_len: u64::from(fields.u32(12)?),
            dir_at: u64::from(fields.u32(16)?),
            disk: fields.u16(4)?,
            dir_disk: fields.u16(6)?,
            comment_len: u64::from(fields.u16(20)?),
            agrees: true,
        };
        end.widen(region);
        Some(end)
    }

    /// Takes what the records of zip64 say, if they are there.
    fn widen(&mut self, region: &[u8]) -> Option<()> {
        let locator = self.at.checked_sub(LOCATOR64_LEN)?;
        let found = Fields::little(region.get(index(locator)..)?);
        let record = locator.checked_sub(END64_LEN)?;
        let fields = Fields::little(region.get(index(record)..)?);
        let is_there = found.slice(0, 4)? == LOCATOR64 && fields.slice(0, 4)? == END64;
        if is_there {
            let unsaid = [u16::MAX.into(), u32::MAX.into(), u32::MAX.into()];
            let narrow = [self.count, self.dir_len, self.dir_at];
            self.first = record;
            self.count = fields.u64(32)?;
            self.dir_len = fields.u64(40)?;
            self.dir_at = fields.u64(48)?;
            let wide = [self.count, self.dir_len, self.dir_at];
            let mut fields = narrow.iter().zip(wide).zip(unsaid);
            self.agrees = fields.all(|((&narrow, wide), unsaid): ((&u64, u64), u64)| {
                narrow == unsaid || narrow == wide
            });
        }
        Some(())
    }

    /// Where it ends with its comment.
    pub(super) fn len(&self) -> u64 {
        self.comment_at().saturating_add(self.comment_len)
    }

    pub(super) fn comment_at(&self) -> u64 {
        self.at.saturating_add(END_LEN)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0 && self.dir_len == 0 && self.dir_at == 0
    }
}

/// A directory, and how its offsets relate to the region.
#[derive(Clone, Copy)]
pub(super) struct Directory {
    pub(super) end: End,
    /// Where it starts, in bytes from the region's start.
    pub(super) at: u64,
    /// What its offsets are to be increased by. They count from the start of a file that may begin with something else.
    pub(super) base: i64,
}

impl Directory {
    /// The directory that `end` ends; `None` where there is none.
    pub(super) fn locate(region: &[u8], end: End) -> Option<Self> {
        let behind = end.first.checked_sub(end.dir_len);
        let stands = |at: &u64| end.count == 0 || Central::parse(region, *at).is_some();
        let at = behind
            .filter(stands)
            .or_else(|| Some(end.dir_at).filter(stands))?;
        let base = i64::try_from(at)
            .ok()?
            .checked_sub(i64::try_from(end.dir_at).ok()?)?;
        Some(Self { end, at, base })
    }

    /// Its records, as many as there are one behind another.
    pub(super) fn records<'a>(&self, region: &'a [u8]) -> impl Iterator<Item = Central<'a>> {
        let mut at = self.at;
        let end = self.end.first;
        std::iter::from_fn(move || {
            let record = Central::parse(region, at).filter(|record| record.next <= end)?;
            at = record.next;
            Some(record)
        })
    }

    /// Where a member starts, in bytes from the region's start; `None` where that is in front of it.
    pub(super) fn place(&self, local: u64) -> Option<u64> {
        local.checked_add_signed(self.base)
    }
}

/// The longest stretch between two members that is searched for the next one (16 MiB).
const STRETCH: u64 = 16 << 20;

/// The next place at or behind `from` where a record starts that can be believed.
pub(super) fn next_record(region: &[u8], from: u64) -> Option<u64> {
    let window = region.get(index(from)..)?;
    let window = window.get(..index(STRETCH)).unwrap_or(window);
    memchr::memmem::find_iter(window, b"PK")
        .filter_map(|at| from.checked_add(u64::try_from(at).ok()?))
        .find(|&at| is_record(region, at))
}

fn is_record(region: &[u8], at: u64) -> bool {
    let bytes = region.get(index(at)..).unwrap_or_default();
    match bytes.first_chunk::<4>() {
        Some(&LOCAL) => Local::parse(region, at).is_some_and(|local| local.is_plausible()),
        Some(&CENTRAL) => Central::parse(region, at).is_some(),
        Some(&(END | END64)) => length(bytes) >= END_LEN,
        _ => false,
    }
}
