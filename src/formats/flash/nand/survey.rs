//! One pass over all pages: what their check bytes say, which blocks are bad, and which belong to others.

use std::ops::Range;

use rayon::prelude::*;

use super::detect::Detected;
use super::geometry::{Chip, length_of};
use super::layout::{Check, Placed};
use super::padded;
use super::yaffs;
use crate::image::map;
use crate::problem::{Problem, ProblemKind};
use crate::read::is_all;

/// So many pages that cannot be corrected are told one by one.
const MOST_TOLD: usize = 64;
/// Where more than one block of so many is marked as bad, what stands there is no marker.
const FEW_BAD: u64 = 4;

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// All bytes as erasing leaves them.
    Blank,
    /// Its check bytes hold, or it was erased and some bits flipped since; so many bits are corrected.
    Checked { wrong: u16, written: bool },
    /// Nothing says whether it is right: it has no check bytes that are known.
    Unchecked,
    /// More bits are wrong than can be corrected.
    Wrong,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Its pages are data.
    Good,
    /// It is marked as bad: no file system reads it.
    Bad,
    /// The dump has fill where a bad block was left out.
    Padded,
    /// YAFFS, which keeps what it needs to know in the spare bytes.
    Yaffs,
}

/// What all pages and blocks are.
pub(super) struct Survey {
    pub(super) pages: Vec<Page>,
    pub(super) blocks: Vec<Block>,
    /// Whether bad blocks are marked in the usual place.
    pub(super) markers: bool,
}

impl Survey {
    /// Looks at every page.
    pub(super) fn new(chip: &Chip, detected: &Detected) -> Self {
        let marked: Vec<bool> = (0..chip.blocks())
            .map(|block| {
                map::visited();
                chip.is_marked(block)
            })
            .collect();
        let bad = length_of(marked.iter().filter(|marked| **marked).count());
        let markers = bad < 8 || bad.saturating_mul(FEW_BAD) <= chip.blocks();
        let mut blocks: Vec<Block> = marked
            .into_iter()
            .map(|marked| {
                if marked && markers {
                    Block::Bad
                } else {
                    Block::Good
                }
            })
            .collect();
        for run in yaffs::runs(chip, &detected.layouts) {
            set(&mut blocks, run, Block::Yaffs);
        }
        for block in padded::blocks(chip, &blocks) {
            set(&mut blocks, block..block.saturating_add(1), Block::Padded);
        }
        let pages = (0..chip.blocks()).into_par_iter().flat_map_iter(|block| {
            let pages = chip.pages_of(block);
            map::touched(
                chip.offset(pages.end)
                    .saturating_sub(chip.offset(pages.start)),
            );
            let layouts = &detected.layouts;
            let mut buffer = Vec::new();
            pages.map(move |page| look(chip, page, layouts, &mut buffer))
        });
        Self {
            pages: pages.collect(),
            blocks,
            markers,
        }
    }

    /// What a page is.
    pub(super) fn page(&self, page: u64) -> Page {
        let page = usize::try_from(page)
            .ok()
            .and_then(|page| self.pages.get(page));
        page.copied().unwrap_or(Page::Unchecked)
    }

    /// What the block of a page is.
    pub(super) fn block_of(&self, chip: &Chip, page: u64) -> Block {
        let block = page.checked_div(chip.geometry.pages_per_block);
        self.block(block.unwrap_or_default())
    }

    fn block(&self, block: u64) -> Block {
        let block = usize::try_from(block)
            .ok()
            .and_then(|block| self.blocks.get(block));
        block.copied().unwrap_or(Block::Good)
    }

    /// The numbers of the blocks that are `what`.
    pub(super) fn numbers(&self, what: Block) -> impl Iterator<Item = u64> {
        let blocks = self.blocks.iter().enumerate();
        blocks
            .filter(move |(_, block)| **block == what)
            .map(|(number, _)| length_of(number))
    }

    /// The runs of blocks that are `what`.
    pub(super) fn runs(&self, what: Block) -> Vec<Range<u64>> {
        let mut runs: Vec<Range<u64>> = Vec::new();
        for number in self.numbers(what) {
            match runs.last_mut() {
                Some(last) if last.end == number => last.end = number.saturating_add(1),
                _ => runs.push(number..number.saturating_add(1)),
            }
        }
        runs
    }

    /// The pages of good blocks that cannot be corrected, as problems.
    pub(super) fn problems(&self, chip: &Chip) -> Vec<Problem> {
        let wrong: Vec<u64> = (0..chip.pages())
            .filter(|&page| self.page(page) == Page::Wrong)
            .filter(|&page| self.block_of(chip, page) == Block::Good)
            .collect();
        let mut problems: Vec<Problem> = wrong
            .iter()
            .take(MOST_TOLD)
            .map(|&page| {
                let detail = format!(
                    "page {page} has more wrong bits than its check bytes can correct; it is passed on as it was read"
                );
                Problem::new(ProblemKind::Unreadable, detail).at(chip.offset(page))
            })
            .collect();
        if let Some(&page) = wrong.get(MOST_TOLD) {
            let more = wrong.len().saturating_sub(MOST_TOLD);
            let detail = format!("{more} more pages from page {page} on cannot be corrected");
            problems.push(Problem::new(ProblemKind::Unreadable, detail).at(chip.offset(page)));
        }
        problems
    }
}

fn set(blocks: &mut [Block], range: Range<u64>, what: Block) {
    let blocks = blocks.iter_mut().enumerate();
    for (_, block) in blocks.filter(|(number, _)| range.contains(&length_of(*number))) {
        if *block == Block::Good {
            *block = what;
        }
    }
}

fn look(chip: &Chip, page: u64, layouts: &[Placed], buffer: &mut Vec<u8>) -> Page {
    let (data, spare) = chip.page(page);
    if is_all(data, 0xff) && is_all(spare, 0xff) {
        return Page::Blank;
    }
    let fits = |placed: &Placed| placed.layout.is_checked() && placed.all_hold(data, spare);
    if layouts.iter().any(fits) {
        return Page::Checked {
            wrong: 0,
            written: true,
        };
    }
    match correct(layouts, data, spare, buffer) {
        Some(Check::Holds(wrong)) => Page::Checked {
            wrong: u16::try_from(wrong).unwrap_or(u16::MAX),
            written: true,
        },
        Some(Check::Erased(wrong)) => Page::Checked {
            wrong: u16::try_from(wrong).unwrap_or(u16::MAX),
            written: false,
        },
        Some(Check::Fails) => Page::Wrong,
        Some(Check::Absent) | None => Page::Unchecked,
    }
}

/// Corrects a page into `corrected` with the layout that does it best; `None` when no layout is known. What cannot be corrected
/// is there as it was read.
pub(super) fn correct(
    layouts: &[Placed],
    data: &[u8],
    spare: &[u8],
    corrected: &mut Vec<u8>,
) -> Option<Check> {
    let mut worst = None;
    for placed in layouts.iter().filter(|placed| placed.layout.is_checked()) {
        corrected.clear();
        corrected.extend_from_slice(data);
        match placed.correct(corrected, spare) {
            sound @ (Check::Holds(_) | Check::Erased(_)) => return Some(sound),
            // Data that lacks the check bytes of one layout may have failed those of another.
            Check::Fails => worst = Some(Check::Fails),
            Check::Absent => worst = worst.or(Some(Check::Absent)),
        }
    }
    corrected.clear();
    corrected.extend_from_slice(data);
    worst
}
