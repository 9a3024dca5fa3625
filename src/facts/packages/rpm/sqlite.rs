//! The rows of one table of an `SQLite` database.
//!
//! Specification: "Database File Format", sqlite.org/fileformat2.html.

use super::{LONGEST, Lost, Pages, Record};
use crate::read::Fields;

const MAGIC: &[u8] = b"SQLite format 3\0";

/// The length of the header, behind which the first page's tree starts (bytes).
const HEADER: usize = 100;

/// Kinds of pages.
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// The lengths of what starts them (bytes).
const INTERIOR_HEAD: usize = 12;
const LEAF_HEAD: usize = 8;

/// Whether bytes are the start of a database.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Whether they are that of a log of changes that are still to be written into one.
pub(super) fn is_log(bytes: &[u8]) -> bool {
    matches!(bytes, [0x37, 0x7f, 0x06, 0x82 | 0x83, ..])
}

/// Hands on the second column of each row of a table, in the order of their numbers.
pub(super) fn rows(bytes: &[u8], table: &[u8], each: &mut dyn FnMut(Record)) -> Result<(), Lost> {
    let mut root = None;
    let mut schema = Tree::new(bytes).ok_or(Lost)?;
    let found = schema.walk(1, &mut |row: Record| {
        let Some(bytes) = row.bytes else { return };
        // A kind, a name, the name of the table it belongs to, the page of its root.
        let column = |number| column(&bytes, number).map(|(_, value)| value);
        if column(0) == Some(b"table") && column(1) == Some(table) {
            let page = column(3).unwrap_or_default().iter();
            root = Some(page.fold(0_u32, |number, byte| number << 8 | u32::from(*byte)));
        }
    });
    let Some(root) = root else {
        return Err(Lost);
    };
    found?;
    let blob = &mut |mut row: Record| {
        let found = row.bytes.as_deref().and_then(|bytes| column(bytes, 1));
        let found = found.map(|(from, value)| (from, value.to_vec()));
        row.at = row
            .at
            .saturating_add(found.as_ref().map_or(0, |(from, _)| *from));
        row.bytes = found.map(|(_, value)| value);
        each(row);
    };
    Tree::new(bytes).ok_or(Lost)?.walk(root, blob)
}

/// The tree of a table.
struct Tree<'a> {
    pages: Pages<'a>,
    /// The bytes of a page that are used.
    usable: usize,
}

impl<'a> Tree<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let fields = Fields::big(bytes);
        let size = match fields.u16(16)? {
            1 => 1 << 16,
            size => usize::from(size),
        };
        let usable = size.checked_sub(usize::from(fields.u8(20)?))?;
        let is_valid = size.is_power_of_two() && size >= 512 && usable >= 480;
        is_valid.then(|| Self {
            pages: Pages::new(bytes, size),
            usable,
        })
    }

    /// Hands on the rows below a page.
    fn walk(&mut self, root: u32, each: &mut dyn FnMut(Record)) -> Result<(), Lost> {
        let (mut left, mut result) = (vec![root], Ok(()));
        while let Some(number) = left.pop() {
            if self.page(number, &mut left, each).is_none() {
                result = Err(Lost);
            }
        }
        result
    }

    fn page(
        &mut self,
        number: u32,
        left: &mut Vec<u32>,
        each: &mut dyn FnMut(Record),
    ) -> Option<()> {
        let (start, page) = self.pages.take(number.checked_sub(1)?)?;
        let head = if number == 1 { HEADER } else { 0 };
        let fields = Fields::big(page);
        let kind = fields.u8(head)?;
        let head_len = match kind {
            INTERIOR => INTERIOR_HEAD,
            LEAF => LEAF_HEAD,
            _ => return None,
        };
        let cells_at = head.checked_add(head_len)?;
        let count = usize::from(fields.u16(head.checked_add(3)?)?);
        let cells = fields.slice(cells_at, count.checked_mul(2)?)?;
        let cells = cells.as_chunks::<2>().0.iter();
        let cells = cells.map(|at| usize::from(u16::from_be_bytes(*at)));
        if kind == INTERIOR {
            // No two cells lead to one page.
            if left.len().checked_add(count)? > self.pages.count() {
                return None;
            }
            // The last to be followed is put down first.
            left.push(fields.u32(head.checked_add(8)?)?);
            for cell in cells.rev() {
                left.push(fields.u32(cell)?);
            }
            return Some(());
        }
        // Cells do not overlap. Those that share their bytes would be work without end.
        let mut room = self.usable;
        for cell in cells {
            let (at, used, payload) = self.cell(page, cell)?;
            room = room.checked_sub(used)?;
            each(Record {
                at: crate::read::length(page.get(..at)?).checked_add(u64::try_from(start).ok()?)?,
                bytes: payload,
            });
        }
        Some(())
    }

    /// Where the payload of a cell starts in its page, how many bytes of it are there, and all of it.
    fn cell(&mut self, page: &[u8], at: usize) -> Option<(usize, usize, Option<Vec<u8>>)> {
        let (len, rest) = varint(page.get(..self.usable)?.get(at..)?)?;
        let (_number, rest) = varint(rest)?;
        let at = self.usable.checked_sub(rest.len())?;
        let len = usize::try_from(len).ok()?;
        let local = self.local(len)?;
        let here = rest.get(..local)?;
        if local == len {
            return Some((at, local, Some(here.to_vec())));
        }
        let next = Fields::big(rest).u32(local)?;
        Some((at, local, self.overflow(here, len, next)))
    }

    /// How many bytes of a payload stand in the cell.
    fn local(&self, len: usize) -> Option<usize> {
        let most = self.usable.checked_sub(35)?;
        if len <= most {
            return Some(len);
        }
        let least = self.usable.checked_sub(12)?.checked_mul(32)? / 255;
        let least = least.checked_sub(23)?;
        let over = len.checked_sub(least)?;
        let local = least.checked_add(over.checked_rem(self.usable.checked_sub(4)?)?)?;
        Some(if local <= most { local } else { least })
    }

    /// A payload that goes on in other pages.
    fn overflow(&mut self, here: &[u8], len: usize, mut next: u32) -> Option<Vec<u8>> {
        if len > LONGEST {
            return None;
        }
        let mut payload = here.to_vec();
        while payload.len() < len {
            let (_, page) = self.pages.take(next.checked_sub(1)?)?;
            next = Fields::big(page).u32(0)?;
            let part = page.get(4..self.usable)?;
            let wanted = len.saturating_sub(payload.len()).min(part.len());
            payload.extend_from_slice(part.get(..wanted)?);
        }
        Some(payload)
    }
}

/// A column of a row, and where in the row it starts (bytes).
fn column(row: &[u8], wanted: usize) -> Option<(u64, &[u8])> {
    let (head, _) = varint(row)?;
    let (mut head, mut values) = row.split_at_checked(usize::try_from(head).ok()?)?;
    head = varint(head)?.1;
    for number in 0..=wanted {
        let (kind, rest) = varint(head)?;
        head = rest;
        let len = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            12.. => (kind.checked_sub(12)?) / 2,
            _ => return None,
        };
        let (value, rest) = values.split_at_checked(usize::try_from(len).ok()?)?;
        values = rest;
        if number == wanted {
            let behind = value.len().checked_add(rest.len())?;
            let from = row.len().checked_sub(behind)?;
            return Some((u64::try_from(from).ok()?, value));
        }
    }
    None
}

/// A number of up to nine bytes, seven bits each but for all of the ninth; and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (at, &byte) in bytes.iter().enumerate().take(9) {
        let rest = bytes.get(at.checked_add(1)?..)?;
        if at == 8 {
            return Some((number << 8 | u64::from(byte), rest));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, rest));
        }
    }
    None
}
