//! Decoding one stream to its end, within the budget.

use std::io::Write;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::{Decode, Ending};
use crate::image::map;
use crate::problem::Problem;
use crate::read::length;

/// A decoded stream.
pub(super) struct Drained {
    /// What came out.
    pub(super) bytes: Bytes,
    /// How it ended.
    pub(super) ending: Ending,
    /// Whether a limit stopped it before its end.
    pub(super) stopped: bool,
}

/// Reads `decoder` to its end; `stored` is how many bytes it may have read from.
pub(super) fn drain(mut decoder: Box<dyn Decode>, stored: u64, budget: &Budget) -> Drained {
    let mut stream = budget.spool().stream();
    let mut buffer = vec![0; 256 << 10];
    let mut problem = None;
    loop {
        let count = match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => {
                problem = Some(Problem::corrupt(error.to_string()));
                break;
            }
        };
        let part = buffer.get(..count).unwrap_or_default();
        let spent = budget
            .spend_decoded(length(part))
            .and_then(|()| budget.check_ratio(stored, stream.written()));
        if let Err(limit) = spent {
            problem = Some(limit);
            break;
        }
        map::touched(length(part));
        if let Err(error) = stream.write_all(part) {
            problem = Some(Problem::limit(format!(
                "the decoded bytes cannot be kept: {error}"
            )));
            break;
        }
    }
    let stopped = problem
        .as_ref()
        .is_some_and(|problem| problem.kind == crate::problem::ProblemKind::Limit);
    let mut ending = decoder.finish();
    ending.problems.extend(problem);
    let bytes = stream.finish().unwrap_or_else(|error| {
        let detail = format!("the decoded bytes cannot be kept: {error}");
        ending.problems.push(Problem::limit(detail));
        Bytes::new()
    });
    Drained {
        bytes,
        ending,
        stopped,
    }
}
