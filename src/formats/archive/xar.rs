//! xar: a compressed table of contents in XML, and a heap that its offsets count in.

mod entries;
#[cfg(test)]
mod tests;
mod toc;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};
use md5::Md5;
use sha1::{Digest as _, Sha1};

use crate::budget::Budget;
use crate::formats::stored::Ledger;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Tree,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, index};

/// xar.
pub(in crate::formats) struct Xar;

/// The length of the header without what its checksum's name may add (bytes).
const HEADER: u64 = 28;

/// The largest table of contents, packed and unpacked (bytes).
const PACKED: u64 = 16 << 20;
const UNPACKED: u64 = 64 << 20;

impl Format for Xar {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "xar",
            title: "xar archive",
            kind: Kind::Archive,
            spec: "xar 1.6, include/xar.h.in and lib/archive.c; libarchive archive_read_support_format_xar.c",
            reads: "stored, zlib, bzip2, LZMA and xz members; modes, owners, times, links, devices, extended attributes",
            verifies: "Adler-32 of the table of contents; SHA-1 and MD5 of the table and of members, as stored and unpacked",
            limits: &[
                "signatures are not verified",
                "tables of contents of more than 64 MiB",
                "access control lists",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"xar!",
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no xar header"))?;
        let toc = header.toc(rest).ok_or(Reject::NearMiss(
            "a xar header, but no table of contents behind it",
        ))?;
        let elements = toc::parse(&toc).ok_or(Reject::NearMiss(
            "a xar header, but no sound table of contents behind it",
        ))?;
        let end = header.heap_at.saturating_add(entries::heap_len(&elements));
        Ok(Extent::known(end, Proof::Checksum))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let read = Header::parse(&region).and_then(|header| {
            let toc = header.toc(&region)?;
            let elements = toc::parse(&toc)?;
            Some(header.open(&region, &elements, budget))
        });
        read.unwrap_or_else(|| Opened::unread(Problem::corrupt("no table of contents")))
    }
}

/// What an archive starts with.
struct Header {
    /// Where the table of contents starts, and how long it is packed and unpacked.
    toc_at: u64,
    packed: u64,
    unpacked: u64,
    /// What the table's checksum in the heap is: 1 for SHA-1, 2 for MD5.
    checksum: u32,
    heap_at: u64,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::big(bytes);
        let toc_at = u64::from(fields.u16(4)?);
        let (packed, unpacked) = (fields.u64(8)?, fields.u64(16)?);
        let is_header = fields.slice(0, 4)? == b"xar!"
            && (HEADER..=96).contains(&toc_at)
            && fields.u16(6)? == 1
            && (1..=PACKED).contains(&packed)
            && (1..=UNPACKED).contains(&unpacked);
        is_header.then_some(Self {
            toc_at,
            packed,
            unpacked,
            checksum: fields.u32(24)?,
            heap_at: toc_at.checked_add(packed)?,
        })
    }

    /// The table of contents; `None` when it is not what the header says. zlib verifies it.
    fn toc(&self, region: &Bytes) -> Option<Vec<u8>> {
        let packed = clip(region, self.toc_at, self.packed);
        let mut inflate = Decompress::new(true);
        let mut toc = Vec::new();
        // It grows with what comes out, so that a wrong length costs nothing.
        while inflate.total_out() < self.unpacked {
            let left = self.unpacked.saturating_sub(inflate.total_out());
            toc.reserve(index(left.min(1 << 20)));
            let from = packed.get(index(inflate.total_in())..)?;
            let before = inflate.total_out();
            let status = inflate.decompress_vec(from, &mut toc, FlushDecompress::None);
            match status.ok()? {
                Status::StreamEnd => break,
                _ if inflate.total_out() == before => return None,
                _ => {}
            }
        }
        (inflate.total_out() == self.unpacked).then_some(toc)
    }

    fn open(&self, region: &Bytes, elements: &[toc::Element<'_>], budget: &Budget) -> Opened {
        let mut ledger = Ledger::default();
        ledger.metadata(0, self.heap_at);
        let mut problems = Vec::new();
        let table = clip(region, self.toc_at, self.packed);
        let digest = match self.checksum {
            1 => Some(Sha1::digest(&table).to_vec()),
            2 => Some(Md5::digest(&table).to_vec()),
            _ => None,
        };
        if let Some(digest) = digest {
            let (at, len) = entries::table_checksum(elements);
            let at = self.heap_at.saturating_add(at);
            ledger.metadata(at, len);
            if clip(region, at, len) != digest {
                let detail = "the checksum of the table of contents is another";
                problems.push(Problem::checksum(detail).at(at));
            }
        }
        let mut reading = entries::Reading {
            heap: crate::read::rest(region, self.heap_at),
            heap_at: self.heap_at,
            budget,
            tree: Tree::default(),
            ledger,
            problems,
        };
        reading.read(elements);
        Opened {
            content: Content::Tree(reading.tree),
            spans: reading.ledger.into_spans(),
            problems: reading.problems,
            properties: Properties::new(),
        }
    }
}
