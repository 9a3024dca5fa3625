//! The MINIX file system, versions 1 to 3, in the byte order of the machine that wrote it.
//!
//! Blocks of boot code, superblock, a map of inodes, a map of zones, the inodes, then the zones with contents. A zone is one
//! block in everything that Linux reads.

mod content;
#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use self::content::Zones;
use self::walk::Walk;
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span, Tree,
};
use crate::problem::Problem;
use crate::read::{Endian, Fields, index, length};

/// The MINIX file system.
pub(in crate::formats) struct Minix;

/// Where the superblock stands, in bytes.
const SUPER: u64 = 1024;
/// The bit of the state that says that it was unmounted.
const VALID: u16 = 1;

impl Format for Minix {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "minix",
            title: "MINIX",
            kind: Kind::Filesystem,
            spec: "Linux include/uapi/linux/minix_fs.h, fs/minix",
            reads: "versions 1 and 2 with names of 14 and 30 bytes, version 3; both byte orders",
            verifies: "nothing: the format keeps no checksum; that no zone belongs to two files",
            limits: &[
                "zones of more than one block",
                "the maps of inodes and zones are not compared with the tree",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        MAGICS
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let head = Super::parse(rest).ok_or(Reject::Coincidence("no superblock that holds"))?;
        let zones = Zones::new(rest, &head);
        match zones.inode(ROOT) {
            Some(root) if root.mode & 0o170_000 == 0o040_000 && root.links >= 2 => {
                Ok(Extent::known(head.len(), Proof::Structure))
            }
            Some(_) => Err(Reject::NearMiss("a superblock whose root is no directory")),
            None => Ok(Extent::known(head.len(), Proof::Magic)),
        }
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(head) = Super::parse(&region) else {
            return Opened::unread(Problem::corrupt("no superblock that holds"));
        };
        let mut problems = Vec::new();
        if length(&region) < head.len() {
            let detail = format!("{} of {} bytes are there", region.len(), head.len());
            problems.push(Problem::corrupt(detail).at(length(&region)));
        }
        let mut walk = Walk::new(Zones::new(&region, &head), problems);
        walk.spans.extend(head.spans());
        let entries = walk.run(budget);
        Opened {
            content: Content::Tree(Tree {
                entries,
                history: Vec::new(),
            }),
            spans: walk.spans,
            problems: walk.problems,
            properties: head.properties(),
        }
    }
}

/// The number of the root's inode.
const ROOT: u32 = 1;

/// The superblock.
#[derive(Clone, Debug)]
struct Super {
    endian: Endian,
    version: u8,
    /// The bytes of a directory entry: the inode's number and the name.
    entry: usize,
    inodes: u32,
    zones: u32,
    /// The blocks of the map of inodes and of that of zones.
    inode_map: u16,
    zone_map: u16,
    first_zone: u64,
    block: u64,
    state: u16,
}

impl Super {
    /// The superblock of the image at the start of `bytes`, if its numbers fit each other.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let raw = bytes.get(index(SUPER)..)?;
        let orders = [Endian::Little, Endian::Big];
        orders.into_iter().find_map(|endian| {
            let fields = Fields::new(raw, endian);
            Self::older(&fields, endian)
                .or_else(|| Self::third(&fields, endian))
                .filter(Self::fits)
        })
    }

    fn older(fields: &Fields<'_>, endian: Endian) -> Option<Self> {
        let (version, entry) = match fields.u16(16)? {
            0x137f => (1, 16),
            0x138f => (1, 32),
            0x2468 => (2, 16),
            0x2478 => (2, 32),
            _ => return None,
        };
        (fields.u16(10)? == 0).then_some(Self {
            endian,
            version,
            entry,
            inodes: fields.u16(0)?.into(),
            zones: if version == 1 {
                fields.u16(2)?.into()
            } else {
                fields.u32(20)?
            },
            inode_map: fields.u16(4)?,
            zone_map: fields.u16(6)?,
            first_zone: fields.u16(8)?.into(),
            block: 1024,
            state: fields.u16(18)?,
        })
    }

    fn third(fields: &Fields<'_>, endian: Endian) -> Option<Self> {
        let block = fields.u16(28)?;
        let known = fields.u16(24)? == 0x4d5a
            && fields.u16(12)? == 0
            && matches!(block, 1024 | 2048 | 4096 | 8192 | 16384 | 32768);
        known.then_some(Self {
            endian,
            version: 3,
            entry: 64,
            inodes: fields.u32(0)?,
            zones: fields.u32(20)?,
            inode_map: fields.u16(6)?,
            zone_map: fields.u16(8)?,
            first_zone: fields.u16(10)?.into(),
            block: block.into(),
            // This version keeps no state.
            state: VALID,
        })
    }

    /// Whether the maps are long enough for what they map, and the zones start behind the inodes.
    fn fits(&self) -> bool {
        let bits = self.block.saturating_mul(8);
        let zones = u64::from(self.zones).checked_sub(self.first_zone);
        let maps = |blocks: u16, count: u64| {
            let needed = count.saturating_add(1).div_ceil(bits);
            u64::from(blocks) >= needed && u64::from(blocks) <= needed.saturating_add(1)
        };
        let table = u64::from(self.inodes).saturating_mul(self.inode_len());
        let behind = self.table().saturating_add(table).div_ceil(self.block);
        let computed = self.version == 3 && self.first_zone == 0;
        self.inodes > 0
            && maps(self.inode_map, self.inodes.into())
            && zones.is_some_and(|zones| maps(self.zone_map, zones))
            && (self.first_zone == behind || computed)
    }

    /// The length of the file system in bytes.
    fn len(&self) -> u64 {
        u64::from(self.zones).saturating_mul(self.block)
    }

    /// The length of an inode in bytes.
    fn inode_len(&self) -> u64 {
        if self.version == 1 { 32 } else { 64 }
    }

    /// Where the map of inodes starts, in bytes: in the third block, and never in the superblock's.
    fn maps(&self) -> u64 {
        self.block.saturating_mul(2)
    }

    /// Where the inodes start, in bytes.
    fn table(&self) -> u64 {
        let maps = u64::from(self.inode_map).saturating_add(self.zone_map.into());
        self.maps().saturating_add(maps.saturating_mul(self.block))
    }

    fn spans(&self) -> [Span; 3] {
        let len = if self.version == 3 { 31 } else { 24 };
        let bits = |count: u64| count.saturating_add(1).div_ceil(8);
        let map = u64::from(self.inode_map).saturating_mul(self.block);
        let zones = u64::from(self.zones).saturating_sub(self.first_zone);
        [
            Span::metadata(SUPER, len),
            Span::metadata(self.maps(), bits(self.inodes.into())),
            Span::metadata(self.maps().saturating_add(map), bits(zones)),
        ]
    }

    fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        properties.set("version", self.version.to_string());
        let order = match self.endian {
            Endian::Little => "little",
            Endian::Big => "big",
        };
        properties.set("byte-order", order);
        properties.set("block", self.block.to_string());
        if self.state & VALID == 0 {
            properties.set("state", "not unmounted");
        }
        properties
    }
}

const fn older(bytes: &'static [u8]) -> Magic {
    Magic { bytes, at: 1040 }
}

const fn third(bytes: &'static [u8]) -> Magic {
    Magic { bytes, at: 1048 }
}

/// The magic number, and behind it the state, which is below 4, or zeros: two bytes alone are everywhere.
const MAGICS: &[Magic] = &[
    older(&[0x7f, 0x13, 0, 0]),
    older(&[0x7f, 0x13, 1, 0]),
    older(&[0x7f, 0x13, 2, 0]),
    older(&[0x7f, 0x13, 3, 0]),
    older(&[0x8f, 0x13, 0, 0]),
    older(&[0x8f, 0x13, 1, 0]),
    older(&[0x8f, 0x13, 2, 0]),
    older(&[0x8f, 0x13, 3, 0]),
    older(&[0x68, 0x24, 0, 0]),
    older(&[0x68, 0x24, 1, 0]),
    older(&[0x68, 0x24, 2, 0]),
    older(&[0x68, 0x24, 3, 0]),
    older(&[0x78, 0x24, 0, 0]),
    older(&[0x78, 0x24, 1, 0]),
    older(&[0x78, 0x24, 2, 0]),
    older(&[0x78, 0x24, 3, 0]),
    older(&[0x13, 0x7f, 0, 0]),
    older(&[0x13, 0x7f, 0, 1]),
    older(&[0x13, 0x7f, 0, 2]),
    older(&[0x13, 0x7f, 0, 3]),
    older(&[0x13, 0x8f, 0, 0]),
    older(&[0x13, 0x8f, 0, 1]),
    older(&[0x13, 0x8f, 0, 2]),
    older(&[0x13, 0x8f, 0, 3]),
    older(&[0x24, 0x68, 0, 0]),
    older(&[0x24, 0x68, 0, 1]),
    older(&[0x24, 0x68, 0, 2]),
    older(&[0x24, 0x68, 0, 3]),
    older(&[0x24, 0x78, 0, 0]),
    older(&[0x24, 0x78, 0, 1]),
    older(&[0x24, 0x78, 0, 2]),
    older(&[0x24, 0x78, 0, 3]),
    third(&[0x5a, 0x4d, 0, 0]),
    third(&[0x4d, 0x5a, 0, 0]),
];
