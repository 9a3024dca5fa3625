//! Inodes: seven kinds, in version 4 each in a basic and an extended form.

use crate::entry::Device;
use crate::problem::Problem;
use crate::read::index;

use super::metadata::{Cursor, Metadata};
use super::older_inode;
use super::superblock::Reference;

/// Length of what all inodes start with, in bytes.
const COMMON: usize = 16;

/// The number that stands for no fragment and for no extended attributes.
const NONE: u32 = u32::MAX;

/// A link target longer than this (64 KiB) is none: Linux follows at most 4 KiB.
const LONGEST_TARGET: u32 = 1 << 16;

/// The length of a name in the index of a directory is at most this, one less than the name's own.
const LONGEST_NAME: u32 = 255;

/// One inode.
pub(super) struct Inode {
    /// Its number, which hard links share. Versions 1 and 2 have neither.
    pub(super) number: Option<u32>,
    /// Permission bits, the low 12 alone.
    pub(super) mode: u32,
    /// Its owner, as an index into the table of owners.
    pub(super) uid: u16,
    /// Its group, as an index into the table of groups; none where it has the number of the owner.
    pub(super) gid: Option<u16>,
    /// Modification time in seconds since 1970. Versions 1 and 2 have it of directories and files alone.
    pub(super) mtime: Option<u32>,
    /// Its extended attributes, as an index into their table.
    pub(super) xattrs: Option<u32>,
    /// What it is.
    pub(super) body: Body,
}

/// What an inode is.
pub(super) enum Body {
    /// A directory.
    Dir {
        /// Where its listing starts in the directory table.
        listing: Reference,
        /// Length of the listing in bytes.
        len: u32,
    },
    /// A regular file.
    File(Layout),
    /// A symbolic link and its target.
    Symlink(Vec<u8>),
    /// A block device.
    Block(Device),
    /// A character device.
    Char(Device),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl Body {
    /// The number of its kind in a directory entry: that of the basic inode.
    pub(super) fn kind(&self) -> u16 {
        match self {
            Self::Dir { .. } => 1,
            Self::File(_) => 2,
            Self::Symlink(_) => 3,
            Self::Block(_) => 4,
            Self::Char(_) => 5,
            Self::Fifo => 6,
            Self::Socket => 7,
        }
    }
}

/// Where a file's content is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Its size in bytes.
    pub(super) size: u64,
    /// Its first data block, in bytes from the region's start.
    pub(super) at: u64,
    /// The number of the fragment block with its end, and where that end starts in the decoded block.
    pub(super) fragment: Option<(u32, u32)>,
    /// Where the list of its block sizes starts.
    pub(super) sizes: Cursor,
}

impl Inode {
    /// Reads the inode at `cursor`.
    ///
    /// # Errors
    /// Its blocks cannot be read, or it is of no known kind.
    pub(super) fn read(mut cursor: Cursor, metadata: &mut Metadata<'_>) -> Result<Self, Problem> {
        if metadata.edition().version < 4 {
            return older_inode::read(cursor, metadata);
        }
        let at = cursor.at();
        let bytes = metadata.read(&mut cursor, COMMON)?;
        let fields = metadata.fields(&bytes);
        let common = || {
            Some((
                fields.u16(0)?,
                Self {
                    mode: u32::from(fields.u16(2)? & 0xfff),
                    uid: fields.u16(4)?,
                    gid: Some(fields.u16(6)?),
                    mtime: Some(fields.u32(8)?),
                    number: Some(fields.u32(12)?),
                    xattrs: None,
                    body: Body::Fifo,
                },
            ))
        };
        let (kind, mut inode) = common().ok_or_else(|| short(at))?;
        let (body, xattrs) = match kind {
            1 | 8 => dir(kind == 8, &mut cursor, metadata)?,
            2 | 9 => file(kind == 9, &mut cursor, metadata)?,
            3 | 10 => symlink(kind == 10, &mut cursor, metadata)?,
            4 | 5 | 11 | 12 => device(kind, &mut cursor, metadata)?,
            6 | 7 | 13 | 14 => pipe(kind, &mut cursor, metadata)?,
            _ => {
                return Err(Problem::corrupt(format!("an inode of unknown kind {kind}")).at(at));
            }
        };
        inode.body = body;
        inode.xattrs = xattrs.filter(|&number| number != NONE);
        Ok(inode)
    }
}

type Rest = Result<(Body, Option<u32>), Problem>;

fn dir(extended: bool, cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Rest {
    let at = cursor.at();
    let bytes = metadata.read(cursor, if extended { 24 } else { 16 })?;
    let fields = metadata.fields(&bytes);
    let read = || {
        let (block, offset, len) = if extended {
            (fields.u32(8)?, fields.u16(18)?, fields.u32(4)?)
        } else {
            (fields.u32(0)?, fields.u16(10)?, u32::from(fields.u16(8)?))
        };
        let listing = Reference {
            block: u64::from(block),
            offset,
        };
        // The stored length counts three bytes for `.` and `..`, which are not there.
        let len = len.saturating_sub(3);
        let count = if extended { fields.u16(16)? } else { 0 };
        Some(((Body::Dir { listing, len }, fields.u32(20)), count))
    };
    let (rest, count) = read().ok_or_else(|| short(at))?;
    // The index of an extended directory repeats names of its listing, for finding them faster.
    for _ in 0..count {
        let bytes = metadata.read(cursor, 12)?;
        let len = metadata.fields(&bytes).u32(8).ok_or_else(|| short(at))?;
        metadata.read(
            cursor,
            index(u64::from(len.min(LONGEST_NAME)).saturating_add(1)),
        )?;
    }
    Ok(rest)
}

fn file(extended: bool, cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Rest {
    let at = cursor.at();
    let bytes = metadata.read(cursor, if extended { 40 } else { 16 })?;
    let fields = metadata.fields(&bytes);
    let read = || {
        let (first, size, fragment, offset) = if extended {
            (
                fields.u64(0)?,
                fields.u64(8)?,
                fields.u32(28)?,
                fields.u32(32)?,
            )
        } else {
            let (first, size) = (fields.u32(0)?, fields.u32(12)?);
            (
                u64::from(first),
                u64::from(size),
                fields.u32(4)?,
                fields.u32(8)?,
            )
        };
        let layout = Layout {
            size,
            at: first,
            fragment: (fragment != NONE).then_some((fragment, offset)),
            sizes: *cursor,
        };
        Some((Body::File(layout), fields.u32(36)))
    };
    read().ok_or_else(|| short(at))
}

fn symlink(extended: bool, cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Rest {
    let at = cursor.at();
    let bytes = metadata.read(cursor, 8)?;
    let len = metadata.fields(&bytes).u32(4).ok_or_else(|| short(at))?;
    if len > LONGEST_TARGET {
        return Err(Problem::corrupt(format!("a link target of {len} bytes")).at(at));
    }
    let target = metadata.read(cursor, usize::try_from(len).unwrap_or(0))?;
    let xattrs = extended_number(extended, cursor, metadata)?;
    Ok((Body::Symlink(target), xattrs))
}

fn device(kind: u16, cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Rest {
    let at = cursor.at();
    let bytes = metadata.read(cursor, 8)?;
    let number = metadata.fields(&bytes).u32(4).ok_or_else(|| short(at))?;
    // The kernel's 32-bit form: 12 bits of major number between two parts of the minor.
    let device = Device {
        major: (number >> 8) & 0xfff,
        minor: (number & 0xff) | ((number >> 12) & 0xf_ff00),
    };
    let xattrs = extended_number(kind > 7, cursor, metadata)?;
    let body = match kind {
        4 | 11 => Body::Block(device),
        _ => Body::Char(device),
    };
    Ok((body, xattrs))
}

fn pipe(kind: u16, cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Rest {
    metadata.read(cursor, 4)?;
    let xattrs = extended_number(kind > 7, cursor, metadata)?;
    let body = match kind {
        6 | 13 => Body::Fifo,
        _ => Body::Socket,
    };
    Ok((body, xattrs))
}

/// The number of the attributes at the end of an extended inode.
fn extended_number(
    extended: bool,
    cursor: &mut Cursor,
    metadata: &mut Metadata<'_>,
) -> Result<Option<u32>, Problem> {
    if !extended {
        return Ok(None);
    }
    let bytes = metadata.read(cursor, 4)?;
    Ok(metadata.fields(&bytes).u32(0))
}

/// An inode ends before all its fields are there.
pub(super) fn short(at: u64) -> Problem {
    Problem::corrupt("an inode is cut off").at(at)
}
