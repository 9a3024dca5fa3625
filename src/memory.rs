//! What a program for a bare processor is: bytes at addresses.
//!
//! The same program comes as ELF, Intel HEX, S-record, UF2, DFU or as a plain copy of the flash. These differ in what they say of
//! the bytes between its sections: some leave them out, some fill them. [`Memory::digest`] is of what all of them agree on.

#[cfg(test)]
mod tests;

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::read::{clip, index, length};

/// So many equal bytes, 0x00 or 0xff, are fill; and bytes that are left out are as good as fill from so many on.
const FILL: usize = 32;

/// So many runs of zeros and 0xff in turn are fill; what changes more often says something.
const TURNS: usize = 3;

/// Bytes at consecutive addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where the first one is loaded.
    pub address: u64,
    /// The bytes.
    pub bytes: Bytes,
}

/// A function, as a symbol table names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// Where it starts.
    pub address: u64,
    /// Its length in bytes.
    pub len: u64,
    /// Its name, as stored.
    pub name: Vec<u8>,
}

/// What is loaded where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The runs by address; none touches or overlaps the next.
    pub runs: Vec<Run>,
    /// The functions by address, where the format names them.
    pub functions: Vec<Function>,
}

impl Run {
    /// The addresses it occupies.
    pub fn range(&self) -> Range<u64> {
        self.address..self.address.saturating_add(length(&self.bytes))
    }
}

impl Memory {
    /// What is loaded when these pieces are, and the addresses at which two of them want different bytes: there the one that was
    /// given first stays.
    pub fn new(mut pieces: Vec<Run>) -> (Self, Vec<u64>) {
        pieces.retain(|piece| !piece.bytes.is_empty());
        pieces.sort_by_key(|piece| piece.address);
        let mut conflicts = Vec::new();
        let mut runs: Vec<Vec<Run>> = Vec::new();
        for piece in pieces {
            match runs.last_mut() {
                Some(parts) if piece.address <= end(parts) => {
                    let until = end(parts);
                    let known = until.saturating_sub(piece.address);
                    if !holds(parts, piece.address, &clip(&piece.bytes, 0, known)) {
                        conflicts.push(piece.address);
                    }
                    if piece.range().end > until {
                        parts.push(Run {
                            address: until,
                            bytes: clip(&piece.bytes, known, u64::MAX),
                        });
                    }
                }
                _ => runs.push(vec![piece]),
            }
        }
        let runs = runs.into_iter().filter_map(join);
        let memory = Self {
            runs: runs.collect(),
            functions: Vec::new(),
        };
        (memory, conflicts)
    }

    /// The `len` bytes from an address; `None` where any of them is not loaded.
    pub fn at(&self, address: u64, len: u64) -> Option<Bytes> {
        let before = self.runs.partition_point(|run| run.address <= address);
        let run = self.runs.get(before.checked_sub(1)?)?;
        crate::read::cut(&run.bytes, address.checked_sub(run.address)?, len)
    }

    /// What is loaded of a range of addresses.
    pub fn within(&self, range: &Range<u64>) -> Vec<Run> {
        let from = self
            .runs
            .partition_point(|run| run.range().end <= range.start);
        let mut found = Vec::new();
        for run in self.runs.iter().skip(from) {
            if run.address >= range.end {
                break;
            }
            let start = run.address.max(range.start);
            let end = run.range().end.min(range.end);
            found.push(Run {
                address: start,
                bytes: clip(
                    &run.bytes,
                    start.saturating_sub(run.address),
                    end.saturating_sub(start),
                ),
            });
        }
        found
    }

    /// The runs without fill: 32 zeros or 0xff in a row end a run, and what is fill at its ends is no part of it.
    pub fn solid(&self) -> Vec<Run> {
        solid(&self.runs)
    }

    /// The digest that every form of one program has: of its solid runs, for each its address and its length (8 bytes each,
    /// big-endian) and its bytes.
    ///
    /// Where a form leaves out fewer than 32 bytes they count as zeros, as linkers and `objcopy -O binary` have it.
    pub fn digest(&self) -> Digest {
        let mut hasher = Sha256::new();
        for run in solid(&self.bridged()) {
            hasher.update(run.address.to_be_bytes());
            hasher.update(length(&run.bytes).to_be_bytes());
            hasher.update(&run.bytes);
        }
        Digest::new(hasher.finalize().into())
    }

    /// The runs, over gaps that are shorter than fill.
    fn bridged(&self) -> Vec<Run> {
        let mut bridged: Vec<Vec<Run>> = Vec::new();
        for run in &self.runs {
            let gap = |parts: &[Run]| index(run.address.saturating_sub(end(parts)));
            match bridged.last_mut() {
                Some(parts) if gap(parts) < FILL => {
                    parts.push(Run {
                        address: end(parts),
                        bytes: Bytes::from_static(&[0; FILL]).slice(..gap(parts)),
                    });
                    parts.push(run.clone());
                }
                _ => bridged.push(vec![run.clone()]),
            }
        }
        bridged.into_iter().filter_map(join).collect()
    }
}

fn solid(runs: &[Run]) -> Vec<Run> {
    let mut solid = Vec::new();
    for run in runs {
        for range in between_fill(&run.bytes) {
            let start = u64::try_from(range.start).unwrap_or(u64::MAX);
            solid.push(Run {
                address: run.address.saturating_add(start),
                bytes: run.bytes.slice(range),
            });
        }
    }
    solid
}

/// Where parts that follow each other end.
fn end(parts: &[Run]) -> u64 {
    parts.last().map_or(0, |last| last.range().end)
}

/// Whether parts that follow each other hold these bytes at an address.
fn holds(parts: &[Run], address: u64, bytes: &[u8]) -> bool {
    let from = parts.partition_point(|part| part.range().end <= address);
    let (mut at, mut left) = (address, bytes);
    for part in parts.iter().skip(from) {
        let own = clip(&part.bytes, at.saturating_sub(part.address), length(left));
        let (same, rest) = left.split_at(own.len().min(left.len()));
        if *own != *same {
            return false;
        }
        if rest.is_empty() {
            return true;
        }
        (at, left) = (part.range().end, rest);
    }
    left.is_empty()
}

/// Parts that follow each other as one; `None` when there are none.
fn join(mut parts: Vec<Run>) -> Option<Run> {
    let first = parts.first()?;
    if parts.len() == 1 {
        return parts.pop();
    }
    let address = first.address;
    let mut whole = BytesMut::with_capacity(parts.iter().map(|part| part.bytes.len()).sum());
    for part in parts {
        whole.extend_from_slice(&part.bytes);
    }
    Some(Run {
        address,
        bytes: whole.freeze(),
    })
}

/// Whether bytes are what stands between sections: zeros or 0xff, which change at most twice, as where padding meets erased flash.
pub fn is_fill(bytes: &[u8]) -> bool {
    let mut runs = bytes.chunk_by(|a, b| a == b);
    runs.by_ref().take(TURNS).all(is_fill_run) && runs.next().is_none()
}

fn is_fill_run(run: &[u8]) -> bool {
    matches!(run.first(), Some(0 | 0xff))
}

/// The ranges of bytes between fill, trimmed of bytes that may be fill.
fn between_fill(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut from) = (0, 0_usize);
    for run in bytes.chunk_by(|a, b| a == b) {
        let end = from.saturating_add(run.len());
        if run.len() >= FILL && is_fill_run(run) {
            found.extend(trimmed(bytes, start..from));
            start = end;
        }
        from = end;
    }
    found.extend(trimmed(bytes, start..from));
    found
}

/// A range without the fill at its ends; `None` where nothing is left.
fn trimmed(bytes: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let part = bytes.get(range.clone())?;
    let before: usize = edge(part.chunk_by(|a, b| a == b)).sum();
    let rest = part.get(before..).filter(|rest| !rest.is_empty())?;
    let behind: usize = edge(rest.chunk_by(|a, b| a == b).rev()).sum();
    let end = range.end.saturating_sub(behind);
    let start = range.start.saturating_add(before);
    (start < end).then_some(start..end)
}

/// The lengths of the runs of fill that stand first.
fn edge<'a>(runs: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = usize> {
    let fill = runs.take(TURNS).take_while(|run| is_fill_run(run));
    fill.map(<[u8]>::len)
}
