//! The walk from the root directory to every entry.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node};
use crate::formats::{Span, Tree};
use crate::problem::{Problem, ProblemKind};

use super::contents::Contents;
use super::decoder::{Compression, Decoder};
use super::directory::{DirEntry, Listing};
use super::inode::{Body, Inode};
use super::lzma;
use super::metadata::{self, Cursor, Metadata, Table};
use super::owners::Owners;
use super::superblock::{METADATA_BLOCK, Reference, Superblock};
use super::xattr::Xattrs;

/// So many problems are told one by one; damage can make one of every entry.
const MOST_PROBLEMS: usize = 1000;

/// A path longer than this many bytes is not followed: no program could open it.
const LONGEST_PATH: usize = 4096;

/// What the walk found.
pub(super) struct Found {
    /// The entries; none when not even the root could be read.
    pub(super) tree: Option<Tree>,
    /// What was read, apart from the superblock.
    pub(super) spans: Vec<Span>,
    /// What went wrong.
    pub(super) problems: Vec<Problem>,
}

/// Walks the tree of the image in `region`.
pub(super) fn walk(region: &Bytes, superblock: &Superblock, budget: &Budget) -> Found {
    let mut walk = Walk::new(region, superblock, budget);
    walk.read_tables(region);
    let rooted = walk.root();
    if rooted && walk.problems.is_empty() {
        walk.check_numbers();
        walk.check_unused();
    }
    let mut spans: Vec<Span> = walk.metadata.seen.spans(Span::metadata).collect();
    spans.extend(walk.contents.named.spans(Span::content));
    if walk.untold > 0 {
        walk.problems.push(Problem::limit(format!(
            "{} more problems in this file system are not listed",
            walk.untold
        )));
    }
    Found {
        tree: rooted.then_some(Tree {
            entries: walk.entries,
            history: Vec::new(),
        }),
        spans,
        problems: walk.problems,
    }
}

struct Walk<'a> {
    superblock: &'a Superblock,
    metadata: Metadata<'a>,
    budget: &'a Budget,
    owners: Owners,
    xattrs: Option<Xattrs>,
    contents: Contents,
    /// The inodes that were reached, by number; where they have none, by place.
    reached: BTreeMap<u64, Reached>,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    untold: u64,
}

/// An inode that was reached before.
struct Reached {
    at: Reference,
    file: Option<File>,
}

/// A directory whose entries are being walked.
struct Level {
    path: EntryPath,
    entries: std::vec::IntoIter<DirEntry>,
}

impl<'a> Walk<'a> {
    fn new(region: &Bytes, superblock: &'a Superblock, budget: &'a Budget) -> Self {
        let compression = superblock
            .compression
            .map(|found| settle(found, region, superblock));
        let mut problems = Vec::new();
        if let Err(number) = compression {
            problems.push(Problem::unsupported(format!(
                "compressor {number} is not known; only what is stored uncompressed is read"
            )));
        }
        let compression = compression.ok();
        let decoder = compression.map(Decoder::new);
        let metadata = Metadata::new(region.clone(), superblock.edition, decoder, budget);
        Self {
            superblock,
            metadata,
            budget,
            owners: Owners::default(),
            xattrs: None,
            contents: Contents::new(region, superblock, compression),
            reached: BTreeMap::new(),
            entries: Vec::new(),
            problems,
            untold: 0,
        }
    }

    fn tell(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.untold = self.untold.saturating_add(1);
        }
    }

    /// Owners and groups, and where the extended attributes are.
    fn read_tables(&mut self, region: &Bytes) {
        let (owners, problem) = Owners::read(region, self.superblock, &mut self.metadata);
        self.owners = owners;
        if let Some(problem) = problem {
            self.tell(problem);
        }
        if let Some(at) = self.superblock.xattr_table {
            match Xattrs::read(region, at, &mut self.metadata) {
                Ok(xattrs) => self.xattrs = Some(xattrs),
                Err(problem) => self.tell(problem),
            }
        }
    }

    /// Walks from the root; `false` when there is none.
    fn root(&mut self) -> bool {
        let path = EntryPath::root();
        let inode = match self.inode(self.superblock.root) {
            Ok(inode) => inode,
            Err(problem) => {
                self.tell(problem.about(&path));
                return false;
            }
        };
        if !matches!(inode.body, Body::Dir { .. }) {
            self.tell(Problem::corrupt("the root inode is no directory"));
            return false;
        }
        if let Err(problem) = self.budget.spend_entries(1) {
            self.tell(problem);
            return true;
        }
        let mut levels = Vec::new();
        levels.extend(self.enter(inode, self.superblock.root, path));
        while let Some(level) = levels.last_mut() {
            let Some(entry) = level.entries.next() else {
                levels.pop();
                continue;
            };
            let parent = level.path.clone();
            levels.extend(self.entry(&entry, &parent));
        }
        true
    }

    fn inode(&mut self, at: Reference) -> Result<Inode, Problem> {
        let (start, end) = (self.superblock.inode_table, self.superblock.directory_table);
        Inode::read(Cursor::new(at, start, end), &mut self.metadata)
    }

    /// One entry of a directory: its level, when it is a directory itself.
    fn entry(&mut self, entry: &DirEntry, parent: &EntryPath) -> Option<Level> {
        let path = parent.join(&entry.name);
        if let Some(detail) = wrong_name(&entry.name) {
            self.tell(Problem::new(ProblemKind::Name, detail).about(&path));
        }
        let inode = match self.inode(entry.inode) {
            Ok(inode) => inode,
            Err(problem) => {
                self.tell(problem.about(&path));
                return None;
            }
        };
        // In version 1 pipes and sockets share a kind, 0.
        let kind_holds = inode.body.kind() == entry.kind
            || entry.kind == 0 && inode.body.kind() > 5 && self.superblock.edition.version == 1;
        if inode.number != entry.number || !kind_holds {
            let problem = Problem::corrupt(format!(
                "the directory says inode {} of kind {}, the inode says {} of kind {}",
                entry.number.unwrap_or(0),
                entry.kind,
                inode.number.unwrap_or(0),
                inode.body.kind()
            ));
            self.tell(problem.about(&path));
        }
        self.enter(inode, entry.inode, path)
    }

    /// Makes the entry of an inode, and its level, when it is a directory.
    fn enter(&mut self, inode: Inode, at: Reference, path: EntryPath) -> Option<Level> {
        let place = at.block << 16 | u64::from(at.offset);
        let key = inode.number.map_or(place, u64::from);
        let reached = self.reached.get(&key);
        let known = reached.is_some();
        let again = reached.is_some_and(|reached| reached.at == at);
        let linked = reached
            .and_then(|reached| reached.file.clone())
            .filter(|_| again);
        if known && !again {
            let detail = format!("inode number {key} belongs to two inodes");
            self.tell(Problem::corrupt(detail).about(&path));
        }
        let meta = self.meta(&inode, &path);
        let (mut level, mut file) = (None, None);
        let node = match inode.body {
            // Also when only the number is known: a loop may go through inodes that share one.
            Body::Dir { .. } if known => {
                let detail = "the directory was reached before; not entered again";
                self.tell(Problem::corrupt(detail).about(&path));
                Node::Dir
            }
            Body::Dir { listing, len } => {
                level = Some(self.list(listing, len, path.clone()));
                Node::Dir
            }
            Body::File(layout) => {
                let made =
                    linked.unwrap_or_else(|| self.contents.file(&layout, &mut self.metadata));
                file = Some(made.clone());
                Node::File(made)
            }
            body => other(body),
        };
        let reached = Reached { at, file };
        self.reached.entry(key).or_insert(reached);
        self.entries.push(Entry { path, node, meta });
        let newest = self.entries.len().saturating_sub(1);
        if let Err(limit) = self.budget.spend_attached(&self.entries, newest) {
            self.tell(limit);
            return None;
        }
        level
    }

    fn meta(&mut self, inode: &Inode, path: &EntryPath) -> Meta {
        let (uid, gid) = self.owners.of(inode);
        // Where the whole table is unreadable, that was told once.
        if (uid.is_none() || gid.is_none()) && !self.owners.is_empty() {
            self.tell(Problem::corrupt("its owner is not in the table of owners").about(path));
        }
        let mut xattrs = BTreeMap::new();
        if let Some(number) = inode.xattrs {
            let problem = match &mut self.xattrs {
                Some(table) => {
                    let (found, problem) = table.set(number, &mut self.metadata);
                    xattrs = found;
                    problem
                }
                None => Some(Problem::corrupt("it has attributes, the image has none")),
            };
            if let Some(problem) = problem {
                self.tell(problem.about(path));
            }
        }
        Meta {
            mode: Some(inode.mode),
            uid,
            gid,
            mtime: inode.mtime.map(i64::from),
            xattrs,
        }
    }

    /// Reads a listing, as far as it goes.
    fn list(&mut self, at: Reference, len: u32, path: EntryPath) -> Level {
        let (start, end) = (
            self.superblock.directory_table,
            self.superblock.directories_end(),
        );
        let mut listing = Listing::new(Cursor::new(at, start, end), len);
        let mut entries: Vec<DirEntry> = Vec::new();
        if len > 0 && path.as_bytes().len() > LONGEST_PATH {
            self.tell(Problem::limit("its path is longer than 4 KiB; not entered").about(&path));
            listing = Listing::new(Cursor::new(at, start, end), 0);
        }
        loop {
            let next = listing.next(&mut self.metadata);
            let Some(entry) = next.unwrap_or_else(|problem| {
                self.tell(problem.about(&path));
                None
            }) else {
                break;
            };
            if let Err(problem) = self.spend(&path, &entry) {
                self.tell(problem.about(&path));
                break;
            }
            // Before version 3 kernels looked at all entries, and their order meant nothing.
            if self.superblock.edition.version > 2
                && let Some(before) = entries.last()
                && before.name >= entry.name
            {
                self.tell(order_problem(&before.name, &entry.name, &path));
            }
            entries.push(entry);
        }
        Level {
            path,
            entries: entries.into_iter(),
        }
    }

    fn spend(&self, path: &EntryPath, entry: &DirEntry) -> Result<(), Problem> {
        self.budget.spend_entry(path, &entry.name)
    }

    /// Tells what decoded blocks hold that nothing uses: no list of entries shows it.
    fn check_unused(&mut self) {
        for problem in self.metadata.unused() {
            self.tell(problem);
        }
        self.contents.finish();
    }

    /// Compares what was reached with the number of inodes and with the table for export, which both count
    /// inodes that no directory names.
    fn check_numbers(&mut self) {
        let reached = u64::try_from(self.reached.len()).unwrap_or(u64::MAX);
        if reached != u64::from(self.superblock.inodes) {
            self.tell(Problem::corrupt(format!(
                "the superblock counts {} inodes, the directories reach {reached}",
                self.superblock.inodes
            )));
        }
        let Some(index_at) = self.superblock.export_table else {
            return;
        };
        let table = Table {
            index_at,
            pointer: 8,
            entry: 8,
            count: u64::from(self.superblock.inodes),
        };
        for (&number, reached) in &self.reached {
            let bytes = table.entry(number.saturating_sub(1), &mut self.metadata);
            let stored = bytes.map(|bytes| self.metadata.fields(&bytes).u64(0));
            let problem = match stored {
                Ok(Some(raw)) if Reference::new(raw) == reached.at => continue,
                Ok(_) => Problem::corrupt(format!(
                    "the table for export finds another inode {number} than the directories"
                ))
                .at(index_at),
                Err(problem) => problem,
            };
            self.problems.push(problem);
            return;
        }
    }
}

/// How blocks are compressed, as far as the first blocks of the inodes and the directories show what no number tells.
fn settle(found: Compression, region: &Bytes, superblock: &Superblock) -> Compression {
    if found != Compression::Vendor(None) {
        return found;
    }
    let tables = [superblock.inode_table, superblock.directory_table];
    let mut buffer = vec![0; METADATA_BLOCK];
    let first = tables
        .into_iter()
        .find_map(|at| metadata::compressed(region, superblock.edition, at));
    let Some(block) = first else {
        return found;
    };
    if Decoder::new(found).decode(&block, &mut buffer).is_ok() {
        // Deflate, or a form that is tried anyway.
        return found;
    }
    Compression::Vendor(lzma::find(&block, &mut buffer))
}

/// What is neither a directory nor a file.
fn other(body: Body) -> Node {
    match body {
        Body::Symlink(target) => Node::Symlink(target),
        Body::Block(device) => Node::Block(device),
        Body::Char(device) => Node::Char(device),
        Body::Socket => Node::Socket,
        Body::Fifo | Body::Dir { .. } | Body::File(_) => Node::Fifo,
    }
}

/// What is wrong with a name inside a directory.
fn wrong_name(name: &[u8]) -> Option<&'static str> {
    if name.contains(&b'/') {
        Some("the stored name holds a `/`; kept as data, never followed")
    } else if name.contains(&0) {
        Some("the stored name holds a zero byte")
    } else if matches!(name, b"." | b"..") {
        Some("the stored name is `.` or `..`; kept as data, never followed")
    } else {
        None
    }
}

fn order_problem(before: &[u8], name: &[u8], path: &EntryPath) -> Problem {
    if before == name {
        return Problem::new(ProblemKind::Name, "the name stands twice in its directory")
            .about(&path.join(name));
    }
    Problem::corrupt("the directory is not in order, so that a kernel may not find all of it")
        .about(path)
}
