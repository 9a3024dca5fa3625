//! The chain of tables in an extended partition: each names one logical partition and the next table.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{ENTRIES_AT, Slot, describe, slots};
use crate::budget::Budget;
use crate::formats::{Opened, Span};
use crate::problem::Problem;
use crate::read::{clip, length};

/// The longest chain that is followed. Linux numbers at most 256 partitions.
const LONGEST: usize = 256;

/// The logical partitions of the extended one, numbered from 5; what is wrong with the chain goes to `opened`.
pub(super) fn logical(
    region: &Bytes,
    extended: &Slot,
    sector: u64,
    budget: &Budget,
    opened: &mut Opened,
) -> Vec<Slot> {
    let mut found: Vec<Slot> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = extended.first;
    for number in 5.. {
        let start = at.saturating_mul(sector);
        if start >= length(region) {
            // The region is cut off before it; that is told already.
            break;
        }
        if let Err(problem) = budget.spend_entries(1) {
            opened.problems.push(problem);
            break;
        }
        let why = match () {
            () if !seen.insert(at) => Some("the chain of logical partitions runs in a circle"),
            () if seen.len() > LONGEST => {
                Some("the chain of logical partitions has more than 256 links")
            }
            () => None,
        };
        let table = slots(&clip(region, start, 512)).filter(|_| why.is_none());
        let Some(table) = table else {
            let why = why.unwrap_or("no table where the chain of logical partitions goes on");
            opened.problems.push(Problem::corrupt(why).at(start));
            break;
        };
        let entries = u64::try_from(ENTRIES_AT).unwrap_or_default();
        opened
            .spans
            .push(Span::metadata(start.saturating_add(entries), 66));
        let mut next = None;
        let mut named = None;
        for slot in table {
            if slot.is_extended() {
                next = next.or(Some(extended.first.saturating_add(slot.first)));
            } else if named.is_none() {
                let first = at.saturating_add(slot.first);
                named = Some(Slot {
                    number,
                    first,
                    ..slot
                });
            } else {
                let why = "a table of the chain names more than one partition";
                opened.problems.push(Problem::corrupt(why).at(start));
            }
        }
        if let Some(slot) = named {
            if slot.end() > extended.end() {
                let why = format!("the partition p{number} reaches past the extended one");
                opened.problems.push(Problem::corrupt(why).at(start));
            }
            describe(&slot, &mut opened.properties);
            found.push(slot);
        }
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    found
}
