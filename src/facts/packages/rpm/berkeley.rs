//! The records of a hash of Berkeley DB.
//!
//! Specification: Berkeley DB 5.3, `dbinc/db_page.h`.

use super::{LONGEST, Lost, Pages, Record};
use crate::read::{Endian, Fields};

const MAGIC: u32 = 0x0006_1561;

/// The length of what starts a page (bytes).
const HEAD: usize = 26;

/// Kinds of pages.
const UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;

/// Kinds of items: bytes that follow, and the number of a page that they start in.
const HERE: u8 = 1;
const ELSEWHERE: u8 = 3;

/// A database.
pub(super) struct Database<'a> {
    pages: Pages<'a>,
    endian: Endian,
    /// How many pages it has by its own account.
    count: usize,
}

impl<'a> Database<'a> {
    /// The hash that bytes are, of either byte order.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let is_magic = |endian: &Endian| Fields::new(bytes, *endian).u32(12) == Some(MAGIC);
        let endian = [Endian::Little, Endian::Big].into_iter().find(is_magic)?;
        let fields = Fields::new(bytes, endian);
        let size = usize::try_from(fields.u32(20)?).ok()?;
        let is_valid = size.is_power_of_two() && (512..=1 << 16).contains(&size);
        let last = usize::try_from(fields.u32(32)?).ok()?;
        is_valid.then(|| Self {
            pages: Pages::new(bytes, size),
            endian,
            count: last.saturating_add(1),
        })
    }

    /// Hands on the value of each record, in the order of the file.
    pub(super) fn records(mut self, each: &mut dyn FnMut(Record)) -> Result<(), Lost> {
        let mut result = Ok(());
        // The first page describes the others.
        for number in 1..self.count.min(self.pages.count()) {
            let Some((at, page)) = self.pages.get(number) else {
                break;
            };
            let fields = Fields::new(page, self.endian);
            if !matches!(fields.u8(25), Some(UNSORTED | HASH)) {
                continue;
            }
            if self.page(at, page, number, each).is_none() {
                result = Err(Lost);
            }
        }
        if self.count > self.pages.count() {
            return Err(Lost);
        }
        result
    }

    fn page(
        &mut self,
        start: usize,
        page: &[u8],
        number: usize,
        each: &mut dyn FnMut(Record),
    ) -> Option<()> {
        let fields = Fields::new(page, self.endian);
        if usize::try_from(fields.u32(8)?).ok()? != number {
            return None;
        }
        let count = usize::from(fields.u16(20)?);
        let (mut end, mut key) = (page.len(), None);
        for item in 0..count {
            let slot = HEAD.checked_add(item.checked_mul(2)?)?;
            let at = usize::from(fields.u16(slot)?);
            // Items stand behind one another from the page's end on: none can be told twice.
            let bytes = page.get(at..end).filter(|bytes| !bytes.is_empty())?;
            end = at;
            let Some(key) = key.take() else {
                key = Some(bytes);
                continue;
            };
            // The record of this key counts the others.
            if key != [HERE, 0, 0, 0, 0] {
                each(self.record(start.checked_add(at)?, bytes));
            }
        }
        key.is_none().then_some(())
    }

    /// The value of an item that stands at a byte of the file.
    fn record(&mut self, at: usize, item: &[u8]) -> Record {
        let fields = Fields::new(item, self.endian);
        let elsewhere = (fields.u8(0) == Some(ELSEWHERE))
            .then(|| fields.u32(4))
            .flatten();
        let bytes = match elsewhere {
            Some(page) => fields.u32(8).and_then(|len| self.chain(page, len)),
            None => item.strip_prefix(&[HERE]).map(<[u8]>::to_vec),
        };
        let page = elsewhere.and_then(|page| usize::try_from(page).ok());
        let (start, head) = match page {
            Some(page) => (page.saturating_mul(self.pages.size), HEAD),
            None => (at, 1),
        };
        Record {
            at: u64::try_from(start.saturating_add(head)).unwrap_or(u64::MAX),
            bytes,
        }
    }

    /// A value in pages of its own.
    fn chain(&mut self, mut next: u32, len: u32) -> Option<Vec<u8>> {
        let (len, mut value) = (usize::try_from(len).ok()?, Vec::new());
        while value.len() < len && len <= LONGEST {
            let (_, page) = self.pages.take(next)?;
            let fields = Fields::new(page, self.endian);
            if fields.u8(25)? != OVERFLOW || fields.u32(8)? != next {
                return None;
            }
            value.extend_from_slice(fields.slice(HEAD, usize::from(fields.u16(22)?))?);
            next = fields.u32(16)?;
        }
        (value.len() == len).then_some(value)
    }
}
