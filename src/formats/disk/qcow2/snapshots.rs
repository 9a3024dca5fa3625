//! The table of snapshots: each is a disk of its own in the same file.

use bytes::Bytes;

use super::header::Header;
use crate::budget::Budget;
use crate::formats::Opened;
use crate::formats::stored::Ledger;
use crate::problem::Problem;
use crate::read::{Fields, index};

/// So many snapshots are read.
const MOST: u64 = 64;

pub(super) struct Snapshot {
    /// Where its first-level table stands, and how many entries it has.
    pub(super) table: (u64, u64),
    /// Its size in bytes, where it is stated.
    pub(super) size: Option<u64>,
    name: Vec<u8>,
}

impl Snapshot {
    /// The name of the part that it becomes.
    pub(super) fn part_name(&self) -> Vec<u8> {
        [b"snapshot-", &self.name[..]].concat()
    }
}

/// The snapshots of a disk; the tables are named in `ledger`.
pub(super) fn read(
    region: &Bytes,
    header: &Header,
    budget: &Budget,
    ledger: &mut Ledger,
    opened: &mut Opened,
) -> Vec<Snapshot> {
    let mut found = Vec::new();
    let mut at = header.snapshots_at;
    for number in 0..header.snapshots {
        if number >= MOST {
            let detail = "more than 64 snapshots; the others are not read";
            opened.problems.push(Problem::unsupported(detail));
            break;
        }
        if let Err(problem) = budget.spend_entries(1) {
            opened.problems.push(problem);
            break;
        }
        let Some((snapshot, len)) = parse(region, at) else {
            let detail = format!("the snapshot {number} is not all there");
            opened.problems.push(Problem::corrupt(detail).at(at));
            break;
        };
        ledger.metadata(at, len);
        ledger.metadata(snapshot.table.0, snapshot.table.1.saturating_mul(8));
        opened
            .properties
            .set(format!("snapshot.{number}.name"), snapshot.name.clone());
        found.push(snapshot);
        at = at.saturating_add(len).saturating_add(7) & !7;
    }
    found
}

/// The snapshot at `at`, and its length in the table.
fn parse(region: &Bytes, at: u64) -> Option<(Snapshot, u64)> {
    let fields = Fields::big(region.get(index(at)..)?);
    let (id_len, name_len) = (usize::from(fields.u16(12)?), usize::from(fields.u16(14)?));
    let extra = usize::try_from(fields.u32(36)?).ok()?;
    let id_at = 40_usize.checked_add(extra)?;
    let name_at = id_at.checked_add(id_len)?;
    let len = name_at.checked_add(name_len)?;
    let snapshot = Snapshot {
        table: (fields.u64(0)?, u64::from(fields.u32(8)?)),
        size: (extra >= 16).then(|| fields.u64(48)).flatten(),
        name: fields.slice(name_at, name_len)?.to_vec(),
    };
    Some((snapshot, u64::try_from(len).ok()?))
}
