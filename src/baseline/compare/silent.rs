//! What only one side of a comparison states, so that it was not compared: it is counted, and told once a component.

use std::collections::{BTreeMap, BTreeSet};

use super::super::model::{FileRow, Kind, Unstated};
use crate::extract::Found;

/// How many entries of one tree one side says nothing of.
pub(super) struct Silent {
    /// What the rows of the component say nothing of.
    unstated: BTreeSet<Unstated>,
    /// What the image has and the rows do not state.
    baseline: BTreeMap<&'static str, usize>,
    /// What rows state and the image does not store.
    image: BTreeMap<&'static str, usize>,
    /// Entries of kinds that the rows do not state.
    entries: BTreeMap<Kind, usize>,
}

impl Silent {
    /// Nothing was counted yet.
    pub(super) fn new(unstated: BTreeSet<Unstated>) -> Self {
        Self {
            unstated,
            baseline: BTreeMap::new(),
            image: BTreeMap::new(),
            entries: BTreeMap::new(),
        }
    }

    /// Whether the rows state extended attributes.
    pub(super) fn states_xattrs(&self) -> bool {
        !self.unstated.contains(&Unstated::Xattrs)
    }

    /// Counts what one side does not say of an entry that has a row. A size that is not stated is none of it: the digest
    /// settles the content to its last byte.
    pub(super) fn row(&mut self, row: &FileRow, found: &Found) {
        let meta = &found.entry.meta;
        let sides = [
            ("mode", row.mode.is_some(), meta.mode.is_some()),
            (
                "owner",
                row.uid.is_some() && row.gid.is_some(),
                meta.uid.is_some() && meta.gid.is_some(),
            ),
            (
                "attributes",
                self.states_xattrs() || !row.xattrs.is_empty(),
                !meta.xattrs.is_empty(),
            ),
        ];
        for (what, stated, stored) in sides {
            let silent = match (stated, stored) {
                (false, true) => &mut self.baseline,
                (true, false) if what != "attributes" => &mut self.image,
                _ => continue,
            };
            let count = silent.entry(what).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Counts an entry that has no row; whether rows state none of its kind.
    pub(super) fn entry(&mut self, kind: Kind) -> bool {
        let silent = self.unstated.contains(&Unstated::Entries(kind));
        if silent {
            let count = self.entries.entry(kind).or_default();
            *count = count.saturating_add(1);
        }
        silent
    }

    /// What is to be told, and whether it leaves the verdict incomplete: a whole entry of which nothing is known does,
    /// unless it is a directory.
    pub(super) fn told(&self, component: &str) -> Vec<(String, bool)> {
        let mut told = Vec::new();
        let sides = [
            (&self.baseline, "the baseline does not state"),
            (&self.image, "the image does not store"),
        ];
        for (counts, whose) in sides {
            if !counts.is_empty() {
                let what = by_count(counts);
                told.push((
                    format!("component {component}: {what}: {whose} them"),
                    false,
                ));
            }
        }
        for (matters, folder) in [(true, false), (false, true)] {
            let kinds = self.entries.iter();
            let kinds = kinds.filter(|(kind, _)| (**kind == Kind::Dir) == folder);
            let counts: Vec<String> = kinds
                .map(|(kind, count)| format!("{count} of type {}", kind.word()))
                .collect();
            if !counts.is_empty() {
                let reason = format!(
                    "component {component}: entries without a row, {}: the baseline does not state such entries",
                    counts.join(", ")
                );
                told.push((reason, matters));
            }
        }
        told
    }
}

/// `mode, owner of 812 entries`: what has one count stands together.
fn by_count(counts: &BTreeMap<&'static str, usize>) -> String {
    let mut together: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (&what, &count) in counts {
        together.entry(count).or_default().push(what);
    }
    // In the order of importance, not of the alphabet; what most entries lack comes first.
    let parts: Vec<String> = together
        .into_iter()
        .rev()
        .map(|(count, mut words)| {
            words.sort_by_key(|word| *word == "attributes");
            let entries = if count == 1 { "entry" } else { "entries" };
            let words = words.join(", ");
            format!("{words} of {count} {entries}")
        })
        .collect();
    parts.join("; ")
}
