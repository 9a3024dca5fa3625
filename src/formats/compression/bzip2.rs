//! bzip2: one stream or several, each of blocks with a CRC-32 and a CRC-32 over those.
//!
//! Blocks are not aligned to bytes, so that a stream's body is named as one piece.

use std::io::{self, Read};

use bytes::Bytes;
use bzip2::Decompress;

use super::coder::{Coder as _, Outcome, Step};
use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{index, length, rest};

/// bzip2.
pub(in crate::formats) struct Bzip2;

/// What starts a block, and what stands behind the last one of a stream: the first digits of pi, and of its root.
const BLOCK: u64 = 0x3141_5926_5359;
const END: u64 = 0x1772_4538_5090;

/// The length of a stream's header in bytes: `BZh` and the size of its blocks, in units of 100,000 bytes.
const HEADER: u64 = 4;

impl Format for Bzip2 {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "bzip2",
            title: "bzip2",
            kind: Kind::Compression,
            spec: "bzip2 1.0.8, decompress.c; bzip2 format specification (J. Tsai)",
            reads: "any number of streams one after another, also empty ones",
            verifies: "CRC-32 of each block and of each stream",
            limits: &["what stands behind a damaged block of the same stream"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: b"BZh",
                at: 0,
            },
            Magic {
                bytes: b"1AY&SY",
                at: 4,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        match wrong(rest) {
            0 => Ok(Extent {
                len: Length::Decoded,
                proof: Proof::Structure,
            }),
            1 => Err(Reject::NearMiss("a bzip2 header with one wrong byte")),
            _ => Err(Reject::Coincidence("no bzip2 header")),
        }
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        Opened::stream(Streams::new(region))
    }
}

/// How many of the first ten bytes are not those of a stream.
fn wrong(bytes: &[u8]) -> usize {
    let Some(head) = bytes.first_chunk::<10>() else {
        return 10;
    };
    let differ = |right: u64| {
        let right = right.to_be_bytes();
        let body = head.iter().skip(4).zip(right.iter().skip(2));
        body.filter(|(one, other)| one != other).count()
    };
    let name = head.iter().zip(b"BZh").filter(|(one, other)| one != other);
    let level = head
        .get(3)
        .is_some_and(|level| !matches!(level, b'1'..=b'9'));
    name.count()
        .saturating_add(usize::from(level))
        .saturating_add(differ(BLOCK).min(differ(END)))
}

/// Decodes stream after stream.
struct Streams {
    region: Bytes,
    /// The next byte to read, from the region's start.
    at: u64,
    /// The decoder of the current stream, and where its body starts; `None` between streams.
    current: Option<(Decompress, u64)>,
    /// Where the last complete stream ended.
    complete: u64,
    /// Whether anything came out.
    yielded: bool,
    broken: bool,
    notes: Notes,
}

impl Streams {
    fn new(region: Bytes) -> Self {
        Self {
            region,
            at: 0,
            current: None,
            complete: 0,
            yielded: false,
            broken: false,
            notes: Notes::default(),
        }
    }

    /// Starts the next stream; none when there is none.
    fn begin(&mut self) -> Option<(Decompress, u64)> {
        let start = self.at;
        if wrong(&rest(&self.region, start)) > 0 {
            return None;
        }
        self.notes.metadata(start, HEADER);
        Some((Decompress::new(false), start.saturating_add(HEADER)))
    }

    /// What the decoder refused. It says no more than that; what it was about to read tells the rest.
    fn fail(&mut self, body_at: u64) {
        let read = self.region.get(..index(self.at)).unwrap_or_default();
        let bits = self.at.saturating_mul(8);
        let stands = |from: u64, magics: &[u64]| {
            (0..8).any(|shift| {
                let found = bits.checked_sub(from.saturating_add(shift));
                found.is_some_and(|at| magics.contains(&six_bytes(read, at)))
            })
        };
        if stands(80, &[END]) {
            // The magic, its 32 bits of CRC, and up to 7 bits of padding: everything was decoded.
            let problem = Problem::checksum("the CRC-32 of a stream is not that of its blocks");
            self.notes.problem(problem.at(self.at));
            self.end(body_at);
            return;
        }
        // The decoder reads up to 8 bytes ahead.
        let next = |ahead| six_bytes(&self.region, bits.saturating_sub(ahead));
        if (0..=64).any(|ahead| matches!(next(ahead), BLOCK | END)) {
            let problem = Problem::checksum("the CRC-32 of a block is not that of its content");
            self.notes.problem(problem.at(self.at));
            self.broken = true;
        } else {
            self.stop("the compressed data is damaged");
        }
        self.notes.content(body_at, self.at.saturating_sub(body_at));
    }

    fn end(&mut self, body_at: u64) {
        self.notes.content(body_at, self.at.saturating_sub(body_at));
        self.complete = self.at;
    }

    fn stop(&mut self, detail: &str) {
        self.broken = true;
        self.notes.problem(Problem::corrupt(detail).at(self.at));
    }
}

/// The 48 bits from bit `at` on; zeros stand for those that are not there.
fn six_bytes(bytes: &[u8], at: u64) -> u64 {
    let from = bytes.get(index(at / 8)..).unwrap_or_default();
    let word = from.iter().chain(std::iter::repeat(&0)).take(7);
    let word = word.fold(0_u64, |word, &byte| word << 8 | u64::from(byte));
    word >> (8_u64.saturating_sub(at % 8)) & 0xffff_ffff_ffff
}

impl Read for Streams {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.broken && !out.is_empty() {
            let Some((mut coder, body_at)) = self.current.take().or_else(|| self.begin()) else {
                return Ok(0);
            };
            let input = self.region.get(index(self.at)..).unwrap_or_default();
            let Step {
                read,
                made,
                outcome,
            } = coder.step(input, out);
            self.at = self.at.saturating_add(read);
            self.yielded |= made > 0;
            match outcome {
                Outcome::Ended => self.end(body_at),
                Outcome::Short => {
                    self.stop("the compressed data ends too early");
                    self.notes.content(body_at, self.at.saturating_sub(body_at));
                }
                Outcome::Running => self.current = Some((coder, body_at)),
                Outcome::Damaged(_) => self.fail(body_at),
            }
            if made > 0 {
                return Ok(made);
            }
        }
        Ok(0)
    }
}

impl Decode for Streams {
    fn finish(mut self: Box<Self>) -> Ending {
        if let Some((_, body_at)) = self.current {
            self.notes.content(body_at, self.at.saturating_sub(body_at));
        }
        let end = self.at.min(length(&self.region));
        let extent = if self.broken && self.complete == 0 && !self.yielded {
            Err(Reject::NearMiss(
                "a bzip2 header, but no block behind it that can be decoded",
            ))
        } else if self.broken {
            Ok((end, Proof::Structure))
        } else if self.notes.sound() {
            Ok((self.complete, Proof::Checksum))
        } else {
            Ok((self.complete, Proof::Structure))
        };
        self.notes.ending(extent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{decode, fixture, hurt, reads_to_its_end};
    use super::*;
    use crate::problem::ProblemKind;

    const VARIANTS: [&str; 3] = ["best", "fast", "streams"];

    fn name(variant: &str) -> String {
        format!("bzip2/{variant}.img")
    }

    #[test]
    fn every_variant_is_read_to_its_exact_end() {
        for variant in VARIANTS {
            reads_to_its_end(&Bzip2, &name(variant), Proof::Checksum, 0);
        }
    }

    /// `bzip2 </dev/null` and `echo hi | bzip2`.
    #[test]
    fn the_smallest_streams_are_read() {
        let nothing = b"BZh9\x17\x72\x45\x38\x50\x90\0\0\0\0";
        let hi =
            b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x1d\x5e\x59\xd5\x00\x00\x00\xc1\x00\x00\
            \x10\x00\x60\x20\x00\x21\x98\x19\x84\x61\x77\x24\x53\x85\x09\x01\xd5\xe5\x9d\x50";
        let cases: [(&[u8], &[u8]); 2] = [(nothing, b""), (hi, b"hi\n")];
        for (image, payload) in cases {
            let outcome = decode(&Bzip2, [image, b"behind"].concat()).unwrap();
            let extent = Some((image.len() as u64, Proof::Checksum));
            assert_eq!((outcome.extent, &outcome.payload[..]), (extent, payload));
        }
    }

    #[test]
    fn a_wrong_checksum_is_told_as_such() {
        let image = fixture("bzip2/best.img");
        let sound = decode(&Bzip2, image.clone()).unwrap();
        // Behind the block's magic; and 4 bytes before the end, at most 7 bits of which are padding.
        for at in [12, image.len() - 3] {
            let mut image = image.clone();
            image[at] ^= 0x20;
            let outcome = decode(&Bzip2, image).unwrap();
            assert_eq!(outcome.kinds(), [ProblemKind::ChecksumMismatch], "{at}");
            assert!(outcome.payload == sound.payload, "{at}");
        }
    }

    #[test]
    fn every_truncation_is_told() {
        let image = fixture("bzip2/streams.img");
        let whole = decode(&Bzip2, image.clone()).unwrap();
        for len in 0..image.len() {
            let Some(outcome) = decode(&Bzip2, image[..len].to_vec()) else {
                continue;
            };
            let Some((end, proof)) = outcome.extent else {
                assert!(outcome.payload.is_empty());
                continue;
            };
            assert!(whole.payload.starts_with(&outcome.payload), "{len}");
            let complete = proof == Proof::Checksum;
            assert_eq!(complete, outcome.problems.is_empty(), "{len}");
            assert!(!complete || end + 10 > len as u64, "{len}");
        }
    }

    #[test]
    fn one_wrong_byte_of_the_header_is_a_near_miss() {
        let image = fixture("bzip2/best.img");
        for at in 0..10 {
            let mut image = image.clone();
            image[at] ^= 0x40;
            let reject = Bzip2.measure(&Bytes::from(image)).err();
            assert!(matches!(reject, Some(Reject::NearMiss(_))), "{at}");
        }
    }

    #[test]
    fn mutants_neither_panic_nor_pass_as_checked() {
        for variant in VARIANTS {
            hurt(&Bzip2, &fixture(&name(variant)), 400);
        }
    }
}
