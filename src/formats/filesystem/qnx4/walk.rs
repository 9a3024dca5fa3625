//! Directories and the inodes in them, from the root down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::extents::{Chain, Content, Inode, Run, at};
use super::{BLOCK, ENTRY, ROOT};
use crate::entry::{Data, Entry, EntryPath, Fault, File, Meta, Node};
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::{Opened, Role};
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length};

/// Bits of the status of an entry: in use; a link to an inode elsewhere.
const USED: u8 = 0x01;
const LINK: u8 = 0x08;
/// How long names are at most: in an inode, in a link, and in a block of their own (bytes).
const SHORT: usize = 16;
const MIDDLE: usize = 48;
const LONG: usize = 505;
/// Where the inodes of the file system's own files end in the root block, in bytes.
const OWN_END: u64 = ROOT + 4 * ENTRY;
/// No path is longer than Linux takes one, in bytes.
const LONGEST_PATH: usize = 4096;

/// A walk over a file system.
pub(super) struct Walk<'a> {
    region: Bytes,
    harvest: Harvest<'a>,
    /// Blocks that belong to a file that was visited.
    taken: Vec<bool>,
    /// What was made of the inode at each place (bytes), for its other names.
    made: BTreeMap<u64, Option<(Node, Meta, Arc<Content>)>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(region: Bytes, blocks: u64, harvest: Harvest<'a>) -> Self {
        let there = length(&region).div_ceil(BLOCK).min(blocks);
        let mut taken = vec![false; index(there)];
        // The loader belongs to no file.
        if let Some(loader) = taken.first_mut() {
            *loader = true;
        }
        Self {
            region,
            harvest,
            taken,
            made: BTreeMap::new(),
        }
    }

    /// Adds every entry, the root first.
    pub(super) fn run(mut self) -> Opened {
        let mut entered = BTreeSet::from([ROOT]);
        let root = EntryPath::root();
        let mut open = Vec::new();
        open.extend(
            self.entry(ROOT, &root)
                .map(|content| (content, root.clone())),
        );
        self.own(&root);
        while let Some((directory, path)) = open.pop() {
            for (inode_at, name) in self.names(&directory, &path) {
                let child = self.harvest.path(&path, &name);
                if child.as_bytes().len() > LONGEST_PATH {
                    let detail = format!("a path of more than {LONGEST_PATH} bytes is not read");
                    self.harvest.tell(Problem::limit(detail).about(&path));
                    continue;
                }
                let directory = self.entry(inode_at, &child);
                if self.harvest.was_stopped() {
                    return self.harvest.finish();
                }
                let Some(directory) = directory else { continue };
                if entered.insert(inode_at) {
                    open.push((directory, child));
                } else {
                    let detail = "a directory that already stands elsewhere; not entered again";
                    self.harvest.tell(Problem::corrupt(detail).about(&child));
                }
            }
        }
        self.harvest.finish()
    }

    /// The files of the file system itself: the inodes are accounted for one by one, the boot programs are entries.
    fn own(&mut self, root: &EntryPath) {
        for (slot, name) in [(1, ".inodes"), (2, ".boot"), (3, ".altboot")] {
            let inode_at = ROOT.saturating_add(ENTRY.saturating_mul(slot));
            let raw = clip(&self.region, inode_at, ENTRY);
            let Some(inode) = Inode::parse(&raw).filter(|inode| inode.status & USED != 0) else {
                continue;
            };
            let path = root.join(name.as_bytes());
            if slot > 1 {
                self.entry(inode_at, &path);
            } else if let Err(problem) = self.runs(&inode) {
                self.harvest.tell(problem.about(&path));
            }
        }
    }

    /// Takes the blocks of the bitmap.
    fn bitmap(&mut self, record: &[u8]) {
        let Some(inode) = Inode::parse(record) else {
            return;
        };
        match self.runs(&inode) {
            Ok(runs) => {
                for (block, count) in runs {
                    let len = u64::from(count).saturating_mul(BLOCK);
                    let start = at(block).unwrap_or_default();
                    self.harvest.account.metadata(start, len);
                }
            }
            Err(problem) => self.harvest.tell(problem),
        }
    }

    /// The names in a directory, and where the inodes that they mean stand (bytes).
    fn names(&mut self, directory: &Content, path: &EntryPath) -> Vec<(u64, Vec<u8>)> {
        let mut names = Vec::new();
        // What is wrong with its extents was told.
        let pieces = directory.pieces().filter(|_| directory.problem.is_none());
        for (start, len) in pieces {
            let raw = clip(&self.region, start, len);
            if length(&raw) < len {
                let problem = Problem::corrupt("a directory is cut off").at(start);
                self.harvest.tell(problem.about(path));
            }
            for (number, record) in (0_u64..).zip(raw.chunks_exact(index(ENTRY))) {
                let at = start.saturating_add(number.saturating_mul(ENTRY));
                let status = record.last().copied().unwrap_or_default();
                if status & (USED | LINK) == 0 || record.first() == Some(&0) {
                    // What says nothing of a file that was is empty.
                    self.harvest.account.padded(at, record, 0, 0);
                    continue;
                }
                let found = if status & LINK == 0 {
                    self.harvest.account.metadata(at, ENTRY);
                    let name = text(record, SHORT);
                    if name == b".bitmap" && *path == EntryPath::root() {
                        self.bitmap(record);
                        continue;
                    }
                    Ok((at, name))
                } else {
                    self.link(at, record)
                };
                match found {
                    Ok((_, name)) if matches!(&name[..], b"." | b"..") => {}
                    // Other names of what the root block holds.
                    Ok((inode_at, _)) if (ROOT..OWN_END).contains(&inode_at) => {}
                    Ok(found) => names.push(found),
                    Err(problem) => self.harvest.tell(problem.about(path)),
                }
            }
        }
        names
    }

    /// Where a link leads, and its name: in it, or in a block of its own.
    fn link(&mut self, link_at: u64, record: &[u8]) -> Result<(u64, Vec<u8>), Problem> {
        let wrong = |detail: &str| Problem::corrupt(detail).at(link_at);
        let fields = Fields::little(record);
        self.harvest.account.metadata(link_at, ENTRY);
        let slot = u64::from(fields.u8(52).unwrap_or_default());
        let block = fields.u32(48).and_then(at);
        let inode = block
            .filter(|_| slot < 8)
            .and_then(|block| block.checked_add(slot.checked_mul(ENTRY)?));
        let inode = inode.ok_or_else(|| wrong("a link to no inode"))?;
        let long = fields.u32(53).filter(|&block| block != 0);
        let Some(block) = long else {
            return Ok((inode, text(record, MIDDLE)));
        };
        let start = at(block).unwrap_or_default();
        let raw = cut(&self.region, start, BLOCK);
        let raw = raw.ok_or_else(|| wrong("a long name behind the end of the image"))?;
        self.take(block, 1)?;
        let name = text(raw.get(6..).unwrap_or_default(), LONG);
        let used = length(&name).saturating_add(7);
        self.harvest.account.padded(start, &raw, used, 0);
        Ok((inode, name))
    }

    /// Adds the entry of the inode at a place; its content, if it is a directory.
    fn entry(&mut self, inode_at: u64, path: &EntryPath) -> Option<Arc<Content>> {
        if !self.made.contains_key(&inode_at) {
            let raw = cut(&self.region, inode_at, ENTRY);
            let inode = raw.and_then(|raw| Inode::parse(&raw));
            let made = match inode.filter(|inode| inode.status & (USED | LINK) != 0) {
                Some(inode) => self.make(inode_at, &inode, path),
                None => Err(Problem::corrupt("there is no inode").at(inode_at)),
            };
            let made = made.map_err(|problem| self.harvest.tell(problem.about(path)));
            self.made.insert(inode_at, made.ok());
        }
        let (node, meta, content) = self.made.get(&inode_at).cloned().flatten()?;
        let is_directory = matches!(node, Node::Dir);
        self.harvest.add(Entry {
            path: path.clone(),
            node,
            meta,
        });
        is_directory.then_some(content)
    }

    fn make(
        &mut self,
        inode_at: u64,
        inode: &Inode,
        path: &EntryPath,
    ) -> Result<(Node, Meta, Arc<Content>), Problem> {
        self.harvest.account.metadata(inode_at, ENTRY);
        let kind = inode.mode & 0o170_000;
        let stored = matches!(kind, 0o100_000 | 0o120_000 | 0o040_000);
        let (mut runs, mut problem) = (Vec::new(), None);
        if stored {
            match self.runs(inode) {
                Ok(found) => runs = found,
                Err(wrong) => problem = Some(wrong.about(path)),
            }
        }
        let content = Arc::new(Content {
            region: self.region.clone(),
            size: inode.size.into(),
            runs,
            problem,
        });
        if kind != 0o040_000 {
            for (at, len) in content.pieces() {
                self.harvest.account.name(at, len, Role::Content);
            }
        }
        let node = match kind {
            0o100_000 => Node::File(File {
                size: content.size,
                data: content.clone(),
            }),
            0o040_000 => {
                if let Some(problem) = &content.problem {
                    self.harvest.tell(problem.clone());
                }
                Node::Dir
            }
            0o120_000 => Node::Symlink(target(&content)?),
            0o010_000 => Node::Fifo,
            0o140_000 => Node::Socket,
            0o020_000 | 0o060_000 => {
                let detail = "a device node, whose numbers are not read";
                return Err(Problem::unsupported(detail).at(inode_at));
            }
            _ => {
                let detail = format!("mode {:o} is no type of file", inode.mode);
                return Err(Problem::corrupt(detail).at(inode_at));
            }
        };
        let meta = Meta {
            mode: Some(inode.mode & 0o7777),
            uid: Some(inode.uid),
            gid: Some(inode.gid),
            mtime: Some(inode.mtime.into()),
            ..Meta::default()
        };
        Ok((node, meta, content))
    }

    /// The extents of a file, whose blocks become its own.
    fn runs(&mut self, inode: &Inode) -> Result<Vec<Run>, Problem> {
        let mut runs = Vec::new();
        if inode.first.1 > 0 {
            self.take(inode.first.0, inode.first.1)?;
            runs.push(inode.first);
        }
        let mut left = inode.extents.saturating_sub(1);
        let mut next = inode.next;
        while left > 0 {
            let chain = Chain::parse(&self.region, next)?;
            self.take(next, 1)?;
            if let Some(at) = at(next) {
                self.harvest.account.metadata(at, BLOCK);
            }
            for &(block, count) in chain.runs.iter().take(left.into()) {
                if count == 0 {
                    return Err(Problem::corrupt("an extent of no blocks"));
                }
                self.take(block, count)?;
                runs.push((block, count));
            }
            let found = u16::try_from(chain.runs.len()).unwrap_or(u16::MAX);
            left = left.saturating_sub(found);
            next = chain.next;
        }
        let room = runs.iter().fold(0_u64, |room, &(_, count)| {
            room.saturating_add(u64::from(count).saturating_mul(BLOCK))
        });
        if room < inode.size.into() {
            let detail = format!("{} bytes in extents of {room}", inode.size);
            return Err(Problem::corrupt(detail));
        }
        Ok(runs)
    }

    /// Takes so many blocks from `first` on.
    fn take(&mut self, first: u32, count: u32) -> Result<(), Problem> {
        let lost = || Problem::corrupt(format!("{count} blocks from {first} on are not all there"));
        let start = first.checked_sub(1).ok_or_else(lost)?;
        let end = start.checked_add(count).ok_or_else(lost)?;
        let range = index(start.into())..index(end.into());
        let blocks = self.taken.get_mut(range).ok_or_else(lost)?;
        for taken in blocks {
            if std::mem::replace(taken, true) {
                let detail =
                    format!("a block of the {count} from {first} on belongs to another file, too");
                return Err(Problem::corrupt(detail));
            }
        }
        Ok(())
    }
}

/// The text at the start of `room`, up to a zero byte or `most` bytes.
fn text(room: &[u8], most: usize) -> Vec<u8> {
    let room = room.get(..most).unwrap_or(room);
    let name = room.split(|&byte| byte == 0).next();
    name.unwrap_or_default().to_vec()
}

fn target(content: &Content) -> Result<Vec<u8>, Problem> {
    if content.size > 4096 {
        return Err(Problem::corrupt("a link target of more than 4096 bytes"));
    }
    let mut target = Vec::new();
    match content.copy_to(&mut target) {
        Ok(()) => Ok(target),
        Err(Fault::Problem(problem)) => Err(problem),
        Err(Fault::Sink(error)) => Err(Problem::corrupt(error.to_string())),
    }
}
