//! cpio: cpio(5) of libarchive for all variants; Linux Documentation/driver-api/early-userspace/buffer-format.rst
//! for `newc` and for hard links in it; POSIX.1-1988 10.1.2 for `odc`.
//!
//! An archive ends behind its trailer. Linux reads several, one after another with zeros between: each is a region
//! of its own.

mod entries;
mod header;
#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::archive::cpio::header::{Header, Member, Variant};
use crate::formats::archive::cpio::walk::Walk;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject,
};

/// cpio.
pub(in crate::formats) struct Cpio;

impl Format for Cpio {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "cpio",
            title: "cpio archive",
            kind: Kind::Archive,
            spec: "libarchive cpio(5); Linux early-userspace/buffer-format; POSIX.1-1988 10.1.2",
            reads: "newc, crc, odc, and the binary variant in both byte orders",
            verifies: "the sums of the crc variant; the trailer",
            limits: &["PWB archives, which share the magic of the binary variant"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: b"070701",
                at: 0,
            },
            Magic {
                bytes: b"070702",
                at: 0,
            },
            Magic {
                bytes: b"070707",
                at: 0,
            },
            Magic {
                bytes: &[0xc7, 0x71],
                at: 0,
            },
            Magic {
                bytes: &[0x71, 0xc7],
                at: 0,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no cpio header"))?;
        let is_binary = matches!(header.variant, Variant::Bin(_));
        match Member::parse(rest, 0) {
            Ok(member) if member.is_plausible() && (!is_binary || is_convincing(rest)) => {}
            Err(why) if !is_binary => return Err(Reject::NearMiss(why)),
            _ => return Err(Reject::Coincidence("no cpio member")),
        }
        let mut walk = Walk::new(rest);
        while walk.next().is_some() {}
        if walk.count == 0 && !walk.is_ended {
            return Err(Reject::Coincidence("no cpio member"));
        }
        let proof = if walk.is_ended || walk.count > 1 {
            Proof::Structure
        } else {
            Proof::Magic
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

/// Whether three plausible members stand one behind another, or fewer and the trailer. Two bytes of magic are not
/// enough to believe a header.
fn is_convincing(bytes: &[u8]) -> bool {
    let mut at = 0;
    for _ in 0..3 {
        match Member::parse(bytes, at) {
            Ok(member) if member.is_trailer() => return true,
            Ok(member) if member.is_plausible() => at = member.next,
            _ => return false,
        }
    }
    true
}
