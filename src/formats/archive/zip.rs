//! zip: APPNOTE.TXT 6.3.10 of PKWARE; extra fields also after proginfo/extrafld.txt of Info-ZIP.
//!
//! A member is described twice, in front of its bytes and in the directory at the end. Both are read and compared, since
//! readers differ on which of them they believe.

mod entries;
mod extra;
mod member;
mod records;
#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use self::records::{Directory, End, Local};
use self::walk::Walk;
use crate::budget::Budget;
use crate::formats::{Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};

/// zip.
pub(in crate::formats) struct Zip;

impl Format for Zip {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "zip",
            title: "zip archive",
            kind: Kind::Archive,
            spec: "PKWARE APPNOTE 6.3.10; Info-ZIP extrafld.txt",
            reads: "stored, deflate, deflate64, bzip2, LZMA, xz, zstd, PPMd; zip64; data descriptors; Unix modes, owners, times and links; \
                archives without a directory, from the local headers",
            verifies: "CRC-32 and size of each member; local headers against the directory",
            limits: &[
                "encrypted members are named and not read",
                "shrunk, reduced, imploded, Tokenize, JPEG and WavPack members",
                "archives that are split over several files",
                "times of DOS, which state no time zone",
                "comments of members, and extra fields that are not known",
                "gaps of more than 16 MiB between members",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: b"PK\x03\x04",
                at: 0,
            },
            // An archive without members.
            Magic {
                bytes: b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                at: 0,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        if let Some(end) = End::parse(rest, 0).filter(End::is_empty) {
            return Ok(Extent::known(end.len(), Proof::Structure));
        }
        if !Local::parse(rest, 0).is_some_and(|local| local.is_plausible()) {
            return Err(Reject::Coincidence("no zip member"));
        }
        let mut walk = Walk::new(rest);
        while walk.next().is_some() {}
        let proof = if walk.directory.is_some() || walk.count > 1 {
            Proof::Structure
        } else {
            Proof::Magic
        };
        Ok(Extent::known(walk.end, proof))
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

/// The directory of an archive without members.
fn empty(region: &Bytes) -> Option<Directory> {
    let end = End::parse(region, 0).filter(End::is_empty)?;
    Some(Directory {
        end,
        at: 0,
        base: 0,
    })
}
