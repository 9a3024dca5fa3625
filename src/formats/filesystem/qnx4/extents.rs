//! Inodes and the extents of files.

use std::io::Write;

use bytes::Bytes;

use super::BLOCK;
use crate::entry::{Data, Fault};
use crate::problem::Problem;
use crate::read::{Fields, clip, length};

/// An extent: its first block, which count from 1, and how many there are.
pub(super) type Run = (u32, u32);

/// An inode.
#[derive(Clone)]
pub(super) struct Inode {
    /// The length in bytes.
    pub(super) size: u32,
    pub(super) first: Run,
    /// The block with the next extents, from 1.
    pub(super) next: u32,
    pub(super) mtime: u32,
    /// How many extents there are.
    pub(super) extents: u16,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) status: u8,
}

impl Inode {
    /// The inode in a directory entry of 64 bytes.
    pub(super) fn parse(record: &[u8]) -> Option<Self> {
        let fields = Fields::little(record);
        Some(Self {
            size: fields.u32(16)?,
            first: (fields.u32(20)?, fields.u32(24)?),
            next: fields.u32(28)?,
            mtime: fields.u32(36)?,
            extents: fields.u16(48)?,
            mode: fields.u16(50)?.into(),
            uid: fields.u16(52)?.into(),
            gid: fields.u16(54)?.into(),
            status: fields.u8(63)?,
        })
    }
}

/// Where a block starts, in bytes; `None` for block 0, which there is not.
pub(super) fn at(block: u32) -> Option<u64> {
    u64::from(block).checked_sub(1)?.checked_mul(BLOCK)
}

/// A block that lists extents, and so the next one.
pub(super) struct Chain {
    pub(super) next: u32,
    pub(super) runs: Vec<Run>,
}

impl Chain {
    /// The block `number`.
    pub(super) fn parse(region: &Bytes, number: u32) -> Result<Self, Problem> {
        /// The most extents that one block lists.
        const MOST: u8 = 60;
        let start = at(number).ok_or_else(|| Problem::corrupt("extents in block 0"))?;
        let raw = clip(region, start, BLOCK);
        let fields = Fields::little(&raw);
        let wrong = || {
            let detail = format!("block {number} lists no extents");
            Problem::corrupt(detail).at(start)
        };
        let marked = fields.slice(496, 7) == Some(b"IamXblk");
        let count = fields
            .u8(8)
            .filter(|count| marked && (1..=MOST).contains(count));
        let count = count.ok_or_else(wrong)?;
        let runs = (0..usize::from(count)).map(|run| {
            let at = run.checked_mul(8)?.checked_add(16)?;
            Some((fields.u32(at)?, fields.u32(at.checked_add(4)?)?))
        });
        Ok(Self {
            next: fields.u32(0).ok_or_else(wrong)?,
            runs: runs.collect::<Option<_>>().ok_or_else(wrong)?,
        })
    }
}

/// The content of a file.
pub(super) struct Content {
    pub(super) region: Bytes,
    /// The length in bytes.
    pub(super) size: u64,
    pub(super) runs: Vec<Run>,
    /// Why it cannot be right, if that is known.
    pub(super) problem: Option<Problem>,
}

impl Content {
    /// Each piece of the content: where it starts and how long it is, in bytes.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut left = self.size;
        self.runs.iter().filter_map(move |&(block, count)| {
            let len = u64::from(count).saturating_mul(BLOCK).min(left);
            left = left.saturating_sub(len);
            Some((at(block)?, len)).filter(|_| len > 0)
        })
    }
}

impl Data for Content {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone().into());
        }
        for (at, len) in self.pieces() {
            let bytes = clip(&self.region, at, len);
            out.write_all(&bytes)?;
            if length(&bytes) < len {
                return Err(Problem::corrupt("the content is cut off").at(at).into());
            }
        }
        Ok(())
    }
}
