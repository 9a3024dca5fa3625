//! Directories: from the root down, none of them twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::Volume;
use super::content::Content;
use super::inode::{self, Inode};
use super::xattr;
use crate::budget::Budget;
use crate::entry::{Data, Device, Entry, EntryPath, Fault, File, Meta, Node};
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::problem::{Problem, ProblemKind};
use crate::read::{Fields, index, length};

/// The longest path that is followed (bytes), as in Linux.
const PATH: usize = 4096;

/// The longest link target (bytes), as in Linux.
const TARGET: u64 = 4096;

/// The entries of the tree of a volume.
pub(super) fn walk(
    volume: &Arc<Volume>,
    budget: &Budget,
    ledger: &mut Ledger,
    problems: &mut Problems,
) -> Vec<Entry> {
    let mut walk = Walk {
        volume,
        ledger,
        problems,
        entries: Vec::new(),
        contents: BTreeMap::new(),
        visited: BTreeSet::new(),
        queue: Vec::new(),
        indexed: 0,
    };
    walk.visit(EntryPath::root(), volume.root);
    let mut next: usize = 0;
    while let Some((path, inode)) = walk.queue.get(next).cloned() {
        next = next.saturating_add(1);
        if let Err(problem) = walk.directory(&path, &inode, budget) {
            walk.problems.push(problem.about(&path));
            if budget.spend_entries(1).is_err() {
                break;
            }
        }
    }
    if walk.indexed > length(&volume.region) {
        let detail = "the indexes of all contents together are longer than the image";
        walk.problems.push(Problem::corrupt(detail));
    }
    walk.entries
}

struct Walk<'a> {
    volume: &'a Arc<Volume>,
    ledger: &'a mut Ledger,
    problems: &'a mut Problems,
    entries: Vec<Entry>,
    /// The contents of files by slot, so that hard links share one.
    contents: BTreeMap<u64, Arc<dyn Data>>,
    /// The slots of the directories that were queued.
    visited: BTreeSet<u64>,
    queue: Vec<(EntryPath, Inode)>,
    /// The length of all indexes together (bytes), which cannot be longer than the image.
    indexed: u64,
}

impl Walk<'_> {
    /// Reads the names of a directory and visits what they name.
    ///
    /// # Errors
    /// Why not all of them were read.
    fn directory(
        &mut self,
        path: &EntryPath,
        inode: &Inode,
        budget: &Budget,
    ) -> Result<(), Problem> {
        if inode.size > length(&self.volume.region) {
            return Err(Problem::corrupt("the directory is longer than the image"));
        }
        // Directories may share their blocks, so that reading them is work without end unless it is spent.
        budget.spend_decoded(inode.size)?;
        let content = Content::new(Arc::clone(self.volume), *inode);
        let mut bytes = Vec::new();
        let read = content.copy_to(&mut bytes);
        for block in bytes.chunks(index(self.volume.block())) {
            self.block(path, block, budget)?;
        }
        match read {
            Ok(()) => Ok(()),
            Err(Fault::Problem(problem)) => Err(problem),
            Err(Fault::Sink(error)) => Err(Problem::corrupt(error.to_string())),
        }
    }

    /// One block: slots of 12 bytes, then the names that they point at.
    fn block(&mut self, path: &EntryPath, block: &[u8], budget: &Budget) -> Result<(), Problem> {
        let damaged = || Problem::corrupt("a block of the directory is damaged");
        let fields = Fields::little(block);
        let first = usize::from(fields.u16(8).ok_or_else(damaged)?);
        let count = first.checked_div(12).unwrap_or_default();
        if first % 12 != 0 || count == 0 || first > block.len() {
            return Err(damaged());
        }
        for number in 0..count {
            let at = number.saturating_mul(12);
            let name_at = |at: usize| fields.u16(at.saturating_add(8)).map(usize::from);
            let start = name_at(at).ok_or_else(damaged)?;
            let is_last = number.saturating_add(1) == count;
            let end = if is_last {
                Some(block.len())
            } else {
                name_at(at.saturating_add(12))
            };
            let name = end.and_then(|end| block.get(start..end));
            let name = name.ok_or_else(damaged)?;
            let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
            let slot = fields.u64(at).ok_or_else(damaged)?;
            budget.spend_entry(path, name)?;
            let before = self.entries.len();
            self.name(path, name, slot);
            budget.spend_attached(&self.entries, before)?;
        }
        Ok(())
    }

    fn name(&mut self, dir: &EntryPath, name: &[u8], slot: u64) {
        if name == b"." || name == b".." {
            return;
        }
        if dir.as_bytes().len().saturating_add(name.len()) >= PATH {
            let problem = Problem::limit("a path of more than 4096 bytes").about(dir);
            return self.problems.push(problem);
        }
        let path = dir.join(name);
        if name.is_empty() || name.contains(&b'/') {
            let detail = "a name that is a path of its own; kept as data, never followed";
            let problem = Problem::new(ProblemKind::Name, detail).about(&path);
            self.problems.push(problem);
        }
        self.visit(path, slot);
    }

    /// Makes the entry of the inode in a slot; a directory is queued.
    fn visit(&mut self, path: EntryPath, slot: u64) {
        let Some(inode) = inode::read(self.volume, slot) else {
            let detail = format!("there is no inode in slot {slot}");
            return self.problems.push(Problem::corrupt(detail).about(&path));
        };
        let range = inode.range();
        let len = range.end.saturating_sub(range.start);
        self.ledger.metadata(range.start, len);
        let mut meta = Meta {
            mode: Some(inode.mode & 0o7777),
            uid: Some(inode.uid),
            gid: Some(inode.gid),
            mtime: Some(inode.mtime),
            xattrs: BTreeMap::new(),
        };
        if let Err(problem) = xattr::read(self.volume, &inode, self.ledger, &mut meta.xattrs) {
            self.problems.push(problem.about(&path));
        }
        match self.node(&inode) {
            Ok(node) => {
                if matches!(node, Node::Dir) {
                    self.enqueue(&path, inode);
                }
                self.entries.push(Entry { path, node, meta });
            }
            Err(problem) => self.problems.push(problem.about(&path)),
        }
    }

    fn enqueue(&mut self, path: &EntryPath, inode: Inode) {
        if self.visited.insert(inode.slot) {
            self.queue.push((path.clone(), inode));
            let content = Content::new(Arc::clone(self.volume), inode);
            self.explain(&content, true);
        } else {
            let detail = "the directory is another one's as well";
            self.problems.push(Problem::corrupt(detail).about(path));
        }
    }

    fn node(&mut self, inode: &Inode) -> Result<Node, Problem> {
        Ok(match inode.mode & 0o170_000 {
            0o100_000 => Node::File(File {
                size: inode.size,
                data: self.data(inode),
            }),
            0o040_000 => Node::Dir,
            0o120_000 => Node::Symlink(self.target(inode)?),
            0o020_000 => Node::Char(device(inode.word)),
            0o060_000 => Node::Block(device(inode.word)),
            0o010_000 => Node::Fifo,
            0o140_000 => Node::Socket,
            _ => {
                let detail = format!("mode {:o} is no type of file", inode.mode);
                return Err(Problem::corrupt(detail));
            }
        })
    }

    /// Names the bytes of a content, unless the indexes are longer than they can be: they would be read without end.
    fn explain(&mut self, content: &Content, is_metadata: bool) {
        if self.indexed <= length(&self.volume.region) {
            let len = content.explain(is_metadata, self.ledger);
            self.indexed = self.indexed.saturating_add(len);
        }
    }

    fn data(&mut self, inode: &Inode) -> Arc<dyn Data> {
        if let Some(known) = self.contents.get(&inode.slot) {
            return Arc::clone(known);
        }
        let content = Content::new(Arc::clone(self.volume), *inode);
        self.explain(&content, false);
        let data: Arc<dyn Data> = Arc::new(content);
        self.contents.insert(inode.slot, Arc::clone(&data));
        data
    }

    fn target(&mut self, inode: &Inode) -> Result<Vec<u8>, Problem> {
        if inode.size > TARGET {
            return Err(Problem::limit("a link target of more than 4096 bytes"));
        }
        let content = Content::new(Arc::clone(self.volume), *inode);
        self.explain(&content, true);
        let mut target = Vec::new();
        match content.copy_to(&mut target) {
            Ok(()) => Ok(target),
            Err(Fault::Problem(problem)) => Err(problem),
            Err(Fault::Sink(error)) => Err(Problem::corrupt(error.to_string())),
        }
    }
}

/// A device number as Linux packs it into 32 bits.
fn device(word: u32) -> Device {
    Device {
        major: word >> 8 & 0xfff,
        minor: word & 0xff | word >> 12 & 0xf_ff00,
    }
}

/// A range of the region, when all of it is there.
pub(super) fn bytes(region: &Bytes, at: u64, len: u64) -> Result<Bytes, Problem> {
    let detail = "data lie past the end of the image";
    crate::read::cut(region, at, len).ok_or_else(|| Problem::corrupt(detail).at(at))
}
