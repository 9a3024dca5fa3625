//! Directories and inodes: from the root down, without following a directory twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::blocks::{Blocks, Content};
use super::{Inode, Super, text_len};
use crate::budget::Budget;
use crate::entry::{Device, Entry, EntryPath, Fault, File, Meta, Node};
use crate::formats::Span;
use crate::problem::{Problem, ProblemKind};
use crate::read::{Endian, index, length};

/// How long a path may become (bytes), which also bounds how deep directories nest.
const PATH: usize = 4096;

/// How long the target of a symbolic link may be (bytes).
const TARGET: u32 = 64 << 10;

/// A walk over all directories of an image.
pub(super) struct Walk<'a> {
    region: &'a Bytes,
    endian: Endian,
    root: Inode,
    extended: bool,
    counted: u64,
    spans: Vec<Span>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(region: &'a Bytes, head: &Super) -> Self {
        Self {
            region,
            endian: head.endian,
            root: head.root,
            extended: head.flags & 0x800 != 0,
            counted: head.blocks,
            spans: Vec::new(),
        }
    }

    /// Every entry, and the spans of everything that was visited.
    pub(super) fn run(
        mut self,
        budget: &Budget,
        problems: &mut Vec<Problem>,
    ) -> (Vec<Entry>, Vec<Span>) {
        let inodes = self.inodes(budget, problems);
        let block = self.block_size(&inodes);
        let mut shared: BTreeMap<(u64, u32), Arc<Content>> = BTreeMap::new();
        let mut entries = Vec::with_capacity(inodes.len());
        // Tables of pointers do not overlap; when all together are longer than the image, no more are walked.
        let mut pointers = 0_u64;
        for (path, inode) in inodes {
            let kind = inode.mode & 0o170_000;
            let content = shared.get(&(inode.offset, inode.size)).cloned();
            let content = content.unwrap_or_else(|| {
                let blocks = Blocks {
                    region: self.region.clone(),
                    endian: self.endian,
                    extended: self.extended,
                    block,
                };
                Arc::new(Content::new(blocks, &inode))
            });
            if matches!(kind, 0o100_000 | 0o120_000) {
                let first = shared.insert((inode.offset, inode.size), Arc::clone(&content));
                if first.is_none() {
                    pointers = pointers.saturating_add(content.table_len());
                }
                if first.is_none() && pointers <= length(self.region) {
                    content.spans(&mut |span| self.explain(span));
                }
            }
            match node(kind, &inode, content) {
                Ok(node) => entries.push(Entry {
                    path,
                    node,
                    meta: meta(&inode),
                }),
                Err(problem) => problems.push(problem.about(&path)),
            }
        }
        if pointers > length(self.region) {
            let detail = "the files' block pointers together are longer than the image";
            problems.push(Problem::corrupt(detail));
        }
        (entries, self.spans)
    }

    /// All inodes with their paths; the root first.
    fn inodes(&mut self, budget: &Budget, problems: &mut Vec<Problem>) -> Vec<(EntryPath, Inode)> {
        let mut found = vec![(EntryPath::root(), self.root)];
        let mut visited = BTreeSet::new();
        let mut next: usize = 0;
        while let Some((path, inode)) = found.get(next).cloned() {
            next = next.saturating_add(1);
            if inode.mode & 0o170_000 != 0o040_000 || inode.size == 0 {
                continue;
            }
            if !visited.insert(inode.offset) {
                let problem = Problem::corrupt("the directory is another one's table as well");
                problems.push(problem.at(inode.offset).about(&path));
                continue;
            }
            let mut told = Vec::new();
            let spent = self.directory(&path, &inode, &mut found, &mut told, budget);
            problems.extend(told.into_iter().map(|problem| problem.about(&path)));
            if let Err(limit) = spent {
                problems.push(limit.about(&path));
                break;
            }
        }
        found
    }

    /// Reads the table of one directory. The error is that the budget is spent.
    fn directory(
        &mut self,
        path: &EntryPath,
        dir: &Inode,
        found: &mut Vec<(EntryPath, Inode)>,
        told: &mut Vec<Problem>,
        budget: &Budget,
    ) -> Result<(), Problem> {
        let region = self.region.clone();
        let end = dir.offset.saturating_add(u64::from(dir.size));
        let mut at = dir.offset;
        while at < end {
            let name_at = at.saturating_add(12);
            let inode = Inode::parse(&region, index(at), self.endian);
            let field = inode.and_then(|inode| {
                let after = name_at.checked_add(length_of(inode.name_len))?;
                let field = region.get(index(name_at)..index(after))?;
                (after <= end && !field.is_empty()).then_some((inode, field))
            });
            let Some((inode, field)) = field else {
                told.push(Problem::corrupt("the directory's table ends within an entry").at(at));
                break;
            };
            let name = field.split(|&byte| byte == 0).next().unwrap_or_default();
            self.explain(Span::metadata(at, 12_u64.saturating_add(text_len(field))));
            at = name_at.saturating_add(length(field));
            if path.as_bytes().len().saturating_add(name.len()) >= PATH {
                told.push(Problem::limit("a path of more than 4096 bytes").at(name_at));
                continue;
            }
            if name.is_empty() {
                told.push(Problem::corrupt("an entry without a name").at(name_at));
                continue;
            }
            if name.contains(&b'/') || name == b"." || name == b".." {
                let detail = "a name that is a path of its own; kept as data, never followed";
                told.push(Problem::new(ProblemKind::Name, detail).at(name_at));
            }
            budget.spend_entry(path, name)?;
            found.push((path.join(name), inode));
        }
        Ok(())
    }

    /// The block size: the one at which the contents have as many blocks as the superblock counts, else 4 KiB.
    /// Contents that several files share count once.
    fn block_size(&self, inodes: &[(EntryPath, Inode)]) -> u32 {
        let with_blocks = |inode: &&Inode| matches!(inode.mode & 0o170_000, 0o100_000 | 0o120_000);
        let distinct: BTreeSet<(u64, u32)> = inodes
            .iter()
            .map(|(_, inode)| inode)
            .filter(with_blocks)
            .map(|inode| (inode.offset, inode.size))
            .collect();
        let fits = |block: &u32| {
            let counts = distinct
                .iter()
                .map(|(_, size)| u64::from(size.div_ceil(*block)));
            counts.sum::<u64>() == self.counted
        };
        let pages = [4096, 8192, 16 << 10, 32 << 10, 64 << 10];
        pages.into_iter().find(fits).unwrap_or(4096)
    }

    /// Names bytes; adjacent ones of one role become one span.
    fn explain(&mut self, span: Span) {
        let there = length(self.region).saturating_sub(span.at);
        let span = Span {
            len: span.len.min(there),
            ..span
        };
        match self.spans.last_mut() {
            Some(last)
                if last.role == span.role && last.at.checked_add(last.len) == Some(span.at) =>
            {
                last.len = last.len.saturating_add(span.len);
            }
            _ if span.len > 0 => self.spans.push(span),
            _ => {}
        }
    }
}

fn length_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn meta(inode: &Inode) -> Meta {
    Meta {
        mode: Some(inode.mode & 0o7777),
        uid: Some(inode.uid),
        gid: Some(inode.gid),
        ..Meta::default()
    }
}

fn node(kind: u32, inode: &Inode, content: Arc<Content>) -> Result<Node, Problem> {
    let device = Device {
        major: inode.size >> 8 & 0xff,
        minor: inode.size & 0xff,
    };
    Ok(match kind {
        0o100_000 => Node::File(File {
            size: u64::from(inode.size),
            data: content,
        }),
        0o040_000 => Node::Dir,
        0o120_000 => Node::Symlink(target(inode, &content)?),
        0o020_000 => Node::Char(device),
        0o060_000 => Node::Block(device),
        0o010_000 => Node::Fifo,
        0o140_000 => Node::Socket,
        _ => {
            let detail = format!("mode {:o} is no type of file", inode.mode);
            return Err(Problem::corrupt(detail));
        }
    })
}

fn target(inode: &Inode, content: &Content) -> Result<Vec<u8>, Problem> {
    if inode.size > TARGET {
        return Err(Problem::limit("a link target of more than 64 KiB"));
    }
    let mut target = Vec::new();
    match crate::entry::Data::copy_to(content, &mut target) {
        Ok(()) => Ok(target),
        Err(Fault::Problem(problem)) => Err(problem),
        Err(Fault::Sink(error)) => Err(Problem::corrupt(error.to_string())),
    }
}
