//! A zlib stream, RFC 1950: two bytes of header, deflate data, Adler-32.
//!
//! Two bytes are no magic number: one pair in two thousand is a header. So a stream is looked for at the start of
//! an image, a decoded stream or a content, and nowhere else, and what does not end with its own Adler-32 counts only when
//! it has yielded more than noise ever does.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::Decompress;
use simd_adler32::Adler32;

use super::coder::{Coder as _, Outcome, Step};
use super::deflate::{could_deflate, give_back, inflate};
use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{Fields, index, length, rest};

/// zlib.
pub(in crate::formats) struct Zlib;

/// The length of the header in bytes.
const HEADER: u64 = 2;

/// A stream without its Adler-32 is kept when it had yielded so many bytes: fewer come out of noise by chance.
const CONVINCING: u64 = 16 << 10;

/// The same for one that ends exactly where the bytes do.
const SHORT: u64 = 64;

impl Format for Zlib {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "zlib",
            title: "zlib stream",
            kind: Kind::Compression,
            spec: "RFC 1950, RFC 1951",
            reads: "one stream at the start of an image, a decoded stream or a file",
            verifies: "header check bits; Adler-32",
            limits: &[
                "streams that start anywhere else",
                "streams made with a preset dictionary",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Fields::big(rest).u16(0).is_some_and(|header| {
            let (method, window, dictionary) = (header >> 8 & 15, header >> 12, header & 0x20);
            method == 8 && window <= 7 && dictionary == 0 && header.is_multiple_of(31)
        });
        if !header || !could_deflate(rest.get(index(HEADER)..).unwrap_or_default()) {
            return Err(Reject::Coincidence("no zlib header"));
        }
        Ok(Extent {
            len: Length::Decoded,
            proof: Proof::Magic,
        })
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        Opened::stream(Stream {
            region,
            inflate: inflate(),
            adler: Adler32::new(),
            state: State::Running,
        })
    }
}

/// How far the decoding is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    /// The deflate data came to its end.
    Ended,
    /// The input ended.
    Short,
    /// What follows is no deflate data.
    Damaged,
}

/// Decodes one stream.
struct Stream {
    region: Bytes,
    inflate: Decompress,
    adler: Adler32,
    state: State,
}

impl Stream {
    /// The next byte to read, from the region's start.
    fn at(&self) -> u64 {
        let at = HEADER.saturating_add(self.inflate.total_in());
        at.min(length(&self.region))
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.state == State::Running && !out.is_empty() {
            let input = self.region.get(index(self.at())..).unwrap_or_default();
            let Step { made, outcome, .. } = self.inflate.step(input, out);
            self.adler.write(out.get(..made).unwrap_or_default());
            self.state = match outcome {
                Outcome::Ended => State::Ended,
                Outcome::Short => State::Short,
                Outcome::Damaged(_) => State::Damaged,
                Outcome::Running => State::Running,
            };
            if made > 0 {
                return Ok(made);
            }
        }
        Ok(0)
    }
}

impl Decode for Stream {
    fn finish(self: Box<Self>) -> Ending {
        let mut notes = Notes::default();
        let (at, made) = (self.at(), self.inflate.total_out());
        notes.metadata(0, HEADER);
        notes.content(HEADER, at.saturating_sub(HEADER));
        let stored = Fields::big(&rest(&self.region, at)).u32(0);
        let mut end = at;
        let mut proof = Proof::Structure;
        let computed = self.adler.finish();
        match (self.state, stored) {
            (State::Ended, Some(stored)) => {
                notes.metadata(at, 4);
                end = at.saturating_add(4);
                if stored == computed {
                    proof = Proof::Checksum;
                } else {
                    let detail = format!("Adler-32 stored {stored:08x}, computed {computed:08x}");
                    notes.problem(Problem::checksum(detail).at(at));
                }
            }
            (State::Running, _) => {}
            (State::Damaged, _) => {
                notes.problem(Problem::corrupt("the compressed data is damaged").at(at));
            }
            (State::Short | State::Ended, _) => {
                notes.problem(Problem::corrupt("the compressed data ends too early").at(at));
            }
        }
        // Noise does not end where its stream does.
        let is_exact = self.state == State::Ended && end == length(&self.region) && made >= SHORT;
        let extent = if proof == Proof::Checksum || is_exact || made >= CONVINCING {
            Ok((end, proof))
        } else {
            Err(Reject::Coincidence(
                "no zlib stream that ends with its Adler-32",
            ))
        };
        give_back(self.inflate);
        notes.ending(extent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Seeded, assert_is_the_payload, decode_by, fixture, hurt};
    use super::*;
    use crate::formats::compression::trial::decode;
    use crate::problem::ProblemKind;

    const VARIANTS: [&str; 3] = ["best", "fast", "stored"];

    fn name(variant: &str) -> String {
        format!("zlib/{variant}.img")
    }

    #[test]
    fn every_variant_is_read_to_its_exact_end() {
        for variant in VARIANTS {
            for behind in [&b"junk behind it"[..], &[0; 700], b""] {
                let mut image = fixture(&name(variant));
                let len = image.len() as u64;
                image.extend_from_slice(behind);
                for piece in [1, 4096] {
                    let outcome = decode_by(&Zlib, image.clone(), piece).unwrap();
                    assert_is_the_payload(&outcome.payload, &name(variant));
                    assert!(outcome.problems.is_empty());
                    assert_eq!(outcome.extent, Some((len, Proof::Checksum)), "{variant}");
                    assert_eq!(outcome.unexplained(), 0);
                }
            }
        }
    }

    #[test]
    fn damage_is_told_once_enough_came_out() {
        let image = fixture("zlib/stored.img");
        let len = image.len();
        let mut wrong = image.clone();
        wrong[len - 1] ^= 1;
        let outcome = decode(&Zlib, wrong).unwrap();
        assert_eq!(outcome.kinds(), [ProblemKind::ChecksumMismatch]);
        assert_eq!(outcome.extent, Some((len as u64, Proof::Structure)));
        let short = decode(&Zlib, image[..9000].to_vec()).unwrap();
        assert_eq!(short.extent, None);
        let mut encoder =
            flate2::read::ZlibEncoder::new(io::repeat(7).take(20_000), flate2::Compression::none());
        let mut image = Vec::new();
        encoder.read_to_end(&mut image).unwrap();
        image.truncate(image.len() - 2);
        let cut = decode(&Zlib, image).unwrap();
        assert_eq!(cut.kinds(), [ProblemKind::Corrupt]);
        assert_eq!(cut.payload.len(), 20_000);
    }

    #[test]
    fn noise_behind_a_header_is_a_coincidence() {
        let mut seed = Seeded(99);
        for _ in 0..20_000 {
            let mut image = seed.bytes(3000);
            image[..2].copy_from_slice(&[0x78, 0x9c]);
            assert!(decode(&Zlib, image).is_none_or(|outcome| outcome.extent.is_none()));
        }
    }

    #[test]
    fn mutants_neither_panic_nor_pass_as_checked() {
        for variant in VARIANTS {
            hurt(&Zlib, &fixture(&name(variant)), 1000);
        }
    }
}
