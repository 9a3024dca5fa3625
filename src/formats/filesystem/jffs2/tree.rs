//! The names that count, from the root down, and the entries they make.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::body::{Damage, Dirent, Inode, Owner};
use super::content;
use super::inode::{Inodes, clash, view};
use crate::budget::Budget;
use crate::entry::{Device, Entry, EntryPath, Meta, Node};
use crate::formats::filesystem::name;
use crate::formats::told::Problems;
use crate::problem::Problem;
use crate::read::{Endian, Fields, length};

/// The inode of the root directory.
const ROOT: u32 = 1;
/// `DT_DIR`
const DIRECTORY: u8 = 4;

const TYPE: u32 = 0o170_000;
pub(super) const REGULAR: u32 = 0o100_000;

/// What the walk reads from.
pub(super) struct Source<'a> {
    pub(super) image: &'a Bytes,
    pub(super) endian: Endian,
    pub(super) inodes: &'a Inodes,
    pub(super) names: &'a Names,
    pub(super) xattrs: &'a BTreeMap<u32, BTreeMap<Vec<u8>, Vec<u8>>>,
}

/// For every directory and name, the entry that counts.
pub(super) struct Names(BTreeMap<(u32, Bytes), Dirent>);

impl Names {
    pub(super) fn new(dirents: &[Dirent]) -> Self {
        let mut names: BTreeMap<(u32, Bytes), Dirent> = BTreeMap::new();
        for dirent in dirents.iter().filter(|dirent| !dirent.obsolete) {
            let key = (dirent.parent, dirent.name.clone());
            if names
                .get(&key)
                .is_none_or(|known| known.version <= dirent.version)
            {
                names.insert(key, dirent.clone());
            }
        }
        Self(names)
    }

    fn of(&self, directory: u32) -> impl Iterator<Item = &Dirent> {
        let from = self.0.range((directory, Bytes::new())..);
        from.take_while(move |(key, _)| key.0 == directory)
            .map(|(_, dirent)| dirent)
            .filter(|dirent| dirent.ino != 0)
    }

    /// The entry that counts for a name.
    pub(super) fn get(&self, directory: u32, name: &Bytes) -> Option<&Dirent> {
        self.0.get(&(directory, name.clone()))
    }
}

/// The walked tree.
pub(super) struct Walked {
    pub(super) entries: Vec<Entry>,
    /// Every inode that has a name, and the first one.
    pub(super) paths: BTreeMap<u32, EntryPath>,
    pub(super) problems: Problems,
    /// Inodes seen so far, made once, whatever their number of names.
    made: BTreeMap<u32, Option<(Node, Meta)>>,
}

/// Type of an inode by its newest node.
pub(super) fn file_type(node: &Inode) -> u32 {
    node.mode & TYPE
}

/// Walks from the root.
pub(super) fn walk(source: &Source<'_>, problems: Problems, budget: &Budget) -> Walked {
    let mut walked = Walked {
        entries: Vec::new(),
        paths: BTreeMap::new(),
        problems,
        made: BTreeMap::new(),
    };
    walked.paths.insert(ROOT, EntryPath::root());
    if source.inodes.of(ROOT).iter().any(|node| !node.obsolete) && budget.spend_entries(1).is_ok() {
        walked.inode(source, ROOT, DIRECTORY, &EntryPath::root());
    }
    let mut open = vec![(ROOT, EntryPath::root())];
    let mut expanded = BTreeSet::from([ROOT]);
    while let Some((directory, path)) = open.pop() {
        for dirent in source.names.of(directory) {
            let before = walked.entries.len();
            if let Err(limit) = budget.spend_entry(&path, &dirent.name) {
                walked.problems.push(limit);
                return walked;
            }
            let child = name::child(&path, &dirent.name, dirent.at, &mut walked.problems);
            let Some(child) = child else {
                continue;
            };
            walked
                .paths
                .entry(dirent.ino)
                .or_insert_with(|| child.clone());
            let is_directory = walked.inode(source, dirent.ino, dirent.kind, &child);
            if let Err(limit) = budget.spend_attached(&walked.entries, before) {
                walked.problems.push(limit);
                return walked;
            }
            if !is_directory {
                continue;
            }
            if expanded.insert(dirent.ino) {
                open.push((dirent.ino, child));
            } else {
                let problem = Problem::corrupt(
                    "a directory that already stands elsewhere; not entered again",
                );
                walked.problems.push(problem.at(dirent.at).about(&child));
            }
        }
    }
    walked.adrift(source, &expanded);
    walked
}

impl Walked {
    /// Adds the entry of an inode at `path`; whether it is a directory.
    fn inode(&mut self, source: &Source<'_>, ino: u32, hint: u8, path: &EntryPath) -> bool {
        let made = if let Some(made) = self.made.get(&ino) {
            made.clone()
        } else {
            let made = self.make(source, ino, hint, path);
            self.made.insert(ino, made.clone());
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
        ino: u32,
        hint: u8,
        path: &EntryPath,
    ) -> Option<(Node, Meta)> {
        let nodes = source.inodes.current(ino);
        let Some(newest) = nodes.last() else {
            let detail = format!("inode {ino} has a name but no sound node");
            self.problems.push(Problem::corrupt(detail).about(path));
            // What stands below a directory is still shown.
            return (hint == DIRECTORY).then(|| (Node::Dir, Meta::default()));
        };
        if let Some((a, b)) = clash(&nodes) {
            let detail = format!(
                "two nodes of one version ({}, the other at {:#x}) differ",
                a.version, b.at
            );
            self.problems
                .push(Problem::corrupt(detail).at(a.at).about(path));
        }
        let meta = Meta {
            mode: Some(newest.mode & 0o7777),
            uid: Some(newest.uid.into()),
            gid: Some(newest.gid.into()),
            mtime: Some(newest.mtime.into()),
            xattrs: source.xattrs.get(&ino).cloned().unwrap_or_default(),
        };
        let node = match file_type(newest) {
            REGULAR => Node::File(content::file(source.image, view(&nodes))),
            0o040_000 => Node::Dir,
            0o120_000 => Node::Symlink(self.small(source, &nodes, path)?.to_vec()),
            0o020_000 => Node::Char(self.device(source, &nodes, path)?),
            0o060_000 => Node::Block(self.device(source, &nodes, path)?),
            0o010_000 => Node::Fifo,
            0o140_000 => Node::Socket,
            other => {
                let detail = format!("inode {ino} is of unknown type {other:#o}");
                self.problems
                    .push(Problem::corrupt(detail).at(newest.at).about(path));
                return None;
            }
        };
        Some((node, meta))
    }

    /// The data of a link or a device, which every node of such an inode holds whole.
    fn small(&mut self, source: &Source<'_>, nodes: &[Inode], path: &EntryPath) -> Option<Bytes> {
        let newest = nodes.iter().rev().find(|node| node.dsize > 0);
        let data = match newest {
            Some(node) => content::whole(source.image, node).map_err(|problem| problem.at(node.at)),
            None => Err(Problem::corrupt(
                "a link or device without a node that says where it leads",
            )),
        };
        data.map_err(|problem| self.problems.push(problem.about(path)))
            .ok()
    }

    fn device(&mut self, source: &Source<'_>, nodes: &[Inode], path: &EntryPath) -> Option<Device> {
        let data = self.small(source, nodes, path)?;
        let fields = Fields::new(&data, source.endian);
        let device = match length(&data) {
            2 => fields.u16(0).map(|id| Device {
                major: u32::from(id >> 8),
                minor: u32::from(id & 0xff),
            }),
            4 => fields.u32(0).map(|id| Device {
                major: (id & 0x000f_ff00) >> 8,
                minor: (id & 0xff) | ((id >> 12) & 0x000f_ff00),
            }),
            _ => None,
        };
        if device.is_none() {
            let detail = format!("a device number of {} bytes", data.len());
            self.problems.push(Problem::corrupt(detail).about(path));
        }
        device
    }

    /// Tells of directories that hold names but are not reached from the root.
    fn adrift(&mut self, source: &Source<'_>, expanded: &BTreeSet<u32>) {
        let mut last = None;
        for ((directory, _), dirent) in &source.names.0 {
            if dirent.ino == 0 || expanded.contains(directory) || last == Some(directory) {
                continue;
            }
            last = Some(directory);
            let detail =
                format!("directory inode {directory} holds names, but no path leads to it");
            self.problems.push(Problem::corrupt(detail).at(dirent.at));
        }
    }

    /// Tells of nodes that do not hold, with the path they would have belonged to.
    pub(super) fn damages(&mut self, damages: &[Damage]) {
        for damage in damages {
            let problem = Problem::checksum(damage.what).at(damage.at);
            let path = match &damage.owner {
                Owner::Nobody => None,
                Owner::Inode(ino) => self.paths.get(ino).cloned(),
                Owner::Name(parent, name) => self.paths.get(parent).map(|parent| parent.join(name)),
            };
            self.problems.push(match path {
                Some(path) => problem.about(&path),
                None => problem,
            });
        }
    }
}
