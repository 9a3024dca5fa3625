//! The entries of one directory: parts of long names put together with the short entry they belong to.

use super::boot::RECORD;
use super::record::{Long, Record, Short, long_name};
use crate::read::{index, length};

/// The most parts that a long name has: 255 units.
const MOST_PARTS: usize = 20;

/// The entries of a directory, taken in one after another.
#[derive(Default)]
pub(super) struct Directory {
    /// Files, directories and labels, in order.
    pub(super) names: Vec<Name>,
    /// Parts of long names that belong to no entry: where the first is, in bytes from the region's start, and how many.
    pub(super) strays: Option<(u64, u64)>,
    /// Entries in use behind the end of the directory: how many.
    pub(super) behind: u64,
    /// The parts that wait for their short entry, in the order they stand.
    waiting: Vec<(u64, Long)>,
    ended: bool,
}

/// An entry with all its names.
pub(super) struct Name {
    /// Where its short entry is, in bytes from the region's start.
    pub(super) at: u64,
    /// The short entry. Of a deleted one with a long name, the first byte of the short name was found again.
    pub(super) short: Short,
    /// Its long name.
    pub(super) long: Option<Vec<u8>>,
    /// Whether it was deleted.
    pub(super) deleted: bool,
    /// Whether there is a long name in front of it whose checksum is not that of the short one.
    pub(super) torn: bool,
    /// Where all its records are.
    pub(super) records: Vec<u64>,
}

impl Name {
    /// The name that is shown.
    pub(super) fn shown(&self) -> Vec<u8> {
        match &self.long {
            Some(long) => long.clone(),
            None if self.deleted => {
                let mut short = self.short.clone();
                if let Some(first) = short.name.first_mut() {
                    *first = b'_';
                }
                short.shown()
            }
            None => self.short.shown(),
        }
    }
}

impl Directory {
    /// Takes in the next bytes of the directory, which stand at `at`.
    pub(super) fn take(&mut self, bytes: &[u8], at: u64, wide: bool) {
        let mut at = at;
        for raw in bytes.chunks_exact(index(RECORD)) {
            match Record::parse(raw, wide) {
                Some(Record::Long(part)) if !self.ended => self.long(at, part),
                Some(Record::Short(short)) if !self.ended => self.short(at, short),
                // Linux reads on behind the end of a directory, others do not.
                Some(Record::Short(short)) if short.is_possible() && !short.is_deleted() => {
                    self.behind = self.behind.saturating_add(1);
                    self.short(at, short);
                }
                Some(Record::Long(part)) if part.is_possible() => self.long(at, part),
                Some(Record::End) => {
                    self.drop_waiting();
                    self.ended = true;
                }
                _ => self.drop_waiting(),
            }
            at = at.saturating_add(RECORD);
        }
    }

    /// Says that there are no more bytes.
    pub(super) fn end(&mut self) {
        self.drop_waiting();
    }

    fn long(&mut self, at: u64, part: Long) {
        let follows = self.waiting.last().is_some_and(|(_, before)| {
            let next = before.number.map(|number| number.checked_sub(1));
            before.sum == part.sum
                && match part.number {
                    Some(number) => !part.last && next == Some(Some(number)) && number > 0,
                    None => before.number.is_none(),
                }
        });
        if !follows || self.waiting.len() >= MOST_PARTS {
            self.drop_waiting();
        }
        self.waiting.push((at, part));
    }

    fn short(&mut self, at: u64, short: Short) {
        let deleted = short.is_deleted();
        let belongs = self
            .waiting
            .last()
            .is_some_and(|(_, part)| match part.number {
                Some(number) => !deleted && number == 1,
                None => deleted && !short.is_label(),
            });
        let starts = self
            .waiting
            .first()
            .is_some_and(|(_, part)| part.last || deleted);
        let parts = self.waiting.iter().rev().map(|(_, part)| part);
        let mut name = Name {
            at,
            long: None,
            deleted,
            torn: false,
            records: vec![at],
            short,
        };
        if belongs && starts {
            let sum = self
                .waiting
                .last()
                .map(|(_, part)| part.sum)
                .unwrap_or_default();
            let whole = if deleted {
                name.short.with_first_for(sum)
            } else {
                name.short.clone()
            };
            name.torn = whole.sum() != sum || deleted && !whole.is_possible();
            if !name.torn {
                name.long = Some(long_name(parts));
                name.short = whole;
                let ats = self.waiting.iter().map(|&(at, _)| at);
                name.records = ats.chain([at]).collect();
                self.waiting.clear();
            }
        }
        self.drop_waiting();
        self.names.push(name);
    }

    /// Gives up the parts that wait: no entry follows that they belong to. Deleted ones are nothing to tell.
    fn drop_waiting(&mut self) {
        let live = self
            .waiting
            .iter()
            .filter(|(_, part)| part.number.is_some());
        let count = live.clone().count();
        if let Some(&(at, _)) = live.clone().next() {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            let (first, before) = self.strays.unwrap_or((at, 0));
            self.strays = Some((first, before.saturating_add(count)));
        }
        self.waiting.clear();
    }
}

impl Long {
    /// Whether its units read like a part of a name: nothing but padding behind the end.
    fn is_possible(&self) -> bool {
        let end = self.units.iter().position(|&unit| unit == 0);
        let padding = self
            .units
            .iter()
            .skip(end.map_or(self.units.len(), |end| end.saturating_add(1)));
        let number = self.number.is_some_and(|number| (1..=20).contains(&number));
        number && padding.into_iter().all(|&unit| unit == 0xffff)
    }
}

/// Whether a directory starts as every one but the root does: with entries for itself and the one above it.
pub(super) fn starts_with_dots(bytes: &[u8], wide: bool) -> bool {
    let mut records = bytes.chunks_exact(index(RECORD)).take(2);
    length(bytes) >= RECORD
        && records.any(
            |raw| matches!(Record::parse(raw, wide), Some(Record::Short(short)) if short.is_dots()),
        )
}
