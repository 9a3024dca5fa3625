//! IMGFS, the file system in which Windows Mobile and Windows CE 5 and 6 keep the part of their ROM that does not run in place.
//!
//! Its maker described it nowhere: this is the layout that the tools of those who took it apart agree on. Offsets count from the
//! header. A chain of directory blocks holds records of one size, for files, for the sections of modules, and for names; what a
//! record describes lies in blocks of 4 KiB, each compressed for itself, which a table lists.

mod blocks;
mod directory;
#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use self::blocks::Method;
use self::directory::Directory;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject};
use crate::problem::Problem;
use crate::read::{Fields, cut, length};

/// IMGFS.
pub(in crate::formats) struct Imgfs;

/// The GUID that it starts with, as stored.
const MAGIC: [u8; 16] = [
    0xf8, 0xac, 0x2c, 0x9d, 0xe3, 0xd4, 0x2b, 0x4d, 0xbd, 0x30, 0x91, 0x6e, 0xd8, 0x4f, 0x31, 0xdc,
];
/// Bytes of the header.
const HEADER: u64 = 60;

impl Format for Imgfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "imgfs",
            title: "Windows CE image file system (IMGFS)",
            kind: Kind::Filesystem,
            spec: "no published one: eimgfs (W. Hengeveld), imgfstools (XDA Developers)",
            reads: "files; modules, put together again as PE files from what is kept of their headers and sections; XPRESS with and without Huffman code (XPR, XPH)",
            verifies: "nothing: the format keeps no checksum; that blocks add up to the size stated, and that nothing belongs to two",
            limits: &[
                "blocks that are compressed with LZX: no document tells how they are framed",
                "no section names, no DOS program, no checksum and no processor of a module: the file system does not keep them",
                "dumps of NAND in which blocks of the flash translation layer are in another order",
                "files whose table of blocks goes on elsewhere, which no tool has seen",
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
        let header = Header::read(rest).ok_or(Reject::Coincidence("no IMGFS header"))?;
        if header.record != directory::RECORD || header.runs != 1 {
            return Err(Reject::NearMiss(
                "an IMGFS header whose records are of another layout",
            ));
        }
        let directory = Directory::new(rest, &header);
        if directory.is_empty() {
            return Err(Reject::NearMiss("an IMGFS header without a directory"));
        }
        let end = directory.end().ok_or(Reject::NearMiss(
            "an IMGFS header with more blocks than there can be",
        ))?;
        Ok(Extent::known(end.min(length(rest)), Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(header) = Header::read(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut harvest = Harvest::new(budget);
        harvest.properties = header.properties();
        harvest.account.metadata(0, HEADER);
        walk::walk(&region, &header, &mut harvest);
        harvest.finish()
    }
}

/// What the header states.
struct Header {
    /// Bytes of a directory block; the first one follows the block of the header.
    block: u64,
    /// What is allocated is a multiple of so many bytes.
    chunk: u64,
    /// How blocks are compressed.
    method: Method,
    /// Bytes of a record, and how many tables of blocks it names.
    record: u64,
    runs: u32,
    /// Numbers that are told as they are.
    told: Vec<(&'static str, u32)>,
}

impl Header {
    fn read(bytes: &Bytes) -> Option<Self> {
        let raw = cut(bytes, 0, HEADER)?;
        let fields = Fields::little(&raw);
        let (chunks, block) = (fields.u32(0x20)?, u64::from(fields.u32(0x24)?));
        let told = [
            ("version", 0x10),
            ("data-block", 0x28),
            ("free-sectors", 0x30),
            ("hidden-sectors", 0x34),
            ("update-mode", 0x38),
        ];
        let told = told
            .into_iter()
            .filter_map(|(name, at)| Some((name, fields.u32(at)?)));
        let header = Self {
            block,
            chunk: block.checked_div(chunks.into())?,
            method: Method::of(fields.slice(0x2c, 4)?),
            record: fields.u32(0x1c)?.into(),
            runs: fields.u32(0x18)?,
            told: told.collect(),
        };
        let fits = (0x200..=0x10000).contains(&block) && block.is_power_of_two();
        let fits = fits && header.chunk.is_power_of_two();
        (fits && raw.starts_with(&MAGIC)).then_some(header)
    }

    fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        properties.set("compression", self.method.name());
        for (name, number) in &self.told {
            properties.set(*name, number.to_string());
        }
        properties
    }
}
