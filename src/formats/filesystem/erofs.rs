//! EROFS, the read-only file system of newer Android and embedded systems.
//!
//! Inodes stand in a metadata area and are named by their slot of 32 bytes. The content of a file is flat, with its tail behind
//! the inode, or in chunks, or in compressed clusters of whole blocks that an index maps.

mod cluster;
mod content;
mod decoder;
mod inode;
mod packed;
#[cfg(test)]
mod tests;
mod walk;
mod xattr;

use std::sync::Arc;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::crc32c::{START, crc32c};
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Tree,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length};

use packed::Packed;

/// EROFS.
pub(in crate::formats) struct Erofs;

/// Where the superblock stands, and its length without extensions (bytes).
const SUPER: u64 = 1024;
const SUPER_LEN: u64 = 128;

const COMPAT_CHECKSUM: u32 = 1;
const ZERO_PADDING: u32 = 1;
/// Compression parameters stand behind the superblock; the same bit says that clusters may have several blocks.
const PARAMETERS: u32 = 2;
/// Tails of compressed contents stand behind their indexes.
const TAILS: u32 = 0x10;
/// Fragments and deduplicated extents.
const FRAGMENTS: u32 = 0x20;
/// Long prefixes of attribute names.
const PREFIXES: u32 = 0x40;
/// Zero padding, parameters, chunks, a second head or devices, inline tails, and the two above: all that is read.
const READ: u32 = 0x7f;

impl Format for Erofs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "erofs",
            title: "EROFS",
            kind: Kind::Filesystem,
            spec: "Linux fs/erofs/erofs_fs.h",
            reads: "compact and extended inodes; flat, inline and chunked content; LZ4, MicroLZMA, deflate and zstd with compact and \
                    full indexes, clusters of several blocks, inline tails, fragments and deduplicated extents; extended attributes with \
                    long prefixes",
            verifies: "CRC-32C of the superblock; every compressed extent decodes to exactly its length; contents carry no checksum",
            limits: &[
                "data on extra devices",
                "volumes with addresses of 48 bits, and metadata that are compressed, are named and not read",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &[0xe2, 0xe1, 0xf5, 0xe0],
            at: SUPER,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let volume = Volume::parse(rest).ok_or(Reject::Coincidence("no superblock of EROFS"))?;
        let proof = match volume.checksum() {
            None => Proof::Structure,
            Some(true) => Proof::Checksum,
            Some(false) => {
                return Err(Reject::NearMiss(
                    "an EROFS superblock whose CRC-32C is wrong",
                ));
            }
        };
        if inode::read(&volume, volume.root).is_none_or(|root| !root.is_dir())
            && volume.inode_at(volume.root) < length(rest)
        {
            return Err(Reject::NearMiss(
                "an EROFS superblock without a root directory",
            ));
        }
        Ok(Extent::known(volume.len(), proof))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(mut volume) = Volume::parse(&region) else {
            return Opened::unread(Problem::corrupt("the superblock is cut off"));
        };
        let mut problems = Problems::default();
        let mut ledger = Ledger::default();
        ledger.metadata(SUPER, volume.head_len());
        if volume.features & FRAGMENTS != 0 && volume.packed_slot != 0 {
            volume.packed = Packed::read(&volume, volume.packed_slot);
        }
        if volume.features & PREFIXES != 0 {
            match xattr::prefixes(&volume, &mut ledger) {
                Ok(prefixes) => volume.prefixes = prefixes,
                Err(problem) => problems.push(problem),
            }
        }
        let volume = Arc::new(volume);
        if volume.len() > length(&region) {
            let detail = format!("{} of {} bytes are there", region.len(), volume.len());
            problems.push(Problem::corrupt(detail).at(length(&region)));
        }
        if volume.features & !READ != 0 {
            let detail = format!("feature flags {:#x} are not read", volume.features & !READ);
            problems.push(Problem::unsupported(detail));
        }
        if let Some(packed) = &volume.packed {
            packed.explain(&volume, &mut ledger);
        }
        let entries = walk::walk(&volume, budget, &mut ledger, &mut problems);
        Opened {
            content: Content::Tree(Tree {
                entries,
                history: Vec::new(),
            }),
            spans: ledger.into_spans(),
            problems: problems.into_vec(),
            properties: volume.properties(),
        }
    }
}

/// The superblock, and the bytes that it describes.
struct Volume {
    region: Bytes,
    /// The length of a block, as a power of two.
    shift: u32,
    /// How many blocks there are.
    blocks: u32,
    /// The slot of the root's inode.
    root: u64,
    /// The first block of the inodes and of the shared attributes.
    meta: u32,
    xattr: u32,
    /// The time of compact inodes, in seconds since 1970.
    built: u64,
    compat: u32,
    features: u32,
    /// Further slots of 16 bytes behind the superblock.
    slots: u8,
    /// Which algorithms have parameters, one bit each.
    algorithms: u16,
    /// How many prefixes of attribute names there are, and where they start, in units of 4 bytes.
    prefix_count: u8,
    prefix_start: u32,
    /// The slot of the packed inode.
    packed_slot: u64,
    /// What is read when the volume is opened: the packed inode, and the prefixes.
    packed: Option<Packed>,
    prefixes: Vec<Vec<u8>>,
}

impl Volume {
    fn parse(region: &Bytes) -> Option<Self> {
        let head = cut(region, SUPER, SUPER_LEN)?;
        let fields = Fields::little(&head);
        let shift = u32::from(fields.u8(12)?);
        (9..=16).contains(&shift).then_some(())?;
        Some(Self {
            region: region.clone(),
            shift,
            blocks: fields.u32(36)?,
            root: u64::from(fields.u16(14)?),
            meta: fields.u32(40)?,
            xattr: fields.u32(44)?,
            built: fields.u64(24)?,
            compat: fields.u32(8)?,
            features: fields.u32(80)?,
            slots: fields.u8(13)?,
            algorithms: fields.u16(84)?,
            prefix_count: fields.u8(91)?,
            prefix_start: fields.u32(92)?,
            packed_slot: fields.u64(96)?,
            packed: None,
            prefixes: Vec::new(),
        })
    }

    fn block(&self) -> u64 {
        1_u64.checked_shl(self.shift).unwrap_or(1)
    }

    /// Where a block starts (bytes from the region's start).
    fn block_at(&self, block: u64) -> u64 {
        block.saturating_mul(self.block())
    }

    /// The length of the file system (bytes).
    fn len(&self) -> u64 {
        self.block_at(self.blocks.into())
    }

    /// Where the inode in a slot starts (bytes from the region's start).
    fn inode_at(&self, slot: u64) -> u64 {
        self.block_at(self.meta.into())
            .saturating_add(slot.saturating_mul(32))
    }

    /// Whether the checksum is right; `None` when there is none. It covers the rest of the superblock's block.
    fn checksum(&self) -> Option<bool> {
        if self.compat & COMPAT_CHECKSUM == 0 {
            return None;
        }
        let covered = match self.block().checked_sub(SUPER) {
            None | Some(0) => self.block(),
            Some(behind) => behind,
        };
        let bytes = cut(&self.region, SUPER, covered)?;
        let stored = Fields::little(&bytes).u32(4)?;
        let start = crc32c(crc32c(START, bytes.get(..4)?), &[0; 4]);
        Some(crc32c(start, bytes.get(8..)?) == stored)
    }

    fn super_len(&self) -> u64 {
        SUPER_LEN.saturating_add(u64::from(self.slots).saturating_mul(16))
    }

    /// The parameters of an algorithm, by its number: each behind a length of 2 bytes.
    fn parameters(&self, wanted: u32) -> Option<Bytes> {
        let mut at = SUPER.checked_add(self.super_len())?;
        for algorithm in 0..=wanted {
            if self.features & PARAMETERS == 0 || self.algorithms >> algorithm & 1 == 0 {
                continue;
            }
            let (start, len) = self.parameters_at(at)?;
            if algorithm == wanted {
                return cut(&self.region, start, len);
            }
            at = start.checked_add(len)?;
        }
        None
    }

    fn parameters_at(&self, at: u64) -> Option<(u64, u64)> {
        let at = at.checked_next_multiple_of(4)?;
        let len = Fields::little(&self.region).u16(index(at))?;
        Some((at.checked_add(2)?, u64::from(len)))
    }

    /// The length of the superblock and of the parameters behind it (bytes).
    fn head_len(&self) -> u64 {
        let mut end = SUPER.saturating_add(self.super_len());
        let known = (0..16).filter(|bit| self.algorithms >> bit & 1 == 1);
        let known = known.count();
        if self.features & PARAMETERS != 0 {
            for _ in 0..known {
                if let Some((start, len)) = self.parameters_at(end) {
                    end = start.saturating_add(len.min(64));
                }
            }
        }
        end.saturating_sub(SUPER)
    }

    fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        let head = clip(&self.region, SUPER, SUPER_LEN);
        super::bounded::say(
            &mut properties,
            "volume",
            head.get(64..80).unwrap_or_default(),
        );
        properties
    }
}
