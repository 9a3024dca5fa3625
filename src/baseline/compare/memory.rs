//! Memories: what is loaded at which address, whatever the form of the file.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::change::{Change, ChangeKind, Value};
use super::super::explain::bytes::describe;
use super::super::memory::{FunctionRow, PageContent, PageRow};
use super::super::model::{Body, Component};
use super::claims::{Claim, Part};
use super::{Checked, Comparing};
use crate::digest::Digest;
use crate::memory::{Memory, Run, is_fill};
use crate::read::{index, is_all};

/// So many ranges, and so many functions, are told of one memory; the rest are counted.
const TOLD: usize = 12;

impl Comparing<'_> {
    /// Finds every memory of the baseline among those of the image, and compares it.
    pub(super) fn memories(&mut self) {
        let found = self.found;
        let memories = found.memories.iter();
        let mut free: BTreeMap<usize, Candidate<'_>> = memories
            .map(|(&region, memory)| (region, Candidate::new(memory)))
            .collect();
        for (index, component) in self.baseline.components.iter().enumerate() {
            let Body::Memory { sha256 } = component.body else {
                continue;
            };
            let of = |page: &&PageRow| page.component == index;
            let pages: Vec<&PageRow> = self.baseline.pages.iter().filter(of).collect();
            match best(sha256, &pages, &free) {
                Some(region) => {
                    if let Some(candidate) = free.remove(&region) {
                        self.memory(index, component, sha256, &pages, region, &candidate);
                    }
                }
                None => self.absent(index),
            }
        }
    }

    fn memory(
        &mut self,
        index: usize,
        component: &Component,
        sha256: Digest,
        pages: &[&PageRow],
        region: usize,
        candidate: &Candidate<'_>,
    ) {
        self.claims.load(region);
        let place = self.found.regions.get(region);
        let place = place.map(|region| region.place.clone()).unwrap_or_default();
        let ranges = candidate.differences(pages);
        let matched = candidate.is(sha256, pages, &ranges);
        // Inside what matches to the byte all is as it was in the reference.
        let claim = if matched {
            Claim::Exact
        } else {
            Claim::Compared
        };
        self.claims.claim(Part::Region(region), claim);
        if !matched {
            let functions = self.baseline.functions.iter();
            let functions = functions.filter(|row| row.component == index);
            let mut change = Change::new(ChangeKind::Modified);
            change.component = Some(component.name.clone());
            change.place = Some(place.clone());
            let text = |digest: Digest| Some(Value::Text(digest.to_string()));
            change.differ("sha256", text(sha256), text(candidate.sha256));
            if self.explains {
                explain(&mut change, &ranges, functions, candidate.memory);
            }
            self.out.changes.push(change);
        }
        self.out.checked.push(Checked {
            component: component.name.clone(),
            place: Some(place),
            compared: 1,
            matched: usize::from(matched),
            mutable: 0,
        });
    }
}

/// The memory that a component is: the equal one, or the one of which most pages are equal. One without a page in common is another.
fn best(
    sha256: Digest,
    pages: &[&PageRow],
    free: &BTreeMap<usize, Candidate<'_>>,
) -> Option<usize> {
    let score = |candidate: &Candidate<'_>| {
        if candidate.sha256 == sha256 {
            return usize::MAX;
        }
        let solid = pages.iter().filter(|page| page.is_solid());
        solid.filter(|page| candidate.holds(page)).count()
    };
    let scores = free
        .iter()
        .map(|(&region, candidate)| (score(candidate), region));
    let scores = scores.filter(|(score, _)| *score > 0);
    // Of two that fit alike the first.
    let best = scores.max_by_key(|&(score, region)| (score, usize::MAX.saturating_sub(region)));
    best.map(|(_, region)| region)
}

/// A memory of the image, and its digest.
struct Candidate<'a> {
    memory: &'a Memory,
    sha256: Digest,
}

impl<'a> Candidate<'a> {
    fn new(memory: &'a Memory) -> Self {
        let sha256 = memory.digest();
        Self { memory, sha256 }
    }

    /// Whether it is the component: its rows say so, or where there are none the digest.
    fn is(&self, sha256: Digest, pages: &[&PageRow], differences: &[Range<u64>]) -> bool {
        differences.is_empty() && (!pages.is_empty() || self.sha256 == sha256)
    }

    /// Whether it has what a row says. What is not loaded is as good as fill.
    fn holds(&self, page: &PageRow) -> bool {
        let loaded = self.memory.within(&(page.at..page.end()));
        match page.content {
            PageContent::Fill(byte) => loaded.iter().all(|run| is_all(&run.bytes, byte)),
            PageContent::Bytes(sha256) => {
                let is = |fill| Digest::of(&filled(page, &loaded, fill)) == sha256;
                !loaded.is_empty() && (is(0) || is(0xff))
            }
        }
    }

    /// The ranges of addresses at which it is not what the rows say.
    fn differences(&self, pages: &[&PageRow]) -> Vec<Range<u64>> {
        if pages.is_empty() {
            return Vec::new();
        }
        let mut ranges: Vec<Range<u64>> = pages
            .iter()
            .filter(|page| !self.holds(page))
            .map(|page| page.at..page.end())
            .collect();
        // What no row states must be fill.
        let stated: Vec<Range<u64>> = pages.iter().map(|page| page.at..page.end()).collect();
        let runs = self.memory.runs.iter();
        for range in runs.flat_map(|run| outside(run.range(), &stated)) {
            let loaded = self.memory.within(&range);
            if !loaded.iter().all(|run| is_fill(&run.bytes)) {
                ranges.push(range);
            }
        }
        ranges.sort_by_key(|range| range.start);
        merge(ranges)
    }
}

/// The bytes of a page of which only some are loaded.
fn filled(page: &PageRow, loaded: &[Run], fill: u8) -> Vec<u8> {
    let mut bytes = vec![fill; index(page.size)];
    for run in loaded {
        let from = index(run.address.saturating_sub(page.at));
        let to = from.saturating_add(run.bytes.len());
        if let Some(part) = bytes.get_mut(from..to) {
            part.copy_from_slice(&run.bytes);
        }
    }
    bytes
}

/// What of a range lies outside sorted ranges.
fn outside(range: Range<u64>, inside: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    let mut from = range.start;
    let first = inside.partition_point(|other| other.end <= range.start);
    for other in inside.iter().skip(first) {
        if other.start >= range.end {
            break;
        }
        left.push(from..other.start);
        from = other.end;
    }
    left.push(from..range.end);
    left.retain(|range| !range.is_empty());
    left
}

fn merge(sorted: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Says where a memory differs, and in which functions of the reference.
fn explain<'a>(
    change: &mut Change,
    ranges: &[Range<u64>],
    functions: impl Iterator<Item = &'a FunctionRow>,
    memory: &Memory,
) {
    let ranges = ranges.iter();
    tell(
        change,
        ranges.map(|range| {
            let loaded = memory.within(range);
            let loaded: Vec<u8> = loaded.iter().flat_map(|run| run.bytes.to_vec()).collect();
            format!("{}: {}", told("what is loaded", range), describe(&loaded))
        }),
        "ranges",
    );
    let changed = functions.filter(|row| {
        let bytes = memory.at(row.at, row.size);
        bytes.is_none_or(|bytes| Digest::of(&bytes) != row.sha256)
    });
    let clauses = changed.map(|row| {
        let whose = format!("the function {}", row.name);
        told(&whose, &(row.at..row.at.saturating_add(row.size)))
    });
    tell(change, clauses, "functions");
}

fn told(what: &str, range: &Range<u64>) -> String {
    let last = range.end.saturating_sub(1);
    format!("{what} at 0x{:08x} to 0x{last:08x} differs", range.start)
}

/// Adds clauses, as many as anyone will read.
fn tell(change: &mut Change, clauses: impl Iterator<Item = String>, what: &str) {
    let mut untold = 0_usize;
    for (nth, clause) in clauses.enumerate() {
        if nth < TOLD {
            change.explanation.push(clause);
        } else {
            untold = untold.saturating_add(1);
        }
    }
    if untold > 0 {
        change
            .explanation
            .push(format!("{untold} more {what} differ"));
    }
}
