//! Inodes: 32 bytes compact or 64 bytes extended.

use std::ops::Range;

use super::Volume;
use crate::read::{Fields, cut, index};

/// How the content of an inode is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Blocks in a row.
    Plain,
    /// Blocks in a row, and the tail behind the inode.
    Inline,
    /// Chunks of blocks, by a table behind the inode.
    Chunks,
    /// Compressed, with 8 bytes of index for each logical cluster.
    Full,
    /// Compressed, with packed indexes.
    Compact,
}

/// One inode.
#[derive(Clone, Copy)]
pub(super) struct Inode {
    pub(super) slot: u64,
    pub(super) layout: Layout,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// In seconds since 1970.
    pub(super) mtime: i64,
    /// The length of the content (bytes).
    pub(super) size: u64,
    /// The first block, the device number, or what chunks are like.
    pub(super) word: u32,
    /// Where it starts, and where its attributes end (bytes from the region's start).
    pub(super) at: u64,
    pub(super) end: u64,
    /// Where its attributes are (bytes from the region's start).
    pub(super) xattrs: (u64, u64),
}

impl Inode {
    pub(super) fn is_dir(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    /// The bytes of the inode and its attributes.
    pub(super) fn range(&self) -> Range<u64> {
        self.at..self.end
    }
}

/// The inode in a slot; `None` when there is none that holds together.
pub(super) fn read(volume: &Volume, slot: u64) -> Option<Inode> {
    let at = volume.inode_at(slot);
    let fields = Fields::little(volume.region.get(index(at)..)?);
    let format = fields.u16(0)?;
    let extended = format & 1 == 1;
    let layout = match format >> 1 & 7 {
        0 => Layout::Plain,
        1 => Layout::Full,
        2 => Layout::Inline,
        3 => Layout::Compact,
        4 => Layout::Chunks,
        _ => return None,
    };
    let own: u64 = if extended { 64 } else { 32 };
    cut(&volume.region, at, own)?;
    let count = u64::from(fields.u16(2)?);
    // The first attribute slot is a header of 12 bytes, every further one 4 bytes.
    let xattrs_len = match count.checked_sub(1) {
        Some(more) => more.saturating_mul(4).saturating_add(12),
        None => 0,
    };
    let xattrs_at = at.checked_add(own)?;
    let end = xattrs_at.checked_add(xattrs_len)?;
    cut(&volume.region, xattrs_at, xattrs_len)?;
    let inode = Inode {
        slot,
        layout,
        mode: u32::from(fields.u16(4)?),
        uid: u32::from(fields.u16(24)?),
        gid: u32::from(fields.u16(26)?),
        mtime: i64::try_from(volume.built).unwrap_or_default(),
        size: u64::from(fields.u32(8)?),
        word: fields.u32(16)?,
        at,
        end,
        xattrs: (xattrs_at, xattrs_len),
    };
    if !extended {
        return Some(inode);
    }
    Some(Inode {
        uid: fields.u32(24)?,
        gid: fields.u32(28)?,
        mtime: i64::try_from(fields.u64(32)?).unwrap_or_default(),
        size: fields.u64(8)?,
        ..inode
    })
}
