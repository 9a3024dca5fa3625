//! The headers of lz4's three kinds of frames.

use twox_hash::XxHash32;

use crate::read::{Fields, length};

/// What starts a frame.
pub(super) const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// What starts a legacy frame.
pub(super) const LEGACY: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// What a block of a legacy frame holds, save for the last (8 MiB).
pub(super) const LEGACY_BLOCK: usize = 8 << 20;

/// The most bytes that such a block takes up, of content that cannot be made smaller.
pub(super) const LEGACY_STORED: u64 = (8 << 20) + (8 << 20) / 255 + 16;

/// Flags of a frame.
const DICTIONARY: u8 = 1;
const CONTENT_CHECKSUM: u8 = 1 << 2;
const CONTENT_SIZE: u8 = 1 << 3;
const BLOCK_CHECKSUMS: u8 = 1 << 4;
const INDEPENDENT: u8 = 1 << 5;

/// A frame's header.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// Its length in bytes, with the magic.
    pub(super) len: u64,
    flags: u8,
    /// The size of its content in bytes, where it is stated.
    pub(super) content_size: Option<u64>,
    /// The most bytes that a block holds.
    pub(super) most: u64,
    /// Whether the header's checksum is right.
    pub(super) sound: bool,
}

impl Frame {
    /// The header at the start of `bytes`; `None` where there is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let (flags, sizes) = (fields.u8(4)?, fields.u8(5)?);
        let most = match sizes {
            0x40 => 64 << 10,
            0x50 => 256 << 10,
            0x60 => 1 << 20,
            0x70 => 4 << 20,
            _ => return None,
        };
        // Version 1, and a reserved bit.
        if fields.slice(0, 4)? != MAGIC || flags & 0xc2 != 0x40 {
            return None;
        }
        let mut at = 6_usize;
        let mut content_size = None;
        if flags & CONTENT_SIZE != 0 {
            content_size = Some(fields.u64(at)?);
            at = at.checked_add(8)?;
        }
        if flags & DICTIONARY != 0 {
            at = at.checked_add(4)?;
        }
        let described = bytes.get(4..at)?;
        let sum = XxHash32::oneshot(0, described) >> 8 & 0xff;
        Some(Self {
            len: length(described).checked_add(5)?,
            flags,
            content_size,
            most,
            sound: u32::from(fields.u8(at)?) == sum,
        })
    }

    /// Whether blocks refer to those before them.
    pub(super) fn is_linked(&self) -> bool {
        self.flags & INDEPENDENT == 0
    }

    pub(super) fn has_block_checksums(&self) -> bool {
        self.flags & BLOCK_CHECKSUMS != 0
    }

    pub(super) fn has_content_checksum(&self) -> bool {
        self.flags & CONTENT_CHECKSUM != 0
    }

    /// Whether it was made with a dictionary.
    pub(super) fn has_dictionary(&self) -> bool {
        self.flags & DICTIONARY != 0
    }
}

/// The length of the payload of the skippable frame at the start of `bytes`; `None` where there is none.
pub(super) fn skippable(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::little(bytes);
    let is_one = fields.u32(0)? & 0xffff_fff0 == 0x184d_2a50;
    is_one.then_some(u64::from(fields.u32(4)?))
}
