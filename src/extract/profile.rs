//! The entropy of an image along its length, taken while its digest is: a curve for the eye, of bounded length.

use serde::{Deserialize, Serialize};

use super::gaps::entropy;

/// A curve has at most so many points.
const MOST: u64 = 1024;
/// Bytes are counted in units of so many, all of one or none.
const UNIT: u64 = 1024;
/// Of each block at most so many units are counted, evenly spread: 64 MiB of an image of any size.
const COUNTED: u64 = 64;

/// The entropy of an image, block by block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// How many bytes of the image one point stands for; the last block may be shorter.
    pub block: u64,
    /// Shannon entropy in bits per byte, rounded to two decimals. Of blocks above 64 KiB every n-th KiB is counted.
    pub points: Vec<f64>,
}

/// Takes a profile of bytes that come in order.
pub(super) struct Profiler {
    block: u64,
    /// One unit of so many is counted.
    stride: u64,
    at: u64,
    counts: Vec<u64>,
    counted: u64,
    points: Vec<f64>,
}

impl Profiler {
    /// Of an image of `len` bytes.
    pub(super) fn new(len: u64) -> Self {
        let units = len.div_ceil(UNIT).div_ceil(MOST).max(1);
        Self {
            block: units.saturating_mul(UNIT),
            stride: units.div_ceil(COUNTED),
            at: 0,
            counts: vec![0; 256],
            counted: 0,
            points: Vec::new(),
        }
    }

    /// Takes the bytes that come next.
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let left = UNIT.saturating_sub(self.at % UNIT);
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            let (part, rest) = bytes.split_at_checked(left).unwrap_or((bytes, &[]));
            let unit = self.at.checked_rem(self.block).unwrap_or_default() / UNIT;
            if unit.is_multiple_of(self.stride) {
                self.count(part);
            }
            self.at = self.at.saturating_add(crate::read::length(part));
            if self.at.is_multiple_of(self.block) {
                self.finish_block();
            }
            bytes = rest;
        }
    }

    fn count(&mut self, part: &[u8]) {
        for &byte in part {
            if let Some(count) = self.counts.get_mut(usize::from(byte)) {
                *count = count.wrapping_add(1);
            }
        }
        self.counted = self.counted.saturating_add(crate::read::length(part));
    }

    fn finish_block(&mut self) {
        if self.counted > 0 {
            // A sum of nothing is -0 in floating point.
            self.points.push(entropy(&self.counts, self.counted).abs());
            self.counts.fill(0);
            self.counted = 0;
        }
    }

    /// The profile of all that came.
    pub(super) fn finish(mut self) -> Profile {
        self.finish_block();
        Profile {
            block: self.block,
            points: self.points,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(bytes: &[u8], slab: usize) -> Profile {
        let mut profiler = Profiler::new(crate::read::length(bytes));
        for part in bytes.chunks(slab) {
            profiler.update(part);
        }
        profiler.finish()
    }

    #[test]
    fn each_block_has_its_own_entropy_however_the_bytes_come() {
        let mut bytes = vec![0xff; 2048];
        bytes.extend((0..4).flat_map(|_| 0..=u8::MAX));
        bytes.extend([0, 1].repeat(50));
        let whole = profile(&bytes, bytes.len());
        assert_eq!(
            (whole.block, &*whole.points),
            (1024, &[0.0, 0.0, 8.0, 1.0][..])
        );
        assert_eq!(profile(&bytes, 7), whole);
        assert!(whole.points[0].is_sign_positive());
        assert_eq!(profile(&[], 1).points, [0.0; 0]);
    }

    #[test]
    fn a_large_image_has_no_more_points_than_the_eye_needs() {
        let bytes: Vec<u8> = (0..70_u32 << 20).map(|at| (at >> 10) as u8).collect();
        let whole = profile(&bytes, 1 << 20);
        assert_eq!((whole.block, whole.points.len()), (70 << 10, 1024));
    }
}
