//! lzip: one member or several, each an LZMA stream with its end marker between a short header and a trailer with the
//! CRC-32 and both sizes.

use std::io::{self, Read};

use bytes::Bytes;
use crc32fast::Hasher;
use liblzma::stream::{Error, Filters, LzmaOptions, Stream};

use super::coder::{Coder as _, Outcome, Step};
use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{Fields, index, length, rest};

/// lzip.
pub(in crate::formats) struct Lzip;

const MAGIC: [u8; 4] = *b"LZIP";

/// The length of a member's header: magic, version, dictionary size (bytes).
const HEADER: u64 = 6;

/// The length of a member's trailer: CRC-32, data size, member size (bytes).
const TRAILER: u64 = 20;

/// The largest dictionary that is allocated (64 MiB). A member that stays within it is read whatever it claims.
const DICTIONARY: u32 = 64 << 20;

/// A member that broke off is kept when it had yielded so many bytes.
const CONVINCING: u64 = 1 << 10;

impl Format for Lzip {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "lzip",
            title: "lzip",
            kind: Kind::Compression,
            spec: "The lzip file format (draft-diaz-lzip), version 1",
            reads: "any number of members one after another",
            verifies: "CRC-32, data size and member size of each member; the end marker",
            limits: &[
                "matches that reach back more than 64 MiB",
                "version 0, which was in use until 2009",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &MAGIC,
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        dictionary(rest).ok_or(Reject::Coincidence("no lzip header"))?;
        Ok(Extent {
            len: Length::Decoded,
            proof: Proof::Magic,
        })
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        Opened::stream(Members::new(region))
    }
}

/// The dictionary size that the header at the start of `bytes` states; `None` where there is no header.
fn dictionary(bytes: &[u8]) -> Option<u32> {
    let fields = Fields::little(bytes);
    let coded = fields.u8(5)?;
    let base = 1_u32.checked_shl(u32::from(coded & 0x1f))?;
    let size = base.checked_sub((base >> 4).checked_mul(u32::from(coded >> 5))?)?;
    let is_header = fields.slice(0, 4)? == MAGIC && fields.u8(4)? == 1;
    // The range coder's first byte is 0.
    let is_started = fields.u8(index(HEADER))? == 0;
    (is_header && is_started && (4096..=1 << 29).contains(&size)).then_some(size)
}

/// One member that is being decoded.
struct Member {
    coder: Stream,
    /// Its first byte, from the region's start.
    start: u64,
    dictionary: u32,
    crc: Hasher,
}

/// Decodes member after member.
struct Members {
    region: Bytes,
    current: Option<Member>,
    /// Where the last complete member ended; where reading stopped when one broke off.
    end: u64,
    complete: bool,
    yielded: u64,
    over: bool,
    broken: bool,
    notes: Notes,
}

impl Members {
    fn new(region: Bytes) -> Self {
        Self {
            region,
            current: None,
            end: 0,
            complete: false,
            yielded: 0,
            over: false,
            broken: false,
            notes: Notes::default(),
        }
    }

    /// Starts the next member; none when there is none.
    fn begin(&mut self) -> Option<Member> {
        let start = self.end;
        let dictionary = dictionary(&rest(&self.region, start))?;
        let mut options = LzmaOptions::new_preset(6).ok()?;
        options.dict_size(dictionary.min(DICTIONARY));
        let coder = Stream::new_raw_decoder(Filters::new().lzma1(&options)).ok()?;
        self.notes.metadata(start, HEADER);
        Some(Member {
            coder,
            start,
            dictionary,
            crc: Hasher::new(),
        })
    }

    /// Ends a member with its trailer.
    fn close(&mut self, member: &Member) {
        let body = member.start.saturating_add(HEADER);
        let at = body.saturating_add(member.coder.total_in());
        self.notes.content(body, member.coder.total_in());
        let trailer = rest(&self.region, at);
        let fields = Fields::little(&trailer);
        let (Some(crc), Some(size), Some(stored)) = (fields.u32(0), fields.u64(4), fields.u64(12))
        else {
            self.stop(
                at,
                Problem::corrupt("the stream ends within a member's trailer"),
            );
            return;
        };
        let end = at.saturating_add(TRAILER);
        let (computed, made) = (member.crc.clone().finalize(), member.coder.total_out());
        let len = end.saturating_sub(member.start);
        if (crc, size, stored) != (computed, made, len) {
            let detail = format!(
                "CRC-32 stored {crc:08x}, computed {computed:08x}; data size stored {size}, computed {made}; \
                 member size stored {stored}, computed {len}"
            );
            self.notes.problem(Problem::checksum(detail).at(at));
        }
        self.notes.metadata(at, TRAILER);
        self.end = end;
        self.complete = true;
    }

    fn fail(&mut self, member: &Member, error: Error) {
        let body = member.start.saturating_add(HEADER);
        let at = body.saturating_add(member.coder.total_in());
        self.notes.content(body, member.coder.total_in());
        let problem = match error {
            Error::MemLimit | Error::Mem => Problem::limit("no memory for the dictionary"),
            _ if member.dictionary > DICTIONARY => Problem::limit(format!(
                "damaged, or in need of the {} bytes of dictionary it claims; at most {DICTIONARY} are given",
                member.dictionary
            )),
            _ => Problem::corrupt("the compressed data is damaged"),
        };
        self.stop(at, problem);
    }

    fn stop(&mut self, at: u64, problem: Problem) {
        self.notes.problem(problem.at(at));
        self.end = at.min(length(&self.region));
        self.broken = true;
        self.over = true;
    }
}

impl Read for Members {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.over && !out.is_empty() {
            let Some(mut member) = self.current.take().or_else(|| self.begin()) else {
                self.over = true;
                break;
            };
            let body = member.start.saturating_add(HEADER);
            let at = body.saturating_add(member.coder.total_in());
            let input = self.region.get(index(at)..).unwrap_or_default();
            let Step { made, outcome, .. } = member.coder.step(input, out);
            let made = out.get(..made).unwrap_or_default();
            member.crc.update(made);
            self.yielded = self.yielded.saturating_add(length(made));
            match outcome {
                Outcome::Ended => self.close(&member),
                Outcome::Short => {
                    self.notes.content(body, at.saturating_sub(body));
                    let detail = "the compressed data ends too early";
                    self.stop(at, Problem::corrupt(detail));
                }
                Outcome::Running => self.current = Some(member),
                Outcome::Damaged(error) => self.fail(&member, error),
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
        if let Some(member) = self.current {
            let body = member.start.saturating_add(HEADER);
            self.notes.content(body, member.coder.total_in());
        }
        let extent = if self.broken && !self.complete && self.yielded < CONVINCING {
            Err(Reject::NearMiss(
                "an lzip header, but no LZMA data behind it",
            ))
        } else if self.notes.sound() {
            Ok((self.end, Proof::Checksum))
        } else {
            Ok((self.end, Proof::Structure))
        };
        self.notes.ending(extent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{decode, fixture, hurt, reads_to_its_end};
    use super::*;
    use crate::problem::ProblemKind;

    const VARIANTS: [&str; 3] = ["best", "small-dictionary", "members"];

    fn name(variant: &str) -> String {
        format!("lzip/{variant}.img")
    }

    #[test]
    fn every_variant_is_read_to_its_exact_end() {
        for variant in VARIANTS {
            reads_to_its_end(&Lzip, &name(variant), Proof::Checksum, 0);
        }
    }

    #[test]
    fn every_field_of_the_trailer_is_verified() {
        let image = fixture("lzip/best.img");
        let sound = decode(&Lzip, image.clone()).unwrap();
        for from_end in [1, 8, 9, 16, 17, 20] {
            let mut image = image.clone();
            let at = image.len() - from_end;
            image[at] ^= 1;
            let outcome = decode(&Lzip, image).unwrap();
            assert_eq!(outcome.kinds(), [ProblemKind::ChecksumMismatch]);
            assert!(outcome.payload == sound.payload);
        }
    }

    #[test]
    fn every_truncation_is_told() {
        let image = fixture("lzip/members.img");
        let whole = decode(&Lzip, image.clone()).unwrap();
        for len in 0..image.len() {
            let Some(outcome) = decode(&Lzip, image[..len].to_vec()) else {
                continue;
            };
            let Some((end, proof)) = outcome.extent else {
                continue;
            };
            assert!(whole.payload.starts_with(&outcome.payload), "{len}");
            let complete = proof == Proof::Checksum;
            assert_eq!(complete, outcome.problems.is_empty(), "{len}");
            assert!(!complete || end + 10 > len as u64, "{len}");
        }
    }

    #[test]
    fn mutants_neither_panic_nor_pass_as_checked() {
        for variant in VARIANTS {
            hurt(&Lzip, &fixture(&name(variant)), 500);
        }
    }
}
