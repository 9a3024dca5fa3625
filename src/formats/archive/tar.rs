//! tar: POSIX.1-2024 `pax`, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format";
//! tar(5) of libarchive for the older variants.
//!
//! An archive ends behind its two zero blocks. What a writer adds to fill its record is not part of it.

mod entries;
mod header;
mod pax;
mod sparse;
#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::archive::tar::header::{Block, Dialect};
use crate::formats::archive::tar::walk::Walk;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject,
};
use crate::read::Fields;

/// tar.
pub(in crate::formats) struct Tar;

impl Format for Tar {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "tar",
            title: "tar archive",
            kind: Kind::Archive,
            spec: "POSIX.1-2024 pax and ustar; GNU tar manual; libarchive tar(5)",
            reads: "v7, ustar, GNU (long names, base-256 numbers, sparse, dump directories), pax (extended attributes, sparse 0.0, 0.1 and 1.0), star",
            verifies: "header checksums; sparse maps; zero blocks at the end",
            limits: &[
                "v7, which has no magic, is found at the start of a stream only",
                "files split over several volumes",
                "access control lists and SELinux labels stored as text",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: b"ustar\0",
                at: 257,
            },
            Magic {
                bytes: b"ustar ",
                at: 257,
            },
        ]
    }

    fn is_asked_at_start(&self) -> bool {
        true
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        match Block::read(rest, 0) {
            Block::Header(header) if header.is_plausible() => {}
            Block::Damaged(why) if looks_like_a_header(rest) => return Err(Reject::NearMiss(why)),
            _ => return Err(Reject::Coincidence("no tar header")),
        }
        let mut walk = Walk::new(rest);
        while walk.next().is_some() {}
        let proof = if walk.is_ended && walk.problems.is_empty() {
            Proof::Checksum
        } else {
            Proof::Structure
        };
        Ok(Extent::known(walk.at, proof))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let (tree, spans, problems) = entries::read(&region, budget);
        Opened {
            content: Content::Tree(tree),
            spans,
            problems,
            properties: Properties::new(),
        }
    }
}

/// Whether a block whose checksum fails has the magic and numbers of a header all the same.
fn looks_like_a_header(block: &[u8]) -> bool {
    let octal = |at: usize| {
        let digits = Fields::big(block).slice(at, 6);
        digits.is_some_and(|digits| digits.iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ')))
    };
    header::dialect(block) != Dialect::V7 && octal(100) && octal(136)
}
