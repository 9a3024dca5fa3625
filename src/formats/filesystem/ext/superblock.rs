//! The superblock: the numbers by which every other structure is found.

use super::checksum::{START, crc32c};
use crate::formats::Reject;
use crate::read::Fields;

/// Where the superblock starts, in bytes from the region's start; its length is the same.
pub(super) const SUPERBLOCK: u64 = 1024;
/// The bytes of the superblock that have a meaning; behind them come zeros and the checksum.
pub(super) const SUPERBLOCK_USED: u64 = 0x288;
/// Where the superblock's checksum stands, from its start.
pub(super) const SUPERBLOCK_CHECKSUM: u64 = 0x3fc;

/// Names a test of one feature bit.
macro_rules! features {
    ($($word:ident $name:ident = $bit:literal;)*) => {
        impl Superblock {
            $(
                #[doc = concat!("Whether the feature `", stringify!($name), "` is set.")]
                pub(super) fn $name(&self) -> bool {
                    self.$word & $bit != 0
                }
            )*
        }
    };
}

features! {
    compat has_journal = 0x4;
    compat sparse_super2 = 0x200;
    incompat compression = 0x1;
    incompat needs_recovery = 0x4;
    incompat journal_dev = 0x8;
    incompat meta_bg = 0x10;
    incompat wide = 0x80;
    incompat mmp = 0x100;
    incompat csum_seed = 0x2000;
    incompat large_dir = 0x4000;
    ro_compat sparse_super = 0x1;
    ro_compat gdt_csum = 0x10;
    ro_compat bigalloc = 0x200;
    ro_compat metadata_csum = 0x400;
    ro_compat shared_blocks = 0x4000;
}

/// The incompatible features that are read: `filetype`, `needs_recovery`, `journal_dev`, `meta_bg`, `extents`, `64bit`, `mmp`, `flex_bg`,
/// `ea_inode`, `csum_seed`, `largedir`, `inline_data`, `encrypt`, `casefold`. (`compression` and `dirdata` are not.)
const READ: u32 = 0x3e7de;

/// What the superblock says.
#[derive(Clone, Debug)]
pub(super) struct Superblock {
    compat: u32,
    incompat: u32,
    ro_compat: u32,
    /// Bytes in a block.
    pub(super) block_size: u64,
    /// Blocks in the file system.
    pub(super) block_count: u64,
    /// The block that group 0 starts with.
    pub(super) first_block: u64,
    /// Blocks in a group.
    pub(super) blocks_per_group: u64,
    /// Blocks that one bit of a bitmap stands for.
    pub(super) cluster: u64,
    /// Inodes in the file system.
    pub(super) inode_count: u32,
    /// Inodes in a group.
    pub(super) inodes_per_group: u32,
    /// Bytes in a slot of the inode table.
    pub(super) inode_size: u64,
    /// The first inode that is not reserved.
    pub(super) first_inode: u32,
    /// Bytes in a group descriptor.
    pub(super) descriptor_size: u64,
    /// Blocks kept free behind the group descriptors so that they can grow.
    pub(super) reserved_descriptors: u64,
    /// The first block of descriptors that lies in its own groups (`meta_bg`).
    pub(super) first_meta_bg: u64,
    /// The groups with backups, with `sparse_super2`.
    pub(super) backup_groups: [u32; 2],
    /// The block against double mounts.
    pub(super) mmp_block: u64,
    /// The inode of the journal; 0 where it lies on another device.
    pub(super) journal_inode: u32,
    /// Inodes that hold quotas and the list of orphans; 0 where there is none.
    pub(super) service_inodes: [u32; 4],
    /// The name the file system is known by.
    pub(super) uuid: [u8; 16],
    /// The name of the journal's device.
    pub(super) journal_uuid: [u8; 16],
    /// What the checksums of all other structures start with.
    pub(super) seed: u32,
    /// Whether the superblock's own checksum holds; `None` where it has none.
    pub(super) sound: Option<bool>,
}

impl Superblock {
    /// Reads the 1024 bytes of a superblock and checks every number that others are computed from.
    pub(super) fn parse(raw: &[u8]) -> Result<Self, Reject> {
        let chance = Reject::Coincidence("no ext superblock");
        let fields = Fields::little(raw);
        if fields.u16(0x38) != Some(0xef53) {
            return Err(chance);
        }
        // Cheap tests first: the magic stands in every 64 KiB of noise.
        let orders = (fields.u32(0x18), fields.u32(0x1c), fields.u32(0x4c));
        let (Some(order @ 0..=6), Some(cluster_order @ 0..=29), Some(0..=1)) = orders else {
            return Err(chance);
        };
        let block = Self::read(&fields, order, cluster_order).ok_or(chance)?;
        if fields.u16(0x5a) != Some(0) {
            return Err(Reject::Coincidence("a backup of a superblock"));
        }
        if block.journal_dev() || block.check(&fields).is_some() {
            return Ok(block);
        }
        if block.sound == Some(true) || resembles(&fields) == Some(true) {
            return Err(Reject::NearMiss(
                "an ext superblock whose numbers contradict each other",
            ));
        }
        Err(chance)
    }

    fn read(fields: &Fields<'_>, order: u32, cluster_order: u32) -> Option<Self> {
        let (compat, incompat, ro_compat) =
            (fields.u32(0x5c)?, fields.u32(0x60)?, fields.u32(0x64)?);
        let old = fields.u32(0x4c)? == 0;
        let wide = incompat & 0x80 != 0;
        let high = if wide { fields.u32(0x150)? } else { 0 };
        let uuid: [u8; 16] = fields.slice(0x68, 16)?.try_into().ok()?;
        let mut block = Self {
            compat,
            incompat,
            ro_compat,
            block_size: 1024_u64.checked_shl(order)?,
            block_count: u64::from(high) << 32 | u64::from(fields.u32(0x4)?),
            first_block: u64::from(fields.u32(0x14)?),
            blocks_per_group: u64::from(fields.u32(0x20)?),
            cluster: 1_u64.checked_shl(cluster_order.checked_sub(order)?)?,
            inode_count: fields.u32(0)?,
            inodes_per_group: fields.u32(0x28)?,
            inode_size: if old {
                128
            } else {
                u64::from(fields.u16(0x58)?)
            },
            first_inode: if old { 11 } else { fields.u32(0x54)? },
            descriptor_size: if wide {
                u64::from(fields.u16(0xfe)?)
            } else {
                32
            },
            reserved_descriptors: u64::from(fields.u16(0xce)?),
            first_meta_bg: u64::from(fields.u32(0x104)?),
            backup_groups: [fields.u32(0x24c)?, fields.u32(0x250)?],
            mmp_block: fields.u64(0x168)?,
            journal_inode: fields.u32(0xe0)?,
            service_inodes: [
                fields.u32(0x240)?,
                fields.u32(0x244)?,
                fields.u32(0x26c)?,
                fields.u32(0x280)?,
            ],
            uuid,
            journal_uuid: fields.slice(0xd0, 16)?.try_into().ok()?,
            seed: crc32c(START, &uuid),
            sound: None,
        };
        if block.csum_seed() {
            block.seed = fields.u32(0x270)?;
        }
        if block.metadata_csum() {
            let computed = crc32c(START, fields.slice(0, 0x3fc)?);
            block.sound = Some(computed == fields.u32(0x3fc)?);
        }
        Some(block)
    }

    /// Whether the numbers fit each other as in every file system that the kernel mounts.
    fn check(&self, fields: &Fields<'_>) -> Option<()> {
        let bits = self.block_size.checked_mul(8)?;
        let small = self.block_size == 1024;
        let first = match self.first_block {
            0 => !small || self.bigalloc(),
            1 => small,
            _ => false,
        };
        let clusters = self.blocks_per_group.checked_div(self.cluster)?;
        let (per_cluster, free) = (u64::from(fields.u32(0x24)?), u64::from(fields.u32(0xc)?));
        let inodes = u64::from(self.inodes_per_group);
        let inode_bytes = inodes.checked_mul(self.inode_size)?;
        let holds = first
            && (self.cluster == 1 || self.bigalloc())
            && clusters >= 1
            && clusters <= bits
            && (self.blocks_per_group >= 256 || self.group_count()? == 1)
            && (per_cluster == clusters || !self.bigalloc())
            && inodes <= bits
            && inode_bytes >= self.block_size
            && self.inode_size.is_power_of_two()
            && (128..=self.block_size).contains(&self.inode_size)
            && self.descriptor_size.is_power_of_two()
            && (32..=1024).contains(&self.descriptor_size)
            && (!self.wide() || self.descriptor_size >= 64)
            && self.block_count > self.first_block
            && self.block_count <= u64::MAX >> 20
            && (self.wide() || free <= self.block_count)
            && fields.u32(0x10)? <= self.inode_count
            && (11..=self.inode_count).contains(&self.first_inode)
            && inodes.checked_mul(self.group_count()?)? == u64::from(self.inode_count);
        holds.then_some(())
    }

    /// Bytes in the file system.
    pub(super) fn len(&self) -> u64 {
        self.block_count.saturating_mul(self.block_size)
    }

    /// Groups in the file system; `None` where there can be none.
    pub(super) fn group_count(&self) -> Option<u64> {
        let blocks = self.block_count.checked_sub(self.first_block)?;
        (self.blocks_per_group > 0).then(|| blocks.div_ceil(self.blocks_per_group))
    }

    /// The incompatible features that are not read, as a mask.
    pub(super) fn unread_features(&self) -> u32 {
        self.incompat & !READ
    }

    /// The first block of a group.
    pub(super) fn group_start(&self, group: u64) -> u64 {
        let start = group.saturating_mul(self.blocks_per_group);
        self.first_block.saturating_add(start)
    }

    /// The block in which the copy of the superblock in `group` starts. In group 0 the boot block comes before it.
    pub(super) fn copy_block(&self, group: u64) -> u64 {
        match self.group_start(group) {
            0 if self.block_size == SUPERBLOCK => 1,
            start => start,
        }
    }

    /// Descriptors in a block.
    pub(super) fn descriptors_per_block(&self) -> u64 {
        self.block_size
            .checked_div(self.descriptor_size)
            .unwrap_or(1)
            .max(1)
    }

    /// Whether a group holds a superblock and, without `meta_bg`, all descriptors.
    pub(super) fn has_copy(&self, group: u64) -> bool {
        let power_of = |base: u64| {
            let mut power = base;
            while power < group {
                power = power.saturating_mul(base);
            }
            power == group
        };
        if group == 0 {
            return true;
        }
        if self.sparse_super2() {
            return self.backup_groups.map(u64::from).contains(&group);
        }
        group == 1 || !self.sparse_super() || power_of(3) || power_of(5) || power_of(7)
    }
}

/// Whether the rest of the superblock is as empty and as small as in a real one.
fn resembles(fields: &Fields<'_>) -> Option<bool> {
    let counts = [0x0, 0x4, 0x20, 0x28].map(|at| fields.u32(at));
    let unused = fields.slice(0x288, 0x174)?;
    Some(
        counts
            .iter()
            .all(|count| count.is_some_and(|count| count > 0))
            && fields.u16(0x3a)? <= 7
            && fields.u16(0x3c)? <= 3
            && fields.u32(0x48)? <= 4
            && unused.iter().all(|&byte| byte == 0),
    )
}
