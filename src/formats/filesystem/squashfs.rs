//! SquashFS, versions 1 to 4: a read-only file system of compressed blocks.
//!
//! The image has no checksum of its own (xz and gzip blocks do), so that what is verified is that every
//! structure holds together and every block decodes to exactly its size.

mod ahead;
mod bits;
mod blocks;
mod contents;
mod decoder;
mod directory;
mod file;
mod inode;
mod lzma;
mod metadata;
mod older;
mod older_inode;
mod owners;
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

use superblock::{Edition, METADATA_BLOCK, Superblock};

/// SquashFS.
pub(in crate::formats) struct Squashfs;

/// The compressor's options are a metadata block of at most so many bytes; no compressor has more.
const LONGEST_OPTIONS: u16 = 64;

impl Format for Squashfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "squashfs",
            title: "SquashFS",
            kind: Kind::Filesystem,
            spec: "Linux Documentation/filesystems/squashfs.rst, fs/squashfs/squashfs_fs.h",
            reads: "versions 1 to 4 in both byte orders, with gzip, xz, lzma, lzo, lz4 and zstd; AVM's big-endian version 4; vendors' magics and LZMA",
            verifies: "all structures against each other; every block decodes to exactly its size, and all of it is used",
            limits: &[
                "LZMA with more than 4 literal bits, or in a wrapping that no known builder chose",
                "LZMA without a mark at its end, in blocks of which nothing tells the length, may end in a few zero bytes too many",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &older::MAGICS
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let superblock = Superblock::parse(rest)?;
        let proof = if end_holds(rest, &superblock) {
            Proof::Structure
        } else {
            // Where the end of an image is not as its superblock says, all but the superblock is guesswork.
            Proof::Magic
        };
        Ok(Extent::known(superblock.bytes_used, proof))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Ok(mut superblock) = Superblock::parse(&region) else {
            return Opened::unread(Problem::corrupt("no SquashFS superblock").at(0));
        };
        superblock.edition.lengths = lengths(&region, &superblock);
        let region = clip(&region, 0, superblock.bytes_used);
        let mut found = tree::walk(&region, &superblock, budget);
        found.spans.push(Span::metadata(0, superblock.len));
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
            properties: properties(&superblock),
        }
    }
}

/// Whether the table of owners, the last that every image has, is there, and points to metadata blocks before it.
fn end_holds(bytes: &Bytes, superblock: &Superblock) -> bool {
    let ids = superblock.ids;
    if superblock.edition.version < 4 {
        // The tables of owners and groups lie open at the end.
        let (at, count) = ids.groups.unwrap_or((ids.at, ids.count));
        return cut(bytes, at, u64::from(count).saturating_mul(4)).is_some()
            && block_holds(
                bytes,
                superblock,
                superblock.inode_table,
                superblock.directory_table,
            );
    }
    // A block holds 2048 of the 4-byte ids.
    let blocks = u64::from(ids.count).div_ceil(2048);
    let Some(pointers) = cut(bytes, ids.at, blocks.saturating_mul(8)) else {
        return false;
    };
    let superblock = Superblock {
        edition: Edition {
            lengths: lengths(bytes, superblock),
            ..superblock.edition
        },
        ..*superblock
    };
    pointers.chunks_exact(8).all(|pointer| {
        let at = Fields::new(pointer, superblock.edition.endian).u64(0);
        at.is_some_and(|at| at >= superblock.len && block_holds(bytes, &superblock, at, ids.at))
    })
}

/// Whether a metadata block at `at` ends at or before `end`.
fn block_holds(bytes: &Bytes, superblock: &Superblock, at: u64, end: u64) -> bool {
    let holds = || {
        let header = cut(bytes, at, 2)?;
        let word = Fields::new(&header, superblock.edition.lengths).u16(0)?;
        let len = usize::from(word & 0x7fff);
        let next = at.checked_add(2)?.checked_add(u64::try_from(len).ok()?)?;
        Some(len <= METADATA_BLOCK && next <= end)
    };
    holds() == Some(true)
}

/// The byte order of the lengths in front of metadata blocks. In AVM's big-endian images of version 4 it is the other one: the
/// order is the one in which the last block of the table of owners ends where the index of that table starts.
fn lengths(bytes: &Bytes, superblock: &Superblock) -> Endian {
    let Edition {
        version, endian, ..
    } = superblock.edition;
    if version < 4 || endian == Endian::Little {
        return endian;
    }
    let fits = |order: Endian| {
        let ids = superblock.ids;
        let last = u64::from(ids.count).div_ceil(2048).checked_sub(1)?;
        let pointer = cut(bytes, ids.at.checked_add(last.checked_mul(8)?)?, 8)?;
        let at = Fields::new(&pointer, endian).u64(0)?;
        let header = cut(bytes, at, 2)?;
        let len = u64::from(Fields::new(&header, order).u16(0)? & 0x7fff);
        Some(at.checked_add(2)?.checked_add(len)? == ids.at)
    };
    if fits(Endian::Little) == Some(true) {
        Endian::Little
    } else {
        endian
    }
}

/// What the superblock says and no entry shows.
fn properties(superblock: &Superblock) -> Properties {
    let mut properties = Properties::new();
    properties.set("version", superblock.edition.version.to_string());
    let order = match superblock.edition.endian {
        Endian::Little => "little-endian",
        Endian::Big => "big-endian",
    };
    properties.set("byte-order", order);
    // AVM stores the length in its place.
    if u64::from(superblock.made) != superblock.bytes_used {
        properties.set("made", superblock.made.to_string());
    }
    properties
}

/// The bytes of the compressor's options, which nothing needs for reading.
fn options(region: &Bytes, superblock: &Superblock) -> Option<Span> {
    let header = cut(region, superblock.len, 2).filter(|_| superblock.has_options)?;
    let len = Fields::new(&header, superblock.edition.lengths).u16(0)? & 0x7fff;
    let stored = u64::from(len).saturating_add(2);
    cut(region, superblock.len, stored)
        .filter(|_| len <= LONGEST_OPTIONS)
        .map(|_| Span::metadata(superblock.len, stored))
}
