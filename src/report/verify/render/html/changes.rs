//! What changed, as a tree: component, folder, entry; and what was overwritten, along time.

use std::collections::BTreeMap;

use super::summary::section;
use super::write::Html;
use crate::baseline::change::Value;
use crate::report::text;
use crate::report::verify::render::answer;
use crate::report::verify::render::terminal::description;
use crate::report::verify::{ChangeRow, CheckedRow, History, Report};

/// The components, with what changed in each.
pub(super) fn changes(report: &Report, most: usize, html: &mut Html) {
    if report.checked.is_empty() && report.changes.is_empty() {
        return;
    }
    section(html, "changes", "What changed", |html| {
        if report.changes.is_empty() {
            html.leaf("p", &[], "Nothing.");
        }
        let mut left = most;
        html.within("ul", &[("class", "tree")], |html| {
            for row in &report.checked {
                let own = report.changes.iter();
                let own = own.filter(|change| change.component.as_ref() == Some(&row.component));
                component(row, &own.collect::<Vec<_>>(), &mut left, html);
            }
            let known = |change: &&ChangeRow| {
                let name = change.component.as_ref();
                !report
                    .checked
                    .iter()
                    .any(|row| name == Some(&row.component))
            };
            let rest: Vec<&ChangeRow> = report.changes.iter().filter(known).collect();
            if !rest.is_empty() {
                html.within("li", &[], |html| {
                    html.leaf("b", &[], "In no component that was compared");
                    entries(&rest, &mut left, html);
                });
            }
        });
        let shown = most.saturating_sub(left);
        folded(report.changes.len(), shown, html);
    });
}

fn component(row: &CheckedRow, changes: &[&ChangeRow], left: &mut usize, html: &mut Html) {
    let class = if changes.is_empty() {
        "same"
    } else {
        "changed"
    };
    html.within("li", &[("class", class)], |html| {
        html.leaf("b", &[], &row.component);
        let mutable = match row.mutable {
            0 => String::new(),
            mutable => format!(", {mutable} may change"),
        };
        let as_expected = format!(" {} of {} as expected{mutable} ", row.matched, row.compared);
        html.text(&as_expected);
        if let Some(place) = &row.place {
            html.leaf("code", &[], place);
        }
        if !changes.is_empty() {
            entries(changes, left, html);
        }
    });
}

/// Changes by the folder that they are in.
fn entries(changes: &[&ChangeRow], left: &mut usize, html: &mut Html) {
    let mut folders: BTreeMap<&str, Vec<&ChangeRow>> = BTreeMap::new();
    for change in changes.iter().take(*left) {
        let path = change.path.as_deref().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder).or_default().push(change);
    }
    *left = left.saturating_sub(changes.len().min(*left));
    html.within("ul", &[], |html| {
        for (folder, changes) in folders {
            if folder.is_empty() {
                for change in changes {
                    entry(change, html);
                }
                continue;
            }
            html.within("li", &[], |html| {
                html.leaf("code", &[], &format!("{folder}/"));
                html.within("ul", &[], |html| {
                    for change in changes {
                        entry(change, html);
                    }
                });
            });
        }
    });
}

fn entry(change: &ChangeRow, html: &mut Html) {
    let word = answer::kind(change.kind);
    let class = format!(
        "kind {}",
        if word == "not covered" {
            "uncovered"
        } else {
            word
        }
    );
    let name = match (&change.path, &change.place) {
        (Some(path), _) => path.rsplit('/').next().unwrap_or(path),
        (None, Some(place)) if place.is_empty() => "the image",
        (None, Some(place)) => place,
        (None, None) => "all of it",
    };
    html.within("li", &[], |html| {
        html.leaf("span", &[("class", &class)], word);
        html.text(" ");
        html.leaf("code", &[], name);
        let mut notes: Vec<String> = Vec::new();
        let said = description(change);
        if change.fields.is_empty() && !said.is_empty() {
            notes.push(said);
        }
        notes.extend(change.explanation.iter().cloned());
        if !notes.is_empty() {
            html.leaf(
                "span",
                &[("class", "note")],
                &format!(" {}", notes.join("; ")),
            );
        }
        if !change.fields.is_empty() {
            html.within("ul", &[("class", "fields")], |html| {
                for field in &change.fields {
                    let side = |value: Option<&Value>| {
                        value.map_or_else(|| "none".to_owned(), text::value)
                    };
                    let (expected, found) = (
                        side(change.expected.get(field)),
                        side(change.found.get(field)),
                    );
                    let line = format!("{field}: expected {expected}, found {found}");
                    html.leaf("li", &[], &line);
                }
            });
        }
    });
}

/// Says how many rows are not shown.
pub(super) fn folded(all: usize, shown: usize, html: &mut Html) {
    if let Some(more) = all.checked_sub(shown)
        && more > 0
    {
        let line = format!("... and {more} more; --verbose shows all, and so does --format json");
        html.leaf("p", &[("class", "folded")], &line);
    }
}

/// What was overwritten, with its time and that of what stands there now.
pub(super) fn history(report: &Report, most: usize, html: &mut Html) {
    if report.history.is_empty() {
        return;
    }
    section(
        html,
        "history",
        "Overwritten or deleted, and still there",
        |html| {
            let mut rows: Vec<&History> = report.history.iter().collect();
            rows.sort_by_key(|older| (!older.is_lost, older.row.mtime));
            for older in rows.iter().take(most) {
                html.within("div", &[("class", "older")], |html| {
                    html.leaf("code", &[], &older.row.path);
                    html.within("ol", &[("class", "time")], |html| story(older, html));
                });
            }
            folded(rows.len(), most.min(rows.len()), html);
            let caution = "Dates are those that the file system stores; whoever wrote the file could set them.";
            html.leaf("p", &[("class", "note")], caution);
        },
    );
}

fn story(older: &History, html: &mut Html) {
    let dated = |seconds: Option<i64>| {
        let time = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        time.map_or_else(|| "no date".to_owned(), |time| time.to_string())
    };
    let what = if older.is_baseline {
        "the content that the baseline states"
    } else {
        "an older content"
    };
    let then = format!("{what}, {}: {}", text::size(older.row.size), older.row.why);
    let now = match (older.is_present, older.is_lost) {
        (true, true) => "another content stands there now",
        (true, false) => "what stands there now",
        (false, _) => "nothing stands there now",
    };
    let mut points = vec![(dated(older.row.mtime), then)];
    let time = if older.is_present {
        dated(older.current_mtime)
    } else {
        "now".to_owned()
    };
    points.push((time, now.to_owned()));
    for (time, what) in points {
        html.within("li", &[], |html| {
            html.leaf("b", &[], &time);
            html.text(&format!(" {what}"));
        });
    }
}
