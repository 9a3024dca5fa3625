//! Blocks of YAFFS, which are left as they are: its tags stand in the spare bytes, so that its reader needs both.

use std::ops::Range;

use super::geometry::Chip;
use super::layout::Placed;
use crate::image::map;
use crate::read::{Endian, Fields, is_all};

/// So many runs of blocks are told apart; a chip has few file systems.
const MOST_RUNS: usize = 64;
/// A run has at least so many object headers.
const HEADERS: usize = 2;

/// The runs of blocks that hold YAFFS: from the first with an object header to the last with tags, over what is blank between.
pub(super) fn runs(chip: &Chip, layouts: &[Placed]) -> Vec<Range<u64>> {
    let check_bytes: Vec<usize> = layouts.iter().flat_map(Placed::all_positions).collect();
    let mut runs: Vec<(Range<u64>, usize)> = Vec::new();
    // Whether the last run may go on.
    let mut open = false;
    for block in 0..chip.blocks() {
        map::visited();
        let headers = headers(chip, block);
        if headers > 0 && !open {
            runs.push((block..block, 0));
            open = true;
        }
        let tagged = headers > 0 || is_tagged(chip, block, &check_bytes);
        match runs.last_mut() {
            Some((run, count)) if open && tagged => {
                run.end = block.saturating_add(1);
                *count = count.saturating_add(headers);
            }
            _ => open = open && is_blank(chip, block),
        }
    }
    let runs = runs.into_iter().filter(|(_, headers)| *headers >= HEADERS);
    runs.map(|(run, _)| run).take(MOST_RUNS).collect()
}

/// Whether everything that was written to the dump is YAFFS.
pub(super) fn is_all_there_is(chip: &Chip, layouts: &[Placed]) -> bool {
    let first = (0..chip.blocks()).find(|&block| !is_blank(chip, block));
    if first.is_none_or(|block| headers(chip, block) == 0) {
        return false;
    }
    let runs = runs(chip, layouts);
    !runs.is_empty()
        && (0..chip.blocks())
            .all(|block| runs.iter().any(|run| run.contains(&block)) || is_blank(chip, block))
}

/// How many pages of a block start with the header of an object.
fn headers(chip: &Chip, block: u64) -> usize {
    chip.pages_of(block)
        .filter(|&page| is_header(&chip.head(page, 16)))
        .count()
}

/// Whether these are the first bytes of an object header: its type, its parent, and a sum that is not used any more.
fn is_header(head: &[u8]) -> bool {
    [Endian::Little, Endian::Big].into_iter().any(|endian| {
        let fields = Fields::new(head, endian);
        let kind = fields.u32(0).is_some_and(|kind| (1..=5).contains(&kind));
        let parent = fields
            .u32(4)
            .is_some_and(|parent| (1..0x4_0000).contains(&parent));
        let name = fields.u8(10).is_some_and(|first| first != 0xff);
        kind && parent && name && fields.u16(8) == Some(0xffff)
    })
}

/// Whether the first page of a block has something in its spare bytes but check bytes.
fn is_tagged(chip: &Chip, block: u64, check_bytes: &[usize]) -> bool {
    let (_, spare) = chip.page(chip.pages_of(block).start);
    let spare = spare.iter().enumerate();
    let free = spare.filter(|(at, _)| *at > 5 && !check_bytes.contains(at));
    free.filter(|(_, byte)| **byte != 0xff).count() >= 4
}

fn is_blank(chip: &Chip, block: u64) -> bool {
    let (data, spare) = chip.page(chip.pages_of(block).start);
    is_all(data, 0xff) && is_all(spare, 0xff)
}
