//! Android sparse images: a disk as chunks that are stored, filled with four bytes, or left out.

use bytes::Bytes;
use crc32fast::Hasher;

use super::assemble::{Disk, Map, Piece};
use crate::budget::Budget;
use crate::formats::compression::notes::Notes;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject,
};
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, clip, index};

/// Android sparse images.
pub(in crate::formats) struct AndroidSparse;

const MAGIC: [u8; 4] = [0x3a, 0xff, 0x26, 0xed];

/// A piece is so long at most, so that its checksum is made of bytes that are in memory (1 MiB).
const PIECE: u64 = 1 << 20;

impl Format for AndroidSparse {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "android-sparse",
            title: "Android sparse image",
            kind: Kind::Disk,
            spec: "AOSP system/core/libsparse/sparse_format.h",
            reads: "raw, fill, skip and CRC chunks",
            verifies: "block and chunk counts; CRC-32 chunks and the image checksum where there are any",
            limits: &[
                "bytes in headers longer than those of version 1 are left unexplained",
                "what is left out is read as zeros",
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
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no sparse header"))?;
        let sound = header.walk(rest);
        if sound.chunks == 0 && header.chunks > 0 {
            return Err(Reject::NearMiss("a sparse header, and no chunk behind it"));
        }
        // A damaged chunk is told when the image is opened; nobody knows where the next one starts.
        Ok(Extent::known(sound.end, Proof::Structure))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut properties = Properties::new();
        properties.set("block-size", header.block.to_string());
        properties.set("blocks", header.blocks.to_string());
        let chunks = Chunks {
            region: region.clone(),
            at: header.len,
            number: 0,
            blocks: 0,
            given: None,
            sum: Sum::default(),
            summed: header.checksum != 0 || header.walk(&region).has_crc,
            over: false,
            header,
        };
        Opened {
            content: Content::Stream(Box::new(Disk::new(region, chunks))),
            spans: Vec::new(),
            problems: Vec::new(),
            properties,
        }
    }
}

/// The header of the image.
struct Header {
    /// Its length, and that of a chunk's (bytes).
    len: u64,
    chunk_len: u64,
    /// Bytes in a block.
    block: u64,
    /// Blocks of the whole disk.
    blocks: u64,
    chunks: u64,
    /// The CRC-32 of the whole disk; 0: none is stated.
    checksum: u32,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let header = Self {
            len: u64::from(fields.u16(8)?),
            chunk_len: u64::from(fields.u16(10)?),
            block: u64::from(fields.u32(12)?),
            blocks: u64::from(fields.u32(16)?),
            chunks: u64::from(fields.u32(20)?),
            checksum: fields.u32(24)?,
        };
        let known = fields.slice(0, 4)? == MAGIC && fields.u16(4)? == 1;
        let sane = (28..=4096).contains(&header.len)
            && (12..=4096).contains(&header.chunk_len)
            && header.block >= 4
            && header.block.is_multiple_of(4)
            && header.block <= 64 << 20;
        (known && sane).then_some(header)
    }

    /// The chunks that are sound, from the first on.
    fn walk(&self, bytes: &Bytes) -> Walked {
        let mut walked = Walked {
            end: self.len,
            chunks: 0,
            has_crc: false,
        };
        while walked.chunks < self.chunks
            && let Some(chunk) = Chunk::parse(bytes, walked.end, self)
        {
            map::visited();
            walked.chunks = walked.chunks.saturating_add(1);
            walked.end = walked.end.saturating_add(chunk.len);
            walked.has_crc |= matches!(chunk.kept, Kept::Crc(_));
        }
        walked
    }
}

/// What a walk over the chunk headers finds.
struct Walked {
    /// Where the last sound chunk ends (bytes from the region's start).
    end: u64,
    chunks: u64,
    has_crc: bool,
}

/// What a chunk holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Raw,
    Fill([u8; 4]),
    Skip,
    Crc(u32),
}

/// One chunk.
#[derive(Clone, Copy)]
struct Chunk {
    /// Its length with its header, in bytes.
    len: u64,
    /// The blocks of the disk that it stands for.
    blocks: u64,
    kept: Kept,
}

impl Chunk {
    fn parse(bytes: &Bytes, at: u64, header: &Header) -> Option<Self> {
        let chunk = clip(bytes, at, header.chunk_len.saturating_add(4));
        let fields = Fields::little(&chunk);
        let body = || Fields::little(chunk.get(index(header.chunk_len)..)?).slice(0, 4);
        let (blocks, len) = (u64::from(fields.u32(4)?), u64::from(fields.u32(8)?));
        let (kept, stored) = match fields.u16(0)? {
            0xcac1 => (Kept::Raw, blocks.checked_mul(header.block)?),
            0xcac2 => (Kept::Fill(body()?.try_into().ok()?), 4),
            0xcac3 => (Kept::Skip, 0),
            0xcac4 => (Kept::Crc(u32::from_le_bytes(body()?.try_into().ok()?)), 4),
            _ => return None,
        };
        let sane = len == header.chunk_len.checked_add(stored)?;
        sane.then_some(Self { len, blocks, kept })
    }
}

/// The checksum of the disk so far. The library that writes it counts what is left out as nothing, the one that reads it as zeros;
/// both are kept.
#[derive(Clone, Default)]
struct Sum {
    with_zeros: Hasher,
    without: Hasher,
}

impl Sum {
    fn fits(&self, stated: u32) -> bool {
        [&self.with_zeros, &self.without]
            .into_iter()
            .any(|sum| sum.clone().finalize() == stated)
    }

    fn add(&mut self, bytes: &[u8], skipped: bool) {
        self.with_zeros.update(bytes);
        if !skipped {
            self.without.update(bytes);
        }
    }
}

/// Gives chunk after chunk.
struct Chunks {
    region: Bytes,
    header: Header,
    /// The next chunk, from the region's start.
    at: u64,
    number: u64,
    /// Blocks that were told.
    blocks: u64,
    /// A chunk of which some is still to be given: where its stored bytes go on, and how many bytes of the disk are left.
    given: Option<(Chunk, u64, u64)>,
    sum: Sum,
    /// Whether a checksum is stated anywhere.
    summed: bool,
    over: bool,
}

impl Chunks {
    fn piece(&mut self, chunk: Chunk, at: u64, left: u64) -> Piece {
        let len = left.min(PIECE);
        if left > len {
            self.given = Some((chunk, at.saturating_add(len), left.saturating_sub(len)));
        }
        let piece = match chunk.kept {
            Kept::Raw => Piece::Stored { at, len },
            Kept::Fill(pattern) => Piece::Fill(pattern, len),
            Kept::Skip | Kept::Crc(_) => Piece::hole(len),
        };
        if self.summed {
            match &piece {
                Piece::Stored { .. } => self.sum.add(&clip(&self.region, at, len), false),
                Piece::Fill(pattern, _) => {
                    let bytes = pattern.repeat(index(len / 4));
                    self.sum.add(&bytes, chunk.kept == Kept::Skip);
                }
                Piece::Made(_) => {}
            }
        }
        piece
    }

    fn end(&mut self, notes: &mut Notes) -> Option<Piece> {
        self.over = true;
        if self.header.checksum != 0 && !self.sum.fits(self.header.checksum) {
            notes.problem(
                Problem::checksum("the disk's CRC-32 is not the one in the header").at(24),
            );
        }
        let missing = self.header.blocks.saturating_sub(self.blocks);
        if self.blocks != self.header.blocks {
            let (told, stated) = (self.blocks, self.header.blocks);
            let detail = format!("the chunks hold {told} blocks, the header states {stated}");
            notes.problem(Problem::corrupt(detail).at(self.at));
        }
        (missing > 0).then(|| Piece::hole(missing.saturating_mul(self.header.block)))
    }
}

impl Map for Chunks {
    fn next(&mut self, notes: &mut Notes) -> Option<Piece> {
        if let Some((chunk, at, left)) = self.given.take() {
            return Some(self.piece(chunk, at, left));
        }
        if self.over {
            return None;
        }
        if self.number == 0 {
            notes.metadata(0, 28);
        }
        while self.number < self.header.chunks {
            let Some(chunk) = Chunk::parse(&self.region, self.at, &self.header) else {
                let detail = format!(
                    "no sound chunk {} here; the rest is read as zeros",
                    self.number
                );
                notes.problem(Problem::corrupt(detail).at(self.at));
                return self.end(notes);
            };
            notes.metadata(self.at, 12);
            let body = self.at.saturating_add(self.header.chunk_len);
            self.number = self.number.saturating_add(1);
            self.at = self.at.saturating_add(chunk.len);
            match chunk.kept {
                Kept::Crc(stated) => {
                    notes.metadata(body, 4);
                    if !self.sum.fits(stated) {
                        let detail = "the disk's CRC-32 is not the one in the chunk";
                        notes.problem(Problem::checksum(detail).at(body));
                    }
                    continue;
                }
                Kept::Fill(_) => notes.metadata(body, 4),
                Kept::Raw | Kept::Skip => {}
            }
            if chunk.blocks > self.header.blocks.saturating_sub(self.blocks) {
                let detail = "a chunk reaches past the end of the disk that the header states";
                notes.problem(Problem::corrupt(detail).at(body));
                return self.end(notes);
            }
            self.blocks = self.blocks.saturating_add(chunk.blocks);
            let len = chunk.blocks.saturating_mul(self.header.block);
            if len > 0 {
                return Some(self.piece(chunk, body, len));
            }
        }
        self.end(notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::disk::assemble::tests::{
        cut_everywhere, decode, fixture, hurt, open, poked,
    };
    use crate::problem::ProblemKind;

    /// The end of the disk: a hole of 1 MiB, before it 64 KiB of a pattern.
    fn assert_is_the_disk(bytes: &[u8]) {
        assert!(bytes.starts_with(b"hsqs"));
        let (_, hole) = bytes.split_at(bytes.len() - (1 << 20));
        assert!(hole.iter().all(|&byte| byte == 0));
        let at = bytes.len() - (1 << 20) - 65536;
        let pattern = bytes[at..at + 65536].chunks(4);
        assert!(
            pattern
                .into_iter()
                .all(|four| four == [0xde, 0xad, 0xbe, 0xef])
        );
    }

    #[test]
    fn chunks_of_every_kind_are_read() {
        let plain = decode(&AndroidSparse, &fixture("android-sparse/chunks.img")).unwrap();
        let checked = decode(&AndroidSparse, &fixture("android-sparse/checksums.img")).unwrap();
        assert!(plain.problems.is_empty() && checked.problems.is_empty());
        assert_is_the_disk(&plain.bytes);
        assert!(plain.bytes == checked.bytes);
    }

    #[test]
    fn no_flipped_byte_is_silent_where_there_are_checksums() {
        let sound = fixture("android-sparse/checksums.img");
        let whole = decode(&AndroidSparse, &sound).unwrap().bytes;
        let at = (0..64)
            .chain((64..sound.len() - 64).step_by(997))
            .chain(sound.len() - 64..sound.len());
        for at in at {
            let mutant = poked(&sound, &[(at, &[sound[at] ^ 0x10])]);
            if let Some(read) = decode(&AndroidSparse, &mutant) {
                assert!(!read.problems.is_empty() || read.bytes == whole, "{at}");
            }
        }
    }

    #[test]
    fn damage_is_told_or_refused() {
        let sound = fixture("android-sparse/chunks.img");
        for (what, at, poke) in [
            ("version", 4, &[2][..]),
            ("header length", 8, &[1]),
            ("block size", 12, &[1]),
            ("first chunk", 28, &[9]),
        ] {
            assert!(
                open(&AndroidSparse, &poked(&sound, &[(at, poke)])).is_none(),
                "{what}"
            );
        }
        for (what, at, poke) in [
            ("more blocks", 16, &[0xff][..]),
            ("fewer chunks", 20, &[1]),
            ("more chunks", 20, &[9]),
            ("a chunk of another length", 32 + 4, &[1]),
        ] {
            let read = decode(&AndroidSparse, &poked(&sound, &[(at, poke)]));
            let kinds = read
                .map(|read| read.kinds())
                .unwrap_or(vec![ProblemKind::Corrupt]);
            assert!(kinds.contains(&ProblemKind::Corrupt), "{what}");
        }
    }

    #[test]
    fn damage_is_survived() {
        for name in ["chunks", "checksums"] {
            let sound = fixture(&format!("android-sparse/{name}.img"));
            cut_everywhere(&AndroidSparse, &sound);
            hurt(&AndroidSparse, &sound, 100);
        }
    }
}
