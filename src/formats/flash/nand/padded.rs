//! Bad blocks that a dump shows as erased (`nanddump --bb=padbad`): nothing tells them from blocks that were never written, but where
//! one lies inside a structure that states its length and was written past it, it was not there for the writer.

use super::geometry::Chip;
use super::survey::Block;
use crate::image::map;
use crate::read::{Endian, Fields, is_all};

/// So many blocks of fill are taken out of one structure.
const MOST: usize = 64;

/// The blocks of fill inside the structures that start at blocks, in order.
pub(super) fn blocks(chip: &Chip, known: &[Block]) -> Vec<u64> {
    let per_block = chip
        .geometry
        .pages_per_block
        .saturating_mul(super::geometry::length_of(chip.geometry.page));
    let is = |block: u64, what: Block| {
        let block = usize::try_from(block)
            .ok()
            .and_then(|block| known.get(block));
        block == Some(&what)
    };
    let mut padded = Vec::new();
    let mut block = 0;
    while block < chip.blocks() {
        map::visited();
        let length = stated_length(&chip.head(chip.pages_of(block).start, 48));
        let mut wanted = length.map_or(0, |length| length.div_ceil(per_block.max(1)));
        let mut inside = Vec::new();
        let mut next = block;
        while wanted > 0 && next < chip.blocks() && inside.len() < MOST {
            if is(next, Block::Good) {
                if is_blank(chip, next) {
                    inside.push(next);
                } else {
                    wanted = wanted.saturating_sub(1);
                }
            }
            next = next.saturating_add(1);
        }
        // A structure that is not all there says nothing about its blocks.
        if wanted == 0 {
            padded.extend(inside);
        }
        block = next.max(block.saturating_add(1));
    }
    padded
}

/// The length in bytes that a file system or image states which is written through, block after block.
fn stated_length(head: &[u8]) -> Option<u64> {
    let (little, big) = (Fields::little(head), Fields::new(head, Endian::Big));
    match head.get(..4)? {
        b"hsqs" => little.u64(40),
        b"sqsh" => big.u64(40),
        [0x45, 0x3d, 0xcd, 0x28] => little.u32(4).map(u64::from),
        [0x28, 0xcd, 0x3d, 0x45] => big.u32(4).map(u64::from),
        [0x27, 0x05, 0x19, 0x56] => big.u32(12).map(|len| u64::from(len).saturating_add(64)),
        _ => None,
    }
}

fn is_blank(chip: &Chip, block: u64) -> bool {
    chip.pages_of(block).all(|page| {
        let (data, spare) = chip.page(page);
        is_all(data, 0xff) && is_all(spare, 0xff)
    })
}
