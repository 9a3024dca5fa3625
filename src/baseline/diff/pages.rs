//! Memories: ranges of addresses at which the two baselines state different bytes, and the functions that differ.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::change::{Change, ChangeKind, Value};
use super::super::memory::{FunctionRow, PageContent, PageRow};
use super::super::model::Baseline;
use super::{Both, fill};

/// The ranges and functions of one memory that differ.
pub(super) fn diff(name: &str, both: &Both<'_>) -> Vec<Change> {
    let (before, after) = both.named(name);
    let (old, new) = (pages(both.old, before), pages(both.new, after));
    let mut changes: Vec<Change> = ranges(&old, &new)
        .into_iter()
        .map(|(kind, range)| range_change(name, kind, &range))
        .collect();
    changes.extend(functions(name, both));
    changes
}

fn pages(baseline: &Baseline, component: Option<usize>) -> Vec<&PageRow> {
    let own = baseline.pages.iter();
    own.filter(|row| Some(row.component) == component).collect()
}

/// Address ranges in order, each with what came of it; neighbours of one kind are one range.
fn ranges(old: &[&PageRow], new: &[&PageRow]) -> Vec<(ChangeKind, Range<u64>)> {
    let key = |row: &PageRow| (row.at, row.size);
    let mut out: Vec<(ChangeKind, Range<u64>)> = Vec::new();
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    // Up to where both sides were looked at.
    let mut at = 0_u64;
    loop {
        while old.next_if(|row| row.end() <= at).is_some() {}
        while new.next_if(|row| row.end() <= at).is_some() {}
        let (was, is) = (old.peek().copied(), new.peek().copied());
        let starts = [was, is].into_iter().flatten().map(|row| row.at.max(at));
        let Some(from) = starts.min() else {
            return out;
        };
        let here = |row: Option<&&PageRow>| row.is_some_and(|row| row.at <= from);
        let edges = [was, is].into_iter().flatten();
        let edges = edges.flat_map(|row| [row.at, row.end()]);
        let Some(to) = edges.filter(|edge| *edge > from).min() else {
            return out;
        };
        let same = was
            .zip(is)
            .is_some_and(|(was, is)| match (was.content, is.content) {
                (PageContent::Fill(a), PageContent::Fill(b)) => a == b,
                (a, b) => a == b && key(was) == key(is),
            });
        let kind = match (here(was), here(is)) {
            (true, true) if same => None,
            (true, true) => Some(ChangeKind::Modified),
            (true, false) => Some(ChangeKind::Removed),
            _ => Some(ChangeKind::Added),
        };
        at = to;
        let Some(kind) = kind else { continue };
        match out.last_mut() {
            Some((last, range)) if *last == kind && range.end == from => range.end = to,
            _ => out.push((kind, from..to)),
        }
    }
}

fn range_change(name: &str, kind: ChangeKind, range: &Range<u64>) -> Change {
    let mut change = Change::new(kind);
    change.component = Some(name.to_owned());
    let size = range.end.saturating_sub(range.start);
    let values = BTreeMap::from([
        ("at", Value::Number(range.start)),
        ("size", Value::Number(size)),
    ]);
    if kind != ChangeKind::Added {
        change.expected.clone_from(&values);
    }
    if kind != ChangeKind::Removed {
        change.found = values;
    }
    if kind == ChangeKind::Modified {
        change.fields.push("sha256");
    }
    change
}

/// The functions of a memory by name, and by how many of that name stand before.
fn functions(name: &str, both: &Both<'_>) -> Vec<Change> {
    let (before, after) = both.named(name);
    let (old, new) = (by_name(both.old, before), by_name(both.new, after));
    let mut keys: Vec<_> = old.keys().chain(new.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    let one = |key: (&str, usize)| {
        let mut change = Change::new(ChangeKind::Modified);
        change.component = Some(name.to_owned());
        change.explanation.push(format!("the function {}", key.0));
        let values = |rows: &BTreeMap<_, &FunctionRow>| rows.get(&key).map(|row| values(row));
        fill(change, values(&old), values(&new))
    };
    keys.into_iter().filter_map(one).collect()
}

fn by_name(baseline: &Baseline, component: Option<usize>) -> BTreeMap<(&str, usize), &FunctionRow> {
    let mut rows = BTreeMap::new();
    let mut nth: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &baseline.functions {
        if Some(row.component) == component {
            let count = nth.entry(&row.name).or_default();
            rows.insert((row.name.as_str(), *count), row);
            *count = count.saturating_add(1);
        }
    }
    rows
}

fn values(row: &FunctionRow) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("at", Value::Number(row.at)),
        ("size", Value::Number(row.size)),
        ("sha256", Value::Text(row.sha256.to_string())),
    ])
}
