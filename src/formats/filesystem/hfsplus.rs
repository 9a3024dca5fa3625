//! HFS+ and HFSX: recognised by the volume header, bounded, not read.

use bytes::Bytes;

use super::bounded;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span};
use crate::read::{Fields, cut};

/// HFS+.
pub(in crate::formats) struct Hfsplus;

/// Where the volume header stands, and its length (bytes). A copy stands as far from the end.
const HEADER: u64 = 1024;
const HEADER_LEN: u64 = 512;

impl Format for Hfsplus {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "hfsplus",
            title: "HFS+",
            kind: Kind::Filesystem,
            spec: "Apple Technical Note TN1150",
            reads: "the volume header: length",
            verifies: "the volume header against its copy",
            limits: &["files: the region is named and bounded only"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: b"H+\0\x04",
                at: HEADER,
            },
            Magic {
                bytes: b"HX\0\x05",
                at: HEADER,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = cut(rest, HEADER, HEADER_LEN).ok_or(Reject::Coincidence("no header"))?;
        let fields = Fields::big(&header);
        let (block, blocks) = fields
            .u32(40)
            .zip(fields.u32(44))
            .ok_or(Reject::Coincidence("no header"))?;
        let len = u64::from(block).saturating_mul(blocks.into());
        let sound = block.is_power_of_two() && block >= 512 && len > HEADER.saturating_mul(2);
        if !sound {
            return Err(Reject::Coincidence("no volume header of HFS+"));
        }
        // What never changes must be the same in both: signature, version, block size and count.
        let copy = cut(rest, len.saturating_sub(HEADER), HEADER_LEN);
        let same = copy.is_some_and(|copy| {
            let fixed = |header: &Bytes| Some((cut(header, 0, 4)?, cut(header, 40, 8)?));
            fixed(&copy) == fixed(&header)
        });
        if same {
            Ok(Extent::known(len, Proof::Structure))
        } else {
            Err(Reject::NearMiss(
                "an HFS+ volume header without its copy at the end",
            ))
        }
    }

    fn open(&self, _region: Bytes, _budget: &Budget) -> Opened {
        bounded::unread(
            "HFS+",
            Span::metadata(HEADER, HEADER_LEN),
            Properties::new(),
        )
    }
}
