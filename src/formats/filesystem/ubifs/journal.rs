//! The journal: the log names the erase blocks that were written since the last commit, and what stands in them is newer
//! than the index.

use bytes::Bytes;

use super::node::{Kind, Node};
use super::scan::Scan;
use super::superblock::{Master, Superblock};
use crate::problem::Problem;
use crate::read::Fields;

/// The nodes since the last commit, sorted by age; or why the log cannot be followed.
pub(super) fn uncommitted(
    image: &Bytes,
    superblock: &Superblock,
    master: &Master,
    scan: &Scan,
) -> Result<Vec<Node>, Problem> {
    let mut found = Vec::new();
    for (at, end) in buds(image, superblock, master, scan)? {
        let nodes = scan.between(at, end).iter();
        let mut nodes: Vec<Node> = nodes.take_while(|node| !node.is_hidden).copied().collect();
        if master.is_dirty() {
            // A power cut within a group undoes all of it.
            while nodes.last().is_some_and(|node| node.in_open_group) {
                nodes.pop();
            }
        }
        found.extend(nodes);
    }
    found.sort_by_key(|node| node.sequence);
    Ok(found)
}

/// Where the erase blocks of the journal start and end, in bytes from the region's start.
fn buds(
    image: &Bytes,
    superblock: &Superblock,
    master: &Master,
    scan: &Scan,
) -> Result<Vec<(u64, u64)>, Problem> {
    let log = 3..superblock.log_lebs.saturating_add(3);
    let broken = || {
        let start = master.log.saturating_mul(superblock.leb);
        Problem::corrupt(
            "the log does not start with the last commit, so all nodes are read by age",
        )
        .at(start)
    };
    if !log.contains(&master.log) {
        return Err(broken());
    }
    let mut started = None;
    let mut buds: Vec<(u64, u64)> = Vec::new();
    let order = (master.log..log.end).chain(log.start..master.log);
    for number in order {
        let start = number.saturating_mul(superblock.leb);
        let nodes = scan.between(start, start.saturating_add(superblock.leb));
        let Some(first) = nodes.iter().find(|node| node.kind != Kind::Padding) else {
            break;
        };
        let since = match started {
            Some(since) => since,
            None if is_commit(image, first, master.commit) => first.sequence,
            None => return Err(broken()),
        };
        started = Some(since);
        if first.sequence < since {
            break;
        }
        for node in nodes.iter().filter(|node| node.kind == Kind::Reference) {
            let bytes = node.bytes(image);
            let fields = Fields::little(&bytes);
            let (Some(lnum), Some(offset)) = (fields.u32(24), fields.u32(28)) else {
                continue;
            };
            let leb = u64::from(lnum).saturating_mul(superblock.leb);
            let end = leb.saturating_add(superblock.leb);
            // Of two references to one erase block the first says where the journal starts in it.
            if node.sequence >= since && !buds.iter().any(|bud| bud.1 == end) {
                buds.push((leb.saturating_add(offset.into()), end));
            }
        }
    }
    started.map(|_| buds).ok_or_else(broken)
}

fn is_commit(image: &Bytes, node: &Node, commit: u64) -> bool {
    let stored = Fields::little(&node.bytes(image)).u64(24);
    node.kind == Kind::CommitStart && stored == Some(commit)
}
