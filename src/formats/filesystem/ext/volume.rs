//! The file system's blocks and group descriptors: where its tables are.

use bytes::Bytes;

use super::checksum::{crc16, crc32c};
use super::superblock::Superblock;
use super::tally::Tally;
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// A file system and the region it lies in.
pub(super) struct Volume {
    /// The region's bytes, which may end before the file system does.
    pub(super) region: Bytes,
    /// Its superblock.
    pub(super) block: Superblock,
    /// The groups whose descriptors could be read, in order.
    pub(super) groups: Vec<Group>,
}

/// Where the tables of a group are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// The block with the bitmap of its blocks.
    pub(super) block_bitmap: u64,
    /// The block with the bitmap of its inodes.
    pub(super) inode_bitmap: u64,
    /// The first block of its inode table; `None` where it is not usable.
    pub(super) inode_table: Option<u64>,
    /// Whether the block bitmap was never written.
    pub(super) blocks_unset: bool,
    /// Whether the inode bitmap and table were never written.
    pub(super) inodes_unset: bool,
    /// The stored checksums of the two bitmaps and which of their bits count.
    pub(super) sums: [(u32, u32); 2],
}

impl Volume {
    /// Reads the group descriptors of `region`.
    pub(super) fn read(region: Bytes, block: Superblock, problems: &mut Vec<Problem>) -> Self {
        let mut volume = Self {
            region,
            block,
            groups: Vec::new(),
        };
        let count = volume.block.group_count().unwrap_or(0);
        // Groups far behind the image's end have nothing in it, however many the superblock claims.
        let blocks = length(&volume.region).checked_div(volume.block.block_size);
        let most = (blocks.unwrap_or(0) / 16).saturating_add(64);
        let (mut sums, mut places) = (Tally::default(), Tally::default());
        for number in 0..count {
            let Some((at, raw)) = volume.descriptor(number).filter(|_| number < most) else {
                let last = count.saturating_sub(1);
                let detail = format!("the groups {number} to {last} lie outside the image");
                problems.push(Problem::corrupt(detail));
                break;
            };
            if volume.descriptor_is_sound(number, raw) == Some(false) {
                sums.add(|| {
                    let what = "the checksum of the descriptor of group";
                    Problem::checksum(format!("{what} {number} does not hold")).at(at)
                });
            }
            let group = volume.group(raw).unwrap_or_default();
            if group.inode_table.is_none() {
                places.add(|| {
                    let what = "names blocks outside the file system";
                    Problem::corrupt(format!("the descriptor of group {number} {what}")).at(at)
                });
            }
            volume.groups.push(group);
        }
        let shared = volume.drop_shared_tables();
        problems.extend([sums, places, shared].into_iter().filter_map(Tally::told));
        volume
    }

    /// Where a block starts, in bytes from the region's start.
    pub(super) fn at(&self, block: u64) -> u64 {
        block.saturating_mul(self.block.block_size)
    }

    /// The bytes of a block; `None` where it is not all there.
    pub(super) fn block(&self, block: u64) -> Option<&[u8]> {
        self.bytes(self.at(block), self.block.block_size)
    }

    /// The `len` bytes at `at`, borrowed.
    pub(super) fn bytes(&self, at: u64, len: u64) -> Option<&[u8]> {
        map::visited();
        self.region.get(index(at)..index(at.checked_add(len)?))
    }

    /// Whether `count` blocks from `block` can hold a file's data: inside the file system, and not its first block.
    pub(super) fn holds(&self, block: u64, count: u64) -> bool {
        let end = block.checked_add(count);
        block > 0 && end.is_some_and(|end| end <= self.block.block_count)
    }

    /// Where the table of descriptors of the groups around `group` lies.
    pub(super) fn descriptor_block(&self, group: u64) -> u64 {
        let block = &self.block;
        let per_block = block.descriptors_per_block();
        let number = group.checked_div(per_block).unwrap_or(0);
        if !block.meta_bg() || number < block.first_meta_bg {
            return block.copy_block(0).saturating_add(1).saturating_add(number);
        }
        let own = number.saturating_mul(per_block);
        let after = u64::from(block.has_copy(own));
        block.copy_block(own).saturating_add(after)
    }

    /// The descriptor of a group and where it is.
    fn descriptor(&self, group: u64) -> Option<(u64, &[u8])> {
        let size = self.block.descriptor_size;
        let slot = group.checked_rem(self.block.descriptors_per_block())?;
        let at = self
            .at(self.descriptor_block(group))
            .checked_add(slot.checked_mul(size)?)?;
        Some((at, self.bytes(at, size)?))
    }

    /// What a descriptor says; `None` where its blocks are impossible.
    pub(super) fn group(&self, raw: &[u8]) -> Option<Group> {
        let fields = Fields::little(raw);
        let wide = self.block.wide() && raw.len() >= 64;
        let number = |low, high| {
            let high = if wide { fields.u32(high)? } else { 0 };
            Some(u64::from(high) << 32 | u64::from(fields.u32(low)?))
        };
        let sum = |low, high| {
            let low = u32::from(fields.u16(low)?);
            Some(if wide {
                (u32::from(fields.u16(high)?) << 16 | low, u32::MAX)
            } else {
                (low, 0xffff)
            })
        };
        let flags = if self.block.metadata_csum() || self.block.gdt_csum() {
            fields.u16(0x12)?
        } else {
            0
        };
        let table = number(0x8, 0x28)?;
        let (block_bitmap, inode_bitmap) = (number(0, 0x20)?, number(0x4, 0x24)?);
        let fits = self.holds(block_bitmap, 1)
            && self.holds(inode_bitmap, 1)
            && self.holds(table, self.table_blocks());
        Some(Group {
            block_bitmap,
            inode_bitmap,
            inode_table: fits.then_some(table),
            blocks_unset: flags & 2 != 0,
            inodes_unset: flags & 1 != 0,
            sums: [sum(0x18, 0x38)?, sum(0x1a, 0x3a)?],
        })
    }

    /// Blocks of one group's inode table.
    pub(super) fn table_blocks(&self) -> u64 {
        let inodes = u64::from(self.block.inodes_per_group);
        let bytes = inodes.saturating_mul(self.block.inode_size);
        bytes.div_ceil(self.block.block_size.max(1))
    }

    /// Whether a descriptor's checksum holds; `None` where it has none.
    fn descriptor_is_sound(&self, group: u64, raw: &[u8]) -> Option<bool> {
        let stored = Fields::little(raw).u16(0x1e)?;
        let number = u32::try_from(group).unwrap_or(u32::MAX).to_le_bytes();
        let (before, after) = (raw.get(..0x1e)?, raw.get(0x20..)?);
        if self.block.metadata_csum() {
            let crc = crc32c(crc32c(self.block.seed, &number), before);
            let crc = crc32c(crc32c(crc, &[0, 0]), after);
            return Some(crc & 0xffff == u32::from(stored));
        }
        self.block.gdt_csum().then(|| {
            let crc = crc16(crc16(u16::MAX, &self.block.uuid), &number);
            let after = if self.block.wide() { after } else { &[] };
            crc16(crc16(crc, before), after) == stored
        })
    }

    /// Forgets inode tables that share blocks with another: each inode has one place, so that there are no
    /// more inodes than the image has room for.
    fn drop_shared_tables(&mut self) -> Tally {
        let mut shared = Tally::default();
        let len = self.table_blocks();
        let mut tables: Vec<(u64, usize)> = self
            .groups
            .iter()
            .enumerate()
            .filter_map(|(number, group)| Some((group.inode_table?, number)))
            .collect();
        tables.sort_unstable();
        let mut free_from = 0;
        for (table, number) in tables {
            if table >= free_from {
                free_from = table.saturating_add(len);
                continue;
            }
            let at = self.at(table);
            shared.add(|| {
                let what = "overlaps that of another group";
                Problem::corrupt(format!("the inode table of group {number} {what}")).at(at)
            });
            if let Some(group) = self.groups.get_mut(number) {
                group.inode_table = None;
            }
        }
        shared
    }

    /// Whether the region ends before the file system does.
    pub(super) fn is_cut(&self) -> bool {
        length(&self.region) < self.block.len()
    }
}
