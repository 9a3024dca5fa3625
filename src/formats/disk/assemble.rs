//! Disks that are put together while they are read: piece after piece, as a map of the format says.
//!
//! Nothing is held but one piece. Holes cost what other decoded bytes cost: a disk that is mostly hole ends at the
//! limits of the budget, and what stands before is kept.

use std::io::{self, Read};

use bytes::Bytes;

use crate::formats::compression::notes::Notes;
use crate::formats::{Decode, Ending, Proof};
use crate::image::map;
use crate::problem::Problem;
use crate::read::{clip, index, length};

/// Where the next bytes of a disk come from.
pub(in crate::formats) enum Piece {
    /// Bytes of the region as they are.
    Stored {
        /// The first of them, from the region's start.
        at: u64,
        /// How many.
        len: u64,
    },
    /// So many bytes that are stored nowhere: four bytes over and over.
    Fill([u8; 4], u64),
    /// Bytes that were decoded.
    Made(Vec<u8>),
}

impl Piece {
    /// So many zeros that are stored nowhere.
    pub(in crate::formats) fn hole(len: u64) -> Self {
        Self::Fill([0; 4], len)
    }
}

/// What tells the pieces of a disk, from its first byte to its last.
pub(in crate::formats) trait Map: Send {
    /// The next piece; `None` at the end. It is asked again only after a piece was given.
    fn next(&mut self, notes: &mut Notes) -> Option<Piece>;
}

/// A disk of blocks that all have the same size.
pub(super) trait Blocks: Send {
    /// A whole block: `number` 0 is the first of the disk.
    fn block(&mut self, number: u64, notes: &mut Notes) -> Piece;
}

/// Gives block after block, the last one cut to the size of the disk.
pub(super) struct Even<B> {
    blocks: B,
    /// Bytes in a block.
    block: u64,
    /// Bytes that are still to come.
    left: u64,
    number: u64,
}

impl<B: Blocks> Even<B> {
    /// A disk of `size` bytes in blocks of `block`.
    pub(super) fn new(blocks: B, block: u64, size: u64) -> Self {
        Self {
            blocks,
            block,
            left: size,
            number: 0,
        }
    }
}

impl<B: Blocks> Map for Even<B> {
    fn next(&mut self, notes: &mut Notes) -> Option<Piece> {
        let len = self.left.min(self.block);
        if len == 0 {
            return None;
        }
        let piece = match self.blocks.block(self.number, notes) {
            Piece::Stored { at, .. } => Piece::Stored { at, len },
            Piece::Fill(pattern, _) => Piece::Fill(pattern, len),
            Piece::Made(mut bytes) => {
                bytes.resize(index(len), 0);
                Piece::Made(bytes)
            }
        };
        self.left = self.left.saturating_sub(len);
        self.number = self.number.saturating_add(1);
        Some(piece)
    }
}

/// A disk being put together.
pub(in crate::formats) struct Disk<M> {
    region: Bytes,
    map: M,
    notes: Notes,
    /// The piece at hand, and how many of its bytes were read.
    piece: Option<(Piece, u64)>,
}

impl<M: Map> Disk<M> {
    /// The disk that `map` tells, out of the bytes of `region`.
    pub(in crate::formats) fn new(region: Bytes, map: M) -> Self {
        Self {
            region,
            map,
            notes: Notes::default(),
            piece: None,
        }
    }

    fn next(&mut self) -> Option<Piece> {
        let piece = self.map.next(&mut self.notes)?;
        if let Piece::Stored { at, len } = piece {
            let here = length(&self.region).saturating_sub(at).min(len);
            self.notes.content(at, here);
            if here < len {
                let detail = format!(
                    "{} of {len} bytes of the disk lie past the end; they are read as zeros",
                    len.saturating_sub(here)
                );
                self.notes.problem(Problem::corrupt(detail).at(at));
            }
        }
        Some(piece)
    }
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::Stored { len, .. } | Self::Fill(_, len) => *len,
            Self::Made(bytes) => length(bytes),
        }
    }

    /// Fills `out` with the bytes of the piece from `done`.
    fn copy(&self, region: &Bytes, done: u64, out: &mut [u8]) {
        match self {
            Self::Stored { at, .. } => {
                let bytes = clip(region, at.saturating_add(done), length(out));
                let (head, tail) = out.split_at_mut(bytes.len());
                head.copy_from_slice(&bytes);
                tail.fill(0);
                map::touched(length(&bytes));
            }
            Self::Fill([0, 0, 0, 0], _) => out.fill(0),
            Self::Fill(pattern, _) => {
                let mut pattern = *pattern;
                pattern.rotate_left(index(done % 4));
                for four in out.chunks_mut(4) {
                    let len = four.len();
                    four.copy_from_slice(pattern.get(..len).unwrap_or_default());
                }
            }
            Self::Made(bytes) => {
                let bytes = bytes.get(index(done)..).unwrap_or_default();
                for (to, from) in out.iter_mut().zip(bytes) {
                    *to = *from;
                }
            }
        }
    }
}

impl<M: Map> Read for Disk<M> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            let Some((piece, done)) = self.piece.take() else {
                match self.next() {
                    Some(piece) => self.piece = Some((piece, 0)),
                    None => break,
                }
                continue;
            };
            let free = out.get_mut(filled..).unwrap_or_default();
            let count = index(piece.len().saturating_sub(done)).min(free.len());
            piece.copy(
                &self.region,
                done,
                free.get_mut(..count).unwrap_or_default(),
            );
            filled = filled.saturating_add(count);
            let done = done.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            if done < piece.len() {
                self.piece = Some((piece, done));
            }
        }
        Ok(filled)
    }
}

impl<M: Map> Decode for Disk<M> {
    fn finish(self: Box<Self>) -> Ending {
        let (spans, problems) = self.notes.finish();
        Ending {
            extent: Ok((length(&self.region), Proof::Structure)),
            spans,
            problems,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::budget::{Budget, Limits};
    use crate::formats::{Content, Format, Length, Opened, Span};
    use crate::problem::ProblemKind;

    /// A disk as the engine would read it.
    pub(in crate::formats::disk) struct Whole {
        pub(in crate::formats::disk) bytes: Vec<u8>,
        pub(in crate::formats::disk) spans: Vec<Span>,
        pub(in crate::formats::disk) problems: Vec<Problem>,
    }

    impl Whole {
        pub(in crate::formats::disk) fn kinds(&self) -> Vec<ProblemKind> {
            self.problems.iter().map(|problem| problem.kind).collect()
        }
    }

    /// Opens the region at the start of `image` as the engine does; `None` when it is rejected.
    pub(in crate::formats::disk) fn open(format: &dyn Format, image: &[u8]) -> Option<Opened> {
        let image = Bytes::copy_from_slice(image);
        let Length::Known(len) = format.measure(&image).ok()?.len else {
            panic!("a known length");
        };
        Some(format.open(clip(&image, 0, len), &Budget::new(Limits::default())))
    }

    /// The disk in the region at the start of `image`.
    pub(in crate::formats::disk) fn decode(format: &dyn Format, image: &[u8]) -> Option<Whole> {
        let opened = open(format, image)?;
        let mut whole = Whole {
            bytes: Vec::new(),
            spans: opened.spans,
            problems: opened.problems,
        };
        if let Content::Stream(mut decoder) = opened.content {
            // No test disk is larger; a hostile one may be.
            decoder
                .by_ref()
                .take(16 << 20)
                .read_to_end(&mut whole.bytes)
                .unwrap();
            let ending = decoder.finish();
            whole.spans.extend(ending.spans);
            whole.problems.extend(ending.problems);
        }
        Some(whole)
    }

    /// A fixture, gunzipped where it is compressed.
    pub(in crate::formats::disk) fn fixture(name: &str) -> Vec<u8> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/");
        let bytes = std::fs::read(format!("{root}{name}")).unwrap();
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            return bytes;
        }
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..])
            .read_to_end(&mut out)
            .unwrap();
        out
    }

    /// Cuts a sound image at many lengths: each time it is refused, said to be cut off or damaged, or its disk is still whole.
    pub(in crate::formats::disk) fn cut_everywhere(format: &dyn Format, sound: &[u8]) {
        let whole = decode(format, sound).unwrap();
        assert!(whole.problems.is_empty(), "{:?}", whole.problems);
        let step = sound.len() / 40 + 1;
        for len in (0..sound.len()).filter(|len| {
            *len < 100 || (480..540).contains(len) || len % step == 0 || len + 40 > sound.len()
        }) {
            let cut = &sound[..len];
            let Ok(extent) = format.measure(&Bytes::copy_from_slice(cut)) else {
                continue;
            };
            let short = extent.len != Length::Known(len as u64);
            let read = decode(format, cut).unwrap();
            let same = read.bytes == whole.bytes && !whole.bytes.is_empty();
            assert!(short || same || !read.problems.is_empty(), "cut at {len}");
        }
    }

    /// Damages an image in thousands of ways and reads what comes out: nothing panics, and nothing runs on without end.
    pub(in crate::formats::disk) fn hurt(format: &dyn Format, sound: &[u8], rounds: u64) {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut number = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        // Tables stand where bytes are not zero, most of them before the contents.
        let used: Vec<usize> = (0..sound.len())
            .filter(|&at| sound[at] != 0)
            .take(3000)
            .collect();
        for _ in 0..rounds {
            let mut mutant = sound.to_vec();
            for _ in 0..=number() % 3 {
                let at = used[number() as usize % used.len()] & !3;
                let word = [[0xff; 4], [0; 4], [0, 0, 0, 0x80], [0xff, 0xff, 0xff, 0x7f]];
                let word = word[number() as usize % 4];
                match number() % 3 {
                    0 => mutant[at] ^= 1 << (number() % 8),
                    1 => mutant[at..at + 4].copy_from_slice(&word),
                    _ => mutant[at + 3] = number() as u8,
                }
            }
            if number().is_multiple_of(5) {
                mutant.truncate(number() as usize % sound.len());
            }
            decode(format, &mutant);
        }
    }

    /// The bytes, with some of them replaced.
    pub(in crate::formats::disk) fn poked(bytes: &[u8], pokes: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (at, poke) in pokes {
            bytes[*at..at + poke.len()].copy_from_slice(poke);
        }
        bytes
    }

    struct Listed(Vec<Piece>);

    impl Map for Listed {
        fn next(&mut self, _notes: &mut Notes) -> Option<Piece> {
            (!self.0.is_empty()).then(|| self.0.remove(0))
        }
    }

    #[test]
    fn pieces_follow_each_other_whatever_is_asked_for() {
        let pieces = || {
            Listed(vec![
                Piece::Stored { at: 2, len: 3 },
                Piece::Fill([1, 2, 3, 4], 7),
                Piece::Made(vec![9, 8]),
                Piece::hole(2),
                Piece::Stored { at: 4, len: 4 },
            ])
        };
        for step in 1..20 {
            let mut disk = Box::new(Disk::new(Bytes::from_static(b"abcdef"), pieces()));
            let (mut all, mut out) = (Vec::new(), vec![0; step]);
            loop {
                let count = disk.read(&mut out).unwrap();
                if count == 0 {
                    break;
                }
                all.extend_from_slice(&out[..count]);
            }
            assert_eq!(all, b"cde\x01\x02\x03\x04\x01\x02\x03\x09\x08\0\0ef\0\0");
            let ending = disk.finish();
            assert_eq!(ending.problems.len(), 1, "two bytes lie past the end");
            assert_eq!(ending.spans, [Span::content(2, 3), Span::content(4, 2)]);
        }
    }
}
