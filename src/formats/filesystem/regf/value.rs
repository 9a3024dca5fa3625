//! Values and their data: in the value's own cell, in another, or in segments of big data.

use bytes::Bytes;

use super::cells::{Cell, Cells};
use crate::entry::File;
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::filesystem::registry;
use crate::formats::scattered::Scattered;
use crate::read::{Fields, cut, index, length};

/// Bytes in front of a value's name.
const HEAD: u64 = 20;
/// Where the data or its cell stands in a value.
const DATA: u64 = 8;
/// The bit of the size that says that the data stands in the value itself.
const INLINE: u32 = 1 << 31;
/// More bytes than this are big data, and one of its segments has so many.
const SEGMENT: u64 = 16344;
/// The first minor version with big data.
const BIG_SINCE: u32 = 4;

/// A value.
pub(super) struct Value {
    /// Its name, as UTF-8; empty for the default value of its key.
    pub(super) name: Vec<u8>,
    pub(super) kind: u32,
    size: u32,
    data: u32,
}

impl Value {
    /// Reads and explains the record in a cell.
    pub(super) fn parse(cell: &Cell, harvest: &mut Harvest<'_>) -> Option<Self> {
        let fields = Fields::little(&cell.bytes);
        if fields.slice(0, 2)? != b"vk" {
            return None;
        }
        let len = fields.u16(2)?;
        let stored = fields.slice(index(HEAD), len.into())?;
        cell.is_record(HEAD.saturating_add(len.into()), harvest);
        Some(Self {
            name: registry::name(stored, fields.u16(16)? & 1 != 0),
            kind: fields.u32(12)?,
            size: fields.u32(4)?,
            data: fields.u32(8)?,
        })
    }

    /// How many bytes its data has.
    pub(super) fn size(&self) -> u64 {
        u64::from(self.size & !INLINE)
    }

    /// Its data, or what is there of it and what is wrong. `cell` is the value's own.
    pub(super) fn data(
        &self,
        cell: &Cell,
        minor: u32,
        cells: &mut Cells<'_>,
        harvest: &mut Harvest<'_>,
    ) -> Result<File, (Bytes, &'static str)> {
        let broken = |detail| (Bytes::new(), detail);
        let size = self.size();
        if self.size & INLINE != 0 {
            let bytes = cut(&cell.bytes, DATA, size).filter(|_| size <= 4);
            let bytes = bytes.ok_or_else(|| broken("more than 4 bytes in the value itself"))?;
            return Ok(File::stored(bytes));
        }
        if size == 0 {
            return Ok(File::stored(Bytes::new()));
        }
        let data = cells.take(self.data);
        let data = data.ok_or_else(|| broken("the cell of the data is missing"))?;
        if let Some(bytes) = cut(&data.bytes, 0, size) {
            data.is_data(size, harvest);
            return Ok(File::stored(bytes));
        }
        if size > SEGMENT && minor >= BIG_SINCE && data.bytes.starts_with(b"db") {
            return big(&data, size, cells, harvest).map_err(broken);
        }
        data.is_data(size, harvest);
        Err((data.bytes, "the cell of the data is too short"))
    }
}

/// Data in several cells.
fn big(
    record: &Cell,
    size: u64,
    cells: &mut Cells<'_>,
    harvest: &mut Harvest<'_>,
) -> Result<File, &'static str> {
    let short = "the list of the segments is missing or too short";
    let fields = Fields::little(&record.bytes);
    let count = u64::from(fields.u16(2).ok_or(short)?);
    let list = fields.u32(4).ok_or(short)?;
    record.is_record(8, harvest);
    let list = cells.take(list).ok_or(short)?;
    let raw = cut(&list.bytes, 0, count.saturating_mul(4)).ok_or(short)?;
    list.is_record(length(&raw), harvest);
    let mut left = size;
    let mut pieces = Vec::new();
    let (words, _) = raw.as_chunks::<4>();
    for &word in words {
        let segment = cells.take(u32::from_le_bytes(word));
        let segment = segment.ok_or("a segment of the data is missing")?;
        let len = left.min(SEGMENT);
        if length(&segment.bytes) < len {
            return Err("a segment of the data is too short");
        }
        segment.is_data(len, harvest);
        pieces.push((segment.at, len));
        left = left.saturating_sub(len);
    }
    if left > 0 {
        return Err("the segments end before the data does");
    }
    let region = cells.region().clone();
    Ok(Scattered { region, pieces }.into_file())
}
