//! The pass over all erase blocks: every node is checked, every byte that is explained is named.

use bytes::Bytes;

use super::node::{Kind, MAGIC, Node, PADDING, is_padding};
use super::superblock::Superblock;
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length};

/// With so many damaged nodes, the rest of an erase block is not looked at.
const MOST_DAMAGED: u32 = 64;

/// What stands in a region.
pub(super) struct Scan {
    /// Every sound node, in the order of the region.
    pub(super) nodes: Vec<Node>,
    pub(super) ledger: Ledger,
    pub(super) problems: Problems,
}

impl Scan {
    /// Scans all of `image` but the space table.
    pub(super) fn new(image: &Bytes, superblock: &Superblock) -> Self {
        let mut scan = Self {
            nodes: Vec::new(),
            ledger: Ledger::default(),
            problems: Problems::default(),
        };
        let table = superblock.lpt()..superblock.lpt().saturating_add(superblock.lpt_lebs);
        for number in 0..superblock.leb_count {
            let start = number.saturating_mul(superblock.leb);
            if start >= length(image) {
                break;
            }
            if !table.contains(&number) {
                let leb = clip(image, start, superblock.leb);
                scan.block(image, start, start.saturating_add(length(&leb)));
                map::touched(superblock.leb);
            }
        }
        scan
    }

    fn block(&mut self, image: &Bytes, start: u64, end: u64) {
        let mut at = start;
        let mut hidden = false;
        let mut damaged = 0;
        while at < end {
            let left = image.get(index(at)..index(end)).unwrap_or_default();
            if left.starts_with(&MAGIC) {
                if let Some(mut node) = Node::read(image, at, end) {
                    node.is_hidden = hidden;
                    at = self.take(image, node, end);
                    continue;
                }
                damaged = MOST_DAMAGED.min(damaged).saturating_add(1);
                self.damaged(left, at);
                if damaged >= MOST_DAMAGED {
                    let what = "so many damaged nodes that the rest of the erase block is not read";
                    self.problems.push(Problem::corrupt(what).at(at));
                    return;
                }
                at = aligned(at.saturating_add(1));
                continue;
            }
            let same = |byte| {
                let run = left.iter().take_while(|&&other| other == byte).count();
                u64::try_from(run).unwrap_or(0)
            };
            match left.first() {
                Some(0xff) if left.starts_with(&[0xff; 4]) => {
                    let run = erased(left);
                    hidden = true;
                    // A node starts at a multiple of 8, and never with such a byte.
                    at = at.saturating_add(run) & !7;
                    at = if run >= 8 { at } else { at.saturating_add(8) };
                }
                Some(0xce) => {
                    self.ledger.metadata(at, same(0xce));
                    at = aligned(at.saturating_add(same(0xce)));
                }
                _ => at = self.junk(left, at),
            }
        }
    }

    /// Takes a sound node; returns where the next may start.
    fn take(&mut self, image: &Bytes, node: Node, end: u64) -> u64 {
        let mut next = aligned(node.end());
        if !node.agrees(image) && !is_blank_signature(&node, image) {
            let what = "a node contradicts itself; it is not read";
            self.problems.push(Problem::corrupt(what).at(node.at));
            return next;
        }
        if node.kind == Kind::Padding {
            let bytes = node.bytes(image);
            let len = Fields::little(&bytes).u32(24).unwrap_or(0);
            let padded = node.end().saturating_add(len.into());
            if padded <= end {
                self.ledger.padding(image, node.end()..padded);
                next = aligned(padded);
            }
        } else if let Some(padding) = cut(image, node.end(), next.saturating_sub(node.end()))
            && is_padding(&padding)
        {
            self.ledger.metadata(node.end(), length(&padding));
        }
        if let Kind::Unknown(kind) = node.kind {
            let what = format!("a node of unknown type {kind}; Linux refuses it");
            self.problems.push(Problem::unsupported(what).at(node.at));
        }
        // While its pages are in memory.
        if !node.is_hidden {
            self.explain(image, &node);
        }
        self.nodes.push(node);
        next.min(end).max(node.at.saturating_add(8))
    }

    fn damaged(&mut self, left: &[u8], at: u64) {
        let fields = Fields::little(left);
        let whose = match fields.u8(20) {
            Some(0..=3) => fields.u32(24),
            _ => None,
        };
        let what = match whose {
            Some(inode) => format!("the checksum of a node of inode {inode} does not hold"),
            None => "the checksum of a node does not hold".into(),
        };
        self.problems.push(Problem::checksum(what).at(at));
    }

    /// Tells of bytes that are neither nodes nor erased flash; returns where they end.
    fn junk(&mut self, left: &[u8], at: u64) -> u64 {
        let words = left.chunks(8);
        let ends = |word: &&[u8]| word.starts_with(&MAGIC) || word.starts_with(&[0xff; 8]);
        let words = words.skip(1).take_while(|word| !ends(word)).count();
        let len = words.saturating_add(1).saturating_mul(8).min(left.len());
        let bytes = left.get(..len).unwrap_or_default();
        if bytes.iter().any(|&byte| byte != 0) {
            let what = format!("{len} bytes that are neither nodes nor erased flash");
            self.problems.push(Problem::corrupt(what).at(at));
        }
        at.saturating_add(length(bytes))
    }

    /// The sound node that starts at `at`.
    pub(super) fn at(&self, at: u64) -> Option<&Node> {
        let found = self.nodes.binary_search_by_key(&at, |node| node.at).ok()?;
        self.nodes.get(found)
    }

    /// The nodes that start in `from..to`.
    pub(super) fn between(&self, from: u64, to: u64) -> &[Node] {
        let first = self.nodes.partition_point(|node| node.at < from);
        let last = self.nodes.partition_point(|node| node.at < to);
        self.nodes.get(first..last).unwrap_or_default()
    }

    /// Names the bytes of a node that its kind explains; the data of inodes and data nodes is not among them.
    pub(super) fn explain(&mut self, image: &Bytes, node: &Node) {
        let bytes = node.bytes(image);
        let fields = Fields::little(&bytes);
        let len = match node.kind {
            _ if is_blank_signature(node, image) => 64,
            Kind::Inode => super::node::INODE,
            Kind::Data => super::node::DATA,
            Kind::Padding => PADDING,
            Kind::Signature => {
                let signature = fields.u32(28).unwrap_or(0);
                u64::from(signature).saturating_add(64).min(node.len.into())
            }
            Kind::Unknown(_) => super::node::HEADER,
            _ => node.len.into(),
        };
        let reserved = if is_blank_signature(node, image) {
            Kind::Signature.reserved()
        } else {
            node.kind.reserved()
        };
        self.ledger
            .structure(node.at, &clip(&bytes, 0, len), reserved);
    }
}

/// mkfs.ubifs leaves the type of the signature node 0 where it writes no signature.
fn is_blank_signature(node: &Node, image: &Bytes) -> bool {
    let bytes = node.bytes(image);
    node.kind == Kind::Inode
        && node.len == 64
        && bytes
            .get(24..32)
            .is_some_and(|bytes| crate::read::is_all(bytes, 0))
}

fn aligned(at: u64) -> u64 {
    at.saturating_add(7) & !7
}

/// How many bytes from the start on are erased.
fn erased(bytes: &[u8]) -> u64 {
    let (blocks, _) = bytes.as_chunks::<64>();
    let whole = blocks.iter().take_while(|block| **block == [0xff; 64]);
    let whole = whole.count().saturating_mul(64);
    let tail = bytes.get(whole..).unwrap_or_default();
    let tail = tail.iter().take_while(|&&byte| byte == 0xff).count();
    u64::try_from(whole.saturating_add(tail)).unwrap_or(u64::MAX)
}
