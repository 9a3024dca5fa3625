//! Directories and inodes, from the root down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::BLOCK;
use super::content::Content;
use super::node::{CLUSTER, HOLE, Inode, RESERVED, Seen, without_footer};
use super::volume::Volume;
use super::xattr;
use crate::budget::Budget;
use crate::entry::{Data, Device, Entry, EntryPath, Fault, File, Meta, Node};
use crate::formats::Span;
use crate::formats::told::Problems;
use crate::problem::{Problem, ProblemKind};
use crate::read::{Fields, clip, index, length};

/// No path is longer than Linux takes one, in bytes.
const LONGEST_PATH: usize = 4096;
/// The length of a directory entry without its name, and of each slot of a name, in bytes.
const ENTRY: usize = 11;
const SLOT: usize = 8;

/// A walk over a volume.
pub(super) struct Walk {
    volume: Volume,
    pub(super) spans: Vec<Span>,
    pub(super) problems: Problems,
    /// Blocks that belong to an inode that was visited.
    taken: Vec<bool>,
    /// Blocks of the node address table that were read, and segments that are in use.
    tables: BTreeSet<u64>,
    segments: BTreeSet<u64>,
    /// What was made of each inode, for its other names.
    made: BTreeMap<u32, Option<(Node, Meta)>>,
}

impl Walk {
    pub(super) fn new(volume: Volume, problems: Problems) -> Self {
        let there = length(&volume.region).div_ceil(BLOCK);
        Self {
            spans: volume.spans.clone(),
            volume,
            problems,
            taken: vec![false; index(there)],
            tables: BTreeSet::new(),
            segments: BTreeSet::new(),
            made: BTreeMap::new(),
        }
    }

    /// Every entry, the root first.
    pub(super) fn run(&mut self, budget: &Budget) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.directories(budget, &mut entries);
        for &block in &self.tables {
            self.spans
                .push(Span::metadata(block.saturating_mul(BLOCK), 4095));
        }
        for &segment in &self.segments {
            let block = self.volume.head.ssa.saturating_add(segment);
            self.spans
                .push(Span::metadata(block.saturating_mul(BLOCK), BLOCK));
        }
        entries
    }

    fn directories(&mut self, budget: &Budget, entries: &mut Vec<Entry>) {
        let root = self.volume.head.root;
        let mut entered = BTreeSet::from([root]);
        let mut open = Vec::new();
        if budget.spend_entries(1).is_ok() {
            let path = EntryPath::root();
            let directory = self.entry(root, &path, entries);
            open.extend(directory.map(|inode| (inode, path)));
        }
        while let Some((inode, path)) = open.pop() {
            for (number, name) in self.names(&inode, &path) {
                if let Err(limit) = budget.spend_entry(&path, &name) {
                    self.problems.push(limit);
                    return;
                }
                let child = path.join(&name);
                if child.as_bytes().len() > LONGEST_PATH {
                    let detail = format!("a path of more than {LONGEST_PATH} bytes is not read");
                    self.problems.push(Problem::limit(detail).about(&path));
                    continue;
                }
                let before = entries.len();
                let directory = self.entry(number, &child, entries);
                if let Err(limit) = budget.spend_attached(entries, before) {
                    self.problems.push(limit);
                    return;
                }
                let Some(directory) = directory else {
                    continue;
                };
                if entered.insert(number) {
                    open.push((directory, child));
                } else {
                    let detail = "a directory that already stands elsewhere; not entered again";
                    self.problems.push(Problem::corrupt(detail).about(&child));
                }
            }
        }
    }

    /// The names in a directory and the inodes that they mean.
    fn names(&mut self, inode: &Inode, path: &EntryPath) -> Vec<(u32, Vec<u8>)> {
        if inode.encrypted {
            let detail = "the names in this directory are encrypted";
            let problem = Problem::new(ProblemKind::Encrypted, detail);
            self.problems.push(problem.about(path));
        }
        let mut names = Vec::new();
        if let Some(inline) = inode.inline() {
            let at = inode.inline_at();
            self.table(&inline, at, path, &mut names);
            return names;
        }
        let mut blocks: Vec<u32> = Vec::new();
        let visited = inode.visit(&self.volume, &mut |seen| {
            if let Seen::Addresses(first, addresses) = seen {
                let left = inode.size.div_ceil(BLOCK).saturating_sub(first);
                let used = addresses.get(..index(left)).unwrap_or(addresses);
                let there = used.iter().filter(|&&at| !matches!(at, HOLE | RESERVED));
                blocks.extend(there);
            }
            Ok::<(), Problem>(())
        });
        if let Err(problem) = visited {
            self.problems.push(problem.about(path));
        }
        for address in blocks {
            let at = u64::from(address).saturating_mul(BLOCK);
            let block = self.volume.block(address.into());
            if let Some(block) = block.filter(|_| self.volume.is_main(address)) {
                self.table(&block, at, path, &mut names);
            } else {
                let problem = Problem::corrupt("a directory's block is none of the volume's");
                self.problems.push(problem.at(at).about(path));
            }
        }
        names
    }

    /// Reads a table of names: a bit for each slot, the entries, and the slots of the names.
    fn table(&mut self, raw: &[u8], at: u64, path: &EntryPath, names: &mut Vec<(u32, Vec<u8>)>) {
        let per = ENTRY.saturating_add(SLOT);
        let each = per.saturating_mul(8).saturating_add(1);
        let slots = raw
            .len()
            .saturating_mul(8)
            .checked_div(each)
            .unwrap_or_default();
        let bits = slots.div_ceil(8);
        let entries_at = raw.len().saturating_sub(slots.saturating_mul(per));
        let text = entries_at.saturating_add(slots.saturating_mul(ENTRY));
        self.metadata(at, 0, entries_at);
        let fields = Fields::little(raw);
        let map = raw.get(..bits).unwrap_or_default();
        let mut slot = 0_usize;
        while slot < slots {
            if map
                .get(slot / 8)
                .is_none_or(|byte| byte >> (slot % 8) & 1 == 0)
            {
                slot = slot.saturating_add(1);
                continue;
            }
            let entry_at = entries_at.saturating_add(slot.saturating_mul(ENTRY));
            let name_at = text.saturating_add(slot.saturating_mul(SLOT));
            let ino = fields.u32(entry_at.saturating_add(4)).unwrap_or_default();
            let len = usize::from(fields.u16(entry_at.saturating_add(8)).unwrap_or_default());
            self.metadata(at, entry_at, ENTRY);
            slot = slot.saturating_add(len.div_ceil(SLOT).max(1));
            let name = fields.slice(name_at, len).filter(|_| slot <= slots);
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                let problem = Problem::corrupt("a directory entry without a name that fits");
                self.problems.push(problem.at(at).about(path));
                continue;
            };
            self.metadata(at, name_at, len);
            if matches!(name, b"." | b"..") {
                continue;
            }
            if name.contains(&b'/') || name.contains(&0) {
                let detail = "a name that no program can have made: with `/` or a zero byte";
                let problem = Problem::new(ProblemKind::Name, detail).at(at);
                self.problems.push(problem.about(path));
            }
            names.push((ino, name.to_vec()));
        }
    }

    /// Names bytes of something that stands at `base`.
    fn metadata(&mut self, base: u64, at: usize, len: usize) {
        let at = u64::try_from(at).unwrap_or(u64::MAX);
        let len = u64::try_from(len).unwrap_or_default();
        self.spans
            .push(Span::metadata(base.saturating_add(at), len));
    }

    /// Adds the entry of an inode; the inode, if it is a directory.
    fn entry(&mut self, number: u32, path: &EntryPath, entries: &mut Vec<Entry>) -> Option<Inode> {
        let inode = match self.volume.inode(number) {
            Ok((inode, wrong)) => {
                if let Some(problem) = wrong {
                    self.problems.push(problem.about(path));
                }
                inode
            }
            Err(problem) => {
                self.problems.push(problem.about(path));
                return None;
            }
        };
        if !self.made.contains_key(&number) {
            let made = self.make(&inode, path);
            let made = made.map_err(|problem| self.problems.push(problem.about(path)));
            self.made.insert(number, made.ok());
        }
        let (node, meta) = self.made.get(&number).cloned().flatten()?;
        let is_directory = matches!(node, Node::Dir);
        entries.push(Entry {
            path: path.clone(),
            node,
            meta,
        });
        Some(inode).filter(|_| is_directory)
    }

    fn make(&mut self, inode: &Inode, path: &EntryPath) -> Result<(Node, Meta), Problem> {
        let kind = inode.mode & 0o170_000;
        let held = self.take(inode, kind).err();
        let meta = Meta {
            mode: Some(inode.mode & 0o7777),
            uid: Some(inode.uid),
            gid: Some(inode.gid),
            mtime: Some(i64::try_from(inode.mtime).unwrap_or(i64::MAX)),
            xattrs: self.xattrs(inode, path),
        };
        let encrypted = inode
            .encrypted
            .then(|| Problem::new(ProblemKind::Encrypted, "the content is encrypted"));
        let (major, minor) = inode.device();
        let device = Device { major, minor };
        let data: Arc<dyn Data> = match inode.inline() {
            Some(inline) if encrypted.is_none() => Arc::new(clip(&inline, 0, inode.size)),
            _ => Arc::new(Content {
                volume: self.volume.clone(),
                inode: inode.clone(),
                problem: encrypted.or_else(|| held.clone()),
            }),
        };
        let node = match kind {
            0o100_000 => Node::File(File {
                size: inode.size,
                data,
            }),
            0o040_000 => {
                if let Some(problem) = held {
                    self.problems.push(problem.about(path));
                }
                Node::Dir
            }
            0o120_000 => Node::Symlink(target(inode, &*data)?),
            0o020_000 => Node::Char(device),
            0o060_000 => Node::Block(device),
            0o010_000 => Node::Fifo,
            0o140_000 => Node::Socket,
            _ => {
                let detail = format!("mode {:o} is no type of file", inode.mode);
                return Err(Problem::corrupt(detail));
            }
        };
        Ok((node, meta))
    }

    /// Names the blocks of an inode as its own; those of a directory are named with its entries.
    fn take(&mut self, inode: &Inode, kind: u32) -> Result<(), Problem> {
        let volume = self.volume.clone();
        let at = u64::from(inode.block).saturating_mul(BLOCK);
        self.tables
            .extend(volume.node_at(inode.number).map(|(_, table)| table));
        self.claim(inode.block)?;
        self.metadata(at, 0, inode.used());
        self.metadata(at, 4052, 44);
        if let Some(inline) = inode.inline() {
            if kind != 0o040_000 {
                let used = inode.size.min(length(&inline));
                self.spans.push(Span::content(inode.inline_at(), used));
            }
            return Ok(());
        }
        if !matches!(kind, 0o100_000 | 0o120_000 | 0o040_000) {
            return Ok(());
        }
        inode.visit(&volume, &mut |seen| match seen {
            Seen::Node(address) => {
                self.claim(address)?;
                self.metadata(u64::from(address).saturating_mul(BLOCK), 0, 4096);
                Ok(())
            }
            Seen::Addresses(first, addresses) => {
                for (number, &address) in (first..).zip(addresses) {
                    let left = inode.size.saturating_sub(number.saturating_mul(BLOCK));
                    if matches!(address, HOLE | RESERVED | CLUSTER) || left == 0 {
                        continue;
                    }
                    self.claim(address)?;
                    if kind != 0o040_000 {
                        let used = if inode.compression.is_some() {
                            BLOCK
                        } else {
                            left.min(BLOCK)
                        };
                        let at = u64::from(address).saturating_mul(BLOCK);
                        self.spans.push(Span::content(at, used));
                    }
                }
                Ok(())
            }
        })
    }

    /// Takes a block of the main area, once.
    fn claim(&mut self, address: u32) -> Result<(), Problem> {
        let at = u64::from(address);
        let taken = self.taken.get_mut(index(at));
        let Some(taken) = taken.filter(|_| self.volume.is_main(address)) else {
            let detail = format!("block {address:#x} is none of the volume's contents");
            return Err(Problem::corrupt(detail));
        };
        if std::mem::replace(taken, true) {
            let detail = format!("block {address:#x} belongs to another file, too");
            return Err(Problem::corrupt(detail).at(at.saturating_mul(BLOCK)));
        }
        self.segments
            .insert(at.saturating_sub(self.volume.head.main) / 512);
        Ok(())
    }

    fn xattrs(&mut self, inode: &Inode, path: &EntryPath) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut raw = inode.inline_xattrs().to_vec();
        let own = u64::from(inode.block).saturating_mul(BLOCK);
        self.metadata(own, 4052_usize.saturating_sub(raw.len()), raw.len());
        if inode.xattrs != 0 {
            let node = self.volume.node(inode.xattrs, inode.number);
            let node =
                node.and_then(|(node, address)| self.claim(address).map(|()| (node, address)));
            match node {
                Ok((node, address)) => {
                    raw.extend_from_slice(without_footer(&node));
                    self.metadata(u64::from(address).saturating_mul(BLOCK), 0, 4096);
                }
                Err(problem) => self.problems.push(problem.about(path)),
            }
        }
        let attributes = xattr::parse(&raw);
        if attributes.broken {
            let problem = Problem::corrupt("the extended attributes do not hold together");
            self.problems.push(problem.at(own).about(path));
        }
        if attributes.lists {
            let problem = Problem::unsupported("access control lists are not read");
            self.problems.push(problem.at(own).about(path));
        }
        attributes.found
    }
}

fn target(inode: &Inode, content: &dyn Data) -> Result<Vec<u8>, Problem> {
    if index(inode.size) > LONGEST_PATH {
        return Err(Problem::corrupt("a link target of more than 4096 bytes"));
    }
    let mut target = Vec::new();
    match content.copy_to(&mut target) {
        Ok(()) => Ok(target),
        Err(Fault::Problem(problem)) => Err(problem),
        Err(Fault::Sink(error)) => Err(Problem::corrupt(error.to_string())),
    }
}
