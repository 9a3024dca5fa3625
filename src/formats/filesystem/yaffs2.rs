//! YAFFS1 and YAFFS2, the log-structured file systems of raw NAND flash.
//!
//! There is no specification but the driver (`yaffs_guts.h`, `yaffs_yaffs1.c`, `yaffs_yaffs2.c`). A page of the flash holds
//! an object's header or a piece of a file; the spare bytes beside it hold the tags: whose page it is and which piece.
//! In YAFFS2 each erase block has a sequence number, so that the newest page of a piece wins and what it replaces stays
//! until its block is erased. YAFFS1 instead marks what is replaced as deleted.
//!
//! An image is a dump with the spare bytes in it. It has no superblock and no magic number, and how it is divided into pages
//! stands nowhere.

mod extent;
mod geometry;
mod header;
mod history;
mod neighbours;
mod object;
mod scan;
mod spare;
mod tags;
#[cfg(test)]
mod tests;
mod tree;

use bytes::Bytes;

use self::geometry::{Layout, without_spare};
use self::neighbours::Neighbours;
use self::scan::{Pages, Scan, Tally};
use self::tree::Objects;
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Properties, Reject, Tree,
};
use crate::problem::Problem;
use crate::read::Endian;

/// YAFFS1 and YAFFS2.
pub(in crate::formats) struct Yaffs2;

impl Format for Yaffs2 {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "yaffs2",
            title: "YAFFS1 and YAFFS2",
            kind: Kind::Filesystem,
            spec: "yaffs2 yaffs_guts.h, yaffs_packedtags2.c, yaffs_yaffs1.c, yaffs_yaffs2.c, yaffs_nameval.c",
            reads: "dumps with spare bytes: pages of 512 to 16384 bytes, 16 to 2048 bytes of spare, tags at any place in it, in \
                    groups of six or inband, with and without a code over the tags, both byte orders; extended attributes; \
                    older contents that are still there in full",
            verifies: "the code over the tags, where there is one, and the tags against the headers; in YAFFS1 also the code over \
                       the data, where it is kept",
            limits: &[
                "images without spare bytes are named, not read",
                "an image that lost whole files, or its newest blocks, at the border of a page or block looks whole",
                "checkpoints and block summaries are not compared with the pages they describe",
                "neighbouring partitions of one geometry that no partition table parts: those that a tool wrote are taken apart, of \
                 others that drivers wrote it is told where sequence numbers show it, and those of YAFFS1 are read as one",
                "an older content may hold a piece older than itself if the driver collected garbage in between",
                "of YAFFS1 only deleted files are history; of a file of YAFFS2 the newest 32 older contents",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        extent::MAGICS
    }

    fn locate(&self, stream: &Bytes, magic: &Magic, hit: u64) -> Option<u64> {
        extent::locate(stream, hit.checked_sub(magic.at)?)
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        extent::measure(rest)
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        if let Some((geometry, evidence)) = extent::divide(&region) {
            let pages = Pages {
                image: region,
                geometry,
            };
            return open(&pages, evidence, budget);
        }
        Opened::unread(if without_spare(&region).is_some() {
            Problem::unsupported("the spare bytes are missing, and with them the tags of the pages")
        } else {
            Problem::corrupt("no object header with tags that agree with it")
        })
    }
}

fn open(pages: &Pages, evidence: usize, budget: &Budget) -> Opened {
    let mut scan = Scan::new(pages);
    let mut problems = std::mem::take(&mut scan.problems);
    if pages.geometry.layout != Layout::One {
        match neighbours::find(pages, &scan) {
            Neighbours::None => {}
            Neighbours::Start(starts) => return side_by_side(pages, &starts),
            Neighbours::Mixed(problem) => problems.push(problem),
        }
    }
    let mut spans = std::mem::take(&mut scan.spans);
    let checked = spare::is_code_kept(pages, &scan);
    let mut properties = properties(pages, evidence, &scan.tally);
    let objects = Objects::new(pages, &scan);
    let mut walked = tree::walk(&objects, problems, checked, budget);
    let mut history = history::find(&objects, &scan, &walked, checked, budget);
    if let Some(limit) = history.limit.take() {
        walked.problems.push(limit);
    }
    for state in objects.current.values().chain(&history.told) {
        state.spans(pages, &mut spans);
    }
    for (object, state) in &objects.current {
        let log = objects.logs.get(object).copied().unwrap_or_default();
        state.copies(pages, log, &mut spans);
    }
    if let Some(columns) = spare::explain(pages, &mut spans) {
        properties.set("spare-not-verified", columns);
    }
    if pages.geometry.layout == Layout::One {
        properties.set(
            "data-code",
            if checked {
                "verified"
            } else {
                "absent or unknown"
            },
        );
    }
    Opened {
        content: Content::Tree(Tree {
            entries: walked.entries,
            history: history.found,
        }),
        spans,
        problems: walked.problems.into_vec(),
        properties,
    }
}

/// File systems side by side, each a part that is searched on its own.
fn side_by_side(pages: &Pages, starts: &[u32]) -> Opened {
    let len = crate::read::length(&pages.image);
    let starts = starts.iter().map(|&page| pages.at(page));
    let ends = starts.clone().chain([len]);
    let ranges = std::iter::once(0).chain(starts).zip(ends);
    let parts = ranges.zip(1_u32..).map(|((from, to), number)| Part {
        name: number.to_string().into_bytes(),
        bytes: PartBytes::Range(from..to),
    });
    Opened {
        content: Content::Layout(parts.collect()),
        spans: Vec::new(),
        problems: Vec::new(),
        properties: Properties::new(),
    }
}

/// How the region is divided, how surely, and what its pages are.
fn properties(pages: &Pages, evidence: usize, tally: &Tally) -> Properties {
    let geometry = &pages.geometry;
    let mut properties = Properties::new();
    let one = geometry.layout == Layout::One;
    properties.set("version", if one { "1" } else { "2" });
    properties.set("page", geometry.page.to_string());
    properties.set("spare", geometry.spare.to_string());
    properties.set(
        "byte-order",
        match geometry.endian {
            Endian::Little => "little",
            Endian::Big => "big",
        },
    );
    properties.set(
        "tags",
        match geometry.layout {
            Layout::One => "those of YAFFS1".to_owned(),
            Layout::At(at) => format!("at {at} of the spare bytes"),
            Layout::Sixes => "in the first six of each 16 spare bytes".to_owned(),
            Layout::Inband => "inband".to_owned(),
        },
    );
    let code = if geometry.coded {
        ", whose code holds"
    } else {
        ""
    };
    let detail = match evidence {
        1 => format!("one page has such tags{code}"),
        pages => format!("{pages} of the first 64 pages have such tags{code}"),
    };
    properties.set("geometry-evidence", detail);
    for (name, count) in [
        ("pages.used", tally.used),
        ("pages.erased", tally.erased),
        ("pages.damaged", tally.junk),
        ("pages.checkpoint", tally.checkpoint),
        ("pages.summary", tally.summary),
        ("pages.tags-corrected", tally.corrected),
    ] {
        if count > 0 {
            properties.set(name, count.to_string());
        }
    }
    properties
}
