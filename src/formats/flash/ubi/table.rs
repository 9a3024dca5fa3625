//! The volume table: 128 records, kept twice.

use bytes::Bytes;

use super::blocks::Blocks;
use super::extent::Shape;
use super::header::{LAYOUT, crc};
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::problem::Problem;
use crate::read::{Fields, cut, index, is_all};

/// Length of a record in bytes.
const RECORD: u64 = 172;
/// The most volumes of an image.
const RECORDS: u64 = 128;
/// Where the name stands in a record, and where it must end.
const NAME: (u64, u64) = (16, 144);
/// The longest name, in bytes.
const NAME_LEN: u16 = 127;

/// What the table says of one volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The volume's number.
    pub(super) id: u32,
    pub(super) name: Vec<u8>,
    /// How many erase blocks are set aside for it.
    pub(super) reserved: u32,
    pub(super) alignment: u32,
    /// How many bytes at the end of every block are not used.
    pub(super) data_pad: u32,
    pub(super) is_static: bool,
    /// An update was started and not finished.
    pub(super) is_updating: bool,
    pub(super) flags: u8,
}

/// The volumes of the table, `None` where neither copy can be read.
pub(super) fn read(
    region: &Bytes,
    shape: &Shape,
    blocks: &Blocks,
    ledger: &mut Ledger,
    problems: &mut Problems,
) -> Option<Vec<Record>> {
    let copies = [0, 1].map(|lnum| {
        let block = blocks.current.get(&(LAYOUT, lnum));
        let data = block.map(|block| (block.data_at, block.data(region, shape)));
        let Some((at, data)) = data else {
            let what = format!("copy {lnum} of the volume table is missing");
            problems.push(Problem::corrupt(what));
            return None;
        };
        let table = parse(at, &data, ledger);
        if let Err(record) = table {
            let at = at.saturating_add(record.saturating_mul(RECORD));
            let what = format!("a record of copy {lnum} of the volume table is damaged");
            problems.push(Problem::checksum(what).at(at));
        }
        table.ok()
    });
    if let [Some(first), Some(second)] = &copies
        && first != second
    {
        problems.push(Problem::corrupt(
            "the two copies of the volume table differ; Linux uses the first",
        ));
    }
    copies.into_iter().flatten().next()
}

/// All records of one copy, or the number of the first that does not hold.
fn parse(at: u64, table: &Bytes, ledger: &mut Ledger) -> Result<Vec<Record>, u64> {
    let mut records = Vec::new();
    let mut bad = None;
    let fit = crate::read::length(table).checked_div(RECORD).unwrap_or(0);
    for number in 0..RECORDS.min(fit) {
        let record = cut(table, number.saturating_mul(RECORD), RECORD).unwrap_or_default();
        let Some(slot) = parse_record(number, &record) else {
            bad = bad.or(Some(number));
            continue;
        };
        let name = match &slot {
            Slot::Empty => 0,
            Slot::Volume(record) => crate::read::length(&record.name),
        };
        let reserved = [NAME.0.saturating_add(name)..NAME.1, 145..168];
        let at = at.saturating_add(number.saturating_mul(RECORD));
        ledger.structure(at, &record, &reserved);
        if let Slot::Volume(record) = slot {
            records.push(record);
        }
    }
    bad.map_or(Ok(records), Err)
}

/// What a place of the table holds.
enum Slot {
    Empty,
    Volume(Record),
}

/// A record whose checksum holds.
fn parse_record(number: u64, record: &[u8]) -> Option<Slot> {
    let fields = Fields::big(record);
    (fields.u32(168)? == crc(fields.slice(0, 168)?)).then_some(())?;
    let reserved = fields.u32(0)?;
    if reserved == 0 && is_all(fields.slice(0, 168)?, 0) {
        return Some(Slot::Empty);
    }
    let name_len = fields.u16(14)?;
    let kind = fields.u8(12)?;
    let sane = reserved > 0 && name_len <= NAME_LEN && matches!(kind, 1 | 2);
    sane.then_some(())?;
    Some(Slot::Volume(Record {
        id: u32::try_from(number).ok()?,
        name: fields.slice(index(NAME.0), name_len.into())?.to_vec(),
        reserved,
        alignment: fields.u32(4)?,
        data_pad: fields.u32(8)?,
        is_static: kind == 2,
        is_updating: fields.u8(13)? != 0,
        flags: fields.u8(144)?,
    }))
}
