//! What holds what: which regions are components, and which only wrap them.

use super::Creator;
use super::names::tree_name;
use crate::baseline::piece::FoundTree;
use crate::formats::Kind;

impl Creator<'_> {
    /// Whether a region has a tree or a memory somewhere inside.
    pub(super) fn is_looked_into(&self, index: usize) -> bool {
        let mut memories = self.found.memories.keys();
        self.holds_tree(index) || memories.any(|&memory| self.is_inside(memory, index))
    }

    /// Whether a region has a tree somewhere inside.
    pub(super) fn holds_tree(&self, index: usize) -> bool {
        let inside = |tree: &&FoundTree<'_>| {
            tree.region
                .is_some_and(|region| self.is_inside(region, index))
        };
        self.trees.values().any(|tree| inside(&tree))
    }

    /// Whether a region stands somewhere inside another, entries not looked into.
    pub(super) fn is_inside(&self, mut region: usize, outer: usize) -> bool {
        while region != outer {
            match self.found.regions.get(region) {
                Some(inner) if inner.within.is_none() => match inner.parent {
                    Some(parent) => region = parent,
                    None => return false,
                },
                _ => return false,
            }
        }
        true
    }

    /// Whether an archive only carries file systems or larger archives to the device.
    pub(super) fn is_wrapper(&self, index: usize, tree: &FoundTree<'_>) -> bool {
        let kind = self
            .found
            .regions
            .get(index)
            .map(|region| region.format.kind);
        let carried = self
            .found
            .regions
            .iter()
            .enumerate()
            .filter(|(inner, _)| self.is_carried(*inner, index));
        kind == Some(Kind::Archive)
            && carried.into_iter().any(|(inner, region)| {
                if self.found.memories.contains_key(&inner) {
                    return tree_name(tree, "archive") != "rootfs";
                }
                let entries = self
                    .trees
                    .get(&Some(inner))
                    .map_or(0, |tree| tree.entries.len());
                entries > 0
                    && (region.format.kind == Kind::Filesystem || entries > tree.entries.len())
            })
    }

    /// Whether a region stands in the content of an entry of another region's tree, at whatever depth.
    pub(super) fn is_carried(&self, mut region: usize, outer: usize) -> bool {
        while let Some(inner) = self.found.regions.get(region) {
            match inner.parent {
                Some(parent) if parent == outer => return inner.within.is_some(),
                Some(parent) => region = parent,
                None => return false,
            }
        }
        false
    }
}
