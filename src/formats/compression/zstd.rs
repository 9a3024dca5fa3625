//! Zstandard, RFC 8878: frames and skippable frames, one after another.
//!
//! libzstd decodes and verifies. This file walks the block headers first: so it knows a frame's end without
//! decoding, feeds the decoder block by block (what stands before a damaged block is kept), and can tell a
//! wrong checksum from damage.

use std::io::{self, Read};

use bytes::Bytes;
use zstd::zstd_safe::{DCtx, InBuffer, OutBuffer, ResetDirective};

use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Content, Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{Fields, index, length, rest};

/// Zstandard.
pub(in crate::formats) struct Zstd;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The largest window that is allocated (128 MiB, which is libzstd's own limit).
const WINDOW: u64 = 128 << 20;

/// The largest block (128 KiB).
const BLOCK: u64 = 128 << 10;

/// How many block headers `measure` looks at.
const SAMPLE: usize = 64;

/// A skippable frame's header, and the payload in which pzstd states the length of the frame behind it (bytes).
const SKIPPABLE: u64 = 8;
const PZSTD: u64 = 4;

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
            Some(coder) => Opened {
                content: Content::Stream(Box::new(Frames::new(region, coder))),
                spans: Vec::new(),
                problems: Vec::new(),
            },
            None => Opened::unread(Problem::limit("no memory for a decoder")),
        }
    }
}

/// The payload length of a skippable frame, when one starts here.
fn skippable(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::little(bytes);
    let of_skippable = fields.u32(0)? & 0xffff_fff0 == 0x184d_2a50;
    of_skippable.then(|| fields.u32(4).map(u64::from))?
}

/// Whether the skippable frame at the start of `bytes` states the length of the frame behind it, as pzstd does.
fn states_next(bytes: &[u8]) -> bool {
    let stated = || {
        let stated = u64::from(Fields::little(bytes).u32(8)?);
        let next = bytes.get(index(SKIPPABLE.checked_add(PZSTD)?)..)?;
        let frame = Frame::parse(next)?;
        // One header decides, not the walk: a hostile stream could make every hit walk far.
        Some(stated >= frame.len && stated <= length(next).max(frame.len))
    };
    stated().unwrap_or(false)
}

/// A frame's header.
struct Frame {
    /// Its length in bytes.
    len: u64,
    /// The window in bytes that decoding needs.
    window: u64,
    /// The dictionary that is needed; 0 for none.
    dictionary: u32,
    /// Whether a checksum stands at its end.
    checksum: bool,
}

impl Frame {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let descriptor = fields.u8(4)?;
        // Bit 3 is reserved and zero.
        if fields.slice(0, 4)? != MAGIC || descriptor & 8 != 0 {
            return None;
        }
        let single = descriptor & 0x20 != 0;
        let mut at: usize = 5;
        let mut window = 0;
        if !single {
            let byte = u64::from(fields.u8(at)?);
            let base = 1_u64.checked_shl(u32::try_from(byte >> 3).ok()?.checked_add(10)?)?;
            window = base.checked_add((base / 8).checked_mul(byte & 7)?)?;
            at = at.checked_add(1)?;
        }
        let dictionary = match descriptor & 3 {
            0 => 0,
            1 => u32::from(fields.u8(at)?),
            2 => u32::from(fields.u16(at)?),
            _ => fields.u32(at)?,
        };
        at = at.checked_add([0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?)?;
        let size = match descriptor >> 6 {
            0 if !single => None,
            0 => Some((u64::from(fields.u8(at)?), 1)),
            1 => Some((u64::from(fields.u16(at)?).checked_add(256)?, 2)),
            2 => Some((u64::from(fields.u32(at)?), 4)),
            _ => Some((fields.u64(at)?, 8)),
        };
        if let Some((size, width)) = size {
            at = at.checked_add(width)?;
            window = if single { size } else { window };
        }
        Some(Self {
            len: u64::try_from(at).ok()?,
            window,
            dictionary,
            checksum: descriptor & 4 != 0,
        })
    }
}

impl Frame {
    /// Why the frame cannot be decoded, when that is plain from its header.
    fn refusal(&self) -> Option<Problem> {
        if self.dictionary != 0 {
            let detail = format!("made with dictionary {}", self.dictionary);
            return Some(Problem::unsupported(detail));
        }
        let detail = format!("needs a window of {} bytes; 128 MiB are given", self.window);
        (self.window > WINDOW).then(|| Problem::limit(detail))
    }
}

/// Walks the block headers of a frame.
struct Blocks<'a> {
    bytes: &'a [u8],
    /// The next block's header, from the frame's start.
    at: u64,
    /// Whether the last block was walked.
    last: bool,
    /// Whether a header was none.
    bad: bool,
}

impl<'a> Blocks<'a> {
    fn new(bytes: &'a [u8], frame: &Frame) -> Self {
        Self {
            bytes,
            at: frame.len,
            last: false,
            bad: false,
        }
    }
}

impl Iterator for Blocks<'_> {
    /// The stored length of a block without its header of 3 bytes.
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.last || self.bad {
            return None;
        }
        let header = self.bytes.get(index(self.at)..)?.first_chunk::<3>()?;
        let [low, middle, high] = header.map(u32::from);
        let header = low | middle << 8 | high << 16;
        let size = u64::from(header >> 3);
        let stored = match header >> 1 & 3 {
            0 | 2 => size,
            1 => 1,
            _ => u64::MAX,
        };
        if size > BLOCK || stored > BLOCK {
            self.bad = true;
            return None;
        }
        self.last = header & 1 != 0;
        self.at = self.at.checked_add(3)?.checked_add(stored)?;
        Some(stored)
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
        let (spans, problems) = self.notes.finish();
        Ending {
            extent,
            spans,
            problems,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Seeded, assert_is_the_payload, decode, decode_by, fixture, hurt};
    use super::*;
    use crate::problem::ProblemKind;

    const VARIANTS: [&str; 4] = ["check", "no-check", "frames", "pzstd"];

    fn name(variant: &str) -> String {
        format!("zstd/{variant}.img")
    }

    #[test]
    fn every_variant_is_read_to_its_exact_end() {
        for variant in VARIANTS {
            let mut image = fixture(&name(variant));
            let len = image.len() as u64;
            image.extend_from_slice(b"junk behind it");
            for piece in [1, 4096, 1 << 20] {
                let outcome = decode_by(&Zstd, image.clone(), piece).unwrap();
                assert_is_the_payload(&outcome.payload, &name(variant));
                assert!(outcome.problems.is_empty());
                let proof = match variant {
                    "no-check" => Proof::Structure,
                    _ => Proof::Checksum,
                };
                assert_eq!(outcome.extent, Some((len, proof)), "{variant}");
                // The payload of a skippable frame explains itself only when it is pzstd's.
                let hidden = if variant == "frames" { 6 } else { 0 };
                assert_eq!(outcome.unexplained(), hidden, "{variant}");
            }
        }
    }

    #[test]
    fn a_file_of_pzstd_starts_at_its_skippable_frame() {
        let mut image = vec![0xff; 100];
        image.extend(fixture("zstd/pzstd.img"));
        let image = Bytes::from(image);
        assert_eq!(Zstd.locate(&image, &Zstd.magics()[0], 112), Some(100));
        let plain = [vec![0xff; 100], fixture("zstd/check.img")].concat();
        let plain = Bytes::from(plain);
        assert_eq!(Zstd.locate(&plain, &Zstd.magics()[0], 100), Some(100));
    }

    #[test]
    fn a_wrong_checksum_is_told_and_everything_is_read() {
        let mut image = fixture("zstd/check.img");
        let at = image.len() - 1;
        image[at] ^= 1;
        for piece in [1, 4096, 1 << 20] {
            let outcome = decode_by(&Zstd, image.clone(), piece).unwrap();
            assert_eq!(outcome.kinds(), [ProblemKind::ChecksumMismatch]);
            assert_is_the_payload(&outcome.payload, "zstd/check.img");
            let extent = Some((image.len() as u64, Proof::Structure));
            assert_eq!(outcome.extent, extent);
        }
    }

    #[test]
    fn blocks_before_a_damaged_one_are_kept() {
        let payload: Vec<u8> = Seeded(3)
            .bytes(400_000)
            .iter()
            .map(|byte| byte & 0x0f)
            .collect();
        let mut image = zstd::bulk::compress(&payload, 1).unwrap();
        let len = image.len();
        let whole = decode(&Zstd, image.clone()).unwrap();
        assert!(whole.payload == payload);
        let last = whole
            .spans
            .iter()
            .rfind(|span| span.role == crate::formats::Role::Content);
        let at = last.unwrap().at as usize;
        image[at..at + 40].fill(0xff);
        let outcome = decode_by(&Zstd, image, 1 << 20).unwrap();
        assert_eq!(outcome.kinds(), [ProblemKind::Corrupt]);
        assert_eq!(outcome.extent, Some((len as u64, Proof::Structure)));
        assert!(outcome.payload == payload[..outcome.payload.len()]);
        assert_eq!(outcome.payload.len(), 3 << 17);
    }

    #[test]
    fn dictionaries_and_large_windows_are_told() {
        // Magic, descriptor, window or dictionary, one last raw block of one byte.
        let dictionary = b"\x28\xb5\x2f\xfd\x21\x07\x01\x09\0\0x";
        let window = b"\x28\xb5\x2f\xfd\0\x90\x09\0\0x";
        let cases = [
            (&dictionary[..], ProblemKind::Unsupported),
            (&window[..], ProblemKind::Limit),
        ];
        for (image, kind) in cases {
            let outcome = decode(&Zstd, image.to_vec()).unwrap();
            assert_eq!(outcome.kinds(), [kind]);
            let extent = Some((image.len() as u64, Proof::Structure));
            assert_eq!(outcome.extent, extent);
        }
    }

    #[test]
    fn every_truncation_is_told() {
        for variant in VARIANTS {
            let image = fixture(&name(variant));
            for len in 0..image.len() {
                let Some(outcome) = decode(&Zstd, image[..len].to_vec()) else {
                    continue;
                };
                let whole = outcome.problems.is_empty() && outcome.extent.is_some();
                assert!(!whole || outcome.payload.len() == 3000, "{variant} {len}");
            }
        }
    }

    #[test]
    fn noise_behind_the_magic_is_a_coincidence() {
        let mut seed = Seeded(11);
        let mut regions = 0;
        for _ in 0..20_000 {
            let mut image = seed.bytes(3000);
            image[..4].copy_from_slice(&MAGIC);
            let outcome = decode(&Zstd, image);
            regions += usize::from(outcome.is_some_and(|outcome| outcome.extent.is_some()));
        }
        // One in 300 noisy frames seems to need a dictionary; the magic itself is one in 2^32.
        assert!(regions < 150, "{regions}");
    }

    #[test]
    fn mutants_neither_panic_nor_pass_as_checked() {
        for variant in VARIANTS {
            hurt(&Zstd, &fixture(&name(variant)), 1000);
        }
    }
}
