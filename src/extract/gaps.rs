//! What nobody claimed: fill (one constant byte) or unknown, with its entropy.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::image::map;
use crate::read::{is_all, length};

/// What a gap holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
        /// Whether at least 64 KiB of it hold each byte value as often as noise does (chi-squared): encrypted bytes do, and so does
        /// what the best compressors write.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        even: bool,
    },
}

impl GapKind {
    /// Whether its bytes are unexplained.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// A constant run at either end of a gap is fill from so many bytes on.
const EDGE_RUN: usize = 16;
/// A constant run inside a gap is fill from so many bytes on.
const INNER_RUN: usize = 4096;
/// Of fewer bytes nothing is said about how even they are.
const EVEN: u64 = 64 << 10;
/// A run of `INNER_RUN` bytes fills at least one block of this size, wherever it starts.
const BLOCK: usize = INNER_RUN / 2;

/// Splits a gap into fill and unknown pieces that tile it; ranges count from its start.
pub(super) fn classify(bytes: &[u8]) -> Vec<(Range<u64>, GapKind)> {
    let mut pieces = Vec::new();
    let mut unknown_from = 0;
    let mut at = run(bytes);
    if at > 0 && (at == bytes.len() || at >= edge_run(bytes.first(), bytes.len())) {
        push_fill(&mut pieces, bytes, 0..at);
        unknown_from = at;
    } else {
        at = 0;
    }
    let tail = run_at_end(bytes.get(at..).unwrap_or_default());
    let wanted = edge_run(bytes.last(), bytes.len());
    let tail = if tail >= wanted { tail } else { 0 };
    let end = bytes.len().saturating_sub(tail);
    while let Some(block) = bytes
        .get(at..end.min(at.saturating_add(BLOCK)))
        .filter(|block| !block.is_empty())
    {
        map::touched(length(block));
        if block.len() < BLOCK || run(block) < BLOCK {
            at = at.saturating_add(block.len());
            continue;
        }
        let before = bytes
            .get(unknown_from..at.saturating_add(1))
            .unwrap_or_default();
        let from = at.saturating_add(1).saturating_sub(run_at_end(before));
        let to = from.saturating_add(run(bytes.get(from..end).unwrap_or_default()));
        map::touched(length(bytes.get(from..to).unwrap_or_default()));
        at = to;
        if to.saturating_sub(from) >= INNER_RUN {
            push_unknown(&mut pieces, bytes, unknown_from..from);
            push_fill(&mut pieces, bytes, from..to);
            unknown_from = to;
        }
    }
    push_unknown(&mut pieces, bytes, unknown_from..end);
    push_fill(&mut pieces, bytes, end..bytes.len());
    pieces
}

/// How long a constant run at an edge must be to be fill. A few equal bytes are fill where they are what writers pad
/// with; any other could be a message.
fn edge_run(byte: Option<&u8>, len: usize) -> usize {
    match byte {
        Some(0 | 0xff) => EDGE_RUN.min(len),
        _ => EDGE_RUN,
    }
}

fn push_fill(pieces: &mut Vec<(Range<u64>, GapKind)>, bytes: &[u8], range: Range<usize>) {
    if let Some(&byte) = bytes.get(range.clone()).and_then(<[u8]>::first) {
        pieces.push((wide(&range), GapKind::Fill { byte }));
    }
}

fn push_unknown(pieces: &mut Vec<(Range<u64>, GapKind)>, bytes: &[u8], range: Range<usize>) {
    let part = bytes.get(range.clone()).unwrap_or_default();
    if !part.is_empty() {
        let counts = counts(part);
        let kind = GapKind::Unknown {
            entropy: entropy(&counts, length(part)),
            even: is_even(&counts, length(part)),
        };
        pieces.push((wide(&range), kind));
    }
}

fn wide(range: &Range<usize>) -> Range<u64> {
    let wide = |at: usize| u64::try_from(at).unwrap_or(u64::MAX);
    wide(range.start)..wide(range.end)
}

/// How many bytes at the start of `bytes` equal the first.
fn run(bytes: &[u8]) -> usize {
    let Some(&byte) = bytes.first() else {
        return 0;
    };
    let constant = |block: &&[u8]| {
        map::touched(length(block));
        is_all(block, byte)
    };
    let blocks = bytes.chunks(BLOCK).take_while(constant).map(<[u8]>::len);
    let whole = blocks.fold(0, usize::saturating_add);
    let rest = bytes.get(whole..).unwrap_or_default();
    whole.saturating_add(rest.iter().take_while(|&&other| other == byte).count())
}

/// How many bytes at the end of `bytes` equal the last.
fn run_at_end(bytes: &[u8]) -> usize {
    let Some(&byte) = bytes.last() else {
        return 0;
    };
    let constant = |block: &&[u8]| {
        map::touched(length(block));
        is_all(block, byte)
    };
    let blocks = bytes.rchunks(BLOCK).take_while(constant).map(<[u8]>::len);
    let whole = blocks.fold(0, usize::saturating_add);
    let rest = bytes
        .get(..bytes.len().saturating_sub(whole))
        .unwrap_or_default();
    whole.saturating_add(
        rest.iter()
            .rev()
            .take_while(|&&other| other == byte)
            .count(),
    )
}

/// How often each byte value stands there.
fn counts(bytes: &[u8]) -> Vec<u64> {
    // In turn, since equal bytes that follow each other would wait for one counter.
    let [mut even, mut odd] = [[0_u64; 256]; 2];
    let count = |counts: &mut [u64; 256], byte: u8| {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count = count.wrapping_add(1);
        }
    };
    for block in bytes.chunks(BLOCK) {
        map::touched(length(block));
        let (pairs, last) = block.as_chunks::<2>();
        for [one, other] in pairs {
            count(&mut even, *one);
            count(&mut odd, *other);
        }
        for byte in last {
            count(&mut even, *byte);
        }
    }
    let both = even.iter().zip(&odd);
    both.map(|(one, other)| one.saturating_add(*other))
        .collect()
}

/// The entropy of some bytes, in bits per byte.
pub fn entropy_of(bytes: &[u8]) -> f64 {
    let mut counts = [0_u64; 256];
    for &byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count = count.saturating_add(1);
        }
    }
    entropy(&counts, length(bytes).max(1))
}

/// Shannon entropy in bits per byte, rounded to two decimals.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "counts become fractions; their last bits do not show in two decimals"
)]
pub(super) fn entropy(counts: &[u64], total: u64) -> f64 {
    let total = total as f64;
    let bits: f64 = counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| count as f64 / total)
        .map(|share| -share * share.log2())
        .sum();
    (bits * 100.0).round() / 100.0
}

/// Whether byte values are as even as those of noise: chi-squared of 255 degrees of freedom is then 255, give or take 23; of a
/// hundred thousand pieces of noise one is beyond these bounds.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "counts become fractions; their last bits do not matter"
)]
fn is_even(counts: &[u64], total: u64) -> bool {
    if total < EVEN {
        return false;
    }
    let expected = total as f64 / 256.0;
    let off = counts.iter().map(|&count| count as f64 - expected);
    let chi_squared: f64 = off.map(|off| off * off / expected).sum();
    (165.0..365.0).contains(&chi_squared)
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
    fn a_long_run_inside_is_fill_wherever_it_starts() {
        for start in [1_u64, 63, 2047, 2048, 5000] {
            let mut bytes: Vec<u8> = (0..start).map(|at| (at % 251) as u8 + 1).collect();
            bytes.extend([0; 4096]);
            bytes.extend(b"end");
            let pieces = classify(&bytes);
            let ranges: Vec<_> = pieces.iter().map(|(range, _)| range.clone()).collect();
            assert_eq!(
                ranges,
                [0..start, start..start + 4096, start + 4096..start + 4099]
            );
        }
    }

    #[test]
    fn only_noise_is_as_even_as_noise() {
        let mut state = 1_u64;
        let mut noise = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        let even = |bytes: &[u8]| is_even(&counts(bytes), length(bytes));
        let bytes: Vec<u8> = (0..1 << 20).map(|_| noise()).collect();
        assert!(even(&bytes));
        assert!(!even(&bytes[..1000]));
        let mut packer =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        let text: Vec<u8> = (0..300_000_u32)
            .flat_map(|at| (at * 7919).to_string().into_bytes())
            .collect();
        std::io::Write::write_all(&mut packer, &text).unwrap();
        assert!(!even(&packer.finish().unwrap()));
        assert!(!even(&(0..=255).collect::<Vec<u8>>().repeat(4096)));
    }

    #[test]
    fn a_short_run_inside_stays_with_its_neighbours() {
        let mut bytes = b"start".to_vec();
        bytes.extend([0; 4095]);
        bytes.extend(b"end");
        assert_eq!(classify(&bytes).len(), 1);
        assert_eq!(classify(&[0]), [(0..1, GapKind::Fill { byte: 0 })]);
        assert_eq!(classify(&[7]), [(0..1, GapKind::Fill { byte: 7 })]);
        assert!(classify(&[]).is_empty());
    }

    #[test]
    fn entropy_runs_from_nothing_to_eight() {
        let all: Vec<u8> = (0..=255).collect();
        assert!((entropy(&counts(&all), length(&all)) - 8.0).abs() < f64::EPSILON);
        assert!((entropy(&counts(b"abab"), 4) - 1.0).abs() < f64::EPSILON);
    }
}
