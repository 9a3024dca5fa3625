//! btrfs: recognised by its superblock, bounded, not read.

use bytes::Bytes;

use super::bounded;
use crate::budget::Budget;
use crate::formats::crc32c::{START, crc32c};
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span};
use crate::problem::Problem;
use crate::read::{Fields, cut};

/// btrfs.
pub(in crate::formats) struct Btrfs;

/// Where the first copy of the superblock stands, and its length (bytes).
const SUPER: u64 = 0x1_0000;
const SUPER_LEN: u64 = 4096;

impl Format for Btrfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "btrfs",
            title: "btrfs",
            kind: Kind::Filesystem,
            spec: "Linux include/uapi/linux/btrfs_tree.h",
            reads: "the superblock: label and length",
            verifies: "CRC-32C of the superblock, where it uses that",
            limits: &["files: the region is named and bounded only"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"_BHRfS_M",
            at: SUPER + 64,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let head = cut(rest, SUPER, SUPER_LEN).ok_or(Reject::Coincidence("no superblock"))?;
        let (len, proof) = measure(&head)?;
        Ok(Extent::known(len, proof))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(head) = cut(&region, SUPER, SUPER_LEN) else {
            return Opened::unread(Problem::corrupt("the superblock is cut off"));
        };
        let mut properties = Properties::new();
        bounded::say(
            &mut properties,
            "label",
            head.get(299..555).unwrap_or_default(),
        );
        bounded::unread("btrfs", Span::metadata(SUPER, SUPER_LEN), properties)
    }
}

/// The length of the device that a superblock describes (bytes), and how well that is proven.
fn measure(head: &[u8]) -> Result<(u64, Proof), Reject> {
    let short = Reject::Coincidence("no superblock");
    let fields = Fields::little(head);
    // The copies at 64 MiB and 256 GiB say so; they do not start a file system.
    if fields.u64(48) != Some(SUPER) {
        return Err(Reject::Coincidence("a copy of a superblock"));
    }
    let len = fields.u64(209).ok_or(short)?;
    let sector = fields.u32(144).ok_or(short)?;
    if !sector.is_power_of_two() || len < SUPER.saturating_add(SUPER_LEN) {
        return Err(Reject::NearMiss(
            "a btrfs superblock with impossible lengths",
        ));
    }
    let is_crc32c = fields.u16(196) == Some(0);
    let body = head.get(32..).unwrap_or_default();
    match fields.u32(0) {
        _ if !is_crc32c => Ok((len, Proof::Structure)),
        Some(sum) if sum == !crc32c(START, body) => Ok((len, Proof::Checksum)),
        _ => Err(Reject::NearMiss(
            "a btrfs superblock whose CRC-32C is wrong",
        )),
    }
}
