//! The packed inode: one content without a name, of which files hold fragments as their end or in full.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::Volume;
use super::cluster::{Extent, Form};
use super::content::{Content, Part};
use super::inode::{self, Inode};
use crate::entry::Fault;
use crate::formats::stored::Ledger;
use crate::problem::Problem;
use crate::read::index;

/// Decoded extents that are kept: the fragments of neighbouring files mostly stand in the same one.
const KEPT: usize = 8;

/// The packed inode of a volume.
pub(super) struct Packed {
    inode: Inode,
    /// Its parts in order, each with its first byte; and why they end early, if they do.
    parts: Vec<(u64, Part)>,
    broken: Option<Problem>,
    kept: Mutex<VecDeque<(u64, Arc<Vec<u8>>)>>,
}

impl Packed {
    /// The packed inode in a slot; `None` when there is none that holds together.
    pub(super) fn read(volume: &Volume, slot: u64) -> Option<Self> {
        let inode = inode::read(volume, slot)?;
        let mut packed = Self {
            inode,
            parts: Vec::new(),
            broken: None,
            kept: Mutex::default(),
        };
        let mut from: u64 = 0;
        for part in Content::parts(volume, &inode) {
            match part {
                // It cannot hold fragments of itself.
                Ok(Part::Extent(extent)) if extent.form == Form::Fragment => break,
                Ok(part) => {
                    let len = part.len();
                    packed.parts.push((from, part));
                    from = from.saturating_add(len);
                }
                Err(problem) => {
                    packed.broken = Some(problem);
                    break;
                }
            }
        }
        Some(packed)
    }

    /// Names its inode and its content.
    pub(super) fn explain(&self, volume: &Volume, ledger: &mut Ledger) {
        let range = self.inode.range();
        let len = range.end.saturating_sub(range.start);
        ledger.metadata(range.start, len);
        Content::explain_inode(volume, &self.inode, false, ledger);
    }

    /// Writes `len` bytes of its content from `from` on.
    pub(super) fn write(
        &self,
        volume: &Volume,
        from: u64,
        len: u64,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        let end = from.saturating_add(len);
        let first = self.parts.partition_point(|(start, _)| *start <= from);
        let mut reached = from;
        for (start, part) in self.parts.iter().skip(first.saturating_sub(1)) {
            if reached >= end {
                return Ok(());
            }
            let within = reached.saturating_sub(*start);
            let here = part
                .len()
                .saturating_sub(within)
                .min(end.saturating_sub(reached));
            match part {
                Part::Piece(piece) => piece.write(volume, within, here, out)?,
                Part::Extent(extent) => {
                    let bytes = self.extent(volume, extent)?;
                    let until = within.saturating_add(here);
                    let bytes = bytes.get(index(within)..index(until));
                    out.write_all(bytes.unwrap_or_default())?;
                }
            }
            reached = reached.saturating_add(here);
        }
        if reached >= end {
            return Ok(());
        }
        let missing = || Problem::corrupt("a fragment ends behind the packed inode");
        Err(Fault::Problem(self.broken.clone().unwrap_or_else(missing)))
    }

    /// The bytes of an extent, from those that were decoded last where it is among them.
    fn extent(&self, volume: &Volume, extent: &Extent) -> Result<Arc<Vec<u8>>, Fault> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = kept().iter().find(|(known, _)| *known == extent.from) {
            return Ok(Arc::clone(bytes));
        }
        let mut bytes = Vec::new();
        extent.write(volume, &mut Vec::new(), &mut bytes)?;
        let bytes = Arc::new(bytes);
        let mut kept = kept();
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((extent.from, Arc::clone(&bytes)));
        Ok(bytes)
    }
}
