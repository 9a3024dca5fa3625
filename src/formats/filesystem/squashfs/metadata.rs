//! Metadata blocks: inodes, directories, tables and attributes all lie in blocks of at most 8 KiB, each behind a
//! 2-byte header, and run across their borders.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;

use crate::budget::Budget;
use crate::problem::Problem;
use crate::read::{Fields, cut, index, is_all, length};

use super::bits::Bits;
use super::decoder::{Decoded, Decoder};
use super::ranges::Ranges;
use super::superblock::{Edition, METADATA_BLOCK, Reference};

/// So many decoded blocks are kept (2 MiB).
const KEPT: usize = 256;

/// The header's bit that says that a block is stored as it is.
const STORED: u16 = 1 << 15;

/// Reads metadata blocks, and remembers which of the region's bytes they were.
pub(super) struct Metadata<'a> {
    region: Bytes,
    edition: Edition,
    decoder: Option<Decoder>,
    budget: &'a Budget,
    blocks: BTreeMap<u64, Block>,
    clock: u64,
    buffer: Vec<u8>,
    /// The bytes of the region that were read as metadata.
    pub(super) seen: Ranges,
    /// The length of every block that was decoded.
    made: BTreeMap<u64, u64>,
    /// What was used of the decoded blocks, each at [`decoded_at`] its place.
    used: Ranges,
    /// What was used last; it joins the rest when something elsewhere is used.
    last: (u64, u64),
}

/// A number of its own for every byte of every decoded block.
fn decoded_at(block: u64, offset: u64) -> u64 {
    // Twice the length of a block, so that the bytes of two blocks never touch.
    (block << 14).saturating_add(offset)
}

/// Length in bytes of what stands in front of a block.
fn header_len(edition: Edition) -> u64 {
    if edition.marked { 3 } else { 2 }
}

/// The compressed bytes of the block at `at`; nothing where it is stored as it is, or not all there.
pub(super) fn compressed(region: &Bytes, edition: Edition, at: u64) -> Option<Bytes> {
    let header = cut(region, at, 2)?;
    let word = Fields::new(&header, edition.lengths).u16(0)?;
    let body_at = at.checked_add(header_len(edition))?;
    cut(region, body_at, u64::from(word)).filter(|_| word & STORED == 0)
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
        edition: Edition,
        decoder: Option<Decoder>,
        budget: &'a Budget,
    ) -> Self {
        Self {
            region,
            edition,
            decoder,
            budget,
            blocks: BTreeMap::new(),
            clock: 0,
            buffer: vec![0; METADATA_BLOCK],
            seen: Ranges::default(),
            made: BTreeMap::new(),
            used: Ranges::default(),
            last: (0, 0),
        }
    }

    /// How the structures are laid out.
    pub(super) fn edition(&self) -> Edition {
        self.edition
    }

    /// Decoded bytes as fields in the image's byte order.
    pub(super) fn fields<'b>(&self, bytes: &'b [u8]) -> Fields<'b> {
        Fields::new(bytes, self.edition.endian)
    }

    /// Decoded bytes as bit fields in the image's byte order.
    pub(super) fn bits<'b>(&self, bytes: &'b [u8]) -> Bits<'b> {
        Bits::new(bytes, self.edition.endian)
    }

    /// What stands in decoded blocks and was never used, unless it is all zero.
    pub(super) fn unused(&mut self) -> Vec<Problem> {
        let (at, end) = self.last;
        self.used.add(at, end.saturating_sub(at));
        let mut problems = Vec::new();
        for (block, len) in std::mem::take(&mut self.made) {
            let start = decoded_at(block, 0);
            let gaps = self.used.gaps(start, start.saturating_add(len));
            if gaps.is_empty() {
                continue;
            }
            let Ok((bytes, _)) = self.block(block, u64::MAX) else {
                continue;
            };
            for (from, to) in gaps {
                let from = index(from.saturating_sub(start));
                let to = index(to.saturating_sub(start));
                let piece = bytes.get(from..to).unwrap_or_default();
                if !is_all(piece, 0) {
                    let len = piece.len();
                    let detail = format!("{len} bytes in a metadata block belong to nothing");
                    problems.push(Problem::corrupt(detail).at(block));
                }
            }
        }
        problems
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
            self.note(cursor, length(piece));
            cursor.offset = cursor.offset.saturating_add(piece.len());
            if cursor.offset == block.len() {
                (cursor.block, cursor.offset) = (next, 0);
            }
        }
        Ok(out)
    }

    /// Notes that the next `len` bytes of a block are used.
    fn note(&mut self, cursor: &Cursor, len: u64) {
        let offset = u64::try_from(cursor.offset).unwrap_or(u64::MAX);
        let at = decoded_at(cursor.block, offset);
        let end = at.saturating_add(len);
        if self.last.1 == at {
            self.last.1 = end;
        } else {
            let (at, end) = std::mem::replace(&mut self.last, (at, end));
            self.used.add(at, end.saturating_sub(at));
        }
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
        let header_len = header_len(self.edition);
        let header = cut(&self.region, at, header_len)
            .and_then(|header| Fields::new(&header, self.edition.lengths).u16(0))
            .ok_or_else(|| corrupt("it lies behind the end of the image"))?;
        let stored = header & STORED != 0;
        // A header without a length means the largest length there is, which no metadata block may have.
        let len = match header & !STORED {
            0 => u64::from(STORED),
            len => u64::from(len),
        };
        let body_at = at.saturating_add(header_len);
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
        self.seen.add(at, header_len.saturating_add(used.min(len)));
        self.made.insert(at, length(&bytes));
        Ok((bytes, next))
    }
}

/// A table of equal entries in metadata blocks, found through an index of their offsets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    /// The index, in bytes from the region's start. The table's blocks lie before it.
    pub(super) index_at: u64,
    /// Length in bytes of an offset in the index: 8, and 4 before version 3.
    pub(super) pointer: u64,
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
        let pointer_at = number
            .saturating_mul(self.pointer)
            .saturating_add(self.index_at);
        let start = cut(&metadata.region, pointer_at, self.pointer)
            .and_then(|pointer| {
                let fields = metadata.fields(&pointer);
                fields.u64(0).or_else(|| fields.u32(0).map(u64::from))
            })
            .ok_or_else(|| outside("the index of a table lies behind the end of the image"))?;
        metadata.seen.add(pointer_at, self.pointer);
        Ok(Cursor {
            block: start,
            offset: index(offset),
            end: self.index_at,
        })
    }
}
