//! The index: a tree of nodes that says where the current node of every key stands.

use std::collections::BTreeSet;

use bytes::Bytes;

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

/// Where the node of a key stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    pub(super) key: Key,
    /// Bytes from the region's start.
    pub(super) at: u64,
}

/// One node of the index.
struct Level {
    level: u16,
    branches: Vec<Leaf>,
}

/// All leaves in order, or why the index cannot be followed.
pub(super) fn walk(
    image: &Bytes,
    superblock: &Superblock,
    master: &Master,
    scan: &Scan,
) -> Result<Vec<Leaf>, Problem> {
    let (lnum, offset, _) = master.root;
    let root = lnum.saturating_mul(superblock.leb).saturating_add(offset);
    let mut leaves = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![(root, None)];
    while let Some((at, wanted)) = open.pop() {
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
        match node.level.checked_sub(1) {
            None => leaves.extend(node.branches),
            Some(below) => {
                let children = node.branches.iter().rev();
                open.extend(children.map(|child| (child.at, Some(below))));
            }
        }
    }
    Ok(leaves)
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
        branches.push(Leaf {
            key: Key::read(&fields, branch.checked_add(12)?)?,
            at: u64::from(lnum)
                .checked_mul(superblock.leb)?
                .checked_add(offset.into())?,
        });
    }
    Some(Level {
        level: fields.u16(26)?,
        branches,
    })
}
