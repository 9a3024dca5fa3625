//! Virtual PC disks: a footer behind the bytes of the disk, or blocks found through a table.

mod dynamic;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::dynamic::Dynamic;
use super::assemble::{Disk, Even};
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, length};

/// Virtual PC disks.
pub(in crate::formats) struct Vhd;

const MAGIC: &[u8] = b"conectix";

/// The length of the footer in bytes; what it says ends at 85.
const FOOTER: u64 = 512;
const TOLD: u64 = 85;

impl Format for Vhd {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "vhd",
            title: "Virtual PC disk image (VHD)",
            kind: Kind::Disk,
            spec: "Microsoft, Virtual Hard Disk Image Format Specification, 2006",
            reads: "fixed and dynamic disks; the copy of the footer where the other is damaged",
            verifies: "checksums of footer, copy and dynamic header; that both footers agree",
            limits: &[
                "differencing disks: what only the parent holds is read as zeros",
                "a fixed disk with other bytes behind its footer: only the footer is a region then",
                "the bitmaps of blocks, which are left unexplained where they are not all ones",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: MAGIC,
            at: 0,
        }]
    }

    /// A fixed disk stands before its footer.
    fn locate(&self, stream: &Bytes, _magic: &Magic, hit: u64) -> Option<u64> {
        let footer = Footer::parse(stream, hit)?;
        let is_last = hit.saturating_add(FOOTER) == length(stream);
        let start = hit.checked_sub(footer.size);
        Some(
            start
                .filter(|_| footer.kind == FIXED && footer.sound && is_last)
                .unwrap_or(hit),
        )
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        if let Some((footer, at)) = fixed(rest) {
            debug_assert!(footer.sound);
            return Ok(Extent::known(at.saturating_add(FOOTER), Proof::Checksum));
        }
        let footer = Footer::parse(rest, 0).ok_or(Reject::Coincidence("no VHD footer"))?;
        match Dynamic::parse(rest, &footer) {
            _ if footer.kind == FIXED && footer.sound => Ok(Extent::known(FOOTER, Proof::Checksum)),
            Some(dynamic) => {
                let end = dynamic.end(rest);
                let footer = Footer::parse(rest, end).map_or(0, |_| FOOTER);
                Ok(Extent::known(end.saturating_add(footer), Proof::Checksum))
            }
            None => Err(Reject::NearMiss("a VHD footer whose disk is not there")),
        }
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let mut opened = Opened {
            content: Content::Layout(Vec::new()),
            spans: Vec::new(),
            problems: Vec::new(),
            properties: Properties::new(),
        };
        if let Some((footer, at)) = fixed(&region) {
            footer.explain(at, &mut opened);
            opened.content = Content::Layout(vec![Part {
                name: Vec::new(),
                bytes: PartBytes::Range(0..at),
            }]);
            return opened;
        }
        let Some(first) = Footer::parse(&region, 0) else {
            return Opened::unread(Problem::corrupt("the footer is cut off"));
        };
        first.explain(0, &mut opened);
        let Some(dynamic) = Dynamic::parse(&region, &first) else {
            return opened;
        };
        let end = dynamic.end(&region);
        let last = Footer::parse(&region, end);
        match &last {
            None => {
                let detail = "there is no footer at the end";
                opened.problems.push(Problem::corrupt(detail).at(end));
            }
            Some(last) => {
                last.explain(end, &mut opened);
                if last.sound
                    && first.sound
                    && clip(&region, 0, FOOTER) != clip(&region, end, FOOTER)
                {
                    let detail = "the footer and its copy differ; the copy is read";
                    opened.problems.push(Problem::corrupt(detail).at(end));
                }
            }
        }
        let footer = last
            .filter(|last| last.sound && !first.sound)
            .unwrap_or(first);
        dynamic.explain(footer.size, &region, &mut opened);
        if footer.kind == DIFFERENCING {
            opened.properties.set("parent", dynamic.parent_name());
            let detail = "a differencing disk: what only its parent holds is read as zeros";
            opened.problems.push(Problem::unsupported(detail).at(60));
        }
        let block = dynamic.block;
        let blocks = dynamic.blocks(region.clone(), footer.kind == DIFFERENCING);
        let disk = Disk::new(region, Even::new(blocks, block, footer.size));
        opened.content = Content::Stream(Box::new(disk));
        opened
    }
}

const FIXED: u32 = 2;
const DIFFERENCING: u32 = 4;

struct Footer {
    /// Whether its checksum is right.
    sound: bool,
    /// The disk's size in bytes.
    size: u64,
    kind: u32,
    /// Where the dynamic header stands.
    header_at: u64,
    creator: Vec<u8>,
}

impl Footer {
    fn parse(bytes: &Bytes, at: u64) -> Option<Self> {
        let footer = clip(bytes, at, FOOTER);
        let fields = Fields::big(&footer);
        let kind = fields.u32(60)?;
        let known = fields.slice(0, 8)? == MAGIC && fields.u32(12)? == 0x0001_0000;
        (known && length(&footer) == FOOTER && (2..=4).contains(&kind)).then_some(Self {
            sound: sum_but(&footer, 64) == fields.u32(64)?,
            size: fields.u64(48)?,
            kind,
            header_at: fields.u64(16)?,
            creator: fields.slice(28, 4)?.to_vec(),
        })
    }

    fn explain(&self, at: u64, opened: &mut Opened) {
        opened.spans.push(Span::metadata(at, TOLD));
        opened.properties.set("size", self.size.to_string());
        opened.properties.set("creator", self.creator.clone());
        if !self.sound {
            let detail = "the checksum of a footer is wrong";
            opened.problems.push(Problem::checksum(detail).at(at));
        }
    }
}

/// The footer of a fixed disk that ends with `bytes`, and where it stands.
fn fixed(bytes: &Bytes) -> Option<(Footer, u64)> {
    let at = length(bytes).checked_sub(FOOTER)?;
    let footer = Footer::parse(bytes, at)?;
    let whole = footer.kind == FIXED && footer.sound && footer.size == at && at > 0;
    whole.then_some((footer, at))
}

/// The complement of the sum of all bytes but the four at `skip`, where it is stored.
fn sum_but(bytes: &[u8], skip: usize) -> u32 {
    let counted = |&(at, _): &(usize, &u8)| at.checked_sub(skip).is_none_or(|past| past >= 4);
    let bytes = bytes.iter().enumerate().filter(counted);
    !bytes.fold(0_u32, |sum, (_, &byte)| sum.wrapping_add(u32::from(byte)))
}
