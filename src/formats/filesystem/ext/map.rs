//! From a content's offset to the blocks that hold it. The map is walked in order and never held in memory.

use super::inode::Mapping;
use super::volume::Volume;
use super::{extents, indirect};
use crate::entry::Fault;
use crate::problem::Problem;

/// Blocks of a content that lie one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Which block of the content the first one is.
    pub(super) logical: u64,
    /// Which block of the file system the first one is.
    pub(super) block: u64,
    /// How many there are.
    pub(super) count: u64,
}

/// A block that holds a part of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Its number.
    pub(super) block: u64,
    /// How many of its bytes, from its start, say something.
    pub(super) used: u64,
    /// Where in it a checksum of what comes before stands, if there is one.
    pub(super) checksum_at: Option<u64>,
}

/// Who walks a map. An error ends the walk.
pub(super) trait Visit {
    /// Blocks with data, in the order of the content. Between two runs the content is zero.
    fn data(&mut self, run: Run) -> Result<(), Fault>;

    /// A block that holds a part of the map, before what it points to.
    fn node(&mut self, node: Node) -> Result<(), Fault>;

    /// A part of the map that makes no sense; the walk goes on behind it when this returns `Ok`.
    fn problem(&mut self, problem: Problem) -> Result<(), Fault>;
}

impl Volume {
    /// Walks the map of a content.
    pub(super) fn walk(&self, mapping: &Mapping, visit: &mut dyn Visit) -> Result<(), Fault> {
        let end = mapping.size.div_ceil(self.block.block_size.max(1));
        if mapping.extents {
            extents::walk(self, mapping, end, visit)
        } else {
            indirect::walk(self, mapping, end, visit)
        }
    }
}
