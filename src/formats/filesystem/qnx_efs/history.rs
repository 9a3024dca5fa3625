//! What was overwritten or deleted and still stands in units that no one has reclaimed.
//!
//! An extent of a file that was overwritten is superseded, and so is the entry of a file that was changed. A file that was deleted
//! has an entry that no directory leads to: what came before it in its directory is superseded by what leads on behind it.

use std::collections::{BTreeMap, BTreeSet};

use super::extents::{Extent, KIND_DIRECTORY, KIND_FILE, KIND_IN_PLACE};
use super::record::Record;
use super::volume::Pointer;
use super::walk::Walk;
use crate::entry::{EntryPath, Superseded};
use crate::read::length;

/// So many older contents of one file are told.
const MOST: usize = 16;
/// What an extent of an older content takes of memory here, in bytes.
const HELD: u64 = 24;

impl Walk<'_> {
    /// Adds older contents.
    pub(super) fn older(&mut self) {
        let mut deleted = Vec::new();
        let mut told: BTreeSet<Vec<usize>> = BTreeSet::new();
        let parents = self.parents();
        let numbers = self.extents.all.iter().enumerate();
        let entries: Vec<usize> = numbers
            .filter(|(_, extent)| {
                extent.kind() == KIND_DIRECTORY && extent.len > 0 && !extent.is_free()
            })
            .map(|(number, _)| number)
            .collect();
        for number in entries {
            let Some(record) = self.record(number) else {
                continue;
            };
            if record.mode.is_none_or(|mode| mode & 0o170_000 != 0o100_000) {
                continue;
            }
            let current = self.extents.current(number);
            let path = current.and_then(|current| self.paths.get(&current).cloned());
            match path {
                Some(path) => self.versions(&record, &path, &mut told),
                // The newest entry of a file that no directory leads to.
                None if current == Some(number) => deleted.push((number, record)),
                None => {}
            }
            if self.harvest.was_stopped() {
                return;
            }
        }
        let mut unreadable = 0_u64;
        for (number, record) in deleted {
            let parent = parents
                .get(&number)
                .and_then(|parent| self.paths.get(parent));
            let (path, why) = match parent {
                Some(parent) => (parent.join(&record.name), "deleted"),
                None => (
                    EntryPath::root().join(&record.name),
                    "deleted; its directory is not known",
                ),
            };
            match self.deleted_chain(&record) {
                Deleted::Whole(chain) => {
                    for &part in &chain {
                        if let Some(taken) = self.taken.get_mut(part) {
                            *taken = true;
                        }
                    }
                    self.push(&chain, &path, &record, why);
                }
                Deleted::Moved => {}
                Deleted::Broken => unreadable = unreadable.saturating_add(1),
            }
            if self.harvest.was_stopped() {
                return;
            }
        }
        self.count(unreadable);
    }

    /// The directories in which entries stood that none leads to now: by the entry, the extent that names the directory.
    fn parents(&self) -> BTreeMap<usize, usize> {
        // The directory that each extent that counts is part of.
        let mut above = BTreeMap::new();
        let directories = self.paths.keys().copied();
        let mut leads: Vec<(Pointer, usize)> = Vec::new();
        for directory in directories {
            let Some(record) = self.peek(directory).filter(Record::is_directory) else {
                continue;
            };
            let mut next = Some(record.first);
            let mut steps = self.extents.all.len();
            while let Some(number) = next
                .and_then(|pointer| self.extents.find(pointer))
                .and_then(|found| self.extents.current(found))
            {
                if above.insert(number, directory).is_some() || steps == 0 {
                    break;
                }
                steps = steps.saturating_sub(1);
                next = self.extents.all.get(number).and_then(Extent::next);
            }
        }
        for (number, extent) in self.extents.all.iter().enumerate() {
            if extent.kind() != KIND_DIRECTORY || extent.is_free() {
                continue;
            }
            let Some(current) = self.extents.current(number) else {
                continue;
            };
            // What came behind an extent of the directory, and what a directory started with.
            if let (Some(&directory), Some(next)) = (above.get(&current), extent.next()) {
                leads.push((next, directory));
            }
            if let Some(record) = self.peek(number).filter(Record::is_directory)
                && self.paths.contains_key(&current)
            {
                leads.push((record.first, current));
            }
        }
        let mut parents = BTreeMap::new();
        for (pointer, directory) in leads {
            let found = self.extents.find(pointer);
            if let Some(found) = found.and_then(|found| self.extents.current(found))
                && !self.paths.contains_key(&found)
            {
                parents.entry(found).or_insert(directory);
            }
        }
        parents
    }

    /// The older contents of a file that is still there: each extent as it was before it was superseded so many times.
    fn versions(&mut self, record: &Record, path: &EntryPath, told: &mut BTreeSet<Vec<usize>>) {
        for hops in 0..=MOST {
            let Some((chain, goes_on)) = self.version(record, hops) else {
                return;
            };
            let counts = |&number: &usize| self.taken.get(number) == Some(&true);
            if !chain.iter().all(counts) && told.insert(chain.clone()) {
                self.push(&chain, path, record, "superseded");
            }
            if !goes_on {
                return;
            }
        }
    }

    /// The chain of a file in which no more than `hops` newer extents are followed from each, and whether there are more; none
    /// where it is not all there.
    fn version(&mut self, record: &Record, hops: usize) -> Option<(Vec<usize>, bool)> {
        let (mut chain, mut goes_on) = (Vec::new(), false);
        let mut seen = BTreeSet::new();
        let mut next = Some(record.first).filter(|first| first.unit != 0xffff);
        while let Some(pointer) = next {
            let mut number = self.extents.find(pointer)?;
            for _ in 0..hops {
                match self.extents.superseding(number) {
                    Some(newer) => number = newer,
                    None => break,
                }
            }
            goes_on |= self.extents.superseding(number).is_some();
            let extent = *self.extents.all.get(number)?;
            let fits = matches!(extent.kind(), KIND_FILE | KIND_IN_PLACE) && !extent.is_free();
            if !fits || !seen.insert(number) || !self.harvest.hold(HELD) {
                return None;
            }
            chain.push(number);
            next = extent.next();
        }
        Some((chain, goes_on))
    }

    /// The chain of a file whose entry no directory leads to.
    fn deleted_chain(&mut self, record: &Record) -> Deleted {
        let Some((chain, _)) = self.version(record, MOST) else {
            return Deleted::Broken;
        };
        let taken = |&number: &usize| self.taken.get(number) == Some(&true);
        if !chain.is_empty() && chain.iter().all(taken) {
            // It has another name now.
            Deleted::Moved
        } else if chain.iter().any(taken) {
            Deleted::Broken
        } else {
            Deleted::Whole(chain)
        }
    }

    fn push(&mut self, chain: &[usize], path: &EntryPath, record: &Record, why: &'static str) {
        if !self.harvest.has_room(length(path.as_bytes())) {
            return;
        }
        let pieces = self.pieces(chain);
        let file = self.scattered(pieces).into_file();
        self.harvest.push_older(Superseded {
            path: path.clone(),
            mtime: record.meta.mtime,
            why,
            file,
        });
    }

    /// Says how many extents of files are neither part of what counts nor of what is told.
    fn count(&mut self, unreadable: u64) {
        let all = self.extents.all.iter();
        let deleted = all.clone().filter(|extent| extent.is_deleted()).count();
        let superseded = all
            .filter(|extent| !extent.is_free() && extent.is_superseded())
            .count();
        let properties = &mut self.harvest.properties;
        for (name, count) in [
            ("extents.deleted", deleted.to_string()),
            ("extents.superseded", superseded.to_string()),
            ("deleted-files-not-whole", unreadable.to_string()),
        ] {
            if count != "0" {
                properties.set(name, count);
            }
        }
    }
}

/// What is left of a deleted file.
enum Deleted {
    Whole(Vec<usize>),
    Moved,
    Broken,
}
