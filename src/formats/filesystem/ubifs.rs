//! UBIFS, the file system of raw flash above UBI.
//!
//! The structures are those of Linux's `fs/ubifs/ubifs-media.h`, the meaning is what `fs/ubifs` does with them. Files are nodes
//! with a key and an age. A tree of index nodes names the current ones as of the last commit; a log names the erase blocks that
//! were written since, whose nodes count more. What was replaced stays until its erase block is collected.

mod content;
mod hash;
mod history;
mod index;
mod journal;
mod live;
mod node;
mod scan;
mod space;
mod superblock;
mod tree;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use self::live::Live;
use self::node::{Kind as NodeKind, Node};
use self::scan::Scan;
use self::superblock::{Master, Superblock};
use self::tree::Source;
use crate::budget::Budget;
use crate::formats::flash::ubi;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Properties, Reject, Span, Tree,
};
use crate::problem::Problem;
use crate::read::rest;

/// UBIFS.
pub(in crate::formats) struct Ubifs;

impl Format for Ubifs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "ubifs",
            title: "UBIFS",
            kind: Kind::Filesystem,
            spec: "Linux fs/ubifs/ubifs-media.h",
            reads: "format 4 and 5; data stored or as LZO, zlib and zstd; index and journal; extended attributes; damaged images by the age \
                    of their nodes; older contents that are still there in full",
            verifies: "CRC-32 of every node, CRC-16 of the space table, both master nodes against each other; \
                       in authenticated images the hashes of the master node, of the index and of every node it leads to",
            limits: &[
                "of authenticated images, the signature, keyed hashes (HMAC), the journal and the hash of the space table are not checked",
                "encrypted files and names (fscrypt) are listed and not read",
                "of every file, the 16 newest older contents are history, and none with holes",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &node::MAGIC,
            at: 0,
        }]
    }

    fn locate(&self, stream: &Bytes, _magic: &Magic, hit: u64) -> Option<u64> {
        // Every node has the magic. One inside an erase block of UBI is found again in its volume.
        let starts = Superblock::parse(&rest(stream, hit)).is_some();
        (starts && !ubi::is_data_of_block(stream, hit)).then_some(hit)
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        superblock::measure(rest)
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        match Superblock::parse(&region) {
            Some(superblock) => open(&region, &superblock, budget),
            None => Opened::unread(Problem::corrupt("the superblock is cut off")),
        }
    }
}

fn open(image: &Bytes, superblock: &Superblock, budget: &Budget) -> Opened {
    let mut properties = Properties::new();
    superblock.describe(&mut properties);
    let mut scan = Scan::new(image, superblock);
    let mut problems = std::mem::take(&mut scan.problems);
    let masters = [1, 2].map(|leb| Master::newest(image, superblock, leb));
    for (leb, master) in (1..).zip(&masters) {
        if master.is_none() {
            let what = format!("there is no sound master node in erase block {leb}");
            problems.push(Problem::corrupt(what).at(superblock.leb.saturating_mul(leb)));
        }
    }
    if let [Some(first), Some(second)] = &masters
        && !first.agrees(second)
    {
        let what = "the two master nodes differ; the newer one is used";
        problems.push(Problem::corrupt(what).at(first.at));
    }
    let master = masters.into_iter().flatten().max_by_key(|it| it.sequence);
    if let Some(master) = &master {
        properties.set("commit", master.commit.to_string());
        let clean = if master.is_dirty() { "no" } else { "yes" };
        properties.set("clean-unmount", clean);
    }
    if superblock.is_authenticated() && superblock.hash().is_none() {
        let what = "authenticated with a hash that is not known here; no hash is checked";
        problems.push(Problem::unsupported(what));
    }
    let wrong = master
        .as_ref()
        .and_then(|master| hash::master(image, superblock, master));
    if let Some(problem) = wrong {
        problems.push(problem);
    }
    let current = current(image, superblock, master.as_ref(), &scan);
    let live = match current {
        Ok(Current {
            live,
            lost,
            verified,
        }) => {
            for problem in lost {
                problems.push(problem);
            }
            if superblock.hash().is_some() {
                properties.set("hashes-verified", verified.to_string());
            }
            live
        }
        Err(problem) => {
            problems.push(problem);
            by_age(image, &scan)
        }
    };
    let live = Arc::new(live);
    let source = Source {
        image,
        live: &live,
        is_dirty: master.is_some_and(|master| master.is_dirty()),
    };
    let mut walked = tree::walk(&source, problems, budget);
    let mut history = history::find(image, &scan, &live, &walked.paths, budget);
    if let Some(limit) = history.limit.take() {
        walked.problems.push(limit);
    }
    let shown = Shown {
        live: &live,
        paths: walked.paths.keys().copied().collect(),
        inodes: walked.shown,
        older: history.shown,
    };
    let spans = explain(image, superblock, scan, &shown);
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

/// The current nodes as Linux finds them.
struct Current {
    live: Live,
    /// What the index has lost, and what has another hash than it says.
    lost: Vec<Problem>,
    /// How many nodes have the hash that it says.
    verified: u64,
}

/// The current nodes as Linux finds them, or why they cannot be found.
fn current(
    image: &Bytes,
    superblock: &Superblock,
    master: Option<&Master>,
    scan: &Scan,
) -> Result<Current, Problem> {
    let missing = || Problem::corrupt("without a master node, all nodes are read by age");
    let master = master.ok_or_else(missing)?;
    let index = index::walk(image, superblock, master, scan)?;
    let journal = journal::uncommitted(image, superblock, master, scan)?;
    let mut live = Live::default();
    let lost = live.add_leaves(image, scan, &index.leaves);
    live.replay(image, &journal);
    let lost = lost.iter().filter(|leaf| leaf.key.kind() != NodeKind::Data);
    let tell = |leaf: &index::Leaf| {
        let what = match leaf.key.kind() {
            NodeKind::Inode => format!("the node of inode {}", leaf.key.inode),
            NodeKind::Dirent => format!("a name in the directory of inode {}", leaf.key.inode),
            _ => format!("an extended attribute of inode {}", leaf.key.inode),
        };
        Problem::corrupt(format!("{what} is not where the index says")).at(leaf.at)
    };
    Ok(Current {
        live,
        lost: lost.map(tell).chain(index.wrong).collect(),
        verified: index.verified,
    })
}

/// The current nodes as their age alone tells them: what was deleted may come back.
fn by_age(image: &Bytes, scan: &Scan) -> Live {
    let nodes = scan.nodes.iter().filter(|node| !node.is_hidden);
    let mut nodes: Vec<Node> = nodes.copied().collect();
    nodes.sort_by_key(|node| node.sequence);
    let mut live = Live::default();
    live.replay(image, &nodes);
    live
}

/// What entries and history show.
struct Shown<'a> {
    live: &'a Live,
    /// The inodes that have a name.
    paths: BTreeSet<u32>,
    /// Where the inode nodes stand whose data is shown (bytes from the region's start).
    inodes: BTreeSet<u64>,
    /// Where the data nodes of history stand.
    older: BTreeSet<u64>,
}

impl Shown<'_> {
    /// Whether the data of a node can be seen somewhere.
    fn shows(&self, node: &Node) -> bool {
        let (inode, block) = (node.key.inode, node.key.block());
        match node.kind {
            NodeKind::Inode => self.inodes.contains(&node.at),
            NodeKind::Data => {
                let current = self.live.data.get(&(inode, block)) == Some(&node.at);
                (current && self.paths.contains(&inode)) || self.older.contains(&node.at)
            }
            _ => false,
        }
    }

    /// Whether a node behind erased flash is used all the same.
    fn uses(&self, image: &Bytes, node: &Node) -> bool {
        match node.kind {
            NodeKind::Inode => self.live.inodes.get(&node.key.inode) == Some(&node.at),
            NodeKind::Dirent | NodeKind::Xattr => {
                let key = live::entry(image, node).map(|(key, _)| key);
                let entries = key.and_then(|key| self.live.names.get(&key));
                entries.is_some_and(|entries| entries.iter().any(|entry| entry.at == node.at))
            }
            _ => self.shows(node),
        }
    }
}

/// Names all bytes that have a meaning.
fn explain(image: &Bytes, superblock: &Superblock, mut scan: Scan, shown: &Shown<'_>) -> Vec<Span> {
    let nodes = std::mem::take(&mut scan.nodes);
    // The collector copies nodes as they are: a copy of one that is shown hides nothing.
    let has_data = |node: &&Node| matches!(node.kind, NodeKind::Inode | NodeKind::Data);
    let (seen, rest): (Vec<&Node>, Vec<&Node>) = nodes
        .iter()
        .filter(has_data)
        .partition(|node| shown.shows(node));
    let rest: BTreeSet<_> = rest.iter().map(|node| (node.sequence, node.sum)).collect();
    let same = seen.iter().map(|node| (node.sequence, node.sum));
    let copied: BTreeSet<_> = same.filter(|node| rest.contains(node)).collect();
    for node in &nodes {
        if node.is_hidden {
            if !shown.uses(image, node) {
                continue;
            }
            scan.explain(image, node);
        }
        let fixed = match node.kind {
            NodeKind::Inode => node::INODE,
            NodeKind::Data => node::DATA,
            _ => continue,
        };
        if shown.shows(node) || copied.contains(&(node.sequence, node.sum)) {
            let from = node.at.saturating_add(fixed);
            scan.ledger.content(from, node.end().saturating_sub(from));
        }
    }
    space::explain(image, superblock, &mut scan.ledger);
    scan.ledger.into_spans()
}
