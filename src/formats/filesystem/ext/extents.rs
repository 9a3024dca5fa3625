//! Extent trees: ranges of blocks in order, at most five levels of them below the inode.

use super::inode::Mapping;
use super::map::{Node, Run, Visit};
use super::volume::Volume;
use crate::entry::Fault;
use crate::problem::Problem;
use crate::read::{Fields, index};

/// Bytes of a header, of an index and of an extent alike.
const ENTRY: u64 = 12;
/// An extent of more blocks than this is one of so many fewer that were set aside and never written.
const LONGEST: u64 = 32768;
const DEEPEST: u16 = 5;

/// Walks the extent tree of a content of `end` blocks.
pub(super) fn walk(
    volume: &Volume,
    mapping: &Mapping,
    end: u64,
    visit: &mut dyn Visit,
) -> Result<(), Fault> {
    // A new and empty file may have no header yet.
    if end == 0 && mapping.root.iter().all(|&byte| byte == 0) {
        return Ok(());
    }
    let mut tree = Tree {
        volume,
        end,
        next: 0,
        visit,
    };
    match Header::parse(&mapping.root) {
        Some(header) if header.depth <= DEEPEST => tree.entries(&mapping.root, header),
        _ => tree.problem("the inode holds no extent tree".to_owned()),
    }
}

/// What comes before the entries of each block of the tree.
#[derive(Clone, Copy)]
struct Header {
    entries: u64,
    room: u64,
    depth: u16,
}

impl Header {
    /// Reads a header; `None` where the magic is missing or its entries have no room.
    fn parse(raw: &[u8]) -> Option<Self> {
        let fields = Fields::little(raw);
        let header = Self {
            entries: u64::from(fields.u16(2)?),
            room: u64::from(fields.u16(4)?),
            depth: fields.u16(6)?,
        };
        raw.get(..index(after(header.room)))?;
        (fields.u16(0)? == 0xf30a && header.entries <= header.room).then_some(header)
    }
}

/// Where the entry after `count` others starts.
fn after(count: u64) -> u64 {
    count.saturating_add(1).saturating_mul(ENTRY)
}

struct Tree<'a> {
    volume: &'a Volume,
    /// The first block behind the content.
    end: u64,
    /// The first block of the content that no extent has covered yet.
    next: u64,
    visit: &'a mut dyn Visit,
}

impl Tree<'_> {
    fn problem(&mut self, detail: String) -> Result<(), Fault> {
        self.visit.problem(Problem::corrupt(detail))
    }

    fn entries(&mut self, raw: &[u8], header: Header) -> Result<(), Fault> {
        for number in 0..header.entries {
            let at = index(after(number));
            let Some(entry) = Fields::little(raw).slice(at, index(ENTRY)) else {
                break;
            };
            let entry = Fields::little(entry);
            let done = match header.depth.checked_sub(1) {
                None => self.extent(&entry),
                Some(depth) => self.index(&entry, depth),
            };
            done.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    fn extent(&mut self, entry: &Fields<'_>) -> Option<Result<(), Fault>> {
        let logical = u64::from(entry.u32(0)?);
        let stated = u64::from(entry.u16(4)?);
        let block = u64::from(entry.u16(6)?) << 32 | u64::from(entry.u32(8)?);
        let unwritten = stated > LONGEST;
        let count = if unwritten {
            stated.saturating_sub(LONGEST)
        } else {
            stated
        };
        if count == 0 || logical < self.next || !self.volume.holds(block, count) {
            return Some(self.problem(format!("the extent of {count} blocks at block {block} for block {logical} of the file is out of order or out of bounds")));
        }
        self.next = logical.saturating_add(count);
        let within = count.min(self.end.saturating_sub(logical));
        if unwritten || within == 0 {
            return None;
        }
        Some(self.visit.data(Run {
            logical,
            block,
            count: within,
        }))
    }

    fn index(&mut self, entry: &Fields<'_>, depth: u16) -> Option<Result<(), Fault>> {
        let block = u64::from(entry.u16(8)?) << 32 | u64::from(entry.u32(4)?);
        Some(self.child(block, depth))
    }

    fn child(&mut self, block: u64, depth: u16) -> Result<(), Fault> {
        let volume = self.volume;
        let raw = if volume.holds(block, 1) {
            volume.block(block)
        } else {
            None
        };
        let Some(raw) = raw else {
            return self.problem(format!("the extent block {block} lies outside the image"));
        };
        let header = Header::parse(raw).filter(|header| header.depth == depth);
        let Some(header) = header else {
            return self.problem(format!("block {block} is no extent block of depth {depth}"));
        };
        self.visit.node(Node {
            block,
            used: after(header.entries),
            checksum_at: volume.block.metadata_csum().then(|| after(header.room)),
        })?;
        self.entries(raw, header)
    }
}
