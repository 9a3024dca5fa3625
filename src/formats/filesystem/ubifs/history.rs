//! What was overwritten or deleted and still stands in the log, where it is there in full.
//!
//! Nodes are sorted by age. A content ends where a block is written once more, or where the file is cut short. Which blocks it
//! had is then known; that none is missing is known when they follow each other without a hole and some inode node gives
//! exactly the size that they make.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::content::Older;
use super::live::{Entry, Live, NameKey, entry};
use super::node::{BLOCK, Data, Inode, Kind, Node};
use super::scan::Scan;
use super::tree::REGULAR;
use crate::budget::Budget;
use crate::entry::{EntryPath, File, Superseded};
use crate::problem::Problem;

/// So many of the newest older contents of one file are told.
const MOST: usize = 16;

/// Older contents.
#[derive(Default)]
pub(super) struct History {
    pub(super) found: Vec<Superseded>,
    /// Where the data nodes stand that `found` shows, in bytes from the region's start.
    pub(super) shown: BTreeSet<u64>,
    pub(super) limit: Option<Problem>,
}

/// Finds the older contents of all regular files. `paths` are the inodes that have a name today.
pub(super) fn find(
    image: &Bytes,
    scan: &Scan,
    live: &Live,
    paths: &BTreeMap<u32, EntryPath>,
    budget: &Budget,
) -> History {
    let mut known: BTreeMap<u32, (u64, NameKey, Entry)> = BTreeMap::new();
    let mut groups: BTreeMap<u32, Vec<&Node>> = BTreeMap::new();
    // A file that is all current has no older content; most are.
    let outdated: BTreeSet<u32> = scan
        .nodes
        .iter()
        .filter(|node| !node.is_hidden && is_outdated(live, node))
        .map(|node| node.key.inode)
        .collect();
    for node in scan.nodes.iter().filter(|node| !node.is_hidden) {
        match node.kind {
            Kind::Inode | Kind::Data if outdated.contains(&node.key.inode) => {
                groups.entry(node.key.inode).or_default().push(node);
            }
            Kind::Dirent => {
                if let Some((key, entry)) = entry(image, node) {
                    let newest = known
                        .get(&entry.inode)
                        .is_none_or(|it| it.0 < node.sequence);
                    if newest && !paths.contains_key(&entry.inode) {
                        known.insert(entry.inode, (node.sequence, key, entry));
                    }
                }
            }
            _ => {}
        }
    }
    let mut history = History::default();
    for (inode, mut nodes) in groups {
        nodes.sort_by_key(|node| node.sequence);
        nodes.dedup_by_key(|node| node.sequence);
        let is_named = paths.contains_key(&inode);
        let (path, why) = match paths.get(&inode) {
            Some(path) => (path.clone(), "overwritten or cut short"),
            None => lost(inode, known.get(&inode), live, paths),
        };
        for content in contents(image, &nodes, !is_named) {
            if let Err(limit) = budget.spend_entry(&path, &[]) {
                history.limit = Some(limit);
                return history;
            }
            history.shown.extend(&content.blocks);
            history.found.push(Superseded {
                path: path.clone(),
                mtime: Some(content.mtime),
                why,
                file: File {
                    size: content.size,
                    data: Arc::new(Older {
                        image: image.clone(),
                        inode,
                        blocks: content.blocks,
                        size: content.size,
                    }),
                },
            });
        }
    }
    history
}

fn is_outdated(live: &Live, node: &Node) -> bool {
    let (inode, block) = (node.key.inode, node.key.block());
    node.kind == Kind::Data && live.data.get(&(inode, block)) != Some(&node.at)
}

/// An older content: where its blocks stand, and what an inode node says of it.
struct Content {
    blocks: Vec<u64>,
    size: u64,
    mtime: i64,
}

/// The older contents of one inode, whose `nodes` are sorted by age, and the last one where it is not current.
fn contents(image: &Bytes, nodes: &[&Node], with_last: bool) -> Vec<Content> {
    let mut ends = ends(image, nodes);
    if with_last {
        ends.push(nodes.len());
    }
    let told = ends.split_off(ends.len().saturating_sub(MOST));
    let mut blocks: BTreeMap<u32, &Node> = BTreeMap::new();
    let mut found = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        if told.contains(&number) {
            found.extend(whole(image, &blocks, nodes));
        }
        match node.kind {
            Kind::Data => {
                blocks.insert(node.key.block(), node);
            }
            _ => {
                blocks.split_off(&blocks_of(image, node));
            }
        }
    }
    if told.contains(&nodes.len()) {
        found.extend(whole(image, &blocks, nodes));
    }
    found
}

/// Before which of `nodes` a content ends.
fn ends(image: &Bytes, nodes: &[&Node]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut there: BTreeSet<u32> = BTreeSet::new();
    let mut written: BTreeSet<u32> = BTreeSet::new();
    for (number, node) in nodes.iter().enumerate() {
        let block = node.key.block();
        if node.kind == Kind::Data {
            if !written.insert(block) || (there.contains(&block) && written.len() == 1) {
                ends.push(number);
                written = BTreeSet::from([block]);
            }
            there.insert(block);
        } else {
            let cut = there.split_off(&blocks_of(image, node));
            if !cut.is_empty() {
                ends.push(number);
                written.clear();
            }
        }
    }
    ends.dedup();
    ends
}

/// How many blocks a file has from an inode node on.
fn blocks_of(image: &Bytes, node: &Node) -> u32 {
    let inode = Inode::parse(&node.bytes(image));
    // An inode that goes takes its content along, but says the size that it had.
    let size = inode.map_or(u64::MAX, |inode| inode.size);
    u32::try_from(size.div_ceil(BLOCK)).unwrap_or(u32::MAX)
}

/// The content that `blocks` make, if it is there in full.
fn whole(image: &Bytes, blocks: &BTreeMap<u32, &Node>, nodes: &[&Node]) -> Option<Content> {
    let (&last, tail) = blocks.last_key_value()?;
    (blocks.len() == usize::try_from(last).ok()?.checked_add(1)?).then_some(())?;
    let tail = Data::parse(&tail.bytes(image))?;
    let before = u64::from(last).saturating_mul(BLOCK);
    let size = before.saturating_add(tail.size.into());
    let newest = blocks.values().map(|node| node.sequence).max()?;
    let inodes = nodes.iter().filter(|node| node.kind == Kind::Inode);
    let inodes = inodes.filter_map(|node| Some((node, Inode::parse(&node.bytes(image))?)));
    let fitting = inodes.filter(|(_, inode)| inode.size == size && inode.file_type() == REGULAR);
    let mut fitting: Vec<_> = fitting.collect();
    // The node that followed the data, or else the last one before it, says when.
    let after = fitting.iter().position(|(node, _)| node.sequence > newest);
    let chosen = match after {
        Some(after) => fitting.swap_remove(after),
        None => fitting.pop()?,
    };
    (!chosen.1.is_encrypted()).then_some(Content {
        blocks: blocks.values().map(|node| node.at).collect(),
        size,
        mtime: chosen.1.mtime,
    })
}

/// Under what path an inode without a name was known, and why it is no longer.
fn lost(
    inode: u32,
    known: Option<&(u64, NameKey, Entry)>,
    live: &Live,
    paths: &BTreeMap<u32, EntryPath>,
) -> (EntryPath, &'static str) {
    let nowhere = EntryPath::root().join(b"lost+found");
    let Some((_, key, _)) = known else {
        let name = format!("#{inode}");
        return (nowhere.join(name.as_bytes()), "no directory entry names it");
    };
    let parent = paths.get(&key.0);
    let path = match parent {
        Some(parent) => parent.join(&key.2),
        None => nowhere.join(format!("#{}", key.0).as_bytes()).join(&key.2),
    };
    let why = match (live.names.get(key), parent) {
        (Some(_), _) => "replaced by another file of that name",
        (None, Some(_)) => "deleted",
        (None, None) => "its directory is gone",
    };
    (path, why)
}
