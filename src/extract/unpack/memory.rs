//! What is loaded at addresses: each run is searched, and is an entry under the address it is loaded at.

use std::ops::Range;

use bytes::Bytes;

use super::region::Decoding;
use super::{Home, Unpacker};
use crate::entry::EntryPath;
use crate::extract::search::Hit;
use crate::memory::{Memory, Run};
use crate::place::Place;
use crate::read::length;

/// So many runs of a memory are listed among the properties.
const LISTED_RUNS: usize = 256;
/// What a run costs of the budget of entries: as much as a region.
const COST: u64 = 16;

impl Unpacker<'_> {
    /// Takes a memory that the region of `inner` holds in its `len` bytes.
    pub(super) fn take_memory(
        &mut self,
        memory: Memory,
        len: u64,
        stream: &Bytes,
        hits: &[Hit],
        inner: &Home,
        owned: &mut Vec<Range<u64>>,
    ) {
        let index = inner.parent.unwrap_or_default();
        if let Some(region) = self.found.regions.get_mut(index) {
            let said = &mut region.properties;
            said.insert("memory.sha256".to_owned(), memory.digest().to_string());
            for run in memory.runs.iter().take(LISTED_RUNS) {
                let name = format!("memory.{}", address(run));
                said.insert(name, format!("{} bytes", run.bytes.len()));
            }
        }
        for run in &memory.runs {
            if let Err(problem) = self.budget.spend_entries(COST) {
                self.tell_region(index, vec![problem]);
                break;
            }
            let name = address(run).into_bytes();
            // A plain copy of a flash stands in the region as it is.
            if length(&run.bytes) == len {
                self.take_ranges(vec![(0..len, name)], len, stream, hits, inner, owned);
            } else {
                let path = EntryPath::root().join(&name);
                let home = Home {
                    place: inner.place.part(&name),
                    ..inner.clone()
                };
                self.take_decoded(run.bytes.clone(), &home, Decoding::Loaded(path));
            }
        }
        self.found.memories.insert(index, memory);
    }

    pub(super) fn place_of(&self, region: usize) -> Place {
        let region = self.found.regions.get(region);
        region
            .map(|region| region.place.clone())
            .unwrap_or_default()
    }
}

fn address(run: &Run) -> String {
    format!("0x{:08x}", run.address)
}
