//! A set of byte ranges that grow together where they touch.

use std::collections::BTreeMap;

use crate::formats::Span;

/// Ranges of a region, in bytes from its start; touching and overlapping ones are one.
#[derive(Default)]
pub(super) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds the `len` bytes at `at`.
    pub(super) fn add(&mut self, at: u64, len: u64) {
        let (mut start, mut end) = (at, at.saturating_add(len));
        if start == end {
            return;
        }
        while let Some((&low, &high)) = self.0.range(..=end).next_back() {
            if high < start {
                break;
            }
            self.0.remove(&low);
            start = start.min(low);
            end = end.max(high);
        }
        self.0.insert(start, end);
    }

    /// What of the bytes from `start` to `end` lies in no range: each piece's first byte, and where it ends.
    pub(super) fn gaps(&self, start: u64, end: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let before = self.0.range(..=start).next_back();
        let mut at = before.map_or(start, |(_, &high)| high.max(start));
        for (&low, &high) in self.0.range(start..end) {
            if low > at {
                gaps.push((at, low));
            }
            at = at.max(high);
        }
        if at < end {
            gaps.push((at, end));
        }
        gaps
    }

    /// The ranges as spans, lowest first, each made by `role` from its offset and length.
    pub(super) fn spans(&self, role: fn(u64, u64) -> Span) -> impl Iterator<Item = Span> {
        self.0
            .iter()
            .map(move |(&start, &end)| role(start, end.saturating_sub(start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_and_overlapping_ranges_become_one() {
        let mut ranges = Ranges::default();
        for (at, len) in [(10, 5), (30, 5), (15, 5), (0, 2), (18, 13), (40, 0), (1, 3)] {
            ranges.add(at, len);
        }
        let spans: Vec<Span> = ranges.spans(Span::content).collect();
        assert_eq!(spans, [Span::content(0, 4), Span::content(10, 25)]);
        assert_eq!(ranges.gaps(2, 40), [(4, 10), (35, 40)]);
        assert_eq!(ranges.gaps(5, 8), [(5, 8)]);
        assert_eq!(ranges.gaps(12, 30), []);
    }
}
