//! Files as trees of block pointers, and their contents.

use std::io::Write;

use bytes::Bytes;

use super::superblock::Super;
use crate::entry::{Data, Fault};
use crate::formats::stored::zeros;
use crate::problem::Problem;
use crate::read::{Endian, Fields, clip, index, length};

/// So many pointers an inode or a superblock holds itself.
const DIRECT: u64 = 16;
/// No tree is deeper.
const DEEPEST: u8 = 5;
/// The pointer of a hole.
const HOLE: u32 = u32::MAX;

/// A file as its inode describes it.
#[derive(Clone)]
pub(super) struct Fork {
    /// The length in bytes.
    pub(super) size: u64,
    pointers: [u32; 16],
    /// How many blocks of pointers lie between an own pointer and a block of content.
    levels: u8,
}

impl Fork {
    /// A file of `size` bytes whose pointers stand at `at`.
    pub(super) fn parse(fields: &Fields<'_>, size: u64, at: usize, levels: u8) -> Option<Self> {
        let mut pointers = [HOLE; 16];
        for (number, pointer) in pointers.iter_mut().enumerate() {
            *pointer = fields.u32(at.checked_add(number.checked_mul(4)?)?)?;
        }
        Some(Self {
            size,
            pointers,
            levels,
        })
    }

    /// Whether the tree is no deeper than any that is written.
    pub(super) fn is_possible(&self) -> bool {
        self.levels <= DEEPEST
    }
}

/// The blocks of a file system.
#[derive(Clone)]
pub(super) struct Volume {
    pub(super) region: Bytes,
    pub(super) endian: Endian,
    /// The length of a block in bytes.
    pub(super) block: u64,
    blocks: u64,
}

impl Volume {
    pub(super) fn new(region: Bytes, head: &Super) -> Self {
        Self {
            region,
            endian: head.endian,
            block: head.block,
            blocks: head.blocks,
        }
    }

    /// The number of blocks that are there, whatever the superblock says.
    pub(super) fn there(&self) -> u64 {
        let room = length(&self.region).saturating_sub(Super::base());
        room.div_ceil(self.block).min(self.blocks)
    }

    /// Where a block starts, in bytes from the region's start; `None` where there is no such block.
    pub(super) fn at(&self, block: u32) -> Option<u64> {
        let into = u64::from(block).saturating_mul(self.block);
        (u64::from(block) < self.blocks).then(|| Super::base().saturating_add(into))
    }

    /// The number of pointers in a block.
    fn listed(&self) -> u64 {
        self.block >> 2
    }

    /// The blocks that one pointer with `levels` of others below it covers.
    fn covered(&self, levels: u8) -> u64 {
        self.listed().saturating_pow(levels.into())
    }

    /// Where byte `offset` of a file stands, in bytes from the region's start; `None` where it is in no block.
    pub(super) fn locate(&self, fork: &Fork, offset: u64) -> Option<u64> {
        let number = offset.checked_div(self.block)?;
        let into = offset.checked_rem(self.block)?;
        let mut step = self.covered(fork.levels);
        let own = index(number.checked_div(step)?);
        let mut block = *fork.pointers.get(own)?;
        for _ in 0..fork.levels {
            let list = clip(&self.region, self.at(block)?, self.block);
            step = step.checked_div(self.listed())?;
            let slot = number.checked_div(step)?.checked_rem(self.listed())?;
            let at = index(slot.saturating_mul(4));
            block = Fields::new(&list, self.endian).u32(at)?;
        }
        self.at(block)?.checked_add(into)
    }

    /// Visits the blocks of a file in the order of its content: `visit` is told each block, how many blocks deep it lists others
    /// (0: it is content), and how many blocks of content lie before it. Holes are passed over.
    ///
    /// # Errors
    /// What `visit` makes of it, and pointers to blocks that are not there.
    pub(super) fn visit<E: From<Problem>>(
        &self,
        fork: &Fork,
        visit: &mut dyn FnMut(u32, u8, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        if !fork.is_possible() {
            let detail = format!("a tree of {} levels", fork.levels);
            return Err(Problem::corrupt(detail).into());
        }
        let end = fork.size.div_ceil(self.block);
        let step = self.covered(fork.levels);
        if end > step.saturating_mul(DIRECT) {
            let detail = format!("{} bytes do not fit in {} levels", fork.size, fork.levels);
            return Err(Problem::corrupt(detail).into());
        }
        let mut first = 0;
        for &pointer in &fork.pointers {
            self.below(pointer, fork.levels, first, end, visit)?;
            first = first.saturating_add(step);
        }
        Ok(())
    }

    fn below<E: From<Problem>>(
        &self,
        block: u32,
        depth: u8,
        first: u64,
        end: u64,
        visit: &mut dyn FnMut(u32, u8, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        if block == HOLE || first >= end {
            return Ok(());
        }
        let Some(at) = self.at(block) else {
            return Err(Problem::corrupt(format!("there is no block {block}")).into());
        };
        visit(block, depth, first)?;
        let Some(above) = depth.checked_sub(1) else {
            return Ok(());
        };
        let raw = clip(&self.region, at, self.block);
        let fields = Fields::new(&raw, self.endian);
        let step = self.covered(above);
        for number in 0..self.listed() {
            let first = first.saturating_add(number.saturating_mul(step));
            if first >= end {
                break;
            }
            let Some(pointer) = fields.u32(index(number.saturating_mul(4))) else {
                let detail = format!("block {block}, which lists others, is cut off");
                return Err(Problem::corrupt(detail).at(at).into());
            };
            self.below(pointer, above, first, end, visit)?;
        }
        Ok(())
    }
}

/// The content of a file.
pub(super) struct Content {
    pub(super) volume: Volume,
    pub(super) fork: Fork,
    /// Why it cannot be right, if that is known.
    pub(super) problem: Option<Problem>,
}

impl Data for Content {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone().into());
        }
        let (size, len) = (self.fork.size, self.volume.block);
        let mut done = 0;
        self.volume.visit(&self.fork, &mut |block, depth, first| {
            if depth > 0 {
                return Ok(());
            }
            let start = first.saturating_mul(len);
            zeros(out, start.saturating_sub(done))?;
            let wanted = size.saturating_sub(start).min(len);
            let at = self.volume.at(block).unwrap_or(u64::MAX);
            let bytes = clip(&self.volume.region, at, wanted);
            out.write_all(&bytes)?;
            if length(&bytes) < wanted {
                return Err(Problem::corrupt("the content is cut off").at(at).into());
            }
            done = start.saturating_add(wanted);
            Ok::<(), Fault>(())
        })?;
        zeros(out, size.saturating_sub(done))
    }
}
