//! Directory blocks: entries one after another, and the index blocks of hash trees among them.

use super::checksum::crc32c;
use crate::read::{Fields, length};

/// Bytes of an entry before its name.
const ENTRY: usize = 8;
/// Bytes of the last entry of a block that holds the block's checksum.
const TAIL: usize = 12;

/// One entry of a directory block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot<'a> {
    /// The inode it names; 0 where it names none.
    pub(super) inode: u32,
    /// The name.
    pub(super) name: &'a [u8],
    /// Its bytes, with slack behind the name.
    pub(super) raw: &'a [u8],
    /// How many of its bytes say something.
    pub(super) used: u64,
}

/// Walks the entries of a block.
pub(super) struct Slots<'a> {
    rest: &'a [u8],
    /// Bytes in the block.
    block: usize,
    /// Bytes after each name that also say something (a hash, in encrypted directories that ignore case).
    after_name: usize,
    /// What stopped the walk before the block's end.
    pub(super) broken: Option<&'static str>,
}

impl<'a> Slots<'a> {
    /// Walks `raw`, which holds entries and nothing else.
    pub(super) fn new(raw: &'a [u8], after_name: usize) -> Self {
        Self {
            rest: raw,
            block: raw.len(),
            after_name,
            broken: None,
        }
    }

    fn take(&mut self) -> Result<Slot<'a>, &'static str> {
        let fields = Fields::little(self.rest);
        let too_short = "a directory entry is cut off";
        let inode = fields.u32(0).ok_or(too_short)?;
        let stored = fields.u16(4).ok_or(too_short)?;
        let name_len = usize::from(fields.u8(6).ok_or(too_short)?);
        let len = entry_length(stored, self.block);
        let name_end = ENTRY.saturating_add(name_len);
        let raw = self
            .rest
            .get(..len)
            .ok_or("a directory entry ends behind its block")?;
        let name = raw
            .get(ENTRY..name_end)
            .ok_or("a directory entry is shorter than its name")?;
        if !len.is_multiple_of(4) {
            return Err("a directory entry has a length that is no multiple of 4");
        }
        self.rest = self.rest.get(len..).unwrap_or_default();
        let used = match inode {
            0 => ENTRY,
            _ => name_end.next_multiple_of(4).saturating_add(self.after_name),
        };
        Ok(Slot {
            inode,
            name,
            raw,
            used: u64::try_from(used).unwrap_or(u64::MAX),
        })
    }
}

impl<'a> Iterator for Slots<'a> {
    type Item = Slot<'a>;

    fn next(&mut self) -> Option<Slot<'a>> {
        if self.rest.is_empty() || self.broken.is_some() {
            return None;
        }
        self.take()
            .map_err(|broken| self.broken = Some(broken))
            .ok()
    }
}

/// The length of an entry in a block of `block` bytes.
fn entry_length(stored: u16, block: usize) -> usize {
    let stored = usize::from(stored);
    match stored {
        _ if block <= 0xffff => stored,
        // In blocks of 64 KiB a length may need 17 bits: these two mean all of the block,
        0 | 0xffff => block,
        // and else the two low bits, which are zero in any length, are the high ones.
        _ => (stored & 0xfffc) | (stored & 3) << 16,
    }
}

/// An index block of a hash tree: names nothing that its leaves do not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// Bytes before the first pointer and the pointers in use.
    pub(super) used: u64,
    /// Where the checksum's structure of 8 bytes stands, if there is one.
    tail_at: Option<usize>,
}

impl Index {
    /// Tells whether a block of an indexed directory is an index block; `first` is the directory's first block.
    pub(super) fn of(raw: &[u8], first: bool, checksums: bool) -> Option<Self> {
        let fields = Fields::little(raw);
        let reaches_end = |at: usize| {
            let len = entry_length(fields.u16(at.checked_add(4)?)?, raw.len());
            Some(at.checked_add(len)? == raw.len())
        };
        let start: usize = if first {
            let root = fields.u16(4)? == 12 && reaches_end(12)? && fields.u32(24)? == 0;
            (root && fields.u8(29)? == 8).then_some(32)?
        } else {
            (fields.u32(0)? == 0 && reaches_end(0)?).then_some(8)?
        };
        let tail = if checksums { 8 } else { 0 };
        let room = raw.len().checked_sub(start)?.checked_sub(tail)? / 8;
        let (limit, count) = (
            usize::from(fields.u16(start)?),
            usize::from(fields.u16(start.checked_add(2)?)?),
        );
        if limit != room || count == 0 || count > limit {
            return None;
        }
        let used = start.checked_add(count.checked_mul(8)?)?;
        let tail_at = start.checked_add(limit.checked_mul(8)?)?;
        Some(Self {
            used: u64::try_from(used).ok()?,
            tail_at: checksums.then_some(tail_at),
        })
    }

    /// Whether its checksum holds; `None` where it has none.
    pub(super) fn is_sound(&self, raw: &[u8], seed: u32) -> Option<bool> {
        let tail_at = self.tail_at?;
        let used = raw.get(..usize::try_from(self.used).ok()?)?;
        let tail = Fields::little(raw.get(tail_at..)?);
        let crc = crc32c(crc32c(seed, used), tail.slice(0, 4)?);
        Some(crc32c(crc, &[0; 4]) == tail.u32(4)?)
    }

    /// The block's bytes before its checksum's structure, and how many those are.
    pub(super) fn body<'a>(&self, raw: &'a [u8]) -> (&'a [u8], u64) {
        let body = self.tail_at.and_then(|at| raw.get(..at)).unwrap_or(raw);
        (body, length(body))
    }
}

/// The entries of a leaf block without its checksum, and whether that holds. `None` where it has none.
pub(super) fn leaf_checksum(raw: &[u8], seed: u32) -> Option<bool> {
    let body = raw.get(..raw.len().checked_sub(TAIL)?)?;
    let tail = Fields::little(raw.get(body.len()..)?);
    let marked = tail.u32(0)? == 0 && tail.u16(4)? == 12 && tail.u16(6)? == 0xde00;
    marked.then_some(())?;
    Some(crc32c(seed, body) == tail.u32(8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_up_to_the_first_impossible_one() {
        let mut raw = vec![0; 64];
        raw[..9].copy_from_slice(&[12, 0, 0, 0, 12, 0, 1, 1, b'a']);
        raw[12..22].copy_from_slice(&[13, 0, 0, 0, 52, 0, 2, 1, b'b', b'c']);
        let mut slots = Slots::new(&raw, 0);
        let names: Vec<_> = slots
            .by_ref()
            .map(|slot| (slot.inode, slot.name, slot.used))
            .collect();
        assert_eq!(names, [(12, &b"a"[..], 12), (13, &b"bc"[..], 12)]);
        assert_eq!(slots.broken, None);
        raw[16] = 56;
        let mut slots = Slots::new(&raw, 0);
        assert_eq!(slots.by_ref().count(), 1);
        assert!(slots.broken.is_some());
    }

    #[test]
    fn an_entry_of_no_length_does_not_loop() {
        let raw = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Slots::new(&raw, 0).count(), 0);
        let raw = [1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Slots::new(&raw, 0).count(), 0);
    }
}
