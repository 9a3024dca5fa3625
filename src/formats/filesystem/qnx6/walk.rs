//! Directories and inodes, from the root down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::blocks::{Content, Fork, Volume};
use super::superblock::Super;
use crate::entry::{Data, Entry, EntryPath, Fault, File, Meta, Node};
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::{Opened, Role};
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length};

/// The number of the root's inode.
const ROOT: u32 = 1;
/// The lengths of an inode and of a directory entry, in bytes.
const INODE: u64 = 128;
const ENTRY: usize = 32;
/// The longest name in a directory entry, and the longest of all, in bytes.
const SHORT: u8 = 27;
const LONGEST: u16 = 510;
/// No path is longer than Linux takes one, in bytes.
const LONGEST_PATH: usize = 4096;

/// An inode.
struct Inode {
    mode: u32,
    meta: Meta,
    fork: Fork,
}

/// A walk over a file system.
pub(super) struct Walk<'a> {
    volume: Volume,
    harvest: Harvest<'a>,
    /// Blocks that belong to a file that was visited.
    taken: Vec<bool>,
    /// What was made of each inode, for its other names.
    made: BTreeMap<u32, Option<(Node, Meta)>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(volume: Volume, harvest: Harvest<'a>) -> Self {
        Self {
            taken: vec![false; index(volume.there())],
            volume,
            harvest,
            made: BTreeMap::new(),
        }
    }

    /// Adds every entry, the root first.
    pub(super) fn run(mut self, head: &Super) -> Opened {
        for (fork, role) in [
            (&head.bitmap, Some(Role::Metadata)),
            (&head.inodes, None),
            (&head.names, None),
        ] {
            if let Err(problem) = self.take(fork, role) {
                self.harvest.tell(problem);
            }
        }
        let mut entered = BTreeSet::from([ROOT]);
        let mut open = Vec::new();
        let root = EntryPath::root();
        let directory = self.entry(head, ROOT, &root);
        open.extend(directory.map(|fork| (fork, root)));
        while let Some((fork, path)) = open.pop() {
            for (number, name) in self.names(head, &fork, &path) {
                let child = self.harvest.path(&path, &name);
                if child.as_bytes().len() > LONGEST_PATH {
                    let detail = format!("a path of more than {LONGEST_PATH} bytes is not read");
                    self.harvest.tell(Problem::limit(detail).about(&path));
                    continue;
                }
                let directory = self.entry(head, number, &child);
                if self.harvest.was_stopped() {
                    return self.harvest.finish();
                }
                let Some(directory) = directory else { continue };
                if entered.insert(number) {
                    open.push((directory, child));
                } else {
                    let detail = "a directory that already stands elsewhere; not entered again";
                    self.harvest.tell(Problem::corrupt(detail).about(&child));
                }
            }
        }
        self.harvest.finish()
    }

    /// The names in a directory and the inodes that they mean.
    fn names(&mut self, head: &Super, fork: &Fork, path: &EntryPath) -> Vec<(u32, Vec<u8>)> {
        let volume = self.volume.clone();
        let mut blocks = Vec::new();
        let visited = volume.visit(fork, &mut |block, depth, first| {
            blocks.extend((depth == 0).then_some((block, first)));
            Ok::<(), Problem>(())
        });
        // It was told when the blocks were taken.
        if visited.is_err() {
            return Vec::new();
        }
        let mut names = Vec::new();
        for (block, first) in blocks {
            let at = volume.at(block).unwrap_or(u64::MAX);
            let left = fork.size.saturating_sub(first.saturating_mul(volume.block));
            let raw = clip(&volume.region, at, left.min(volume.block));
            if length(&raw) < left.min(volume.block) {
                let problem = Problem::corrupt("a directory is cut off").at(at);
                self.harvest.tell(problem.about(path));
            }
            for (number, record) in (0_u64..).zip(raw.chunks_exact(ENTRY)) {
                let at = at.saturating_add(number.saturating_mul(length(record)));
                let fields = Fields::new(record, volume.endian);
                let inode = fields.u32(0).filter(|&inode| inode != 0);
                let len = fields.u8(4).unwrap_or_default();
                let Some(inode) = inode.filter(|_| len != 0) else {
                    // An entry that is not in use.
                    self.harvest.account.padded(at, record, 0, 0);
                    continue;
                };
                let name = if len <= SHORT {
                    let used = u64::from(len).saturating_add(5);
                    self.harvest.account.padded(at, record, used, 0);
                    let name = fields.slice(5, len.into());
                    name.map(<[u8]>::to_vec)
                        .ok_or_else(|| Problem::corrupt("a name that is cut off"))
                } else {
                    self.harvest.account.padded(at, record, 16, 0);
                    self.long_name(head, &fields)
                };
                match name {
                    Ok(name) if matches!(&name[..], b"." | b"..") => {}
                    Ok(name) => names.push((inode, name)),
                    Err(problem) => self.harvest.tell(problem.at(at).about(path)),
                }
            }
        }
        names
    }

    /// The name that an entry keeps in the file of long names.
    fn long_name(&mut self, head: &Super, entry: &Fields<'_>) -> Result<Vec<u8>, Problem> {
        let lost = || Problem::corrupt("a long name is not where the entry says");
        let number = entry.u32(8).ok_or_else(lost)?;
        let offset = u64::from(number).saturating_mul(self.volume.block);
        let inside = offset < head.names.size;
        let at = self.volume.locate(&head.names, offset);
        let at = at.filter(|_| inside).ok_or_else(lost)?;
        let raw = clip(&self.volume.region, at, self.volume.block);
        let fields = Fields::new(&raw, self.volume.endian);
        let len = fields
            .u16(0)
            .filter(|&len| len <= LONGEST)
            .ok_or_else(lost)?;
        let name = fields.slice(2, len.into()).ok_or_else(lost)?;
        let used = u64::from(len).saturating_add(2);
        self.harvest.account.padded(at, &raw, used, 0);
        if entry.u8(4) != Some(0xff) || !entry.u32(12).is_some_and(|stored| is_sum(stored, name)) {
            let detail = "the sum of a long name is not the one in its directory entry";
            self.harvest.tell(Problem::checksum(detail).at(at));
        }
        Ok(name.to_vec())
    }

    /// Adds the entry of an inode; its file, if it is a directory.
    fn entry(&mut self, head: &Super, number: u32, path: &EntryPath) -> Option<Fork> {
        let inode = self.inode(head, number);
        if !self.made.contains_key(&number) {
            let made = if let Some((inode, at)) = &inode {
                self.make(inode, *at, path)
            } else {
                let problem = Problem::corrupt(format!("there is no inode {number}"));
                self.harvest.tell(problem.about(path));
                None
            };
            self.made.insert(number, made);
        }
        let (node, meta) = self.made.get(&number).cloned().flatten()?;
        let is_directory = matches!(node, Node::Dir);
        self.harvest.add(Entry {
            path: path.clone(),
            node,
            meta,
        });
        inode.filter(|_| is_directory).map(|(inode, _)| inode.fork)
    }

    /// An inode, and where it stands in bytes.
    fn inode(&self, head: &Super, number: u32) -> Option<(Inode, u64)> {
        let offset = u64::from(number.checked_sub(1)?).checked_mul(INODE)?;
        if number > head.inode_count || offset.saturating_add(INODE) > head.inodes.size {
            return None;
        }
        let at = self.volume.locate(&head.inodes, offset)?;
        let raw = cut(&self.volume.region, at, INODE)?;
        let fields = Fields::new(&raw, self.volume.endian);
        let mode = u32::from(fields.u16(32)?);
        let inode = Inode {
            mode,
            meta: Meta {
                mode: Some(mode & 0o7777),
                uid: Some(fields.u32(8)?),
                gid: Some(fields.u32(12)?),
                mtime: Some(fields.u32(20)?.into()),
                ..Meta::default()
            },
            fork: Fork::parse(&fields, fields.u64(0)?, 36, fields.u8(100)?)?,
        };
        Some((inode, at))
    }

    /// What an inode is; what is wrong with it is told.
    fn make(&mut self, inode: &Inode, at: u64, path: &EntryPath) -> Option<(Node, Meta)> {
        let raw = clip(&self.volume.region, at, INODE);
        // Two bytes behind the status have no known meaning.
        self.harvest.account.padded(at, &raw, 102, 0);
        let kind = inode.mode & 0o170_000;
        let held = match kind {
            0o100_000 | 0o120_000 => self.take(&inode.fork, Some(Role::Content)).err(),
            0o040_000 => self.take(&inode.fork, None).err(),
            _ => None,
        };
        let content = Content {
            volume: self.volume.clone(),
            fork: inode.fork.clone(),
            problem: held.clone().map(|problem| problem.about(path)),
        };
        let node = match kind {
            0o100_000 => Node::File(File {
                size: inode.fork.size,
                data: Arc::new(content),
            }),
            0o040_000 => {
                if let Some(problem) = held {
                    self.harvest.tell(problem.about(path));
                }
                Node::Dir
            }
            0o120_000 => match target(&content) {
                Ok(target) => Node::Symlink(target),
                Err(problem) => {
                    self.harvest.tell(problem.about(path));
                    return None;
                }
            },
            0o010_000 => Node::Fifo,
            0o140_000 => Node::Socket,
            0o020_000 | 0o060_000 => {
                let detail = "a device node, whose numbers are not read";
                self.harvest
                    .tell(Problem::unsupported(detail).at(at).about(path));
                return None;
            }
            _ => {
                let detail = format!("mode {:o} is no type of file", inode.mode);
                self.harvest
                    .tell(Problem::corrupt(detail).at(at).about(path));
                return None;
            }
        };
        Some((node, inode.meta.clone()))
    }

    /// Names the blocks of a file as its own: those of content as `role`, or not, where what is in them is named piece by piece.
    fn take(&mut self, fork: &Fork, role: Option<Role>) -> Result<(), Problem> {
        let volume = self.volume.clone();
        volume.visit(fork, &mut |block, depth, first| {
            let at = volume.at(block).unwrap_or_default();
            let Some(taken) = self.taken.get_mut(index(block.into())) else {
                let detail = format!("block {block} is behind the end of the image");
                return Err(Problem::corrupt(detail));
            };
            if std::mem::replace(taken, true) {
                let detail = format!("block {block} belongs to another file, too");
                return Err(Problem::corrupt(detail).at(at));
            }
            if depth > 0 {
                self.harvest.account.metadata(at, volume.block);
            } else if let Some(role) = role {
                let start = first.saturating_mul(volume.block);
                let used = fork.size.saturating_sub(start).min(volume.block);
                self.harvest.account.name(at, used, role);
            }
            Ok(())
        })
    }
}

/// Whether `stored` is the sum of a long name: bytes above 127 count as negative where the writer's compiler took them so.
fn is_sum(stored: u32, name: &[u8]) -> bool {
    let sum = |number: fn(u8) -> u32| {
        name.iter().fold(0_u32, |sum, &byte| {
            let carry = if sum & 1 == 0 { 0 } else { 0x8000_0000 };
            (sum >> 1).wrapping_add(number(byte)) ^ carry
        })
    };
    stored == sum(u32::from) || stored == sum(|byte| i32::from(byte.cast_signed()).cast_unsigned())
}

fn target(content: &Content) -> Result<Vec<u8>, Problem> {
    if content.fork.size > 4096 {
        return Err(Problem::corrupt("a link target of more than 4096 bytes"));
    }
    let mut target = Vec::new();
    match content.copy_to(&mut target) {
        Ok(()) => Ok(target),
        Err(Fault::Problem(problem)) => Err(problem),
        Err(Fault::Sink(error)) => Err(Problem::corrupt(error.to_string())),
    }
}
