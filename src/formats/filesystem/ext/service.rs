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
        let (mut nameless, mut free) = (Vec::new(), Vec::new());
        let (mut nameless_count, mut free_count) = (0_u64, 0_u64);
        let per_group = volume.block.inodes_per_group;
        for (number, group) in volume.groups.iter().enumerate() {
            let bitmap = if group.inodes_unset {
                &[]
            } else {
                volume.block(group.inode_bitmap).unwrap_or_default()
            };
            let reached = self
                .reached
                .get(number)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let base = u32::try_from(number)
                .unwrap_or(u32::MAX)
                .saturating_mul(per_group);
            for word_number in 0..per_group.div_ceil(64) {
                let at = usize::try_from(word_number).unwrap_or(usize::MAX);
                let used = word(bitmap, at.saturating_mul(8));
                let seen = reached.get(at).copied().unwrap_or(0);
                let first = base
                    .saturating_add(word_number.saturating_mul(64))
                    .saturating_add(1);
                let bits = |mask: u64| {
                    (0..64_u32)
                        .filter(move |&bit| mask >> bit & 1 == 1)
                        .map(move |bit| (bit, first.saturating_add(bit)))
                };
                for (bit, inode) in bits(used & !seen) {
                    let within = word_number.saturating_mul(64).saturating_add(bit) < per_group;
                    if within && volume.inode(inode).is_ok_and(|inode| inode.sort.is_some()) {
                        nameless_count = nameless_count.saturating_add(1);
                        nameless.push(inode);
                        nameless.truncate(SHOWN);
                    }
                }
                for (_, inode) in bits(seen & !used) {
                    free_count = free_count.saturating_add(1);
                    free.push(inode);
                    free.truncate(SHOWN);
                }
            }
        }
        self.tell_inodes(
            nameless_count,
            &nameless,
            "in use but have no name, so that their content is not listed",
        );
        self.tell_inodes(free_count, &free, "named but marked as free");
    }

    fn tell_inodes(&mut self, count: u64, shown: &[u32], what: &str) {
        if count > 0 {
            let shown: Vec<String> = shown.iter().map(u32::to_string).collect();
            let more = if count > u64::try_from(shown.len()).unwrap_or(0) {
                ", ..."
            } else {
                ""
            };
            let detail = format!("{count} inodes ({}{more}) are {what}", shown.join(", "));
            self.tell(Problem::corrupt(detail));
        }
    }
}

/// The 64 bits at `at`, as many of them as there are.
fn word(bitmap: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    for (byte, &stored) in bytes.iter_mut().zip(bitmap.get(at..).unwrap_or_default()) {
        *byte = stored;
    }
    u64::from_le_bytes(bytes)
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
