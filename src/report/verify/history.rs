//! Older contents that are still there, beside what stands at their paths now and what the baseline states: the evidence of an
//! overwrite that nobody verified.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use serde::Serialize;

use crate::baseline::{Baseline, ExpectedNode};
use crate::extract::Inventory;
use crate::report::list::OlderRow;
use crate::report::text;

/// An older content, what became of its path, and whether it is the one that the baseline states.
#[derive(Serialize)]
pub struct History<'a> {
    #[serde(flatten)]
    row: OlderRow<'a>,
    /// Whether anything stands at the path now.
    is_present: bool,
    /// When what stands at the path now was written, in seconds since 1970, where the format says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_mtime: Option<i64>,
    /// Whether this is the content that the baseline states for the path.
    is_baseline: bool,
    /// Whether it is, and what stands there now is another one.
    #[serde(skip)]
    is_lost: bool,
}

/// Every older content of an image, in its order.
pub(super) fn rows<'a>(found: &'a Inventory, baseline: Option<&Baseline>) -> Vec<History<'a>> {
    let now: BTreeMap<_, _> = found
        .entries
        .iter()
        .map(|entry| ((entry.region, &entry.entry.path), entry))
        .collect();
    let files = baseline.map(|baseline| baseline.files.as_slice());
    let expected: BTreeSet<_> = files
        .unwrap_or_default()
        .iter()
        .filter_map(|row| match &row.node {
            ExpectedNode::File { sha256, .. } => Some((&row.path, *sha256)),
            _ => None,
        })
        .collect();
    let row = |older| {
        let row = OlderRow::new(older);
        let now = now.get(&(older.region, &older.path));
        let is_current = now.is_some_and(|now| now.sha256 == older.sha256);
        let stated = older
            .sha256
            .is_some_and(|sha256| expected.contains(&(&older.path, sha256)));
        History {
            row,
            is_present: now.is_some(),
            current_mtime: now.and_then(|now| now.entry.meta.mtime),
            is_baseline: stated,
            is_lost: stated && !is_current,
        }
    };
    found.history.iter().map(row).collect()
}

/// Writes what was overwritten or deleted: in full what the baseline states, then the rest, `most` rows of each.
pub(super) fn render(history: &[History<'_>], most: usize, out: &mut String) -> fmt::Result {
    if history.is_empty() {
        return Ok(());
    }
    let (lost, others): (Vec<_>, Vec<_>) = history.iter().partition(|older| older.is_lost);
    writeln!(out, "\nOVERWRITTEN OR DELETED, AND STILL THERE")?;
    for older in lost.iter().take(most) {
        writeln!(out, "  {}", older.row.place())?;
        text::wrap(out, "      ", 8, &older.story())?;
    }
    text::fold(lost.len(), most, out)?;
    if !others.is_empty() {
        let what = if lost.is_empty() {
            "older content"
        } else {
            "other older content"
        };
        writeln!(out, "  {}", text::count(others.len(), what))?;
    }
    for older in others.iter().take(most) {
        writeln!(out, "  {}", older.row.place())?;
        let mut line = format!("{}, {}", older.row.why(), text::size(older.row.size()));
        if let Some(time) = older.row.mtime().and_then(date) {
            write!(line, ", dated {time}")?;
        }
        text::wrap(out, "      ", 8, &line)?;
    }
    text::fold(others.len(), most, out)?;
    let caution =
        "Dates are those that the file system stores; whoever wrote the file could set them.";
    text::wrap(out, "  ", 2, caution)
}

impl History<'_> {
    /// What became of a content that the baseline states.
    fn story(&self) -> String {
        let dated = |seconds: Option<i64>| {
            let time = seconds.and_then(date);
            time.map_or_else(String::new, |time| format!(", dated {time}"))
        };
        let (what, now) = if self.is_present {
            let now =
                dated(self.current_mtime).replace(", dated", "; what stands there now is dated");
            ("overwritten", now)
        } else {
            ("deleted", String::new())
        };
        let then = dated(self.row.mtime());
        format!("{what}; the content that the baseline states is still in the image{then}{now}")
    }
}

/// A time that a file system stores, as people read it.
fn date(seconds: i64) -> Option<String> {
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.to_string())
}
