//! `ReiserFS` 3: recognised by its superblock, bounded, not read.

use bytes::Bytes;

use super::bounded;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span};
use crate::problem::Problem;
use crate::read::{Fields, cut};

/// `ReiserFS`.
pub(in crate::formats) struct Reiserfs;

/// Where the superblock stands, and the length of its fields (bytes).
const SUPER: u64 = 0x1_0000;
const SUPER_LEN: u64 = 116;

impl Format for Reiserfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "reiserfs",
            title: "ReiserFS",
            kind: Kind::Filesystem,
            spec: "Linux fs/reiserfs/reiserfs.h (until 6.12)",
            reads: "the superblock of versions 3.5 and 3.6: label and length",
            verifies: "the sizes in the superblock against each other",
            limits: &["files: the region is named and bounded only"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        const AT: u64 = SUPER + 52;
        &[
            Magic {
                bytes: b"ReIsErFs",
                at: AT,
            },
            Magic {
                bytes: b"ReIsEr2Fs",
                at: AT,
            },
            Magic {
                bytes: b"ReIsEr3Fs",
                at: AT,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let head = cut(rest, SUPER, SUPER_LEN).ok_or(Reject::Coincidence("no superblock"))?;
        let len = len(&head).ok_or(Reject::Coincidence("no superblock of ReiserFS"))?;
        Ok(Extent::known(len, Proof::Structure))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(head) = cut(&region, SUPER, SUPER_LEN) else {
            return Opened::unread(Problem::corrupt("the superblock is cut off"));
        };
        let mut properties = Properties::new();
        if !head.get(52..).unwrap_or_default().starts_with(b"ReIsErFs") {
            bounded::say(
                &mut properties,
                "label",
                head.get(100..116).unwrap_or_default(),
            );
        }
        bounded::unread("ReiserFS", Span::metadata(SUPER, SUPER_LEN), properties)
    }
}

/// The length in bytes: so many blocks of which a bitmap counts no more than it has bits.
fn len(head: &[u8]) -> Option<u64> {
    let fields = Fields::little(head);
    let (blocks, free, root) = (fields.u32(0)?, fields.u32(4)?, fields.u32(8)?);
    let block = u64::from(fields.u16(44)?);
    let sound = block.is_power_of_two() && block >= 512 && free < blocks && root < blocks;
    let len = u64::from(blocks).checked_mul(block)?;
    (sound && len > SUPER).then_some(len)
}
