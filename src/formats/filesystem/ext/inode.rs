//! Inodes: what one file is, whose it is and where the map of its blocks starts.

use super::checksum::crc32c;
use super::volume::Volume;
use crate::entry::{Device, Meta};
use crate::problem::Problem;
use crate::read::Fields;

/// Bytes of the block map in an inode.
pub(super) const MAP: u64 = 60;
/// Where the block map starts in an inode.
pub(super) const MAP_AT: u64 = 0x28;
/// The bytes that every inode has; what comes behind them is as long as the inode says.
const BASE: u64 = 128;

/// What an inode is, by its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// An inode in use.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    /// Its number, from 1.
    pub(super) number: u32,
    /// Where it starts, in bytes from the region's start.
    pub(super) at: u64,
    /// What it is; `None` where the mode names no type.
    pub(super) sort: Option<Sort>,
    /// Its mode, owner and time; the attributes are read apart.
    pub(super) meta: Meta,
    /// How many names it has.
    pub(super) links: u16,
    /// Its flags.
    flags: u32,
    /// The block with its attributes; 0 where there is none.
    pub(super) xattr_block: u64,
    /// Blocks that its content, its map and its attributes take.
    pub(super) blocks: Option<u64>,
    /// Bytes after the first 128 that have a fixed meaning; attributes come behind them.
    pub(super) extra: u64,
    /// Where its content is.
    pub(super) mapping: Mapping,
    /// Whether its checksum holds; `None` where it has none.
    pub(super) sound: Option<bool>,
}

/// Where a content is: all that is kept of an inode until the content is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapping {
    /// The size of the content in bytes.
    pub(super) size: u64,
    /// Whether the map is a tree of extents, else a list of block numbers.
    pub(super) extents: bool,
    /// The 60 bytes that the map starts with.
    pub(super) root: [u8; 60],
    /// What checksums of the inode's other structures start with.
    pub(super) seed: u32,
}

/// Names a test of one inode flag.
macro_rules! flags {
    ($($name:ident = $bit:literal;)*) => {
        impl Inode {
            $(
                #[doc = concat!("Whether the flag `", stringify!($name), "` is set.")]
                pub(super) fn $name(&self) -> bool {
                    self.flags & $bit != 0
                }
            )*
        }
    };
}

flags! {
    compressed = 0x200;
    encrypted = 0x800;
    indexed = 0x1000;
    is_attribute = 0x20_0000;
    is_inline = 0x1000_0000;
    casefolded = 0x4000_0000;
}

impl Volume {
    /// Where an inode is, in bytes from the region's start; `None` where its group is not known.
    pub(super) fn inode_at(&self, number: u32) -> Option<u64> {
        let (group, slot) = self.inode_slot(number)?;
        let table = self.groups.get(group)?.inode_table?;
        let within = u64::from(slot).checked_mul(self.block.inode_size)?;
        self.at(table).checked_add(within)
    }

    /// The group of an inode and its place in the group's table.
    pub(super) fn inode_slot(&self, number: u32) -> Option<(usize, u32)> {
        let from_zero = number.checked_sub(1)?;
        let group = from_zero.checked_div(self.block.inodes_per_group)?;
        let slot = from_zero.checked_rem(self.block.inodes_per_group)?;
        (number <= self.block.inode_count).then_some((usize::try_from(group).ok()?, slot))
    }

    /// Reads an inode.
    pub(super) fn inode(&self, number: u32) -> Result<Inode, Problem> {
        let missing = || Problem::corrupt(format!("inode {number} lies outside the image"));
        let at = self.inode_at(number).ok_or_else(missing)?;
        let raw = self.bytes(at, self.block.inode_size).ok_or_else(missing)?;
        self.parse_inode(number, at, raw).ok_or_else(missing)
    }

    /// Reads an inode, or an older copy of one, of which the bytes stand at `at`.
    pub(super) fn parse_inode(&self, number: u32, at: u64, raw: &[u8]) -> Option<Inode> {
        let fields = Fields::little(raw);
        let mode = fields.u16(0)?;
        let sort = match mode >> 12 {
            0x1 => Some(Sort::Fifo),
            0x2 => Some(Sort::Char),
            0x4 => Some(Sort::Dir),
            0x6 => Some(Sort::Block),
            0x8 => Some(Sort::File),
            0xa => Some(Sort::Symlink),
            0xc => Some(Sort::Socket),
            _ => None,
        };
        let room = self.block.inode_size.saturating_sub(BASE);
        let extra = fields.u16(0x80).map_or(0, u64::from).min(room);
        // Only regular files are longer than 4 GiB; in a directory the field may mean something older.
        let long = sort == Some(Sort::File) || self.block.large_dir();
        let size_high = if long { fields.u32(0x6c)? } else { 0 };
        let number_seed = crc32c(self.block.seed, &number.to_le_bytes());
        let seed = crc32c(number_seed, fields.slice(0x64, 4)?);
        let flags = fields.u32(0x20)?;
        Some(Inode {
            number,
            at,
            sort,
            meta: Meta {
                mode: Some(u32::from(mode & 0xfff)),
                uid: Some(u32::from(fields.u16(0x78)?) << 16 | u32::from(fields.u16(0x2)?)),
                gid: Some(u32::from(fields.u16(0x7a)?) << 16 | u32::from(fields.u16(0x18)?)),
                mtime: Some(mtime(&fields, extra)?),
                ..Meta::default()
            },
            links: fields.u16(0x1a)?,
            flags,
            xattr_block: u64::from(fields.u16(0x76)?) << 32 | u64::from(fields.u32(0x68)?),
            blocks: {
                let sectors = u64::from(fields.u16(0x74)?) << 32 | u64::from(fields.u32(0x1c)?);
                let per_block = self.block.block_size / 512;
                // Files that are too large for sectors count blocks.
                let huge = flags & 0x4_0000 != 0;
                if huge {
                    Some(sectors)
                } else {
                    sectors.checked_div(per_block)
                }
            },
            extra,
            mapping: Mapping {
                size: u64::from(size_high) << 32 | u64::from(fields.u32(0x4)?),
                extents: flags & 0x8_0000 != 0,
                root: fields.slice(0x28, 60)?.try_into().ok()?,
                seed,
            },
            sound: self.inode_is_sound(raw, seed, extra),
        })
    }

    /// Whether an inode's checksum holds; `None` where it has none.
    fn inode_is_sound(&self, raw: &[u8], seed: u32, extra: u64) -> Option<bool> {
        if !self.block.metadata_csum() {
            return None;
        }
        let fields = Fields::little(raw);
        let low = u32::from(fields.u16(0x7c)?);
        let crc = crc32c(seed, raw.get(..0x7c)?);
        let crc = crc32c(crc32c(crc, &[0, 0]), raw.get(0x7e..0x80)?);
        if extra < 4 {
            let crc = crc32c(crc, raw.get(0x80..)?);
            return Some(crc & 0xffff == low);
        }
        let crc = crc32c(crc, raw.get(0x80..0x82)?);
        let crc = crc32c(crc32c(crc, &[0, 0]), raw.get(0x84..)?);
        Some(crc == u32::from(fields.u16(0x82)?) << 16 | low)
    }
}

impl Inode {
    /// Where the attributes in the inode start and how much room they have, in bytes from the region's start.
    pub(super) fn attributes_at(&self, volume: &Volume) -> (u64, u64) {
        let used = BASE.saturating_add(self.extra);
        let room = volume.block.inode_size.saturating_sub(used);
        // An inode that never had extra fields has no attributes either.
        let room = if self.extra == 0 { 0 } else { room };
        (self.at.saturating_add(used), room)
    }

    /// The bytes of a symbolic link that is short enough to stand in the map's place.
    pub(super) fn short_target(&self) -> Option<&[u8]> {
        let len = usize::try_from(self.mapping.size).ok()?;
        let mapped = self.mapping.extents && self.mapping.root.starts_with(&[0x0a, 0xf3]);
        if mapped || self.is_inline() || len >= self.mapping.root.len() {
            return None;
        }
        self.mapping.root.get(..len)
    }

    /// The numbers of a device node: 16 bits in the first field of the map, or 32 in the second.
    pub(super) fn device(&self) -> Option<Device> {
        let fields = Fields::little(&self.mapping.root);
        let (old, new) = (fields.u32(0)?, fields.u32(4)?);
        Some(match old {
            0 => Device {
                major: (new & 0xf_ff00) >> 8,
                minor: (new & 0xff) | (new >> 12 & 0xf_ff00),
            },
            _ => Device {
                major: old >> 8 & 0xff,
                minor: old & 0xff,
            },
        })
    }
}

/// Seconds since 1970: 32 bits with a sign, and two more bits where the inode is large enough.
fn mtime(fields: &Fields<'_>, extra: u64) -> Option<i64> {
    let seconds = i64::from(fields.u32(0x10)?.cast_signed());
    let epoch = if extra >= 12 {
        fields.u32(0x88)? & 3
    } else {
        0
    };
    seconds.checked_add(i64::from(epoch) << 32)
}
