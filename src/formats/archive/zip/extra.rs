//! The extra fields of a member: sizes of 8 bytes, times, owners, names in Unicode.

use crate::read::{Fields, index, length};

const ZIP64: u16 = 0x0001;
const NTFS: u16 = 0x000a;
const UNICODE_PATH: u16 = 0x7075;
const TIMES: u16 = 0x5455;
/// The older forms of Info-ZIP: times with owners of 2 bytes, and owners alone.
const TIMES_OLD: u16 = 0x5855;
const OWNERS_OLD: u16 = 0x7855;
const OWNERS: u16 = 0x7875;
const AES: u16 = 0x9901;

/// The extra fields of one record, as they are stored.
#[derive(Clone, Copy)]
pub(super) struct Extras<'a>(&'a [u8]);

/// One extra field.
pub(super) struct Extra<'a> {
    id: u16,
    /// Where it stands, from the first one's start (bytes).
    pub(super) at: u64,
    data: &'a [u8],
}

impl<'a> Extras<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The fields, as far as they hold together.
    pub(super) fn iter(self) -> impl Iterator<Item = Extra<'a>> {
        let fields = Fields::little(self.0);
        let mut at = 0_usize;
        std::iter::from_fn(move || {
            let id = fields.u16(at)?;
            let data_at = at.checked_add(4)?;
            let len = usize::from(fields.u16(at.checked_add(2)?)?);
            let extra = Extra {
                id,
                at: u64::try_from(at).ok()?,
                data: fields.slice(data_at, len)?,
            };
            at = data_at.checked_add(len)?;
            Some(extra)
        })
    }

    fn find(self, id: u16) -> Option<Fields<'a>> {
        let found = self.iter().find(|extra| extra.id == id);
        found.map(|extra| Fields::little(extra.data))
    }

    /// Replaces those of some numbers that say that they did not fit in 4 bytes, in the order in which zip64 lists them.
    pub(super) fn widen<const N: usize>(self, numbers: [&mut u64; N]) {
        let Some(fields) = self.find(ZIP64) else {
            return;
        };
        let mut at = 0_usize;
        for number in numbers {
            if *number == u64::from(u32::MAX)
                && let Some(wide) = fields.u64(at)
            {
                *number = wide;
                at = at.saturating_add(8);
            }
        }
    }

    /// Seconds since 1970.
    pub(super) fn mtime(self) -> Option<i64> {
        if let Some(fields) = self.find(TIMES)
            && fields.u8(0)? & 1 != 0
        {
            return fields.u32(1).map(seconds);
        }
        if let Some(seconds) = self.find(TIMES_OLD).and_then(|fields| fields.u32(4)) {
            return Some(self::seconds(seconds));
        }
        // Tag 1 of the NTFS field: in units of 100 ns since 1601.
        let fields = self.find(NTFS)?;
        let is_times = fields.u16(4)? == 1 && fields.u16(6)? >= 24;
        let ticks = i64::try_from(fields.u64(8)?).ok()?;
        is_times.then(|| (ticks / 10_000_000).saturating_sub(11_644_473_600))
    }

    /// The numbers of the owner and the group.
    pub(super) fn owners(self) -> Option<(u32, u32)> {
        if let Some(fields) = self.find(OWNERS) {
            let uid_len = usize::from(fields.u8(1)?);
            let gid_at = uid_len.checked_add(2)?;
            let gid_len = usize::from(fields.u8(gid_at)?);
            let uid = small(fields.slice(2, uid_len)?)?;
            let gid = small(fields.slice(gid_at.checked_add(1)?, gid_len)?)?;
            return (fields.u8(0)? == 1).then_some((uid, gid));
        }
        let (fields, at): (_, usize) = match self.find(OWNERS_OLD) {
            Some(fields) => (fields, 0),
            None => (self.find(TIMES_OLD)?, 8),
        };
        let gid = fields.u16(at.checked_add(2)?)?;
        Some((u32::from(fields.u16(at)?), u32::from(gid)))
    }

    /// The name in UTF-8, when it was made for a header with this `name`.
    pub(super) fn unicode_path(self, name: &[u8]) -> Option<&'a [u8]> {
        let fields = self.find(UNICODE_PATH)?;
        let fits = fields.u8(0)? == 1 && fields.u32(1)? == crc32fast::hash(name);
        fits.then(|| fields.tail(5)).flatten()
    }

    /// The strength of the key in bits and the method under the encryption, for members encrypted with AES.
    pub(super) fn aes(self) -> Option<(u16, u16)> {
        let fields = self.find(AES)?;
        let bits = u16::from(fields.u8(4)?).checked_mul(64)?.checked_add(64)?;
        Some((bits, fields.u16(5)?))
    }

    /// Where the known fields end and something else begins: bytes that belong to no field.
    pub(super) fn loose(self) -> u64 {
        let last = self.iter().last();
        last.map_or(0, |last| last.at.saturating_add(last.len()))
    }

    /// The bytes of all fields.
    pub(super) fn len(self) -> u64 {
        length(self.0)
    }
}

impl Extra<'_> {
    /// Its length with its head (bytes).
    pub(super) fn len(&self) -> u64 {
        length(self.data).saturating_add(4)
    }

    /// Whether it is of a kind whose data means something to a reader.
    pub(super) fn is_known(&self) -> bool {
        let most = match self.id {
            ZIP64 => 28,
            NTFS => 32,
            TIMES => 13,
            TIMES_OLD | OWNERS => 12,
            OWNERS_OLD => 4,
            AES => 7,
            UNICODE_PATH => 1024,
            _ => return false,
        };
        self.data.len() <= index(most)
    }
}

/// A time of 4 bytes, which may lie before 1970.
fn seconds(stored: u32) -> i64 {
    i64::from(i32::from_le_bytes(stored.to_le_bytes()))
}

/// A little-endian number of up to 4 bytes, or of more that are zero.
fn small(bytes: &[u8]) -> Option<u32> {
    let (low, high) = bytes.split_at_checked(4).unwrap_or((bytes, &[]));
    let number = low
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u32::from(byte));
    (!bytes.is_empty() && high.iter().all(|&byte| byte == 0)).then_some(number)
}
