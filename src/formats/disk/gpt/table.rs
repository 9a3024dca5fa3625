//! One header and its array of entries.

use bytes::Bytes;

use super::MAGIC;
use crate::formats::stored::Ledger;
use crate::problem::Problem;
use crate::read::{Fields, cut, index, is_all, length};

/// The length of a header in bytes, as every version has it so far.
const HEADER: usize = 92;

/// The length of an entry in bytes; larger ones start with the same fields.
const ENTRY: u64 = 128;

/// The longest array of entries that is read (1 MiB); the usual one has 16 KiB.
const LONGEST: u64 = 1 << 20;

/// One of the two tables of a disk.
pub(super) struct Table {
    /// Where its header stands (bytes from the disk's start).
    pub(super) at: u64,
    /// Whether the header's CRC-32 is right.
    pub(super) sound: bool,
    /// The sector that the header says it stands in.
    pub(super) own: u64,
    /// The sector of the other header.
    pub(super) other: u64,
    pub(super) last_usable: u64,
    pub(super) guid: [u8; 16],
    first_usable: u64,
    header_len: u64,
    array_at: u64,
    entry_len: u64,
    /// The entries; empty where they are not all there.
    array: Bytes,
    array_sound: bool,
}

/// A used entry.
pub(super) struct Entry {
    /// 1 for the first of the array.
    pub(super) number: usize,
    pub(super) kind: [u8; 16],
    pub(super) guid: [u8; 16],
    /// First and last sector.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) attributes: u64,
    name: Vec<u16>,
}

impl Table {
    /// A table that names nothing.
    pub(super) const fn none() -> Self {
        Self {
            at: 0,
            sound: false,
            own: 0,
            other: 0,
            last_usable: 0,
            guid: [0; 16],
            first_usable: 0,
            header_len: 0,
            array_at: 0,
            entry_len: 0,
            array: Bytes::new(),
            array_sound: false,
        }
    }

    /// The table whose header stands at `at`. Its entries are counted in sectors from the start of `bytes`, where the
    /// header stands where it says.
    pub(super) fn parse(bytes: &Bytes, at: u64, sector: u64) -> Option<Self> {
        let header = bytes.get(index(at)..)?;
        let fields = Fields::little(header);
        let header_len = u64::from(fields.u32(12)?);
        let known = fields.slice(0, 8)? == MAGIC && fields.u32(8)? == 0x0001_0000;
        if !known || header_len > sector || header_len < 92 {
            return None;
        }
        let mut checked = fields.slice(0, index(header_len))?.to_vec();
        checked.get_mut(16..20)?.fill(0);
        let (count, entry_len) = (u64::from(fields.u32(80)?), u64::from(fields.u32(84)?));
        let array_at = fields.u64(72)?.checked_mul(sector)?;
        let array_len = count.checked_mul(entry_len)?;
        let array = cut(bytes, array_at, array_len).filter(|_| array_len <= LONGEST);
        let array = array.filter(|_| entry_len >= ENTRY).unwrap_or_default();
        Some(Self {
            at,
            sound: crc32fast::hash(&checked) == fields.u32(16)?,
            own: fields.u64(24)?,
            other: fields.u64(32)?,
            first_usable: fields.u64(40)?,
            last_usable: fields.u64(48)?,
            guid: fields.slice(56, 16)?.try_into().ok()?,
            header_len,
            array_at,
            entry_len,
            array_sound: !array.is_empty() && crc32fast::hash(&array) == fields.u32(88)?,
            array,
        })
    }

    /// Whether header and entries are as their checksums say.
    pub(super) fn is_whole(&self) -> bool {
        self.sound && self.array_sound
    }

    /// Whether a header whose checksum is wrong is a header at all.
    pub(super) fn is_plausible(&self) -> bool {
        self.own == 1 && self.first_usable < self.last_usable && self.entry_len == ENTRY
    }

    /// Whether both name the same partitions of the same disk.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        (self.guid, self.first_usable, self.last_usable)
            == (other.guid, other.first_usable, other.last_usable)
            && (self.own, self.other) == (other.other, other.own)
            && self.array == other.array
    }

    /// What its checksums tell.
    pub(super) fn damage(&self, which: &str, read: &str) -> Option<Problem> {
        let (what, at) = if !self.sound {
            ("header", self.at)
        } else if !self.array_sound {
            ("entries", self.array_at)
        } else {
            return None;
        };
        let detail = format!("the CRC-32 of the {which} {what} is wrong{read}");
        Some(Problem::checksum(detail).at(at))
    }

    /// Names the bytes that mean something: the header, used entries, and unused ones that are zero.
    pub(super) fn explain(&self, bytes: &[u8], ledger: &mut Ledger) {
        ledger.metadata(self.at, self.header_len.min(length(&[0; HEADER])));
        let slots = self.array.chunks(index(self.entry_len).max(1));
        let mut at = self.array_at;
        for slot in slots {
            let used = !is_all(slot.get(..16).unwrap_or_default(), 0);
            if used {
                let name = Fields::little(slot).slice(56, 72).unwrap_or_default();
                let (pairs, _) = name.as_chunks::<2>();
                let text = pairs
                    .iter()
                    .position(|pair| *pair == [0, 0])
                    .unwrap_or(pairs.len());
                // Bytes behind the end of a name are nobody's, unless they are zero.
                let named = u64::try_from(text.saturating_mul(2)).unwrap_or_default();
                ledger.metadata(at, 56_u64.saturating_add(named));
                let end = at.saturating_add(self.entry_len);
                ledger.padding(bytes, at.saturating_add(56).saturating_add(named)..end);
            } else {
                ledger.padding(bytes, at..at.saturating_add(self.entry_len));
            }
            at = at.saturating_add(self.entry_len);
        }
    }

    /// The used entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        let slots = self.array.chunks(index(self.entry_len).max(1));
        slots.zip(1..).filter_map(|(slot, number)| {
            let fields = Fields::little(slot);
            let kind: [u8; 16] = fields.slice(0, 16)?.try_into().ok()?;
            let (pairs, _) = fields.slice(56, 72)?.as_chunks::<2>();
            (kind != [0; 16]).then_some(Entry {
                number,
                kind,
                guid: fields.slice(16, 16)?.try_into().ok()?,
                first: fields.u64(32)?,
                last: fields.u64(40)?,
                attributes: fields.u64(48)?,
                name: pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect(),
            })
        })
    }
}

impl Entry {
    /// Its name; a half of a surrogate pair becomes U+FFFD.
    pub(super) fn name(&self) -> String {
        let text = self.name.iter().copied().take_while(|&unit| unit != 0);
        char::decode_utf16(text)
            .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    }
}
