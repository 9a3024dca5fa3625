//! The two streams that a dump comes apart into: the data, corrected, and the spare bytes.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use super::geometry::{Chip, length_of};
use super::layout::{Check, Placed};
use super::survey::{self, Block, Page, Survey};
use crate::formats::{Decode, Ending, Proof};
use crate::image::map;
use crate::read::is_all;

/// What a clean JFFS2 block has in its spare bytes, in both byte orders.
const CLEANMARKERS: [[u8; 8]; 2] = [
    [0x85, 0x19, 0x03, 0x20, 0x08, 0, 0, 0],
    [0x19, 0x85, 0x20, 0x03, 0, 0, 0, 0x08],
];

/// A dump and all that is known of it.
pub(super) struct Dump {
    pub(super) chip: Chip,
    pub(super) survey: Survey,
    layouts: Vec<Placed>,
    /// Where the check bytes of each layout stand.
    positions: Vec<Vec<usize>>,
}

impl Dump {
    /// Puts together what was found out.
    pub(super) fn new(chip: Chip, layouts: Vec<Placed>, survey: Survey) -> Self {
        let positions = layouts.iter().map(Placed::all_positions).collect();
        Self {
            chip,
            survey,
            layouts,
            positions,
        }
    }

    /// The data of a page, corrected.
    fn data(&self, page: u64, out: &mut Vec<u8>) {
        let (data, spare) = self.chip.page(page);
        if matches!(self.survey.page(page), Page::Checked { wrong: 1.., .. }) {
            survey::correct(&self.layouts, data, spare, out);
        } else {
            out.clear();
            out.extend_from_slice(data);
        }
    }

    /// The spare bytes of a page that nothing explains; what is explained, or shown elsewhere, reads as erased.
    pub(super) fn spare(&self, page: u64, out: &mut Vec<u8>) {
        let (_, spare) = self.chip.page(page);
        out.clear();
        out.extend_from_slice(spare);
        if self.survey.block_of(&self.chip, page) != Block::Good {
            return out.fill(0xff);
        }
        if let Page::Checked { written, .. } = self.survey.page(page) {
            // Of an erased page with a flipped bit or two it does not matter which layout it was to have.
            let of = |placed: &Placed| !written || self.is_of(page, placed);
            let own = self.layouts.iter().position(of).unwrap_or_default();
            for &at in self.positions.get(own).into_iter().flatten() {
                if let Some(byte) = out.get_mut(at) {
                    *byte = 0xff;
                }
            }
        }
        let clean = |window: &[u8]| CLEANMARKERS.iter().any(|marker| window == marker);
        if !is_all(out, 0xff)
            && let Some(at) = out.windows(8).position(clean)
            && let Some(marker) = out.get_mut(at..at.saturating_add(8))
        {
            marker.fill(0xff);
        }
    }

    /// Whether a page was written with a layout.
    fn is_of(&self, page: u64, placed: &Placed) -> bool {
        if self.layouts.len() == 1 {
            return true;
        }
        let (data, spare) = self.chip.page(page);
        let mut corrected = data.to_vec();
        matches!(placed.correct(&mut corrected, spare), Check::Holds(_))
    }

    /// Whether all spare bytes of a page are explained.
    pub(super) fn is_spare_explained(&self, page: u64, buffer: &mut Vec<u8>) -> bool {
        self.spare(page, buffer);
        is_all(buffer, 0xff)
    }
}

/// Which of the two streams.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Data,
    Spare,
}

/// One of the streams, put together page by page.
pub(super) struct Pages {
    dump: Arc<Dump>,
    which: Which,
    left: Range<u64>,
    buffer: Vec<u8>,
    taken: usize,
}

impl Pages {
    /// The data of good blocks, or all spare bytes, of a range of pages.
    pub(super) fn new(dump: &Arc<Dump>, which: Which, pages: Range<u64>) -> Self {
        Self {
            dump: Arc::clone(dump),
            which,
            left: pages,
            buffer: Vec::new(),
            taken: 0,
        }
    }

    fn fill(&mut self) -> bool {
        for page in self.left.by_ref() {
            map::touched(length_of(self.dump.chip.geometry.stride()));
            self.taken = 0;
            match self.which {
                Which::Spare => self.dump.spare(page, &mut self.buffer),
                // What is marked as bad, no file system reads: those behind it follow at once, as writers place them.
                Which::Data if self.dump.survey.block_of(&self.dump.chip, page) != Block::Good => {
                    continue;
                }
                Which::Data => self.dump.data(page, &mut self.buffer),
            }
            return true;
        }
        false
    }
}

impl Read for Pages {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut written = 0_usize;
        while written < out.len() {
            if self.taken >= self.buffer.len() && !self.fill() {
                break;
            }
            let from = self.buffer.get(self.taken..).unwrap_or_default();
            let to = out.get_mut(written..).unwrap_or_default();
            let count = from.len().min(to.len());
            if let (Some(from), Some(to)) = (from.get(..count), to.get_mut(..count)) {
                to.copy_from_slice(from);
            }
            self.taken = self.taken.saturating_add(count);
            written = written.saturating_add(count);
        }
        Ok(written)
    }
}

impl Decode for Pages {
    fn finish(self: Box<Self>) -> Ending {
        Ending {
            extent: Ok((0, Proof::Structure)),
            spans: Vec::new(),
            problems: Vec::new(),
        }
    }
}
