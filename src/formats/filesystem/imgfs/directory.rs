//! The chain of directory blocks, and the records in them.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::Header;
use super::blocks::Table;
use crate::read::{Fields, cut, index, length};

/// Bytes of a record.
pub(super) const RECORD: u64 = 52;
/// What a directory block starts with, and where the next one is.
const SIGNATURE: u32 = 0x2f53_14ce;
pub(super) const HEAD: u64 = 8;
/// The most directory blocks: with 39 records each, as many as no budget allows.
const MOST_BLOCKS: usize = 1 << 16;
/// The most blocks that are looked at to measure a region: of so many with 4 KiB each no 32-bit offset would be left.
const MOST_ROWS: u64 = 1 << 20;
/// Characters that a record holds itself, and those that a record for a name holds.
const SHORT: u16 = 4;
const NAME: u16 = 24;
/// The flag of a name that has a record of its own.
const IN_RECORD: u16 = 2;

/// What a record is for. Each kind is known in two variants: tools write one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    File,
    Section,
    Name,
    Free,
    Unknown,
}

/// A record.
pub(super) struct Record {
    /// Where it stands.
    pub(super) at: u64,
    pub(super) raw: Bytes,
    pub(super) purpose: Use,
}

impl Record {
    fn read(region: &Bytes, at: u64) -> Option<Self> {
        let raw = cut(region, at, RECORD)?;
        let purpose = match Fields::little(&raw).u32(0)? {
            0xffff_fefe | 0xffff_f6fe => Use::File,
            0xffff_fefd | 0xffff_f6fd => Use::Section,
            0xffff_fefb => Use::Name,
            u32::MAX => Use::Free,
            _ => Use::Unknown,
        };
        Some(Self { at, raw, purpose })
    }

    fn u32(&self, at: usize) -> u32 {
        Fields::little(&self.raw).u32(at).unwrap_or_default()
    }

    /// Where the record of the first or the next section stands; 0 where there is none.
    pub(super) fn section(&self) -> u64 {
        self.u32(8).into()
    }

    /// The size of what it describes, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.u32(24).into()
    }

    /// The attribute bits of a file, and its time.
    pub(super) fn attributes(&self) -> (u32, u64) {
        let ticks = u64::from(self.u32(36)) << 32 | u64::from(self.u32(32));
        (self.u32(28), ticks)
    }

    /// The table of the blocks of a file or section.
    pub(super) fn table(&self) -> Table {
        let at = if self.purpose == Use::File { 44 } else { 28 };
        Table {
            at: self.u32(at).into(),
            len: self.u32(at.saturating_add(4)).into(),
            goes_on: self.u32(4) != 0,
        }
    }

    /// Where the name is; `None` where it has none.
    pub(super) fn name(&self) -> Option<Name> {
        let fields = Fields::little(&self.raw);
        let count = fields.u16(12)?;
        let in_record = fields.u16(14)? & IN_RECORD != 0;
        let place = u64::from(self.u32(20));
        let len = u64::from(count).saturating_mul(2);
        match count {
            1..=SHORT => Some(Name::Here(fields.slice(16, index(len))?.to_vec())),
            1..=NAME if in_record => Some(Name::Record(place, len)),
            1.. if !in_record => Some(Name::Elsewhere(place, len)),
            _ => None,
        }
    }

    /// Bytes of the record that nothing uses; tools write zeros.
    pub(super) fn unused(&self) -> std::ops::Range<u64> {
        match self.purpose {
            Use::File => 40..44,
            _ => 36..RECORD,
        }
    }
}

/// Where a name is, in UTF-16.
pub(super) enum Name {
    /// In the record itself.
    Here(Vec<u8>),
    /// In a record of its own at this offset, so many bytes.
    Record(u64, u64),
    /// At this offset, so many bytes.
    Elsewhere(u64, u64),
}

/// The directory of an IMGFS.
pub(super) struct Directory<'a> {
    region: &'a Bytes,
    header: &'a Header,
    /// Where its blocks are, in the order of the chain.
    blocks: Vec<u64>,
    known: BTreeSet<u64>,
    /// Where the chain breaks off: the offset that leads to no directory block.
    pub(super) broken: Option<u64>,
}

impl<'a> Directory<'a> {
    /// Follows the chain as far as it leads from block to block, and to none twice.
    pub(super) fn new(region: &'a Bytes, header: &'a Header) -> Self {
        let mut directory = Self {
            region,
            header,
            blocks: Vec::new(),
            known: BTreeSet::new(),
            broken: None,
        };
        let mut at = header.block;
        while at != 0 {
            let next = directory.next(at);
            let fits = directory.blocks.len() < MOST_BLOCKS;
            let Some(next) = next.filter(|_| fits && directory.known.insert(at)) else {
                directory.broken = Some(at);
                break;
            };
            directory.blocks.push(at);
            at = next;
        }
        directory
    }

    /// Where the block behind that at `at` is; `None` where no directory block is.
    fn next(&self, at: u64) -> Option<u64> {
        let block = cut(self.region, at, self.header.block)?;
        let fields = Fields::little(&block);
        (fields.u32(0)? == SIGNATURE).then(|| fields.u32(4).map(u64::from))?
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Where its blocks are.
    pub(super) fn blocks(&self) -> &[u64] {
        &self.blocks
    }

    /// How many records a block has.
    fn per_block(&self) -> u64 {
        let room = self.header.block.saturating_sub(HEAD);
        room.checked_div(RECORD).unwrap_or_default()
    }

    /// Where the records of a block end, from its start.
    pub(super) fn records_len(&self) -> u64 {
        HEAD.saturating_add(self.per_block().saturating_mul(RECORD))
    }

    /// The records of the block at `at`.
    pub(super) fn records(&self, at: u64) -> impl Iterator<Item = Record> {
        let starts = (0..self.per_block()).map(move |number| {
            let into = number.saturating_mul(RECORD).saturating_add(HEAD);
            at.saturating_add(into)
        });
        starts.filter_map(|at| Record::read(self.region, at))
    }

    /// The record at `at`, if one of the directory stands there.
    pub(super) fn record(&self, at: u64) -> Option<Record> {
        let block = *self.known.range(..=at).next_back()?;
        let into = at.checked_sub(block)?.checked_sub(HEAD)?;
        let is_record = into % RECORD == 0 && into / RECORD < self.per_block();
        is_record.then(|| Record::read(self.region, at))?
    }

    /// Where the last byte ends that a record names, as far as it is there; `None` when there are too many to look at.
    pub(super) fn end(&self) -> Option<u64> {
        let here = length(self.region);
        let mut end = self.header.block;
        let mut reach = |at: u64, len: u64| {
            let until = at.saturating_add(len);
            let until = until
                .checked_next_multiple_of(self.header.chunk)
                .unwrap_or(until);
            if at.saturating_add(len) <= here {
                end = end.max(until);
            }
        };
        let mut rows = 0_u64;
        for &block in &self.blocks {
            reach(block, self.header.block);
            for record in self.records(block) {
                if !matches!(record.purpose, Use::File | Use::Section) {
                    continue;
                }
                if let Some(Name::Elsewhere(at, len)) = record.name() {
                    reach(at, len);
                }
                let table = record.table();
                reach(table.at, table.len);
                for row in table.rows(self.region) {
                    rows = rows.saturating_add(1);
                    if rows > MOST_ROWS {
                        return None;
                    }
                    reach(row.at, row.stored);
                }
            }
        }
        Some(end)
    }
}
