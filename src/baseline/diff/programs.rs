//! What explains contents that both baselines state: fingerprints of programs, marks of texts and device trees, what raw components say.

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
    let programs = all.into_iter().filter(same).filter_map(one);
    programs.chain(marks(both)).chain(boot(both)).collect()
}

/// Marks of texts and device trees whose content both baselines state.
fn marks(both: &Both<'_>) -> Vec<Change> {
    let rows = |baseline: &Baseline| -> BTreeMap<(Digest, &str), String> {
        let digest = |text: &str| Digest::of(text.as_bytes()).to_string();
        let texts = baseline.texts.iter();
        let texts = texts.map(|row| ((row.of, "lines"), digest(&row.text())));
        let trees = baseline.trees.iter();
        let trees = trees.map(|row| ((row.of, "device tree"), digest(&row.text())));
        texts.chain(trees).collect()
    };
    let (old, new) = (rows(both.old), rows(both.new));
    let (before, after) = (stated(both.old), stated(both.new));
    let all: BTreeSet<(Digest, &str)> = old.keys().chain(new.keys()).copied().collect();
    let one = |key: (Digest, &str)| {
        let mut change = Change::new(ChangeKind::Modified);
        let (of, what) = key;
        change
            .explanation
            .push(format!("the marks of {of} ({what})"));
        let values = |rows: &BTreeMap<(Digest, &str), String>| {
            let text = rows.get(&key)?.clone();
            Some(BTreeMap::from([("marks", Value::Text(text))]))
        };
        fill(change, values(&old), values(&new))
    };
    let same = |(of, _): &(Digest, &str)| before.contains(of) == after.contains(of);
    all.into_iter().filter(same).filter_map(one).collect()
}

/// The contents that a baseline states: of files, and in raw components.
fn stated(baseline: &Baseline) -> BTreeSet<Digest> {
    let rows = baseline.boot.iter();
    let parts = rows.flat_map(|row| row.trees.iter().copied().chain(row.config));
    contents(baseline).into_iter().chain(parts).collect()
}

/// What raw components say that are the same in both.
fn boot(both: &Both<'_>) -> Vec<Change> {
    let body = |baseline: &Baseline, component: Option<usize>| {
        let component = baseline.components.get(component?)?;
        Some(component.body.clone())
    };
    let one = |name: String| {
        let (before, after) = both.named(&name);
        if body(both.old, before) != body(both.new, after) {
            return None;
        }
        let values = |baseline: &Baseline, component: Option<usize>| {
            let mut rows = baseline.boot.iter();
            let row = rows.find(|row| Some(row.component) == component)?;
            let trees: Vec<String> = row.trees.iter().map(ToString::to_string).collect();
            let list = |list: &[String]| (!list.is_empty()).then(|| list.join(", "));
            let texts = [
                ("says", list(&row.says)),
                ("config", row.config.map(|of| of.to_string())),
                ("trees", list(&trees)),
            ];
            let texts = texts.into_iter();
            let values = texts.filter_map(|(key, text)| Some((key, Value::Text(text?))));
            Some(values.collect())
        };
        let mut change = Change::new(ChangeKind::Modified);
        change.component = Some(name.clone());
        fill(change, values(both.old, before), values(both.new, after))
    };
    both.names().into_iter().filter_map(one).collect()
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
