//! What no component answers for: trees, contents and unknown bytes of the image, and what stayed unread.

use std::ops::Range;

use super::super::change::{Change, ChangeKind, Value};
use super::super::piece::{self, FoundTree, is_payload};
use super::Comparing;
use crate::entry::Node;
use crate::extract::{Found, Gap, State};
use crate::place::{Place, escape};

impl Comparing<'_> {
    /// Everything in the image that no component claims.
    pub(super) fn uncovered(&mut self) {
        for tree in piece::trees(self.found) {
            self.uncovered_tree(&tree);
        }
        let payloads = self.found.entries.iter().filter(|entry| is_payload(entry));
        for entry in payloads {
            self.uncovered_file(
                entry,
                "no component of the baseline claims what this decodes to",
            );
        }
        for gap in self.found.gaps.iter().filter(|gap| gap.kind.is_unknown()) {
            self.uncovered_gap(gap);
        }
    }

    /// A tree that is no component: an archive of which a file is one is a wrapper, and its other files count one by one.
    fn uncovered_tree(&mut self, tree: &FoundTree<'_>) {
        let matched = tree
            .entries
            .iter()
            .any(|entry| self.is_component_entry(entry, tree));
        if matched || self.is_region_covered(tree.region) {
            return;
        }
        let carries =
            |entry: &&&Found| self.is_covered(&entry.place) || self.holds_covered(&entry.place);
        if tree.entries.iter().any(|entry| carries(&entry)) {
            let left: Vec<&Found> = tree
                .entries
                .iter()
                .filter(|entry| !carries(entry))
                .copied()
                .collect();
            for entry in left {
                self.uncovered_file(entry, "no component of the baseline claims this file");
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

    /// Whether the tree was compared: then all its entries are covered, each by itself.
    fn is_component_entry(&self, entry: &Found, tree: &FoundTree<'_>) -> bool {
        let whole = tree
            .entries
            .iter()
            .all(|other| self.covered.contains(&other.place));
        whole && self.covered.contains(&entry.place)
    }

    fn is_region_covered(&self, region: Option<usize>) -> bool {
        let region = region.and_then(|index| self.found.regions.get(index));
        region.is_some_and(|region| {
            self.is_covered(&region.place)
                || (region.parent.is_none()
                    && region.within.is_none()
                    && self.in_ranges(region.at..region.at.saturating_add(region.len)))
        })
    }

    /// Whether some covered place lies inside this one.
    fn holds_covered(&self, place: &Place) -> bool {
        self.covered
            .iter()
            .any(|covered| covered.around().skip(1).any(|outer| outer == place))
    }

    fn uncovered_file(&mut self, entry: &Found, why: &str) {
        let Node::File(file) = &entry.entry.node else {
            return;
        };
        if file.size == 0
            || self.is_covered(&entry.place)
            || self.holds_covered(&entry.place)
            || self.is_region_covered(entry.region)
        {
            return;
        }
        let mut change = Change::new(ChangeKind::Uncovered);
        change.path = Some(escape(entry.entry.path.as_bytes()));
        change.place = Some(entry.place.clone());
        change.found.insert("size", Value::Number(file.size));
        if let Some(sha256) = entry.sha256 {
            change
                .found
                .insert("sha256", Value::Text(sha256.to_string()));
        }
        change.explanation.push(why.to_owned());
        self.out.changes.push(change);
    }

    fn uncovered_gap(&mut self, gap: &Gap) {
        if self.is_covered(&gap.place) {
            return;
        }
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

    /// What could not be read, unless a component answers for the bytes themselves.
    pub(super) fn unread(&mut self) {
        for told in &self.found.problems {
            if told.kind.hides_content() && !self.is_answered(&told.place) {
                let reason = format!("{}: {}", told.kind.word(), told.detail);
                self.not_checked(&told.place.clone(), reason, true);
            }
        }
        let unread = self
            .found
            .regions
            .iter()
            .filter(|region| region.state == State::Unread);
        let unread: Vec<Place> = unread.map(|region| region.place.clone()).collect();
        for place in unread {
            if !self.is_answered(&place) {
                self.not_checked(&place, "the region could not be read".to_owned(), true);
            }
        }
        self.out.not_checked.sort();
        self.out.not_checked.dedup();
    }

    /// Whether the exact bytes around a place were compared: then what is wrong inside them was so in the reference too.
    fn is_answered(&self, place: &Place) -> bool {
        let region = self
            .found
            .regions
            .iter()
            .find(|region| region.place == *place);
        let ranged = region.is_some_and(|region| {
            region.parent.is_none()
                && region.within.is_none()
                && self.in_ranges(region.at..region.at.saturating_add(region.len))
        });
        ranged || self.is_covered(place)
    }
}
