//! What formats share that state bytes and addresses in lines of text.

use bytes::{Bytes, BytesMut};

use crate::budget::Budget;
use crate::formats::told::Problems;
use crate::formats::{Content, Extent, Opened, Proof, Properties, Reject, Span};
use crate::memory::{Memory, Run};
use crate::problem::{Problem, ProblemKind};
use crate::read::length;

/// No line of these formats is longer: 255 bytes in hexadecimal digits, and what stands around them.
const LONGEST_LINE: usize = 600;
/// The problems that one region tells of addresses with two contents.
const TOLD_CONFLICTS: usize = 16;

/// One line, without its end.
pub(super) struct Line<'a> {
    /// Where it starts, in bytes from the region's start.
    pub(super) at: usize,
    pub(super) text: &'a [u8],
}

/// The lines from `from` on: they end with a line feed, a carriage return, both, or with the text. Nothing behind a line that is
/// too long is one.
pub(super) fn lines(text: &[u8], from: usize) -> impl Iterator<Item = Line<'_>> {
    let mut at = from;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let window = rest.get(..LONGEST_LINE).unwrap_or(rest);
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let len = match window.iter().position(ends) {
            Some(len) => len,
            None if window.len() == rest.len() => rest.len(),
            None => return None,
        };
        let line = Line {
            at,
            text: rest.get(..len)?,
        };
        at = after(text, at.saturating_add(len));
        Some(line)
    })
}

/// Where the next line starts after a line that ends at `end`.
pub(super) fn after(text: &[u8], end: usize) -> usize {
    let breaks = match text.get(end..).unwrap_or_default() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    };
    end.saturating_add(breaks)
}

/// The bytes that hexadecimal digits stand for; `None` for anything else or an odd digit.
pub(super) fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
    pairs.iter().map(byte).collect()
}

/// What the lines of one file say, as it is collected.
#[derive(Default)]
pub(super) struct Collected {
    pieces: Vec<(u64, BytesMut)>,
    len: u64,
    pub(super) problems: Problems,
    pub(super) properties: Properties,
}

impl Collected {
    /// Loads bytes at an address.
    pub(super) fn load(&mut self, address: u64, bytes: &[u8]) {
        self.len = self.len.saturating_add(length(bytes));
        if let Some((start, last)) = self.pieces.last_mut()
            && start.checked_add(length(last)) == Some(address)
        {
            return last.extend_from_slice(bytes);
        }
        self.pieces.push((address, BytesMut::from(bytes)));
    }

    /// What a region of `len` bytes holds that said all this; `ended` when its last line did.
    pub(super) fn open(mut self, len: u64, ended: bool, budget: &Budget) -> Opened {
        if !ended {
            let problem = Problem::corrupt("the line that ends the file is missing");
            self.problems.push(problem.at(len));
        }
        let spans = vec![Span::content(0, len)];
        if let Err(problem) = budget.spend_decoded(self.len) {
            return Opened {
                spans,
                ..Opened::unread(problem)
            };
        }
        let pieces = self.pieces.into_iter().map(|(address, bytes)| Run {
            address,
            bytes: bytes.freeze(),
        });
        let memory = loaded(pieces.collect(), |problem| self.problems.push(problem));
        Opened {
            content: Content::Memory(memory),
            spans,
            problems: self.problems.into_vec(),
            properties: self.properties,
        }
    }
}

/// What is loaded when these pieces are; tells of addresses at which two of them differ.
pub(super) fn loaded(pieces: Vec<Run>, mut tell: impl FnMut(Problem)) -> Memory {
    let (memory, conflicts) = Memory::new(pieces);
    for address in conflicts.iter().take(TOLD_CONFLICTS) {
        tell(Problem::new(
            ProblemKind::Corrupt,
            format!("what is loaded at 0x{address:x} differs from what was loaded there before"),
        ));
    }
    if conflicts.len() > TOLD_CONFLICTS {
        tell(Problem::corrupt(format!(
            "{} addresses are loaded twice with other bytes",
            conflicts.len()
        )));
    }
    memory
}

/// What a line is to the one who measures a file.
pub(super) struct Seen {
    /// It loads something, and its checksum holds.
    pub(super) loads: bool,
    /// No line of the file follows.
    pub(super) ends: bool,
}

/// How far the lines reach that `see` knows, up to the last line of the file.
pub(super) fn measure(text: &[u8], see: impl Fn(&[u8]) -> Option<Seen>) -> Result<Extent, Reject> {
    let (mut end, mut loads) = (0, false);
    for line in lines(text, 0) {
        let Some(seen) = see(line.text) else {
            break;
        };
        end = after(text, line.at.saturating_add(line.text.len()));
        loads |= seen.loads;
        if seen.ends {
            break;
        }
    }
    if !loads {
        return Err(Reject::Coincidence("no line of data with its checksum"));
    }
    Ok(extent(end, Proof::Checksum))
}

/// A region of records that ends at `end`, bytes from its start.
pub(super) fn extent(end: usize, proof: Proof) -> Extent {
    Extent::known(u64::try_from(end).unwrap_or(u64::MAX), proof)
}

/// Bytes as one of several pieces of memory.
pub(super) fn piece(address: u64, bytes: Bytes) -> Run {
    Run { address, bytes }
}
