//! xz, the .xz file format 1.2: one stream or several, each of blocks with a check of their content.
//!
//! liblzma decodes and verifies. This file finds where things stand: it walks a complete stream's index to tell
//! headers and checks from compressed bytes, and goes on behind a block whose check does not fit.

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use bytes::Bytes;
use liblzma::stream::{Action, Error, IGNORE_CHECK, Status, Stream};

use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{Fields, index, length, rest};

/// xz.
pub(in crate::formats) struct Xz;

const MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];

/// How much memory a decoder may take (128 MiB; `xz -9` needs 65 MiB).
const MEMORY: u64 = 128 << 20;

/// Zeros between two streams that still make them one file (bytes). Further apart they are two regions.
const PADDING: u64 = 4096;

/// The length of a stream's header, and of its footer (bytes).
const HEADER: u64 = 12;

impl Format for Xz {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "xz",
            title: "xz",
            kind: Kind::Compression,
            spec: "The .xz File Format 1.2.1",
            reads: "any number of streams with up to 4 KiB of padding between them; all filters of liblzma",
            verifies: "CRC-32 of headers, index and footer; CRC-32, CRC-64 or SHA-256 of each block",
            limits: &["dictionaries that need more than 128 MiB of memory"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &MAGIC,
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no xz stream header"))?;
        match (
            header.sound,
            block(rest) || header.sound && index_alone(rest),
        ) {
            (true, true) => Ok(Extent {
                len: Length::Decoded,
                proof: Proof::Checksum,
            }),
            (true, false) => Err(Reject::NearMiss(
                "an xz stream header, but neither a block nor an index behind it",
            )),
            (false, true) => Err(Reject::NearMiss(
                "an xz block behind a stream header whose CRC-32 is wrong",
            )),
            (false, false) => Err(Reject::Coincidence("no xz stream header")),
        }
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        Opened::stream(Streams::new(region))
    }
}

/// A stream's header.
struct Header {
    /// Which check follows each block.
    check: u8,
    /// Whether its CRC-32 is right.
    sound: bool,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let check = fields.u8(7)?;
        if fields.slice(0, 6)? != MAGIC || fields.u8(6)? != 0 || check > 15 {
            return None;
        }
        let sound = crc32fast::hash(fields.slice(6, 2)?) == fields.u32(8)?;
        Some(Self { check, sound })
    }

    /// The length of a block's check in bytes.
    fn check_len(&self) -> u64 {
        match self.check {
            0 => 0,
            1..=3 => 4,
            4..=6 => 8,
            7..=9 => 16,
            10..=12 => 32,
            _ => 64,
        }
    }

    /// Whether liblzma can compute the check. Type 0 is none.
    fn known(&self) -> bool {
        matches!(self.check, 0 | 1 | 4 | 10)
    }
}

/// Whether a block header with a right CRC-32 stands behind the stream header.
fn block(bytes: &[u8]) -> bool {
    let sound = || {
        let block = bytes.get(index(HEADER)..)?;
        let len = usize::from(*block.first()?).checked_mul(4)?;
        Some(len > 0 && Fields::little(block).u32(len)? == crc32fast::hash(block.get(..len)?))
    };
    sound().unwrap_or(false)
}

/// Whether the index of a stream without blocks stands behind the stream header.
fn index_alone(bytes: &[u8]) -> bool {
    let index = bytes.get(index(HEADER)..).unwrap_or_default();
    index.starts_with(&[0; 4])
}

/// One stream that is being decoded.
struct Current {
    coder: Stream,
    header: Header,
    /// Its first byte, from the region's start.
    start: u64,
    /// Where decoding with checks failed. It then started over without them.
    failed: Option<Failure>,
}

/// Where the first way through a stream ended.
struct Failure {
    /// Bytes read by then, from the stream's start.
    read: u64,
    /// Bytes made by then, which were yielded already.
    made: u64,
    /// Whether it is known, and told, that a check was the trouble: the second way went further.
    told: bool,
}

/// Decodes stream after stream.
struct Streams {
    region: Bytes,
    current: Option<Current>,
    /// Where the last complete stream ended; before that, where reading stopped.
    end: u64,
    /// Whether every complete stream had a check of its content.
    checked: bool,
    /// Whether nothing more is to be read.
    over: bool,
    broken: bool,
    notes: Notes,
}

impl Streams {
    fn new(region: Bytes) -> Self {
        Self {
            region,
            current: None,
            end: 0,
            checked: true,
            over: false,
            broken: false,
            notes: Notes::default(),
        }
    }

    /// Starts the next stream; none when there is none.
    fn begin(&mut self) -> Option<Current> {
        let start = self.end.saturating_add(self.padding());
        let header = Header::parse(&rest(&self.region, start)).filter(|header| header.sound)?;
        if !header.known() {
            let detail = format!("check type {} is unknown: not verified", header.check);
            self.notes.problem(Problem::unsupported(detail).at(start));
        }
        self.checked &= header.check != 0;
        self.notes.metadata(start, HEADER);
        Some(Current {
            coder: Stream::new_stream_decoder(MEMORY, 0).ok()?,
            header,
            start,
            failed: None,
        })
    }

    /// How many bytes of stream padding follow (a multiple of 4).
    fn padding(&self) -> u64 {
        if self.end == 0 {
            return 0;
        }
        let after = rest(&self.region, self.end);
        let most = after.get(..index(PADDING)).unwrap_or(&after);
        length(most.split(|&byte| byte != 0).next().unwrap_or_default()) & !3
    }

    /// A failed stream: tries again without checks, or gives up.
    fn fail(&mut self, mut current: Current, error: Error) {
        let at = current.start.saturating_add(current.coder.total_in());
        let made = current.coder.total_out();
        if matches!(error, Error::Data)
            && current.failed.is_none()
            && let Ok(coder) = Stream::new_stream_decoder(MEMORY, IGNORE_CHECK)
        {
            current.failed = Some(Failure {
                read: current.coder.total_in(),
                made,
                told: false,
            });
            current.coder = coder;
            self.current = Some(current);
            return;
        }
        self.stop(
            &current,
            at,
            match error {
                Error::MemLimit | Error::Mem => {
                    Problem::limit("the dictionary needs more than 128 MiB of memory")
                }
                Error::Options => Problem::unsupported("a filter or a flag that is not known"),
                _ => Problem::corrupt("the compressed data is damaged"),
            },
        );
    }

    fn stop(&mut self, current: &Current, at: u64, problem: Problem) {
        let body = current.start.saturating_add(HEADER);
        self.notes.content(body, at.saturating_sub(body));
        self.notes.problem(problem.at(at));
        self.end = at.max(body).min(length(&self.region));
        self.broken = true;
        self.over = true;
    }

    /// A complete stream: tells its parts.
    fn complete(&mut self, current: &Current) {
        let start = current.start;
        self.end = start.saturating_add(current.coder.total_in());
        if self.walk(current).is_none() {
            // liblzma accepted the index, so this cannot happen; the bytes were decoded all the same.
            let body = start.saturating_add(HEADER);
            self.notes.content(body, self.end.saturating_sub(body));
        }
    }

    /// Goes through the index of a complete stream and names its parts.
    fn walk(&mut self, current: &Current) -> Option<()> {
        let region = self.region.clone();
        let footer = self.end.checked_sub(HEADER)?;
        let backward = Fields::little(&region).u32(index(footer.checked_add(4)?))?;
        let index_len = u64::from(backward).checked_add(1)?.checked_mul(4)?;
        let index_at = footer.checked_sub(index_len)?;
        let mut records = region.get(index(index_at.checked_add(1)?)..index(footer))?;
        let count = number(&mut records)?;
        let mut at = current.start.checked_add(HEADER)?;
        for _ in 0..count {
            let unpadded = number(&mut records)?;
            number(&mut records)?;
            let header = u64::from(*region.get(index(at))?)
                .checked_add(1)?
                .checked_mul(4)?;
            let check = current.header.check_len();
            let content = unpadded.checked_sub(header)?.checked_sub(check)?;
            self.notes.metadata(at, header);
            self.notes.content(at.checked_add(header)?, content);
            let next = at.checked_add(unpadded.checked_next_multiple_of(4)?)?;
            // Zeros up to a multiple of 4, which liblzma verifies, and the check.
            let tail = at.checked_add(header)?.checked_add(content)?;
            self.notes.metadata(tail, next.checked_sub(tail)?);
            at = next;
        }
        (at == index_at).then(|| self.notes.metadata(at, index_len.saturating_add(HEADER)))
    }
}

/// A number of 7 bits a byte, the lowest first.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, after) = bytes.split_first()?;
        *bytes = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

impl Read for Streams {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.over && !out.is_empty() {
            let Some(mut current) = self.current.take().or_else(|| self.begin()) else {
                self.over = true;
                break;
            };
            let (before_in, before_out) = (current.coder.total_in(), current.coder.total_out());
            let at = current.start.saturating_add(before_in);
            let input = self.region.get(index(at)..).unwrap_or_default();
            let result = current.coder.process(input, out, Action::Run);
            let (read, made) = (current.coder.total_in(), current.coder.total_out());
            let fresh = self.fresh(&mut current, before_out, out);
            match result {
                Ok(Status::StreamEnd) => self.complete(&current),
                Ok(_) if read == before_in && made == before_out => {
                    let problem = Problem::corrupt("the compressed data ends too early");
                    self.stop(&current, at, problem);
                }
                Ok(_) => self.current = Some(current),
                Err(error) => self.fail(current, error),
            }
            if fresh > 0 {
                return Ok(fresh);
            }
        }
        Ok(0)
    }
}

impl Streams {
    /// Moves what was not yet yielded to the start of `out` and tells how much that is. On the second way through
    /// a stream, notes that its check was the trouble once the place of the failure is passed.
    fn fresh(&mut self, current: &mut Current, before: u64, out: &mut [u8]) -> usize {
        let (read, made) = (current.coder.total_in(), current.coder.total_out());
        let len = index(made.saturating_sub(before));
        let Some(failed) = &mut current.failed else {
            return len;
        };
        if !failed.told && (made > failed.made || read > failed.read) {
            failed.told = true;
            let problem = Problem::checksum("the check of a block is not that of its content");
            let at = current.start.saturating_add(failed.read);
            self.notes.problem(problem.at(at));
        }
        let known = index(failed.made.saturating_sub(before)).min(len);
        out.copy_within(known..len, 0);
        len.saturating_sub(known)
    }
}

impl Decode for Streams {
    fn finish(self: Box<Self>) -> Ending {
        let proof = if self.notes.sound() && self.checked && !self.broken {
            Proof::Checksum
        } else {
            Proof::Structure
        };
        self.notes.ending(Ok((self.end, proof)))
    }
}
