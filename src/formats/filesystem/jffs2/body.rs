//! What stands in a node behind its header: names, pieces of files, extended attributes; parsed and checked.

use bytes::Bytes;

use super::compress::ZERO;
use super::node::{HEADER, Header, Kind, crc, sound};
use crate::read::{Endian, Fields, clip, length};

/// A name in a directory: the newest one of a name counts, and inode 0 removes it.
#[derive(Clone, Debug)]
pub(super) struct Dirent {
    pub(super) at: u64,
    pub(super) obsolete: bool,
    /// The inode of the directory.
    pub(super) parent: u32,
    pub(super) version: u32,
    /// The inode it names; 0 removes the name.
    pub(super) ino: u32,
    /// What it names, as a `DT_` number.
    pub(super) kind: u8,
    pub(super) name: Bytes,
}

/// Metadata of an inode and, mostly, a piece of its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inode {
    pub(super) at: u64,
    pub(super) obsolete: bool,
    pub(super) ino: u32,
    pub(super) version: u32,
    pub(super) mode: u32,
    pub(super) uid: u16,
    pub(super) gid: u16,
    /// Size of the whole file from this version on, in bytes.
    pub(super) isize: u32,
    pub(super) mtime: u32,
    /// Where in the file its piece starts, in bytes.
    pub(super) offset: u32,
    /// Length of the stored data, in bytes.
    pub(super) csize: u32,
    /// Length of the piece, in bytes.
    pub(super) dsize: u32,
    pub(super) compression: u8,
    /// The checksum of the fields, which covers the data's: what tells two nodes apart.
    pub(super) sum: u32,
}

impl Inode {
    /// Where its data lies, in bytes from the region's start.
    pub(super) fn data_at(&self) -> u64 {
        self.at.saturating_add(Kind::Inode.fixed())
    }
}

/// The value of an extended attribute.
#[derive(Clone, Debug)]
pub(super) struct Xdatum {
    pub(super) xid: u32,
    pub(super) version: u32,
    pub(super) prefix: u8,
    pub(super) name: Bytes,
    pub(super) value: Bytes,
}

/// That an inode has an extended attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Xref {
    pub(super) ino: u32,
    pub(super) xid: u32,
    pub(super) sequence: u32,
}

/// A node body that does not hold, and what it says it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Damage {
    pub(super) at: u64,
    pub(super) what: &'static str,
    pub(super) owner: Owner,
    /// How many of its first bytes are still explained.
    pub(super) explained: u64,
}

/// What a damaged node says it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Nobody,
    Inode(u32),
    /// The name of a directory entry and the directory's inode.
    Name(u32, Bytes),
}

/// Parses the directory entry `header` of `image`.
pub(super) fn dirent(image: &Bytes, header: &Header, endian: Endian) -> Result<Dirent, Damage> {
    let node = header.bytes(image);
    let fields = Fields::new(&node, endian);
    let read = || -> Option<(Dirent, bool, bool)> {
        let nsize = u64::from(fields.u8(28)?);
        let name = clip(&node, 40, nsize);
        let whole = length(&name) == nsize;
        let sound_name = whole && fields.u32(36)? == crc(&name);
        let parsed = Dirent {
            at: header.at,
            obsolete: header.obsolete,
            parent: fields.u32(12)?,
            version: fields.u32(16)?,
            ino: fields.u32(20)?,
            kind: fields.u8(29)?,
            name,
        };
        Some((parsed, sound(&node, endian, 32, 32)?, sound_name))
    };
    let (what, owner, explained) = match read() {
        Some((parsed, true, true)) => return Ok(parsed),
        Some((parsed, true, false)) => (
            "the name's checksum does not hold",
            Owner::Name(parsed.parent, parsed.name),
            40,
        ),
        Some((parsed, false, _)) => (
            "the directory entry's checksum does not hold",
            Owner::Name(parsed.parent, parsed.name),
            HEADER,
        ),
        None => ("the directory entry is cut off", Owner::Nobody, HEADER),
    };
    Err(Damage {
        at: header.at,
        what,
        owner,
        explained,
    })
}

/// Parses the inode node `header` of `image` and checks its data.
pub(super) fn inode(image: &Bytes, header: &Header, endian: Endian) -> Result<Inode, Damage> {
    let node = header.bytes(image);
    let damage = |what, owner, explained| Damage {
        at: header.at,
        what,
        owner,
        explained,
    };
    let Some((parsed, data_sum)) = inode_fields(&node, header, endian) else {
        return Err(damage("the inode node is cut off", Owner::Nobody, HEADER));
    };
    let owner = Owner::Inode(parsed.ino);
    if sound(&node, endian, 64, 60) != Some(true) {
        return Err(damage(
            "the inode node's checksum does not hold",
            owner,
            HEADER,
        ));
    }
    let end = Kind::Inode.fixed().saturating_add(parsed.csize.into());
    if end.saturating_add(3) & !3 != header.len.saturating_add(3) & !3
        || parsed.offset > parsed.isize
    {
        return Err(damage("the inode node contradicts itself", owner, 68));
    }
    let data = clip(&node, 68, parsed.csize.into());
    if length(&data) != u64::from(parsed.csize) {
        return Err(damage("the inode node's data is cut off", owner, 68));
    }
    if parsed.csize > 0 && crc(&data) != data_sum {
        return Err(damage("the data's checksum does not hold", owner, 68));
    }
    Ok(parsed)
}

/// The fields of an inode node and the checksum of its data, all unchecked.
fn inode_fields(node: &[u8], header: &Header, endian: Endian) -> Option<(Inode, u32)> {
    let fields = Fields::new(node, endian);
    let mut parsed = Inode {
        at: header.at,
        obsolete: header.obsolete,
        ino: fields.u32(12)?,
        version: fields.u32(16)?,
        mode: fields.u32(20)?,
        uid: fields.u16(24)?,
        gid: fields.u16(26)?,
        isize: fields.u32(28)?,
        mtime: fields.u32(36)?,
        offset: fields.u32(44)?,
        csize: fields.u32(48)?,
        dsize: fields.u32(52)?,
        compression: fields.u8(56)?,
        sum: fields.u32(64)?,
    };
    // Old kernels wrote holes with the two sizes swapped.
    if parsed.compression == ZERO && parsed.dsize == 0 {
        (parsed.dsize, parsed.csize) = (parsed.csize, 0);
    }
    Some((parsed, fields.u32(60)?))
}

/// What tells a sound directory entry or inode node of this file system from all its others, and the checksum that two
/// copies of it share: type, inode, version, and offset or name.
pub(super) fn identity(
    image: &Bytes,
    header: &Header,
    endian: Endian,
) -> Option<((u32, u32, Bytes), u32)> {
    if header.obsolete || !matches!(header.kind, Kind::Dirent | Kind::Inode) {
        return None;
    }
    let node = header.bytes(image);
    let fields = Fields::new(&node, endian);
    let (place, sum, covered) = match header.kind {
        Kind::Dirent => (clip(&node, 40, fields.u8(28)?.into()), 32, 32),
        _ => (clip(&node, 44, 4), 64, 60),
    };
    sound(&node, endian, sum, covered)?.then_some(())?;
    let owner = (fields.u32(12)?, fields.u32(16)?, place);
    Some((owner, fields.u32(sum)?))
}

/// Parses the extended attribute `header` of `image`.
pub(super) fn xdatum(image: &Bytes, header: &Header, endian: Endian) -> Result<Xdatum, Damage> {
    let node = header.bytes(image);
    let fields = Fields::new(&node, endian);
    let damage = |what, explained| Damage {
        at: header.at,
        what,
        owner: Owner::Nobody,
        explained,
    };
    if sound(&node, endian, 28, 28) != Some(true) {
        return Err(damage(
            "the extended attribute's checksum does not hold",
            HEADER,
        ));
    }
    let read = || {
        let (name_len, value_len) = (fields.u8(21)?, fields.u16(22)?);
        let text = usize::from(name_len)
            .checked_add(1)?
            .checked_add(value_len.into())?;
        let value_at = u64::from(name_len).checked_add(33)?;
        let parsed = Xdatum {
            xid: fields.u32(12)?,
            version: fields.u32(16)?,
            prefix: fields.u8(20)?,
            name: clip(&node, 32, name_len.into()),
            value: clip(&node, value_at, value_len.into()),
        };
        Some((parsed, crc(fields.slice(32, text)?) == fields.u32(24)?))
    };
    match read() {
        Some((parsed, true)) => Ok(parsed),
        Some((_, false)) => Err(damage(
            "the extended attribute's data does not fit its checksum",
            32,
        )),
        None => Err(damage("the extended attribute is cut off", 32)),
    }
}

/// Parses the reference `header` of `image` to an extended attribute.
pub(super) fn xref(image: &Bytes, header: &Header, endian: Endian) -> Result<Xref, Damage> {
    let node = header.bytes(image);
    let fields = Fields::new(&node, endian);
    let read = || {
        sound(&node, endian, 24, 24)?.then_some(())?;
        Some(Xref {
            ino: fields.u32(12)?,
            xid: fields.u32(16)?,
            sequence: fields.u32(20)?,
        })
    };
    read().ok_or_else(|| Damage {
        at: header.at,
        what: "the checksum of a reference to an extended attribute does not hold",
        owner: fields.u32(12).map_or(Owner::Nobody, Owner::Inode),
        explained: HEADER,
    })
}
