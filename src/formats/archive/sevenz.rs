//! 7z: DOC/7zFormat.txt and the archive code of 7-Zip.
//!
//! A solid archive packs many files into one folder, as it calls what is compressed as one. Each folder is decoded once, in order, into
//! the spool; its files are slices of that.

mod coder;
mod entries;
mod header;
mod number;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::{Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::read::Fields;

/// 7z.
pub(in crate::formats) struct SevenZ;

const MAGIC: [u8; 6] = [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c];

/// The length of what starts an archive (bytes). All offsets count from behind it.
const START: u64 = 32;

impl Format for SevenZ {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "7z",
            title: "7z archive",
            kind: Kind::Archive,
            spec: "7-Zip DOC/7zFormat.txt and Methods.txt",
            reads: "copy, LZMA, LZMA2, PPMd, bzip2, deflate, deflate64, zstd; BCJ for all processors, BCJ2, delta; solid and packed headers; Unix modes and links",
            verifies: "CRC-32 of both headers, of packed streams, of folders and of files",
            limits: &[
                "encrypted archives are named and not read",
                "dictionaries and models that need more than 128 MiB of memory",
                "archives that are split over several files",
                "headers of more than 64 MiB",
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
        let start = Start::parse(rest).ok_or(Reject::Coincidence("no 7z start header"))?;
        if !start.sound {
            return Err(Reject::NearMiss("a 7z start header whose CRC-32 is wrong"));
        }
        Ok(Extent::known(start.end, Proof::Checksum))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let read = entries::read(&region, budget);
        Opened {
            content: Content::Tree(read.tree),
            spans: read.ledger.into_spans(),
            problems: read.problems,
            properties: read.properties,
        }
    }
}

/// What starts an archive.
struct Start {
    /// Where the header stands, in bytes from the region's start, and its length.
    header_at: u64,
    header_len: u64,
    header_crc: u32,
    /// Where the archive ends.
    end: u64,
    /// Whether its own CRC-32 is right.
    sound: bool,
}

impl Start {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        if fields.slice(0, 6)? != MAGIC || fields.u8(6)? != 0 {
            return None;
        }
        let header_at = START.checked_add(fields.u64(12)?)?;
        let header_len = fields.u64(20)?;
        Some(Self {
            header_at,
            header_len,
            header_crc: fields.u32(28)?,
            end: header_at.checked_add(header_len)?,
            sound: crc32fast::hash(fields.slice(12, 20)?) == fields.u32(8)?,
        })
    }
}
