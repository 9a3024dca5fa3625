//! What a decoder finds out on its way: spans and problems, in bounded number whatever the input.

use crate::formats::{Ending, Proof, Reject, Role, Span};
use crate::problem::Problem;

/// From so many spans on, adjacent ones are told as one, whatever their roles.
const FINE: usize = 1 << 16;

/// So many problems are told one by one; the rest are counted.
const TOLD: usize = 64;

/// The spans and problems of one stream.
#[derive(Default)]
pub(in crate::formats) struct Notes {
    spans: Vec<Span>,
    problems: Vec<Problem>,
    untold: u64,
}

impl Notes {
    /// Explains `len` bytes from `at` (bytes from the region's start) as content.
    pub(in crate::formats) fn content(&mut self, at: u64, len: u64) {
        self.explain(Span::content(at, len));
    }

    /// Explains `len` bytes from `at` (bytes from the region's start) as metadata.
    pub(in crate::formats) fn metadata(&mut self, at: u64, len: u64) {
        self.explain(Span::metadata(at, len));
    }

    /// Notes a problem.
    pub(in crate::formats) fn problem(&mut self, problem: Problem) {
        if self.problems.len() < TOLD {
            self.problems.push(problem);
        } else {
            self.untold = self.untold.saturating_add(1);
        }
    }

    /// Whether nothing went wrong so far.
    pub(in crate::formats) fn sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// How a stream of this extent ended.
    pub(in crate::formats) fn ending(self, extent: Result<(u64, Proof), Reject>) -> Ending {
        let (spans, problems) = self.finish();
        Ending {
            extent,
            spans,
            problems,
        }
    }

    /// All that was noted.
    pub(in crate::formats) fn finish(mut self) -> (Vec<Span>, Vec<Problem>) {
        if self.untold > 0 {
            let detail = format!("{} more problems of the same stream", self.untold);
            self.problems.push(Problem::corrupt(detail));
        }
        (self.spans, self.problems)
    }

    fn explain(&mut self, span: Span) {
        if span.len == 0 {
            return;
        }
        let many = self.spans.len() >= FINE;
        if let Some(last) = self.spans.last_mut() {
            let adjacent = last.at.checked_add(last.len) == Some(span.at);
            if adjacent && (many || last.role == span.role) {
                last.len = last.len.saturating_add(span.len);
                if last.role != span.role {
                    last.role = Role::Content;
                }
                return;
            }
        }
        self.spans.push(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_spans_nor_problems_grow_without_bound() {
        let mut notes = Notes::default();
        for at in 0..200_000 {
            notes.metadata(at * 2, 1);
            notes.content(at * 2 + 1, 1);
            notes.problem(Problem::corrupt("again"));
        }
        let (spans, problems) = notes.finish();
        assert_eq!(spans.len(), FINE);
        assert_eq!(spans.iter().map(|span| span.len).sum::<u64>(), 400_000);
        assert_eq!(problems.len(), TOLD + 1);
        assert!(problems[TOLD].detail.starts_with("199936 more"));
    }
}
