//! The content of a regular file: whole blocks, then an end that may lie in a fragment block with other files' ends.

use std::io::Write;
use std::sync::Arc;

use crate::entry::{Data, Fault};
use crate::formats::stored::zeros;
use crate::problem::Problem;
use crate::read::{index, length};

use super::ahead::{self, Lanes};
use super::blocks::{Blocks, Stored, Worker};

/// A file of fewer blocks is decoded by the thread that reads it alone.
const WORTH_HELP: usize = 8;

/// A file's content.
pub(super) struct Content {
    /// The image's blocks.
    pub(super) blocks: Arc<Blocks>,
    /// Its size in bytes.
    pub(super) size: u64,
    /// Its first block, in bytes from the region's start; the others follow without a gap.
    pub(super) at: u64,
    /// The stored size of each block; 0 is a hole.
    pub(super) sizes: Box<[u32]>,
    /// The fragment block that holds its end, and where the end starts in the decoded block.
    pub(super) end: Option<(Stored, u32)>,
    /// Whether it is the one of those that share a fragment block that tells what none of them uses.
    pub(super) tells: bool,
}

/// The content of a file whose blocks cannot be told.
pub(super) struct Lost(pub(super) Problem);

impl Data for Lost {
    fn copy_to(&self, _out: &mut dyn Write) -> Result<(), Fault> {
        Err(self.0.clone().into())
    }
}

impl Data for Content {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let mut worker = self.blocks.worker();
        let helpers = if self.sizes.len() < WORTH_HELP {
            0
        } else {
            self.blocks.hire()
        };
        let result = ahead::with(helpers, &self.blocks, &self.stored(), |lanes| {
            self.copy(lanes, &mut worker, out)
        });
        self.blocks.dismiss(helpers);
        self.blocks.give_back(worker);
        result
    }
}

impl Content {
    /// Where its blocks are stored, and how many bytes each holds.
    fn stored(&self) -> impl Iterator<Item = (Stored, u64)> + Clone + Send {
        let full = u64::try_from(self.blocks.block_size()).unwrap_or(u64::MAX);
        let start = (self.at, self.size);
        self.sizes.iter().scan(start, move |(at, left), &word| {
            let block = Stored { at: *at, word };
            let wanted = full.min(*left);
            *at = at.saturating_add(block.len());
            *left = left.saturating_sub(wanted);
            Some((block, wanted))
        })
    }

    fn copy(
        &self,
        mut lanes: Lanes,
        worker: &mut Worker,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        let mut left = self.size;
        // What is wrong although the content is whole is told after the content.
        let mut told = None;
        for (block, wanted) in self.stored() {
            if block.word == 0 {
                zeros(out, wanted)?;
            } else if let Some(decoded) = lanes.next(block) {
                let (bytes, problem) = decoded?;
                write_block(block, &bytes, wanted, out)?;
                told = told.or(problem);
            } else {
                let (piece, problem) = self.blocks.decode(block, Some(wanted), worker)?;
                write_block(block, piece.as_ref(), wanted, out)?;
                told = told.or(problem);
            }
            left = left.saturating_sub(wanted);
        }
        drop(lanes);
        if let Some((block, offset)) = self.end {
            let fragment = self.blocks.fragment(block, worker)?;
            write_end(block, &fragment.bytes, offset, left, out)?;
            told = told.or(fragment.problem);
            if self.tells {
                told = told.or_else(|| self.blocks.unused(block, &fragment.bytes));
            }
            left = 0;
        }
        if left > 0 {
            return Err(Problem::corrupt("the file has fewer blocks than its size needs").into());
        }
        told.map_or(Ok(()), |problem| Err(problem.into()))
    }
}

fn write_end(
    block: Stored,
    fragment: &[u8],
    offset: u32,
    len: u64,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let start = index(u64::from(offset));
    let piece = fragment.get(start..start.saturating_add(index(len)));
    let piece = piece.ok_or_else(|| {
        Problem::corrupt("the file's end lies behind the end of its fragment block").at(block.at)
    })?;
    Ok(out.write_all(piece)?)
}

fn write_block(block: Stored, bytes: &[u8], wanted: u64, out: &mut dyn Write) -> Result<(), Fault> {
    out.write_all(bytes.get(..index(wanted)).unwrap_or(bytes))?;
    let made = length(bytes);
    if made == wanted {
        return Ok(());
    }
    Err(Problem::corrupt(format!(
        "data block: it holds {made} bytes where {wanted} are wanted"
    ))
    .at(block.at)
    .into())
}
