//! Problems, as many as anyone will read: a damaged log may have one a node.

use crate::problem::Problem;

/// So many problems are told one by one.
const TOLD: usize = 500;

/// The problems of one region.
#[derive(Default)]
pub(super) struct Problems {
    told: Vec<Problem>,
    untold: u64,
}

impl Problems {
    /// Tells of one more.
    pub(super) fn push(&mut self, problem: Problem) {
        if self.told.len() < TOLD {
            self.told.push(problem);
        } else {
            self.untold = self.untold.saturating_add(1);
        }
    }

    /// All of them, the last of which counts those that are not told.
    pub(super) fn into_vec(mut self) -> Vec<Problem> {
        if self.untold > 0 {
            self.told.push(Problem::corrupt(format!(
                "{} more problems like these",
                self.untold
            )));
        }
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted() {
        let mut problems = Problems::default();
        for _ in 0..TOLD.saturating_add(7) {
            problems.push(Problem::corrupt("again"));
        }
        let told = problems.into_vec();
        assert_eq!(told.len(), TOLD.saturating_add(1));
        assert_eq!(
            told.last().map(|last| last.detail.as_str()),
            Some("7 more problems like these")
        );
    }
}
