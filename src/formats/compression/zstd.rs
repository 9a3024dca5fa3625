//! Zstandard, RFC 8878: frames and skippable frames, one after another.
//!
//! libzstd decodes and verifies. This file walks the block headers first: so it knows a frame's end without
//! decoding, feeds the decoder block by block (what stands before a damaged block is kept), and can tell a
//! wrong checksum from damage.

mod frame;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use bytes::Bytes;
use zstd::zstd_safe::{DCtx, InBuffer, OutBuffer, ResetDirective};

use self::frame::{Blocks, Frame, MAGIC, PZSTD, SKIPPABLE, skippable, states_next};
use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{index, length, rest};

/// Zstandard.
pub(in crate::formats) struct Zstd;

/// How many block headers `measure` looks at.
const SAMPLE: usize = 64;

impl Format for Zstd {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "zstd",
            title: "Zstandard",
            kind: Kind::Compression,
            spec: "RFC 8878",
            reads: "any number of frames and skippable frames one after another",
            verifies: "XXH64 of each frame that has one; the content size where it is stated",
            limits: &[
                "frames made with a dictionary",
                "windows of more than 128 MiB",
                "the payload of skippable frames, which is left unexplained",
                "frames from before version 0.8",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &MAGIC,
            at: 0,
        }]
    }

    /// A file of pzstd starts with a skippable frame that states the length of the frame behind it.
    fn locate(&self, stream: &Bytes, _magic: &Magic, hit: u64) -> Option<u64> {
        let before = hit.checked_sub(SKIPPABLE.saturating_add(PZSTD));
        let of_pzstd = |&at: &u64| {
            let bytes = rest(stream, at);
            skippable(&bytes) == Some(PZSTD) && states_next(&bytes)
        };
        before.filter(of_pzstd).or(Some(hit))
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let skip = match skippable(rest) {
            Some(PZSTD) => SKIPPABLE.saturating_add(PZSTD),
            _ => 0,
        };
        let bytes = rest.get(index(skip)..).unwrap_or_default();
        let frame = Frame::parse(bytes).ok_or(Reject::Coincidence("no zstd frame header"))?;
        let mut blocks = Blocks::new(bytes, &frame);
        let first = blocks.next().is_some();
        blocks.by_ref().take(SAMPLE).for_each(drop);
        if !first || blocks.bad {
            return Err(Reject::Coincidence("no zstd blocks behind the header"));
        }
        Ok(Extent {
            len: Length::Decoded,
            proof: Proof::Magic,
        })
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        match DCtx::try_create() {
            Some(coder) => Opened::stream(Frames::new(region, coder)),
            None => Opened::unread(Problem::limit("no memory for a decoder")),
        }
    }
}

/// How far the decoder may read: it is fed up to the end of one block, and the next one when it has nothing left.
struct Current {
    frame: Frame,
    /// The frame's first byte, from the region's start.
    start: u64,
    /// How far it may read, from the region's start.
    until: u64,
    last: bool,
    /// Whether it was fed everything, with the checksum.
    fed: bool,
}

/// Decodes frame after frame.
struct Frames {
    region: Bytes,
    coder: DCtx<'static>,
    current: Option<Current>,
    /// The next byte to read, from the region's start.
    at: u64,
    /// Where the last complete frame ended.
    end: u64,
    /// Whether something besides the header shows that this is zstd: content came out, a frame was decoded to its
    /// end, or one that stays unread has block headers that lead to its end.
    shown: bool,
    /// Whether every frame so far has a checksum.
    checked: bool,
    /// Whether nothing more is to be read.
    over: bool,
    notes: Notes,
}

impl Frames {
    fn new(region: Bytes, coder: DCtx<'static>) -> Self {
        Self {
            region,
            coder,
            current: None,
            at: 0,
            end: 0,
            shown: false,
            checked: true,
            over: false,
            notes: Notes::default(),
        }
    }

    /// Starts the next frame that holds content; none when there is none.
    fn begin(&mut self) -> Option<Current> {
        while self.skip() {}
        let start = self.end;
        let bytes = rest(&self.region, start);
        let frame = Frame::parse(&bytes)?;
        if let Some(problem) = frame.refusal() {
            self.notes.problem(problem.at(start));
            self.shown |= self.close(&frame, start);
            return None;
        }
        self.checked &= frame.checksum;
        self.coder.reset(ResetDirective::SessionOnly).ok()?;
        self.at = start;
        Some(Current {
            until: start.saturating_add(frame.len),
            frame,
            start,
            last: false,
            fed: false,
        })
    }

    /// Passes a skippable frame; `false` when there is none. Its payload is nobody's: only the length of the next
    /// frame, which pzstd puts there, explains itself.
    fn skip(&mut self) -> bool {
        let bytes = rest(&self.region, self.end);
        let Some(payload) = skippable(&bytes) else {
            return false;
        };
        let len = SKIPPABLE.saturating_add(payload);
        if len > length(&bytes) {
            self.notes.metadata(self.end, SKIPPABLE);
            let problem = Problem::corrupt("a skippable frame ends too early");
            self.notes.problem(problem.at(self.end));
            self.end = self.end.saturating_add(SKIPPABLE);
            self.over = true;
            return false;
        }
        let explained = match payload {
            PZSTD if states_next(&bytes) => len,
            _ => SKIPPABLE,
        };
        self.notes.metadata(self.end, explained);
        self.end = self.end.saturating_add(len);
        true
    }

    /// Lets the decoder have the next block, or the checksum; `false` when it has everything there is.
    fn feed(&mut self, current: &mut Current) -> bool {
        let limit = length(&self.region);
        if current.fed || current.until >= limit {
            return false;
        }
        if current.last {
            current.fed = true;
            let checksum = if current.frame.checksum { 4 } else { 0 };
            current.until = current.until.saturating_add(checksum).min(limit);
            return checksum > 0;
        }
        let mut blocks = Blocks {
            bytes: &self.region,
            at: current.until,
            last: false,
            bad: false,
        };
        blocks.next();
        // A header that is none is fed too, so that the decoder has the last word.
        let header = current.until.saturating_add(3);
        current.until = blocks.at.max(header).min(limit);
        current.last = blocks.last;
        true
    }

    /// Ends a frame: names what its block headers say it consists of, and tells whether they lead to its end.
    fn close(&mut self, frame: &Frame, start: u64) -> bool {
        let region = self.region.clone();
        let bytes = region.get(index(start)..).unwrap_or_default();
        let limit = length(bytes);
        self.notes.metadata(start, frame.len.min(limit));
        let mut blocks = Blocks::new(bytes, frame);
        let mut at = frame.len.min(limit);
        for stored in blocks.by_ref() {
            let content = at.saturating_add(3);
            self.notes.metadata(start.saturating_add(at), 3);
            at = content.saturating_add(stored).min(limit);
            let len = at.saturating_sub(content);
            self.notes.content(start.saturating_add(content), len);
        }
        if blocks.last && frame.checksum {
            let len = 4.min(limit.saturating_sub(at));
            self.notes.metadata(start.saturating_add(at), len);
            at = at.saturating_add(len);
        }
        self.end = start.saturating_add(at);
        blocks.last && blocks.at <= limit
    }

    /// A frame that cannot be decoded to its end.
    fn stop(&mut self, current: &Current, detail: &str) {
        self.notes.problem(Problem::corrupt(detail).at(self.at));
        self.close(&current.frame, current.start);
        self.over = true;
    }
}

impl Read for Frames {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.over && !out.is_empty() {
            let Some(mut current) = self.current.take().or_else(|| self.begin()) else {
                self.over = true;
                break;
            };
            let region = self.region.clone();
            let until = current.until.min(length(&region));
            let input = region.get(index(self.at)..index(until)).unwrap_or_default();
            let mut input = InBuffer::around(input);
            let mut output = OutBuffer::around(&mut *out);
            let result = self.coder.decompress_stream(&mut output, &mut input);
            let (read, made) = (input.pos(), output.pos());
            self.at = self
                .at
                .saturating_add(u64::try_from(read).unwrap_or_default());
            self.shown |= made > 0;
            match result {
                Ok(0) => self.complete(&current),
                Ok(_) if read > 0 || made > 0 || self.feed(&mut current) => {
                    self.current = Some(current);
                }
                Ok(_) => self.stop(&current, "the compressed data ends too early"),
                Err(_) if current.fed => {
                    let problem =
                        Problem::checksum("the XXH64 of a frame is not that of its content");
                    self.notes.problem(problem.at(self.at));
                    self.complete(&current);
                }
                Err(_) => self.stop(&current, "the compressed data is damaged"),
            }
            if made > 0 {
                return Ok(made);
            }
        }
        Ok(0)
    }
}

impl Frames {
    fn complete(&mut self, current: &Current) {
        self.close(&current.frame, current.start);
        self.shown = true;
    }
}

impl Decode for Frames {
    fn finish(self: Box<Self>) -> Ending {
        let proof = if self.notes.sound() && self.checked {
            Proof::Checksum
        } else {
            Proof::Structure
        };
        let extent = if self.shown {
            Ok((self.end, proof))
        } else {
            Err(Reject::NearMiss(
                "a zstd frame header, but no blocks that decode",
            ))
        };
        self.notes.ending(extent)
    }
}
