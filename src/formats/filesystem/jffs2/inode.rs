//! The nodes of an inode put together: newer versions lie over older ones, and the newest says the size.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use super::body::Inode;
use super::compress::ZERO;

/// All inode nodes of a region, by inode and version.
pub(super) struct Inodes(Vec<Inode>);

impl Inodes {
    pub(super) fn new(mut nodes: Vec<Inode>) -> Self {
        // Of two nodes with one version Linux keeps the one it meets first.
        nodes.sort_by_key(|node| (node.ino, node.version, Reverse(node.at)));
        Self(nodes)
    }

    /// The nodes of one inode, oldest first, obsolete ones among them.
    pub(super) fn of(&self, ino: u32) -> &[Inode] {
        let from = self.0.partition_point(|node| node.ino < ino);
        let to = self.0.partition_point(|node| node.ino <= ino);
        self.0.get(from..to).unwrap_or_default()
    }

    /// The nodes of one inode that were not made obsolete, oldest first.
    pub(super) fn current(&self, ino: u32) -> Vec<Inode> {
        self.of(ino)
            .iter()
            .filter(|node| !node.obsolete)
            .copied()
            .collect()
    }

    /// The nodes inode by inode.
    pub(super) fn groups(&self) -> impl Iterator<Item = &[Inode]> {
        self.0.chunk_by(|a, b| a.ino == b.ino)
    }
}

/// A piece of a file and the node it comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    /// Where it starts in the file, in bytes.
    pub(super) start: u64,
    /// Where it ends in the file.
    pub(super) end: u64,
    pub(super) node: Inode,
}

/// A file as its nodes make it.
pub(super) struct View {
    pub(super) size: u64,
    /// The pieces in order, without overlap.
    pub(super) fragments: Vec<Fragment>,
    /// The first bytes of the file that no node holds.
    pub(super) missing: Option<Range<u64>>,
}

/// Puts `nodes` together, oldest first.
pub(super) fn view(nodes: &[Inode]) -> View {
    let mut laid = BTreeMap::new();
    for node in nodes.iter().filter(|node| node.dsize > 0) {
        lay(&mut laid, node);
    }
    let size = nodes.last().map_or(0, |node| u64::from(node.isize));
    let mut fragments = Vec::new();
    let mut missing = None;
    let mut at = 0;
    for (start, (end, node)) in laid {
        if start >= size {
            break;
        }
        if start > at && missing.is_none() {
            missing = Some(at..start);
        }
        at = end;
        fragments.push(Fragment {
            start,
            end: end.min(size),
            node,
        });
    }
    if at < size && missing.is_none() {
        missing = Some(at..size);
    }
    View {
        size,
        fragments,
        missing,
    }
}

/// Lays a node over those that are there. Every piece is cut or removed at most once, so that n nodes take n log n steps.
fn lay(laid: &mut BTreeMap<u64, (u64, Inode)>, node: &Inode) {
    let start = u64::from(node.offset);
    let end = start.saturating_add(node.dsize.into());
    if let Some((&before, &(before_end, older))) = laid.range(..start).next_back()
        && before_end > start
    {
        laid.insert(before, (start, older));
        if before_end > end {
            laid.insert(end, (before_end, older));
        }
    }
    while let Some((&inside, &(inside_end, older))) = laid.range(start..end).next() {
        laid.remove(&inside);
        if inside_end > end {
            laid.insert(end, (inside_end, older));
        }
    }
    laid.insert(start, (end, *node));
}

/// The first two of `nodes` (oldest first) that claim one version and one place but differ.
pub(super) fn clash(nodes: &[Inode]) -> Option<(&Inode, &Inode)> {
    let pairs = nodes.iter().zip(nodes.iter().skip(1));
    let mut same = pairs.filter(|(a, b)| a.version == b.version);
    same.find(|(a, b)| a.sum != b.sum && (a.offset == b.offset || a.dsize == 0 || b.dsize == 0))
}

impl Fragment {
    /// How far into the node's piece it starts, in bytes.
    pub(super) fn offset_in_node(&self) -> u64 {
        self.start.saturating_sub(self.node.offset.into())
    }

    pub(super) fn len(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    pub(super) fn is_hole(&self) -> bool {
        self.node.compression == ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(version: u32, offset: u32, dsize: u32, isize: u32) -> Inode {
        Inode {
            at: version.into(),
            obsolete: false,
            ino: 2,
            version,
            mode: 0o100_644,
            uid: 0,
            gid: 0,
            isize,
            mtime: 0,
            offset,
            csize: dsize,
            dsize,
            compression: 0,
            sum: version,
        }
    }

    /// Which version every byte comes from; 0 where none holds it.
    fn versions(nodes: &[Inode]) -> Vec<u32> {
        let view = view(nodes);
        let mut bytes = vec![0; usize::try_from(view.size).unwrap()];
        for piece in &view.fragments {
            let range = usize::try_from(piece.start).unwrap()..usize::try_from(piece.end).unwrap();
            bytes[range].fill(piece.node.version);
        }
        assert_eq!(view.missing.is_some(), bytes.contains(&0));
        bytes
    }

    #[test]
    fn newer_nodes_lie_over_older_ones_in_any_overlap() {
        for (over, want) in [
            (node(2, 0, 8, 8), vec![2; 8]),
            (node(2, 2, 3, 8), vec![1, 1, 2, 2, 2, 1, 1, 1]),
            (node(2, 0, 3, 8), vec![2, 2, 2, 1, 1, 1, 1, 1]),
            (node(2, 5, 5, 10), vec![1, 1, 1, 1, 1, 2, 2, 2, 2, 2]),
            (node(2, 3, 0, 4), vec![1; 4]),
            (node(2, 9, 1, 10), vec![1, 1, 1, 1, 1, 1, 1, 1, 0, 2]),
        ] {
            assert_eq!(versions(&[node(1, 0, 8, 8), over]), want);
        }
    }

    #[test]
    fn many_overlaps_agree_with_the_plain_way() {
        let mut seed = 7_u32;
        for _ in 0..200 {
            let mut nodes = Vec::new();
            let mut plain = vec![0; 64];
            for version in 1..30 {
                seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12345);
                let (offset, dsize) = ((seed >> 8) % 60, (seed >> 20) % 20);
                let dsize = dsize.min(64 - offset);
                nodes.push(node(version, offset, dsize, 64));
                plain[usize::try_from(offset).unwrap()..usize::try_from(offset + dsize).unwrap()]
                    .fill(version);
            }
            assert_eq!(versions(&nodes), plain);
        }
    }
}
