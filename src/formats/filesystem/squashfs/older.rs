//! What is recognised and bounded but not read: versions 1 to 3, big-endian images and the magics of vendors.

use crate::formats::Magic;
use crate::read::{Endian, Fields, length};

use super::superblock::{self, Superblock};

/// The magics in use: the two orders of the original, then those of builders that wanted no other tool to mount them.
pub(super) const MAGICS: [Magic; 7] = [
    magic(b"hsqs"),
    magic(b"sqsh"),
    magic(b"shsq"),
    magic(b"hsqt"),
    magic(b"tqsh"),
    magic(b"sqlz"),
    magic(b"qshs"),
];

const fn magic(bytes: &'static [u8]) -> Magic {
    Magic { bytes, at: 0 }
}

/// A superblock whose image is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Older {
    /// The version, 1 to 4.
    pub(super) version: u16,
    /// Its byte order.
    pub(super) endian: Endian,
    /// Length of the file system in bytes.
    pub(super) bytes_used: u64,
    /// Length of the superblock in bytes.
    pub(super) header: u64,
}

impl Older {
    /// The superblock at the start of `bytes`, when its fields hold together in either byte order.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        [Endian::Little, Endian::Big]
            .into_iter()
            .find_map(|endian| Self::parse_as(bytes, endian))
    }

    fn parse_as(bytes: &[u8], endian: Endian) -> Option<Self> {
        let fields = Fields::new(bytes, endian);
        let version = fields.u16(28)?;
        let block_log = fields.u16(34)?;
        // Bytes used, inode table, directory table; and where the superblock ends.
        let (bytes_used, inodes, directories, header) = match version {
            1 | 2 => (
                u64::from(fields.u32(8)?),
                u64::from(fields.u32(20)?),
                u64::from(fields.u32(24)?),
                if version == 1 { 51 } else { 63 },
            ),
            3 => (fields.u64(63)?, fields.u64(87)?, fields.u64(95)?, 119),
            4 => {
                let superblock = Superblock::parse(bytes, endian).ok()?;
                return Some(Self {
                    version,
                    endian,
                    bytes_used: superblock.bytes_used,
                    header: superblock::LEN,
                });
            }
            _ => return None,
        };
        let block_size = match version {
            1 => u32::from(fields.u16(32)?),
            _ => fields.u32(51)?,
        };
        let sound = block_size.is_power_of_two()
            && (512..=1 << 20).contains(&block_size)
            && block_size.ilog2() == u32::from(block_log)
            && header <= inodes
            && inodes < directories
            && directories < bytes_used;
        sound.then_some(Self {
            version,
            endian,
            bytes_used,
            header,
        })
    }

    /// What it is, as a clause for a problem.
    pub(super) fn describe(&self, bytes: &[u8]) -> String {
        let order = match self.endian {
            Endian::Little => "little-endian",
            Endian::Big => "big-endian",
        };
        let magic = bytes.get(..4).unwrap_or_default().escape_ascii();
        format!(
            "SquashFS version {}, {order}, magic {magic}, {} of {} bytes: not read yet",
            self.version,
            length(bytes).min(self.bytes_used),
            self.bytes_used
        )
    }
}
