//! lz4: frames with their checksums, skippable frames, and the legacy frames that kernels are packed with.
//!
//! What stands before a damaged block is kept. The sizes in front of the blocks then still tell where the frame ends.

mod header;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use bytes::Bytes;
use twox_hash::XxHash32;

use self::header::{Frame, LEGACY, LEGACY_BLOCK, LEGACY_STORED, MAGIC, skippable};
use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length, rest};

/// lz4.
pub(in crate::formats) struct Lz4;

/// How far back a match may reach (bytes).
const WINDOW: usize = 64 << 10;

/// In a block's size: the block is stored as it is.
const STORED: u32 = 1 << 31;

impl Format for Lz4 {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "lz4",
            title: "lz4",
            kind: Kind::Compression,
            spec: "LZ4 Frame Format 1.6.4; Linux lib/decompress_unlz4.c",
            reads: "any number of frames, legacy frames (also with the size that Linux appends) and skippable frames one after another",
            verifies: "XXH32 of each header, of blocks and of the content where they have one; the content size where it is stated",
            limits: &[
                "frames made with a dictionary",
                "the payload of skippable frames, which is left unexplained",
                "skippable frames in front of the first other frame",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: &MAGIC,
                at: 0,
            },
            Magic {
                bytes: &LEGACY,
                at: 0,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let proof = if rest.starts_with(&LEGACY) {
            let size = Fields::little(rest).u32(4);
            let fits = size.is_some_and(|size| (1..=LEGACY_STORED).contains(&u64::from(size)));
            if !fits {
                return Err(Reject::Coincidence("no legacy lz4 block behind the magic"));
            }
            Proof::Magic
        } else {
            let frame = Frame::parse(rest).ok_or(Reject::Coincidence("no lz4 frame header"))?;
            if !frame.sound {
                return Err(Reject::NearMiss(
                    "an lz4 frame header whose checksum is wrong",
                ));
            }
            Proof::Structure
        };
        Ok(Extent {
            len: Length::Decoded,
            proof,
        })
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        Opened::stream(Frames::new(region))
    }
}

/// Which frame is being decoded.
enum Current {
    Frame(Frame),
    Legacy,
}

/// Decodes frame after frame.
struct Frames {
    region: Bytes,
    current: Option<Current>,
    /// The next byte to read, from the region's start.
    at: u64,
    /// Where the last complete frame ended.
    complete: u64,
    /// The decoded block, of which `given..made` is still to be yielded.
    block: Vec<u8>,
    made: usize,
    given: usize,
    /// What came before the block, as far as matches may reach.
    window: Vec<u8>,
    /// The hash and the length of the frame's content so far.
    content: XxHash32,
    content_len: u64,
    /// Whether a block was decoded, or a frame came to its end.
    shown: bool,
    /// Whether every frame so far has a checksum of its content or of its blocks.
    checked: bool,
    over: bool,
    notes: Notes,
}

impl Frames {
    fn new(region: Bytes) -> Self {
        Self {
            region,
            current: None,
            at: 0,
            complete: 0,
            block: Vec::new(),
            made: 0,
            given: 0,
            window: Vec::new(),
            content: XxHash32::with_seed(0),
            content_len: 0,
            shown: false,
            checked: true,
            over: false,
            notes: Notes::default(),
        }
    }

    /// Starts the next frame; `false` when there is none.
    fn begin(&mut self) -> bool {
        while self.skip() {}
        let bytes = rest(&self.region, self.at);
        self.window.clear();
        self.content_len = 0;
        if bytes.starts_with(&LEGACY) {
            self.notes.metadata(self.at, 4);
            self.at = self.at.saturating_add(4);
            self.checked = false;
            self.current = Some(Current::Legacy);
            return true;
        }
        let Some(frame) = Frame::parse(&bytes).filter(|frame| frame.sound) else {
            return false;
        };
        self.notes.metadata(self.at, frame.len);
        self.at = self.at.saturating_add(frame.len);
        self.checked &= frame.has_content_checksum() || frame.has_block_checksums();
        self.content = XxHash32::with_seed(0);
        if frame.has_dictionary() {
            let detail = "the frame was made with a dictionary, which is not in it";
            self.stop(&frame, Problem::unsupported(detail));
            self.shown = true;
        } else {
            self.current = Some(Current::Frame(frame));
        }
        true
    }

    /// Passes a skippable frame; `false` when there is none. Its payload is nobody's.
    fn skip(&mut self) -> bool {
        let bytes = rest(&self.region, self.at);
        let Some(payload) = skippable(&bytes) else {
            return false;
        };
        let len = 8_u64.saturating_add(payload);
        if len > length(&bytes) {
            return false;
        }
        self.notes.metadata(self.at, 8);
        self.at = self.at.saturating_add(len);
        self.complete = self.at;
        true
    }

    /// Decodes the next block of a frame, or ends it.
    fn frame_block(&mut self, frame: Frame) {
        let bytes = rest(&self.region, self.at);
        let Some(word) = Fields::little(&bytes).u32(0) else {
            return self.stop(&frame, short());
        };
        if word == 0 {
            return self.end_frame(&frame);
        }
        let len = u64::from(word & !STORED);
        if len > frame.most {
            let detail = format!("a block of {len} bytes, of at most {}", frame.most);
            return self.stop(&frame, Problem::corrupt(detail));
        }
        let stored = clip(&bytes, 4, len);
        let check = if frame.has_block_checksums() { 4 } else { 0 };
        let after = 4_u64.saturating_add(len);
        if after.saturating_add(check) > length(&bytes) {
            return self.stop(&frame, short());
        }
        let sum = Fields::little(&bytes).u32(index(after));
        if frame.has_block_checksums() && sum != Some(XxHash32::oneshot(0, &stored)) {
            let detail = "the XXH32 of a block is not that of its stored bytes";
            self.notes.problem(Problem::checksum(detail).at(self.at));
        }
        if frame.is_linked() {
            self.remember();
        }
        if !self.decode(&stored, word & STORED != 0, index(frame.most)) {
            return self.stop(&frame, Problem::corrupt("a block is damaged"));
        }
        self.notes.metadata(self.at, 4);
        self.notes.content(self.at.saturating_add(4), len);
        self.notes.metadata(self.at.saturating_add(after), check);
        self.at = self.at.saturating_add(after).saturating_add(check);
        if frame.has_content_checksum() {
            let made = self.block.get(..self.made).unwrap_or_default();
            std::hash::Hasher::write(&mut self.content, made);
        }
        self.current = Some(Current::Frame(frame));
    }

    /// Ends a frame behind its last block.
    fn end_frame(&mut self, frame: &Frame) {
        self.notes.metadata(self.at, 4);
        self.at = self.at.saturating_add(4);
        if frame.has_content_checksum() {
            let bytes = clip(&self.region, self.at, 4);
            let Some(stored) = Fields::little(&bytes).u32(0) else {
                self.at = length(&self.region);
                self.complete = self.at;
                self.notes.problem(short().at(self.at));
                self.over = true;
                return;
            };
            let computed = self.content.finish_32();
            if stored != computed {
                let detail = format!("XXH32 stored {stored:08x}, computed {computed:08x}");
                self.notes.problem(Problem::checksum(detail).at(self.at));
            }
            self.notes.metadata(self.at, 4);
            self.at = self.at.saturating_add(4);
        }
        if let Some(size) = frame.content_size.filter(|&size| size != self.content_len) {
            let detail = format!("{} bytes of content, {size} are stated", self.content_len);
            self.notes.problem(Problem::corrupt(detail).at(self.at));
        }
        self.complete = self.at;
        self.shown = true;
    }

    /// Decodes the next block of a legacy frame, or ends it: a block that is not full is the last.
    fn legacy_block(&mut self) {
        let bytes = rest(&self.region, self.at);
        let full = self.made == LEGACY_BLOCK;
        let size = Fields::little(&bytes).u32(0);
        if self.content_len > 0 && (!full || size.is_none_or(|size| !is_block(size))) {
            return self.end_legacy(size);
        }
        if self.content_len > 0 && size == Some(low_half(self.content_len)) {
            return self.end_legacy(size);
        }
        let len = u64::from(size.unwrap_or_default());
        let stored = clip(&bytes, 4, len);
        let cut = length(&stored) < len || size.is_none();
        if cut || !self.decode(&stored, false, LEGACY_BLOCK) {
            let detail = if cut {
                "the compressed data ends too early"
            } else {
                "a block is damaged, or the stream ended before it: legacy frames do not tell"
            };
            self.notes.problem(Problem::corrupt(detail).at(self.at));
            if cut && self.shown {
                self.notes.metadata(self.at, 4.min(length(&bytes)));
                self.notes
                    .content(self.at.saturating_add(4), length(&stored));
                self.at = length(&self.region);
            }
            self.complete = self.at;
            self.over = true;
            return;
        }
        self.notes.metadata(self.at, 4);
        self.notes.content(self.at.saturating_add(4), len);
        self.at = self.at.saturating_add(4).saturating_add(len);
        self.current = Some(Current::Legacy);
    }

    /// Ends a legacy frame, with the size that Linux appends to it.
    fn end_legacy(&mut self, next: Option<u32>) {
        if next == Some(low_half(self.content_len)) {
            self.notes.metadata(self.at, 4);
            self.at = self.at.saturating_add(4);
        }
        self.complete = self.at;
        self.made = 0;
        self.given = 0;
    }

    /// Decodes one block; `false` when it is damaged.
    fn decode(&mut self, stored: &[u8], as_it_is: bool, most: usize) -> bool {
        self.block.resize(most, 0);
        self.given = 0;
        let made = if as_it_is {
            let room = self.block.get_mut(..stored.len());
            if let Some(room) = room {
                room.copy_from_slice(stored);
            }
            Ok(stored.len())
        } else {
            lz4_flex::block::decompress_into_with_dict(stored, &mut self.block, &self.window)
        };
        self.made = made.as_ref().copied().unwrap_or_default();
        self.content_len = self
            .content_len
            .saturating_add(u64::try_from(self.made).unwrap_or_default());
        self.shown |= made.is_ok();
        made.is_ok()
    }

    /// Keeps the end of the last block, which the next one may refer to.
    fn remember(&mut self) {
        let made = self.block.get(..self.made).unwrap_or_default();
        let tail = made
            .get(made.len().saturating_sub(WINDOW)..)
            .unwrap_or_default();
        let kept = WINDOW.saturating_sub(tail.len()).min(self.window.len());
        let gone = self.window.len().saturating_sub(kept);
        self.window.drain(..gone);
        self.window.extend_from_slice(tail);
    }

    /// A frame that cannot be decoded to its end: its blocks' sizes tell where that is.
    fn stop(&mut self, frame: &Frame, problem: Problem) {
        self.notes.problem(problem.at(self.at));
        let region = self.region.clone();
        let end = length(&region);
        let check = if frame.has_block_checksums() { 4 } else { 0 };
        while let Some(word) = Fields::little(&rest(&region, self.at)).u32(0) {
            let len = u64::from(word & !STORED);
            if len > frame.most {
                break;
            }
            self.notes.metadata(self.at, 4);
            let body = self.at.saturating_add(4);
            if word == 0 {
                let sum = if frame.has_content_checksum() { 4 } else { 0 };
                self.notes.metadata(body, sum.min(end.saturating_sub(body)));
                self.at = body.saturating_add(sum);
                break;
            }
            self.notes.content(body, len.min(end.saturating_sub(body)));
            let after = body.saturating_add(len);
            self.notes
                .metadata(after, check.min(end.saturating_sub(after)));
            self.at = after.saturating_add(check);
        }
        self.at = self.at.min(end);
        self.complete = self.at;
        self.over = true;
    }
}

fn short() -> Problem {
    Problem::corrupt("the compressed data ends too early")
}

fn is_block(size: u32) -> bool {
    (1..=LEGACY_STORED).contains(&u64::from(size))
}

/// A size as 32 bits hold it.
fn low_half(size: u64) -> u32 {
    u32::try_from(size & u64::from(u32::MAX)).unwrap_or_default()
}

impl Read for Frames {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            let ready = self.block.get(self.given..self.made).unwrap_or_default();
            if !ready.is_empty() {
                let len = ready.len().min(out.len());
                if let (Some(out), Some(ready)) = (out.get_mut(..len), ready.get(..len)) {
                    out.copy_from_slice(ready);
                }
                self.given = self.given.saturating_add(len);
                return Ok(len);
            }
            match self.current.take() {
                _ if self.over => break,
                Some(Current::Frame(frame)) => self.frame_block(frame),
                Some(Current::Legacy) => self.legacy_block(),
                None => self.over = !self.begin(),
            }
        }
        Ok(0)
    }
}

impl Decode for Frames {
    fn finish(self: Box<Self>) -> Ending {
        let end = if self.current.is_some() {
            self.at
        } else {
            self.complete
        };
        let extent = if !self.shown {
            Err(Reject::NearMiss(
                "an lz4 header, but no block behind it that can be decoded",
            ))
        } else if self.notes.sound() && self.checked {
            Ok((end, Proof::Checksum))
        } else {
            Ok((end, Proof::Structure))
        };
        self.notes.ending(extent)
    }
}
