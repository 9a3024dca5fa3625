//! Two reads of one chip: where they differ, one of them is wrong, and what stands there is not known.

use std::ops::Range;

use bytes::Bytes;

use super::Unpacker;
use crate::formats::nand;
use crate::image::map;
use crate::place::Place;
use crate::problem::{Problem, ProblemKind};
use crate::read::{clip, length};

/// So many places are told one by one.
const MOST_TOLD: usize = 16;
/// So many are told apart; those behind them become one.
const MOST: usize = 65_536;
/// Bytes that are compared at a time.
const BLOCK: u64 = 1 << 16;
/// Differences closer than this are one.
const NEAR: u64 = 64;
/// So many wrong bits in one place are flips; more are another content.
const FLIPS: u64 = 8;

/// Bytes in which two reads differ.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    range: Range<u64>,
    /// How many bits differ.
    bits: u64,
}

impl Unpacker<'_> {
    /// Tells where a second read differs from the image, unless check bytes say what stands there.
    pub(super) fn compare_reads(&mut self, first: &Bytes, second: &Bytes) {
        let differences = differences(first, second);
        let ranges: Vec<Range<u64>> = differences.iter().map(|one| one.range.clone()).collect();
        let mut certain = vec![false; ranges.len()];
        let chips = self.found.regions.iter().filter(|region| {
            region.owner().is_none() && region.at == 0 && region.format.id == nand::ID
        });
        for chip in chips {
            certain = nand::certain(&chip.bytes, self.nand, &ranges);
        }
        let differing = differences.iter().zip(certain);
        let left: Vec<&Difference> = differing
            .filter(|(_, certain)| !certain)
            .map(|(one, _)| one)
            .collect();
        for one in left.iter().take(MOST_TOLD) {
            let len = one.range.end.saturating_sub(one.range.start);
            let what = if one.bits <= FLIPS {
                "flipped bits"
            } else {
                "another content"
            };
            let detail = format!(
                "the second read differs in {} of {} bits: {what}",
                one.bits,
                len.saturating_mul(8)
            );
            self.tell_at(one.range.start, detail);
        }
        if let Some(next) = left.get(MOST_TOLD) {
            let more = left.len().saturating_sub(MOST_TOLD);
            let bits = left.iter().skip(MOST_TOLD).map(|one| one.bits);
            let bits = bits.fold(0, u64::saturating_add);
            let detail = format!("the second read differs in {more} more places, {bits} bits");
            self.tell_at(next.range.start, detail);
        }
        let (own, other) = (length(first), length(second));
        if own != other {
            let detail = format!("the second read has {other} bytes and not {own}");
            self.tell_at(own.min(other), detail);
        }
    }

    fn tell_at(&mut self, at: u64, detail: String) {
        let problem = Problem::new(ProblemKind::Unreadable, detail);
        self.tell(&Place::image().offset(at), None, vec![problem]);
    }
}

/// Where two reads differ, as far as both reach.
fn differences(first: &Bytes, second: &Bytes) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    let len = length(first).min(length(second));
    for block in 0..len.div_ceil(BLOCK) {
        let from = block.saturating_mul(BLOCK);
        let count = BLOCK.min(len.saturating_sub(from));
        let (one, other) = (clip(first, from, count), clip(second, from, count));
        map::touched(count.saturating_mul(2));
        if one == other {
            continue;
        }
        for (at, (one, other)) in (from..).zip(one.iter().zip(&other)) {
            if one == other {
                continue;
            }
            let (bits, end) = (u64::from((one ^ other).count_ones()), at.saturating_add(1));
            let full = found.len() >= MOST;
            match found.last_mut() {
                Some(last) if full || at < last.range.end.saturating_add(NEAR) => {
                    last.range.end = end;
                    last.bits = last.bits.saturating_add(bits);
                }
                _ => found.push(Difference {
                    range: at..end,
                    bits,
                }),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_differences_are_one_place() {
        let first = Bytes::from(vec![0; 200_000]);
        let mut second = first.to_vec();
        for (at, byte) in [(5, 1), (60, 0xff), (65_535, 1), (65_536, 1), (199_999, 2)] {
            second[at] = byte;
        }
        let found = differences(&first, &Bytes::from(second));
        let found: Vec<_> = found.into_iter().map(|one| (one.range, one.bits)).collect();
        assert_eq!(
            found,
            [(5..61, 9), (65_535..65_537, 2), (199_999..200_000, 1)]
        );
    }
}
