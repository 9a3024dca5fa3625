//! The replay of the journal: what the kernel would do before it mounts a file system that was not unmounted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bytes::Bytes;

use super::checksum::{START, crc32c};
use super::journal::{self, COMMIT, DESCRIPTOR, HEADER, MAGIC, REVOKE, Tag, Tags};
use super::map::Run;
use super::survey::{Use, survey};
use super::volume::Volume;
use crate::budget::Budget;
use crate::formats::filesystem::account::Account;
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

/// The bit of a tag that says that its block starts with the journal's magic, which zeros stand for in the journal.
const ESCAPED: u32 = 1;

/// The feature of a journal that also keeps short notes of changes, in a form of its own.
const FAST_COMMITS: u32 = 0x20;

/// What the journal holds for the file system.
pub(super) struct Replay {
    /// How many transactions are complete.
    pub(super) transactions: u32,
    /// The blocks of the file system that they write, each with the block that holds its content and the bits of its tag.
    blocks: BTreeMap<u64, (u64, u32)>,
}

/// Reads the transactions that a kernel would replay.
///
/// # Errors
/// The journal cannot be read, or one of its blocks is not what its checksum says.
pub(super) fn read(volume: &Volume) -> Result<Replay, Problem> {
    let inode = volume.inode(volume.block.journal_inode)?;
    let mut left = volume.block.block_count;
    let mut account = Account::default();
    let found = survey(volume, &inode.mapping, Use::Blocks, &mut account, &mut left);
    if let Some(problem) = found.refused.into_iter().chain(found.problems).next() {
        return Err(problem);
    }
    Log::new(volume, &found.runs)
        .ok_or_else(|| Problem::unsupported("the journal is of a kind that is not replayed"))?
        .read()
}

impl Replay {
    /// How many blocks are written.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The file system with the blocks in place.
    ///
    /// # Errors
    /// There is no room for it.
    pub(super) fn apply(&self, volume: &Volume, budget: &Budget) -> Result<Bytes, Problem> {
        budget.spend_decoded(length(&volume.region))?;
        self.write(volume, budget)
            .map_err(|error| Problem::limit(format!("the journal was not replayed: {error}")))
    }

    fn write(&self, volume: &Volume, budget: &Budget) -> io::Result<Bytes> {
        let mut out = budget.spool().stream();
        let mut done = 0;
        for (&block, &(from, flags)) in &self.blocks {
            let (at, Some(raw)) = (volume.at(block), volume.block(from)) else {
                continue;
            };
            // A block behind the end of a file system that was cut off has no place.
            if volume.block(block).is_none() {
                break;
            }
            out.write_all(&clip(&volume.region, done, at.saturating_sub(done)))?;
            if flags & ESCAPED == 0 {
                out.write_all(raw)?;
            } else {
                out.write_all(&MAGIC.to_be_bytes())?;
                out.write_all(raw.get(4..).unwrap_or_default())?;
            }
            done = at.saturating_add(length(raw));
        }
        out.write_all(volume.region.get(index(done)..).unwrap_or_default())?;
        out.finish()
    }
}

/// The journal as a ring of blocks.
struct Log<'a> {
    volume: &'a Volume,
    runs: &'a [Run],
    tags: Tags,
    /// What checksums start with, where there are any.
    seed: Option<u32>,
    wide: bool,
    first: u64,
    end: u64,
    start: u64,
    sequence: u32,
}

/// One complete transaction.
#[derive(Default)]
struct Transaction {
    /// What it writes: the tag, and the block of the file system that holds the content.
    written: Vec<(Tag, u64)>,
    /// The blocks whose older contents are not to be written.
    revoked: Vec<u64>,
}

impl<'a> Log<'a> {
    fn new(volume: &'a Volume, runs: &'a [Run]) -> Option<Self> {
        let raw = volume.block(runs.first().filter(|run| run.logical == 0)?.block)?;
        let fields = Fields::big(raw);
        let features = fields.u32(0x28)?;
        let known = journal::is_journal(raw)
            && u64::from(fields.u32(0xc)?) == volume.block.block_size
            && features & (FAST_COMMITS | !0x3f) == 0;
        let seed = crc32c(START, fields.slice(0x30, 16)?);
        let log = Self {
            volume,
            runs,
            tags: Tags::of(raw),
            seed: (features & 0x18 != 0).then_some(seed),
            wide: features & 2 != 0,
            first: u64::from(fields.u32(0x14)?),
            end: u64::from(fields.u32(0x10)?),
            start: u64::from(fields.u32(0x1c)?),
            sequence: fields.u32(0x18)?,
        };
        let ring = log.first..log.end;
        let fits = log.first > 0 && (log.start == 0 || ring.contains(&log.start));
        (known && fits).then_some(log)
    }

    /// Block `number` of the journal: where it is in the file system, and its bytes.
    fn block(&self, number: u64) -> Option<(u64, &'a [u8])> {
        let after = self.runs.partition_point(|run| run.logical <= number);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let within = number.checked_sub(run.logical)?;
        let block = run.block.checked_add(within)?;
        (within < run.count).then_some(())?;
        Some((block, self.volume.block(block)?))
    }

    fn after(&self, number: u64) -> u64 {
        let next = number.saturating_add(1);
        if next >= self.end { self.first } else { next }
    }

    fn read(&self) -> Result<Replay, Problem> {
        let mut transactions = Vec::new();
        let mut current = Transaction::default();
        let mut sequence = self.sequence;
        let mut at = self.start;
        // No block of the ring is read twice.
        let mut left = if self.start == 0 {
            0
        } else {
            self.end.saturating_sub(self.first)
        };
        while left > 0 {
            let Some((place, raw)) = self.block(at) else {
                break;
            };
            let fields = Fields::big(raw);
            if fields.u32(0) != Some(MAGIC) || fields.u32(8) != Some(sequence) {
                break;
            }
            (at, left) = (self.after(at), left.saturating_sub(1));
            match fields.u32(4) {
                Some(DESCRIPTOR) => {
                    self.check_tail(place, raw)?;
                    for tag in self.tags.read(raw).0 {
                        let Some((from, _)) = self.block(at).filter(|_| left > 0) else {
                            left = 0;
                            break;
                        };
                        current.written.push((tag, from));
                        (at, left) = (self.after(at), left.saturating_sub(1));
                    }
                }
                Some(REVOKE) => {
                    self.check_tail(place, raw)?;
                    current.revoked.extend(self.revoked(raw));
                }
                Some(COMMIT) => {
                    // A commit that is not whole was not written to its end: the transaction never happened.
                    if !self.commit_holds(raw) {
                        break;
                    }
                    transactions.push((sequence, std::mem::take(&mut current)));
                    sequence = sequence.wrapping_add(1);
                }
                _ => break,
            }
        }
        self.settle(&transactions)
    }

    /// What is written in the end: of each block the last content, unless it was revoked then or later.
    fn settle(&self, transactions: &[(u32, Transaction)]) -> Result<Replay, Problem> {
        let mut replay = Replay {
            transactions: u32::try_from(transactions.len()).unwrap_or(u32::MAX),
            blocks: BTreeMap::new(),
        };
        for (sequence, transaction) in transactions {
            for (tag, from) in &transaction.written {
                let raw = self.volume.block(*from).unwrap_or_default();
                if !self.tag_holds(*sequence, tag, raw) {
                    let detail = "the checksum of a block in the journal does not hold";
                    return Err(Problem::checksum(detail).at(self.volume.at(*from)));
                }
                replay.blocks.insert(tag.block, (*from, tag.flags));
            }
            for block in &transaction.revoked {
                replay.blocks.remove(block);
            }
        }
        Ok(replay)
    }

    fn revoked(&self, raw: &[u8]) -> Vec<u64> {
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
    fn check_tail(&self, place: u64, raw: &[u8]) -> Result<(), Problem> {
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

    fn commit_holds(&self, raw: &[u8]) -> bool {
        let (Some(seed), Some((before, rest))) = (self.seed, raw.split_at_checked(16)) else {
            return true;
        };
        let after = rest.get(4..).unwrap_or_default();
        let sum = crc32c(crc32c(crc32c(seed, before), &[0; 4]), after);
        Fields::big(rest).u32(0) == Some(sum)
    }

    fn tag_holds(&self, sequence: u32, tag: &Tag, raw: &[u8]) -> bool {
        self.seed.is_none_or(|seed| {
            let sum = crc32c(crc32c(seed, &sequence.to_be_bytes()), raw);
            tag.sum == sum & tag.sum_bits
        })
    }
}
