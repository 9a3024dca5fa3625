//! The content of an inode: flat, in chunks, or in compressed extents.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::Volume;
use super::cluster::{Clusters, Extent};
use super::decoder;
use super::inode::{Inode, Layout};
use super::walk::bytes;
use crate::entry::{Data, Fault};
use crate::formats::stored::Ledger;
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// A chunk that is not stored: zeros.
const HOLE: u32 = u32::MAX;

/// The content of one inode.
pub(super) struct Content {
    volume: Arc<Volume>,
    inode: Inode,
}

/// A stored piece of a flat or chunked content.
struct Piece {
    /// Where it starts (bytes from the region's start); `None` for a hole.
    at: Option<u64>,
    len: u64,
}

impl Content {
    pub(super) fn new(volume: Arc<Volume>, inode: Inode) -> Self {
        Self { volume, inode }
    }

    /// Names the bytes of the content and of what maps it, as far as they can be read.
    ///
    /// Returns the length of the indexes (bytes).
    pub(super) fn explain(&self, is_metadata: bool, ledger: &mut Ledger) -> u64 {
        let mut name = |at, len| {
            if is_metadata {
                ledger.metadata(at, len);
            } else {
                ledger.content(at, len);
            }
        };
        if let Some(clusters) = self.clusters() {
            let mut end = 0;
            for extent in clusters.extents().map_while(Result::ok) {
                name(extent.at, extent.stored);
                end = clusters.index_end();
            }
            let len = end.saturating_sub(self.inode.end);
            ledger.metadata(self.inode.end, len);
            return len;
        }
        let mut table = 0_u64;
        for piece in self.pieces().map_while(Result::ok) {
            if let Some(at) = piece.at {
                name(at, piece.len);
            }
            table = table.saturating_add(self.chunk_entry());
        }
        if self.inode.layout == Layout::Chunks {
            ledger.metadata(self.table_at(), table);
            return table;
        }
        0
    }

    fn clusters(&self) -> Option<Clusters<'_>> {
        matches!(self.inode.layout, Layout::Full | Layout::Compact)
            .then(|| Clusters::new(&self.volume, &self.inode))
    }

    /// The length of an entry of the table of chunks (bytes).
    fn chunk_entry(&self) -> u64 {
        if self.inode.word & 0x20 == 0 { 4 } else { 8 }
    }

    fn table_at(&self) -> u64 {
        self.inode.end.saturating_add(7) & !7
    }

    /// The pieces of a content that is not compressed.
    fn pieces(&self) -> Box<dyn Iterator<Item = Result<Piece, Problem>> + '_> {
        let size = self.inode.size;
        if size == 0 {
            return Box::new(std::iter::empty());
        }
        let block = self.volume.block();
        let start = self.volume.block_at(self.inode.word.into());
        match self.inode.layout {
            Layout::Chunks => self.chunks(),
            Layout::Inline => {
                // All but the last block stand in a row; the last one may be full.
                let before = size.saturating_sub(1);
                let flat = before.saturating_sub(before.checked_rem(block).unwrap_or_default());
                let head = (flat > 0).then_some(Piece {
                    at: Some(start),
                    len: flat,
                });
                let tail = Piece {
                    at: Some(self.inode.end),
                    len: size.saturating_sub(flat),
                };
                Box::new(head.into_iter().chain([tail]).map(Ok))
            }
            _ => Box::new(std::iter::once(Ok(Piece {
                at: Some(start),
                len: size,
            }))),
        }
    }

    fn chunks(&self) -> Box<dyn Iterator<Item = Result<Piece, Problem>> + '_> {
        let shift = self.volume.shift.saturating_add(self.inode.word & 0x1f);
        let chunk = 1_u64.checked_shl(shift).unwrap_or(u64::MAX).max(1);
        let count = self.inode.size.div_ceil(chunk);
        let entry = self.chunk_entry();
        Box::new((0..count).map(move |number| {
            let at = self.table_at().saturating_add(number.saturating_mul(entry));
            let row = bytes(&self.volume.region, at, entry)?;
            let fields = Fields::little(&row);
            let (device, block) = if entry == 8 {
                (fields.u16(2), fields.u32(4))
            } else {
                (Some(0), fields.u32(0))
            };
            if device != Some(0) {
                return Err(Problem::unsupported("a chunk on an extra device").at(at));
            }
            let before = number.saturating_mul(chunk);
            let block = block.filter(|&block| block != HOLE);
            Ok(Piece {
                at: block.map(|block| self.volume.block_at(block.into())),
                len: self.inode.size.saturating_sub(before).min(chunk),
            })
        }))
    }

    fn write_extent(
        &self,
        extent: &Extent,
        buffer: &mut Vec<u8>,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        let stored = bytes(&self.volume.region, extent.at, extent.stored)?;
        let done = decoder::decode(&self.volume, extent, &stored, buffer);
        out.write_all(buffer)?;
        done.map_err(|what| {
            let detail = format!("the extent at {:#x} {what}", extent.from);
            Fault::Problem(Problem::corrupt(detail).at(extent.at))
        })
    }
}

impl Data for Content {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        if let Some(clusters) = self.clusters() {
            let mut buffer = Vec::new();
            for extent in clusters.extents() {
                self.write_extent(&extent?, &mut buffer, out)?;
            }
            return Ok(());
        }
        for piece in self.pieces() {
            let piece = piece?;
            match piece.at {
                Some(at) => out.write_all(&bytes(&self.volume.region, at, piece.len)?)?,
                None => zeros(piece.len, out)?,
            }
        }
        Ok(())
    }

    fn bytes(&self) -> Option<Bytes> {
        if self.inode.layout != Layout::Plain {
            return None;
        }
        let start = self.volume.block_at(self.inode.word.into());
        crate::read::cut(&self.volume.region, start, self.inode.size)
    }
}

fn zeros(len: u64, out: &mut dyn Write) -> Result<(), Fault> {
    let zeros = [0; 4096];
    let mut left = len;
    while left > 0 {
        let part = left.min(length(&zeros));
        out.write_all(zeros.get(..index(part)).unwrap_or_default())?;
        left = left.saturating_sub(part);
    }
    Ok(())
}
