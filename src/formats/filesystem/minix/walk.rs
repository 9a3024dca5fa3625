//! Directories and inodes, from the root down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ROOT;
use super::content::{Content, Inode, Zones};
use crate::budget::Budget;
use crate::entry::{Data, Device, Entry, EntryPath, Fault, File, Meta, Node};
use crate::formats::Span;
use crate::problem::{Problem, ProblemKind};
use crate::read::{Fields, index, length};

/// No path is longer than Linux takes one, in bytes.
const LONGEST_PATH: usize = 4096;

/// A walk over an image.
pub(super) struct Walk {
    zones: Zones,
    pub(super) spans: Vec<Span>,
    pub(super) problems: Vec<Problem>,
    /// Zones that belong to an inode that was visited.
    taken: Vec<bool>,
    /// What was made of each inode, for its other names.
    made: BTreeMap<u32, Option<(Node, Meta)>>,
}

/// Why a walk over the zones of an inode ended early.
struct Stop(Problem);

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl Walk {
    pub(super) fn new(zones: Zones, problems: Vec<Problem>) -> Self {
        // As many as are there, whatever the superblock says.
        let there = length(&zones.region).div_ceil(zones.head.block);
        Self {
            taken: vec![false; index(there.min(zones.head.zones.into()))],
            zones,
            spans: Vec::new(),
            problems,
            made: BTreeMap::new(),
        }
    }

    /// Every entry, the root first.
    pub(super) fn run(&mut self, budget: &Budget) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut entered = BTreeSet::from([ROOT]);
        let mut open = Vec::new();
        if budget.spend_entries(1).is_ok() {
            let root = EntryPath::root();
            let directory = self.entry(ROOT, &root, &mut entries);
            open.extend(directory.map(|inode| (inode, root)));
        }
        while let Some((inode, path)) = open.pop() {
            for (number, name) in self.names(&inode, &path) {
                if let Err(limit) = budget.spend_entry(&path, &name) {
                    self.problems.push(limit);
                    return entries;
                }
                let child = path.join(&name);
                if child.as_bytes().len() > LONGEST_PATH {
                    let detail = format!("a path of more than {LONGEST_PATH} bytes is not read");
                    self.problems.push(Problem::limit(detail).about(&path));
                    continue;
                }
                let before = entries.len();
                let directory = self.entry(number, &child, &mut entries);
                if let Err(limit) = budget.spend_attached(&entries, before) {
                    self.problems.push(limit);
                    return entries;
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
        entries
    }

    /// The names in a directory and the inodes that they mean.
    fn names(&mut self, inode: &Inode, path: &EntryPath) -> Vec<(u32, Vec<u8>)> {
        let (region, head) = (self.zones.region.clone(), self.zones.head.clone());
        let mut blocks = Vec::new();
        let visited = self.zones.visit(inode, &mut |zone, depth, block| {
            blocks.extend((depth == 0).then_some((zone, block)));
            Ok::<(), Stop>(())
        });
        if let Err(Stop(problem)) = visited {
            self.problems.push(problem.about(path));
        }
        let mut names = Vec::new();
        let number_len = if head.version == 3 { 4 } else { 2 };
        for (zone, block) in blocks {
            let start = self.zones.at(zone).unwrap_or(u64::MAX);
            let left = u64::from(inode.size).saturating_sub(block.saturating_mul(head.block));
            let end = start.saturating_add(left.min(head.block));
            let Some(bytes) = region.get(index(start)..index(end)) else {
                let problem = Problem::corrupt("the directory is cut off").at(start);
                self.problems.push(problem.about(path));
                continue;
            };
            for (number, raw) in (0_u64..).zip(bytes.chunks_exact(head.entry)) {
                let fields = Fields::new(raw, head.endian);
                let inode = match number_len {
                    4 => fields.u32(0),
                    _ => fields.u16(0).map(u32::from),
                };
                let Some(inode) = inode.filter(|&inode| inode != 0) else {
                    continue;
                };
                let room = raw.get(number_len..).unwrap_or_default();
                let name = room.split(|&byte| byte == 0).next().unwrap_or_default();
                let padded = room.iter().skip(name.len()).all(|&byte| byte == 0);
                let used = if padded { room.len() } else { name.len() };
                let at = start.saturating_add(number.saturating_mul(length(raw)));
                self.metadata(at, number_len.saturating_add(used));
                if matches!(name, b"." | b"..") {
                    continue;
                }
                if name.is_empty() || name.contains(&b'/') {
                    let detail = "a name that no program can have made: empty, or with `/`";
                    let problem = Problem::new(ProblemKind::Name, detail).at(at);
                    self.problems.push(problem.about(path));
                }
                if !name.is_empty() {
                    names.push((inode, name.to_vec()));
                }
            }
        }
        names
    }

    fn metadata(&mut self, at: u64, len: usize) {
        let len = u64::try_from(len).unwrap_or_default();
        self.spans.push(Span::metadata(at, len));
    }

    /// Adds the entry of an inode; the inode, if it is a directory.
    fn entry(&mut self, number: u32, path: &EntryPath, entries: &mut Vec<Entry>) -> Option<Inode> {
        let inode = self.zones.inode(number);
        if !self.made.contains_key(&number) {
            let made = match &inode {
                Some(inode) => self.make(number, inode),
                None => Err(Problem::corrupt(format!("there is no inode {number}"))),
            };
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
        inode.filter(|_| is_directory)
    }

    fn make(&mut self, number: u32, inode: &Inode) -> Result<(Node, Meta), Problem> {
        let at = self.zones.inode_at(number).unwrap_or_default();
        let len = self.zones.head.inode_len();
        self.spans.push(Span::metadata(at, len));
        let meta = Meta {
            mode: Some(inode.mode & 0o7777),
            uid: Some(inode.uid),
            gid: Some(inode.gid),
            mtime: Some(inode.mtime.into()),
            ..Meta::default()
        };
        let device = Device {
            major: inode.zones.first().map_or(0, |zone| zone >> 8 & 0xff),
            minor: inode.zones.first().map_or(0, |zone| zone & 0xff),
        };
        let kind = inode.mode & 0o170_000;
        let held = match kind {
            0o100_000 | 0o120_000 | 0o040_000 => self.take(inode, kind != 0o040_000).err(),
            _ => None,
        };
        let content = Content {
            zones: self.zones.clone(),
            inode: inode.clone(),
            problem: held.clone(),
        };
        let node = match kind {
            0o100_000 => Node::File(File {
                size: inode.size.into(),
                data: Arc::new(content),
            }),
            0o040_000 => {
                self.problems.extend(held);
                Node::Dir
            }
            0o120_000 => Node::Symlink(target(&content)?),
            0o020_000 => Node::Char(device),
            0o060_000 => Node::Block(device),
            0o010_000 => Node::Fifo,
            0o140_000 => Node::Socket,
            _ => {
                let detail = format!("mode {:o} of inode {number} is no type of file", inode.mode);
                return Err(Problem::corrupt(detail).at(at));
            }
        };
        Ok((node, meta))
    }

    /// Names the zones of an inode as its own; those of a directory are named with its entries.
    fn take(&mut self, inode: &Inode, content: bool) -> Result<(), Problem> {
        let zones = self.zones.clone();
        let block = zones.head.block;
        let taken = zones.visit(inode, &mut |zone, depth, number| {
            let at = zones.at(zone).unwrap_or_default();
            let Some(taken) = self.taken.get_mut(index(zone.into())) else {
                let detail = format!("zone {zone} is behind the end of the image");
                return Err(Stop(Problem::corrupt(detail)));
            };
            if std::mem::replace(taken, true) {
                let detail = format!("zone {zone} belongs to another file, too");
                return Err(Stop(Problem::corrupt(detail).at(at)));
            }
            if depth > 0 {
                self.spans.push(Span::metadata(at, block));
            } else if content {
                let start = number.saturating_mul(block);
                let used = u64::from(inode.size).saturating_sub(start).min(block);
                self.spans.push(Span::content(at, used));
            }
            Ok(())
        });
        taken.map_err(|Stop(problem)| problem)
    }
}

fn target(content: &Content) -> Result<Vec<u8>, Problem> {
    if index(content.inode.size.into()) > LONGEST_PATH {
        return Err(Problem::corrupt("a link target of more than 4096 bytes"));
    }
    let mut target = Vec::new();
    match content.copy_to(&mut target) {
        Ok(()) => Ok(target),
        Err(Fault::Problem(problem)) => Err(problem),
        Err(Fault::Sink(error)) => Err(Problem::corrupt(error.to_string())),
    }
}
