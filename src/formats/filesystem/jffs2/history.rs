//! What was overwritten or deleted and still stands in the log, where it is there in full.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::body::{Dirent, Inode};
use super::content;
use super::inode::{Inodes, view};
use super::tree::{Names, REGULAR, file_type};
use crate::budget::Budget;
use crate::entry::{EntryPath, Superseded};
use crate::problem::Problem;

/// Older contents, and the inodes that are told in full.
#[derive(Default)]
pub(super) struct History {
    pub(super) found: Vec<Superseded>,
    /// Nameless inodes whose every content is in `found`.
    pub(super) told: BTreeSet<u32>,
    pub(super) limit: Option<Problem>,
}

/// Finds the older contents of all regular files. `paths` are the inodes that have a name today.
pub(super) fn find(
    image: &Bytes,
    inodes: &Inodes,
    dirents: &[Dirent],
    names: &Names,
    paths: &BTreeMap<u32, EntryPath>,
    budget: &Budget,
) -> History {
    let mut known: BTreeMap<u32, &Dirent> = BTreeMap::new();
    for dirent in dirents {
        known.insert(dirent.ino, dirent);
    }
    let mut history = History::default();
    for nodes in inodes.groups() {
        let Some(newest) = nodes.last().filter(|node| file_type(node) == REGULAR) else {
            continue;
        };
        let lives = lives(nodes);
        let (path, why, past) = if let Some(path) = paths.get(&newest.ino) {
            let past = lives.len().saturating_sub(1);
            let past = lives.get(..past).unwrap_or_default();
            (path.clone(), "truncated and written anew", past)
        } else {
            let (path, why) = lost(newest.ino, known.get(&newest.ino).copied(), names, paths);
            (path, why, lives.as_slice())
        };
        let mut whole = true;
        for life in past {
            let view = view(life);
            if view.size == 0 {
                continue;
            }
            if view.missing.is_some() {
                whole = false;
                continue;
            }
            if let Err(limit) = budget.spend_entry(&path, &[]) {
                history.limit = Some(limit);
                return history;
            }
            history.found.push(Superseded {
                path: path.clone(),
                mtime: life.last().map(|node| node.mtime.into()),
                why,
                file: content::file(image, view),
            });
        }
        if whole {
            history.told.insert(newest.ino);
        }
    }
    history
}

/// The nodes of an inode, oldest first, cut where the file was emptied.
fn lives(nodes: &[Inode]) -> Vec<&[Inode]> {
    let mut lives: Vec<&[Inode]> = Vec::new();
    let mut left = nodes;
    while let Some(emptied) = left
        .iter()
        .skip(1)
        .position(|node| node.isize == 0 && node.dsize == 0)
    {
        let (life, after) = left.split_at(emptied.saturating_add(1));
        lives.push(life);
        left = after;
    }
    lives.push(left);
    lives
}

/// Under what path an inode without a name was known, and why it is no longer.
fn lost(
    ino: u32,
    known: Option<&Dirent>,
    names: &Names,
    paths: &BTreeMap<u32, EntryPath>,
) -> (EntryPath, &'static str) {
    let nowhere = EntryPath::root().join(b"lost+found");
    let Some(known) = known else {
        return (
            nowhere.join(format!("#{ino}").as_bytes()),
            "no directory entry names it",
        );
    };
    let parent = paths.get(&known.parent);
    let path = match parent {
        Some(parent) => parent.join(&known.name),
        None => nowhere
            .join(format!("#{}", known.parent).as_bytes())
            .join(&known.name),
    };
    let why = match names.get(known.parent, &known.name) {
        Some(now) if now.ino == 0 => "deleted",
        Some(now) if now.ino != ino => "replaced by another file of that name",
        _ if parent.is_none() => "its directory is gone",
        _ => "its name was made obsolete",
    };
    (path, why)
}
