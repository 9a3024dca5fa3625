//! Deleted files whose inodes still say where their contents are. Only those are shown of which every block is still free, so
//! that nothing was written over them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::inode::{Inode, Sort};
use super::map::Run;
use super::service::{bits, word};
use super::survey::{Use, survey};
use super::taken::Taken;
use super::volume::Volume;
use super::walk::Walk;
use crate::entry::{EntryPath, File, Superseded};
use crate::formats::Span;
use crate::formats::filesystem::account::Account;
use crate::read::Fields;

/// What of a deleted file is not certain, where a directory still tells its name.
const NAMED: &str = "deleted; its blocks were free when read; the name is what the slack of a directory says of its inode";
/// And where none does.
const NAMELESS: &str = "deleted; its blocks were free when read; its name is not known";

/// The deleted files of one image, and the bytes that show them.
#[derive(Default)]
pub(super) struct Deleted {
    /// Their contents, the last deleted first.
    pub(super) history: Vec<Superseded>,
    /// Their contents, maps and inodes in the region.
    pub(super) spans: Vec<Span>,
    /// The bytes of these contents and maps.
    pub(super) taken: Taken,
    /// The inodes in the inode table that were shown.
    pub(super) shown: BTreeSet<u32>,
}

impl Walk<'_> {
    /// Finds the deleted files, when all names are known.
    pub(super) fn deleted(&mut self) -> Deleted {
        let volume = Arc::clone(&self.volume);
        let mut found = Deleted::default();
        // Where a bit stands for several blocks, a free block is not told from a used one.
        if volume.block.cluster != 1 {
            return found;
        }
        let mut candidates = self.candidates(&volume);
        // What was deleted last was not written over by what was deleted before.
        candidates.sort_by_key(|(deleted, inode)| (std::cmp::Reverse(*deleted), inode.number));
        let mut left = volume.block.block_count.saturating_mul(4);
        for (_, inode) in candidates {
            if let Err(problem) = self.budget.spend_entries(1) {
                self.tell(problem);
                break;
            }
            let spans = content_spans(&volume, &inode, &mut left);
            let Some(spans) = spans.filter(|spans| are_free(&volume, spans, &found.taken)) else {
                continue;
            };
            for span in &spans {
                found.taken.add(span);
            }
            found.shown.insert(inode.number);
            let name = self.lost_names.remove(&inode.number);
            let why = if name.is_some() { NAMED } else { NAMELESS };
            let nameless = || EntryPath::new(format!("deleted inode {}", inode.number).as_bytes());
            found.history.push(Superseded {
                path: name.unwrap_or_else(nameless),
                mtime: inode.meta.mtime,
                why,
                file: File {
                    size: inode.mapping.size,
                    data: self.blocks(inode.mapping),
                },
            });
            found.spans.extend(spans);
            // What is behind the fields that every inode has are attributes, which are not shown.
            let fields = inode.extra.saturating_add(128);
            found.spans.push(Span::metadata(inode.at, fields));
        }
        found
    }

    /// Free inodes of regular files that were in use, with the time of their deletion.
    fn candidates(&self, volume: &Volume) -> Vec<(u32, Inode)> {
        let mut candidates = Vec::new();
        let per_group = volume.block.inodes_per_group;
        let mut first = 1_u32;
        for (group, reached) in volume.groups.iter().zip(&self.reached) {
            let bitmap = volume.block(group.inode_bitmap);
            let written = !group.inodes_unset && group.inode_table.is_some();
            if let Some(bitmap) = bitmap.filter(|_| written) {
                for number in 0..per_group.div_ceil(64) {
                    let at = usize::try_from(number).unwrap_or(usize::MAX);
                    let seen = reached.get(at).copied().unwrap_or(0);
                    let free = !(word(bitmap, at.saturating_mul(8)) | seen);
                    let start = number.saturating_mul(64);
                    let name = |bit: u32| first.saturating_add(start).saturating_add(bit);
                    let numbers = bits(free, per_group.saturating_sub(start)).map(name);
                    candidates.extend(numbers.filter_map(|number| candidate(volume, number)));
                }
            }
            first = first.saturating_add(per_group);
        }
        candidates
    }
}

/// The inode `number` with the time of its deletion, when it was a file with a content in blocks.
fn candidate(volume: &Volume, number: u32) -> Option<(u32, Inode)> {
    let raw = volume.bytes(volume.inode_at(number)?, volume.block.inode_size)?;
    let deleted = Fields::little(raw).u32(0x14).filter(|&time| time > 0)?;
    let inode = volume.inode(number).ok()?;
    let readable = inode.sort == Some(Sort::File)
        && inode.links == 0
        && inode.mapping.size > 0
        && inode.sound != Some(false)
        && !inode.is_inline()
        && !inode.encrypted()
        && !inode.compressed();
    readable.then_some((deleted, inode))
}

/// The bytes of a deleted file and of its map, when that is whole.
pub(super) fn content_spans(volume: &Volume, inode: &Inode, left: &mut u64) -> Option<Vec<Span>> {
    let mut maps = Account::default();
    let found = survey(volume, &inode.mapping, Use::Blocks, &mut maps, left);
    // A content without a block in it is one whose map was emptied.
    if found.refused.is_some() || !found.problems.is_empty() || found.runs.is_empty() {
        return None;
    }
    let (mut spans, twice) = maps.finish();
    // Of a map that does not stand in the inode alone a part may have been emptied, which then looks like a hole.
    if !spans.is_empty() && inode.blocks != Some(counted(volume, inode, &spans, &found.runs)) {
        return None;
    }
    spans.extend(found.runs.iter().map(|run| {
        let start = volume.at(run.logical);
        let len = inode.mapping.size.saturating_sub(start);
        Span::content(volume.at(run.block), volume.at(run.count).min(len))
    }));
    twice.is_none().then_some(spans)
}

/// The blocks that an inode with this map and content takes.
fn counted(volume: &Volume, inode: &Inode, maps: &[Span], runs: &[Run]) -> u64 {
    let size = volume.block.block_size.max(1);
    let blocks = |span: &Span| span.len.div_ceil(size);
    let attributes = u64::from(inode.xattr_block != 0);
    let counts = maps
        .iter()
        .map(blocks)
        .chain(runs.iter().map(|run| run.count));
    counts.fold(attributes, u64::saturating_add)
}

/// Whether all blocks of a deleted file are free and in no other deleted file.
pub(super) fn are_free(volume: &Volume, spans: &[Span], taken: &Taken) -> bool {
    let mut order = spans.to_vec();
    order.sort_unstable();
    let mut reached = 0;
    order.iter().all(|span| {
        let end = span.at.saturating_add(span.len);
        let apart = span.at >= reached;
        reached = end;
        apart && !taken.meets(span) && is_free(volume, span)
    })
}

/// Whether the bitmaps say that all blocks of a span are free.
fn is_free(volume: &Volume, span: &Span) -> bool {
    let block = &volume.block;
    let size = block.block_size.max(1);
    let first = span.at.checked_div(size).unwrap_or(0);
    let end = span.at.saturating_add(span.len).div_ceil(size);
    (first..end).all(|number| {
        let free = || {
            let from = number.checked_sub(block.first_block)?;
            let group = from.checked_div(block.blocks_per_group)?;
            let group = volume.groups.get(usize::try_from(group).ok()?)?;
            let bit = from.checked_rem(block.blocks_per_group)?;
            let bitmap = volume.block(group.block_bitmap)?;
            let byte = bitmap.get(usize::try_from(bit / 8).ok()?)?;
            Some(!group.blocks_unset && byte >> (bit % 8) & 1 == 0)
        };
        free() == Some(true)
    })
}

/// The names of deleted files that still stand behind a name in its entry of a directory, with their inodes.
pub(super) fn lost_names(slack: &[u8], inodes: u32) -> Vec<(u32, &[u8])> {
    let mut names = Vec::new();
    let mut rest = slack;
    loop {
        let fields = Fields::little(rest);
        let read = || {
            let inode = fields.u32(0).filter(|inode| (1..=inodes).contains(inode))?;
            let len = usize::from(fields.u8(6)?);
            let name = fields.slice(8, len).filter(|name| !name.is_empty())?;
            let end = len.checked_add(8)?.next_multiple_of(4);
            let fits = usize::from(fields.u16(4)?) >= end;
            let is_name = !name.contains(&0) && !name.contains(&b'/');
            (fits && is_name).then_some((inode, name, end))
        };
        let Some((inode, name, end)) = read() else {
            return names;
        };
        names.push((inode, name));
        rest = rest.get(end..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_behind_a_name_are_read_up_to_the_first_impossible_one() {
        let mut slack = vec![0; 40];
        slack[..10].copy_from_slice(&[12, 0, 0, 0, 40, 0, 2, 1, b'a', b'b']);
        slack[12..21].copy_from_slice(&[13, 0, 0, 0, 28, 0, 1, 1, b'c']);
        let names = [(12, &b"ab"[..]), (13, &b"c"[..])];
        assert_eq!(lost_names(&slack, 20), names);
        assert_eq!(lost_names(&slack, 12), names[..1]);
        slack[20] = b'/';
        assert_eq!(lost_names(&slack, 20), names[..1]);
        assert_eq!(lost_names(&[], 20), []);
    }
}
