//! The nodes of the log, as they stand on flash.
//!
//! Every node starts with magic, type, length and the CRC of these; the body has a CRC of its own, and so have
//! a name and the data. A node is made obsolete by clearing one bit of its type, so all sums are taken with that bit set.

use bytes::Bytes;

use crate::read::{Endian, Fields, clip, index};

/// The checksum of JFFS2: CRC-32 that starts at 0 and is not inverted at its end.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(u32::MAX);
    hasher.update(bytes);
    !hasher.finalize()
}

/// The magic of today's nodes.
pub(super) const MAGIC: u16 = 0x1985;
/// The magic of 2001, which Linux has refused ever since.
pub(super) const OLD_MAGIC: u16 = 0x1984;
/// The bit of a node's type that is cleared to make the node obsolete.
const ACCURATE: u16 = 0x2000;
/// The bits of a node's type that say what to do with an unknown one.
const COMPAT: u16 = 0xc000;
/// Length of the header that all nodes share, in bytes.
pub(super) const HEADER: u64 = 12;
/// No node is longer than an erase block, and no erase block is longer than this (16 MiB).
const LONGEST: u32 = 16 << 20;

/// How the nodes of one file system are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) endian: Endian,
    pub(super) magic: u16,
}

impl Dialect {
    /// The dialect whose magic these bytes start with.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let of = |endian| {
            let magic = Fields::new(bytes, endian).u16(0)?;
            matches!(magic, MAGIC | OLD_MAGIC).then_some(Self { endian, magic })
        };
        of(Endian::Little).or_else(|| of(Endian::Big))
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Dirent,
    Inode,
    Cleanmarker,
    Padding,
    Summary,
    Xattr,
    Xref,
    /// An unknown type; the compatibility bits and all of them.
    Unknown(Compat, u16),
}

/// What Linux does with a node of a type that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Compat {
    /// Refuses to mount.
    Refuse,
    /// Mounts read-only.
    ReadOnly,
    /// Keeps the node.
    Copy,
    /// Drops the node.
    Delete,
}

impl Kind {
    /// The kind of a type whose obsolete bit does not count.
    pub(super) fn of(stored: u16) -> Self {
        let stored = stored | ACCURATE;
        match stored {
            0xe001 => Self::Dirent,
            0xe002 => Self::Inode,
            0x2003 => Self::Cleanmarker,
            0x2004 => Self::Padding,
            0x2006 => Self::Summary,
            0xe008 => Self::Xattr,
            0xe009 => Self::Xref,
            other => Self::Unknown(
                match other & COMPAT {
                    0xc000 => Compat::Refuse,
                    0x8000 => Compat::ReadOnly,
                    0x4000 => Compat::Copy,
                    _ => Compat::Delete,
                },
                other,
            ),
        }
    }

    /// The length of its fixed fields, in bytes; no node of this kind is shorter.
    pub(super) fn fixed(self) -> u64 {
        match self {
            Self::Dirent => 40,
            Self::Inode => 68,
            Self::Xref => 28,
            Self::Summary | Self::Xattr => 32,
            Self::Cleanmarker | Self::Padding | Self::Unknown(..) => HEADER,
        }
    }
}

/// The header of a node whose header checksum holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Where the node starts, in bytes from the region's start.
    pub(super) at: u64,
    pub(super) kind: Kind,
    /// The node was marked as no longer valid.
    pub(super) obsolete: bool,
    /// The node's length in bytes, without the padding to 4.
    pub(super) len: u64,
}

impl Header {
    /// The node at `at`, if its header holds.
    pub(super) fn read(image: &[u8], at: u64, dialect: Dialect) -> Option<Self> {
        let fields = Fields::new(image.get(index(at)..)?, dialect.endian);
        if fields.u16(0)? != dialect.magic {
            return None;
        }
        let stored = fields.u16(2)?;
        let len = fields.u32(4)?;
        let kind = Kind::of(stored);
        if fields.u32(8)? != crc(&accurate(fields.slice(0, 8)?, dialect.endian)) {
            return None;
        }
        let fits = u64::from(len) >= kind.fixed() && len <= LONGEST;
        fits.then_some(Self {
            at,
            kind,
            obsolete: stored & ACCURATE == 0,
            len: len.into(),
        })
    }

    /// Where its bytes end.
    pub(super) fn end(&self) -> u64 {
        self.at.saturating_add(self.len)
    }

    /// Where the next node may start.
    pub(super) fn next(&self) -> u64 {
        self.end().saturating_add(3) & !3
    }

    /// The node's bytes, as many of them as are there.
    pub(super) fn bytes(&self, image: &Bytes) -> Bytes {
        clip(image, self.at, self.len)
    }
}

/// The first bytes of a node with the obsolete bit as it was when the sums were taken.
fn accurate(bytes: &[u8], endian: Endian) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let high = match endian {
        Endian::Little => 3,
        Endian::Big => 2,
    };
    if let Some(byte) = bytes.get_mut(high) {
        *byte |= 0x20;
    }
    bytes
}

/// Whether the CRC at `stored` is that of the first `len` bytes of the node.
pub(super) fn sound(node: &[u8], endian: Endian, stored: usize, len: usize) -> Option<bool> {
    let fields = Fields::new(node, endian);
    Some(fields.u32(stored)? == crc(&accurate(fields.slice(0, len)?, endian)))
}
