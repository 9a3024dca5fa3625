//! Metadata blocks: inodes, directories, tables and attributes all lie in blocks of at most 8 KiB, each behind a
//! 2-byte header, and run across their borders.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;

use crate::budget::Budget;
use crate::problem::Problem;
use crate::read::{Endian, Fields, cut, index, length};

use super::decoder::{Decoded, Decoder};
use super::ranges::Ranges;
use super::superblock::{METADATA_BLOCK, Reference};

/// So many decoded blocks are kept (2 MiB).
const KEPT: usize = 256;

/// Length of a block's header in bytes.
const HEADER: u64 = 2;

/// The header's bit that says that a block is stored as it is.
const STORED: u16 = 1 << 15;

/// Reads metadata blocks, and remembers which of the region's bytes they were.
pub(super) struct Metadata<'a> {
    region: Bytes,
    endian: Endian,
    decoder: Option<Decoder>,
    budget: &'a Budget,
    blocks: BTreeMap<u64, Block>,
    clock: u64,
    buffer: Vec<u8>,
    /// The bytes of the region that were read as metadata.
    pub(super) seen: Ranges,
}

/// A decoded block.
struct Block {
    bytes: Rc<[u8]>,
    /// Where the next one starts, in bytes from the region's start.
    next: u64,
    used: u64,
}

/// A place in a table of metadata blocks, moving forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The current block's header, in bytes from the region's start.
    block: u64,
    /// The next byte in the decoded block.
    offset: usize,
    /// Where the table's blocks end, in bytes from the region's start.
    end: u64,
}

impl Cursor {
    /// The place that `reference` means in a table whose blocks lie from `start` to `end`.
    pub(super) fn new(reference: Reference, start: u64, end: u64) -> Self {
        Self {
            block: start.saturating_add(reference.block),
            offset: usize::from(reference.offset),
            end,
        }
    }

    /// The current block, in bytes from the region's start: where to look when something is wrong.
    pub(super) fn at(&self) -> u64 {
        self.block
    }
}

impl<'a> Metadata<'a> {
    /// A reader of the blocks of `region`; without a decoder it reads those that are stored as they are.
    pub(super) fn new(
        region: Bytes,
        endian: Endian,
        decoder: Option<Decoder>,
        budget: &'a Budget,
    ) -> Self {
        Self {
            region,
            endian,
            decoder,
            budget,
            blocks: BTreeMap::new(),
            clock: 0,
            buffer: vec![0; METADATA_BLOCK],
            seen: Ranges::default(),
        }
    }

    /// Decoded bytes as fields in the image's byte order.
    pub(super) fn fields<'b>(&self, bytes: &'b [u8]) -> Fields<'b> {
        Fields::new(bytes, self.endian)
    }

    /// The next `len` bytes at `cursor`, which moves behind them.
    ///
    /// Reads on only as long as there are blocks, so that `len` may be anything.
    ///
    /// # Errors
    /// A block is outside its table or damaged, or the budget is spent.
    pub(super) fn read(&mut self, cursor: &mut Cursor, len: usize) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::with_capacity(len.min(METADATA_BLOCK));
        while out.len() < len {
            let (block, next) = self.block(cursor.block, cursor.end)?;
            let rest = block.get(cursor.offset..).ok_or_else(|| {
                Problem::corrupt("a reference points behind the end of its metadata block")
                    .at(cursor.block)
            })?;
            let wanted = len.saturating_sub(out.len());
            let piece = rest.get(..wanted).unwrap_or(rest);
            out.extend_from_slice(piece);
            cursor.offset = cursor.offset.saturating_add(piece.len());
            if cursor.offset == block.len() {
                (cursor.block, cursor.offset) = (next, 0);
            }
        }
        Ok(out)
    }

    /// The decoded block at `at`, which must end at or before `end`, and where the next one starts.
    fn block(&mut self, at: u64, end: u64) -> Result<(Rc<[u8]>, u64), Problem> {
        self.clock = self.clock.saturating_add(1);
        if let Some(block) = self.blocks.get_mut(&at)
            && block.next <= end
        {
            block.used = self.clock;
            return Ok((Rc::clone(&block.bytes), block.next));
        }
        let (bytes, next) = self.decode(at, end)?;
        if self.blocks.len() >= KEPT {
            let oldest = self.blocks.iter().min_by_key(|(_, block)| block.used);
            if let Some((&oldest, _)) = oldest {
                self.blocks.remove(&oldest);
            }
        }
        let block = Block {
            bytes: Rc::clone(&bytes),
            next,
            used: self.clock,
        };
        self.blocks.insert(at, block);
        Ok((bytes, next))
    }

    fn decode(&mut self, at: u64, end: u64) -> Result<(Rc<[u8]>, u64), Problem> {
        let corrupt = |detail: &str| Problem::corrupt(format!("metadata block: {detail}")).at(at);
        let header = cut(&self.region, at, HEADER)
            .and_then(|header| self.fields(&header).u16(0))
            .ok_or_else(|| corrupt("it lies behind the end of the image"))?;
        let stored = header & STORED != 0;
        // A header without a length means the largest length there is, which no metadata block may have.
        let len = match header & !STORED {
            0 => u64::from(STORED),
            len => u64::from(len),
        };
        let body_at = at.saturating_add(HEADER);
        let next = body_at.saturating_add(len);
        if len > length(&self.buffer) {
            return Err(corrupt("it is stored in more than 8 KiB"));
        }
        if next > end {
            return Err(corrupt("it lies outside its table"));
        }
        let body = cut(&self.region, body_at, len)
            .ok_or_else(|| corrupt("it is cut off where the image ends"))?;
        self.budget.spend_decoded(length(&self.buffer))?;
        let decoded = if stored {
            Decoded {
                read: body.len(),
                made: body.len(),
            }
        } else {
            self.decoder
                .as_mut()
                .ok_or_else(|| Problem::unsupported("an unknown compressor").at(at))?
                .decode(&body, &mut self.buffer)
                .map_err(|detail| corrupt(&detail))?
        };
        let source: &[u8] = if stored { &body } else { &self.buffer };
        let bytes: Rc<[u8]> = source.get(..decoded.made).unwrap_or_default().into();
        if bytes.is_empty() {
            return Err(corrupt("it decodes to nothing"));
        }
        let used = u64::try_from(decoded.read).unwrap_or(u64::MAX);
        self.seen.add(at, HEADER.saturating_add(used.min(len)));
        Ok((bytes, next))
    }
}

/// A table of equal entries in metadata blocks, found through an index of 8-byte offsets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    /// The index, in bytes from the region's start. The table's blocks lie before it.
    pub(super) index_at: u64,
    /// Length of an entry in bytes: 4, 8 or 16, so that none crosses a block.
    pub(super) entry: u64,
    /// How many entries there are.
    pub(super) count: u64,
}

impl Table {
    /// Entry `number`.
    ///
    /// # Errors
    /// There is no such entry, or its block cannot be read.
    pub(super) fn entry(
        &self,
        number: u64,
        metadata: &mut Metadata<'_>,
    ) -> Result<Vec<u8>, Problem> {
        let mut cursor = self.cursor(number, metadata)?;
        metadata.read(&mut cursor, index(self.entry))
    }

    /// Where entry `number` is.
    fn cursor(&self, number: u64, metadata: &mut Metadata<'_>) -> Result<Cursor, Problem> {
        let outside = |detail: &str| Problem::corrupt(detail).at(self.index_at);
        if number >= self.count {
            return Err(outside(
                "a table has no entry of the number that is asked for",
            ));
        }
        let at = number.saturating_mul(self.entry);
        let block = u64::try_from(METADATA_BLOCK).unwrap_or(u64::MAX);
        let (number, offset) = (
            at.checked_div(block).unwrap_or(0),
            at.checked_rem(block).unwrap_or(0),
        );
        let pointer_at = self.index_at.saturating_add(number.saturating_mul(8));
        let start = cut(&metadata.region, pointer_at, 8)
            .and_then(|pointer| metadata.fields(&pointer).u64(0))
            .ok_or_else(|| outside("the index of a table lies behind the end of the image"))?;
        metadata.seen.add(pointer_at, 8);
        Ok(Cursor {
            block: start,
            offset: index(offset),
            end: self.index_at,
        })
    }
}
