//! What may change, and whether a new baseline lets more of it change.

use std::collections::BTreeMap;

use super::super::change::{Change, ChangeKind, Value};
use super::super::model::{Baseline, Forbid, Kind, MutableRow};
use super::{Both, fill};

/// The mutable rows of one component: rows are the same when they have the same glob and types, or else the same glob.
pub(super) fn diff(name: &str, both: &Both<'_>) -> Vec<Change> {
    let (before, after) = both.named(name);
    let (mut old, mut new) = (rows(both.old, before), rows(both.new, after));
    let mut pairs = pair(&mut old, &mut new, |a, b| {
        (&a.glob, &a.types) == (&b.glob, &b.types)
    });
    pairs.extend(pair(&mut old, &mut new, |a, b| a.glob == b.glob));
    let one = |old: Option<&MutableRow>, new: Option<&MutableRow>| {
        let glob = old.or(new).map(|row| row.glob.clone())?;
        let mut change = Change::new(ChangeKind::Modified);
        change.component = Some(name.to_owned());
        change.path = Some(glob);
        let mut change = fill(change, old.map(values), new.map(values))?;
        change.explanation = effect(old, new);
        Some(change)
    };
    let mut changes: Vec<Change> = Vec::new();
    changes.extend(
        pairs
            .into_iter()
            .filter_map(|(old, new)| one(Some(old), Some(new))),
    );
    changes.extend(old.into_iter().filter_map(|row| one(Some(row), None)));
    changes.extend(new.into_iter().filter_map(|row| one(None, Some(row))));
    changes.sort_by(|a, b| (&a.path, a.kind).cmp(&(&b.path, b.kind)));
    changes
}

fn rows(baseline: &Baseline, component: Option<usize>) -> Vec<&MutableRow> {
    let own = baseline.mutable.iter();
    own.filter(|row| Some(row.component) == component).collect()
}

/// Takes rows that are the same out of both lists.
fn pair<'b>(
    old: &mut Vec<&'b MutableRow>,
    new: &mut Vec<&'b MutableRow>,
    same: impl Fn(&MutableRow, &MutableRow) -> bool,
) -> Vec<(&'b MutableRow, &'b MutableRow)> {
    let mut pairs = Vec::new();
    old.retain(|row| {
        let Some(at) = new.iter().position(|other| same(row, other)) else {
            return true;
        };
        pairs.push((*row, new.remove(at)));
        false
    });
    pairs
}

fn values(row: &MutableRow) -> BTreeMap<&'static str, Value> {
    let types: Vec<&str> = row.types.iter().map(|kind| kind.word()).collect();
    let forbid: Vec<&str> = row.forbid.iter().map(|what| what.word()).collect();
    let mut values = BTreeMap::from([
        ("types", Value::Text(types.join(", "))),
        ("mode_max", Value::Text(format!("{:04o}", row.mode_max))),
    ]);
    if !forbid.is_empty() {
        values.insert("forbid", Value::Text(forbid.join(", ")));
    }
    if let Some(most) = row.max_bytes {
        values.insert("max_bytes", Value::Number(most));
    }
    values
}

/// What the change lets happen, and what it stops: `looser: ...` and `tighter: ...`.
fn effect(old: Option<&MutableRow>, new: Option<&MutableRow>) -> Vec<String> {
    let (Some(old), Some(new)) = (old, new) else {
        let mut told = vec![match old {
            None => "looser: more may change".to_owned(),
            Some(_) => "tighter: what it allowed must be as a row states it".to_owned(),
        }];
        let row = old.or(new);
        if row.is_some_and(|row| !row.forbid.is_empty()) {
            told.push(match old {
                None => {
                    "tighter: what it forbids is forbidden where another row allows it".to_owned()
                }
                Some(_) => "looser: what it forbade may be where another row allows it".to_owned(),
            });
        }
        return told;
    };
    let mut looser = Vec::new();
    let mut tighter = Vec::new();
    for kind in new.types.difference(&old.types) {
        looser.push(format!("type {} is allowed", kind.word()));
    }
    for kind in old.types.difference(&new.types) {
        tighter.push(format!(
            "type {} is not allowed any more",
            Kind::word(*kind)
        ));
    }
    for what in old.forbid.difference(&new.forbid) {
        looser.push(format!("{} is not forbidden any more", what.word()));
    }
    for what in new.forbid.difference(&old.forbid) {
        tighter.push(format!("{} is forbidden", Forbid::word(*what)));
    }
    let (added, dropped) = (new.mode_max & !old.mode_max, old.mode_max & !new.mode_max);
    if added != 0 {
        looser.push(format!("mode bits {added:04o} are allowed"));
    }
    if dropped != 0 {
        tighter.push(format!("mode bits {dropped:04o} are not allowed any more"));
    }
    if let (Some(was), Some(is)) = (old.max_bytes, new.max_bytes) {
        match is.cmp(&was) {
            std::cmp::Ordering::Greater => looser.push("more bytes are allowed".to_owned()),
            std::cmp::Ordering::Less => tighter.push("fewer bytes are allowed".to_owned()),
            std::cmp::Ordering::Equal => {}
        }
    }
    let sides = [("looser", looser), ("tighter", tighter)];
    let told = sides.into_iter().filter(|(_, what)| !what.is_empty());
    told.map(|(word, what)| format!("{word}: {}", what.join(", ")))
        .collect()
}
