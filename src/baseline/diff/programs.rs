//! Fingerprints of programs whose content both baselines state.

use std::collections::{BTreeMap, BTreeSet};

use super::super::change::{Change, ChangeKind, Value};
use super::super::model::{Baseline, ElfRow};
use super::{Both, digest, fill};
use crate::digest::{Digest, hex};

/// A program that is new comes with its fingerprint, and one that is gone takes it along: that says nothing of its own.
pub(super) fn diff(both: &Both<'_>) -> Vec<Change> {
    let (old, new) = (fingerprints(both.old), fingerprints(both.new));
    let (before, after) = (contents(both.old), contents(both.new));
    let all: BTreeSet<Digest> = old.keys().chain(new.keys()).copied().collect();
    let same = |of: &Digest| before.contains(of) == after.contains(of);
    let one = |of: Digest| {
        let mut change = Change::new(ChangeKind::Modified);
        change.explanation.push(format!("the fingerprint of {of}"));
        let values = |rows: &BTreeMap<Digest, &ElfRow>| rows.get(&of).map(|row| values(row));
        fill(change, values(&old), values(&new))
    };
    all.into_iter().filter(same).filter_map(one).collect()
}

fn fingerprints(baseline: &Baseline) -> BTreeMap<Digest, &ElfRow> {
    baseline.elf.iter().map(|row| (row.of, row)).collect()
}

fn contents(baseline: &Baseline) -> BTreeSet<Digest> {
    baseline.files.iter().filter_map(digest).collect()
}

fn values(row: &ElfRow) -> BTreeMap<&'static str, Value> {
    let digest = |digest: Option<Digest>| digest.map(|digest| digest.to_string());
    let needed = (!row.needed.is_empty()).then(|| row.needed.join(", "));
    let search = (!row.search.is_empty()).then(|| row.search.join(", "));
    let texts = [
        ("machine", row.machine.clone()),
        ("build_id", row.build_id.as_deref().map(hex)),
        ("interpreter", row.interpreter.clone()),
        ("needed", needed),
        ("search", search),
        ("text", digest(row.text)),
        ("imports", digest(row.imports)),
        ("exports", digest(row.exports)),
        ("sections", digest(row.sections)),
        (
            "code",
            row.code
                .as_ref()
                .map(|code| Digest::of(code.text().as_bytes()).to_string()),
        ),
    ];
    let texts = texts.into_iter();
    texts
        .filter_map(|(key, text)| Some((key, Value::Text(text?))))
        .collect()
}
