//! The account of a stream's bytes: each is content, metadata, fill or unknown, and the sums add up exactly.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::gaps::GapKind;
use crate::formats::{Role, Span};

/// How many bytes are what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// All of them.
    pub bytes: u64,
    /// Content of files or of payloads.
    pub content: u64,
    /// What formats need for themselves.
    pub metadata: u64,
    /// Constant fill that no format claims.
    pub fill: u64,
    /// Everything else.
    pub unknown: u64,
}

impl Coverage {
    /// Counts explained bytes.
    pub(super) fn count(&mut self, role: Role, len: u64) {
        let part = match role {
            Role::Content => &mut self.content,
            Role::Metadata => &mut self.metadata,
        };
        *part = part.saturating_add(len);
        self.bytes = self.bytes.saturating_add(len);
    }

    /// Counts the bytes of a gap.
    pub(super) fn count_gap(&mut self, kind: GapKind, len: u64) {
        let part = match kind {
            GapKind::Fill { .. } => &mut self.fill,
            GapKind::Unknown { .. } => &mut self.unknown,
        };
        *part = part.saturating_add(len);
        self.bytes = self.bytes.saturating_add(len);
    }
}

/// The spans of a region without overlap: sorted, cut to `len` and to what `taken` (sorted, disjoint) leaves free;
/// where spans overlap, content wins.
pub(super) fn paint(spans: &[Span], taken: &[Range<u64>], len: u64) -> Vec<(Range<u64>, Role)> {
    let content = free(union(spans, Role::Content, len), taken);
    let metadata = free(union(spans, Role::Metadata, len), taken);
    let metadata = free(metadata, &content);
    let mut painted: Vec<_> = content
        .into_iter()
        .map(|range| (range, Role::Content))
        .collect();
    painted.extend(metadata.into_iter().map(|range| (range, Role::Metadata)));
    painted.sort_by_key(|(range, _)| range.start);
    painted
}

fn union(spans: &[Span], role: Role, len: u64) -> Vec<Range<u64>> {
    let ranges = spans.iter().filter(|span| span.role == role);
    merge(
        ranges
            .map(|span| span.at.min(len)..span.at.saturating_add(span.len).min(len))
            .collect(),
    )
}

/// Sorts ranges and joins those that touch.
pub(super) fn merge(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// What is left of `ranges` outside `taken`; both sorted and disjoint.
fn free(ranges: Vec<Range<u64>>, taken: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::with_capacity(ranges.len());
    let mut taken = taken.iter().peekable();
    for range in ranges {
        let mut from = range.start;
        while let Some(next) = taken.peek() {
            if next.end <= from {
                taken.next();
                continue;
            }
            if next.start >= range.end {
                break;
            }
            if next.start > from {
                left.push(from..next.start);
            }
            from = next.end;
            if from >= range.end {
                break;
            }
        }
        if from < range.end {
            left.push(from..range.end);
        }
    }
    left
}

/// What `taken` (sorted, disjoint) leaves free of `within`.
pub(super) fn complement(taken: &[Range<u64>], within: Range<u64>) -> Vec<Range<u64>> {
    if within.is_empty() {
        return Vec::new();
    }
    free(vec![within], taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn painted_spans_and_their_complement_tile_the_region() {
        let spans = [
            Span::metadata(0, 10),
            Span::content(5, 10),
            Span::content(12, 8),
            Span::metadata(90, u64::MAX),
            Span::content(200, 5),
        ];
        let painted = paint(&spans, std::slice::from_ref(&(16..18)), 100);
        assert_eq!(
            painted,
            [
                (0..5, Role::Metadata),
                (5..16, Role::Content),
                (18..20, Role::Content),
                (90..100, Role::Metadata)
            ]
        );
        let ranges: Vec<_> = painted.into_iter().map(|(range, _)| range).collect();
        assert_eq!(complement(&ranges, 0..100), [16..18, 20..90]);
    }

    #[test]
    fn free_handles_one_taken_range_over_many() {
        assert_eq!(
            free(vec![0..4, 6..8, 9..12], std::slice::from_ref(&(2..10))),
            [0..2, 10..12]
        );
        assert_eq!(complement(&[], 3..3), []);
    }
}
