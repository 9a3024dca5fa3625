//! Data and fragment blocks, decoded when a file's content is read, by as many threads as read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;

use crate::problem::Problem;
use crate::read::{cut, index, is_all, length};

use super::decoder::{Compression, Decoder};
use super::ranges::Ranges;

/// Decoded fragment blocks kept take so many bytes (8 MiB), and there are so many of them at least and at most.
const FRAGMENT_MEMORY: usize = 8 << 20;
const FEWEST_FRAGMENTS: usize = 4;
const MOST_FRAGMENTS: usize = 64;

/// Where a block is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stored {
    /// Its first byte, from the region's start.
    pub(super) at: u64,
    /// The stored size: length in the low 24 bits, and the bit that says that it is not compressed.
    pub(super) word: u32,
}

/// The bit of a size that says that the block is stored as it is.
const PLAIN: u32 = 1 << 24;

/// The size of a block as version 1 stores it, in the form of the later ones: 15 bits of length, where 0 stands for 32 KiB.
pub(super) fn widen(word: u16) -> u32 {
    const STORED: u16 = 1 << 15;
    let len = match word & !STORED {
        0 => STORED,
        len => len,
    };
    let plain = if word & STORED == 0 { 0 } else { PLAIN };
    u32::from(len) | plain
}

impl Stored {
    /// Its length in bytes as stored.
    pub(super) fn len(self) -> u64 {
        u64::from(self.word & (PLAIN - 1))
    }

    fn is_plain(self) -> bool {
        self.word & PLAIN != 0
    }

    /// Whether there is something to decode: it is no hole and not stored as it is.
    pub(super) fn is_compressed(self) -> bool {
        self.word != 0 && !self.is_plain()
    }

    fn corrupt(self, detail: impl std::fmt::Display) -> Problem {
        Problem::corrupt(format!("data block: {detail}")).at(self.at)
    }
}

/// The blocks of one image.
pub(super) struct Blocks {
    region: Bytes,
    block_size: usize,
    compression: Option<Compression>,
    /// Decoders that no thread uses right now.
    idle: Mutex<Vec<Worker>>,
    /// How many threads decode ahead of a reader right now.
    helpers: AtomicUsize,
    /// Decoded fragment blocks, the one used last at the end.
    fragments: Mutex<Vec<(Stored, Slot)>>,
    /// What files use of each compressed fragment block once it is decoded; known when all files are.
    ends: OnceLock<BTreeMap<Stored, Ranges>>,
}

/// A fragment block that one thread decodes and all others wait for.
type Slot = Arc<OnceLock<Result<Fragment, Problem>>>;

/// A decoded fragment block.
#[derive(Clone)]
pub(super) struct Fragment {
    /// What it holds.
    pub(super) bytes: Bytes,
    /// What is wrong with it although it could be decoded.
    pub(super) problem: Option<Problem>,
}

/// A decoder with the buffer it decodes to.
pub(super) struct Worker {
    decoder: Option<Decoder>,
    buffer: Vec<u8>,
}

impl Blocks {
    /// The blocks of `region`, of at most `block_size` bytes when decoded.
    pub(super) fn new(region: Bytes, block_size: u32, compression: Option<Compression>) -> Self {
        Self {
            region,
            block_size: usize::try_from(block_size).unwrap_or(usize::MAX),
            compression,
            idle: Mutex::default(),
            helpers: AtomicUsize::new(0),
            fragments: Mutex::default(),
            ends: OnceLock::new(),
        }
    }

    /// Says what files use of each compressed fragment block.
    pub(super) fn set_ends(&self, ends: BTreeMap<Stored, Ranges>) {
        // It is said once, after the walk.
        drop(self.ends.set(ends));
    }

    /// What is in a decoded fragment block and in no file, unless it is all zero.
    pub(super) fn unused(&self, block: Stored, bytes: &[u8]) -> Option<Problem> {
        let used = self.ends.get()?.get(&block)?;
        let gaps = used.gaps(0, length(bytes)).into_iter();
        let full = gaps
            .filter_map(|(from, to)| bytes.get(index(from)..index(to)))
            .filter(|piece| !is_all(piece, 0));
        let len: usize = full.map(<[u8]>::len).sum();
        (len > 0).then(|| {
            block.corrupt(format!(
                "{len} bytes of the decoded fragment block belong to no file"
            ))
        })
    }

    /// The length in bytes of a full block.
    pub(super) fn block_size(&self) -> usize {
        self.block_size
    }

    /// A decoder for the calling thread, to be given back.
    pub(super) fn worker(&self) -> Worker {
        lock(&self.idle).pop().unwrap_or_else(|| Worker {
            decoder: self.compression.map(Decoder::new),
            buffer: Vec::new(),
        })
    }

    /// Takes a decoder back.
    pub(super) fn give_back(&self, worker: Worker) {
        lock(&self.idle).push(worker);
    }

    /// Takes as many helpers as are free: one less than there are threads to read with, for the whole image.
    pub(super) fn hire(&self) -> usize {
        let most = rayon::current_num_threads().saturating_sub(1);
        let all = |busy: usize| (busy < most).then_some(most);
        let taken = self
            .helpers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, all);
        taken.map_or(0, |busy| most.saturating_sub(busy))
    }

    /// Gives helpers back.
    pub(super) fn dismiss(&self, count: usize) {
        self.helpers.fetch_sub(count, Ordering::Relaxed);
    }

    /// The content of a block, of which `wanted` bytes are wanted where that is known, and what is wrong with it although it could
    /// be decoded.
    ///
    /// # Errors
    /// The block cannot be decoded.
    pub(super) fn decode<'w>(
        &self,
        block: Stored,
        wanted: Option<u64>,
        worker: &'w mut Worker,
    ) -> Result<(Piece<'w>, Option<Problem>), Problem> {
        if block.word >= PLAIN << 1 {
            return Err(block.corrupt("its size has bits that mean nothing"));
        }
        if block.len() > u64::try_from(self.block_size).unwrap_or(u64::MAX) {
            return Err(block.corrupt("it is stored in more bytes than a block may have"));
        }
        let stored = cut(&self.region, block.at, block.len())
            .ok_or_else(|| block.corrupt("it lies behind the end of the image"))?;
        if block.is_plain() {
            return Ok((Piece::Stored(stored), None));
        }
        let codec = worker.decoder.as_mut().ok_or_else(|| {
            Problem::unsupported("the block is compressed in a way that is not read").at(block.at)
        })?;
        worker.buffer.resize(self.block_size, 0);
        let room = wanted.and_then(|wanted| worker.buffer.get_mut(..index(wanted)));
        let filled = room.and_then(|room| codec.fill(&stored, room));
        let decoded = filled.map_or_else(|| codec.decode(&stored, &mut worker.buffer), Ok);
        let decoded = decoded.map_err(|detail| block.corrupt(detail))?;
        let behind = stored.len().saturating_sub(decoded.read);
        let problem = (behind > 0).then(|| {
            block.corrupt(format!(
                "{behind} bytes behind its compressed data belong to nothing"
            ))
        });
        let bytes = worker.buffer.get(..decoded.made).unwrap_or_default();
        Ok((Piece::Decoded(bytes), problem))
    }

    /// A fragment block, decoded once for the files that share it.
    ///
    /// # Errors
    /// The block cannot be decoded.
    pub(super) fn fragment(&self, block: Stored, worker: &mut Worker) -> Result<Fragment, Problem> {
        // The lock is not held while decoding: only threads that want the same block wait for it.
        self.slot(block)
            .get_or_init(|| {
                let (piece, problem) = self.decode(block, None, worker)?;
                let bytes = match piece {
                    Piece::Stored(bytes) => bytes,
                    Piece::Decoded(bytes) => Bytes::copy_from_slice(bytes),
                };
                Ok(Fragment { bytes, problem })
            })
            .clone()
    }

    fn slot(&self, block: Stored) -> Slot {
        let mut slots = lock(&self.fragments);
        let found = slots.iter().position(|(stored, _)| *stored == block);
        let slot = match found {
            Some(number) => slots.remove(number).1,
            None => Slot::default(),
        };
        let room = FRAGMENT_MEMORY
            .checked_div(self.block_size)
            .unwrap_or(FEWEST_FRAGMENTS)
            .clamp(FEWEST_FRAGMENTS, MOST_FRAGMENTS);
        if slots.len() >= room {
            slots.remove(0);
        }
        slots.push((block, Arc::clone(&slot)));
        slot
    }

    /// Whether the stored bytes of `block` are all in the image.
    pub(super) fn holds(&self, block: Stored) -> bool {
        block.at.saturating_add(block.len()) <= length(&self.region)
    }
}

/// The content of a block.
pub(super) enum Piece<'w> {
    /// It lies in the image as it is.
    Stored(Bytes),
    /// It was decoded to a worker's buffer.
    Decoded(&'w [u8]),
}

impl AsRef<[u8]> for Piece<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Stored(bytes) => bytes,
            Self::Decoded(bytes) => bytes,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
