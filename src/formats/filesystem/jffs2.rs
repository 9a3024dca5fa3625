//! JFFS2, the log-structured file system of raw flash.
//!
//! There is no official specification: the structures are those of Linux's `include/uapi/linux/jffs2.h`, the meaning is what
//! `fs/jffs2` does with them. The flash is a heap of nodes. A node adds a name to a directory or a piece to a file, and the
//! highest version wins; whatever it replaces stays until its erase block is collected.

mod body;
mod compress;
mod content;
mod extent;
mod history;
mod inode;
mod node;
mod rtime;
mod rubin;
mod scan;
mod summary;
mod tree;
mod walk;
mod xattr;

#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::inode::Inodes;
use self::node::Dialect;
use self::scan::Scan;
use self::tree::{Names, Source};
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Properties, Reject, Span, Tree,
};
use crate::problem::Problem;

/// JFFS2.
pub(in crate::formats) struct Jffs2;

impl Format for Jffs2 {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "jffs2",
            title: "JFFS2",
            kind: Kind::Filesystem,
            spec: "Linux include/uapi/linux/jffs2.h and fs/jffs2",
            reads: "both byte orders; data stored, zero, rtime, rubin, zlib, LZO and both forms of LZMA; extended attributes; \
                    erase block summaries; older contents that are still there in full",
            verifies: "CRC-32 of every header, node, name and data; erase block summaries against their blocks",
            limits: &[
                "nodes inside the spare area of NAND are not read",
                "of overwritten contents only those before a truncation, replacement or deletion are history",
                "a compressed node larger than 1 MiB is not read",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        MAGICS
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        extent::measure(rest)
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        match Dialect::of(&region) {
            Some(dialect) => open(&region, dialect, budget),
            None => Opened::unread(Problem::corrupt("the region does not start with a node")),
        }
    }
}

fn open(image: &Bytes, dialect: Dialect, budget: &Budget) -> Opened {
    let scan = Scan::new(image, dialect);
    let names = Names::new(&scan.dirents);
    let inodes = Inodes::new(scan.inodes);
    let (xattrs, xattr_problems) = xattr::collect(&scan.xdata, &scan.xrefs, dialect.endian);
    let source = Source {
        image,
        endian: dialect.endian,
        inodes: &inodes,
        names: &names,
        xattrs: &xattrs,
    };
    let mut walked = tree::walk(&source, scan.problems, budget);
    walked.damages(&scan.damages);
    for (ino, problem) in xattr_problems {
        // An attribute of an inode that is gone is no loss.
        if let Some(path) = walked.paths.get(&ino) {
            let problem = problem.about(path);
            walked.problems.push(problem);
        }
    }
    let mut history = history::find(image, &inodes, &scan.dirents, &names, &walked.paths, budget);
    if let Some(limit) = history.limit.take() {
        walked.problems.push(limit);
    }
    let mut spans = scan.spans;
    for nodes in inodes.groups() {
        // Data that no entry and no history shows stays unexplained.
        let shown = |ino| walked.paths.contains_key(ino) || history.told.contains(ino);
        for node in nodes
            .iter()
            .filter(|node| node.csize > 0 && shown(&node.ino))
        {
            spans.push(Span::content(node.data_at(), node.csize.into()));
        }
    }
    Opened {
        content: Content::Tree(Tree {
            entries: walked.entries,
            history: history.found,
        }),
        spans,
        problems: walked.problems.into_vec(),
        properties: Properties::new(),
    }
}

const fn at_start(bytes: &'static [u8]) -> Magic {
    Magic { bytes, at: 0 }
}

/// Magic and type of the nodes that a file system may start with, in both byte orders; the last four are of 2001.
const MAGICS: &[Magic] = &[
    at_start(&[0x85, 0x19, 0x01, 0xe0]),
    at_start(&[0x85, 0x19, 0x02, 0xe0]),
    at_start(&[0x85, 0x19, 0x03, 0x20]),
    at_start(&[0x85, 0x19, 0x04, 0x20]),
    at_start(&[0x85, 0x19, 0x06, 0x20]),
    at_start(&[0x85, 0x19, 0x08, 0xe0]),
    at_start(&[0x85, 0x19, 0x09, 0xe0]),
    at_start(&[0x85, 0x19, 0x01, 0xc0]),
    at_start(&[0x85, 0x19, 0x02, 0xc0]),
    at_start(&[0x19, 0x85, 0xe0, 0x01]),
    at_start(&[0x19, 0x85, 0xe0, 0x02]),
    at_start(&[0x19, 0x85, 0x20, 0x03]),
    at_start(&[0x19, 0x85, 0x20, 0x04]),
    at_start(&[0x19, 0x85, 0x20, 0x06]),
    at_start(&[0x19, 0x85, 0xe0, 0x08]),
    at_start(&[0x19, 0x85, 0xe0, 0x09]),
    at_start(&[0x19, 0x85, 0xc0, 0x01]),
    at_start(&[0x19, 0x85, 0xc0, 0x02]),
    at_start(&[0x84, 0x19, 0x01, 0xe0]),
    at_start(&[0x84, 0x19, 0x02, 0xe0]),
    at_start(&[0x19, 0x84, 0xe0, 0x01]),
    at_start(&[0x19, 0x84, 0xe0, 0x02]),
];
