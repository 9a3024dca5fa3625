//! What is current: the nodes that the index names, and over them those of the journal.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::index::Leaf;
use super::node::{BLOCK, Dirent, Inode, Kind, Node};
use super::scan::Scan;
use crate::read::{Fields, index};

/// A name in a directory, or that of an extended attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Where its node starts, in bytes from the region's start.
    pub(super) at: u64,
    pub(super) inode: u32,
    pub(super) file_type: u8,
}

/// Which inode's, whether of an extended attribute, and the name.
pub(super) type NameKey = (u32, bool, Bytes);

/// Where the current nodes stand, in bytes from the region's start.
#[derive(Default)]
pub(super) struct Live {
    pub(super) inodes: BTreeMap<u32, u64>,
    /// By inode and block.
    pub(super) data: BTreeMap<(u32, u32), u64>,
    /// A name may stand more than once only where something is wrong.
    pub(super) names: BTreeMap<NameKey, Vec<Entry>>,
    /// How far the journal's data of an inode reaches, in bytes: past its size where a power cut came in between.
    pub(super) reach: BTreeMap<u32, u64>,
}

impl Live {
    /// Adds what the index says; returns the leaves that lead nowhere.
    pub(super) fn add_leaves(&mut self, image: &Bytes, scan: &Scan, leaves: &[Leaf]) -> Vec<Leaf> {
        let mut lost = Vec::new();
        for leaf in leaves {
            let Some(node) = scan.at(leaf.at).filter(|node| node.key == leaf.key) else {
                lost.push(*leaf);
                // A file tells what it lacks when it is read.
                if leaf.key.kind() == Kind::Data {
                    self.data
                        .insert((leaf.key.inode, leaf.key.block()), leaf.at);
                }
                continue;
            };
            match node.kind {
                Kind::Inode => {
                    self.inodes.insert(node.key.inode, node.at);
                }
                Kind::Data => {
                    self.data
                        .insert((node.key.inode, node.key.block()), node.at);
                }
                _ => {
                    if let Some((key, entry)) = entry(image, node) {
                        self.names.entry(key).or_default().push(entry);
                    }
                }
            }
        }
        lost
    }

    /// Replays `nodes`, which are sorted by age.
    pub(super) fn replay(&mut self, image: &Bytes, nodes: &[Node]) {
        let mut newest = BTreeMap::new();
        for (number, node) in nodes.iter().enumerate() {
            if matches!(node.kind, Kind::Inode | Kind::Data) {
                newest.insert(node.key.inode, number);
            }
        }
        for (number, node) in nodes.iter().enumerate() {
            let is_last = newest.get(&node.key.inode) == Some(&number);
            self.apply(image, node, is_last);
        }
    }

    fn apply(&mut self, image: &Bytes, node: &Node, is_last: bool) {
        let bytes = node.bytes(image);
        let inode = node.key.inode;
        match node.kind {
            Kind::Inode => {
                let links = Inode::parse(&bytes).map_or(0, |inode| inode.links);
                if links > 0 {
                    self.inodes.insert(inode, node.at);
                } else if is_last {
                    // One without a name may be given one later.
                    self.remove(inode);
                }
            }
            Kind::Data => {
                let block = node.key.block();
                self.data.insert((inode, block), node.at);
                let size = Fields::little(&bytes).u32(40).unwrap_or(0);
                let end = u64::from(block)
                    .saturating_mul(BLOCK)
                    .saturating_add(size.into());
                let reach = self.reach.entry(inode).or_default();
                *reach = end.max(*reach);
            }
            Kind::Dirent | Kind::Xattr => {
                if let Some((key, entry)) = entry(image, node) {
                    if entry.inode == 0 {
                        self.names.remove(&key);
                    } else {
                        self.names.insert(key, vec![entry]);
                    }
                }
            }
            Kind::Truncation => {
                let fields = Fields::little(&bytes);
                if let (Some(inode), Some(size)) = (fields.u32(24), fields.u64(48)) {
                    self.truncate(inode, size);
                }
            }
            _ => {}
        }
    }

    fn truncate(&mut self, inode: u32, size: u64) {
        let first = u32::try_from(size.div_ceil(BLOCK)).unwrap_or(u32::MAX);
        let range = (inode, first)..=(inode, u32::MAX);
        let gone: Vec<_> = self.data.range(range).map(|(key, _)| *key).collect();
        for key in gone {
            self.data.remove(&key);
        }
        if let Some(reach) = self.reach.get_mut(&inode) {
            *reach = size.min(*reach);
        }
    }

    fn remove(&mut self, inode: u32) {
        self.inodes.remove(&inode);
        self.truncate(inode, 0);
        let attributes = self.names.range((inode, true, Bytes::new())..);
        let attributes: Vec<_> = attributes
            .take_while(|(key, _)| key.0 == inode)
            .map(|(key, entries)| (key.clone(), entries.clone()))
            .collect();
        for (key, entries) in attributes {
            self.names.remove(&key);
            for entry in entries {
                self.inodes.remove(&entry.inode);
            }
        }
    }

    /// The names of a directory, or of an inode's extended attributes.
    pub(super) fn names_of(
        &self,
        inode: u32,
        attributes: bool,
    ) -> impl Iterator<Item = (&Bytes, &Entry)> {
        let from = (inode, attributes, Bytes::new());
        let own = self.names.range(from..);
        let own = own.take_while(move |(key, _)| (key.0, key.1) == (inode, attributes));
        own.flat_map(|(key, entries)| entries.iter().map(move |entry| (&key.2, entry)))
    }

    /// The inode `number`.
    pub(super) fn inode(&self, image: &Bytes, number: u32) -> Option<Inode> {
        let bytes = crate::read::rest(image, *self.inodes.get(&number)?);
        let len = Fields::little(&bytes).u32(16)?;
        Inode::parse(&bytes.slice(..index(len.into()).min(bytes.len())))
    }
}

/// The name that a node gives.
pub(super) fn entry(image: &Bytes, node: &Node) -> Option<(NameKey, Entry)> {
    let dirent = Dirent::parse(&node.bytes(image))?;
    let key = (node.key.inode, node.kind == Kind::Xattr, dirent.name);
    let entry = Entry {
        at: node.at,
        // No inode has a number of more than 32 bits.
        inode: u32::try_from(dirent.inode).unwrap_or(u32::MAX),
        file_type: dirent.file_type,
    };
    Some((key, entry))
}
