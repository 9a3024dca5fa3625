//! The fastmap: a list of all erase blocks, kept so that Linux need not look at each when it attaches.
//!
//! Here every block is looked at, so a fastmap tells nothing new. But Linux may believe it, so one that differs from the
//! blocks shows Linux another device: it is compared.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::blocks::Blocks;
use super::extent::Shape;
use super::header::{FASTMAP, FASTMAP_DATA};
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::problem::Problem;
use crate::read::{Fields, index, length};

const MAGIC: u32 = 0x7b11_d69f;
const HEADER_MAGIC: u32 = 0xd4b8_2ef7;
const POOL_MAGIC: u32 = 0x67af_4d08;
const VOLUME_MAGIC: u32 = 0xfa37_0ed1;
const MAP_MAGIC: u32 = 0xf0c0_40a8;

/// Lengths of its structures, in bytes.
const SUPERBLOCK: usize = 312;
const HEADER: usize = 32;
const POOL: usize = 1048;
const COUNTER: usize = 8;
const VOLUME: usize = 32;
const MAP: usize = 8;
/// A pool has room for so many erase blocks.
const POOLED: usize = 256;
/// A fastmap takes at most so many erase blocks.
const MOST_BLOCKS: u32 = 32;
/// An erase block number that means none.
const UNMAPPED: u32 = u32::MAX;

/// Checks the fastmap, names its bytes, and compares it with the blocks. `None` where there is none.
pub(super) fn check(
    region: &Bytes,
    shape: &Shape,
    blocks: &Blocks,
    ledger: &mut Ledger,
    problems: &mut Problems,
) -> Option<&'static str> {
    let first = blocks.current.get(&(FASTMAP, 0))?;
    let (raw, pieces) = gather(region, shape, blocks).unwrap_or_default();
    let Some(map) = Map::parse(&raw) else {
        let what = "the fastmap is damaged; Linux then looks at every erase block";
        problems.push(Problem::checksum(what).at(first.data_at));
        return Some("damaged");
    };
    let mut left = map.explained;
    for at in pieces {
        let len = left.min(shape.leb());
        ledger.metadata(at, len);
        left = left.saturating_sub(len);
    }
    for (volume, lnum, peb) in map.differences(blocks) {
        let what = format!(
            "the fastmap takes block {lnum} of volume {volume} from erase block {peb}, where the headers say another"
        );
        problems.push(Problem::corrupt(what).at(first.data_at));
    }
    Some("sound")
}

/// The bytes of the fastmap, and where its pieces lie in the region.
fn gather(region: &Bytes, shape: &Shape, blocks: &Blocks) -> Option<(Vec<u8>, Vec<u64>)> {
    let first = blocks.current.get(&(FASTMAP, 0))?;
    let mut raw = first.data(region, shape).to_vec();
    let mut pieces = vec![first.data_at];
    let count = Fields::big(&raw)
        .u32(12)
        .filter(|count| *count <= MOST_BLOCKS)?;
    for lnum in 1..count {
        let block = blocks.current.get(&(FASTMAP_DATA, lnum))?;
        raw.extend_from_slice(&block.data(region, shape));
        pieces.push(block.data_at);
    }
    Some((raw, pieces))
}

/// A fastmap whose checksum holds.
struct Map {
    /// Volume, its block, and the erase block that holds it.
    mapped: Vec<(u32, u32, u32)>,
    /// Erase blocks that may have been written since.
    pooled: BTreeSet<u32>,
    /// How many of its first bytes have a meaning.
    explained: u64,
}

impl Map {
    fn parse(raw: &[u8]) -> Option<Self> {
        let mut raw = raw.to_vec();
        let stored = Fields::big(&raw).u32(8)?;
        raw.get_mut(8..12)?.fill(0);
        (super::header::crc(&raw) == stored).then_some(())?;
        let fields = Fields::big(&raw);
        let header = SUPERBLOCK;
        let magics = [fields.u32(0)?, fields.u32(header)?];
        (magics == [MAGIC, HEADER_MAGIC]).then_some(())?;
        let mut at = header.checked_add(HEADER)?;
        let mut pooled = BTreeSet::new();
        for _ in 0..2 {
            (fields.u32(at)? == POOL_MAGIC).then_some(())?;
            let count = usize::from(fields.u16(at.checked_add(4)?)?).min(POOLED);
            let list = fields.slice(at.checked_add(8)?, count.checked_mul(4)?)?;
            pooled.extend(numbers(list));
            at = at.checked_add(POOL)?;
        }
        // Free, used, to be scrubbed, to be erased; bad ones (the fourth) are only counted.
        for count_at in [4, 8, 12, 20] {
            let count = fields.u32(header.checked_add(count_at)?)?;
            at = at.checked_add(index(count.into()).checked_mul(COUNTER)?)?;
            (at <= raw.len()).then_some(())?;
        }
        let mut mapped = Vec::new();
        for _ in 0..fields.u32(header.checked_add(24)?)? {
            (fields.u32(at)? == VOLUME_MAGIC).then_some(())?;
            let volume = fields.u32(at.checked_add(4)?)?;
            at = at.checked_add(VOLUME)?;
            (fields.u32(at)? == MAP_MAGIC).then_some(())?;
            let count = index(fields.u32(at.checked_add(4)?)?.into());
            at = at.checked_add(MAP)?;
            let list = fields.slice(at, count.checked_mul(4)?)?;
            let pebs = (0..).zip(numbers(list)).filter(|&(_, peb)| peb != UNMAPPED);
            mapped.extend(pebs.map(|(lnum, peb)| (volume, lnum, peb)));
            at = at.checked_add(list.len())?;
        }
        Some(Self {
            mapped,
            pooled,
            explained: length(raw.get(..at)?),
        })
    }

    /// Where it says another erase block than the headers do, of those that cannot have changed since it was written.
    fn differences<'a>(&'a self, blocks: &'a Blocks) -> impl Iterator<Item = (u32, u32, u32)> + 'a {
        let differs = |&(volume, lnum, peb): &(u32, u32, u32)| {
            let current = blocks.current.get(&(volume, lnum));
            let current = current.map(|block| block.number);
            let moved = current.is_some_and(|number| {
                self.pooled
                    .iter()
                    .any(|&pooled| u64::from(pooled) == number)
            });
            current != Some(peb.into()) && !moved
        };
        self.mapped.iter().copied().filter(differs)
    }
}

fn numbers(list: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let (words, _) = list.as_chunks::<4>();
    words.iter().map(|word| u32::from_be_bytes(*word))
}
