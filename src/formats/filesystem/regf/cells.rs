//! Bins and the cells in them: which are allocated, and which of those something leads to.

use bytes::Bytes;

use super::base::{self, Base};
use crate::formats::Role;
use crate::formats::filesystem::harvest::Harvest;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, is_all, length};

/// What a bin starts with, and the length of its header and of the smallest bin in bytes.
pub(super) const BIN: &[u8] = b"hbin";
const HEADER: u64 = 32;
const PAGE: u64 = 4096;
/// Cells start and end at multiples of this; also the length of the smallest.
const UNIT: u64 = 8;
/// Bytes that state the length of a cell, in front of its content.
const SIZE: u64 = 4;
/// The offset that leads nowhere.
pub(super) const NONE: u32 = u32::MAX;

/// All cells of a hive.
pub(super) struct Cells<'a> {
    region: &'a Bytes,
    /// Where cells start that are allocated and that nothing led to so far: a bit for each unit of the bins.
    open: Vec<u64>,
    /// How many of them there are, and all their bytes.
    count: u64,
    bytes: u64,
}

/// The content of an allocated cell.
#[derive(Clone)]
pub(super) struct Cell {
    /// Where it starts, in bytes from the region's start.
    pub(super) at: u64,
    pub(super) bytes: Bytes,
}

impl<'a> Cells<'a> {
    /// Goes through all bins. Their headers and what is free and empty are explained.
    pub(super) fn scan(region: &'a Bytes, base: &Base, harvest: &mut Harvest<'_>) -> Self {
        let end = base.end().min(length(region));
        let units = end.saturating_sub(base::LEN) / UNIT;
        let words = index(units.div_ceil(64));
        let mut cells = Self {
            region,
            open: vec![0; words],
            count: 0,
            bytes: 0,
        };
        if end < base.end() {
            harvest.tell(Problem::corrupt("the bins are cut off").at(end));
        }
        let mut at = base::LEN;
        while at < end {
            if let Some(len) = bin(region, at, end) {
                let behind = at.saturating_add(len);
                cells.header(at, harvest);
                cells.fill(at.saturating_add(HEADER), behind, harvest);
                at = behind;
            } else {
                let detail = "no bin where one should be";
                harvest.tell(Problem::corrupt(detail).at(at));
                // The next one that stands where it says.
                at = at.saturating_add(PAGE);
                while at < end && bin(region, at, end).is_none() {
                    at = at.saturating_add(PAGE);
                }
            }
        }
        cells
    }

    fn header(&self, at: u64, harvest: &mut Harvest<'_>) {
        let raw = clip(self.region, at, HEADER);
        harvest.account.metadata(at, 12);
        harvest.account.padded(
            at.saturating_add(12),
            raw.get(12..20).unwrap_or_default(),
            0,
            0,
        );
        harvest.account.metadata(at.saturating_add(20), 12);
    }

    /// Goes through the cells of one bin.
    fn fill(&mut self, start: u64, end: u64, harvest: &mut Harvest<'_>) {
        let mut at = start;
        while at < end {
            let raw = clip(self.region, at, SIZE);
            let size = Fields::little(&raw).u32(0).unwrap_or_default();
            let is_free = size < 1 << 31;
            let len = u64::from(if is_free { size } else { size.wrapping_neg() });
            let behind = at.saturating_add(len);
            if len == 0 || !len.is_multiple_of(UNIT) || behind > end {
                let detail = format!("a cell of {len} bytes, which its bin cannot hold");
                harvest.tell(Problem::corrupt(detail).at(at));
                return;
            }
            if is_free {
                let body = clip(self.region, at, len);
                harvest.account.padded(at, &body, SIZE, 0);
            } else {
                self.count = self.count.saturating_add(1);
                self.bytes = self.bytes.saturating_add(len);
                self.mark(at.saturating_sub(base::LEN), true);
            }
            at = behind;
        }
    }

    /// Marks a cell as open, or as taken; whether it was open.
    fn mark(&mut self, offset: u64, open: bool) -> bool {
        let unit = offset / UNIT;
        let bit = 1_u64 << (unit % 64);
        let Some(word) = self.open.get_mut(index(unit / 64)) else {
            return false;
        };
        let was = *word & bit != 0;
        *word = if open { *word | bit } else { *word & !bit };
        was
    }

    /// The bytes of the hive.
    pub(super) fn region(&self) -> &Bytes {
        self.region
    }

    /// The content of an allocated cell that nothing led to before.
    pub(super) fn take(&mut self, offset: u32) -> Option<Cell> {
        let offset = u64::from(offset);
        if !offset.is_multiple_of(UNIT) || !self.mark(offset, false) {
            return None;
        }
        let start = base::LEN.checked_add(offset)?;
        let raw = cut(self.region, start, SIZE)?;
        let len = Fields::little(&raw).u32(0)?.wrapping_neg();
        let at = start.checked_add(SIZE)?;
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(len.into());
        let bytes = cut(self.region, at, u64::from(len).checked_sub(SIZE)?)?;
        Some(Cell { at, bytes })
    }

    /// Says how much is allocated that nothing leads to.
    pub(super) fn tell(&self, harvest: &mut Harvest<'_>) {
        if self.count > 0 && !harvest.was_stopped() {
            let told = format!("{} cells, {} bytes", self.count, self.bytes);
            harvest.properties.set("allocated-and-not-used", told);
        }
    }
}

impl Cell {
    /// Explains a record of `used` bytes.
    pub(super) fn is_record(&self, used: u64, harvest: &mut Harvest<'_>) {
        let start = self.at.saturating_sub(SIZE);
        let used = used.min(length(&self.bytes));
        harvest.account.metadata(start, used.saturating_add(SIZE));
        self.slack(used, harvest);
    }

    /// Explains `used` bytes of data.
    pub(super) fn is_data(&self, used: u64, harvest: &mut Harvest<'_>) {
        let used = used.min(length(&self.bytes));
        harvest.account.metadata(self.at.saturating_sub(SIZE), SIZE);
        harvest.account.name(self.at, used, Role::Content);
        self.slack(used, harvest);
    }

    /// What is left of the cell: less than a unit, or empty, or open.
    fn slack(&self, used: u64, harvest: &mut Harvest<'_>) {
        let rest = self.bytes.get(index(used)..).unwrap_or_default();
        if length(rest) < UNIT || is_all(rest, 0) {
            let at = self.at.saturating_add(used);
            harvest.account.metadata(at, length(rest));
        }
    }
}

/// The length of the bin at `at`, which must end at or before `end`.
fn bin(region: &Bytes, at: u64, end: u64) -> Option<u64> {
    let raw = cut(region, at, HEADER)?;
    let fields = Fields::little(&raw);
    let len = u64::from(fields.u32(8)?);
    let sound = raw.starts_with(BIN)
        && base::LEN.checked_add(fields.u32(4)?.into())? == at
        && len > 0
        && len.is_multiple_of(PAGE)
        && at.checked_add(len)? <= end;
    sound.then_some(len)
}
