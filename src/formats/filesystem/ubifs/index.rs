//! The index: a tree of nodes that says where the current node of every key stands.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::hash::Hash;
use super::node::{Key, Kind};
use super::scan::Scan;
use super::superblock::{Master, Superblock};
use crate::problem::Problem;
use crate::read::Fields;

/// Length of a branch without the hash of what it leads to, in bytes.
const BRANCH: usize = 20;
/// Where the branches start in an index node.
const BRANCHES: usize = 28;
/// The longest hash, in bytes.
const HASH: usize = 64;
/// So many wrong hashes are told one by one.
const TOLD: usize = 100;

/// Where the node of a key stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    pub(super) key: Key,
    /// Bytes from the region's start.
    pub(super) at: u64,
}

/// What the index says.
#[derive(Default)]
pub(super) struct Index {
    /// All leaves in order.
    pub(super) leaves: Vec<Leaf>,
    /// How many nodes have the hash that leads to them.
    pub(super) verified: u64,
    /// Which have another.
    pub(super) wrong: Vec<Problem>,
}

impl Index {
    /// Compares a node with the hash that leads to it; without one there is nothing to compare.
    fn verify(&mut self, at: u64, bytes: &[u8], hash: Option<Hash>, stated: &[u8], what: &str) {
        let Some(hash) = hash else {
            return;
        };
        if hash.is_of(stated, bytes) {
            self.verified = self.verified.saturating_add(1);
        } else if self.wrong.len() < TOLD {
            let detail = format!("the hash of {what} is not the one that leads to it");
            self.wrong.push(Problem::checksum(detail).at(at));
        }
    }
}

/// One node of the index.
struct Level {
    level: u16,
    branches: Vec<Branch>,
}

/// Where a branch leads, and the hash of what stands there.
struct Branch {
    leaf: Leaf,
    hash: Bytes,
}

/// Follows the index from its root, or says why it cannot be followed.
pub(super) fn walk(
    image: &Bytes,
    superblock: &Superblock,
    master: &Master,
    scan: &Scan,
) -> Result<Index, Problem> {
    let hash = superblock.hash();
    let (lnum, offset, _) = master.root;
    let root = lnum.saturating_mul(superblock.leb).saturating_add(offset);
    let mut index = Index::default();
    let mut seen = BTreeSet::new();
    let mut open = vec![(root, None, master.root_hash())];
    while let Some((at, wanted, stated)) = open.pop() {
        let broken = |what: &str| {
            Problem::corrupt(format!("the index {what}, so all nodes are read by age")).at(at)
        };
        if !seen.insert(at) {
            return Err(broken("runs in a circle"));
        }
        let node = read(image, superblock, scan, at).ok_or_else(|| broken("has a damaged node"))?;
        if wanted.is_some_and(|level| level != node.level) {
            return Err(broken("has a node of the wrong level"));
        }
        if let Some(found) = scan.at(at) {
            index.verify(at, &found.bytes(image), hash, &stated, "an index node");
        }
        if let Some(below) = node.level.checked_sub(1) {
            let children = node.branches.into_iter().rev();
            open.extend(children.map(|child| (child.leaf.at, Some(below), child.hash)));
            continue;
        }
        for Branch { leaf, hash: stated } in node.branches {
            // One that is not there is told by who looks for it.
            if let Some(found) = scan.at(leaf.at).filter(|node| node.key == leaf.key) {
                let what = format!("a node of inode {}", leaf.key.inode);
                index.verify(leaf.at, &found.bytes(image), hash, &stated, &what);
            }
            index.leaves.push(leaf);
        }
    }
    Ok(index)
}

fn read(image: &Bytes, superblock: &Superblock, scan: &Scan, at: u64) -> Option<Level> {
    let node = scan.at(at).filter(|node| node.kind == Kind::Index)?;
    let bytes = node.bytes(image);
    let fields = Fields::little(&bytes);
    let count = usize::from(fields.u16(24)?);
    let room = bytes.len().checked_sub(BRANCHES)?;
    let size = room.checked_div(count)?;
    let hash = size.checked_sub(BRANCH)?;
    let sized = room.checked_rem(count)? == 0 && hash <= HASH;
    (sized && (hash == 0 || superblock.is_authenticated())).then_some(())?;
    let mut branches = Vec::with_capacity(count);
    for number in 0..count {
        let branch = number.checked_mul(size)?.checked_add(BRANCHES)?;
        let (lnum, offset) = (fields.u32(branch)?, fields.u32(branch.checked_add(4)?)?);
        let leaf = Leaf {
            key: Key::read(&fields, branch.checked_add(12)?)?,
            at: u64::from(lnum)
                .checked_mul(superblock.leb)?
                .checked_add(offset.into())?,
        };
        let behind = branch.checked_add(BRANCH)?;
        branches.push(Branch {
            leaf,
            hash: bytes.slice(behind..behind.checked_add(hash)?),
        });
    }
    Some(Level {
        level: fields.u16(26)?,
        branches,
    })
}
