//! Inodes of versions 1 to 3: fields of odd numbers of bits, and fewer of them the older the version is.

use crate::entry::Device;
use crate::problem::Problem;

use super::inode::{Body, Inode, Layout, short};
use super::metadata::{Cursor, Metadata};
use super::superblock::Reference;

/// The number that stands for no fragment.
const NONE: u32 = u32::MAX;

/// What stands before everything else in an inode.
struct Head {
    /// The kind, as the number of the basic inode of version 4.
    kind: u32,
    /// Whether it is the long form of its kind.
    extended: bool,
    inode: Inode,
}

/// Reads the inode at `cursor` of an image of version 1, 2 or 3.
///
/// # Errors
/// Its blocks cannot be read, or it is of no known kind.
pub(super) fn read(mut cursor: Cursor, metadata: &mut Metadata<'_>) -> Result<Inode, Problem> {
    let at = cursor.at();
    let Head {
        kind,
        extended,
        mut inode,
    } = match metadata.edition().version {
        1 => first_head(&mut cursor, metadata)?,
        _ => head(&mut cursor, metadata)?,
    };
    inode.body = match kind {
        1 => dir(extended, &mut inode, &mut cursor, metadata)?,
        2 => file(extended, &mut inode, &mut cursor, metadata)?,
        3 => symlink(&mut cursor, metadata)?,
        4 => Body::Block(device(&mut cursor, metadata)?),
        5 => Body::Char(device(&mut cursor, metadata)?),
        6 | 7 => pipe(kind, &mut cursor, metadata)?,
        _ => return Err(Problem::corrupt(format!("an inode of unknown kind {kind}")).at(at)),
    };
    Ok(inode)
}

/// The head in version 1: four bits of kind that also tell which sixteen owners are meant; pipes and sockets share a kind.
fn first_head(cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Result<Head, Problem> {
    let at = cursor.at();
    let bytes = metadata.read(cursor, 3)?;
    let mut bits = metadata.bits(&bytes);
    let mut fields = || Some([bits.take(4)?, bits.take(12)?, bits.take(4)?, bits.take(4)?]);
    let [stored, mode, owner, group] = fields().ok_or_else(|| short(at))?;
    let (kind, owners) = if stored > 0 {
        // The five other kinds, once for each sixteen owners.
        let number = stored.saturating_sub(1);
        ((number % 5).saturating_add(1), number / 5)
    } else {
        let bytes = metadata.read(cursor, 1)?;
        let mut bits = metadata.bits(&bytes);
        let mut fields = || Some((bits.take(4)?, bits.take(4)?));
        let (kind, owners) = fields().ok_or_else(|| short(at))?;
        // Whatever is no socket is a pipe.
        (if kind == 7 { 7 } else { 6 }, owners)
    };
    let inode = Inode {
        number: None,
        mode,
        uid: small(owners << 4 | owner),
        gid: (group != 15).then_some(small(group)),
        mtime: None,
        xattrs: None,
        body: Body::Fifo,
    };
    Ok(Head {
        kind,
        extended: false,
        inode,
    })
}

/// The head in versions 2 and 3.
fn head(cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Result<Head, Problem> {
    let at = cursor.at();
    let third = metadata.edition().version == 3;
    let bytes = metadata.read(cursor, if third { 12 } else { 4 })?;
    let mut bits = metadata.bits(&bytes);
    let mut fields = || Some([bits.take(4)?, bits.take(12)?, bits.take(8)?, bits.take(8)?]);
    let [stored, mode, owner, group] = fields().ok_or_else(|| short(at))?;
    let inode = Inode {
        mode,
        uid: small(owner),
        gid: (group != 255).then_some(small(group)),
        mtime: bits.take(32),
        number: bits.take(32),
        xattrs: None,
        body: Body::Fifo,
    };
    let kind = match stored {
        8 => 1,
        9 if third => 2,
        _ => stored,
    };
    Ok(Head {
        kind,
        extended: kind != stored,
        inode,
    })
}

type Rest = Result<Body, Problem>;

fn dir(
    extended: bool,
    inode: &mut Inode,
    cursor: &mut Cursor,
    metadata: &mut Metadata<'_>,
) -> Rest {
    let at = cursor.at();
    let version = metadata.edition().version;
    let len = match (version, extended) {
        (3, false) => 16,
        (3, true) => 19,
        (_, false) => 11,
        (_, true) => 14,
    };
    let bytes = metadata.read(cursor, len)?;
    let mut bits = metadata.bits(&bytes);
    let mut read = || {
        if version == 3 {
            // How many links there are.
            bits.take(32)?;
        }
        let len = bits.take(if extended { 27 } else { 19 })?;
        let offset = small(bits.take(13)?);
        let block = if version == 3 {
            bits.take(32)?
        } else {
            inode.mtime = Some(bits.take(32)?);
            bits.take(24)?
        };
        let listing = Reference {
            block: u64::from(block),
            offset,
        };
        // From version 3 on the length counts three bytes for `.` and `..`, which are not there.
        let len = if version == 3 {
            len.saturating_sub(3)
        } else {
            len
        };
        let count = if extended { bits.take(16)? } else { 0 };
        Some((Body::Dir { listing, len }, count))
    };
    let (body, count) = read().ok_or_else(|| short(at))?;
    // The index of a long directory repeats names of its listing, for finding them faster.
    let entry = if version == 3 { 9 } else { 8 };
    for _ in 0..count {
        let bytes = metadata.read(cursor, entry)?;
        let len = bytes.last().copied().ok_or_else(|| short(at))?;
        metadata.read(cursor, usize::from(len).saturating_add(1))?;
    }
    Ok(body)
}

fn file(
    extended: bool,
    inode: &mut Inode,
    cursor: &mut Cursor,
    metadata: &mut Metadata<'_>,
) -> Rest {
    let at = cursor.at();
    let version = metadata.edition().version;
    let len = match (version, extended) {
        (1, _) => 12,
        (_, false) => 20,
        (_, true) => 28,
    };
    let bytes = metadata.read(cursor, len)?;
    let mut bits = metadata.bits(&bytes);
    let mut read = || {
        if version < 3 {
            inode.mtime = Some(bits.take(32)?);
        }
        if extended {
            // How many links there are.
            bits.take(32)?;
        }
        let start = if version == 3 {
            bits.take_long()?
        } else {
            u64::from(bits.take(32)?)
        };
        let fragment = match version {
            1 => None,
            _ => Some((bits.take(32)?, bits.take(32)?)),
        };
        let size = if extended {
            bits.take_long()?
        } else {
            u64::from(bits.take(32)?)
        };
        Some(Body::File(Layout {
            size,
            at: start,
            fragment: fragment.filter(|&(number, _)| number != NONE),
            sizes: *cursor,
        }))
    };
    read().ok_or_else(|| short(at))
}

fn symlink(cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Rest {
    let len = links_and_number(cursor, metadata)?;
    Ok(Body::Symlink(metadata.read(cursor, usize::from(len))?))
}

fn device(cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Result<Device, Problem> {
    let [minor, major] = links_and_number(cursor, metadata)?.to_le_bytes();
    Ok(Device {
        major: u32::from(major),
        minor: u32::from(minor),
    })
}

fn pipe(kind: u32, cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Rest {
    skip_links(cursor, metadata)?;
    Ok(if kind == 6 { Body::Fifo } else { Body::Socket })
}

/// The 16 bits behind the head, or from version 3 on behind the number of links.
fn links_and_number(cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Result<u16, Problem> {
    let at = cursor.at();
    skip_links(cursor, metadata)?;
    let bytes = metadata.read(cursor, 2)?;
    metadata.fields(&bytes).u16(0).ok_or_else(|| short(at))
}

/// How many links there are: from version 3 on, and nothing needs it.
fn skip_links(cursor: &mut Cursor, metadata: &mut Metadata<'_>) -> Result<(), Problem> {
    if metadata.edition().version == 3 {
        metadata.read(cursor, 4)?;
    }
    Ok(())
}

/// A field of at most 16 bits.
fn small(field: u32) -> u16 {
    u16::try_from(field).unwrap_or(u16::MAX)
}
