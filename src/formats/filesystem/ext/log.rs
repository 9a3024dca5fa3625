//! The journal as a ring of blocks, and the checksums that its parts carry.

use std::ops::Range;

use super::checksum::{START, crc32c};
use super::journal::{self, HEADER, Tag, Tags};
use super::map::Run;
use super::survey::{Use, survey};
use super::volume::Volume;
use crate::formats::filesystem::account::Account;
use crate::problem::Problem;
use crate::read::{Fields, index};

/// The feature of a journal that also keeps short notes of changes, in a form of its own.
const FAST_COMMITS: u32 = 0x20;
/// The feature of a journal with the first kind of checksums.
const SUMMED_COMMITS: u32 = 1;
/// The blocks that these take where the superblock does not say so.
const FAST_BLOCKS: u64 = 256;

/// The journal as a ring of blocks.
pub(super) struct Log<'a> {
    pub(super) volume: &'a Volume,
    runs: Vec<Run>,
    pub(super) tags: Tags,
    /// What checksums start with, where there are any.
    seed: Option<u32>,
    /// Whether commit blocks hold a CRC-32 of all that came before them in their transaction.
    pub(super) sums_commits: bool,
    wide: bool,
    /// The first block of the ring.
    pub(super) first: u64,
    /// The block behind its last.
    pub(super) end: u64,
    /// The blocks behind the ring that hold fast commits.
    pub(super) fast: Range<u64>,
    /// Where the oldest transaction that is not written back starts; 0 where there is none.
    pub(super) start: u64,
    /// The number of that transaction, or of the next one.
    pub(super) sequence: u32,
}

impl<'a> Log<'a> {
    /// The journal of a file system.
    ///
    /// # Errors
    /// It cannot be read, or is of a kind that is not known.
    pub(super) fn of(volume: &'a Volume) -> Result<Self, Problem> {
        let inode = volume.inode(volume.block.journal_inode)?;
        let mut left = volume.block.block_count;
        let mut account = Account::default();
        let found = survey(volume, &inode.mapping, Use::Blocks, &mut account, &mut left);
        if let Some(problem) = found.refused.into_iter().chain(found.problems).next() {
            return Err(problem);
        }
        Self::new(volume, found.runs)
            .ok_or_else(|| Problem::unsupported("the journal is of a kind that is not replayed"))
    }

    fn new(volume: &'a Volume, runs: Vec<Run>) -> Option<Self> {
        let raw = volume.block(runs.first().filter(|run| run.logical == 0)?.block)?;
        let fields = Fields::big(raw);
        let features = fields.u32(0x28)?;
        let known = journal::is_journal(raw)
            && u64::from(fields.u32(0xc)?) == volume.block.block_size
            && features & !0x3f == 0;
        let len = u64::from(fields.u32(0x10)?);
        let fast = match (features & FAST_COMMITS, fields.u32(0x54)?) {
            (0, _) => 0,
            (_, 0) => FAST_BLOCKS,
            (_, stated) => u64::from(stated),
        };
        let end = len.checked_sub(fast)?;
        let seed = crc32c(START, fields.slice(0x30, 16)?);
        let log = Self {
            volume,
            runs,
            tags: Tags::of(raw),
            seed: (features & 0x18 != 0).then_some(seed),
            sums_commits: fields.u32(0x24)? & SUMMED_COMMITS != 0,
            wide: features & 2 != 0,
            first: u64::from(fields.u32(0x14)?),
            end,
            // The block between the two stays empty.
            fast: end.saturating_add(1)..len,
            start: u64::from(fields.u32(0x1c)?),
            sequence: fields.u32(0x18)?,
        };
        let ring = log.first..log.end;
        let fits = log.first > 0 && (log.start == 0 || ring.contains(&log.start));
        (known && fits).then_some(log)
    }

    /// Block `number` of the journal: where it is in the file system, and its bytes.
    pub(super) fn block(&self, number: u64) -> Option<(u64, &'a [u8])> {
        let after = self.runs.partition_point(|run| run.logical <= number);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let within = number.checked_sub(run.logical)?;
        let block = run.block.checked_add(within)?;
        (within < run.count).then_some(())?;
        Some((block, self.volume.block(block)?))
    }

    /// The block of the ring behind `number`.
    pub(super) fn after(&self, number: u64) -> u64 {
        let next = number.saturating_add(1);
        if next >= self.end { self.first } else { next }
    }

    /// The blocks that a revoke block names.
    pub(super) fn revoked(&self, raw: &[u8]) -> Vec<u64> {
        let fields = Fields::big(raw);
        let used = fields.u32(HEADER).map_or(0, u64::from);
        let body = raw.get(..index(used)).unwrap_or(raw);
        let body = body.get(HEADER.saturating_add(4)..).unwrap_or_default();
        let size = if self.wide { 8 } else { 4 };
        let numbers = body.chunks_exact(size).filter_map(|number| {
            let fields = Fields::big(number);
            fields.u64(0).or_else(|| fields.u32(0).map(u64::from))
        });
        numbers.collect()
    }

    /// Checks the checksum at the end of a descriptor or a revoke block.
    pub(super) fn check_tail(&self, place: u64, raw: &[u8]) -> Result<(), Problem> {
        let (body, tail) = raw
            .split_at_checked(raw.len().saturating_sub(4))
            .unwrap_or((raw, &[]));
        let holds = self.seed.is_none_or(|seed| {
            Fields::big(tail).u32(0) == Some(crc32c(crc32c(seed, body), &[0; 4]))
        });
        if holds {
            return Ok(());
        }
        let detail = "the checksum of a descriptor in the journal does not hold";
        Err(Problem::checksum(detail).at(self.volume.at(place)))
    }

    /// Whether a commit block is what its checksum says, and the transaction before it, of which `sum` is the CRC-32.
    pub(super) fn commit_holds(&self, raw: &[u8], sum: u32) -> bool {
        if self.sums_commits {
            let fields = Fields::big(raw);
            let kind = [fields.u8(0xc), fields.u8(0xd)];
            // A transaction without any of the three has no checksum.
            let none = kind == [Some(0), Some(0)] && fields.u32(0x10) == Some(0);
            return none || (kind == [Some(1), Some(4)] && fields.u32(0x10) == Some(sum));
        }
        let (Some(seed), Some((before, rest))) = (self.seed, raw.split_at_checked(16)) else {
            return true;
        };
        let after = rest.get(4..).unwrap_or_default();
        let sum = crc32c(crc32c(crc32c(seed, before), &[0; 4]), after);
        Fields::big(rest).u32(0) == Some(sum)
    }

    /// Whether the copy that a tag of transaction `sequence` stands for is what its checksum says.
    pub(super) fn tag_holds(&self, sequence: u32, tag: &Tag, raw: &[u8]) -> bool {
        self.seed.is_none_or(|seed| {
            let sum = crc32c(crc32c(seed, &sequence.to_be_bytes()), raw);
            tag.sum == sum & tag.sum_bits
        })
    }
}
