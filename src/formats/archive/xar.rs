//! xar: a compressed table of contents in XML, and a heap that its offsets count in.

mod entries;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

use crate::budget::Budget;
use crate::digest::hex;
use crate::formats::stored::Ledger;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Tree, xml,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

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
            verifies: "Adler-32 of the table of contents; SHA-1, SHA-2 and MD5 of the table and of members, as stored and unpacked",
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
        let (toc, _) = header.toc(rest).ok_or(Reject::NearMiss(
            "a xar header, but no table of contents behind it",
        ))?;
        let elements = xml::parse(&toc).ok_or(Reject::NearMiss(
            "a xar header, but no sound table of contents behind it",
        ))?;
        let end = header.heap_at.saturating_add(entries::heap_len(&elements));
        Ok(Extent::known(end, Proof::Checksum))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let read = Header::parse(&region).and_then(|header| {
            let (toc, used) = header.toc(&region)?;
            let elements = xml::parse(&toc)?;
            Some(header.open(&region, &elements, used, budget))
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
    /// What the table's checksum in the heap is; empty where there is none.
    checksum: Vec<u8>,
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
        let named = || {
            let name = fields.slice(28, index(toc_at.checked_sub(HEADER)?))?;
            let name = name.split(|&byte| byte == 0).next()?;
            Some(name.to_ascii_lowercase())
        };
        let checksum = match fields.u32(24)? {
            0 => Vec::new(),
            1 => b"sha1".to_vec(),
            2 => b"md5".to_vec(),
            // The first of these may also be another one, by its name.
            3 => named()
                .filter(|name| !name.is_empty())
                .unwrap_or(b"sha256".to_vec()),
            4 => b"sha512".to_vec(),
            other => format!("number {other}").into_bytes(),
        };
        is_header.then_some(Self {
            toc_at,
            packed,
            unpacked,
            checksum,
            heap_at: toc_at.checked_add(packed)?,
        })
    }

    /// The table of contents, and how many packed bytes it takes; `None` when it is not what the header says. zlib verifies it.
    fn toc(&self, region: &Bytes) -> Option<(Vec<u8>, u64)> {
        let packed = clip(region, self.toc_at, self.packed);
        let mut inflate = Decompress::new(true);
        let mut toc = Vec::new();
        // It grows with what comes out, so that a wrong length costs nothing.
        loop {
            let left = self.unpacked.checked_sub(inflate.total_out())?;
            toc.reserve(index(left.clamp(1, 1 << 20)));
            let from = packed.get(index(inflate.total_in())..)?;
            let before = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress_vec(from, &mut toc, FlushDecompress::None);
            match status.ok()? {
                Status::StreamEnd => break,
                _ if (inflate.total_in(), inflate.total_out()) == before => return None,
                _ => {}
            }
        }
        (inflate.total_out() == self.unpacked).then_some((toc, inflate.total_in()))
    }

    fn open(
        &self,
        region: &Bytes,
        elements: &[xml::Element<'_>],
        used: u64,
        budget: &Budget,
    ) -> Opened {
        let mut ledger = Ledger::default();
        // The name of the checksum, if there is one, stands behind the fields.
        let named = HEADER
            .saturating_add(length(&self.checksum))
            .min(self.toc_at);
        ledger.metadata(0, named);
        ledger.padding(region, named..self.toc_at);
        // Behind the end of the table nothing is read.
        ledger.metadata(self.toc_at, used);
        let mut problems = Vec::new();
        let table = clip(region, self.toc_at, self.packed);
        let (at, len) = entries::table_checksum(elements);
        let at = self.heap_at.saturating_add(at);
        match entries::digest(&self.checksum, &table) {
            Some(digest) => {
                ledger.metadata(at, len);
                if hex(&clip(region, at, len)) != digest {
                    let detail = "the checksum of the table of contents is another";
                    problems.push(Problem::checksum(detail).at(at));
                }
            }
            None if self.checksum.is_empty() => {}
            None => {
                let kind = crate::place::escape(&self.checksum);
                let detail = format!("the kind of the table's checksum is not known: {kind}");
                problems.push(Problem::unsupported(detail).at(24));
            }
        }
        let mut reading = entries::Reading {
            heap: crate::read::rest(region, self.heap_at),
            heap_at: self.heap_at,
            weighed: 0,
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
