//! SquashFS version 4: a read-only file system of compressed blocks.
//!
//! The image has no checksum of its own (xz and gzip blocks do), so that what is verified is that every
//! structure holds together and every block decodes to exactly its size.

mod ahead;
mod blocks;
mod contents;
mod decoder;
mod directory;
mod file;
mod inode;
mod metadata;
mod older;
mod ranges;
mod superblock;
#[cfg(test)]
mod tests;
mod tree;
mod xattr;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span,
};
use crate::problem::Problem;
use crate::read::{Endian, Fields, clip, cut, length};

use older::Older;
use superblock::Superblock;

/// SquashFS.
pub(in crate::formats) struct Squashfs;

/// The compressor's options are a metadata block of at most so many bytes; no compressor has more.
const LONGEST_OPTIONS: u16 = 64;

/// The magic of little-endian images.
const LITTLE: &[u8; 4] = b"hsqs";

impl Format for Squashfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "squashfs",
            title: "SquashFS",
            kind: Kind::Filesystem,
            spec: "Linux Documentation/filesystems/squashfs.rst, fs/squashfs/squashfs_fs.h",
            reads: "version 4.0, little-endian, with gzip, xz, lzma, lzo, lz4 and zstd",
            verifies: "all structures against each other; every block decodes to exactly its size",
            limits: &[
                "versions 1 to 3, big-endian images and vendors' magics are bounded, not read",
                "vendors' LZMA is read only with its properties in front of each block",
                "an xz dictionary larger than 16 MiB",
                "bytes inside a metadata block or a compressed fragment block that nothing uses are not told",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &older::MAGICS
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let superblock = match parse(rest) {
            Ok(superblock) => superblock,
            Err(reject) => {
                let older = Older::parse(rest).ok_or(reject)?;
                let whole = older.bytes_used <= length(rest);
                return Ok(Extent::known(older.bytes_used, proof(whole)));
            }
        };
        let proof = proof(id_table_holds(rest, &superblock));
        Ok(Extent::known(superblock.bytes_used, proof))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Ok(superblock) = parse(&region) else {
            return match Older::parse(&region) {
                Some(older) => Opened {
                    spans: vec![Span::metadata(0, older.header.min(length(&region)))],
                    ..Opened::unread(Problem::unsupported(older.describe(&region)))
                },
                None => Opened::unread(Problem::corrupt("no SquashFS superblock").at(0)),
            };
        };
        let region = clip(&region, 0, superblock.bytes_used);
        let mut found = tree::walk(&region, &superblock, budget);
        found.spans.push(Span::metadata(0, superblock::LEN));
        found.spans.extend(options(&region, &superblock));
        if length(&region) < superblock.bytes_used {
            let problem = Problem::corrupt(format!(
                "the image is cut off: {} of {} bytes are there",
                length(&region),
                superblock.bytes_used
            ));
            found.problems.insert(0, problem.at(length(&region)));
        }
        Opened {
            content: found.tree.map_or(Content::Unread, Content::Tree),
            spans: found.spans,
            problems: found.problems,
            properties: Properties::new(),
        }
    }
}

/// Where the end of an image is not as its superblock says, all but the superblock is guesswork.
fn proof(end_holds: bool) -> Proof {
    if end_holds {
        Proof::Structure
    } else {
        Proof::Magic
    }
}

/// The superblock of an image that is read.
fn parse(bytes: &[u8]) -> Result<Superblock, Reject> {
    if !bytes.starts_with(LITTLE) {
        return Err(Reject::Coincidence("not a magic of version 4"));
    }
    Superblock::parse(bytes, Endian::Little)
}

/// Whether the index of the id table, the last that every image has, is there, and points to metadata blocks before it.
fn id_table_holds(bytes: &Bytes, superblock: &Superblock) -> bool {
    // A block holds 2048 of the 4-byte ids.
    let blocks = u64::from(superblock.ids).div_ceil(2048);
    let Some(pointers) = cut(bytes, superblock.id_table, blocks.saturating_mul(8)) else {
        return false;
    };
    pointers.chunks_exact(8).all(|pointer| {
        let holds = || {
            let at = Fields::new(pointer, superblock.endian).u64(0)?;
            let header = cut(bytes, at, 2)?;
            let len = u64::from(Fields::new(&header, superblock.endian).u16(0)? & 0x7fff);
            let end = at.checked_add(2)?.checked_add(len)?;
            Some(at >= superblock::LEN && len <= 8192 && end <= superblock.id_table)
        };
        holds() == Some(true)
    })
}

/// The bytes of the compressor's options, which nothing needs for reading.
fn options(region: &Bytes, superblock: &Superblock) -> Option<Span> {
    let header = cut(region, superblock::LEN, 2).filter(|_| superblock.has_options)?;
    let len = Fields::new(&header, superblock.endian).u16(0)? & 0x7fff;
    let stored = u64::from(len).saturating_add(2);
    cut(region, superblock::LEN, stored)
        .filter(|_| len <= LONGEST_OPTIONS)
        .map(|_| Span::metadata(superblock::LEN, stored))
}
