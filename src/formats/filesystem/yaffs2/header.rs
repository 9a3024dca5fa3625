//! An object's header: 512 bytes at the start of a page, and in the rest of the page its extended attributes.

use std::collections::BTreeMap;

use crate::entry::{Device, Meta};
use crate::read::{Endian, Fields};

/// The length of a header in bytes.
pub(super) const LENGTH: usize = 512;
const NAME: usize = 10;
const NAME_ROOM: usize = 256;
const ALIAS: usize = 300;
const ALIAS_ROOM: usize = 160;

/// The objects that no page need describe.
pub(super) const ROOT: u32 = 1;
pub(super) const LOST_AND_FOUND: u32 = 2;
/// The directories of what was deleted while it was open, and of what was deleted.
pub(super) const UNLINKED: u32 = 3;
pub(super) const DELETED: u32 = 4;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Symlink,
    Directory,
    /// Another name of an object.
    Hardlink,
    /// A device, a pipe or a socket, as its mode says.
    Special,
}

impl Kind {
    pub(super) fn of(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::File,
            2 => Self::Symlink,
            3 => Self::Directory,
            4 => Self::Hardlink,
            5 => Self::Special,
            _ => return None,
        })
    }
}

/// The fields of a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a> {
    pub(super) kind: Kind,
    pub(super) parent: u32,
    pub(super) name: &'a [u8],
    pub(super) mode: u32,
    uid: u32,
    gid: u32,
    pub(super) mtime: u32,
    /// The length of a file in bytes.
    pub(super) size: u64,
    /// The object that a hard link names.
    pub(super) equivalent: u32,
    /// The target of a symbolic link.
    pub(super) alias: &'a [u8],
    rdev: u32,
    /// An object whose name this one took over.
    pub(super) shadows: Option<u32>,
    /// The file was cut down to its size, or has a hole behind it.
    pub(super) shrink: bool,
}

impl<'a> Header<'a> {
    /// Parses a header; `inband` says that the tags stand in the page itself.
    pub(super) fn parse(page: &'a [u8], endian: Endian, inband: bool) -> Option<Self> {
        let fields = Fields::new(page.get(..LENGTH)?, endian);
        let (shadows, shrink) = if inband { (488, 492) } else { (504, 508) };
        let low = u64::from(fields.u32(292)?);
        let high = match fields.u32(496)? {
            u32::MAX => 0,
            high => u64::from(high),
        };
        let shadows = fields.u32(shadows)?;
        Some(Self {
            kind: Kind::of(fields.u32(0)?)?,
            parent: fields.u32(4)?,
            name: text(fields.slice(NAME, NAME_ROOM)?)?,
            mode: fields.u32(268)?,
            uid: fields.u32(272)?,
            gid: fields.u32(276)?,
            mtime: fields.u32(284)?,
            size: high << 32 | low,
            equivalent: fields.u32(296)?,
            // Only symbolic links have one; elsewhere these bytes are as they happened to be.
            alias: text(fields.slice(ALIAS, ALIAS_ROOM)?).unwrap_or_default(),
            rdev: fields.u32(460)?,
            shadows: (1..=0x3_ffff).contains(&shadows).then_some(shadows),
            shrink: fields.u32(shrink)? == 1,
        })
    }

    /// Whether it is so much like a header that the tags need only agree: a name padded with zeros and a mode that fits.
    pub(super) fn is_evident(page: &[u8], endian: Endian) -> bool {
        let Some(header) = Header::parse(page, endian, false) else {
            return false;
        };
        let mode = match header.kind {
            Kind::File => header.mode & !0o7777 == 0o100_000,
            Kind::Symlink => header.mode & !0o7777 == 0o120_000 && !header.alias.is_empty(),
            Kind::Directory => header.mode & !0o7777 == 0o040_000,
            // A hard link has no mode.
            Kind::Hardlink => true,
            Kind::Special => header.mode >> 16 == 0,
        };
        let room = page.get(NAME..NAME.saturating_add(NAME_ROOM));
        let padded = room.is_some_and(|room| {
            // Some tools leave the last byte as it was.
            let behind = room.iter().take(NAME_ROOM.saturating_sub(1));
            behind.skip(header.name.len()).all(|&byte| byte == 0)
        });
        let named = !header.name.is_empty() || header.kind == Kind::Directory;
        mode && named && padded && !header.name.contains(&b'/')
    }

    /// Whether the object was deleted.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.parent, UNLINKED | DELETED)
    }

    pub(super) fn meta(&self, xattrs: BTreeMap<Vec<u8>, Vec<u8>>) -> Meta {
        Meta {
            mode: Some(self.mode & 0o7777),
            uid: Some(self.uid),
            gid: Some(self.gid),
            mtime: Some(self.mtime.into()),
            xattrs,
        }
    }

    /// The device number: Linux's old form of 16 bits is a part of the newer one of 32.
    pub(super) fn device(&self) -> Device {
        Device {
            major: (self.rdev & 0x000f_ff00) >> 8,
            minor: self.rdev & 0xff | self.rdev >> 12 & 0x000f_ff00,
        }
    }
}

/// The bytes before the first zero byte; `None` where there is none.
fn text(room: &[u8]) -> Option<&[u8]> {
    room.get(..memchr::memchr(0, room)?)
}

/// The extended attributes behind a header and how many bytes they take: records of a length, a name that ends with a
/// zero byte, and a value.
pub(super) fn attributes(page: &[u8], endian: Endian) -> (BTreeMap<Vec<u8>, Vec<u8>>, usize) {
    let mut found = BTreeMap::new();
    let store = page.get(LENGTH..).unwrap_or_default();
    let fields = Fields::new(store, endian);
    let mut at = 0_usize;
    while let Some(record) = record(&fields, store, at) {
        let (name, value) = match memchr::memchr(0, record) {
            Some(end) => record.split_at(end),
            None => (record, &[][..]),
        };
        let value = value.get(1..).unwrap_or_default();
        found.insert(name.to_vec(), value.to_vec());
        at = at.saturating_add(4).saturating_add(record.len());
    }
    (found, at)
}

fn record<'a>(fields: &Fields<'a>, store: &[u8], at: usize) -> Option<&'a [u8]> {
    let len = usize::try_from(fields.u32(at)?).ok()?;
    // As in yaffs_nameval.c, the last byte of the store is never used.
    let fits = len > 4 && at.checked_add(len)? < store.len();
    fits.then(|| fields.slice(at.checked_add(4)?, len.checked_sub(4)?))?
}
