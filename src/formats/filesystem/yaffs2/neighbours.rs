//! File systems side by side, of which no partition table tells: found by what one file system alone cannot hold.
//!
//! A driver gives each erase block that it starts to write a sequence number of its own. Tools give all blocks the same one, and
//! write every piece once. So a piece that comes again at the start of a block, in an image of a single sequence number, is where
//! the next tool's image starts. What drivers wrote to both cannot be taken apart, since blocks come in any order; it is told.

use std::collections::{BTreeMap, BTreeSet};

use super::extent::block;
use super::scan::{Pages, Record, Scan};
use crate::problem::Problem;

/// No erase block has more pages.
const LONGEST_BLOCK: u32 = 1024;

/// What speaks for more than one file system.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Neighbours {
    /// Nothing does.
    None,
    /// The pages that the second and each further one start with.
    Start(Vec<u32>),
    /// Something does, and does not say where they part.
    Mixed(Problem),
}

/// Looks for more than one file system in a region of YAFFS2.
pub(super) fn find(pages: &Pages, scan: &Scan) -> Neighbours {
    let mut records: Vec<Record> = scan.records.clone();
    records.sort_unstable_by_key(|record| record.page);
    let ages = records.iter().map(|record| record.age);
    let lowest = ages.clone().min();
    if ages.max() == lowest {
        restarts(pages, &records)
    } else {
        strangers(pages, &records, lowest.unwrap_or_default())
    }
}

/// Where the pieces of what a tool wrote come again.
fn restarts(pages: &Pages, records: &[Record]) -> Neighbours {
    let Some(first) = records.first() else {
        return Neighbours::None;
    };
    let key = |record: &Record| (record.object, record.number);
    let block = block(&pages.geometry);
    let mut starts = Vec::new();
    let mut seen = BTreeMap::new();
    for record in records {
        if let Some(&before) = seen.get(&key(record)) {
            if record.page.checked_rem(block) == Some(0) && key(record) == key(first) {
                starts.push(record.page);
                seen.clear();
            } else if !starts.is_empty() || record.page.saturating_sub(before) >= LONGEST_BLOCK {
                return Neighbours::Mixed(mixed(pages, record, "a piece comes twice in blocks"));
            }
            // Else a driver wrote it again within its first block.
        }
        seen.insert(key(record), record.page);
    }
    if starts.is_empty() {
        Neighbours::None
    } else {
        Neighbours::Start(starts)
    }
}

/// Whether blocks that do not lie together have one sequence number; those that a tool wrote may.
fn strangers(pages: &Pages, records: &[Record], lowest: u32) -> Neighbours {
    let mut closed = BTreeSet::new();
    for (before, record) in records.iter().zip(records.iter().skip(1)) {
        if before.age != record.age {
            closed.insert(before.age);
            if record.age != lowest && closed.contains(&record.age) {
                return Neighbours::Mixed(mixed(pages, record, "blocks that lie apart are"));
            }
        }
    }
    Neighbours::None
}

fn mixed(pages: &Pages, record: &Record, what: &str) -> Problem {
    let detail = format!(
        "{what} of one sequence number, {}: there is more than one file system here, and they are read as one",
        record.age
    );
    Problem::corrupt(detail).at(pages.at(record.page))
}
