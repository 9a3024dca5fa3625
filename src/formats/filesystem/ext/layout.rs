//! Where the file system keeps its own fixed structures: superblocks, descriptors, bitmaps, and their backups.

use std::collections::BTreeSet;

use super::checksum::crc32c;
use super::superblock::{SUPERBLOCK, SUPERBLOCK_CHECKSUM, SUPERBLOCK_USED};
use super::tally::Tally;
use super::volume::{Group, Volume};
use crate::formats::filesystem::account::Account;
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// Names the superblock, the group descriptors, the bitmaps, and those backups that say the same.
pub(super) fn name_structures(volume: &Volume, account: &mut Account, problems: &mut Vec<Problem>) {
    name_superblock(volume, SUPERBLOCK, account);
    let block = &volume.block;
    let groups = length_of(&volume.groups);
    let per_block = block.descriptors_per_block();
    let tables = groups.div_ceil(per_block);
    for table in 0..tables {
        let first = table.saturating_mul(per_block);
        name_table(volume, first, volume.descriptor_block(first), account);
    }
    for number in 0..groups {
        let start = block.copy_block(number);
        let copied = block.has_copy(number);
        if copied && number > 0 {
            name_superblock(volume, volume.at(start), account);
        }
        let kept_here = if block.meta_bg() {
            tables.min(block.first_meta_bg)
        } else {
            tables
        };
        let after = start.saturating_add(1);
        // A backup that does not fit into its group is none; this also bounds the work by the size of the image.
        if copied && number > 0 && kept_here < block.blocks_per_group {
            for table in 0..kept_here {
                name_table(
                    volume,
                    table.saturating_mul(per_block),
                    after.saturating_add(table),
                    account,
                );
            }
        }
        if copied && number == 0 && !block.meta_bg() {
            name_reserved(volume, after.saturating_add(kept_here), account);
        }
        name_meta_backup(volume, number, account);
    }
    if block.mmp()
        && volume.holds(block.mmp_block, 1)
        && let Some(raw) = volume.block(block.mmp_block)
    {
        account.padded(volume.at(block.mmp_block), raw, 1024, 0);
    }
    name_bitmaps(volume, account, problems);
}

/// Names a superblock at `at`: the primary one, or a backup of the same file system.
fn name_superblock(volume: &Volume, at: u64, account: &mut Account) {
    let Some(raw) = volume.bytes(at, SUPERBLOCK) else {
        return;
    };
    let fields = Fields::little(raw);
    if fields.u16(0x38) != Some(0xef53) || fields.slice(0x68, 16) != Some(&volume.block.uuid) {
        return;
    }
    let checksum_at = index(SUPERBLOCK_CHECKSUM);
    let checksum = if volume.block.metadata_csum() { 4 } else { 0 };
    account.padded(
        at,
        raw.get(..checksum_at).unwrap_or_default(),
        SUPERBLOCK_USED,
        0,
    );
    let tail = raw.get(checksum_at..).unwrap_or_default();
    account.padded(at.saturating_add(SUPERBLOCK_CHECKSUM), tail, checksum, 0);
}

/// Names the descriptors in `at_block` where they say the same as those of the groups from `first`.
fn name_table(volume: &Volume, first: u64, at_block: u64, account: &mut Account) {
    let Some(raw) = volume.block(at_block).filter(|_| volume.holds(at_block, 1)) else {
        return;
    };
    let size = index(volume.block.descriptor_size);
    let count = index(volume.block.descriptors_per_block());
    let known = volume.groups.get(index(first)..).unwrap_or_default();
    let mut used = 0;
    for (raw, known) in raw.chunks_exact(size).take(count).zip(known) {
        let places = |group: &Group| (group.block_bitmap, group.inode_bitmap, group.inode_table);
        let same = volume
            .group(raw)
            .is_some_and(|group| places(&group) == places(known));
        if !same && known.inode_table.is_some() {
            break;
        }
        used = length(raw).saturating_add(used);
    }
    account.padded(volume.at(at_block), raw, used, 0);
}

/// Names the backups of a block of descriptors in the second and the last of its groups (`meta_bg`).
fn name_meta_backup(volume: &Volume, group: u64, account: &mut Account) {
    let block = &volume.block;
    let per_block = block.descriptors_per_block();
    let slot = group.checked_rem(per_block).unwrap_or(0);
    let first = group.saturating_sub(slot);
    let table = group.checked_div(per_block).unwrap_or(0);
    let holds = slot == 1 || slot == per_block.saturating_sub(1);
    if block.meta_bg() && table >= block.first_meta_bg && holds && slot > 0 {
        let after = u64::from(block.has_copy(group));
        let at_block = block.copy_block(group).saturating_add(after);
        name_table(volume, first, at_block, account);
    }
}

/// Names the block numbers in the blocks kept for more descriptors: each names its own backups, a whole number of groups behind
/// it. The rest of these blocks is empty.
fn name_reserved(volume: &Volume, first: u64, account: &mut Account) {
    for number in 0..volume.block.reserved_descriptors {
        let block = first.saturating_add(number);
        let Some(raw) = volume.block(block).filter(|_| volume.holds(block, 1)) else {
            return;
        };
        let (numbers, _) = raw.as_chunks::<4>();
        let is_backup = |&&number: &&[u8; 4]| {
            let number = u64::from(u32::from_le_bytes(number));
            let behind = number.checked_sub(block).filter(|&behind| behind > 0);
            behind.and_then(|behind| behind.checked_rem(volume.block.blocks_per_group)) == Some(0)
        };
        let backups = numbers.iter().take_while(is_backup).count();
        let used = u64::try_from(backups).unwrap_or(0).saturating_mul(4);
        if used > 0 {
            account.padded(volume.at(block), raw, used, 0);
        }
    }
}

/// Names the bitmaps that were written and tells those whose checksum does not hold.
fn name_bitmaps(volume: &Volume, account: &mut Account, problems: &mut Vec<Problem>) {
    let block = &volume.block;
    let clusters = block
        .blocks_per_group
        .checked_div(block.cluster)
        .unwrap_or(0);
    let inodes = u64::from(block.inodes_per_group);
    let (mut sums, mut shared) = (Tally::default(), Tally::default());
    let mut seen = BTreeSet::new();
    for group in &volume.groups {
        let [block_sum, inode_sum] = group.sums;
        let kinds = [
            (group.blocks_unset, group.block_bitmap, clusters, block_sum),
            (group.inodes_unset, group.inode_bitmap, inodes, inode_sum),
        ];
        for (unset, bitmap, bits, (stored, mask)) in kinds {
            let Some(raw) = volume
                .block(bitmap)
                .filter(|_| volume.holds(bitmap, 1) && !unset)
            else {
                continue;
            };
            let at = volume.at(bitmap);
            if !seen.insert(bitmap) {
                shared.add(|| Problem::corrupt("a bitmap serves two groups").at(at));
                continue;
            }
            let used = raw.get(..index(bits / 8)).unwrap_or(raw);
            account.padded(at, raw, length(used), 0xff);
            if block.metadata_csum() && crc32c(block.seed, used) & mask != stored {
                sums.add(|| {
                    let what = "the checksum of the bitmap in block";
                    Problem::checksum(format!("{what} {bitmap} does not hold")).at(at)
                });
            }
        }
    }
    problems.extend([sums, shared].into_iter().filter_map(Tally::told));
}

fn length_of<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}
