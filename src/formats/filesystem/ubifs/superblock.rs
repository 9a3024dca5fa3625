//! The superblock, which says how the logical erase blocks (LEBs) are shared out, and the master node that starts it all.

use std::fmt::Write as _;

use bytes::Bytes;

use super::hash::Hash;
use super::node::{Kind, MAGIC, Node};
use crate::formats::{Extent, Proof, Properties, Reject};
use crate::read::{Fields, clip, index, is_all, rest};

/// Length of the superblock node in bytes.
const SUPERBLOCK: u64 = 4096;
/// The sizes of an erase block that Linux takes, in bytes.
const LEB_SIZES: std::ops::RangeInclusive<u64> = 15 << 10..=2 << 20;

/// What the superblock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Superblock {
    pub(super) flags: u32,
    pub(super) min_io: u64,
    /// Size of a LEB, in bytes.
    pub(super) leb: u64,
    pub(super) leb_count: u64,
    pub(super) leb_most: u64,
    pub(super) log_lebs: u64,
    pub(super) lpt_lebs: u64,
    pub(super) orphan_lebs: u64,
    /// How many LEB numbers the space table saves.
    pub(super) saved: u64,
    key_hash: u8,
    fanout: u32,
    version: u32,
    compression: u16,
    uuid: [u8; 16],
    hash: u16,
}

/// Flags of the superblock.
const BIG_LPT: u32 = 0x02;
const SPACE_FIXUP: u32 = 0x04;
const DOUBLE_HASH: u32 = 0x08;
const ENCRYPTION: u32 = 0x10;
const AUTHENTICATION: u32 = 0x20;

impl Superblock {
    /// The superblock that `bytes` start with, whatever its checksum; `None` where the numbers cannot be.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes.get(..index(SUPERBLOCK))?);
        let right = bytes.starts_with(&MAGIC) && fields.u32(16)? == 4096 && fields.u8(20)? == 6;
        right.then_some(())?;
        let number = |at| fields.u32(at).map(u64::from);
        let found = Self {
            key_hash: fields.u8(26)?,
            flags: fields.u32(28)?,
            min_io: number(32)?,
            leb: number(36)?,
            leb_count: number(40)?,
            leb_most: number(44)?,
            log_lebs: number(56)?,
            lpt_lebs: number(60)?,
            orphan_lebs: number(64)?,
            fanout: fields.u32(72)?,
            saved: number(76)?,
            version: fields.u32(80)?,
            compression: fields.u16(84)?,
            uuid: fields.slice(108, 16)?.try_into().ok()?,
            hash: fields.u16(256)?,
        };
        let areas = [found.log_lebs, found.lpt_lebs, found.orphan_lebs];
        let fits = LEB_SIZES.contains(&found.leb)
            && found.leb.is_multiple_of(8)
            && found.min_io.is_power_of_two()
            && found.min_io <= found.leb
            && found.leb_count <= found.leb_most
            && areas.iter().all(|&lebs| lebs > 0)
            && found.main() < found.leb_count;
        fits.then_some(found)
    }

    /// The first LEB of the space table.
    pub(super) fn lpt(&self) -> u64 {
        self.log_lebs.saturating_add(3)
    }

    /// The first LEB of the list of orphans.
    fn orphans(&self) -> u64 {
        self.lpt().saturating_add(self.lpt_lebs)
    }

    /// The first LEB that holds files.
    pub(super) fn main(&self) -> u64 {
        self.orphans().saturating_add(self.orphan_lebs)
    }

    /// Length of the file system, in bytes.
    pub(super) fn len(&self) -> u64 {
        self.leb_count.saturating_mul(self.leb)
    }

    /// Whether the space table has the form for many LEBs.
    pub(super) fn has_big_lpt(&self) -> bool {
        self.flags & BIG_LPT != 0
    }

    /// Whether the index holds the hash of every node.
    pub(super) fn is_authenticated(&self) -> bool {
        self.flags & AUTHENTICATION != 0
    }

    /// How it hashes, where it is authenticated and the hash is one that is known here.
    pub(super) fn hash(&self) -> Option<Hash> {
        Hash::of(self.hash).filter(|_| self.is_authenticated())
    }

    /// Says what no entry shows.
    pub(super) fn describe(&self, properties: &mut Properties) {
        let mut uuid = String::new();
        for (place, byte) in self.uuid.iter().enumerate() {
            let dash = if matches!(place, 4 | 6 | 8 | 10) {
                "-"
            } else {
                ""
            };
            let _ = write!(uuid, "{dash}{byte:02x}");
        }
        properties.set("uuid", uuid);
        let compression = match self.compression {
            0 => "none",
            1 => "lzo",
            2 => "zlib",
            3 => "zstd",
            _ => "unknown",
        };
        properties.set("default-compression", compression);
        for (name, value) in [
            ("format-version", u64::from(self.version)),
            ("erase-block-size", self.leb),
            ("erase-blocks", self.leb_count),
            ("erase-blocks-most", self.leb_most),
            ("page-size", self.min_io),
            ("fanout", self.fanout.into()),
        ] {
            properties.set(name, value.to_string());
        }
        let hash = if self.key_hash == 0 { "r5" } else { "test" };
        properties.set("key-hash", hash);
        for (flag, name) in [
            (BIG_LPT, "big-space-table"),
            (SPACE_FIXUP, "space-fixup"),
            (DOUBLE_HASH, "double-hash"),
            (ENCRYPTION, "encryption"),
        ] {
            if self.flags & flag != 0 {
                properties.set(name, "yes");
            }
        }
        if self.is_authenticated() {
            let name = self.hash().map_or("another hash", Hash::name);
            let text = format!("{name}; the signature is not verified");
            properties.set("authentication", text);
        }
    }
}

/// Measures the file system at the start of `rest`.
pub(super) fn measure(bytes: &Bytes) -> Result<Extent, Reject> {
    let found = Superblock::parse(bytes).ok_or(Reject::Coincidence("no UBIFS superblock"))?;
    if Node::read(bytes, 0, found.leb).is_some() {
        return Ok(Extent::known(found.len(), Proof::Checksum));
    }
    // Its numbers are right where a master node stands as they say.
    if Master::newest(bytes, &found, 1).is_some() {
        return Ok(Extent::known(found.len(), Proof::Structure));
    }
    Err(Reject::NearMiss(
        "a UBIFS superblock whose checksum does not hold, and no master node",
    ))
}

/// A master node: where index, log and space table start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Master {
    /// Where it stands, in bytes from the region's start.
    pub(super) at: u64,
    pub(super) sequence: u64,
    pub(super) commit: u64,
    flags: u32,
    /// The first LEB of the log.
    pub(super) log: u64,
    /// LEB, offset and length of the index's root.
    pub(super) root: (u64, u64, u32),
    /// All that two copies share.
    body: Bytes,
    /// All of it but the header that nodes share, which is what its hash covers.
    hashed: Bytes,
}

impl Master {
    /// The newest master node in `leb`.
    pub(super) fn newest(image: &Bytes, superblock: &Superblock, leb: u64) -> Option<Self> {
        let start = leb.saturating_mul(superblock.leb);
        let end = start.saturating_add(superblock.leb);
        let mut newest = None;
        let mut at = start;
        let step = index(superblock.min_io.max(512));
        for _ in (0..superblock.leb).step_by(step) {
            let node = Node::read(image, at, end).filter(|node| node.kind == Kind::Master);
            let master = node.and_then(|node| Self::parse(image, &node));
            newest = newest.max_by_sequence(master);
            at = at.saturating_add(superblock.min_io.max(512));
        }
        newest
    }

    fn parse(image: &Bytes, node: &Node) -> Option<Self> {
        let bytes = node.bytes(image);
        let fields = Fields::little(&bytes);
        let number = |at| fields.u32(at).map(u64::from);
        Some(Self {
            at: node.at,
            sequence: node.sequence,
            commit: fields.u64(32)?,
            flags: fields.u32(40)?,
            log: number(44)?,
            root: (number(48)?, number(52)?, fields.u32(56)?),
            body: rest(&clip(&bytes, 0, 360), 24),
            hashed: rest(&bytes, 24),
        })
    }

    /// What its hash covers.
    pub(super) fn hashed(&self) -> &[u8] {
        &self.hashed
    }

    /// The hash of the index's root, with room for longer ones.
    pub(super) fn root_hash(&self) -> Bytes {
        clip(&self.hashed, 144, 64)
    }

    /// Whether it has a keyed hash, as one that was mounted.
    pub(super) fn is_keyed(&self) -> bool {
        !is_all(&clip(&self.hashed, 272, 64), 0)
    }

    /// Whether the file system was in use when it was read.
    pub(super) fn is_dirty(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether two copies say the same.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        self.body == other.body
    }
}

/// The newer of two.
trait Newest {
    fn max_by_sequence(self, other: Self) -> Self;
}

impl Newest for Option<Master> {
    fn max_by_sequence(self, other: Self) -> Self {
        [self, other]
            .into_iter()
            .flatten()
            .max_by_key(|master| master.sequence)
    }
}
