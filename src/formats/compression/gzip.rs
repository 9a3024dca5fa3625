//! gzip, RFC 1952: one member or several, each with CRC-32 and size.

use std::io::{self, Read};
use std::ops::Range;

use bytes::Bytes;
use flate2::{Crc, Decompress};

use super::coder::{Coder as _, Outcome, Step};
use super::deflate::{could_deflate, give_back, inflate};
use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{Fields, index, length, rest};

/// gzip.
pub(in crate::formats) struct Gzip;

/// What holds no member to its end is kept when it had yielded so many bytes: fewer come out of noise by chance.
const CONVINCING: u64 = 16 << 10;

/// The longest name or comment (bytes). A bound keeps hostile headers from being searched again and again.
const TEXT: usize = 4096;

const FHCRC: u8 = 1 << 1;
const FEXTRA: u8 = 1 << 2;
const FNAME: u8 = 1 << 3;
const FCOMMENT: u8 = 1 << 4;

impl Format for Gzip {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "gzip",
            title: "gzip",
            kind: Kind::Compression,
            spec: "RFC 1952",
            reads: "any number of members one after another",
            verifies: "CRC-32 and size of each member; header CRC",
            limits: &["names and comments longer than 4 KiB"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &[0x1f, 0x8b, 8],
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no gzip header"))?;
        if !could_deflate(rest.get(index(header.len)..).unwrap_or_default()) {
            return Err(Reject::Coincidence("no deflate data behind the header"));
        }
        Ok(Extent {
            len: Length::Decoded,
            proof: Proof::Magic,
        })
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        Opened::stream(Members::new(region))
    }
}

/// A member's header.
struct Header {
    /// Its length in bytes.
    len: u64,
    /// The ranges of it that mean something (bytes from the member's start). The extra field and the comment are
    /// not among them: nothing reads those bytes, so nothing explains them.
    explained: Vec<Range<usize>>,
    /// Where the header's CRC stands, if it has one.
    crc: Option<usize>,
    /// Whether the fields that hardly vary hold what compressors write.
    usual: bool,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let flags = fields.u8(3)?;
        // The three high bits are reserved and zero in every gzip file.
        if fields.slice(0, 3)? != [0x1f, 0x8b, 8] || flags & 0xe0 != 0 {
            return None;
        }
        let (level, system) = (fields.u8(8)?, fields.u8(9)?);
        let mut at: usize = 10;
        let mut explained: Vec<_> = std::iter::once(0..at).collect();
        if flags & FEXTRA != 0 {
            let data_at = at.checked_add(2)?;
            explained.push(at..data_at);
            let len = usize::from(fields.u16(at)?);
            fields.slice(data_at, len)?;
            at = data_at.checked_add(len)?;
        }
        for text in [FNAME, FCOMMENT] {
            if flags & text != 0 {
                let tail = fields.tail(at)?;
                let len = memchr::memchr(0, tail.get(..TEXT).unwrap_or(tail))?;
                let after = at.checked_add(len)?.checked_add(1)?;
                if text == FNAME && tail.iter().take(len).all(|&byte| byte >= b' ') {
                    explained.push(at..after);
                }
                at = after;
            }
        }
        let crc = (flags & FHCRC != 0).then_some(at);
        if crc.is_some() {
            let after = at.checked_add(2)?;
            explained.push(at..after);
            at = after;
        }
        fields.slice(0, at)?;
        Some(Self {
            len: u64::try_from(at).ok()?,
            explained,
            crc,
            usual: matches!(level, 0 | 2 | 4) && matches!(system, 0..=13 | 255),
        })
    }

    /// Whether the header's CRC, if it has one, is right.
    fn sound(&self, bytes: &[u8]) -> bool {
        self.crc.is_none_or(|at| {
            let crc = crc32fast::hash(bytes.get(..at).unwrap_or_default()) & 0xffff;
            Fields::little(bytes).u16(at).map(u32::from) == Some(crc)
        })
    }
}

/// Decodes member after member.
struct Members {
    region: Bytes,
    /// The next byte to read, from the region's start.
    at: u64,
    /// Where the current member's compressed bytes start; `None` between members.
    body_at: Option<u64>,
    inflate: Decompress,
    crc: Crc,
    /// Where the last complete member ended.
    complete: u64,
    yielded: u64,
    broken: bool,
    /// Whether something besides the pattern shows that this is gzip: a usual header, or a right CRC or size.
    shown: bool,
    notes: Notes,
}

impl Members {
    fn new(region: Bytes) -> Self {
        Self {
            region,
            at: 0,
            body_at: None,
            inflate: inflate(),
            crc: Crc::new(),
            complete: 0,
            yielded: 0,
            broken: false,
            shown: false,
            notes: Notes::default(),
        }
    }

    /// Starts the next member; `false` when there is none.
    fn begin(&mut self) -> bool {
        let bytes = rest(&self.region, self.at);
        let Some(header) = Header::parse(&bytes) else {
            return false;
        };
        let start = self.at;
        self.at = start.saturating_add(header.len);
        self.shown |= header.usual;
        for range in &header.explained {
            let at = start.saturating_add(u64::try_from(range.start).unwrap_or_default());
            self.notes
                .metadata(at, u64::try_from(range.len()).unwrap_or_default());
        }
        if !header.sound(&bytes) {
            let problem = Problem::checksum("the header's CRC-16 is not that of the header");
            self.notes.problem(problem.at(start));
        }
        self.body_at = Some(self.at);
        self.inflate.reset(false);
        self.crc.reset();
        true
    }

    /// Ends the current member with its trailer.
    fn end(&mut self, body_at: u64) {
        self.notes.content(body_at, self.at.saturating_sub(body_at));
        self.body_at = None;
        let trailer = rest(&self.region, self.at);
        let trailer = Fields::little(&trailer);
        let (Some(crc), Some(size)) = (trailer.u32(0), trailer.u32(4)) else {
            self.stop("the stream ends within a member's trailer");
            return;
        };
        let (crc_fits, size_fits) = (crc == self.crc.sum(), size == self.crc.amount());
        self.shown |= crc_fits || size_fits;
        if !crc_fits || !size_fits {
            self.notes.problem(
                Problem::checksum(format!(
                    "CRC-32 stored {crc:08x}, computed {:08x}; size stored {size}, computed {}",
                    self.crc.sum(),
                    self.crc.amount()
                ))
                .at(self.at),
            );
        }
        self.notes.metadata(self.at, 8);
        self.at = self.at.saturating_add(8);
        self.complete = self.at;
    }

    fn stop(&mut self, detail: &str) {
        self.broken = true;
        self.notes.problem(Problem::corrupt(detail).at(self.at));
    }
}

impl Read for Members {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.broken && !out.is_empty() {
            let Some(body_at) = self.body_at else {
                if self.begin() {
                    continue;
                }
                return Ok(0);
            };
            let input = self.region.get(index(self.at)..).unwrap_or_default();
            let Step {
                read,
                made,
                outcome,
            } = self.inflate.step(input, out);
            let made = out.get(..made).unwrap_or_default();
            self.at = self.at.saturating_add(read);
            self.yielded = self.yielded.saturating_add(length(made));
            self.crc.update(made);
            match outcome {
                Outcome::Ended => self.end(body_at),
                Outcome::Short => self.stop("the compressed data ends too early"),
                Outcome::Damaged(_) => self.stop("the compressed data is damaged"),
                Outcome::Running => {}
            }
            if !made.is_empty() {
                return Ok(made.len());
            }
        }
        Ok(0)
    }
}

impl Decode for Members {
    fn finish(mut self: Box<Self>) -> Ending {
        if let Some(body_at) = self.body_at {
            self.notes.content(body_at, self.at.saturating_sub(body_at));
        }
        let end = self.at.min(length(&self.region));
        let extent = if self.yielded < CONVINCING && !self.shown {
            Err(Reject::Coincidence(
                "a gzip pattern, but no deflate data behind it",
            ))
        } else if self.broken && self.complete == 0 && self.yielded == 0 {
            Err(Reject::NearMiss(
                "a gzip header, but no deflate data behind it",
            ))
        } else if self.broken {
            Ok((end, Proof::Structure))
        } else if self.notes.sound() {
            Ok((self.complete, Proof::Checksum))
        } else {
            Ok((self.complete, Proof::Structure))
        };
        give_back(self.inflate);
        self.notes.ending(extent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Seeded, decode, fixture, hurt, reads_to_its_end};
    use super::*;
    use crate::problem::ProblemKind;

    const VARIANTS: [&str; 4] = ["name", "plain", "members", "header"];

    fn name(variant: &str) -> String {
        format!("gzip/{variant}.img")
    }

    #[test]
    fn every_variant_is_read_to_its_exact_end() {
        for variant in VARIANTS {
            // The extra field and the comment, in which anything may hide.
            let hidden = if variant == "header" { 47 } else { 0 };
            reads_to_its_end(&Gzip, &name(variant), Proof::Checksum, hidden);
        }
    }

    #[test]
    fn the_extra_field_and_the_comment_explain_nothing() {
        let image = fixture("gzip/header.img");
        let outcome = decode(&Gzip, image.clone()).unwrap();
        let hidden = ["hidden in the extra field", "hidden in the comment\0"];
        let lens: usize = hidden.iter().map(|text| text.len()).sum();
        assert_eq!(outcome.unexplained(), lens as u64);
        for text in hidden {
            let at = memchr::memmem::find(&image, text.as_bytes()).unwrap() as u64;
            let touches = |span: &crate::formats::Span| {
                span.at < at + text.len() as u64 && at < span.at + span.len
            };
            assert!(!outcome.spans.iter().any(touches));
        }
        for variant in ["name", "plain", "members"] {
            let outcome = decode(&Gzip, fixture(&name(variant))).unwrap();
            assert_eq!(outcome.unexplained(), 0);
        }
    }

    #[test]
    fn a_wrong_crc_size_or_header_crc_is_told_and_everything_is_read() {
        let sound = fixture("gzip/header.img");
        let len = sound.len();
        let body = decode(&Gzip, sound.clone()).unwrap();
        let header_crc = body.spans.iter().rev().nth(1).unwrap().at as usize - 2;
        for at in [len - 8, len - 1, header_crc] {
            let mut image = sound.clone();
            image[at] ^= 1;
            let outcome = decode(&Gzip, image).unwrap();
            assert_eq!(outcome.kinds(), [ProblemKind::ChecksumMismatch], "{at}");
            assert_eq!(outcome.extent, Some((len as u64, Proof::Structure)));
            assert!(outcome.payload == body.payload);
        }
    }

    #[test]
    fn every_truncation_is_told() {
        for variant in ["name", "members"] {
            let image = fixture(&name(variant));
            let whole = decode(&Gzip, image.clone()).unwrap();
            for len in 0..image.len() {
                let Some(outcome) = decode(&Gzip, image[..len].to_vec()) else {
                    continue;
                };
                let Some((end, proof)) = outcome.extent else {
                    assert!(outcome.payload.is_empty());
                    continue;
                };
                assert!(whole.payload.starts_with(&outcome.payload), "{len}");
                // A cut within the second member's header leaves a complete file and a few bytes behind it.
                let complete = proof == Proof::Checksum;
                assert_eq!(complete, outcome.problems.is_empty(), "{len}");
                assert!(!complete || outcome.payload.len() == 3000 && end + 10 >= len as u64);
            }
        }
    }

    #[test]
    fn noise_behind_the_pattern_is_a_coincidence() {
        let mut seed = Seeded(99);
        let mut regions = 0;
        for _ in 0..20_000 {
            let mut image = seed.bytes(3000);
            image[..3].copy_from_slice(&[0x1f, 0x8b, 8]);
            // Header bytes that no compressor writes; with usual ones a hit in noise is one in 2^37.
            image[8] = 1;
            let outcome = decode(&Gzip, image);
            regions += usize::from(outcome.is_some_and(|outcome| outcome.extent.is_some()));
        }
        assert_eq!(regions, 0);
    }

    #[test]
    fn mutants_neither_panic_nor_pass_as_checked() {
        for variant in VARIANTS {
            hurt(&Gzip, &fixture(&name(variant)), 1000);
        }
    }
}
