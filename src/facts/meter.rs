//! Bounds the work that one content may cost: its tables can point at the same bytes over and over.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::problem::Problem;
use crate::read::length;

/// Longest symbol that is kept, in bytes; C++ makes some of several KiB.
pub(super) const SYMBOL_MAX: usize = 64 << 10;
/// Longest other name that is kept, in bytes: what the Linux kernel allows a path.
pub(super) const NAME_MAX: usize = 4096;

/// Bytes of work that are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    left: u64,
    spent: bool,
}

impl Meter {
    /// Room for `times` the size of the content, and for 64 KiB in any case.
    pub(super) fn new(content: &[u8], times: u64) -> Self {
        Self {
            left: length(content).saturating_mul(times).max(64 << 10),
            spent: false,
        }
    }

    /// Takes so many bytes, or none and remembers that it was asked for too much.
    pub(super) fn take(&mut self, bytes: u64) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.spent = true,
        }
        !self.spent
    }

    /// The problem to report when something was refused: `what` was left out.
    pub(super) fn problem(self, what: &str) -> Option<Problem> {
        self.spent.then(|| {
            Problem::limit(format!(
                "the tables name the same bytes too often: {what} left out"
            ))
        })
    }
}

/// Digests of ranges of one content: each range is hashed once, and overlaps cannot multiply the cost.
pub(super) struct Digests<'a> {
    bytes: &'a [u8],
    known: BTreeMap<(usize, usize), Digest>,
    meter: Meter,
}

impl<'a> Digests<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            known: BTreeMap::new(),
            meter: Meter::new(bytes, 2),
        }
    }

    /// The digest of `len` bytes at `at`; `None` when they are not all there or the limit is reached.
    pub(super) fn of(&mut self, at: usize, len: usize) -> Option<Digest> {
        let range = self.bytes.get(at..at.checked_add(len)?)?;
        if let Some(digest) = self.known.get(&(at, len)) {
            return Some(*digest);
        }
        if !self.meter.take(length(range)) {
            return None;
        }
        let digest = Digest::of(range);
        self.known.insert((at, len), digest);
        Some(digest)
    }

    /// The problem to report when a digest was refused.
    pub(super) fn problem(&self) -> Option<Problem> {
        self.meter.problem("section digests are")
    }
}

/// The bytes at `at` up to the next NUL, at most `max` of them, or to the end of the table when no NUL follows;
/// `None` past its end.
pub(super) fn string_at(table: &[u8], at: usize, max: usize) -> Option<&[u8]> {
    let rest = table.get(at..)?;
    let reach = rest.get(..max).unwrap_or(rest);
    let end = memchr::memchr(0, reach).unwrap_or(reach.len());
    reach.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_remembered() {
        let mut meter = Meter::new(&[0; 10], 1);
        assert!(meter.take(64 << 10));
        assert!(meter.problem("x").is_none());
        assert!(!meter.take(1));
        assert!(!meter.take(0), "nothing is left out in the middle");
        assert!(meter.problem("x").is_some());
    }

    #[test]
    fn strings_end_at_nul_or_table() {
        assert_eq!(string_at(b"ab\0c", 0, 9), Some(&b"ab"[..]));
        assert_eq!(string_at(b"ab\0c", 3, 9), Some(&b"c"[..]));
        assert_eq!(string_at(b"ab\0c", 4, 9), Some(&b""[..]));
        assert_eq!(string_at(b"ab\0c", 5, 9), None);
        assert_eq!(string_at(b"abc", 0, 2), Some(&b"ab"[..]));
    }
}
