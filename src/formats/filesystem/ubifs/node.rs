//! The nodes of UBIFS as they stand on flash: one header for all, one CRC over each, always little-endian.

use std::ops::Range;

use bytes::Bytes;

use crate::read::{Fields, clip, cut, index, is_all};

/// The checksum of UBIFS: CRC-32 that is not inverted at its end.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    !crc32fast::hash(bytes)
}

/// What every node starts with.
pub(super) const MAGIC: [u8; 4] = [0x31, 0x18, 0x10, 0x06];
/// Length of the header that all nodes share, in bytes.
pub(super) const HEADER: u64 = 24;
/// The bytes of the header that are reserved.
static HEADER_RESERVED: Range<u64> = 22..24;
/// A file is stored in blocks of so many bytes.
pub(super) const BLOCK: u64 = 4096;
/// Length of the fixed fields of an inode node, in bytes.
pub(super) const INODE: u64 = 160;
/// Those of a data node.
pub(super) const DATA: u64 = 48;
/// Those of a directory entry without its name.
const DIRENT: u64 = 56;
/// Those of a padding node.
pub(super) const PADDING: u64 = 28;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Inode,
    Data,
    Dirent,
    /// The name of an extended attribute, in all else a directory entry.
    Xattr,
    Truncation,
    Padding,
    Superblock,
    Master,
    Reference,
    Index,
    CommitStart,
    Orphans,
    Authentication,
    Signature,
    Unknown(u8),
}

impl Kind {
    fn of(stored: u8) -> Self {
        match stored {
            0 => Self::Inode,
            1 => Self::Data,
            2 => Self::Dirent,
            3 => Self::Xattr,
            4 => Self::Truncation,
            5 => Self::Padding,
            6 => Self::Superblock,
            7 => Self::Master,
            8 => Self::Reference,
            9 => Self::Index,
            10 => Self::CommitStart,
            11 => Self::Orphans,
            12 => Self::Authentication,
            13 => Self::Signature,
            other => Self::Unknown(other),
        }
    }

    /// The lengths in bytes that a node of this kind can have.
    fn lengths(self) -> Range<u64> {
        match self {
            Self::Inode => 64..INODE + BLOCK + 1,
            Self::Data => DATA..DATA + BLOCK + 1,
            Self::Dirent | Self::Xattr => DIRENT + 1..DIRENT + 257,
            Self::Truncation => 56..57,
            Self::Padding => PADDING..PADDING + 1,
            Self::Superblock => 4096..4097,
            Self::Master => 512..513,
            Self::Reference => 64..65,
            Self::CommitStart => 32..33,
            Self::Index | Self::Orphans | Self::Authentication | Self::Signature => {
                PADDING..u64::MAX
            }
            Self::Unknown(_) => HEADER..u64::MAX,
        }
    }

    /// The bytes of its fixed fields that are reserved: ranges from its start.
    pub(super) fn reserved(self) -> &'static [Range<u64>] {
        match self {
            Self::Inode => &[22..24, 32..40, 124..128, 134..160],
            Self::Data => &[22..24, 32..40],
            Self::Dirent | Self::Xattr => &[22..24, 32..40, 48..49],
            Self::Truncation => &[22..24, 28..40],
            Self::Superblock => &[22..26, 86..88, 322..4096],
            Self::Master => &[22..24, 360..512],
            Self::Reference => &[22..24, 36..64],
            Self::Signature => &[22..24, 32..64],
            _ => std::slice::from_ref(&HEADER_RESERVED),
        }
    }
}

/// The name of what a node holds: an inode, and with it a block, or the hash of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) inode: u32,
    /// The kind of node in the upper 3 bits; block number or hash in the others.
    place: u32,
}

impl Key {
    /// The key that stands at `at`.
    pub(super) fn read(fields: &Fields<'_>, at: usize) -> Option<Self> {
        Some(Self {
            inode: fields.u32(at)?,
            place: fields.u32(at.checked_add(4)?)?,
        })
    }

    /// What kind of node it names.
    pub(super) fn kind(self) -> Kind {
        match self.place >> 29 {
            0 => Kind::Inode,
            1 => Kind::Data,
            2 => Kind::Dirent,
            3 => Kind::Xattr,
            other => Kind::Unknown(other.to_le_bytes()[0]),
        }
    }

    /// The number of the block.
    pub(super) fn block(self) -> u32 {
        self.place & 0x1fff_ffff
    }
}

/// A node whose checksum holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Where it starts, in bytes from the region's start.
    pub(super) at: u64,
    /// Of two nodes with one key, the higher number is the newer one.
    pub(super) sequence: u64,
    pub(super) key: Key,
    /// Its length in bytes, without the padding to 8.
    pub(super) len: u32,
    pub(super) sum: u32,
    pub(super) kind: Kind,
    /// Whether it belongs to a group that another node closes.
    pub(super) in_open_group: bool,
    /// Whether it stands behind erased flash, where Linux does not look when it replays.
    pub(super) is_hidden: bool,
}

impl Node {
    /// The node at `at`, which may reach to `end`.
    pub(super) fn read(image: &Bytes, at: u64, end: u64) -> Option<Self> {
        let head = image.get(index(at)..)?;
        head.starts_with(&MAGIC).then_some(())?;
        let fields = Fields::little(head);
        let kind = Kind::of(fields.u8(20)?);
        let len = fields.u32(16)?;
        let fits = kind.lengths().contains(&len.into()) && at.checked_add(len.into())? <= end;
        fits.then_some(())?;
        let sum = fields.u32(4)?;
        let body = fields.slice(8, index(len.into()).checked_sub(8)?)?;
        (crc(body) == sum).then_some(())?;
        let keyed = matches!(kind, Kind::Inode | Kind::Data | Kind::Dirent | Kind::Xattr);
        let key = if keyed {
            Key::read(&fields, 24)?
        } else {
            Key { inode: 0, place: 0 }
        };
        Some(Self {
            at,
            sequence: fields.u64(8)?,
            key,
            len,
            sum,
            kind,
            in_open_group: fields.u8(21)? == 1,
            is_hidden: false,
        })
    }

    /// Where its bytes end.
    pub(super) fn end(&self) -> u64 {
        self.at.saturating_add(self.len.into())
    }

    /// Its bytes.
    pub(super) fn bytes(&self, image: &Bytes) -> Bytes {
        clip(image, self.at, self.len.into())
    }

    /// Whether its lengths agree, and its key with its kind.
    pub(super) fn agrees(&self, image: &Bytes) -> bool {
        let len = u64::from(self.len);
        let bytes = self.bytes(image);
        match self.kind {
            Kind::Inode => {
                Inode::parse(&bytes).is_some_and(|inode| {
                    crate::read::length(&inode.data).checked_add(INODE) == Some(len)
                }) && self.key.kind() == self.kind
            }
            Kind::Dirent | Kind::Xattr => {
                Dirent::parse(&bytes).is_some_and(|dirent| {
                    let name = crate::read::length(&dirent.name);
                    len == name.saturating_add(DIRENT).saturating_add(1)
                }) && self.key.kind() == self.kind
            }
            Kind::Data => self.key.kind() == self.kind,
            _ => true,
        }
    }
}

/// The fields of an inode node.
#[derive(Clone, Debug)]
pub(super) struct Inode {
    pub(super) size: u64,
    pub(super) mtime: i64,
    pub(super) links: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
    flags: u32,
    /// What is attached: a link's target, a device's number, the value of an extended attribute.
    pub(super) data: Bytes,
}

impl Inode {
    pub(super) fn parse(node: &Bytes) -> Option<Self> {
        let fields = Fields::little(node);
        Some(Self {
            size: fields.u64(48)?,
            mtime: i64::from_le_bytes(fields.u64(72)?.to_le_bytes()),
            links: fields.u32(92)?,
            uid: fields.u32(96)?,
            gid: fields.u32(100)?,
            mode: fields.u32(104)?,
            flags: fields.u32(108)?,
            data: cut(node, INODE, fields.u32(112)?.into())?,
        })
    }

    /// Whether content and names below it are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 0x40 != 0
    }

    /// The type bits of the mode.
    pub(super) fn file_type(&self) -> u32 {
        self.mode & 0o170_000
    }
}

/// The fields of a directory entry.
#[derive(Clone, Debug)]
pub(super) struct Dirent {
    /// The inode it names; 0 removes the name.
    pub(super) inode: u64,
    /// What it names, as UBIFS counts types.
    pub(super) file_type: u8,
    pub(super) name: Bytes,
}

impl Dirent {
    pub(super) fn parse(node: &Bytes) -> Option<Self> {
        let fields = Fields::little(node);
        Some(Self {
            inode: fields.u64(40)?,
            file_type: fields.u8(49)?,
            name: cut(node, DIRENT, fields.u16(50)?.into())?,
        })
    }
}

/// The fields of a data node.
pub(super) struct Data {
    /// How many bytes it holds when expanded.
    pub(super) size: u32,
    pub(super) compression: u16,
    pub(super) stored: Bytes,
}

impl Data {
    pub(super) fn parse(node: &Bytes) -> Option<Self> {
        let fields = Fields::little(node);
        Some(Self {
            size: fields.u32(40)?,
            compression: fields.u16(44)?,
            stored: crate::read::rest(node, DATA),
        })
    }
}

/// Whether all of `bytes` are what pads a node to 8: Linux and mkfs.ubifs differ in it.
pub(super) fn is_padding(bytes: &[u8]) -> bool {
    [0xce, 0, 0xff].iter().any(|&byte| is_all(bytes, byte))
}
