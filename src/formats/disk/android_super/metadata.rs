//! Geometry, and the tables of one slot.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{GEOMETRIES, MAGIC};
use crate::read::{Fields, clip, index, length};

/// Bytes in a sector, which everything is counted in.
const SECTOR: u64 = 512;

/// The most slots and the largest tables that are read; Android has three slots of 64 KiB.
const MOST_SLOTS: u64 = 16;
const LARGEST: u64 = 4 << 20;

/// How many slots there are, and how large one is.
pub(super) struct Geometry {
    pub(super) slots: u64,
    /// Room for one copy of one slot, in bytes.
    room: u64,
}

impl Geometry {
    /// Its length in bytes.
    pub(super) const LEN: u64 = 52;

    /// The geometry at `at`, if its SHA-256 is right.
    pub(super) fn at(bytes: &Bytes, at: u64) -> Option<Self> {
        let raw = clip(bytes, at, Self::LEN);
        let fields = Fields::little(&raw);
        let found = Self {
            room: u64::from(fields.u32(40)?),
            slots: u64::from(fields.u32(44)?),
        };
        let sane = fields.slice(0, 4)? == MAGIC
            && u64::from(fields.u32(4)?) == Self::LEN
            && (1..=MOST_SLOTS).contains(&found.slots)
            && (SECTOR..=LARGEST).contains(&found.room);
        (sane && is_sealed(&raw, 8)).then_some(found)
    }

    /// The first of the two that is sound.
    pub(super) fn parse(bytes: &Bytes) -> Option<Self> {
        GEOMETRIES.into_iter().find_map(|at| Self::at(bytes, at))
    }

    /// The two copies of a slot and where they stand (bytes).
    pub(super) fn copies(&self, bytes: &Bytes, slot: u64) -> [(u64, Option<Table>); 2] {
        let [_, last] = GEOMETRIES;
        let start = last.saturating_add(4096);
        let first = start.saturating_add(slot.saturating_mul(self.room));
        let second = first.saturating_add(self.slots.saturating_mul(self.room));
        [first, second].map(|at| (at, Table::parse(&clip(bytes, at, self.room))))
    }
}

/// Whether the SHA-256 at `at` is that of the bytes with zeros in its place.
fn is_sealed(bytes: &[u8], at: usize) -> bool {
    let fields = Fields::little(bytes);
    let parts = || {
        let after = at.checked_add(32)?;
        Some((
            fields.slice(0, at)?,
            fields.slice(at, 32)?,
            fields.tail(after)?,
        ))
    };
    parts().is_some_and(|(before, stored, after)| {
        let digest = Sha256::new()
            .chain_update(before)
            .chain_update([0; 32])
            .chain_update(after);
        digest.finalize()[..] == *stored
    })
}

/// Where an extent's bytes are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// Here, in bytes from the start.
    At(u64),
    Zeros,
    /// On another block device.
    Elsewhere,
}

/// A logical partition.
pub(super) struct Partition {
    pub(super) name: Vec<u8>,
    pub(super) attributes: u32,
    pub(super) group: Vec<u8>,
    /// Where its bytes are, and how many.
    pub(super) extents: Vec<(Source, u64)>,
}

/// The header and the tables of one slot, whose SHA-256 are right.
pub(super) struct Table {
    header: Bytes,
    tables: Bytes,
}

/// Where the header says where each table is.
const PARTITIONS: usize = 80;
const EXTENTS: usize = 92;
const GROUPS: usize = 104;
const DEVICES: usize = 116;

impl Table {
    pub(super) fn parse(bytes: &Bytes) -> Option<Self> {
        let fields = Fields::little(bytes);
        let header_len = u64::from(fields.u32(8)?);
        let known = fields.u32(0)? == 0x414c_5030 && fields.u16(4)? == 10;
        if !known || !(128..=4096).contains(&header_len) {
            return None;
        }
        let header = clip(bytes, 0, header_len);
        let tables_len = u64::from(fields.u32(44)?);
        let tables = clip(bytes, header_len, tables_len);
        let stored = fields.slice(48, 32)?;
        let sound = length(&header) == header_len
            && length(&tables) == tables_len
            && is_sealed(&header, 12)
            && Sha256::digest(&tables)[..] == *stored;
        sound.then_some(Self { header, tables })
    }

    /// The length of header and tables in bytes.
    pub(super) fn len(&self) -> u64 {
        length(&self.header).saturating_add(length(&self.tables))
    }

    pub(super) fn agrees(&self, other: &Self) -> bool {
        self.header == other.header && self.tables == other.tables
    }

    /// Row `number` of the table that `descriptor` of the header names.
    fn row(&self, descriptor: usize, number: u32) -> Option<Fields<'_>> {
        let header = Fields::little(&self.header);
        let at = header.u32(descriptor)?;
        let count = header.u32(descriptor.checked_add(4)?)?;
        let len = header.u32(descriptor.checked_add(8)?)?;
        let start = u64::from(number)
            .checked_mul(u64::from(len))?
            .checked_add(u64::from(at))?;
        let len = usize::try_from(len).ok()?;
        let row = Fields::little(&self.tables).slice(index(start), len)?;
        (number < count && len > 0).then(|| Fields::little(row))
    }

    /// The length of the super partition in bytes, as its first block device states it.
    pub(super) fn device_len(&self) -> Option<u64> {
        self.row(DEVICES, 0)?.u64(16).filter(|&len| len > 0)
    }

    /// The partitions, as long as no extents are left out or belong to two.
    pub(super) fn partitions(&self) -> impl Iterator<Item = Option<Partition>> {
        let all = Fields::little(&self.header).u32(EXTENTS.saturating_add(4));
        let mut left = all.unwrap_or_default();
        (0..)
            .map_while(|number| self.row(PARTITIONS, number))
            .map(move |row| {
                let (first, count) = (row.u32(40)?, row.u32(44)?);
                // Partitions that share theirs would be many more than there are.
                left = left.checked_sub(count)?;
                let extents = (0..count).map(|number| self.extent(first.checked_add(number)?));
                Some(Partition {
                    name: name(&row)?,
                    attributes: row.u32(36)?,
                    group: self
                        .row(GROUPS, row.u32(48)?)
                        .and_then(|row| name(&row))
                        .unwrap_or_default(),
                    extents: extents.collect::<Option<_>>()?,
                })
            })
    }

    fn extent(&self, number: u32) -> Option<(Source, u64)> {
        let row = self.row(EXTENTS, number)?;
        let source = match (row.u32(8)?, row.u32(20)?) {
            (0, 0) => Source::At(row.u64(12)?.saturating_mul(SECTOR)),
            (0, _) => Source::Elsewhere,
            _ => Source::Zeros,
        };
        Some((source, row.u64(0)?.saturating_mul(SECTOR)))
    }
}

/// The name at the start of a row: 36 bytes, zeros behind it.
fn name(row: &Fields<'_>) -> Option<Vec<u8>> {
    let name = row.slice(0, 36)?;
    let end = name
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(name.len());
    name.get(..end).map(<[u8]>::to_vec)
}
