//! From members to entries: kinds, links, sums.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node, name_problem};
use crate::formats::archive::cpio::header::{Member, Variant};
use crate::formats::archive::cpio::walk::Walk;
use crate::formats::stored::Damaged;
use crate::formats::{Span, Tree};
use crate::problem::Problem;
use crate::read::{clip, length};

const FIFO: u32 = 0o010_000;
const CHAR: u32 = 0o020_000;
const DIR: u32 = 0o040_000;
const BLOCK: u32 = 0o060_000;
const FILE: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const SOCKET: u32 = 0o140_000;

/// The names of one inode.
#[derive(Default)]
struct Names {
    /// The places of its entries.
    entries: Vec<usize>,
    /// How many names it is said to have.
    stated: u32,
}

/// Reads a whole archive.
pub(super) fn read(archive: &Bytes, budget: &Budget) -> (Tree, Vec<Span>, Vec<Problem>) {
    let mut walk = Walk::new(archive);
    let mut entries = Vec::new();
    let mut links: BTreeMap<(u32, u32, u32), Names> = BTreeMap::new();
    while let Some(member) = walk.next() {
        if let Err(problem) = budget.spend_entries(1) {
            walk.problems.push(problem.at(member.at));
            break;
        }
        let path = EntryPath::new(member.name);
        let problem = name_problem(member.name, &path).map(|problem| problem.at(member.at));
        walk.problems.extend(problem);
        if member.header.kind() == FILE && member.header.nlink > 1 {
            let names = links.entry(member.header.inode).or_default();
            names.entries.push(entries.len());
            names.stated = names.stated.max(member.header.nlink);
        }
        entries.push(Entry {
            node: node(archive, &member, &path, &mut walk),
            meta: meta(&member),
            path,
        });
    }
    for names in links.values() {
        join(&mut entries, names, &mut walk.problems);
    }
    let (spans, problems) = walk.into_parts();
    let tree = Tree {
        entries,
        ..Tree::default()
    };
    (tree, spans, problems)
}

fn meta(member: &Member<'_>) -> Meta {
    Meta {
        mode: Some(member.header.mode & 0o7777),
        uid: Some(member.header.uid),
        gid: Some(member.header.gid),
        mtime: Some(i64::from(member.header.mtime)),
        xattrs: BTreeMap::new(),
    }
}

fn node(archive: &Bytes, member: &Member<'_>, path: &EntryPath, walk: &mut Walk<'_>) -> Node {
    let told = |problem: Problem| problem.at(member.at).about(path);
    let header = &member.header;
    let node = match header.kind() {
        FILE => return Node::File(file(archive, member, path, walk)),
        SYMLINK => return Node::Symlink(target(archive, member, path, walk)),
        DIR => Node::Dir,
        CHAR => Node::Char(header.rdev),
        BLOCK => Node::Block(header.rdev),
        FIFO => Node::Fifo,
        SOCKET => Node::Socket,
        kind => {
            let detail =
                format!("a member of type {kind:o}, which is none; read as a regular file");
            walk.problems.push(told(Problem::unsupported(detail)));
            return Node::File(file(archive, member, path, walk));
        }
    };
    if header.size != 0 {
        let detail = "a body stands behind a member that can have none; it was passed over";
        walk.problems.push(told(Problem::corrupt(detail)));
    }
    node
}

fn file(archive: &Bytes, member: &Member<'_>, path: &EntryPath, walk: &mut Walk<'_>) -> File {
    let size = member.header.size;
    let body = clip(archive, member.body_at, size);
    walk.ledger.content(member.body_at, length(&body));
    if length(&body) < size {
        let problem = cut(&body, member, path);
        walk.problems.push(problem.clone());
        return File {
            size,
            data: Arc::new(Damaged {
                bytes: body,
                problem,
            }),
        };
    }
    // A link that stands before its content states the content's sum or none.
    if member.header.variant == Variant::Crc && size != 0 {
        let sum = body
            .iter()
            .fold(0_u32, |sum, &byte| sum.wrapping_add(u32::from(byte)));
        if sum != member.header.check {
            let detail = format!("sum stored {:08x}, computed {sum:08x}", member.header.check);
            let problem = Problem::checksum(detail).at(member.at).about(path);
            walk.problems.push(problem);
        }
    }
    File::stored(body)
}

/// What a symbolic link holds: its body, up to a NUL, as those do who follow it.
fn target(archive: &Bytes, member: &Member<'_>, path: &EntryPath, walk: &mut Walk<'_>) -> Vec<u8> {
    let body = clip(archive, member.body_at, member.header.size);
    if length(&body) < member.header.size {
        walk.problems.push(cut(&body, member, path));
    }
    let end = memchr::memchr(0, &body).unwrap_or(body.len());
    let target = body.get(..end).unwrap_or_default();
    let target_end = member.body_at.saturating_add(length(target));
    walk.ledger.metadata(member.body_at, length(target));
    let body_end = member.body_at.saturating_add(length(&body));
    walk.ledger.padding(archive, target_end..body_end);
    target.to_vec()
}

fn cut(body: &[u8], member: &Member<'_>, path: &EntryPath) -> Problem {
    let detail = format!(
        "the archive ends {} bytes into a member of {} bytes",
        body.len(),
        member.header.size
    );
    Problem::corrupt(detail).at(member.at).about(path)
}

/// Gives all names of one inode its content: `newc` stores it with the last name and nothing with the others, older
/// variants store it with each.
fn join(entries: &mut [Entry], names: &Names, problems: &mut Vec<Problem>) {
    let mut content: Option<File> = None;
    for &name in &names.entries {
        let Some((path, file)) = linked(entries, name) else {
            continue;
        };
        if file.size == 0 {
            continue;
        }
        let differs = content
            .as_ref()
            .is_some_and(|content| !is_same(content, file));
        if differs {
            let detail =
                "two names of one inode carry different contents; readers differ on which is meant";
            problems.push(Problem::corrupt(detail).about(path));
            // Linux writes both into one file, so that the later one stays.
        }
        if differs || content.is_none() {
            content = Some(file.clone());
        }
    }
    let here = names.entries.len();
    if content.is_none()
        && u32::try_from(here).is_ok_and(|here| here < names.stated)
        && let Some((path, _)) = names
            .entries
            .first()
            .and_then(|&name| linked(entries, name))
    {
        let detail = format!(
            "{here} of {} names of one inode, and none of them carries its content",
            names.stated
        );
        problems.push(Problem::corrupt(detail).about(path));
    }
    let content = content.unwrap_or_else(|| File::stored(Bytes::new()));
    for &name in &names.entries {
        if let Some(Entry {
            node: Node::File(file),
            ..
        }) = entries.get_mut(name)
            && (file.size == 0 || is_same(file, &content))
        {
            *file = content.clone();
        }
    }
}

fn linked(entries: &[Entry], at: usize) -> Option<(&EntryPath, &File)> {
    let entry = entries.get(at)?;
    match &entry.node {
        Node::File(file) => Some((&entry.path, file)),
        _ => None,
    }
}

fn is_same(one: &File, other: &File) -> bool {
    match (one.data.bytes(), other.data.bytes()) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}
