//! The copies of blocks that stand in the journal, also those that were written back long ago: the ring keeps them until it comes
//! round again.

use std::collections::BTreeMap;

use super::journal::{DESCRIPTOR, ESCAPED, MAGIC};
use super::log::Log;
use crate::read::Fields;

/// One copy of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Copy {
    /// When it was made: transactions from the journal's present one on, negative in the past.
    pub(super) when: i32,
    /// The block that holds it.
    pub(super) from: u64,
}

/// All copies, by the block that they are copies of, the oldest first.
#[derive(Default)]
pub(super) struct Copies(BTreeMap<u64, Vec<Copy>>);

impl Copies {
    /// Finds the copies in a journal. Those of which a checksum says that they are damaged are left out, and so are those that start
    /// with the journal's own magic: neither inodes nor directories do.
    pub(super) fn read(log: &Log<'_>) -> Self {
        let mut copies = Self::default();
        // Each block of the ring is the copy of one block at most.
        let mut left = log.end.saturating_sub(log.first);
        for number in log.first..log.end {
            let Some((place, raw)) = log.block(number) else {
                break;
            };
            let fields = Fields::big(raw);
            let starts = [fields.u32(0), fields.u32(4)] == [Some(MAGIC), Some(DESCRIPTOR)];
            let Some(sequence) = fields.u32(8).filter(|_| starts) else {
                continue;
            };
            if log.check_tail(place, raw).is_err() {
                continue;
            }
            let when = sequence.wrapping_sub(log.sequence).cast_signed();
            let mut at = number;
            for tag in log.tags.read(raw).0 {
                at = log.after(at);
                let Some((from, raw)) = log.block(at).filter(|_| left > 0) else {
                    break;
                };
                left = left.saturating_sub(1);
                if tag.flags & ESCAPED == 0 && log.tag_holds(sequence, &tag, raw) {
                    let copy = Copy { when, from };
                    copies.0.entry(tag.block).or_default().push(copy);
                }
            }
        }
        for copies in copies.0.values_mut() {
            copies.sort_unstable();
        }
        copies
    }

    /// The copies of a block.
    pub(super) fn of(&self, block: u64) -> &[Copy] {
        self.0.get(&block).map_or(&[], Vec::as_slice)
    }

    /// How many copies there are.
    pub(super) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The copied blocks, each with its copies.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &[Copy])> {
        self.0
            .iter()
            .map(|(&block, copies)| (block, copies.as_slice()))
    }
}
