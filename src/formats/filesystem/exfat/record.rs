//! Entries of a directory: records of 32 bytes, of which several in a row describe one file, with a checksum over all.

use crate::formats::filesystem::dos;
use crate::read::{Fields, index};

/// Bytes of a record.
pub(super) const RECORD: u64 = 32;
/// The bit that says that a record is in use, and the one that says that it belongs to the record before.
const IN_USE: u8 = 0x80;
const SECONDARY: u8 = 0x40;

/// What a directory holds.
pub(super) enum Item {
    /// A file or a directory.
    Set(Set),
    /// Anything else in use that stands alone: where it is, and its bytes.
    Single(u64, [u8; 32]),
    /// A record in use that belongs to none before it, or a set that is not complete.
    Stray(u64),
}

/// The records that describe one file.
pub(super) struct Set {
    /// Where each is, in bytes from the region's start.
    pub(super) records: Vec<u64>,
    /// Whether it was deleted.
    pub(super) deleted: bool,
    /// Whether its checksum holds.
    pub(super) sound: bool,
    /// What it says.
    pub(super) file: FileRecord,
}

/// What a set says of its file.
#[derive(Clone)]
pub(super) struct FileRecord {
    /// The attribute bits.
    pub(super) attributes: u16,
    /// When it was last written, in seconds since 1970.
    pub(super) mtime: Option<i64>,
    /// Its name in UTF-16.
    pub(super) name: Vec<u16>,
    /// The hash of the name in upper case.
    pub(super) hash: u16,
    /// Whether its clusters follow one another, so that the table says nothing of them.
    pub(super) contiguous: bool,
    /// Its first cluster; 0 when it has none.
    pub(super) cluster: u32,
    /// The size in bytes.
    pub(super) size: u64,
    /// So many bytes of it were written; the rest reads as zeros.
    pub(super) valid: u64,
}

/// Puts the records of a directory together, one after another.
#[derive(Default)]
pub(super) struct Reader {
    open: Vec<(u64, [u8; 32])>,
    ended: bool,
}

impl Reader {
    /// Takes in the next bytes of the directory, which stand at `at`, and hands out what is complete.
    pub(super) fn take(&mut self, bytes: &[u8], at: u64, out: &mut Vec<Item>) {
        let mut at = at;
        let (records, _) = bytes.as_chunks::<32>();
        for record in records {
            if self.ended {
                return;
            }
            self.record(at, *record, out);
            at = at.saturating_add(RECORD);
        }
    }

    fn record(&mut self, at: u64, record: [u8; 32], out: &mut Vec<Item>) {
        let [kind, ..] = record;
        if kind & SECONDARY != 0 {
            let fits = self
                .open
                .first()
                .is_some_and(|(_, [first, ..])| (first ^ kind) & IN_USE == 0);
            if fits {
                self.open.push((at, record));
                self.close_full(out);
            } else {
                self.end(out);
                if kind & IN_USE != 0 {
                    out.push(Item::Stray(at));
                }
            }
            return;
        }
        self.end(out);
        match kind & !IN_USE {
            _ if kind == 0 => self.ended = true,
            0x05 => self.open.push((at, record)),
            _ if kind & IN_USE != 0 => out.push(Item::Single(at, record)),
            _ => {}
        }
    }

    /// Says that there are no more bytes, or that something else begins.
    pub(super) fn end(&mut self, out: &mut Vec<Item>) {
        if let Some((at, [kind, ..])) = self.open.first()
            && kind & IN_USE != 0
        {
            out.push(Item::Stray(*at));
        }
        self.open.clear();
    }

    fn close_full(&mut self, out: &mut Vec<Item>) {
        let Some((at, [_, count, ..])) = self.open.first() else {
            return;
        };
        if self.open.len() <= usize::from(*count) {
            return;
        }
        let at = *at;
        match Set::parse(&self.open) {
            // What was deleted and does not hold together is no evidence of anything.
            Some(set) if set.sound || !set.deleted => out.push(Item::Set(set)),
            None if self
                .open
                .first()
                .is_some_and(|(_, [kind, ..])| kind & IN_USE != 0) =>
            {
                out.push(Item::Stray(at));
            }
            _ => {}
        }
        self.open.clear();
    }
}

impl Set {
    fn parse(records: &[(u64, [u8; 32])]) -> Option<Self> {
        let (_, first) = records.first()?;
        let (_, stream) = records.get(1)?;
        if stream.first()? | IN_USE != 0xc0 {
            return None;
        }
        let (fields, stream) = (Fields::little(first), Fields::little(stream));
        let length = usize::from(stream.u8(3)?);
        let names = records.iter().skip(2);
        let names = names.filter(|(_, [kind, ..])| kind | IN_USE == 0xc1);
        let units = names.flat_map(|(_, record)| dos::units(record.get(2..).unwrap_or_default()));
        let name: Vec<u16> = units.take(length).collect();
        if name.len() != length || name.is_empty() {
            return None;
        }
        let flags = stream.u8(1)?;
        Some(Self {
            records: records.iter().map(|&(at, _)| at).collect(),
            deleted: fields.u8(0)? & IN_USE == 0,
            sound: checksum(records) == fields.u16(2)?,
            file: FileRecord {
                attributes: fields.u16(4)?,
                mtime: time(fields.u32(12)?, fields.u8(21)?, fields.u8(23)?),
                name,
                hash: stream.u16(4)?,
                contiguous: flags & 2 != 0,
                cluster: stream.u32(20)?,
                size: stream.u64(24)?,
                valid: stream.u64(8)?,
            },
        })
    }
}

impl FileRecord {
    /// Whether it is a directory.
    pub(super) fn is_dir(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    /// Its name as UTF-8.
    pub(super) fn shown(&self) -> Vec<u8> {
        dos::utf8(self.name.iter().copied())
    }
}

/// The checksum of a set, over its records as they were while in use.
fn checksum(records: &[(u64, [u8; 32])]) -> u16 {
    let mut sum = 0_u16;
    for (number, (_, record)) in records.iter().enumerate() {
        for (at, &byte) in record.iter().enumerate() {
            let byte = if at == 0 { byte | IN_USE } else { byte };
            if number > 0 || !matches!(at, 2 | 3) {
                sum = sum.rotate_right(1).wrapping_add(byte.into());
            }
        }
    }
    sum
}

/// A time as exFAT stores it: a local time, hundredths of a second to add, and the zone in quarters of an hour.
fn time(stamp: u32, hundredths: u8, zone: u8) -> Option<i64> {
    let (date, time) = (stamp >> 16, stamp & 0xffff);
    let local = dos::seconds(date.try_into().ok()?, time.try_into().ok()?)?;
    let local = local.checked_add(i64::from(hundredths / 100))?;
    if zone & 0x80 == 0 {
        return Some(local);
    }
    // Seven bits with a sign.
    let quarters = i64::from(zone & 0x7f);
    let quarters = if quarters < 64 {
        quarters
    } else {
        quarters.checked_sub(128)?
    };
    local.checked_sub(quarters.checked_mul(15 * 60)?)
}

/// What the entry for a bitmap of clusters, a table of upper case or the volume's label leads to.
pub(super) enum Special {
    /// Which bitmap, its first cluster and its size.
    Bitmap(u8, u32, u64),
    /// The checksum of the table of upper case, its first cluster and its size.
    UpperCase(u32, u32, u64),
    /// The label.
    Label(Vec<u8>),
    /// The volume's GUID, or padding.
    Other,
    /// Of no known kind: whether it must be understood.
    Unknown(bool),
}

impl Special {
    /// What a single record says.
    pub(super) fn parse(record: &[u8; 32]) -> Option<Self> {
        let fields = Fields::little(record);
        let (cluster, size) = (fields.u32(20)?, fields.u64(24)?);
        Some(match fields.u8(0)? {
            0x81 => Self::Bitmap(fields.u8(1)? & 1, cluster, size),
            0x82 => Self::UpperCase(fields.u32(4)?, cluster, size),
            0x83 => {
                let len = index(u64::from(fields.u8(1)?.min(11)));
                Self::Label(dos::utf8(dos::units(fields.slice(2, 22)?).take(len)))
            }
            0xa0 | 0xa1 => Self::Other,
            kind => Self::Unknown(kind & 0x20 == 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_knows_its_zone() {
        // 2023-11-14 23:13:20, one hour east of Greenwich.
        let date = (2023 - 1980) * 512 + 11 * 32 + 14;
        let stamp = date << 16 | (23 * 2048 + 13 * 32 + 10);
        assert_eq!(time(stamp, 0, 0x80 | 4), Some(1_700_000_000));
        assert_eq!(time(stamp, 150, 0x80 | (128 - 4)), Some(1_700_007_201));
        assert_eq!(time(stamp, 0, 0), Some(1_700_003_600));
    }
}
