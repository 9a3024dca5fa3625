//! Which bytes of the region belong to older contents.

use std::collections::BTreeMap;

use crate::formats::Span;

/// Ranges of bytes that do not overlap: the first byte of each with the byte behind its last.
#[derive(Default)]
pub(super) struct Taken(BTreeMap<u64, u64>);

impl Taken {
    /// Adds the bytes of a span, also where some of them are taken.
    pub(super) fn add(&mut self, span: &Span) {
        let (mut start, mut end) = (span.at, span.at.saturating_add(span.len));
        while let Some((&before, &reached)) = self.0.range(..=end).next_back()
            && reached >= start
        {
            self.0.remove(&before);
            start = start.min(before);
            end = end.max(reached);
        }
        self.0.insert(start, end);
    }

    /// Whether any byte of a span is taken.
    pub(super) fn meets(&self, span: &Span) -> bool {
        let end = span.at.saturating_add(span.len);
        let before = self.0.range(..end).next_back();
        before.is_some_and(|(_, &reached)| reached > span.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_and_met() {
        let mut taken = Taken::default();
        for (at, len) in [(10, 5), (30, 5), (12, 20)] {
            taken.add(&Span::content(at, len));
        }
        assert_eq!(taken.0, BTreeMap::from([(10, 35)]));
        assert!(taken.meets(&Span::content(0, 11)));
        assert!(taken.meets(&Span::content(34, 1)));
        assert!(!taken.meets(&Span::content(0, 10)));
        assert!(!taken.meets(&Span::content(35, 9)));
    }
}
