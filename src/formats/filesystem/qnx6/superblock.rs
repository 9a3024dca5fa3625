//! The superblock, twice: 512 bytes with a CRC-32.

use bytes::Bytes;

use super::blocks::Fork;
use crate::formats::filesystem::harvest::Harvest;
use crate::read::{Endian, Fields, cut};

/// The boot blocks in front of the first superblock, in bytes; also where that stands.
pub(super) const BOOT: u64 = 0x2000;
/// The room for a superblock, in bytes.
const AREA: u64 = 0x1000;
/// The length of a superblock in bytes, and how many of them are fields.
const LEN: u64 = 512;
pub(super) const USED: u64 = 480;
/// What the boot blocks start with: a jump over three numbers.
const LOADER: [u8; 4] = [0xeb, 0x10, 0x90, 0x00];
/// Where the bytes start that the CRC covers.
const COVERED: usize = 8;

/// A superblock.
#[derive(Clone)]
pub(super) struct Super {
    /// All 512 bytes of it.
    pub(super) raw: Bytes,
    pub(super) endian: Endian,
    /// Counts the writes of a superblock.
    pub(super) serial: u64,
    volume: [u8; 16],
    /// The length of a block in bytes.
    pub(super) block: u64,
    /// The number of inodes and of blocks.
    pub(super) inode_count: u32,
    pub(super) blocks: u64,
    /// The file of inodes, the map of used blocks, and the file of long names.
    pub(super) inodes: Fork,
    pub(super) bitmap: Fork,
    pub(super) names: Fork,
    /// Whether its CRC-32 is right.
    pub(super) sound: bool,
}

impl Super {
    /// The superblock at `at`.
    pub(super) fn parse(region: &Bytes, at: u64) -> Option<Self> {
        let raw = cut(region, at, LEN)?;
        let endian = if raw.starts_with(&[0x22, 0x11, 0x19, 0x68]) {
            Endian::Little
        } else if raw.starts_with(&[0x68, 0x19, 0x11, 0x22]) {
            Endian::Big
        } else {
            return None;
        };
        let fields = Fields::new(&raw, endian);
        let mut found = Self {
            endian,
            serial: fields.u64(8)?,
            volume: fields.slice(32, 16)?.try_into().ok()?,
            block: fields.u32(48)?.into(),
            inode_count: fields.u32(52)?,
            blocks: fields.u32(60)?.into(),
            inodes: root(&fields, 72)?,
            bitmap: root(&fields, 152)?,
            names: root(&fields, 232)?,
            sound: false,
            raw: raw.clone(),
        };
        // Four bytes are found everywhere: only what could be a superblock is worth a sum.
        found.sound = found.fits() && crc(raw.get(COVERED..)?) == fields.u32(4)?;
        Some(found)
    }

    /// Whether its numbers could be those of a file system.
    pub(super) fn fits(&self) -> bool {
        let size = self.block.is_power_of_two() && (512..=65536).contains(&self.block);
        size && self.blocks > 0 && self.inodes.is_possible() && self.names.is_possible()
    }

    /// Whether it is the other superblock of the same file system.
    pub(super) fn is_of(&self, first: &Self) -> bool {
        self.endian == first.endian && self.block == first.block && self.blocks == first.blocks
    }

    /// Where block 0 starts, in bytes.
    pub(super) fn base() -> u64 {
        BOOT.saturating_add(AREA)
    }

    /// Where the second superblock stands, in bytes: behind the blocks.
    pub(super) fn second(&self) -> u64 {
        Self::base().saturating_add(self.blocks.saturating_mul(self.block))
    }

    /// Where the second superblock ends, in bytes.
    pub(super) fn end(&self) -> u64 {
        self.second().saturating_add(LEN)
    }

    /// The length of the file system in bytes, with all the room for the second superblock.
    pub(super) fn len(&self) -> u64 {
        self.second().saturating_add(AREA)
    }

    /// Says what the superblock says, and names the start of the boot blocks, which says where the superblocks are.
    pub(super) fn describe(&self, region: &[u8], harvest: &mut Harvest<'_>) {
        if region.starts_with(&LOADER) {
            harvest.account.metadata(0, 16);
        }
        let order = match self.endian {
            Endian::Little => "little",
            Endian::Big => "big",
        };
        harvest.properties.set("byte-order", order);
        harvest.properties.set("block", self.block.to_string());
        harvest.properties.set("serial", self.serial.to_string());
        harvest
            .properties
            .set("volume-id", crate::digest::hex(&self.volume));
    }
}

/// A file of the superblock, at `at`.
fn root(fields: &Fields<'_>, at: usize) -> Option<Fork> {
    let pointers = at.checked_add(8)?;
    let levels = fields.u8(at.checked_add(72)?)?;
    Fork::parse(fields, fields.u64(at)?, pointers, levels)
}

/// The CRC-32 that shifts to the left, from 0 and not inverted: the usual one of the bytes with their bits reversed, reversed.
fn crc(bytes: &[u8]) -> u32 {
    let reversed: Vec<u8> = bytes.iter().map(|byte| byte.reverse_bits()).collect();
    let mut hasher = crc32fast::Hasher::new_with_initial(u32::MAX);
    hasher.update(&reversed);
    (!hasher.finalize()).reverse_bits()
}
