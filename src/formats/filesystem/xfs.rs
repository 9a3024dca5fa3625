//! XFS: recognised by its superblock, bounded, not read.

use bytes::Bytes;

use super::bounded;
use crate::budget::Budget;
use crate::formats::crc32c::{START, crc32c};
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span};
use crate::problem::Problem;
use crate::read::{Fields, clip, index};

/// XFS.
pub(in crate::formats) struct Xfs;

/// The length of the superblock's fields (bytes).
const SUPER_LEN: u64 = 272;

impl Format for Xfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "xfs",
            title: "XFS",
            kind: Kind::Filesystem,
            spec: "XFS Algorithms and Data Structures, 3rd edition",
            reads: "the superblock: label and length",
            verifies: "CRC-32C of the superblock of version 5",
            limits: &["files: the region is named and bounded only"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"XFSB",
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let (len, proof) = Super::parse(rest)
            .ok_or(Reject::Coincidence("no superblock"))?
            .measure(rest)?;
        Ok(Extent::known(len, proof))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(label) = region.get(108..120) else {
            return Opened::unread(Problem::corrupt("the superblock is cut off"));
        };
        let mut properties = Properties::new();
        bounded::say(&mut properties, "label", label);
        bounded::unread("XFS", Span::metadata(0, SUPER_LEN), properties)
    }
}

struct Super {
    block: u32,
    blocks: u64,
    /// How many blocks each allocation group has, and how many groups there are; the last one may be shorter.
    group: u32,
    groups: u32,
    /// The length of a sector (bytes).
    sector: u16,
    /// The low four bits.
    version: u16,
    crc: u32,
}

impl Super {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::big(bytes);
        Some(Self {
            block: fields.u32(4)?,
            blocks: fields.u64(8)?,
            group: fields.u32(84)?,
            groups: fields.u32(88)?,
            sector: fields.u16(102)?,
            version: fields.u16(100)? & 15,
            crc: Fields::little(bytes).u32(224)?,
        })
    }

    fn measure(&self, bytes: &Bytes) -> Result<(u64, Proof), Reject> {
        let most = u64::from(self.group).saturating_mul(self.groups.into());
        let least = most.saturating_sub(self.group.into());
        let sound = self.block.is_power_of_two()
            && (512..=65536).contains(&self.block)
            && self.sector.is_power_of_two()
            && self.sector >= 512
            && self.blocks > least
            && self.blocks <= most;
        if !sound {
            return Err(Reject::Coincidence("no superblock of XFS"));
        }
        let len = self.blocks.saturating_mul(self.block.into());
        if self.version < 5 {
            return Ok((len, Proof::Structure));
        }
        let sector = clip(bytes, 0, self.sector.into());
        let (before, after) = sector.split_at(index(224).min(sector.len()));
        let after = after.get(4..).unwrap_or_default();
        let crc = !crc32c(crc32c(crc32c(START, before), &[0; 4]), after);
        if crc == self.crc {
            Ok((len, Proof::Checksum))
        } else {
            Err(Reject::NearMiss("an XFS superblock whose CRC-32C is wrong"))
        }
    }
}
