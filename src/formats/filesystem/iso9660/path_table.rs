//! Path tables: the directories of a tree once more, in either byte order. ECMA-119 section 9.4.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::descriptor::Volume;
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::problem::Problem;
use crate::read::{Endian, Fields, clip, length};

/// Holds the path tables against the directories that were read, by their first blocks: all of them name the same.
pub(super) fn check(
    region: &Bytes,
    volume: &Volume,
    directories: &BTreeSet<u64>,
    ledger: &mut Ledger,
    problems: &mut Problems,
) {
    let len = u64::from(volume.path_table_len.unwrap_or_default());
    for (block, endian) in volume.path_tables.iter().filter(|(block, _)| *block != 0) {
        let at = u64::from(*block).saturating_mul(volume.block);
        let table = clip(region, at, len);
        if length(&table) == len && listed(&table, *endian).as_ref() == Some(directories) {
            ledger.metadata(at, len);
        } else {
            let detail = "a path table does not name the directories that the tree has";
            problems.push(Problem::corrupt(detail).at(at));
        }
    }
}

/// The first blocks of the directories that a path table names; `None` when it does not hold together.
fn listed(table: &[u8], endian: Endian) -> Option<BTreeSet<u64>> {
    let mut blocks = BTreeSet::new();
    let mut at: usize = 0;
    while at < table.len() {
        let fields = Fields::new(table.get(at..)?, endian);
        let name = usize::from(fields.u8(0)?);
        let len = name.checked_add(name % 2)?.checked_add(8)?;
        fields.slice(0, len)?;
        blocks.insert(u64::from(fields.u32(2)?));
        at = at.checked_add(len)?;
    }
    Some(blocks)
}
