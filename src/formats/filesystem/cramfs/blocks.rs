//! The content of a file: a table of block pointers, then blocks of zlib data.

use std::io::Write;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

use super::Inode;
use crate::entry::{Data, Fault};
use crate::formats::Span;
use crate::problem::Problem;
use crate::read::{Endian, Fields, cut, index};

/// A pointer's flags, in images with extended block pointers.
const UNCOMPRESSED: u32 = 1 << 31;
const DIRECT: u32 = 1 << 30;

/// What all files of an image have in common.
pub(super) struct Blocks {
    pub(super) region: Bytes,
    pub(super) endian: Endian,
    /// Whether pointers carry flags.
    pub(super) extended: bool,
    /// The decoded length of a block (bytes).
    pub(super) block: u32,
}

/// The content of one file or link.
pub(super) struct Content {
    blocks: Blocks,
    /// Where the table of pointers starts (bytes from the image's start).
    table: u64,
    /// The decoded length (bytes).
    size: u32,
}

/// One stored block.
struct Stored {
    at: u64,
    len: u64,
    compressed: bool,
}

impl Content {
    pub(super) fn new(blocks: Blocks, inode: &Inode) -> Self {
        Self {
            blocks,
            table: inode.offset,
            size: inode.size,
        }
    }

    fn count(&self) -> u32 {
        self.size.div_ceil(self.blocks.block)
    }

    /// The length of the table of pointers (bytes).
    pub(super) fn table_len(&self) -> u64 {
        u64::from(self.count()).saturating_mul(4)
    }

    /// How many bytes block `number` decodes to.
    fn decoded(&self, number: u32) -> u32 {
        let before = number.saturating_mul(self.blocks.block);
        self.size.saturating_sub(before).min(self.blocks.block)
    }

    fn pointer(&self, number: u32) -> Option<u32> {
        let at = self.table.checked_add(u64::from(number).checked_mul(4)?)?;
        Fields::new(&self.blocks.region, self.blocks.endian).u32(index(at))
    }

    /// The length that stands before a direct block of compressed data.
    fn stated(&self, at: u64) -> Option<u64> {
        let stated = Fields::new(&self.blocks.region, self.blocks.endian).u16(index(at))?;
        Some(u64::from(stated))
    }

    /// Where block `number` is stored; `None` when its pointer is missing or points backwards.
    fn stored(&self, number: u32) -> Option<Stored> {
        let pointer = self.pointer(number)?;
        let (flags, end) = self.split(pointer);
        let compressed = flags & UNCOMPRESSED == 0;
        if flags & DIRECT != 0 {
            let at = u64::from(end).checked_mul(4)?;
            return Some(if compressed {
                Stored {
                    at: at.checked_add(2)?,
                    len: self.stated(at)?,
                    compressed,
                }
            } else {
                Stored {
                    at,
                    len: u64::from(self.decoded(number)),
                    compressed,
                }
            });
        }
        let at = self.start(number)?;
        Some(Stored {
            at,
            len: u64::from(end).checked_sub(at)?,
            compressed,
        })
    }

    /// Where a block without a direct pointer starts: behind the one before it.
    fn start(&self, number: u32) -> Option<u64> {
        let Some(before) = number.checked_sub(1) else {
            return self
                .table
                .checked_add(u64::from(self.count()).checked_mul(4)?);
        };
        let (flags, end) = self.split(self.pointer(before)?);
        if flags & DIRECT == 0 {
            return Some(u64::from(end));
        }
        let at = u64::from(end).checked_mul(4)?;
        if flags & UNCOMPRESSED != 0 {
            return at.checked_add(u64::from(self.blocks.block));
        }
        at.checked_add(2)?.checked_add(self.stated(at)?)
    }

    fn split(&self, pointer: u32) -> (u32, u32) {
        if self.blocks.extended {
            (
                pointer & (UNCOMPRESSED | DIRECT),
                pointer & !(UNCOMPRESSED | DIRECT),
            )
        } else {
            (0, pointer)
        }
    }

    /// Names the table and the blocks.
    pub(super) fn spans(&self, explain: &mut dyn FnMut(Span)) {
        explain(Span::metadata(self.table, self.table_len()));
        let mut end = self.table.saturating_add(self.table_len());
        for number in 0..self.count() {
            let Some(stored) = self.stored(number) else {
                return;
            };
            let (flags, _) = self.split(self.pointer(number).unwrap_or_default());
            if flags & DIRECT != 0 && stored.compressed {
                explain(Span::metadata(stored.at.saturating_sub(2), 2));
            }
            if self.fits(&stored) {
                explain(Span::content(stored.at, stored.len));
                end = stored.at.saturating_add(stored.len);
            }
        }
        // Zeros up to the next multiple of 4 are the format's own; anything else there is nobody's.
        let pad = end.saturating_add(3) & !3;
        let zeros = self.blocks.region.get(index(end)..index(pad));
        if zeros.is_some_and(|zeros| zeros.iter().all(|&byte| byte == 0)) {
            explain(Span::metadata(end, pad.saturating_sub(end)));
        }
    }

    /// Whether a block is not longer than Linux accepts, so that no pointer claims bytes it has no use for.
    fn fits(&self, stored: &Stored) -> bool {
        let most = u64::from(self.blocks.block);
        stored.len
            <= if stored.compressed {
                most.saturating_mul(2)
            } else {
                most
            }
    }

    fn write_block(&self, number: u32, out: &mut dyn Write) -> Result<(), Fault> {
        let decoded = index(u64::from(self.decoded(number)));
        let stored = self.stored(number).filter(|stored| self.fits(stored));
        let stored = stored.ok_or_else(|| damaged(number, "has no valid pointer"))?;
        if stored.len == 0 {
            return Ok(out.write_all(&vec![0; decoded])?);
        }
        let bytes = cut(&self.blocks.region, stored.at, stored.len)
            .ok_or_else(|| damaged(number, "lies past the end of the image"))?;
        if !stored.compressed {
            let content = bytes.get(..decoded).filter(|_| bytes.len() == decoded);
            let content = content.ok_or_else(|| damaged(number, "has a wrong length"))?;
            return Ok(out.write_all(content)?);
        }
        // One byte more than wanted, so that a block that is too long shows.
        let mut content = Vec::with_capacity(decoded.saturating_add(1));
        let mut inflate = Decompress::new(true);
        let status = inflate.decompress_vec(&bytes, &mut content, FlushDecompress::Finish);
        let whole = matches!(status, Ok(Status::StreamEnd)) && content.len() == decoded;
        if content.len() > decoded {
            content.truncate(decoded);
        }
        out.write_all(&content)?;
        if !whole {
            return Err(damaged(number, "does not decode to its length").into());
        }
        if inflate.total_in() != stored.len {
            return Err(damaged(number, "has bytes behind its compressed data").into());
        }
        Ok(())
    }
}

fn damaged(number: u32, what: &str) -> Problem {
    Problem::corrupt(format!("block {number} {what}"))
}

impl Data for Content {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        for number in 0..self.count() {
            self.write_block(number, out)?;
        }
        Ok(())
    }
}
