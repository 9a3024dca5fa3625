//! From the root down: every name, its inode, and what that holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::attributes::{Behind, inline};
use super::content::{Blocks, Padded, Unreadable};
use super::copies::Copies;
use super::former_names::Home;
use super::inode::{Inode, Mapping, Sort};
use super::survey::{Found, Use, survey};
use super::volume::Volume;
use crate::budget::Budget;
use crate::entry::{Data, Entry, EntryPath, Fault, File, Meta, Node};
use crate::formats::filesystem::account::Account;
use crate::problem::{Problem, ProblemKind};
use crate::read::{cut, length};

/// The inode of the root directory.
pub(super) const ROOT: u32 = 2;
/// Bytes that may be held while the volume is read, besides what entries hold: names that were, and states in the journal (128 MiB).
const HELD: u64 = 128 << 20;
/// Problems that are told one by one.
const TOLD: usize = 10_000;
/// The longest symbolic link that is read.
const LONGEST_TARGET: u64 = 64 << 10;

/// A walk over the tree.
pub(super) struct Walk<'a> {
    pub(super) volume: Arc<Volume>,
    pub(super) budget: &'a Budget,
    pub(super) account: Account,
    pub(super) entries: Vec<Entry>,
    problems: Vec<Problem>,
    untold: u64,
    /// The inodes seen so far, a bit each, by group.
    pub(super) reached: Vec<Vec<u64>>,
    /// The attribute blocks seen so far.
    pub(super) attribute_blocks: BTreeSet<u64>,
    /// What was made of the inodes that have several names.
    linked: BTreeMap<u32, (Node, Meta)>,
    /// Paths that stand in the slack of directories, by the inode that they led to.
    pub(super) lost_names: BTreeMap<u32, EntryPath>,
    /// The copies of blocks in the journal.
    pub(super) copies: Arc<Copies>,
    /// Blocks of directories of which there are copies.
    pub(super) copied_directories: Vec<(u64, Home)>,
    /// The directories still to be read, the next one last.
    pending: Vec<(EntryPath, Inode, Behind)>,
    blocks_left: u64,
    bytes_left: u64,
    stopped: bool,
}

impl<'a> Walk<'a> {
    /// A walk that has not begun.
    pub(super) fn new(volume: Arc<Volume>, budget: &'a Budget) -> Self {
        let blocks = length(&volume.region).checked_div(volume.block.block_size);
        Self {
            budget,
            account: Account::default(),
            entries: Vec::new(),
            problems: Vec::new(),
            untold: 0,
            reached: vec![Vec::new(); volume.groups.len()],
            attribute_blocks: BTreeSet::new(),
            linked: BTreeMap::new(),
            lost_names: BTreeMap::new(),
            copies: Arc::default(),
            copied_directories: Vec::new(),
            pending: Vec::new(),
            blocks_left: blocks.unwrap_or(0),
            bytes_left: HELD,
            stopped: false,
            volume,
        }
    }

    /// Reads the whole tree.
    pub(super) fn run(&mut self) {
        let volume = Arc::clone(&self.volume);
        self.entry(&volume, EntryPath::root(), ROOT);
        while let Some((path, inode, behind)) = self.pending.pop() {
            let before = self.pending.len();
            self.directory(&volume, &path, &inode, &behind);
            // The stack hands out the last first; directories are read in the order of their names.
            if let Some(new) = self.pending.get_mut(before..) {
                new.reverse();
            }
            if self.stopped {
                break;
            }
        }
    }

    /// What went wrong, told or counted.
    pub(super) fn problems(&mut self) -> Vec<Problem> {
        let mut problems = std::mem::take(&mut self.problems);
        if self.untold > 0 {
            problems.push(Problem::corrupt(format!("{} more problems", self.untold)));
        }
        problems
    }

    /// Tells a problem.
    pub(super) fn tell(&mut self, problem: Problem) {
        if self.problems.len() < TOLD {
            self.problems.push(problem);
        } else {
            self.untold = self.untold.saturating_add(1);
        }
    }

    /// Whether the walk ended early.
    pub(super) fn was_stopped(&self) -> bool {
        self.stopped
    }

    /// Makes the entry of a name. Returns whether the walk may go on.
    pub(super) fn entry(&mut self, volume: &Volume, path: EntryPath, number: u32) -> bool {
        if let Err(problem) = self.budget.spend_entry(&path, &[]) {
            self.tell(problem);
            self.stopped = true;
            return false;
        }
        let (node, meta) = match self.linked.get(&number) {
            Some((node, meta)) => (node.clone(), meta.clone()),
            None => match self.node(volume, &path, number) {
                Ok(made) => made,
                Err(problem) => {
                    self.tell(problem.about(&path));
                    return true;
                }
            },
        };
        let entry = Entry { path, node, meta };
        if let Err(problem) = self.budget.spend_held(entry.attached()) {
            self.tell(problem);
            self.stopped = true;
            return false;
        }
        self.entries.push(entry);
        true
    }

    /// Reads an inode and makes an entry's node of it.
    fn node(
        &mut self,
        volume: &Volume,
        path: &EntryPath,
        number: u32,
    ) -> Result<(Node, Meta), Problem> {
        let reserved = number != ROOT && number < volume.block.first_inode;
        if reserved {
            return Err(Problem::corrupt(format!(
                "the name leads to the reserved inode {number}"
            )));
        }
        let mut inode = volume.inode(number)?;
        let Some(sort) = inode.sort else {
            return Err(Problem::corrupt(format!(
                "the name leads to inode {number}, which is free or of no known type"
            ))
            .at(inode.at));
        };
        if inode.links == 0 {
            let detail = format!("the name leads to inode {number}, which is marked as deleted");
            self.tell(Problem::corrupt(detail).at(inode.at).about(path));
        }
        if inode.sound == Some(false) {
            let detail = format!("the checksum of inode {number} does not hold");
            self.tell(Problem::checksum(detail).at(inode.at).about(path));
        }
        let new = self.reach(volume, number);
        if !new && sort != Sort::Dir {
            let detail = format!("inode {number} has more names than it counts");
            self.tell(Problem::corrupt(detail).at(inode.at).about(path));
        }
        let mut behind = self.attributes(volume, &inode, new);
        for problem in std::mem::take(&mut behind.problems) {
            self.tell(problem.about(path));
        }
        inode.meta.xattrs = std::mem::take(&mut behind.list);
        let meta = inode.meta.clone();
        if inode.encrypted() {
            let problem = encrypted(number);
            self.tell(problem.at(inode.at).about(path));
        }
        let node = match sort {
            Sort::Dir => {
                self.queue(path, inode, behind, new);
                return Ok((Node::Dir, meta));
            }
            Sort::File => Node::File(self.file(volume, path, &inode, &behind)),
            Sort::Symlink => Node::Symlink(self.target(volume, path, &inode, &behind)),
            Sort::Char => Node::Char(inode.device().unwrap_or(NO_DEVICE)),
            Sort::Block => Node::Block(inode.device().unwrap_or(NO_DEVICE)),
            Sort::Fifo => Node::Fifo,
            Sort::Socket => Node::Socket,
        };
        if inode.links > 1 {
            self.linked.insert(number, (node.clone(), meta.clone()));
        }
        Ok((node, meta))
    }

    /// Remembers a directory to be read; one that was seen already is a loop or a second way to the same place.
    fn queue(&mut self, path: &EntryPath, inode: Inode, behind: Behind, new: bool) {
        if new {
            self.pending.push((path.clone(), inode, behind));
            return;
        }
        let detail = format!(
            "directory inode {} has two names; it was read under the first",
            inode.number
        );
        self.tell(Problem::corrupt(detail).at(inode.at).about(path));
    }

    fn file(&mut self, volume: &Volume, path: &EntryPath, inode: &Inode, behind: &Behind) -> File {
        let size = inode.mapping.size;
        let unread = |problem: Problem| File {
            size,
            data: Arc::new(Unreadable(problem.about(path))),
        };
        if inode.is_inline() {
            return match inline(volume, inode, behind) {
                _ if inode.encrypted() => unread(encrypted(inode.number)),
                Some(bytes) if length(&bytes) == size => File::stored(bytes),
                Some(head) => File {
                    size,
                    data: Arc::new(Padded { head, size }),
                },
                None => {
                    let problem = Problem::corrupt("the content in the inode is not all there");
                    self.tell(problem.clone().at(inode.at).about(path));
                    unread(problem)
                }
            };
        }
        let found = self.survey(volume, &inode.mapping, Use::Content);
        for problem in found.problems {
            self.tell(problem.about(path));
        }
        if inode.encrypted() {
            return unread(encrypted(inode.number));
        }
        if inode.compressed() && volume.block.compression() {
            let problem = Problem::unsupported("the file is compressed (e2compr)");
            self.tell(problem.clone().at(inode.at).about(path));
            return unread(problem);
        }
        if let Some(problem) = found.refused {
            self.tell(problem.clone().about(path));
            return unread(problem);
        }
        let piece = found.piece.and_then(|at| cut(&volume.region, at, size));
        File {
            size,
            data: match piece {
                Some(bytes) => Arc::new(bytes),
                None => self.blocks(inode.mapping),
            },
        }
    }

    /// The bytes of a symbolic link.
    fn target(
        &mut self,
        volume: &Volume,
        path: &EntryPath,
        inode: &Inode,
        behind: &Behind,
    ) -> Vec<u8> {
        if let Some(target) = inode.short_target() {
            return target.to_vec();
        }
        let mut target = Vec::new();
        let size = inode.mapping.size;
        if inode.is_inline() {
            match inline(volume, inode, behind) {
                Some(bytes) => target.extend_from_slice(&bytes),
                None => self
                    .tell(Problem::corrupt("the link in the inode is not all there").about(path)),
            }
        } else if size > LONGEST_TARGET || self.charge(size).is_err() {
            let detail = format!("a symbolic link of {size} bytes");
            self.tell(Problem::limit(detail).at(inode.at).about(path));
        } else {
            let found = self.survey(volume, &inode.mapping, Use::Content);
            let told: Vec<Problem> = found
                .problems
                .into_iter()
                .chain(found.refused.clone())
                .collect();
            let untold = told.is_empty();
            for problem in told {
                self.tell(problem.about(path));
            }
            if found.refused.is_none()
                && let Err(Fault::Problem(problem)) =
                    self.blocks(inode.mapping).copy_to(&mut target)
                && untold
            {
                self.tell(problem.about(path));
            }
        }
        target
    }

    /// A content in pieces.
    pub(super) fn blocks(&self, mapping: Mapping) -> Arc<dyn Data> {
        Arc::new(Blocks {
            volume: Arc::clone(&self.volume),
            mapping,
        })
    }

    /// Walks a content's map for the first time.
    pub(super) fn survey(&mut self, volume: &Volume, mapping: &Mapping, purpose: Use) -> Found {
        survey(
            volume,
            mapping,
            purpose,
            &mut self.account,
            &mut self.blocks_left,
        )
    }

    /// Spends bytes that are held in memory.
    pub(super) fn charge(&mut self, bytes: u64) -> Result<(), Problem> {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.ok_or_else(|| {
            Problem::limit(format!(
                "paths, links and attributes of more than {HELD} bytes"
            ))
        })?;
        Ok(())
    }

    /// Whether an inode was seen.
    pub(super) fn is_reached(&self, volume: &Volume, number: u32) -> bool {
        let seen = || {
            let (group, slot) = volume.inode_slot(number)?;
            let word = self
                .reached
                .get(group)?
                .get(usize::try_from(slot / 64).ok()?)?;
            Some(word >> (slot % 64) & 1 == 1)
        };
        seen() == Some(true)
    }

    /// Marks an inode as seen; `false` when it was.
    pub(super) fn reach(&mut self, volume: &Volume, number: u32) -> bool {
        let Some((group, slot)) = volume.inode_slot(number) else {
            return false;
        };
        let Some(words) = self.reached.get_mut(group) else {
            return false;
        };
        if words.is_empty() {
            let count = volume.block.inodes_per_group.div_ceil(64);
            words.resize(usize::try_from(count).unwrap_or(0), 0);
        }
        let bit = 1_u64 << (slot % 64);
        let Some(word) = usize::try_from(slot / 64)
            .ok()
            .and_then(|at| words.get_mut(at))
        else {
            return false;
        };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

const NO_DEVICE: crate::entry::Device = crate::entry::Device { major: 0, minor: 0 };

fn encrypted(number: u32) -> Problem {
    Problem::new(
        ProblemKind::Encrypted,
        format!("inode {number} is encrypted (fscrypt)"),
    )
}
