//! lzma-alone (.lzma): a 13-byte header without a magic number, then one LZMA stream without a checksum.
//!
//! Nothing in the format proves itself, so the header is read strictly and the decoding decides: a stream ends
//! with its end marker, or at its stated size with a range coder that has used up exactly what was written
//! (its code is 0, one chance in four billion). liblzma checks both. A stream that breaks off counts only when
//! it has yielded more than noise ever does.

use std::io::{self, Read};

use bytes::Bytes;
use liblzma::stream::{Error, Stream};

use super::coder::{Coder as _, Outcome, Step};
use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// lzma-alone.
pub(in crate::formats) struct Lzma;

/// The largest dictionary that is allocated (64 MiB). A stream that stays within it is read whatever it claims.
const DICTIONARY: u32 = 64 << 20;

/// How much memory a decoder may take (128 MiB): the dictionary and some.
const MEMORY: u64 = 128 << 20;

/// The largest size that is believed (1 TiB).
const LARGEST: u64 = 1 << 40;

/// The length of the header in bytes.
const HEADER: u64 = 13;

/// A stream that broke off is kept when so many bytes were read and made: noise fails far earlier.
const CONVINCING_READ: u64 = 1 << 10;
const CONVINCING_MADE: u64 = 4 << 10;

/// The first byte is `lc + 9 * (lp + 5 * pb)`; then the dictionary size, little-endian.
macro_rules! magics {
    ($($bytes:expr),* $(,)?) => { &[$(Magic { bytes: &$bytes, at: 0 }),*] };
}

impl Format for Lzma {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "lzma",
            title: "lzma-alone",
            kind: Kind::Compression,
            spec: "The .lzma File Format (XZ Utils)",
            reads: "known and unknown size, end marker; lc/lp/pb as the usual encoders choose them",
            verifies: "the end of the stream; the format has no checksum",
            limits: &[
                "matches that reach back more than 64 MiB",
                "properties other than pb=2 with lc=0..4 lp=0, lc=3 lp=1, or lc=0..2 lp=2",
                "dictionaries below 64 KiB with properties other than lc=3 lp=0 pb=2",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        magics![
            // lc=3 lp=0 pb=2, which nearly all encoders use, from 4 KiB up.
            [0x5d, 0, 0],
            [0x5d, 0, 0x10, 0],
            [0x5d, 0, 0x18, 0],
            [0x5d, 0, 0x20, 0],
            [0x5d, 0, 0x30, 0],
            [0x5d, 0, 0x40, 0],
            [0x5d, 0, 0x60, 0],
            [0x5d, 0, 0x80, 0],
            [0x5d, 0, 0xc0, 0],
            // lc=0, 1, 2, 4.
            [0x5a, 0, 0],
            [0x5b, 0, 0],
            [0x5c, 0, 0],
            [0x5e, 0, 0],
            // lp=2, for code in words of 4 bytes.
            [0x6c, 0, 0],
            [0x6d, 0, 0],
            [0x6e, 0, 0],
            // lp=1.
            [0x66, 0, 0],
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        Header::parse(rest).ok_or(Reject::Coincidence("no plausible lzma header"))?;
        Ok(Extent {
            len: Length::Decoded,
            proof: Proof::Magic,
        })
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("no lzma header"));
        };
        match Stream::new_lzma_decoder(MEMORY) {
            Ok(coder) => Opened::stream(Alone {
                region,
                header,
                coder,
                state: State::Running,
            }),
            Err(error) => Opened::unread(Problem::limit(format!("no decoder: {error}"))),
        }
    }
}

/// The header, as far as it decides anything.
struct Header {
    /// The dictionary size it claims, in bytes.
    dictionary: u32,
    /// What the decoder is given instead: with a dictionary no larger than the decoded size or [`DICTIONARY`],
    /// so that a generous header costs no memory.
    given: [u8; 13],
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let properties = fields.u8(0)?;
        let dictionary = fields.u32(1)?;
        let size = match fields.u64(5)? {
            u64::MAX => None,
            size => Some(size),
        };
        // The range coder's first byte is 0, and its code, the 4 bytes behind, is not: it holds the first match,
        // or some bit of the first literals. A run of zeros decodes to zeros without end.
        let started = fields.u8(13)? == 0 && fields.u32(14)? != 0;
        let sized = size.is_none_or(|size| size > 0 && size < LARGEST);
        let (lc, lp) = (properties % 9, properties / 9 % 5);
        if properties >= 225 || lc.checked_add(lp)? > 4 || !plausible(dictionary) {
            return None;
        }
        let mut given: [u8; 13] = fields.slice(0, 13)?.try_into().ok()?;
        let needed = size.and_then(|size| u32::try_from(size).ok());
        let enough = dictionary.min(needed.unwrap_or(DICTIONARY).clamp(4096, DICTIONARY));
        given.get_mut(1..5)?.copy_from_slice(&enough.to_le_bytes());
        (started && sized).then_some(Self { dictionary, given })
    }
}

/// Whether an encoder would choose this dictionary size: 2^n or 2^n + 2^(n-1), from 4 KiB to 3 GiB.
fn plausible(dictionary: u32) -> bool {
    dictionary >= 4096
        && dictionary.count_ones() <= 2
        && dictionary
            .leading_zeros()
            .saturating_add(dictionary.trailing_zeros())
            >= 32_u32.saturating_sub(dictionary.count_ones())
}

/// How far the decoding is.
enum State {
    Running,
    /// The end marker, or the stated size and an empty range coder.
    Whole,
    /// The input ended.
    Short,
    /// What follows is no LZMA.
    Damaged,
    /// There is no memory for the dictionary.
    Refused,
}

/// Decodes one stream.
struct Alone {
    region: Bytes,
    header: Header,
    coder: Stream,
    state: State,
}

impl Alone {
    fn problem(&self) -> Option<Problem> {
        match self.state {
            State::Running | State::Whole => None,
            State::Short => Some(Problem::corrupt("the compressed data ends too early")),
            State::Damaged if self.header.dictionary > DICTIONARY => Some(Problem::limit(format!(
                "damaged, or in need of the {} bytes of dictionary it claims; at most {DICTIONARY} are given",
                self.header.dictionary
            ))),
            State::Damaged => Some(Problem::corrupt("the compressed data is damaged")),
            State::Refused => Some(Problem::limit("no memory for the dictionary")),
        }
    }
}

impl Alone {
    /// How many bytes were read before the run of one value in which reading ended: erased flash behind a few bytes
    /// of noise decodes to a match without end.
    fn read_of_substance(&self, read: u64) -> u64 {
        let bytes = self.region.get(..index(read)).unwrap_or_default();
        let fill = bytes.last().copied().unwrap_or_default();
        let substance = bytes.iter().rposition(|&byte| byte != fill);
        u64::try_from(substance.unwrap_or_default()).unwrap_or_default()
    }
}

impl Read for Alone {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while matches!(self.state, State::Running) && !out.is_empty() {
            let read = index(self.coder.total_in());
            let stored = self.region.get(read..);
            let input = match self.header.given.get(read..) {
                Some(given) if !given.is_empty() => given,
                _ => stored.unwrap_or_default(),
            };
            let Step { made, outcome, .. } = self.coder.step(input, out);
            self.state = match outcome {
                Outcome::Ended => State::Whole,
                Outcome::Short => State::Short,
                Outcome::Running => State::Running,
                Outcome::Damaged(Error::MemLimit | Error::Mem) => State::Refused,
                Outcome::Damaged(_) => State::Damaged,
            };
            if made > 0 {
                return Ok(made);
            }
        }
        Ok(0)
    }
}

impl Decode for Alone {
    fn finish(self: Box<Self>) -> Ending {
        let read = self.coder.total_in().min(length(&self.region));
        let made = self.coder.total_out();
        let convincing = made >= CONVINCING_MADE && self.read_of_substance(read) >= CONVINCING_READ;
        let mut notes = Notes::default();
        notes.metadata(0, read.min(HEADER));
        notes.content(HEADER, read.saturating_sub(HEADER));
        let extent = match self.state {
            State::Whole => Ok((read, Proof::Structure)),
            _ if convincing => Ok((read, Proof::Magic)),
            _ => Err(Reject::Coincidence("no LZMA data behind the header")),
        };
        if let Some(problem) = self.problem() {
            notes.problem(problem.at(read));
        }
        notes.ending(extent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Seeded, assert_is_the_payload, decode, decode_by, fixture, hurt};
    use super::*;
    use crate::problem::ProblemKind;

    const VARIANTS: [&str; 5] = [
        "marker",
        "small-dictionary",
        "words",
        "sized",
        "sized-marker",
    ];

    fn name(variant: &str) -> String {
        format!("lzma/{variant}.img")
    }

    #[test]
    fn every_variant_is_found_and_read_to_its_exact_end() {
        for variant in VARIANTS {
            let mut image = fixture(&name(variant));
            let len = image.len() as u64;
            image.extend_from_slice(&Seeded(7).bytes(5000));
            let starts = |magic: &Magic| image.starts_with(magic.bytes);
            assert!(Lzma.magics().iter().any(starts), "{variant}");
            for piece in [1, 4096, 1 << 20] {
                let outcome = decode_by(&Lzma, image.clone(), piece).unwrap();
                assert_is_the_payload(&outcome.payload, &name(variant));
                assert!(outcome.problems.is_empty());
                assert_eq!(outcome.extent, Some((len, Proof::Structure)), "{variant}");
                assert_eq!(outcome.unexplained(), 0);
            }
        }
    }

    /// `printf 1 | lzma_alone e -si`, `xz --format=lzma` of nothing and of `hello world, small` three times.
    #[test]
    fn the_smallest_streams_are_read() {
        let one = b"\x5d\0\0\x80\0\x01\0\0\0\0\0\0\0\0\x18\x7f\xfc\0\0";
        let nothing =
            b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x83\xff\xfb\xff\xff\xc0\0\0\0";
        let hello = b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x34\x19\x49\xee\x8d\xe9\x17\x89\x3a\x33\
            \x5f\xfd\xf6\x44\xe2\xf8\x16\xcb\x59\x43\xf4\x39\x81\x77\xff\xff\x85\x68\0\0";
        let cases: [(&[u8], Vec<u8>); 3] = [
            (one, b"1".to_vec()),
            (nothing, Vec::new()),
            (hello, b"hello world, small".repeat(3)),
        ];
        for (image, payload) in cases {
            let followed = [image, b"and what follows it"].concat();
            let outcome = decode(&Lzma, followed).unwrap();
            assert_eq!(outcome.payload, payload);
            let extent = Some((image.len() as u64, Proof::Structure));
            assert_eq!(outcome.extent, extent);
            assert!(outcome.problems.is_empty());
        }
    }

    #[test]
    fn noise_behind_a_plausible_header_is_rejected_early() {
        let mut seed = Seeded(0x1234_5678_9abc_def1);
        let mut made = 0;
        for round in 0..20_000_u64 {
            let size = if round % 2 == 0 {
                u64::MAX
            } else {
                seed.number() % (1 << 24)
            };
            let mut image = vec![0x5d, 0, 0, 0x80, 0];
            image.extend_from_slice(&size.to_le_bytes());
            image.push(0);
            let mut body = seed.bytes(4000);
            match round % 5 {
                0 => body.iter_mut().for_each(|byte| *byte &= 0x11),
                1 => body[20..].fill(0),
                2 => body[20..].fill(0xff),
                3 => (40..body.len()).for_each(|at| body[at] = body[at % 40]),
                _ => {}
            }
            image.extend_from_slice(&body);
            let Some(outcome) = decode(&Lzma, image) else {
                continue;
            };
            assert_eq!(outcome.extent, None, "round {round}");
            made += outcome.payload.len();
        }
        assert!(made / 20_000 < 4096, "{made} bytes out of nothing");
    }

    #[test]
    fn runs_of_zeros_are_no_stream() {
        for size in [1_u64, 16, 4096, 1 << 30] {
            let mut image = vec![0x5d, 0, 0, 0, 1];
            image.extend_from_slice(&size.to_le_bytes());
            image.resize(5000, 0);
            assert!(decode(&Lzma, image).is_none());
        }
    }

    #[test]
    fn truncation_is_told_or_rejected_and_never_passes_as_whole() {
        for variant in ["marker", "sized"] {
            let image = fixture(&name(variant));
            for len in 0..image.len() {
                let outcome = decode(&Lzma, image[..len].to_vec());
                assert!(outcome.is_none_or(|outcome| outcome.extent.is_none()));
            }
        }
        let payload = Seeded(5).bytes(20_000);
        let options = liblzma::stream::LzmaOptions::new_preset(6).unwrap();
        let encoder = Stream::new_lzma_encoder(&options).unwrap();
        let mut image = Vec::new();
        let mut reader = liblzma::read::XzEncoder::new_stream(&payload[..], encoder);
        reader.read_to_end(&mut image).unwrap();
        let whole = decode(&Lzma, image.clone()).unwrap();
        assert!(whole.payload == payload && whole.problems.is_empty());
        assert_eq!(whole.extent, Some((image.len() as u64, Proof::Structure)));
        image.truncate(10_000);
        let cut = decode(&Lzma, image).unwrap();
        assert_eq!(cut.extent, Some((10_000, Proof::Magic)));
        assert_eq!(cut.kinds(), [ProblemKind::Corrupt]);
        assert!(payload.starts_with(&cut.payload) && cut.payload.len() > 9_000);
    }

    #[test]
    fn a_large_dictionary_that_is_not_needed_is_no_obstacle() {
        let mut image = fixture("lzma/marker.img");
        image[1..5].copy_from_slice(&(3_u32 << 30).to_le_bytes());
        assert_is_the_payload(&decode(&Lzma, image).unwrap().payload, "lzma/marker.img");
    }

    #[test]
    fn implausible_headers_are_coincidences() {
        let sound = fixture("lzma/sized.img");
        for (at, value) in [(0, 0xe1), (0, 0x6f), (1, 1), (3, 5), (12, 1), (13, 1)] {
            let mut image = sound.clone();
            image[at] = value;
            let reject = Lzma.measure(&Bytes::from(image)).err();
            assert!(matches!(reject, Some(Reject::Coincidence(_))), "{at}");
        }
    }

    #[test]
    fn mutants_do_not_panic() {
        for variant in VARIANTS {
            hurt(&Lzma, &fixture(&name(variant)), 500);
        }
    }
}
