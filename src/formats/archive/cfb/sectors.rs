//! The table of sectors: which follows which, and which are free.

use bytes::Bytes;

use super::{HEADER, Header};
use crate::formats::Span;
use crate::read::{Fields, clip, cut, index};

/// The largest number of a sector; above are marks.
const LAST: u32 = 0xffff_fffa;
/// The mark of a sector that holds a part of the list of where the table is, and one of the table.
const LIST: u32 = 0xffff_fffc;
const TABLE: u32 = 0xffff_fffd;
/// The mark of the last sector of a chain, and of one that is free.
const END: u32 = 0xffff_fffe;
const FREE: u32 = 0xffff_ffff;

/// How many sectors of the table the header itself lists.
const LISTED: u32 = 109;

/// The table.
pub(super) struct Sectors {
    /// The sectors that the table lies in, in order, and those of the list of these.
    table: Vec<u32>,
    list: Vec<u32>,
}

/// What follows each sector, and which are in a chain that was followed: no sector is in two, so that all chains together are
/// bounded work.
#[derive(Default)]
pub(super) struct Links {
    next: Vec<u32>,
    taken: Vec<bool>,
}

/// A chain of sectors.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) sectors: Vec<u32>,
    /// Whether it ends where it should.
    pub(super) is_sound: bool,
}

impl Sectors {
    /// Where the table lies.
    pub(super) fn places(region: &Bytes, header: &Header) -> Self {
        let mut sectors = Self {
            table: Vec::new(),
            list: Vec::new(),
        };
        // There cannot be more than are in the file.
        let most = header.count(region);
        let wanted = usize::try_from(u64::from(header.table_sectors).min(most)).unwrap_or_default();
        let words = |at: u64, count: u64| {
            let bytes = clip(region, at, count.saturating_mul(4));
            let (words, _) = bytes.as_chunks::<4>();
            words
                .iter()
                .map(|&word| u32::from_le_bytes(word))
                .collect::<Vec<u32>>()
        };
        sectors.table = words(HEADER.saturating_sub(u64::from(LISTED) * 4), LISTED.into());
        let mut at = header.list;
        let in_sector = header.sector() / 4;
        while sectors.table.len() < wanted && at <= LAST {
            let mut part = words(header.place(at), in_sector);
            let Some(next) = part
                .pop()
                .filter(|_| u64::try_from(sectors.list.len()).is_ok_and(|len| len < most))
            else {
                break;
            };
            sectors.list.push(at);
            sectors.table.append(&mut part);
            at = next;
        }
        sectors.table.truncate(wanted);
        sectors.table.retain(|&sector| sector <= LAST);
        sectors
    }

    /// How long the file is: up to its last sector that is not free. `None` where the table is not all there.
    pub(super) fn used(&self, region: &Bytes, header: &Header) -> Option<u64> {
        if u32::try_from(self.table.len()).ok()? < header.table_sectors {
            return None;
        }
        let in_sector = header.sector() / 4;
        for (number, &sector) in self.table.iter().enumerate().rev() {
            let bytes = cut(region, header.place(sector), header.sector())?;
            let (words, _) = bytes.as_chunks::<4>();
            let used = words
                .iter()
                .rposition(|&word| u32::from_le_bytes(word) != FREE);
            if let Some(used) = used {
                let before = u64::try_from(number).ok()?.checked_mul(in_sector)?;
                let last = before.checked_add(u64::try_from(used).ok()?)?;
                return last.checked_add(2)?.checked_mul(header.sector());
            }
        }
        None
    }

    /// Whether the table marks the sectors it lies in as such.
    pub(super) fn names_itself(&self, region: &Bytes, header: &Header) -> bool {
        let in_sector = header.sector() / 4;
        let mark = |sector: u32| {
            let number = index(u64::from(sector).checked_div(in_sector)?);
            let part = header.place(*self.table.get(number)?);
            let at = u64::from(sector).checked_rem(in_sector)?.checked_mul(4)?;
            let word = cut(region, part.checked_add(at)?, 4)?;
            Fields::little(&word).u32(0)
        };
        self.table.iter().all(|&sector| mark(sector) == Some(TABLE))
            && self.list.iter().all(|&sector| mark(sector) == Some(LIST))
    }

    /// What follows each sector of the region.
    pub(super) fn links(&self, region: &Bytes, header: &Header) -> Links {
        let count = index(header.count(region).saturating_sub(1));
        let parts = self.table.iter();
        let parts = parts.map(|&sector| clip(region, header.place(sector), header.sector()));
        let mut links = Links::new(parts, count);
        for &sector in self.table.iter().chain(&self.list) {
            links.take(sector);
        }
        links
    }

    /// Its own bytes.
    pub(super) fn spans(&self, header: &Header) -> Vec<Span> {
        let own = self.table.iter().chain(&self.list);
        own.map(|&sector| Span::metadata(header.place(sector), header.sector()))
            .collect()
    }
}

impl Links {
    /// The links that stand in these bytes, of at most `count` sectors.
    pub(super) fn new(parts: impl Iterator<Item = Bytes>, count: usize) -> Self {
        let mut next = Vec::new();
        for part in parts {
            let (words, _) = part.as_chunks::<4>();
            let words = words.iter().take(count.saturating_sub(next.len()));
            next.extend(words.map(|&word| u32::from_le_bytes(word)));
        }
        let taken = vec![false; next.len()];
        Self { next, taken }
    }

    /// Takes one sector; whether it was free to take.
    fn take(&mut self, sector: u32) -> bool {
        let taken = self.taken.get_mut(index(sector.into()));
        taken.is_some_and(|taken| !std::mem::replace(taken, true))
    }

    /// Takes the chain that starts with a sector, as far as `most` sectors.
    pub(super) fn chain(&mut self, first: u32, most: u64) -> Chain {
        let mut chain = Chain::default();
        let mut at = first;
        for _ in 0..most {
            if at > LAST || !self.take(at) {
                break;
            }
            chain.sectors.push(at);
            at = self.next.get(index(at.into())).copied().unwrap_or(FREE);
        }
        chain.is_sound = at == END;
        chain
    }
}
