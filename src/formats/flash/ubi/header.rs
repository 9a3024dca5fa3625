//! The two headers of a physical erase block (PEB): how often it was erased, and which block of which volume it holds.

use std::ops::Range;

use crate::read::{Fields, is_all};

/// The checksum of UBI: CRC-32 that is not inverted at its end.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    !crc32fast::hash(bytes)
}

/// The magic of the erase counter header, `UBI#`.
pub(super) const MAGIC: [u8; 4] = *b"UBI#";
/// The magic of the volume identifier header, `UBI!`.
const VOLUME_MAGIC: [u8; 4] = *b"UBI!";
/// Length of either header, in bytes.
pub(super) const HEADER: u64 = 64;
/// The version that Linux knows of either header.
const VERSION: u8 = 1;
/// The data starts at most so many bytes into an erase block (256 KiB): two pages of any flash.
const DATA_AT_MOST: u64 = 256 << 10;

/// Where the volume numbers start that are UBI's own.
pub(super) const INTERNAL: u32 = 0x7fff_efff;
/// The volume that holds the volume table.
pub(super) const LAYOUT: u32 = INTERNAL;
/// The volume of a fastmap's first block.
pub(super) const FASTMAP: u32 = 0x7fff_f000;
/// The volume of a fastmap's other blocks.
pub(super) const FASTMAP_DATA: u32 = 0x7fff_f001;

/// An erase counter header whose checksum holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EraseCounter {
    /// How often the block was erased.
    pub(super) count: u64,
    /// Which image the block belongs to; 0 where its maker wrote none.
    pub(super) sequence: u32,
    pub(super) geometry: Geometry,
}

/// Where things stand in every erase block, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) volume_header: u64,
    pub(super) data: u64,
}

impl EraseCounter {
    /// The header that `bytes` start with.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header = sound(bytes, MAGIC)?;
        let geometry = Geometry {
            volume_header: header.u32(16)?.into(),
            data: header.u32(20)?.into(),
        };
        let fits = geometry.volume_header >= HEADER
            && geometry.volume_header.saturating_add(HEADER) <= geometry.data
            && geometry.data <= DATA_AT_MOST;
        fits.then_some(Self {
            count: header.u64(8)?,
            sequence: header.u32(24)?,
            geometry,
        })
    }

    /// Whether a block with this header may belong to the same image as one with `other`.
    pub(super) fn is_akin(&self, other: &Self) -> bool {
        // Old writers left the number 0.
        let sequences = [self.sequence, other.sequence];
        self.geometry == other.geometry
            && (self.sequence == other.sequence || sequences.contains(&0))
    }
}

/// Whether `bytes` start with what may have been an erase counter header before it was damaged.
pub(super) fn is_damaged(bytes: &[u8]) -> bool {
    let padding = bytes.get(5..8).is_some_and(|bytes| is_all(bytes, 0));
    bytes.starts_with(&MAGIC) && bytes.get(4) == Some(&VERSION) && padding
}

/// A volume identifier header whose checksum holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VolumeId {
    /// The volume's number.
    pub(super) volume: u32,
    /// Which of the volume's logical erase blocks (LEBs) this is.
    pub(super) lnum: u32,
    /// Whether the volume is static: written once, with a checksum of every block.
    pub(super) is_static: bool,
    /// Whether the block was copied from another to level the wear.
    pub(super) is_copy: bool,
    /// What an implementation is to do that does not know this internal volume.
    pub(super) compat: u8,
    /// How many bytes the checksum covers.
    pub(super) data_size: u32,
    /// How many blocks a static volume has.
    pub(super) used_lebs: u32,
    /// How many bytes at the end of the block are not used.
    pub(super) data_pad: u32,
    pub(super) data_crc: u32,
    /// Of two blocks with one LEB, the higher number is the newer one.
    pub(super) sequence: u64,
}

impl VolumeId {
    /// The header that `bytes` start with.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header = sound(bytes, VOLUME_MAGIC)?;
        let kind = header.u8(5)?;
        matches!(kind, 1 | 2).then_some(())?;
        Some(Self {
            is_static: kind == 2,
            is_copy: header.u8(6)? != 0,
            compat: header.u8(7)?,
            volume: header.u32(8)?,
            lnum: header.u32(12)?,
            data_size: header.u32(20)?,
            used_lebs: header.u32(24)?,
            data_pad: header.u32(28)?,
            data_crc: header.u32(32)?,
            sequence: header.u64(40)?,
        })
    }

    /// Whether the header states a checksum of the data.
    pub(super) fn has_data_crc(&self) -> bool {
        self.is_static || (self.is_copy && self.data_size > 0)
    }

    /// Whether two blocks can belong to one volume.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        (self.is_static, self.used_lebs, self.data_pad)
            == (other.is_static, other.used_lebs, other.data_pad)
    }
}

/// The fields of a header with this magic, if its version is known and its checksum holds.
fn sound(bytes: &[u8], magic: [u8; 4]) -> Option<Fields<'_>> {
    let fields = Fields::big(bytes);
    let right = bytes.starts_with(&magic)
        && fields.u8(4)? == VERSION
        && fields.u32(60)? == crc(fields.slice(0, 60)?);
    right.then_some(fields)
}

/// The reserved bytes of an erase counter header: first and end.
pub(super) const RESERVED: &[Range<u64>] = &[5..8, 28..60];
/// Those of a volume identifier header.
pub(super) const VOLUME_RESERVED: &[Range<u64>] = &[16..20, 36..40, 48..60];
