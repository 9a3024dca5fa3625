//! What no component answers for: trees, contents and unknown bytes of the image, and what stayed unread.

use std::ops::Range;

use super::super::change::{Change, ChangeKind, Value};
use super::super::piece::{self, FoundTree, Member, is_payload};
use super::Comparing;
use super::claims::{Claim, Holders, Part};
use crate::entry::Node;
use crate::extract::{Found, Gap, Inventory, State};
use crate::place::{Place, escape};

impl Comparing<'_> {
    /// Everything in the image that no component claims.
    pub(super) fn uncovered(&mut self) {
        let holders = self.claims.holders(self.found);
        let explored = explored(self.found);
        for tree in piece::trees(self.found) {
            self.uncovered_tree(&tree, &holders, &explored);
        }
        for (index, entry) in self.found.entries.iter().enumerate() {
            let empty = matches!(&entry.entry.node, Node::File(file) if file.size == 0);
            let carries = holders.entries.get(index) == Some(&true);
            if is_payload(self.found, entry)
                && !empty
                && !carries
                && !self.is_claimed(Part::Entry(index))
            {
                self.uncovered_entry(
                    entry,
                    "no component of the baseline claims what this decodes to",
                );
            }
        }
        for (index, gap) in self.found.gaps.iter().enumerate() {
            if gap.kind.is_unknown() && !self.is_claimed(Part::Gap(index)) {
                self.uncovered_gap(gap);
            }
        }
        self.uncovered_regions(&holders);
    }

    fn is_claimed(&self, part: Part) -> bool {
        self.claims.on(self.found, part) > Claim::None
    }

    /// A tree that is no component: an archive of which a file is one is a wrapper, and its other entries count one by one.
    fn uncovered_tree(&mut self, tree: &FoundTree<'_>, holders: &Holders, explored: &[u64]) {
        let holds = |entry: &Member<'_>| holders.entries.get(entry.index) == Some(&true);
        let claimed = |entry: &Member<'_>| self.is_claimed(Part::Entry(entry.index));
        if tree
            .entries
            .iter()
            .any(|entry| claimed(entry) || holds(entry))
        {
            // A carrier is accounted for by what is in it only where all of its bytes were looked at.
            let carries = |entry: &Member<'_>| {
                let all = explored.get(entry.index).copied();
                holds(entry)
                    && matches!(&entry.entry.node, Node::File(file) if all == Some(file.size))
            };
            let left: Vec<Member<'_>> = tree
                .entries
                .iter()
                .filter(|entry| !claimed(entry) && !carries(entry))
                .copied()
                .collect();
            for entry in left {
                if !matches!(entry.entry.node, Node::Dir) {
                    self.uncovered_entry(&entry, "no component of the baseline claims this entry");
                }
            }
            return;
        }
        let mut change = Change::new(ChangeKind::Uncovered);
        change.place = Some(tree.place.clone());
        change.explanation.push(format!(
            "a tree of {} entries that no component of the baseline claims",
            tree.entries.len()
        ));
        self.out.changes.push(change);
    }

    /// Regions in which nothing was found that could be compared or told: their bytes count all the same.
    fn uncovered_regions(&mut self, holders: &Holders) {
        let mut silent = vec![true; self.found.regions.len()];
        let mut speak = |region: Option<usize>| {
            if let Some(silent) = region.and_then(|index| silent.get_mut(index)) {
                *silent = false;
            }
        };
        for region in self
            .found
            .regions
            .iter()
            .filter(|region| region.within.is_none())
        {
            speak(region.parent);
        }
        let unknown = |gap: &&Gap| gap.within.is_none() && gap.kind.is_unknown();
        for gap in self.found.gaps.iter().filter(unknown) {
            speak(gap.parent);
        }
        for entry in &self.found.entries {
            let empty = matches!(&entry.entry.node, Node::File(file) if file.size == 0);
            if !empty || !is_payload(self.found, entry) {
                speak(entry.region);
            }
        }
        for (index, region) in self.found.regions.iter().enumerate() {
            let held = holders.regions.get(index) == Some(&true);
            if silent.get(index) != Some(&true) || held || self.is_claimed(Part::Region(index)) {
                continue;
            }
            let mut change = Change::new(ChangeKind::Uncovered);
            change.place = Some(region.place.clone());
            change.found.insert("at", Value::Number(region.at));
            change.found.insert("size", Value::Number(region.len));
            change.explanation.push(
                "a region without content that no component of the baseline claims".to_owned(),
            );
            self.out.changes.push(change);
        }
    }

    fn uncovered_entry(&mut self, entry: &Found, why: &str) {
        let mut change = Change::new(ChangeKind::Uncovered);
        change.path = Some(escape(entry.entry.path.as_bytes()));
        change.place = Some(entry.place.clone());
        if let Node::File(file) = &entry.entry.node {
            change.found.insert("size", Value::Number(file.size));
        }
        if let Some(sha256) = entry.sha256 {
            change
                .found
                .insert("sha256", Value::Text(sha256.to_string()));
        }
        change.explanation.push(why.to_owned());
        self.out.changes.push(change);
    }

    fn uncovered_gap(&mut self, gap: &Gap) {
        let top = gap.parent.is_none() && gap.within.is_none();
        let whole = gap.at..gap.at.saturating_add(gap.len);
        let left = if top {
            self.outside_ranges(whole)
        } else {
            Vec::from([whole])
        };
        for range in left {
            let mut change = Change::new(ChangeKind::Uncovered);
            let len = range.end.saturating_sub(range.start);
            let place = if len == gap.len {
                gap.place.clone()
            } else {
                Place::image().offset(range.start)
            };
            change.place = Some(place);
            change.found.insert("at", Value::Number(range.start));
            change.found.insert("size", Value::Number(len));
            change
                .explanation
                .push("unknown bytes that no component of the baseline covers".to_owned());
            self.out.changes.push(change);
        }
    }

    fn in_ranges(&self, range: Range<u64>) -> bool {
        self.outside_ranges(range).is_empty()
    }

    /// What is left of a range of the image outside the raw components that were compared at their offsets.
    fn outside_ranges(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut left = Vec::new();
        let mut from = range.start;
        for taken in &self.ranges {
            if taken.start > from {
                left.push(from..taken.start.min(range.end));
            }
            from = from.max(taken.end);
            if from >= range.end {
                break;
            }
        }
        if from < range.end {
            left.push(from..range.end);
        }
        left.retain(|range| !range.is_empty());
        left
    }

    /// What could not be read, unless the exact bytes around it were compared: then what is wrong inside them was so in
    /// the reference too.
    pub(super) fn unread(&mut self) {
        for told in &self.found.problems {
            let answered = self.claims.around(self.found, told.owner) == Claim::Exact;
            if told.kind.hides_content() && !answered {
                let reason = format!("{}: {}", told.kind.word(), told.detail);
                self.not_checked(&told.place.clone(), reason, true);
            }
        }
        for (index, region) in self.found.regions.iter().enumerate() {
            let answered = self.claims.on(self.found, Part::Region(index)) == Claim::Exact;
            if region.state == State::Unread && !answered {
                let reason = "the region could not be read".to_owned();
                self.not_checked(&region.place.clone(), reason, true);
            }
        }
        self.out.not_checked.sort();
        self.out.not_checked.dedup();
    }

    /// Top regions that several raw components cover together.
    pub(super) fn claim_ranges(&mut self) {
        for (index, region) in self.found.regions.iter().enumerate() {
            let range = region.at..region.at.saturating_add(region.len);
            if region.owner().is_none() && self.in_ranges(range) {
                self.claims.claim(Part::Region(index), Claim::Exact);
            }
        }
    }
}

/// How many bytes of each entry's content lie in regions and gaps. Of a content whose type explains a part of it only
/// the rest does.
fn explored(found: &Inventory) -> Vec<u64> {
    let mut explored = vec![0_u64; found.entries.len()];
    let regions = found
        .regions
        .iter()
        .map(|region| (region.within, region.len));
    let gaps = found.gaps.iter().map(|gap| (gap.within, gap.len));
    for (within, len) in regions.chain(gaps) {
        if let Some(sum) = within.and_then(|index| explored.get_mut(index)) {
            *sum = sum.saturating_add(len);
        }
    }
    explored
}
