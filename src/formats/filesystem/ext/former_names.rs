//! The names of the past: what copies of directory blocks in the journal called an inode.

use std::collections::{BTreeMap, BTreeSet};

use super::copies::{Copies, Copy};
use super::directory::{Slots, leaf_checksum};
use super::inode::Mapping;
use super::survey::{Use, survey};
use super::volume::Volume;
use super::walk::Walk;
use crate::entry::EntryPath;
use crate::formats::filesystem::account::Account;
use crate::read::length;

/// The directory that a copied block belongs to: its path, and what checksums of its blocks start with.
pub(super) type Home = (EntryPath, u32);

/// Names of one inode that are kept.
const NAMES: usize = 64;
/// How often names are looked for in directories that were found by their names: how deep they can lie.
const DEPTH: usize = 64;

/// A name, and when it was seen.
struct Seen {
    first: i32,
    last: i32,
    path: EntryPath,
}

impl Seen {
    /// How far from the times at which the name was seen some time is.
    fn distance(&self, when: i32) -> u32 {
        if when < self.first {
            self.first.abs_diff(when)
        } else if when > self.last {
            self.last.abs_diff(when)
        } else {
            0
        }
    }
}

/// Paths of inodes, those of directories apart.
#[derive(Default)]
pub(super) struct Names {
    files: BTreeMap<u32, Vec<Seen>>,
    directories: BTreeMap<u32, Vec<Seen>>,
}

impl Names {
    /// What the file with inode `number` was called at some time.
    pub(super) fn of_file(&self, number: u32, when: i32) -> Option<&EntryPath> {
        nearest(self.files.get(&number)?, when)
    }
}

fn nearest(seen: &[Seen], when: i32) -> Option<&EntryPath> {
    let nearest = seen.iter().min_by_key(|seen| seen.distance(when))?;
    Some(&nearest.path)
}

impl Walk<'_> {
    /// Reads the copies of the blocks of all directories that are there, and of those that they named.
    pub(super) fn former_names(
        &mut self,
        volume: &Volume,
        copies: &Copies,
        directories: &[(u32, i32, Mapping)],
    ) -> Names {
        let mut names = Names::default();
        let mut done = BTreeSet::new();
        let mut pending = std::mem::take(&mut self.copied_directories);
        // A block belongs to few directories in its time: where many claim it, they share it.
        let mut reads = copies.len().saturating_mul(4);
        let mut left = volume.block.block_count.saturating_mul(4);
        for _ in 0..DEPTH {
            for (block, home) in std::mem::take(&mut pending) {
                for copy in copies.of(block) {
                    let Some(fewer) = reads.checked_sub(1) else {
                        return names;
                    };
                    reads = fewer;
                    self.copied_names(volume, *copy, &home, &mut names);
                }
            }
            for (index, (number, when, mapping)) in directories.iter().enumerate() {
                let seen = names.directories.get(number);
                let path = seen.and_then(|seen| nearest(seen, *when));
                if let Some(path) = path.filter(|_| done.insert(index)) {
                    let blocks = copied_blocks(volume, mapping, copies, &mut left);
                    pending.extend(blocks.map(|block| (block, (path.clone(), mapping.seed))));
                }
            }
            if pending.is_empty() {
                break;
            }
        }
        names
    }

    /// Takes the names of one copied block.
    fn copied_names(
        &mut self,
        volume: &Volume,
        copy: Copy,
        (path, seed): &Home,
        names: &mut Names,
    ) {
        let raw = volume.block(copy.from).unwrap_or_default();
        if volume.block.metadata_csum() && leaf_checksum(raw, *seed) != Some(true) {
            return;
        }
        let mut slots = Slots::new(raw, 0);
        let _ = slots.by_ref().count();
        if slots.broken.is_some() {
            return;
        }
        for slot in Slots::new(raw, 0) {
            // The type of the file behind the length of its name, where the file system keeps it.
            let known = match slot.raw.get(7) {
                _ if slot.inode == 0 || !is_name(slot.name) => continue,
                Some(0) => [Some(&mut names.files), Some(&mut names.directories)],
                Some(1) => [Some(&mut names.files), None],
                Some(2) => [None, Some(&mut names.directories)],
                _ => continue,
            };
            for known in known.into_iter().flatten() {
                let known = known.entry(slot.inode).or_default();
                let child = path.join(slot.name);
                if let Some(seen) = known.iter_mut().find(|seen| seen.path == child) {
                    seen.first = seen.first.min(copy.when);
                    seen.last = seen.last.max(copy.when);
                // Without room for more names files are shown without them.
                } else if known.len() < NAMES && self.charge(length(child.as_bytes())).is_ok() {
                    known.push(Seen {
                        first: copy.when,
                        last: copy.when,
                        path: child,
                    });
                }
            }
        }
    }
}

fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && !name.contains(&0)
}

/// The blocks of an older directory of which there are copies.
fn copied_blocks<'a>(
    volume: &Volume,
    mapping: &Mapping,
    copies: &'a Copies,
    left: &mut u64,
) -> impl Iterator<Item = u64> + use<'a> {
    let mut maps = Account::default();
    let found = survey(volume, mapping, Use::Blocks, &mut maps, left);
    let blocks = |run: super::map::Run| run.block..run.block.saturating_add(run.count);
    let blocks = found.runs.into_iter().flat_map(blocks);
    blocks.filter(|&block| !copies.of(block).is_empty())
}
