//! The superblocks of versions 1 to 3, and the magics of vendors.

use crate::formats::Magic;
use crate::read::{Endian, Fields};

use super::decoder::Compression;
use super::superblock::{ABSENT, Checks, Edition, Ids, Reference, Superblock};

/// The magics in use: the two orders of the original, then those of builders that wanted no other tool to mount them.
pub(super) const MAGICS: [Magic; 8] = [
    magic(b"hsqs"),
    magic(b"sqsh"),
    magic(b"shsq"),
    magic(b"qshs"),
    magic(b"hsqt"),
    magic(b"tqsh"),
    magic(b"sqlz"),
    magic(b"zlqs"),
];

const fn magic(bytes: &'static [u8]) -> Magic {
    Magic { bytes, at: 0 }
}

/// The flag that says that a marker byte stands in front of each metadata block.
const FLAG_MARKED: u8 = 1 << 2;

/// The flag that says that there is a table for export.
const FLAG_EXPORT: u8 = 1 << 7;

/// What versions 1 to 3 have at the same places; all else is that of an image without tables.
fn common(fields: &Fields<'_>, endian: Endian, version: u16) -> Option<Superblock> {
    Some(Superblock {
        edition: Edition {
            version,
            endian,
            lengths: endian,
            marked: fields.u8(36)? & FLAG_MARKED != 0,
        },
        len: 51,
        made: fields.u32(39)?,
        inodes: fields.u32(4)?,
        block_size: 0,
        fragments: 0,
        compression: Ok(Compression::Vendor(None)),
        has_options: false,
        ids: Ids {
            at: 0,
            count: u16::from(fields.u8(37)?),
            groups: None,
        },
        root: Reference::new(fields.u64(43)?),
        bytes_used: 0,
        xattr_table: None,
        inode_table: 0,
        directory_table: 0,
        fragment_table: None,
        export_table: None,
    })
}

/// The superblock of version 3, and what must hold of it.
pub(super) fn third(fields: &Fields<'_>, endian: Endian) -> Option<(Superblock, Checks)> {
    let fragments = fields.u32(55)?;
    let exported = fields.u8(36)? & FLAG_EXPORT != 0;
    let groups = u16::from(fields.u8(38)?);
    let before = common(fields, endian, 3)?;
    let superblock = Superblock {
        len: 119,
        block_size: fields.u32(51)?,
        fragments,
        ids: Ids {
            at: fields.u64(71)?,
            groups: Some((fields.u64(79)?, groups)).filter(|_| groups > 0),
            ..before.ids
        },
        bytes_used: fields.u64(63)?,
        inode_table: fields.u64(87)?,
        directory_table: fields.u64(95)?,
        fragment_table: Some(fields.u64(103)?).filter(|_| fragments > 0),
        export_table: Some(fields.u64(111)?).filter(|&at| exported && at != ABSENT),
        ..before
    };
    let mut checks = superblock.checks(fields.u16(34)?);
    checks.push((fields.u16(28)? == 3, "the version is not 3"));
    Some((superblock, checks))
}

/// The superblock of version 1 or 2, and what must hold of it. Version 1 has no fragments.
pub(super) fn early(fields: &Fields<'_>, endian: Endian) -> Option<(Superblock, Checks)> {
    let version = fields.u16(28)?;
    let first = version == 1;
    let wide = |at: usize| fields.u32(at).map(u64::from);
    let fragments = if first { 0 } else { fields.u32(55)? };
    let groups = u16::from(fields.u8(38)?);
    let before = common(fields, endian, if first { 1 } else { 2 })?;
    let superblock = Superblock {
        len: if first { before.len } else { 63 },
        block_size: if first {
            u32::from(fields.u16(32)?)
        } else {
            fields.u32(51)?
        },
        fragments,
        ids: Ids {
            at: wide(12)?,
            groups: Some((wide(16)?, groups)).filter(|_| groups > 0),
            ..before.ids
        },
        bytes_used: wide(8)?,
        inode_table: wide(20)?,
        directory_table: wide(24)?,
        fragment_table: if fragments > 0 { Some(wide(59)?) } else { None },
        ..before
    };
    let mut checks = superblock.checks(fields.u16(34)?);
    checks.push((matches!(version, 1 | 2), "the version is not 1 or 2"));
    Some((superblock, checks))
}
