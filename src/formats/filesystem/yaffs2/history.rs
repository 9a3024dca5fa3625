//! What was overwritten or deleted and still stands in pages that no one has erased, where it is there in full.

use std::collections::BTreeSet;

use super::geometry::Layout;
use super::header::{Kind, LOST_AND_FOUND, ROOT};
use super::object::{State, replay};
use super::scan::{Pages, Record, Scan};
use super::tree::{Objects, Walked, is_whole};
use crate::budget::Budget;
use crate::entry::{EntryPath, Superseded};
use crate::problem::Problem;
use crate::read::index;

/// So many older contents of one file are told, the newest of them.
const MOST: usize = 32;

/// So many points of the log of one file are looked at, the newest of them.
const LOOKED_AT: usize = 256;

/// Older contents, and the states of files that are told.
#[derive(Default)]
pub(super) struct History {
    pub(super) found: Vec<Superseded>,
    pub(super) told: Vec<State>,
    pub(super) limit: Option<Problem>,
}

/// Finds the older contents of all files.
pub(super) fn find(
    objects: &Objects<'_>,
    scan: &Scan,
    walked: &Walked,
    checked: bool,
    budget: &Budget,
) -> History {
    let pages = objects.pages;
    let mut history = History::default();
    for (object, &log) in &objects.logs {
        let current = objects.current.get(object);
        if !walked.paths.contains_key(object) && current.is_some() {
            continue;
        }
        let shadowed = scan.shadowed.contains_key(object);
        for (state, why) in past(pages, log, current, shadowed) {
            let Some(header) = state
                .header(pages)
                .filter(|header| header.kind == Kind::File)
            else {
                continue;
            };
            let parent = known(objects, walked, header.parent);
            if let Err(limit) = budget.spend_entry(&parent, header.name) {
                history.limit = Some(limit);
                return history;
            }
            history.found.push(Superseded {
                path: parent.join(header.name),
                mtime: Some(header.mtime.into()),
                why,
                file: state.clone().file(pages, checked),
            });
            history.told.push(state);
        }
    }
    history
}

/// The path of a directory that may be gone.
fn known(objects: &Objects<'_>, walked: &Walked, directory: u32) -> EntryPath {
    let mut names: Vec<Vec<u8>> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = directory;
    let base = loop {
        if let Some(path) = walked.paths.get(&at) {
            break path.clone();
        }
        let header = objects
            .logs
            .get(&at)
            .and_then(|log| last_header(objects.pages, log));
        match header.filter(|_| seen.insert(at)) {
            Some((name, parent)) if !matches!(at, ROOT | LOST_AND_FOUND) => {
                names.push(name);
                at = parent;
            }
            _ => {
                break EntryPath::root()
                    .join(b"lost+found")
                    .join(format!("obj{at}").as_bytes());
            }
        }
    };
    names.iter().rev().fold(base, |path, name| path.join(name))
}

/// Name and parent of an object by its newest header from before it was deleted.
fn last_header(pages: &Pages, log: &[Record]) -> Option<(Vec<u8>, u32)> {
    let headers = log.iter().rev().filter(|record| record.number == 0);
    headers
        .filter_map(|record| pages.header(record.page))
        .find(|header| !header.is_gone())
        .map(|header| (header.name.to_vec(), header.parent))
}

/// The older states of a file that differ from what came after them, from new to old, and what became of each.
fn past(
    pages: &Pages,
    log: &[Record],
    current: Option<&State>,
    shadowed: bool,
) -> Vec<(State, &'static str)> {
    if pages.geometry.layout == Layout::One {
        return deleted_one(pages, log, current).into_iter().collect();
    }
    let (mut found, mut looked) = (Vec::new(), 0_usize);
    // What the file became, as far as it is known: first of all nothing, or what it is today.
    let mut next = current.cloned();
    let mut why = if shadowed {
        "replaced by another file of that name"
    } else {
        "deleted"
    };
    for (last, record) in log.iter().enumerate().rev() {
        let end = last.saturating_add(1);
        let follows = log.get(end);
        let closes =
            record.number == 0 || follows.is_some_and(|next| next.number == 0 && cuts(pages, next));
        if !closes {
            continue;
        }
        looked = looked.saturating_add(1);
        if found.len() >= MOST || looked > LOOKED_AT {
            break;
        }
        let state = replay(pages, log.get(..end).unwrap_or_default());
        let Some(header) = state.header(pages) else {
            continue;
        };
        if header.is_gone() {
            continue;
        }
        let lost = match &next {
            None => state.size > 0,
            Some(next) => state.size > 0 && changed(pages, &state, next),
        };
        let whole = is_whole(&state, pages);
        if lost && whole {
            let became = match &next {
                Some(next) if next.size > 0 && !follows.is_some_and(|next| cuts(pages, next)) => {
                    "written over"
                }
                Some(_) => "truncated and written anew",
                None => why,
            };
            found.push((state.clone(), became));
        }
        if whole || state.size == 0 {
            next = Some(state);
            why = "written over";
        }
    }
    found
}

/// Whether a header cuts its file down.
fn cuts(pages: &Pages, record: &Record) -> bool {
    let header = pages.header(record.page);
    record.number == 0
        && (record.shrink || header.is_some_and(|header| header.shrink || header.is_gone()))
}

/// Whether a later state lacks or changed bytes of an earlier one; what was only appended to is all still there.
fn changed(pages: &Pages, earlier: &State, later: &State) -> bool {
    later.size < earlier.size
        || earlier.pieces.iter().any(|(number, &(page, bytes))| {
            let kept = later.pieces.get(number);
            kept.is_none_or(|&(other, _)| {
                let range = ..index(bytes.into());
                other != page && pages.data(page).get(range) != pages.data(other).get(range)
            })
        })
}

/// A deleted file of YAFFS1, whose pages say nothing of their order: told where each of its pieces is there only once.
fn deleted_one(
    pages: &Pages,
    log: &[Record],
    current: Option<&State>,
) -> Option<(State, &'static str)> {
    if current.is_some() {
        return None;
    }
    let mut numbers = BTreeSet::new();
    let mut header = None;
    let mut old = Vec::new();
    for record in log {
        if record.number > 0 {
            numbers.insert(record.number).then_some(())?;
            old.push(Record { age: 1, ..*record });
        } else if pages
            .header(record.page)
            .is_some_and(|header| !header.is_gone() && header.size > 0)
        {
            header = Some(Record { age: 1, ..*record });
        }
    }
    old.push(header?);
    let state = replay(pages, &old);
    (state.size > 0 && is_whole(&state, pages)).then_some((state, "deleted"))
}
