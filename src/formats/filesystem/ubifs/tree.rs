//! The names that count, from the root down, and the entries they make.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;

use super::content::{Blocks, Encrypted};
use super::live::{Entry as Named, Live};
use super::node::{BLOCK, Inode};
use crate::budget::Budget;
use crate::entry::{Device, Entry, EntryPath, File, Meta, Node};
use crate::formats::filesystem::name;
use crate::formats::told::Problems;
use crate::problem::{Problem, ProblemKind};
use crate::read::Fields;

/// The inode of the root directory.
const ROOT: u32 = 1;
/// A directory, as UBIFS counts types.
const DIRECTORY: u8 = 1;
/// A key has room for so many blocks of a file.
const LARGEST: u64 = BLOCK << 29;

pub(super) const REGULAR: u32 = 0o100_000;

/// The attribute that holds how an inode is encrypted; no program sees it.
const ENCRYPTION_CONTEXT: &[u8] = b"c";

/// The walked tree.
pub(super) struct Walked {
    pub(super) entries: Vec<Entry>,
    /// Every inode that has a name, and the first one.
    pub(super) paths: BTreeMap<u32, EntryPath>,
    /// Where the inode nodes stand whose data an entry shows (bytes from the region's start).
    pub(super) shown: BTreeSet<u64>,
    pub(super) problems: Problems,
    /// Inodes seen so far, made once, whatever their number of names.
    made: BTreeMap<u32, Option<(Node, Meta)>>,
}

/// What the walk reads from.
pub(super) struct Source<'a> {
    pub(super) image: &'a Bytes,
    pub(super) live: &'a Arc<Live>,
    /// Whether data past a file's end counts, as after a power cut.
    pub(super) is_dirty: bool,
}

/// Walks from the root.
pub(super) fn walk(source: &Source<'_>, problems: Problems, budget: &Budget) -> Walked {
    let mut walked = Walked {
        entries: Vec::new(),
        paths: BTreeMap::new(),
        shown: BTreeSet::new(),
        problems,
        made: BTreeMap::new(),
    };
    walked.paths.insert(ROOT, EntryPath::root());
    if budget.spend_entries(1).is_ok() {
        walked.inode(source, ROOT, DIRECTORY, &EntryPath::root());
    }
    let mut open = vec![(ROOT, EntryPath::root())];
    let mut expanded = BTreeSet::from([ROOT]);
    while let Some((directory, path)) = open.pop() {
        let encrypted = source.live.inode(source.image, directory);
        let encrypted = encrypted.is_some_and(|inode| inode.is_encrypted());
        if encrypted && source.live.names_of(directory, false).next().is_some() {
            let what = "the names in this directory are encrypted (fscrypt); they are shown in hexadecimal";
            let problem = Problem::new(ProblemKind::Encrypted, what);
            walked.problems.push(problem.about(&path));
        }
        for (stored, named) in source.live.names_of(directory, false) {
            let before = walked.entries.len();
            if let Err(limit) = budget.spend_entry(&path, stored) {
                walked.problems.push(limit);
                return walked;
            }
            let shown = if encrypted {
                hexadecimal(stored)
            } else {
                stored.clone()
            };
            let child = name::child(&path, &shown, named.at, &mut walked.problems);
            if let Some(child) = child {
                walked.take(source, named, child, &mut expanded, &mut open);
            }
            if let Err(limit) = budget.spend_attached(&walked.entries, before) {
                walked.problems.push(limit);
                return walked;
            }
        }
    }
    walked.adrift(source, &expanded);
    walked
}

fn hexadecimal(name: &[u8]) -> Bytes {
    let mut text = String::new();
    for byte in name {
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}

impl Walked {
    fn take(
        &mut self,
        source: &Source<'_>,
        named: &Named,
        child: EntryPath,
        expanded: &mut BTreeSet<u32>,
        open: &mut Vec<(u32, EntryPath)>,
    ) {
        let first = self.paths.entry(named.inode);
        first.or_insert_with(|| child.clone());
        if !self.inode(source, named.inode, named.file_type, &child) {
            return;
        }
        if expanded.insert(named.inode) {
            open.push((named.inode, child));
        } else {
            let what = "a directory that already stands elsewhere; not entered again";
            let problem = Problem::corrupt(what).at(named.at);
            self.problems.push(problem.about(&child));
        }
    }

    /// Adds the entry of an inode at `path`; whether it is a directory.
    fn inode(&mut self, source: &Source<'_>, number: u32, hint: u8, path: &EntryPath) -> bool {
        let made = if let Some(made) = self.made.get(&number) {
            made.clone()
        } else {
            let made = self.make(source, number, hint, path);
            self.made.insert(number, made.clone());
            made
        };
        let Some((node, meta)) = made else {
            return false;
        };
        let is_directory = matches!(node, Node::Dir);
        self.entries.push(Entry {
            path: path.clone(),
            node,
            meta,
        });
        is_directory
    }

    fn make(
        &mut self,
        source: &Source<'_>,
        number: u32,
        hint: u8,
        path: &EntryPath,
    ) -> Option<(Node, Meta)> {
        let Some(inode) = source.live.inode(source.image, number) else {
            let what = format!("inode {number} has a name but no sound node");
            self.problems.push(Problem::corrupt(what).about(path));
            // What stands below a directory is still shown.
            return (hint == DIRECTORY).then(|| (Node::Dir, Meta::default()));
        };
        let meta = Meta {
            mode: Some(inode.mode & 0o7777),
            uid: Some(inode.uid),
            gid: Some(inode.gid),
            mtime: Some(inode.mtime),
            xattrs: self.attributes(source, number, path),
        };
        let at = source.live.inodes.get(&number).copied().unwrap_or_default();
        let node = match inode.file_type() {
            REGULAR => Node::File(self.file(source, number, &inode, path)?),
            0o040_000 => Node::Dir,
            0o120_000 => {
                if inode.is_encrypted() {
                    let what = "the target of the link is encrypted (fscrypt)";
                    let problem = Problem::new(ProblemKind::Encrypted, what);
                    self.problems.push(problem.about(path));
                }
                self.shown.insert(at);
                Node::Symlink(inode.data.to_vec())
            }
            0o020_000 => Node::Char(self.device(&inode, at, path)?),
            0o060_000 => Node::Block(self.device(&inode, at, path)?),
            0o010_000 => Node::Fifo,
            0o140_000 => Node::Socket,
            other => {
                let what = format!("inode {number} is of unknown type {other:#o}");
                self.problems
                    .push(Problem::corrupt(what).at(at).about(path));
                return None;
            }
        };
        Some((node, meta))
    }

    fn file(
        &mut self,
        source: &Source<'_>,
        number: u32,
        inode: &Inode,
        path: &EntryPath,
    ) -> Option<File> {
        let reach = source.live.reach.get(&number).copied();
        let reach = reach.filter(|_| source.is_dirty).unwrap_or(0);
        let size = inode.size.max(reach);
        if size > LARGEST {
            let what = format!("a file of {size} bytes, of which no key can name all blocks");
            self.problems.push(Problem::corrupt(what).about(path));
            return None;
        }
        if inode.is_encrypted() && size > 0 {
            return Some(File {
                size,
                data: Arc::new(Encrypted),
            });
        }
        if size == 0 {
            return Some(File::stored(Bytes::new()));
        }
        Some(File {
            size,
            data: Arc::new(Blocks {
                image: source.image.clone(),
                live: Arc::clone(source.live),
                inode: number,
                size,
            }),
        })
    }

    /// The number of a device, in either of Linux's two encodings.
    fn device(&mut self, inode: &Inode, at: u64, path: &EntryPath) -> Option<Device> {
        let fields = Fields::little(&inode.data);
        let id = match inode.data.len() {
            4 => fields.u32(0),
            8 => fields.u64(0).and_then(|id| u32::try_from(id).ok()),
            _ => None,
        };
        let Some(id) = id else {
            let what = format!("a device number of {} bytes", inode.data.len());
            self.problems
                .push(Problem::corrupt(what).at(at).about(path));
            return None;
        };
        self.shown.insert(at);
        Some(Device {
            major: (id & 0x000f_ff00) >> 8,
            minor: (id & 0xff) | ((id >> 12) & 0x000f_ff00),
        })
    }

    fn attributes(
        &mut self,
        source: &Source<'_>,
        number: u32,
        path: &EntryPath,
    ) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut found = BTreeMap::new();
        for (name, named) in source.live.names_of(number, true) {
            let Some(value) = source.live.inode(source.image, named.inode) else {
                let name = crate::place::escape(name);
                let what = format!("the value of the extended attribute {name} has no sound node");
                let problem = Problem::corrupt(what).at(named.at);
                self.problems.push(problem.about(path));
                continue;
            };
            let at = source.live.inodes.get(&named.inode);
            self.shown.extend(at);
            if name != ENCRYPTION_CONTEXT {
                found.insert(name.to_vec(), value.data.to_vec());
            }
        }
        found
    }

    /// Tells of directories that hold names but are not reached from the root.
    fn adrift(&mut self, source: &Source<'_>, expanded: &BTreeSet<u32>) {
        let mut last = None;
        for ((directory, is_attribute, _), entries) in &source.live.names {
            if *is_attribute || expanded.contains(directory) || last == Some(directory) {
                continue;
            }
            last = Some(directory);
            let what = format!("directory inode {directory} holds names, but no path leads to it");
            let at = entries.first().map_or(0, |entry| entry.at);
            self.problems.push(Problem::corrupt(what).at(at));
        }
    }
}
