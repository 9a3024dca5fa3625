//! JFS: recognised by its superblock, bounded, not read.

use bytes::Bytes;

use super::bounded;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span};
use crate::problem::Problem;
use crate::read::{Fields, cut};

/// JFS.
pub(in crate::formats) struct Jfs;

/// Where the superblock stands, and the length of its fields (bytes).
const SUPER: u64 = 0x8000;
const SUPER_LEN: u64 = 184;

impl Format for Jfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "jfs",
            title: "JFS",
            kind: Kind::Filesystem,
            spec: "Linux fs/jfs/jfs_superblock.h",
            reads: "the superblock: label and length",
            verifies: "the sizes in the superblock against each other",
            limits: &["files: the region is named and bounded only"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: b"JFS1\x01\0\0\0",
                at: SUPER,
            },
            Magic {
                bytes: b"JFS1\x02\0\0\0",
                at: SUPER,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let head = cut(rest, SUPER, SUPER_LEN).ok_or(Reject::Coincidence("no superblock"))?;
        let len = len(&head).ok_or(Reject::Coincidence("no superblock of JFS"))?;
        Ok(Extent::known(len, Proof::Structure))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(head) = cut(&region, SUPER, SUPER_LEN) else {
            return Opened::unread(Problem::corrupt("the superblock is cut off"));
        };
        let mut properties = Properties::new();
        bounded::say(
            &mut properties,
            "label",
            head.get(101..112).unwrap_or_default(),
        );
        bounded::unread("JFS", Span::metadata(SUPER, SUPER_LEN), properties)
    }
}

/// The length in bytes: the aggregate, and behind it the work space of its checker and the journal.
fn len(head: &[u8]) -> Option<u64> {
    let fields = Fields::little(head);
    let (block, sector) = (fields.u32(16)?, fields.u32(24)?);
    let log2 = |shift: u16| 1_u32.checked_shl(shift.into());
    let sound = (512..=4096).contains(&block)
        && log2(fields.u16(20)?) == Some(block)
        && log2(fields.u16(28)?) == Some(sector);
    let aggregate = fields.u64(8)?.checked_mul(sector.into())?;
    let end = |at: usize| {
        let first = fields.u32(at)?;
        let start = u64::from(first >> 24) << 32 | u64::from(fields.u32(at.checked_add(4)?)?);
        start
            .checked_add(u64::from(first & 0x00ff_ffff))?
            .checked_mul(block.into())
    };
    let len = aggregate.max(end(72)?).max(end(80)?);
    (sound && aggregate > SUPER).then_some(len)
}
