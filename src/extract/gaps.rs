//! What nobody claimed: fill (one constant byte) or unknown, with its entropy.

use std::ops::Range;

use serde::Serialize;

use crate::read::{index, length};

/// What a gap holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum GapKind {
    /// One byte value over and over.
    Fill {
        /// The value.
        byte: u8,
    },
    /// Anything else.
    Unknown {
        /// Shannon entropy in bits per byte, rounded to two decimals: 8 is noise, 0 a constant.
        entropy: f64,
    },
}

impl GapKind {
    /// Whether its bytes are unexplained.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// A constant run at either end of a gap is fill from so many bytes on.
const EDGE_RUN: u64 = 16;
/// A constant run inside a gap is fill from so many bytes on.
const INNER_RUN: u64 = 4096;

/// Splits a gap into fill and unknown pieces that tile it; ranges count from its start.
pub(super) fn classify(bytes: &[u8]) -> Vec<(Range<u64>, GapKind)> {
    let len = length(bytes);
    let mut pieces = Vec::new();
    let mut unknown_from = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(index(at)) {
        let end = at.saturating_add(run(bytes.get(index(at)..).unwrap_or_default(), byte));
        let edge = at == 0 || end == len;
        let wanted = match edge {
            // A few equal bytes are fill where they are what writers pad with; any other could be a message.
            true if matches!(byte, 0 | 0xff) => EDGE_RUN.min(len),
            true => EDGE_RUN,
            false => INNER_RUN,
        };
        if end.saturating_sub(at) >= wanted {
            push_unknown(&mut pieces, bytes, unknown_from..at);
            pieces.push((at..end, GapKind::Fill { byte }));
            unknown_from = end;
        }
        at = end;
    }
    push_unknown(&mut pieces, bytes, unknown_from..len);
    pieces
}

fn push_unknown(pieces: &mut Vec<(Range<u64>, GapKind)>, bytes: &[u8], range: Range<u64>) {
    let part = bytes
        .get(index(range.start)..index(range.end))
        .unwrap_or_default();
    if !part.is_empty() {
        let entropy = entropy(part);
        pieces.push((range, GapKind::Unknown { entropy }));
    }
}

/// How many bytes at the start of `bytes` equal `byte`.
fn run(bytes: &[u8], byte: u8) -> u64 {
    const STEP: usize = 64;
    let pattern = [byte; STEP];
    let (steps, _) = bytes.as_chunks::<STEP>();
    let whole = steps.iter().take_while(|step| **step == pattern).count();
    let from = whole.saturating_mul(STEP);
    let rest = bytes.get(from..).unwrap_or_default();
    let tail = rest.iter().take_while(|&&other| other == byte).count();
    u64::try_from(from.saturating_add(tail)).unwrap_or(u64::MAX)
}

/// Shannon entropy in bits per byte, rounded to two decimals.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "counts become fractions; their last bits do not show in two decimals"
)]
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u64; 256];
    for &byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total = length(bytes) as f64;
    let bits: f64 = counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| count as f64 / total)
        .map(|share| -share * share.log2())
        .sum();
    (bits * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_tile_the_gap() {
        let mut bytes = vec![0xff; 5000];
        bytes.extend(b"hidden");
        bytes.extend([0; 20]);
        let pieces = classify(&bytes);
        let kinds: Vec<_> = pieces
            .iter()
            .map(|(range, kind)| (range.clone(), kind.is_unknown()))
            .collect();
        assert_eq!(
            kinds,
            [(0..5000, false), (5000..5006, true), (5006..5026, false)]
        );
    }

    #[test]
    fn a_short_run_inside_stays_with_its_neighbours() {
        let mut bytes = b"start".to_vec();
        bytes.extend([0; 4095]);
        bytes.extend(b"end");
        assert_eq!(classify(&bytes).len(), 1);
        assert_eq!(classify(&[0]), [(0..1, GapKind::Fill { byte: 0 })]);
        assert!(matches!(classify(&[7])[..], [(_, GapKind::Unknown { .. })]));
        assert!(classify(&[]).is_empty());
    }

    #[test]
    fn entropy_runs_from_nothing_to_eight() {
        let all: Vec<u8> = (0..=255).collect();
        assert!((entropy(&all) - 8.0).abs() < f64::EPSILON);
        assert!((entropy(b"abab") - 1.0).abs() < f64::EPSILON);
    }
}
