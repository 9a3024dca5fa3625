//! The replay of the journal: what the kernel would do before it mounts a file system that was not unmounted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bytes::Bytes;

use super::checksum::crc32_be;
use super::fast;
use super::journal::{COMMIT, DESCRIPTOR, ESCAPED, MAGIC, REVOKE, Tag};
use super::log::Log;
use super::volume::Volume;
use crate::budget::Budget;
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

/// What the journal holds for the file system.
pub(super) struct Replay {
    /// How many transactions are complete.
    pub(super) transactions: u32,
    /// The blocks of the file system that they write, each with the block that holds its content and the bits of its tag.
    blocks: BTreeMap<u64, (u64, u32)>,
    /// What comes after the transactions and is not replayed.
    pub(super) behind: Option<Problem>,
}

/// Reads the transactions that a kernel would replay.
///
/// # Errors
/// The journal cannot be read, or one of its blocks is not what its checksum says.
pub(super) fn read(volume: &Volume) -> Result<Replay, Problem> {
    Log::of(volume)?.read()
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

/// One complete transaction.
#[derive(Default)]
struct Transaction {
    /// What it writes: the tag, and the block of the file system that holds the content.
    written: Vec<(Tag, u64)>,
    /// The blocks whose older contents are not to be written.
    revoked: Vec<u64>,
}

impl Log<'_> {
    fn read(&self) -> Result<Replay, Problem> {
        let mut transactions = Vec::new();
        let mut current = Transaction::default();
        let mut sequence = self.sequence;
        let mut sum = u32::MAX;
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
                    sum = self.summed(sum, raw);
                    for tag in self.tags.read(raw).0 {
                        let Some((from, raw)) = self.block(at).filter(|_| left > 0) else {
                            left = 0;
                            break;
                        };
                        sum = self.summed(sum, raw);
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
                    if !self.commit_holds(raw, std::mem::replace(&mut sum, u32::MAX)) {
                        break;
                    }
                    transactions.push((sequence, std::mem::take(&mut current)));
                    sequence = sequence.wrapping_add(1);
                }
                _ => break,
            }
        }
        let mut replay = self.settle(&transactions)?;
        if self.start > 0 {
            replay.behind = fast::pending(self, sequence);
        }
        Ok(replay)
    }

    /// The checksum of a transaction after one more of its blocks.
    fn summed(&self, sum: u32, raw: &[u8]) -> u32 {
        if self.sums_commits {
            crc32_be(sum, raw)
        } else {
            sum
        }
    }

    /// What is written in the end: of each block the last content, unless it was revoked then or later.
    fn settle(&self, transactions: &[(u32, Transaction)]) -> Result<Replay, Problem> {
        let mut replay = Replay {
            transactions: u32::try_from(transactions.len()).unwrap_or(u32::MAX),
            blocks: BTreeMap::new(),
            behind: None,
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
}
