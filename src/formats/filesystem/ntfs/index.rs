//! The indexes of directories against the files themselves. Entries are named after the table of files; a driver shows what the
//! indexes list. Where the two differ, something is hidden from one of them.

use std::collections::{BTreeMap, BTreeSet};

use super::file;
use super::record::{Body, kind, restore};
use super::volume::{Attributes, Volume};
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// The name of the attributes that index names: `$I30`.
const I30: [u16; 4] = [0x24, 0x49, 0x33, 0x30];
/// Where the entries of a block are stated, in bytes from its start.
const HEADER: usize = 24;
/// Bytes that names may take while their other side was not seen.
const HELD: u64 = 64 << 20;

/// A name of a file in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listing {
    /// The record of the directory.
    pub(super) directory: u64,
    /// The name in UTF-8.
    pub(super) name: Vec<u8>,
    /// The record of the file.
    pub(super) number: u64,
    /// How often that record was used again.
    pub(super) sequence: u16,
}

impl Listing {
    fn held(&self) -> u64 {
        length(&self.name).saturating_add(96)
    }
}

/// What was seen on one side so far.
pub(super) struct Indexes {
    /// How much more often an index lists a name than its file has it.
    open: BTreeMap<Listing, i32>,
    /// The directories whose index was read.
    read: BTreeSet<u64>,
    held: u64,
    /// How many bytes of indexes may still be read: hostile directories could share theirs.
    left: u64,
    stopped: bool,
}

impl Indexes {
    /// Nothing seen yet.
    pub(super) fn new(volume: &Volume) -> Self {
        Self {
            open: BTreeMap::new(),
            read: BTreeSet::new(),
            held: 0,
            left: length(&volume.clusters.region),
            stopped: false,
        }
    }

    /// Takes the names that a file has itself.
    pub(super) fn has(&mut self, number: u64, sequence: u16, attributes: &Attributes) {
        for name in file::all_names(attributes) {
            let listing = Listing {
                directory: name.parent,
                name: name.bytes,
                number,
                sequence,
            };
            self.count(&listing, -1);
        }
    }

    /// Takes the names that the index of a directory lists, or says why they cannot be read.
    pub(super) fn lists(
        &mut self,
        number: u64,
        attributes: &Attributes,
        volume: &Volume,
    ) -> Option<Problem> {
        match self.walk(number, attributes, volume) {
            Ok(()) => {
                self.read.insert(number);
                None
            }
            Err(what) => {
                let detail = format!("the index of the directory in record {number} {what}");
                Some(Problem::corrupt(detail))
            }
        }
    }

    /// The names that only one side has, each with the problem that it is; and what the comparison did not reach.
    pub(super) fn finish(self) -> (Vec<(Listing, Problem)>, Option<Problem>) {
        let read = self.read;
        // Of a name whose directory cannot be read, that is told already.
        let odd = self
            .open
            .into_iter()
            .filter(|(listing, _)| read.contains(&listing.directory));
        let odd = odd.map(|(listing, count)| {
            let number = listing.number;
            let detail = if count > 0 {
                format!("the index of the directory lists record {number} here, which does not have this name")
            } else {
                format!("record {number} has this name, but the index of the directory does not list it, so that no driver shows it")
            };
            (listing, Problem::corrupt(detail))
        });
        let stopped = self.stopped.then(|| {
            let detail = "so many names that indexes and files are not all compared";
            Problem::limit(detail)
        });
        // Then half of them may merely not have been met.
        match stopped {
            Some(problem) => (Vec::new(), Some(problem)),
            None => (odd.collect(), None),
        }
    }

    fn count(&mut self, listing: &Listing, by: i32) {
        // The root stands in itself.
        if self.stopped || listing.number == listing.directory {
            return;
        }
        let held = listing.held();
        let count = self.open.entry(listing.clone()).or_insert_with(|| {
            self.held = self.held.saturating_add(held);
            0
        });
        *count = count.saturating_add(by);
        if *count == 0 {
            self.open.remove(listing);
            self.held = self.held.saturating_sub(held);
        }
        self.stopped = self.held > HELD;
    }

    /// Goes through the index from its root: blocks that nothing leads to list nothing.
    fn walk(
        &mut self,
        number: u64,
        attributes: &Attributes,
        volume: &Volume,
    ) -> Result<(), &'static str> {
        let mut all = attributes.all.iter();
        let root = all.find_map(|attribute| match &attribute.body {
            Body::Resident(bytes) if attribute.kind == kind::ROOT && attribute.name == I30 => {
                Some(bytes)
            }
            _ => None,
        });
        let root = root.ok_or("cannot be found")?;
        let size = Fields::little(root).u32(8).map_or(0, u64::from);
        let senseless = "makes no sense";
        let header = root.get(16..).ok_or(senseless)?;
        let mut open = self.entries(number, header).ok_or(senseless)?;
        if open.is_empty() {
            return Ok(());
        }
        let blocks = self.blocks(attributes, volume).ok_or("cannot be read")?;
        let unit = if size < volume.boot.cluster {
            512
        } else {
            volume.boot.cluster
        };
        let mut seen = BTreeSet::new();
        while let Some(place) = open.pop() {
            if !seen.insert(place) {
                return Err("runs in a circle");
            }
            let at = index(place.checked_mul(unit).ok_or(senseless)?);
            let block = blocks.get(at..).and_then(|rest| rest.get(..index(size)));
            let mut block = block.ok_or("leads out of its blocks")?.to_vec();
            let sound = block.starts_with(b"INDX")
                && restore(&mut block).is_some()
                && Fields::little(&block).u64(16) == Some(place);
            let header = block.get(HEADER..).filter(|_| sound);
            let header = header.ok_or("has a damaged block")?;
            open.extend(self.entries(number, header).ok_or(senseless)?);
        }
        Ok(())
    }

    /// The blocks of an index, as far as such may still be read.
    fn blocks(&mut self, attributes: &Attributes, volume: &Volume) -> Option<Vec<u8>> {
        let (outside, runs) = attributes.value(kind::INDEX, &I30)?;
        self.left = self.left.checked_sub(outside.size)?;
        let most = outside.size;
        volume.head(&outside, runs, most)
    }

    /// Takes the entries behind an index header; returns the blocks that they lead to.
    fn entries(&mut self, directory: u64, header: &[u8]) -> Option<Vec<u64>> {
        let fields = Fields::little(header);
        let mut at = index(fields.u32(0)?.into());
        let entries = header.get(..index(fields.u32(4)?.into()))?;
        let mut below = Vec::new();
        loop {
            let rest = entries.get(at..)?;
            let len = usize::from(Fields::little(rest).u16(8)?);
            let entry = rest.get(..len).filter(|_| len >= 16)?;
            let fields = Fields::little(entry);
            let flags = fields.u16(12)?;
            if flags & 1 != 0 {
                below.push(fields.u64(len.checked_sub(8)?)?);
            }
            if flags & 2 != 0 {
                return Some(below);
            }
            let name = file::name(fields.slice(16, fields.u16(10)?.into())?)?;
            let whose = fields.u64(0)?;
            let listing = Listing {
                directory,
                name: name.bytes,
                number: whose & 0xffff_ffff_ffff,
                sequence: u16::try_from(whose >> 48).ok()?,
            };
            self.count(&listing, 1);
            at = at.checked_add(len)?;
        }
    }
}
