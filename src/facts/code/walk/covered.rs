//! Which bytes of a function were gone through.

use std::collections::BTreeMap;

/// From where to where, by the first byte.
#[derive(Default)]
pub(super) struct Covered(BTreeMap<u64, u64>);

impl Covered {
    /// A run that starts somewhere reaches up to an address.
    pub(super) fn reach(&mut self, from: u64, to: u64) {
        self.0.insert(from, to);
    }

    /// Bytes that are no instructions.
    pub(super) fn skip(&mut self, from: u64, length: u64) {
        if !self.has(from) {
            self.0.insert(from, from.saturating_add(length));
        }
    }

    pub(super) fn has(&self, at: u64) -> bool {
        self.end(at).is_some()
    }

    fn end(&self, at: u64) -> Option<u64> {
        let (_, &end) = self.0.range(..=at).next_back()?;
        (at < end).then_some(end)
    }

    /// The first address behind one where a run starts; the last of all where none does.
    pub(super) fn next(&self, at: u64) -> u64 {
        let next = self.0.range(at.saturating_add(1)..).next();
        next.map_or(u64::MAX, |(&from, _)| from)
    }

    /// The first address, from one on, that was not gone through.
    pub(super) fn first_left(&self, mut at: u64) -> u64 {
        while let Some(end) = self.end(at) {
            at = end;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_found_behind_and_between() {
        let mut covered = Covered::default();
        covered.reach(0x10, 0x20);
        covered.reach(0x10, 0x24);
        covered.reach(0x30, 0x40);
        covered.skip(0x24, 4);
        covered.skip(0x32, 4);
        assert!(covered.has(0x26) && covered.has(0x3c));
        assert!(!covered.has(0xf) && !covered.has(0x28) && !covered.has(0x40));
        assert_eq!(covered.first_left(0x12), 0x28);
        covered.reach(0x28, 0x30);
        assert_eq!(covered.first_left(0x12), 0x40);
        assert_eq!(covered.first_left(0x44), 0x44);
    }
}
