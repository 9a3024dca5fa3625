//! What an image can hold a component in: its trees, and its pieces of raw bytes.

use std::collections::BTreeMap;

use super::compare::claims::Part;
use crate::digest::Digest;
use crate::entry::{EntryPath, Node};
use crate::extract::{Found, Inventory, Owner};
use crate::formats::Kind;
use crate::place::Place;
use crate::read::length;

/// A tree of an image: the entries of one region, or of a root directory.
pub(super) struct FoundTree<'a> {
    /// The region, or the root directory.
    pub(super) region: Option<usize>,
    /// Where it is.
    pub(super) place: Place,
    /// Its entries, sorted by path and ordinal.
    pub(super) entries: Vec<Member<'a>>,
}

/// An entry of a tree and its index in the inventory.
#[derive(Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) index: usize,
    pub(super) found: &'a Found,
}

impl std::ops::Deref for Member<'_> {
    type Target = Found;

    fn deref(&self) -> &Found {
        self.found
    }
}

/// The trees of an image in the order in which they were found.
pub(super) fn trees(found: &Inventory) -> Vec<FoundTree<'_>> {
    let mut trees: BTreeMap<Option<usize>, Vec<Member<'_>>> = BTreeMap::new();
    for (index, entry) in found.entries.iter().enumerate() {
        if is_payload(found, entry) {
            continue;
        }
        let member = Member {
            index,
            found: entry,
        };
        trees.entry(entry.region).or_default().push(member);
    }
    let place = |region: Option<usize>| {
        let region = region.and_then(|index| found.regions.get(index));
        region
            .map(|region| region.place.clone())
            .unwrap_or_default()
    };
    trees
        .into_iter()
        .map(|(region, entries)| FoundTree {
            region,
            place: place(region),
            entries,
        })
        .collect()
}

/// Whether an entry is the payload of a stream, or a run of a memory, and not part of a tree: trees decode to nothing.
pub(super) fn is_payload(found: &Inventory, entry: &Found) -> bool {
    let index = entry.region.unwrap_or(usize::MAX);
    let region = found.regions.get(index);
    region.is_some_and(|region| region.decoded.is_some())
        && (entry.entry.path == EntryPath::root() || found.memories.contains_key(&index))
        && matches!(entry.entry.node, Node::File(_))
}

/// A piece of raw bytes that an image holds.
pub(super) struct Piece {
    /// What it is.
    pub(super) part: Part,
    /// Where it is.
    pub(super) place: Place,
    /// First byte in what holds it, where that is comparable with a baseline's offset.
    pub(super) at: Option<u64>,
    /// Length in bytes.
    pub(super) size: u64,
    /// Its digest.
    pub(super) sha256: Digest,
}

/// Every piece of one of the given sizes: regions, gaps, and the contents of files. Only those are hashed.
pub(super) fn pieces(found: &Inventory, wanted: impl Fn(u64) -> bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let regions = found.regions.iter().enumerate();
    for (index, region) in regions.filter(|(_, region)| wanted(region.len)) {
        pieces.push(Piece {
            part: Part::Region(index),
            place: region.place.clone(),
            at: chip_offset(found, region.owner(), region.at),
            size: region.len,
            sha256: Digest::of(&region.bytes),
        });
    }
    let gaps = found.gaps.iter().enumerate();
    for (index, gap) in gaps.filter(|(_, gap)| wanted(gap.len)) {
        pieces.push(Piece {
            part: Part::Gap(index),
            place: gap.place.clone(),
            at: chip_offset(found, gap.owner(), gap.at),
            size: length(&gap.bytes),
            sha256: Digest::of(&gap.bytes),
        });
    }
    for (index, entry) in found.entries.iter().enumerate() {
        if let (Node::File(file), Some(sha256)) = (&entry.entry.node, entry.sha256)
            && wanted(file.size)
        {
            pieces.push(Piece {
                part: Part::Entry(index),
                place: entry.place.clone(),
                at: None,
                size: file.size,
                sha256,
            });
        }
    }
    pieces
}

/// The offset that a baseline can state of what stands at `at` in `owner`: that on the chip. What came in a file of its own
/// beside the image has none, since its place in the whole depends on the size of the others.
pub(super) fn chip_offset(found: &Inventory, owner: Option<Owner>, at: u64) -> Option<u64> {
    let on_chip = match owner {
        None => at < found.image.size,
        Some(Owner::Region(parent)) => is_flat(found, Some(parent)),
        Some(Owner::Entry(_)) => false,
    };
    on_chip.then_some(at)
}

/// Whether what stands in `parent` stands where it stood on the chip: in the image itself, or in a compressed copy of it.
fn is_flat(found: &Inventory, parent: Option<usize>) -> bool {
    let mut at = parent;
    while let Some(index) = at {
        let Some(region) = found.regions.get(index) else {
            return false;
        };
        if region.format.kind != Kind::Compression || region.within.is_some() {
            return false;
        }
        at = region.parent;
    }
    true
}
