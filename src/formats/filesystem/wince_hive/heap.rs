//! Sections and the tables in them: where each record stands.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Header;
use crate::formats::filesystem::harvest::Harvest;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, length};

/// Where the list of sections stands, and where the bytes start in which their offsets count.
pub(super) const LIST: u64 = 0x1000;
pub(super) const START: u64 = 0x5000;
/// The first word of a section.
const SECTION: u32 = 0x2000_1004;
/// Bytes in front of the table of a section, of the table with the number behind it, and of all of that.
const HEAD: u64 = 12;
const TABLE: u64 = 0x1004;
const WHOLE: u64 = HEAD + TABLE;
/// Records in a table.
const SLOTS: u64 = 0x400;
/// Bytes in front of a record.
pub(super) const RECORD: u64 = 12;
/// The part of a handle that numbers a record in its own hive; what stands above says in which hive.
pub(super) const NUMBER: u32 = 0x0fff_ffff;

/// The records of a hive.
pub(super) struct Heap {
    /// By their numbers: those that nothing led to so far.
    records: BTreeMap<u32, Record>,
    /// How many more bytes records can have: those that overlap would be work without end.
    room: u64,
}

/// A record.
pub(super) struct Record {
    /// What it is.
    pub(super) kind: u32,
    /// Where it starts (bytes from the region's start), and what stands in it.
    pub(super) at: u64,
    pub(super) bytes: Bytes,
}

/// The words of the section at `offset`: none where there is none.
pub(super) fn section(region: &Bytes, offset: u64) -> Option<Bytes> {
    let raw = cut(region, START.checked_add(offset)?, WHOLE)?;
    (Fields::little(&raw).u32(0)? == SECTION).then_some(raw)
}

impl Heap {
    /// Goes through all sections.
    pub(super) fn scan(region: &Bytes, header: &Header, harvest: &mut Harvest<'_>) -> Self {
        let mut heap = Self {
            records: BTreeMap::new(),
            room: length(region),
        };
        if length(region) < header.len {
            let detail = "the hive is cut off";
            harvest.tell(Problem::corrupt(detail).at(length(region)));
        }
        let list = clip(region, LIST, START.saturating_sub(LIST));
        let (words, _) = list.as_chunks::<4>();
        // The first section is at 0; the others follow as far as there are any.
        let others = words.iter().skip(1).map(|&word| u32::from_le_bytes(word));
        let first = Fields::little(&list).u32(0).into_iter();
        let offsets = first.chain(others.take_while(|&offset| offset != 0));
        // No more sections than there is room for.
        let most = usize::try_from(length(region) / WHOLE).unwrap_or(usize::MAX);
        let mut count = 0_u64;
        for offset in offsets.take(most) {
            count = count.saturating_add(1);
            let at = START.saturating_add(offset.into());
            match section(region, offset.into()) {
                Some(table) => {
                    harvest.account.metadata(at, WHOLE);
                    heap.table(region, &table, harvest);
                }
                None => harvest.tell(Problem::corrupt("no section where one should be").at(at)),
            }
        }
        harvest
            .account
            .padded(LIST, &list, count.saturating_mul(4), 0);
        heap
    }

    /// Goes through the records of one table.
    fn table(&mut self, region: &Bytes, table: &Bytes, harvest: &mut Harvest<'_>) {
        let slots = clip(table, HEAD, SLOTS.saturating_mul(4));
        let (slots, _) = slots.as_chunks::<4>();
        for &slot in slots {
            let word = u32::from_le_bytes(slot);
            // Others are links between free ones.
            if word & 3 != 1 {
                continue;
            }
            let at = START.saturating_add(u64::from(word & 0x0fff_fffc));
            let Some((number, record)) = record(region, at) else {
                harvest.tell(Problem::corrupt("no record where one should be").at(at));
                continue;
            };
            let len = RECORD.saturating_add(length(&record.bytes));
            let Some(room) = self.room.checked_sub(len) else {
                let detail = "records of more bytes than there are";
                harvest.tell(Problem::corrupt(detail).at(at));
                return;
            };
            self.room = room;
            if !harvest.hold(64) {
                return;
            }
            if self.records.insert(number, record).is_some() {
                let detail = format!("record 0x{number:x} stands twice");
                harvest.tell(Problem::corrupt(detail).at(at));
            }
        }
    }

    /// A record that nothing led to before.
    pub(super) fn take(&mut self, handle: u32) -> Option<Record> {
        self.records.remove(&(handle & NUMBER))
    }

    /// Says how many records nothing leads to.
    pub(super) fn tell(&self, harvest: &mut Harvest<'_>) {
        if !self.records.is_empty() && !harvest.was_stopped() {
            let told = format!("{} records", self.records.len());
            harvest.properties.set("allocated-and-not-used", told);
        }
    }
}

fn record(region: &Bytes, at: u64) -> Option<(u32, Record)> {
    let raw = cut(region, at, RECORD)?;
    let fields = Fields::little(&raw);
    let word = fields.u32(0)?;
    let bytes = cut(
        region,
        at.checked_add(RECORD)?,
        u64::from(word & 0x0fff_ffff),
    )?;
    let record = Record {
        kind: word >> 28,
        at,
        bytes,
    };
    Some((fields.u32(8)? & NUMBER, record))
}
