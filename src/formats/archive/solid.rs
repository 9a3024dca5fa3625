//! Many files compressed as one: decoded once, in order, into the spool. The files are slices of that.

use std::io::{Read, Write as _};

use bytes::Bytes;

use crate::budget::Budget;
use crate::problem::Problem;
use crate::read::length;

/// Bytes decoded at a time.
const PIECE: usize = 64 << 10;

/// Reads `reader` to its end; `stored` is how many bytes it reads from, and `look` is shown each piece. What could be
/// decoded is returned in any case, with why it was not more.
pub(super) fn decode(
    reader: &mut dyn Read,
    stored: u64,
    budget: &Budget,
    look: &mut dyn FnMut(&[u8]),
) -> (Bytes, Option<Problem>) {
    let mut stream = budget.spool().stream();
    let mut buffer = vec![0; PIECE];
    let mut problem = None;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(_) => {
                problem = Some(Problem::corrupt("the compressed data is damaged"));
                break;
            }
        };
        let piece = buffer.get(..count).unwrap_or_default();
        let spent = budget
            .spend_decoded(length(piece))
            .and_then(|()| budget.check_ratio(stored, stream.written()));
        if let Err(limit) = spent {
            problem = Some(limit);
            break;
        }
        look(piece);
        if let Err(error) = stream.write_all(piece) {
            let detail = format!("the decoded bytes cannot be kept: {error}");
            problem = Some(Problem::limit(detail));
            break;
        }
    }
    match stream.finish() {
        Ok(bytes) => (bytes, problem),
        Err(error) => {
            let detail = format!("the decoded bytes cannot be kept: {error}");
            (Bytes::new(), Some(Problem::limit(detail)))
        }
    }
}
