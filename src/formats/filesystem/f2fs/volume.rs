//! Checkpoints, and where each node stands.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::forward::Start;
use super::{BLOCK, MAGIC, Super, crc};
use crate::formats::Span;
use crate::read::{Fields, cut, index};

/// Blocks in a segment: each pack of checkpoints, and each half of a pair of segments of the table, has as many.
const SEGMENT: u64 = 512;
/// Entries in a block of the node address table, and the length of one in bytes.
const PER_BLOCK: u32 = 455;
const ENTRY: usize = 9;

/// Flags of a checkpoint.
const UNMOUNTED: u32 = 1;
const COMPACT: u32 = 4;
const FASTBOOT: u32 = 0x20;
const LARGE_MAP: u32 = 0x400;
/// What the versions in nodes behind a checkpoint are made of.
const WITH_SUM: u32 = 0x40;
const NO_SUM: u32 = 0x100;

/// Where in a checkpoint its bit maps start, in bytes.
const MAPS: usize = 192;
/// Where in a block of summaries the journal starts, in bytes.
const JOURNAL: usize = 3584;

/// A volume at its newest checkpoint.
#[derive(Clone)]
pub(super) struct Volume {
    pub(super) region: Bytes,
    pub(super) head: Super,
    /// Which half of each pair of the table's segments counts, a bit for each block.
    map: Bytes,
    /// The blocks of nodes whose entries in the table are older, by node.
    journal: BTreeMap<u32, u32>,
    /// Where nodes that were synced after the checkpoint start.
    pub(super) forward: Option<Start>,
    /// What the checkpoint takes.
    pub(super) spans: Vec<Span>,
}

/// A checkpoint: where its pack starts, in blocks, and its first block.
pub(super) struct Checkpoint {
    start: u64,
    raw: Bytes,
    version: u64,
}

impl Volume {
    /// The newer of the two checkpoints that hold: first and last block agree, and their checksums are right.
    pub(super) fn checkpoint(region: &Bytes, head: &Super) -> Option<Checkpoint> {
        let packs = [head.checkpoint, head.checkpoint.checked_add(SEGMENT)?];
        let sound = packs.into_iter().filter_map(|start| {
            let (raw, version) = sealed(region, start)?;
            let total: u64 = Fields::little(&raw).u32(136)?.into();
            let last = start.checked_add(total)?.checked_sub(1)?;
            let (_, other) = sealed(region, last)?;
            (version == other && total <= SEGMENT).then_some(Checkpoint {
                start,
                raw,
                version,
            })
        });
        sound.max_by_key(|pack| pack.version)
    }

    pub(super) fn new(region: &Bytes, head: Super) -> Option<Self> {
        let pack = Self::checkpoint(region, &head)?;
        let fields = Fields::little(&pack.raw);
        let (flags, total) = (fields.u32(132)?, fields.u32(136)?);
        let (sit, nat) = (fields.u32(156)?, fields.u32(160)?);
        let map_at = if flags & LARGE_MAP != 0 {
            MAPS.checked_add(4)?
        } else if head.payload > 0 {
            MAPS
        } else {
            MAPS.checked_add(usize::try_from(sit).ok()?)?
        };
        // With a map too large for the block, it runs on in the blocks behind it.
        let maps = cut(
            region,
            pack.start.checked_mul(BLOCK)?,
            u64::from(head.payload).checked_add(1)?.checked_mul(BLOCK)?,
        )?;
        let map = cut(&maps, u64::try_from(map_at).ok()?, nat.into())?;
        let sit_at = if flags & LARGE_MAP != 0 {
            u64::try_from(map_at).ok()?.checked_add(nat.into())?
        } else if head.payload > 0 {
            BLOCK
        } else {
            u64::try_from(MAPS).ok()?
        };
        let sit_map = cut(&maps, sit_at, sit.into())?;
        let summary = if flags & COMPACT != 0 {
            let start = pack.start.checked_add(fields.u32(140)?.into())?;
            cut(region, start.checked_mul(BLOCK)?, BLOCK)?
        } else {
            let back = if flags & (UNMOUNTED | FASTBOOT) != 0 {
                7
            } else {
                4
            };
            let end = pack.start.checked_add(total.into())?;
            let at = end.checked_sub(back)?.checked_mul(BLOCK)?;
            let block = cut(region, at, BLOCK)?;
            cut(&block, u64::try_from(JOURNAL).ok()?, 507)?
        };
        Some(Self {
            region: region.clone(),
            journal: journal(&summary)?,
            map,
            forward: forward(&head, &pack),
            spans: segments(&head, &sit_map)
                .chain([Span::metadata(
                    pack.start.checked_mul(BLOCK)?,
                    u64::from(total).checked_mul(BLOCK)?,
                )])
                .collect(),
            head,
        })
    }

    /// The block in which a node stands, and the block of the table that says so.
    pub(super) fn node_at(&self, node: u32) -> Option<(u32, u64)> {
        let number = node.checked_div(PER_BLOCK)?;
        let (pair, into) = (u64::from(number) / SEGMENT, u64::from(number) % SEGMENT);
        if pair >= self.head.nat_segments / 2 {
            return None;
        }
        let bits = self.map.get(usize::try_from(number / 8).ok()?)?;
        let second = bits >> 7_u32.checked_sub(number % 8)? & 1 == 1;
        let half = if second { SEGMENT } else { 0 };
        let block = self
            .head
            .nat
            .checked_add(pair.checked_mul(SEGMENT.checked_mul(2)?)?)?
            .checked_add(half)?
            .checked_add(into)?;
        if let Some(&found) = self.journal.get(&node) {
            return Some((found, block));
        }
        let raw = self.block(block)?;
        let entry = usize::try_from(node.checked_rem(PER_BLOCK)?).ok()?;
        let at = entry.checked_mul(ENTRY)?.checked_add(5)?;
        Some((Fields::little(&raw).u32(at)?, block))
    }

    /// A block by its address.
    pub(super) fn block(&self, address: u64) -> Option<Bytes> {
        cut(&self.region, address.checked_mul(BLOCK)?, BLOCK)
    }

    /// Whether an address is one of the main area, where nodes and contents are.
    pub(super) fn is_main(&self, address: u32) -> bool {
        let address = u64::from(address);
        address >= self.head.main && address < self.head.len / BLOCK
    }
}

/// Where the log of the nodes of files goes on behind a checkpoint, and what version its nodes carry then.
fn forward(head: &Super, pack: &Checkpoint) -> Option<Start> {
    let fields = Fields::little(&pack.raw);
    let (segment, into) = (fields.u32(40)?, fields.u16(70)?);
    let flags = fields.u32(132)?;
    let sum_at = usize::try_from(fields.u32(164)?).ok()?;
    // The upper half of a version is the checksum of the checkpoint, or of no meaning.
    let mixed = u64::from(fields.u32(sum_at)?) << 32 | pack.version;
    let (version, mask) = match (flags & NO_SUM != 0, flags & WITH_SUM != 0) {
        (true, _) => (pack.version, u64::from(u32::MAX)),
        (false, true) => (mixed, u64::MAX),
        (false, false) => (pack.version, u64::MAX),
    };
    let within = u64::from(segment).checked_mul(SEGMENT)?;
    Some(Start {
        block: head.main.checked_add(within)?.checked_add(into.into())?,
        version,
        mask,
    })
}

/// A block of a checkpoint whose checksum holds, and its version.
fn sealed(region: &Bytes, block: u64) -> Option<(Bytes, u64)> {
    let raw = cut(region, block.checked_mul(BLOCK)?, BLOCK)?;
    let fields = Fields::little(&raw);
    let offset = usize::try_from(fields.u32(164)?).ok()?;
    if !(MAPS..=index(BLOCK).checked_sub(4)?).contains(&offset) {
        return None;
    }
    let mut sum = crc(MAGIC, raw.get(..offset)?);
    // Where the checksum does not stand at the end, what follows it is covered, too.
    if let Some(behind) = raw.get(offset.checked_add(4)?..) {
        sum = crc(sum, behind);
    }
    (sum == fields.u32(offset)?).then_some((raw.clone(), fields.u64(0)?))
}

/// The entries of a journal of the node address table.
fn journal(raw: &[u8]) -> Option<BTreeMap<u32, u32>> {
    let fields = Fields::little(raw);
    let count = fields.u16(0)?.min(38);
    let entry = |number: u16| {
        let at = usize::from(number).checked_mul(13)?.checked_add(2)?;
        Some((fields.u32(at)?, fields.u32(at.checked_add(9)?)?))
    };
    (0..count).map(entry).collect()
}

/// The blocks of the segment information table that count, for all segments of the main area.
fn segments(head: &Super, map: &[u8]) -> impl Iterator<Item = Span> {
    /// Segments that one block describes.
    const DESCRIBED: u64 = 55;
    let blocks = head.len / BLOCK;
    let count = blocks
        .saturating_sub(head.main)
        .div_ceil(SEGMENT)
        .div_ceil(DESCRIBED);
    let half = (head.sit_segments / 2).saturating_mul(SEGMENT);
    let count = index(count.min(half));
    (0..count).filter_map(move |number| {
        let second = map.get(number / 8)? >> 7_usize.checked_sub(number % 8)? & 1 == 1;
        let base = head.sit.checked_add(if second { half } else { 0 })?;
        let block = base.checked_add(u64::try_from(number).ok()?)?;
        Some(Span::metadata(block.checked_mul(BLOCK)?, BLOCK))
    })
}
