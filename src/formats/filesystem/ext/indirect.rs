//! Block lists of ext2 and ext3: twelve block numbers in the inode, then blocks of numbers, two and three deep.
//!
//! A zero stands for zeros, at every level: a zero instead of a block of numbers is a hole as long as all of them.

use super::inode::Mapping;
use super::map::{Node, Run, Visit};
use super::volume::Volume;
use crate::entry::Fault;
use crate::problem::Problem;

/// Block numbers in the inode that name data itself.
const DIRECT: usize = 12;

/// Walks the block list of a content of `end` blocks.
pub(super) fn walk(
    volume: &Volume,
    mapping: &Mapping,
    end: u64,
    visit: &mut dyn Visit,
) -> Result<(), Fault> {
    let mut list = List {
        volume,
        end,
        next: 0,
        run: None,
        visit,
    };
    let (numbers, _) = mapping.root.as_chunks::<4>();
    for (slot, &number) in numbers.iter().enumerate() {
        let depth = slot.saturating_add(1).saturating_sub(DIRECT);
        list.number(
            u32::from_le_bytes(number),
            u32::try_from(depth).unwrap_or(u32::MAX),
        )?;
    }
    list.flush()?;
    if list.next < end {
        let detail = format!("the file has {end} blocks, more than a block list can name");
        list.visit.problem(Problem::corrupt(detail))?;
    }
    Ok(())
}

struct List<'a> {
    volume: &'a Volume,
    /// The first block behind the content.
    end: u64,
    /// The block of the content that the next number stands for.
    next: u64,
    /// The blocks seen last, not yet told.
    run: Option<Run>,
    visit: &'a mut dyn Visit,
}

impl List<'_> {
    /// Takes a block number that stands `depth` levels above the data.
    fn number(&mut self, number: u32, depth: u32) -> Result<(), Fault> {
        if self.next >= self.end {
            return Ok(());
        }
        let block = u64::from(number);
        let per_block = self.volume.block.block_size / 4;
        let covered = per_block.saturating_pow(depth);
        if number != 0 && !self.volume.holds(block, 1) {
            let detail =
                format!("the file names block {block}, which lies outside the file system");
            self.visit.problem(Problem::corrupt(detail))?;
        } else if number != 0 && depth > 0 {
            return self.numbers(block, depth, covered);
        } else if number != 0 {
            self.data(block)?;
        }
        self.next = self.next.saturating_add(covered).min(self.end);
        Ok(())
    }

    /// Takes a block of numbers.
    fn numbers(&mut self, block: u64, depth: u32, covered: u64) -> Result<(), Fault> {
        self.flush()?;
        let volume = self.volume;
        let after = self.next.saturating_add(covered).min(self.end);
        let Some(raw) = volume.block(block) else {
            let detail = format!("the indirect block {block} lies outside the image");
            self.visit.problem(Problem::corrupt(detail))?;
            self.next = after;
            return Ok(());
        };
        let each = (volume.block.block_size / 4).saturating_pow(depth.saturating_sub(1));
        let needed = after.saturating_sub(self.next).div_ceil(each.max(1));
        self.visit.node(Node {
            block,
            used: needed.saturating_mul(4),
            checksum_at: None,
        })?;
        let (numbers, _) = raw.as_chunks::<4>();
        for &number in numbers {
            if self.next >= after {
                break;
            }
            self.number(u32::from_le_bytes(number), depth.saturating_sub(1))?;
        }
        Ok(())
    }

    /// Adds a block of data to the run, or begins another.
    fn data(&mut self, block: u64) -> Result<(), Fault> {
        if let Some(run) = &mut self.run
            && run.logical.saturating_add(run.count) == self.next
            && run.block.saturating_add(run.count) == block
        {
            run.count = run.count.saturating_add(1);
            return Ok(());
        }
        self.flush()?;
        self.run = Some(Run {
            logical: self.next,
            block,
            count: 1,
        });
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Fault> {
        self.run.take().map_or(Ok(()), |run| self.visit.data(run))
    }
}
