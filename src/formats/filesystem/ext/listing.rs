//! Reading one directory: its blocks, or its inode where it is small, into names.

use std::fmt::Write as _;

use super::attributes::Behind;
use super::deleted::lost_names;
use super::directory::{Index, Slot, Slots, leaf_checksum};
use super::inode::{Inode, MAP, MAP_AT};
use super::survey::Use;
use super::volume::Volume;
use super::walk::Walk;
use crate::entry::{EntryPath, name_problem};
use crate::problem::{Problem, ProblemKind};
use crate::read::{index, length};

/// Where entries stand.
struct Place {
    /// The first of their bytes, from the region's start.
    at: u64,
    /// Whether they are the first of their directory, so that it names itself and its parent among them.
    first: bool,
    /// Whether their bytes are still to be named.
    naming: bool,
}

impl Walk<'_> {
    /// Makes an entry of every name in a directory.
    pub(super) fn directory(
        &mut self,
        volume: &Volume,
        path: &EntryPath,
        inode: &Inode,
        behind: &Behind,
    ) {
        let first = self.entries.len();
        if inode.is_inline() {
            self.inline_directory(volume, path, inode, behind);
        } else {
            self.directory_blocks(volume, path, inode);
        }
        self.tell_twins(first);
    }

    /// Reads the entries in the map's place (behind the parent's number) and those behind the inode. Their bytes are named with the inode.
    fn inline_directory(
        &mut self,
        volume: &Volume,
        path: &EntryPath,
        inode: &Inode,
        behind: &Behind,
    ) {
        let in_map = (
            inode.at.saturating_add(MAP_AT).saturating_add(4),
            MAP.saturating_sub(4),
        );
        for (at, len) in [Some(in_map), behind.inline].into_iter().flatten() {
            let raw = volume.bytes(at, len).unwrap_or_default();
            let place = Place {
                at,
                first: false,
                naming: false,
            };
            if !self.names(volume, path, inode, Slots::new(raw, 0), &place) {
                return;
            }
        }
    }

    fn directory_blocks(&mut self, volume: &Volume, path: &EntryPath, inode: &Inode) {
        let found = self.survey(volume, &inode.mapping, Use::Blocks);
        for problem in found.problems.into_iter().chain(found.refused) {
            self.tell(problem.about(path));
        }
        let mut next = 0;
        for run in found.runs {
            if run.logical != next {
                let detail = format!("block {next} of the directory is missing");
                self.tell(Problem::corrupt(detail).about(path));
            }
            next = run.logical.saturating_add(run.count);
            for step in 0..run.count {
                let block = run.block.saturating_add(step);
                let Some(raw) = volume.block(block) else {
                    let detail = format!("block {block} of the directory lies outside the image");
                    self.tell(Problem::corrupt(detail).about(path));
                    return;
                };
                let first = run.logical == 0 && step == 0;
                if !self.directory_block(volume, path, inode, (block, raw, first)) {
                    return;
                }
            }
        }
        if next < inode.mapping.size.div_ceil(volume.block.block_size.max(1)) {
            let detail = format!("block {next} of the directory is missing");
            self.tell(Problem::corrupt(detail).about(path));
        }
    }

    /// Reads one block, of which is known whether it is the directory's first.
    fn directory_block(
        &mut self,
        volume: &Volume,
        path: &EntryPath,
        inode: &Inode,
        (block, raw, first): (u64, &[u8], bool),
    ) -> bool {
        let at = volume.at(block);
        if !self.copies.of(block).is_empty() && !inode.encrypted() {
            // Without room for more names files are shown without them.
            if self.charge(length(path.as_bytes())).is_ok() {
                let home = (path.clone(), inode.mapping.seed);
                self.copied_directories.push((block, home));
            }
        }
        let sums = volume.block.metadata_csum();
        let index = Index::of(raw, first, sums).filter(|_| inode.indexed());
        let sound = match index {
            Some(index) => index.is_sound(raw, inode.mapping.seed),
            None => leaf_checksum(raw, inode.mapping.seed),
        };
        if sums && sound != Some(true) {
            let detail = format!("the checksum of directory block {block} does not hold");
            self.tell(Problem::checksum(detail).at(at).about(path));
        }
        let Some(index) = index else {
            let after_name = if inode.encrypted() && inode.casefolded() {
                8
            } else {
                0
            };
            let place = Place {
                at,
                first,
                naming: true,
            };
            return self.names(volume, path, inode, Slots::new(raw, after_name), &place);
        };
        let (body, tail_at) = index.body(raw);
        self.account.padded(at, body, index.used, 0);
        let tail = raw.get(body.len()..).unwrap_or_default();
        self.account.padded(at.saturating_add(tail_at), tail, 8, 0);
        true
    }

    /// Makes the entries of the names that stand at `at`. Returns whether the walk may go on.
    fn names(
        &mut self,
        volume: &Volume,
        path: &EntryPath,
        inode: &Inode,
        mut slots: Slots<'_>,
        place: &Place,
    ) -> bool {
        let mut slot_at = place.at;
        for (number, slot) in slots.by_ref().enumerate() {
            let sums = volume.block.metadata_csum();
            let is_checksum =
                sums && slot.inode == 0 && slot.raw.len() == 12 && slot.raw.get(7) == Some(&0xde);
            if place.naming {
                let used = if is_checksum { 12 } else { slot.used };
                self.account.padded(slot_at, slot.raw, used, 0);
            }
            slot_at = slot_at.saturating_add(length(slot.raw));
            self.lost(volume, path, inode, &slot);
            let itself = place.first && matches!((number, slot.name), (0, b".") | (1, b".."));
            if slot.inode == 0 || itself {
                continue;
            }
            let child = self.child(path, inode, slot.name);
            if !self.entry(volume, child, slot.inode) {
                return false;
            }
        }
        if let Some(detail) = slots.broken {
            self.tell(Problem::corrupt(detail).at(slot_at).about(path));
        }
        true
    }

    /// Remembers the names of deleted files that stand behind a name.
    fn lost(&mut self, volume: &Volume, path: &EntryPath, inode: &Inode, slot: &Slot<'_>) {
        let slack = slot.raw.get(index(slot.used)..).unwrap_or_default();
        if slack.is_empty() || inode.encrypted() {
            return;
        }
        for (number, name) in lost_names(slack, volume.block.inode_count) {
            let lost = path.join(name);
            // Without room for more names files are shown without them.
            if self.charge(length(lost.as_bytes())).is_ok() {
                self.lost_names.entry(number).or_insert(lost);
            }
        }
    }

    /// The path of a name, told where it is none that a directory can hold.
    fn child(&mut self, path: &EntryPath, inode: &Inode, name: &[u8]) -> EntryPath {
        if inode.encrypted() {
            // Any byte can stand in an encrypted name, also those that separate names.
            let mut hex = String::new();
            for byte in name {
                let _ = write!(hex, "{byte:02x}");
            }
            return path.join(hex.as_bytes());
        }
        let child = path.join(name);
        let problem = match name {
            b"" | b"." => Some("a name that is no name"),
            _ if name.contains(&b'/') => Some("a name with a slash in it; read as a path"),
            _ if name.contains(&0) => Some("a name with a zero byte in it"),
            _ => None,
        };
        if let Some(detail) = problem {
            self.tell(Problem::new(ProblemKind::Name, detail).about(&child));
        }
        if name == b".."
            && let Some(problem) = name_problem(name, &child)
        {
            self.tell(problem);
        }
        child
    }

    /// Tells names that stand twice among the entries from `first`: the kernel shows one of them alone.
    fn tell_twins(&mut self, first: usize) {
        let mut paths: Vec<&EntryPath> = self
            .entries
            .iter()
            .skip(first)
            .map(|entry| &entry.path)
            .collect();
        paths.sort_unstable();
        let twins: Vec<EntryPath> = paths
            .windows(2)
            .filter_map(|pair| match pair {
                [one, other] if one == other => Some((*one).clone()),
                _ => None,
            })
            .collect();
        for path in twins {
            let problem = Problem::new(ProblemKind::Name, "the name stands twice in its directory");
            self.tell(problem.about(&path));
        }
    }
}
