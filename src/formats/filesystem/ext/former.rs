//! Files of the past that only the journal still knows: ext3 and ext4 empty the inode of a deleted file, but copies of the inode
//! table and of directories stay in the journal until it comes round again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::content::Unreadable;
use super::copies::Copy;
use super::deleted::{Deleted, are_free, content_spans};
use super::former_names::Names;
use super::inode::{Inode, Mapping, Sort};
use super::volume::Volume;
use super::walk::Walk;
use crate::entry::{EntryPath, File, Superseded};
use crate::formats::{Role, Span};
use crate::problem::Problem;
use crate::read::Fields;

/// What of such a content is not certain.
const FREE: &str = "deleted; read through a copy of its inode in the journal; its blocks were free when read, but may have been used by others in between";
/// And when the file is still there, with another content.
const REWRITTEN: &str = "truncated and written anew; read through a copy of the inode in the journal; the older blocks were free when read, but may have been used by others in between";
/// A file of which nothing but the inode is left.
const USED: &str = "deleted; a copy of its inode in the journal is all that is left; its blocks are in use again or its map is not whole, so that its content is not known";
/// Bytes that a state takes in memory, about.
const STATE: u64 = 256;

/// What an inode was at some time.
struct State {
    when: i32,
    inode: Inode,
}

/// What the copies say of the past.
#[derive(Default)]
struct Former {
    /// Regular files, by inode, the oldest state first.
    files: BTreeMap<u32, Vec<State>>,
    /// Maps of directories that are no longer there, with the last time at which they were seen.
    directories: Vec<(u32, i32, Mapping)>,
}

impl Walk<'_> {
    /// Adds what the journal tells of older files to what was found without it.
    pub(super) fn former(&mut self, found: &mut Deleted) {
        let volume = Arc::clone(&self.volume);
        let copies = Arc::clone(&self.copies);
        let tables = tables(&volume);
        let mut former = Former::default();
        for (block, copies) in copies.iter() {
            let Some(first) = first_inode(&volume, &tables, block) else {
                continue;
            };
            for copy in copies {
                if let Err(problem) = self.take_states(&volume, &mut former, first, *copy) {
                    self.tell(problem);
                    return;
                }
            }
        }
        let names = self.former_names(&volume, &copies, &former.directories);
        let mut states: Vec<State> = former.files.into_values().flatten().collect();
        states.sort_by_key(|state| (std::cmp::Reverse(state.when), state.inode.number));
        let mut told = BTreeSet::new();
        let mut left = volume.block.block_count.saturating_mul(4);
        for state in states {
            let result = self.tell_state(&volume, &state, &names, &mut told, found, &mut left);
            if let Err(problem) = result {
                self.tell(problem);
                return;
            }
        }
    }

    /// Keeps the inodes of a copied block of the inode table.
    fn take_states(
        &mut self,
        volume: &Volume,
        former: &mut Former,
        first: u32,
        copy: Copy,
    ) -> Result<(), Problem> {
        let raw = volume.block(copy.from).unwrap_or_default();
        let size = usize::try_from(volume.block.inode_size).unwrap_or(usize::MAX);
        for (number, raw) in (first..).zip(raw.chunks_exact(size)) {
            let Some(inode) = volume.parse_inode(number, volume.at(copy.from), raw) else {
                continue;
            };
            let in_use = inode.links > 0
                && inode.mapping.size > 0
                && inode.sound != Some(false)
                && number >= volume.block.first_inode
                && Fields::little(raw).u32(0x14) == Some(0)
                && !inode.is_inline()
                && !inode.is_attribute()
                && !inode.encrypted()
                && !inode.compressed();
            let same =
                |a: &Mapping, b: &Mapping| (a.seed, a.size, a.root) == (b.seed, b.size, b.root);
            match inode.sort.filter(|_| in_use) {
                Some(Sort::File) => {
                    let states = former.files.entry(number).or_default();
                    let last = states.last();
                    if last.is_none_or(|last| !same(&last.inode.mapping, &inode.mapping)) {
                        self.charge(STATE)?;
                        let when = copy.when;
                        states.push(State { when, inode });
                    } else if let Some(last) = states.last_mut() {
                        last.when = copy.when;
                    }
                }
                Some(Sort::Dir) => {
                    let now = volume.inode(number).ok();
                    let lives = now.is_some_and(|now| now.mapping.seed == inode.mapping.seed)
                        && self.is_reached(volume, number);
                    let known = |(_, _, map): &&mut (u32, i32, Mapping)| same(map, &inode.mapping);
                    // A directory seldom changes its map: its last one is found near the end.
                    let seen = former.directories.iter_mut().rev().take(RECENT).find(known);
                    if let Some((_, when, _)) = seen {
                        *when = copy.when;
                    } else if !lives {
                        self.charge(STATE)?;
                        let found = (number, copy.when, inode.mapping);
                        former.directories.push(found);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Tells one state of a file, unless it is that of today or an earlier one of a content that was told.
    fn tell_state(
        &mut self,
        volume: &Volume,
        state: &State,
        names: &Names,
        told: &mut BTreeSet<(u32, u32)>,
        found: &mut Deleted,
        left: &mut u64,
    ) -> Result<(), Problem> {
        let (number, mapping) = (state.inode.number, &state.inode.mapping);
        let now = volume.inode(number).ok();
        let now = now.filter(|now| now.mapping.seed == mapping.seed);
        let lives = now.is_some() && self.is_reached(volume, number);
        if found.shown.contains(&number)
            || (lives && now.is_some_and(|now| now.mapping.root == mapping.root))
        {
            return Ok(());
        }
        let spans = content_spans(volume, &state.inode, left);
        let intact = |spans: &Vec<Span>| {
            are_free(volume, spans, &found.taken) && !self.were_used(volume, spans, state.when)
        };
        let whole = spans.as_ref().is_some_and(intact);
        // Whatever was in these blocks before is gone, also where this content is gone itself.
        for span in spans.iter().flatten() {
            found.taken.add(span);
        }
        let first = told.insert((number, mapping.seed));
        let why = match (whole, lives) {
            (true, false) => FREE,
            (true, true) => REWRITTEN,
            // Of a file that is there, and of one that was told, an older state is nothing to tell.
            (false, false) if first => USED,
            (false, _) => return Ok(()),
        };
        self.budget.spend_entries(1)?;
        let nameless = || EntryPath::new(format!("deleted inode {number}").as_bytes());
        let lost = || self.lost_names.get(&number).cloned();
        let path = names.of_file(number, state.when).cloned().or_else(lost);
        let data = if whole {
            self.blocks(*mapping)
        } else {
            Arc::new(Unreadable(Problem::corrupt(USED)))
        };
        found.history.push(Superseded {
            path: path.unwrap_or_else(nameless),
            mtime: state.inode.meta.mtime,
            why,
            file: File {
                size: mapping.size,
                data,
            },
        });
        if whole {
            found.spans.extend(spans.into_iter().flatten());
        }
        Ok(())
    }

    /// Whether the journal copied any of these blocks after some time: then it held a structure of the file system.
    fn were_used(&self, volume: &Volume, spans: &[Span], when: i32) -> bool {
        let size = volume.block.block_size.max(1);
        let used = |block| {
            let copies = self.copies.of(block);
            copies.last().is_some_and(|copy| copy.when > when)
        };
        spans.iter().any(|span| {
            let first = span.at.checked_div(size).unwrap_or(0);
            let end = span.at.saturating_add(span.len).div_ceil(size);
            span.role == Role::Content && (first..end).any(used)
        })
    }
}

/// Maps of directories among which one that was seen before is looked for.
const RECENT: usize = 64;

/// The inode tables, by their first block, with the number of their group.
fn tables(volume: &Volume) -> BTreeMap<u64, u32> {
    let groups = volume.groups.iter().zip(0_u32..);
    let tables = groups.filter_map(|(group, number)| Some((group.inode_table?, number)));
    tables.collect()
}

/// The inode that a block of an inode table starts with.
fn first_inode(volume: &Volume, tables: &BTreeMap<u64, u32>, block: u64) -> Option<u32> {
    let (table, group) = tables.range(..=block).next_back()?;
    let within = block.checked_sub(*table)?;
    (within < volume.table_blocks()).then_some(())?;
    let per_block = volume
        .block
        .block_size
        .checked_div(volume.block.inode_size)?;
    let before = u32::try_from(within.checked_mul(per_block)?).ok()?;
    let first = group.checked_mul(volume.block.inodes_per_group)?;
    first.checked_add(before)?.checked_add(1)
}
