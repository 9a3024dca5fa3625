//! The content of an inode: flat, in chunks, or in compressed extents.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::Volume;
use super::cluster::{Clusters, Extent, Form};
use super::decoder;
use super::inode::{Inode, Layout};
use super::walk::bytes;
use crate::entry::{Data, Fault};
use crate::formats::stored::Ledger;
use crate::formats::stored::zeros;
use crate::problem::Problem;
use crate::read::Fields;

/// A chunk that is not stored: zeros.
const HOLE: u32 = u32::MAX;

/// The content of one inode.
pub(super) struct Content {
    volume: Arc<Volume>,
    inode: Inode,
}

/// A stored piece of a flat or chunked content.
pub(super) struct Piece {
    /// Where it starts (bytes from the region's start); `None` for a hole.
    at: Option<u64>,
    len: u64,
}

/// A part of a content.
pub(super) enum Part {
    /// One that is not compressed.
    Piece(Piece),
    /// One that is, or that stands in the packed inode.
    Extent(Extent),
}

impl Part {
    /// Its length in the content (bytes).
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Piece(piece) => piece.len,
            Self::Extent(extent) => extent.len,
        }
    }
}

impl Piece {
    /// Writes `len` of its bytes from `from` on.
    pub(super) fn write(
        &self,
        volume: &Volume,
        from: u64,
        len: u64,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        let Some(at) = self.at else {
            return zeros(out, len);
        };
        out.write_all(&bytes(&volume.region, at.saturating_add(from), len)?)?;
        Ok(())
    }
}

impl Extent {
    /// Writes what it decodes to, by way of `buffer`.
    pub(super) fn write(
        &self,
        volume: &Volume,
        buffer: &mut Vec<u8>,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        if self.form == Form::Fragment {
            let packed = volume.packed.as_ref().ok_or_else(|| {
                Problem::corrupt("a fragment of the packed inode, of which there is none")
            })?;
            return packed.write(volume, self.at, self.len, out);
        }
        let stored = bytes(&volume.region, self.at, self.stored)?;
        let done = decoder::decode(volume, self, &stored, buffer);
        out.write_all(buffer)?;
        done.map_err(|what| {
            let detail = format!("the extent at {:#x} {what}", self.from);
            Fault::Problem(Problem::corrupt(detail).at(self.at))
        })
    }
}

impl Content {
    pub(super) fn new(volume: Arc<Volume>, inode: Inode) -> Self {
        Self { volume, inode }
    }

    /// Names the bytes of the content and of what maps it, as far as they can be read.
    ///
    /// Returns the length of the indexes (bytes).
    pub(super) fn explain(&self, is_metadata: bool, ledger: &mut Ledger) -> u64 {
        Self::explain_inode(&self.volume, &self.inode, is_metadata, ledger)
    }

    /// The same for the content of an inode without a name.
    pub(super) fn explain_inode(
        volume: &Volume,
        inode: &Inode,
        is_metadata: bool,
        ledger: &mut Ledger,
    ) -> u64 {
        let mut name = |at, len| {
            if is_metadata {
                ledger.metadata(at, len);
            } else {
                ledger.content(at, len);
            }
        };
        if is_compressed(inode) {
            let clusters = Clusters::new(volume, inode);
            let mut end = 0;
            for extent in clusters.extents().map_while(Result::ok) {
                if extent.form != Form::Fragment {
                    name(extent.at, extent.stored);
                }
                end = clusters.index_end();
            }
            let len = end.saturating_sub(inode.end);
            ledger.metadata(inode.end, len);
            return len;
        }
        let mut table = 0_u64;
        for piece in pieces(volume, inode).map_while(Result::ok) {
            if let Some(at) = piece.at {
                name(at, piece.len);
            }
            table = table.saturating_add(chunk_entry(inode));
        }
        if inode.layout == Layout::Chunks {
            ledger.metadata(table_at(inode), table);
            return table;
        }
        0
    }

    /// The parts of the content of an inode, in order; nothing follows an error.
    pub(super) fn parts<'a>(
        volume: &'a Volume,
        inode: &'a Inode,
    ) -> Box<dyn Iterator<Item = Result<Part, Problem>> + 'a> {
        if is_compressed(inode) {
            let clusters = Clusters::new(volume, inode);
            Box::new(
                clusters
                    .into_extents()
                    .map(|extent| extent.map(Part::Extent)),
            )
        } else {
            Box::new(pieces(volume, inode).map(|piece| piece.map(Part::Piece)))
        }
    }
}

fn is_compressed(inode: &Inode) -> bool {
    matches!(inode.layout, Layout::Full | Layout::Compact)
}

/// The length of an entry of the table of chunks (bytes).
fn chunk_entry(inode: &Inode) -> u64 {
    if inode.word & 0x20 == 0 { 4 } else { 8 }
}

fn table_at(inode: &Inode) -> u64 {
    inode.end.saturating_add(7) & !7
}

/// The pieces of a content that is not compressed.
fn pieces<'a>(
    volume: &'a Volume,
    inode: &'a Inode,
) -> Box<dyn Iterator<Item = Result<Piece, Problem>> + 'a> {
    let size = inode.size;
    if size == 0 {
        return Box::new(std::iter::empty());
    }
    let block = volume.block();
    let start = volume.block_at(inode.word.into());
    match inode.layout {
        Layout::Chunks => chunks(volume, inode),
        Layout::Inline => {
            // All but the last block stand in a row; the last one may be full.
            let before = size.saturating_sub(1);
            let flat = before.saturating_sub(before.checked_rem(block).unwrap_or_default());
            let head = (flat > 0).then_some(Piece {
                at: Some(start),
                len: flat,
            });
            let tail = Piece {
                at: Some(inode.end),
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

fn chunks<'a>(
    volume: &'a Volume,
    inode: &'a Inode,
) -> Box<dyn Iterator<Item = Result<Piece, Problem>> + 'a> {
    let shift = volume.shift.saturating_add(inode.word & 0x1f);
    let chunk = 1_u64.checked_shl(shift).unwrap_or(u64::MAX).max(1);
    let count = inode.size.div_ceil(chunk);
    let entry = chunk_entry(inode);
    Box::new((0..count).map(move |number| {
        let at = table_at(inode).saturating_add(number.saturating_mul(entry));
        let row = bytes(&volume.region, at, entry)?;
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
            at: block.map(|block| volume.block_at(block.into())),
            len: inode.size.saturating_sub(before).min(chunk),
        })
    }))
}

impl Data for Content {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let mut buffer = Vec::new();
        for part in Self::parts(&self.volume, &self.inode) {
            match part? {
                Part::Piece(piece) => piece.write(&self.volume, 0, piece.len, out)?,
                Part::Extent(extent) => extent.write(&self.volume, &mut buffer, out)?,
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
