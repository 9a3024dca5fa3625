//! The inodes that no directory names: those the file system keeps for itself, and those that hide.

use std::sync::Arc;

use super::inode::{Inode, Sort};
use super::journal;
use super::survey::Use;
use super::volume::Volume;
use super::walk::{ROOT, Walk};
use crate::problem::Problem;
use crate::read::Fields;

/// The inode that keeps room for more group descriptors.
const RESIZE: u32 = 7;
/// Inodes that are named one by one in a problem.
const SHOWN: usize = 8;

impl Walk<'_> {
    /// Names the inodes that the file system keeps for itself, and what they hold.
    pub(super) fn service_inodes(&mut self) {
        let volume = Arc::clone(&self.volume);
        let block = &volume.block;
        let reserved = 1..block.first_inode.min(64);
        let mut numbers: Vec<u32> = reserved
            .chain(block.service_inodes)
            .chain([block.journal_inode])
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let Ok(inode) = volume.inode(number) else {
                continue;
            };
            if number == ROOT || !is_service(&volume, &inode) || !self.reach(&volume, number) {
                continue;
            }
            let behind = self.attributes(&volume, &inode, true);
            for problem in behind.problems {
                self.tell(problem);
            }
            if inode.sort.is_some() {
                self.service_content(&volume, &inode);
            }
        }
    }

    fn service_content(&mut self, volume: &Volume, inode: &Inode) {
        if inode.number == RESIZE {
            self.resize_block(volume, inode);
            return;
        }
        let is_journal = inode.number == volume.block.journal_inode;
        let purpose = if is_journal {
            Use::Blocks
        } else {
            Use::Metadata
        };
        let found = self.survey(volume, &inode.mapping, purpose);
        for problem in found.problems.into_iter().chain(found.refused) {
            self.tell(problem.at(inode.at));
        }
        if is_journal {
            let start = found.runs.first().and_then(|run| volume.block(run.block));
            if start.is_some_and(journal::is_journal) {
                journal::name(volume, &found.runs, &mut self.account);
            } else {
                self.tell(
                    Problem::corrupt("the journal does not start with its superblock").at(inode.at),
                );
            }
        }
    }

    /// Names the block with the numbers of the blocks kept for more descriptors, where it holds nothing else.
    fn resize_block(&mut self, volume: &Volume, inode: &Inode) {
        let number = Fields::little(&inode.mapping.root)
            .u32(52)
            .map_or(0, u64::from);
        let Some(raw) = volume.block(number).filter(|_| volume.holds(number, 1)) else {
            return;
        };
        let kept = volume.block.copy_block(0);
        let end = kept.saturating_add(volume.block.blocks_per_group);
        let (numbers, _) = raw.as_chunks::<4>();
        let fits = |&number: &[u8; 4]| {
            let number = u64::from(u32::from_le_bytes(number));
            number == 0 || (kept..end).contains(&number)
        };
        if numbers.iter().all(fits) {
            self.account
                .padded(volume.at(number), raw, volume.block.block_size, 0);
        }
    }

    /// Tells the inodes that are in use without a name, and those that have a name without being in use.
    pub(super) fn compare_bitmaps(&mut self) {
        let volume = Arc::clone(&self.volume);
        let (mut nameless, mut free) = (Inodes::default(), Inodes::default());
        let per_group = volume.block.inodes_per_group;
        let mut first = 1_u32;
        for (group, reached) in volume.groups.iter().zip(&self.reached) {
            let bitmap = if group.inodes_unset {
                Some(&[][..])
            } else {
                volume.block(group.inode_bitmap)
            };
            if let Some(bitmap) = bitmap.filter(|_| group.inode_table.is_some()) {
                for number in 0..per_group.div_ceil(64) {
                    let at = usize::try_from(number).unwrap_or(usize::MAX);
                    let seen = reached.get(at).copied().unwrap_or(0);
                    let used = word(bitmap, at.saturating_mul(8));
                    let start = number.saturating_mul(64);
                    let left = per_group.saturating_sub(start);
                    let name = |bit: u32| first.saturating_add(start).saturating_add(bit);
                    let exists =
                        |&inode: &u32| volume.inode(inode).is_ok_and(|inode| inode.sort.is_some());
                    nameless.extend(bits(used & !seen, left).map(name).filter(exists));
                    free.extend(bits(seen & !used, left).map(name));
                }
            }
            first = first.saturating_add(per_group);
        }
        let nameless =
            nameless.told("in use but have no name, so that their content is not listed");
        let free = free.told("named but marked as free");
        for problem in nameless.into_iter().chain(free) {
            self.tell(problem);
        }
    }
}

/// Inodes of which one thing is wrong: how many, and the first of them.
#[derive(Default)]
struct Inodes {
    count: u64,
    shown: Vec<String>,
}

impl Inodes {
    fn extend(&mut self, inodes: impl Iterator<Item = u32>) {
        for inode in inodes {
            self.count = self.count.saturating_add(1);
            if self.shown.len() < SHOWN {
                self.shown.push(inode.to_string());
            }
        }
    }

    fn told(self, what: &str) -> Option<Problem> {
        let shown = self.shown.join(", ");
        let detail = format!("{} inodes are {what}; the first are {shown}", self.count);
        (self.count > 0).then(|| Problem::corrupt(detail))
    }
}

/// The set bits of a word, below `end`.
pub(super) fn bits(word: u64, end: u32) -> impl Iterator<Item = u32> {
    (0..end.min(64)).filter(move |&bit| word >> bit & 1 == 1)
}

/// Whether an inode is one of the file system's own, or a reserved one that is not used.
fn is_service(volume: &Volume, inode: &Inode) -> bool {
    let block = &volume.block;
    let known = (block.has_journal() && inode.number == block.journal_inode)
        || inode.number == RESIZE
        || block.service_inodes.contains(&inode.number);
    let unused = inode.sort.is_none() && inode.mapping.root == [0; 60];
    match inode.sort {
        Some(sort) => known && sort == Sort::File,
        None => unused && inode.number < block.first_inode,
    }
}

/// The 64 bits at `at`, as many of them as there are.
pub(super) fn word(bitmap: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    for (byte, &stored) in bytes.iter_mut().zip(bitmap.get(at..).unwrap_or_default()) {
        *byte = stored;
    }
    u64::from_le_bytes(bytes)
}
