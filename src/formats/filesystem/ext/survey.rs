//! The first walk over a content's map, when the tree is opened: names its blocks, checks its checksums, and finds out whether it
//! lies in one piece.

use super::checksum::crc32c;
use super::inode::Mapping;
use super::map::{Node, Run, Visit};
use super::volume::Volume;
use crate::entry::Fault;
use crate::formats::Role;
use crate::formats::filesystem::account::Account;
use crate::problem::Problem;
use crate::read::{Fields, index};

/// What the blocks of a content are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A file's content, to be named.
    Content,
    /// A structure of the file system, to be named.
    Metadata,
    /// Structures that someone else names, block by block: the runs are kept.
    Blocks,
}

/// What was found out about a content.
#[derive(Default)]
pub(super) struct Found {
    /// Its runs, with [`Use::Blocks`].
    pub(super) runs: Vec<Run>,
    /// Where it starts, in bytes from the region's start, when it lies in one piece without a hole.
    pub(super) piece: Option<u64>,
    /// What is wrong with its map.
    pub(super) problems: Vec<Problem>,
    /// Why it cannot be read at all.
    pub(super) refused: Option<Problem>,
}

/// Walks the map of a content. `blocks_left` is how many more blocks of maps and directories there can be in the whole image:
/// each belongs to one inode, so that walking more than there are means that they are shared or loop.
pub(super) fn survey(
    volume: &Volume,
    mapping: &Mapping,
    purpose: Use,
    account: &mut Account,
    blocks_left: &mut u64,
) -> Found {
    let mut survey = Survey {
        volume,
        mapping,
        purpose,
        account,
        blocks_left,
        next: 0,
        first: None,
        straight: true,
        found: Found::default(),
    };
    let walked = volume.walk(mapping, &mut survey);
    let covered = survey.next >= mapping.size.div_ceil(volume.block.block_size.max(1));
    let mut found = survey.found;
    if survey.straight && covered && found.problems.is_empty() {
        found.piece = survey.first.map(|block| volume.at(block));
    }
    if let Err(Fault::Problem(problem)) = walked {
        found.piece = None;
        found.refused = Some(problem);
    }
    found
}

struct Survey<'a> {
    volume: &'a Volume,
    mapping: &'a Mapping,
    purpose: Use,
    account: &'a mut Account,
    blocks_left: &'a mut u64,
    /// The block of the content behind the last run.
    next: u64,
    /// The block that the content starts with.
    first: Option<u64>,
    /// Whether all runs so far follow each other on the disk and in the content.
    straight: bool,
    found: Found,
}

impl Survey<'_> {
    fn spend(&mut self, blocks: u64) -> Result<(), Fault> {
        let left = self.blocks_left.checked_sub(blocks);
        *self.blocks_left = left.ok_or_else(|| {
            Problem::corrupt("maps and directories share blocks or loop; this one was not read")
        })?;
        Ok(())
    }
}

impl Visit for Survey<'_> {
    fn data(&mut self, run: Run) -> Result<(), Fault> {
        let first = *self.first.get_or_insert(run.block);
        let follows = run.logical == self.next && run.block.checked_sub(first) == Some(run.logical);
        self.straight &= follows;
        self.next = run.logical.saturating_add(run.count);
        if self.purpose == Use::Blocks {
            self.spend(run.count)?;
            self.found.runs.push(run);
            return Ok(());
        }
        // What follows the last byte of the content in its last block is slack, and is not named.
        let left = self
            .mapping
            .size
            .saturating_sub(self.volume.at(run.logical));
        let role = match self.purpose {
            Use::Content => Role::Content,
            _ => Role::Metadata,
        };
        self.account.name(
            self.volume.at(run.block),
            self.volume.at(run.count).min(left),
            role,
        );
        Ok(())
    }

    fn node(&mut self, node: Node) -> Result<(), Fault> {
        self.spend(1)?;
        let at = self.volume.at(node.block);
        let Some(raw) = self.volume.block(node.block) else {
            return Ok(());
        };
        let Some(checksum_at) = node.checksum_at else {
            self.account.padded(at, raw, node.used, 0);
            return Ok(());
        };
        let (body, tail) = raw
            .split_at_checked(index(checksum_at))
            .unwrap_or((raw, &[]));
        self.account.padded(at, body, node.used, 0);
        self.account
            .padded(at.saturating_add(checksum_at), tail, 4, 0);
        if Fields::little(tail)
            .u32(0)
            .is_some_and(|sum| sum != crc32c(self.mapping.seed, body))
        {
            let detail = format!("the checksum of extent block {} does not hold", node.block);
            self.found.problems.push(Problem::checksum(detail).at(at));
        }
        Ok(())
    }

    fn problem(&mut self, problem: Problem) -> Result<(), Fault> {
        self.found.problems.push(problem);
        Ok(())
    }
}
