//! `VMware` disks: grains found through a directory of tables, and a text that describes the disk.

mod descriptor;
mod grains;
mod header;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::descriptor::Descriptor;
use self::grains::Grains;
use self::header::Header;
use super::assemble::{Disk, Even};
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span,
};
use crate::problem::Problem;

/// `VMware` disks.
pub(in crate::formats) struct Vmdk;

const MAGIC: &[u8] = b"KDMV";

/// Bytes in a sector; everything is counted in them.
const SECTOR: u64 = 512;

impl Format for Vmdk {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "vmdk",
            title: "VMware disk image (VMDK)",
            kind: Kind::Disk,
            spec: "VMware, Virtual Disk Format 5.0; QEMU block/vmdk.c",
            reads: "sparse extents, also compressed in a stream; the descriptor's text",
            verifies: "the Adler-32 of compressed grains; that both grain directories agree; the place in each grain's marker",
            limits: &[
                "extents in other files are named, not read",
                "snapshots: what only the parent holds is read as zeros",
                "COWD and SESparse extents",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: MAGIC,
                at: 0,
            },
            Magic {
                bytes: descriptor::START,
                at: 0,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        if let Some(header) = Header::parse(rest) {
            return Ok(Extent::known(header.end(rest), Proof::Structure));
        }
        let text = Descriptor::parse(rest, 0, descriptor::LONGEST);
        match text.filter(Descriptor::is_complete) {
            Some(text) => Ok(Extent::known(text.len, Proof::Structure)),
            None => Err(Reject::Coincidence("no VMDK header")),
        }
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let mut opened = Opened {
            content: Content::Unread,
            spans: Vec::new(),
            problems: Vec::new(),
            properties: Properties::new(),
        };
        let Some(header) = Header::parse(&region) else {
            if let Some(text) = Descriptor::parse(&region, 0, descriptor::LONGEST) {
                opened.spans.push(Span::metadata(0, text.len));
                text.describe(&mut opened);
                let detail = "only a description: the disk's bytes are in other files";
                opened.problems.push(Problem::unsupported(detail));
            }
            return opened;
        };
        header.explain(&region, &mut opened);
        if let Some(text) = header.descriptor(&region) {
            opened
                .spans
                .push(Span::metadata(header.descriptor_at(), text.len));
            text.describe(&mut opened);
        }
        if header.compression > 1 {
            let detail = format!("the compression {} is not known", header.compression);
            opened.problems.push(Problem::unsupported(detail).at(77));
            return opened;
        }
        let (grain, size) = (header.grain_len(), header.size());
        let grains = Grains::new(region.clone(), header);
        opened.content =
            Content::Stream(Box::new(Disk::new(region, Even::new(grains, grain, size))));
        opened
    }
}
