//! The pass over all erase blocks: which of them hold what, and which of two copies counts.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::extent::Shape;
use super::header::{EraseCounter, HEADER, INTERNAL, RESERVED, VOLUME_RESERVED, VolumeId, crc};
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::image::map;
use crate::problem::Problem;
use crate::read::{clip, index, is_all, length};

/// Looking at the headers of an erase block brings so many bytes into memory, or all of a smaller one (64 KiB).
const READ: u64 = 64 << 10;

/// An erase block that holds a block of a volume.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Its number, counted from the image's start.
    pub(super) number: u64,
    /// Where its data starts, in bytes from the region's start.
    pub(super) data_at: u64,
    pub(super) id: VolumeId,
}

/// How many erase blocks are in which state.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) all: u64,
    pub(super) used: u64,
    /// With an erase counter and nothing else.
    pub(super) free: u64,
    /// Without any header, one byte value throughout.
    pub(super) blank: u64,
    /// With a header that is damaged, or with none.
    pub(super) damaged: u64,
    /// With an older copy of a logical block.
    pub(super) superseded: u64,
}

/// Everything that the headers say.
pub(super) struct Blocks {
    /// The block that counts, by volume and logical number.
    pub(super) current: BTreeMap<(u32, u32), Block>,
    pub(super) tally: Tally,
    /// Lowest and highest erase counter, and the sum of all.
    pub(super) erased: Option<(u64, u64, u128)>,
    pub(super) ledger: Ledger,
    pub(super) problems: Problems,
    older: Vec<Block>,
}

impl Blocks {
    /// Looks at every erase block of `region`.
    pub(super) fn scan(region: &Bytes, shape: &Shape) -> Self {
        let mut blocks = Self {
            current: BTreeMap::new(),
            tally: Tally::default(),
            erased: None,
            ledger: Ledger::default(),
            problems: Problems::default(),
            older: Vec::new(),
        };
        let mut at = 0;
        let mut number = 0;
        while at < length(region) {
            map::touched(shape.peb.min(READ));
            blocks.take(region, shape, at, number);
            at = at.saturating_add(shape.peb);
            number = number.saturating_add(1_u64);
        }
        blocks.tally.all = number;
        blocks.settle_copies(region, shape);
        blocks
    }

    fn take(&mut self, region: &Bytes, shape: &Shape, at: u64, number: u64) {
        let block = clip(region, at, shape.peb);
        let counter = EraseCounter::parse(&block);
        if let Some(counter) = counter {
            let header = clip(&block, 0, HEADER);
            self.ledger.structure(at, &header, RESERVED);
            let (low, high, sum) = self.erased.unwrap_or((u64::MAX, 0, 0));
            self.erased = Some((
                low.min(counter.count),
                high.max(counter.count),
                sum.saturating_add(counter.count.into()),
            ));
        }
        let id_at = shape.first.geometry.volume_header;
        let header = clip(&block, id_at, HEADER);
        let Some(id) = VolumeId::parse(&header) else {
            return self.without_id(&block, shape, counter.is_some(), at);
        };
        if counter.is_none() {
            let what = "the erase counter header of a used erase block is damaged; Linux uses the block all the same";
            self.problems.push(Problem::checksum(what).at(at));
        }
        self.ledger
            .structure(at.saturating_add(id_at), &header, VOLUME_RESERVED);
        self.pad(&block, at, HEADER, id_at);
        let data_at = shape.first.geometry.data;
        self.pad(&block, at, id_at.saturating_add(HEADER), data_at);
        self.tally.used = self.tally.used.saturating_add(1);
        let block = Block {
            number,
            data_at: at.saturating_add(shape.first.geometry.data),
            id,
        };
        self.add(region, shape, block);
    }

    /// Names what pads a header, from `from` to `to` in the block at `at`, when it is zero or erased.
    fn pad(&mut self, block: &Bytes, at: u64, from: u64, to: u64) {
        let bytes = clip(block, from, to.saturating_sub(from));
        if is_all(&bytes, 0) || is_all(&bytes, 0xff) {
            self.ledger
                .metadata(at.saturating_add(from), length(&bytes));
        }
    }

    /// An erase block without a sound volume identifier header.
    fn without_id(&mut self, block: &Bytes, shape: &Shape, has_counter: bool, at: u64) {
        let id_at = index(shape.first.geometry.volume_header);
        let data_at = index(shape.first.geometry.data);
        let header = block.get(id_at..data_at).unwrap_or_default();
        let data = block.get(data_at..).unwrap_or_default();
        if has_counter && is_all(header, 0xff) {
            self.tally.free = self.tally.free.saturating_add(1);
            return;
        }
        let first = block.first().copied().unwrap_or_default();
        if !has_counter && is_all(block, first) {
            self.tally.blank = self.tally.blank.saturating_add(1);
            return;
        }
        self.tally.damaged = self.tally.damaged.saturating_add(1);
        self.problems.push(if has_counter && is_all(data, 0xff) {
            Problem::checksum(
                "a damaged volume identifier header before erased flash, as a power cut leaves it",
            )
            .at(at)
        } else if has_counter {
            Problem::checksum(
                "the volume identifier header is damaged, so that nobody knows whose data this is",
            )
            .at(at)
        } else {
            Problem::corrupt("an erase block without a sound header; it is not read").at(at)
        });
    }

    /// Adds a block as Linux does when it attaches: the newer of two with one number counts, unless it is a copy that was
    /// not finished.
    fn add(&mut self, region: &Bytes, shape: &Shape, block: Block) {
        let id = block.id;
        let key = (id.volume, id.lnum);
        let Some(&known) = self.current.get(&key) else {
            let volume = self.current.range((id.volume, 0)..).next();
            if let Some((&(number, _), first)) = volume
                && number == id.volume
                && !first.id.agrees(&id)
            {
                let what = format!(
                    "block {} contradicts another of volume {}; Linux refuses both",
                    id.lnum, id.volume
                );
                self.problems.push(Problem::corrupt(what).at(block.data_at));
            }
            self.current.insert(key, block);
            return;
        };
        if known.id.sequence == id.sequence {
            let what = format!(
                "two erase blocks claim block {} of volume {} with one sequence number; Linux refuses both, the first is read",
                id.lnum, id.volume
            );
            self.problems.push(Problem::corrupt(what).at(block.data_at));
            self.older.push(block);
            return;
        }
        let (newer, older) = if id.sequence > known.id.sequence {
            (block, known)
        } else {
            (known, block)
        };
        let finished = !newer.id.is_copy || newer.is_sound(region, shape);
        let (wins, loses) = if finished {
            (newer, older)
        } else {
            (older, newer)
        };
        self.current.insert(key, wins);
        self.older.push(loses);
    }

    /// A copy with the same bytes as the block that counts is explained. One that differs stays open, so that it is seen.
    fn settle_copies(&mut self, region: &Bytes, shape: &Shape) {
        self.tally.superseded = length_of(&self.older);
        for older in &self.older {
            let current = self.current.get(&(older.id.volume, older.id.lnum));
            let data = older.data(region, shape);
            if current.is_some_and(|current| current.data(region, shape) == data) {
                self.ledger.metadata(older.data_at, length(&data));
            }
        }
    }

    /// The blocks of one volume, in order.
    pub(super) fn of(&self, volume: u32) -> impl Iterator<Item = &Block> {
        self.current
            .range((volume, 0)..=(volume, u32::MAX))
            .map(|(_, block)| block)
    }

    /// The numbers of all volumes that are not UBI's own.
    pub(super) fn volumes(&self) -> Vec<u32> {
        let mut found: Vec<u32> = self.current.keys().map(|&(volume, _)| volume).collect();
        found.dedup();
        found.retain(|&volume| volume < INTERNAL);
        found
    }
}

impl Block {
    /// The part of an erase block that can hold data.
    pub(super) fn data(&self, region: &Bytes, shape: &Shape) -> Bytes {
        clip(region, self.data_at, shape.leb())
    }

    /// Whether the data is that of the checksum in the header.
    pub(super) fn is_sound(&self, region: &Bytes, shape: &Shape) -> bool {
        let data = self.data(region, shape);
        let covered = data.get(..index(self.id.data_size.into()));
        covered.is_some_and(|covered| crc(covered) == self.id.data_crc)
    }
}

fn length_of<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}
