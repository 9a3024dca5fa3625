//! One problem for many of a kind: a broken image may have as many as it has blocks.

use crate::problem::Problem;

/// Problems of one kind: the first, and how many came after it.
#[derive(Default)]
pub(super) struct Tally {
    first: Option<Problem>,
    more: u64,
}

impl Tally {
    /// Counts a problem, which is made only when it is the first.
    pub(super) fn add(&mut self, make: impl FnOnce() -> Problem) {
        match self.first {
            None => self.first = Some(make()),
            Some(_) => self.more = self.more.saturating_add(1),
        }
    }

    /// The problem that stands for all.
    pub(super) fn told(self) -> Option<Problem> {
        let mut problem = self.first?;
        if self.more > 0 {
            problem.detail = format!("{}; {} more like it", problem.detail, self.more);
        }
        Some(problem)
    }
}
