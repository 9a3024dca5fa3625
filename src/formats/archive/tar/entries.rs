//! From members to entries: kinds, owners, links, contents.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::budget::Budget;
use crate::entry::{Device, Entry, EntryPath, File, Meta, Node, name_problem};
use crate::formats::archive::tar::header::Number;
use crate::formats::archive::tar::sparse::{Map, Sparse, pairs};
use crate::formats::archive::tar::walk::{Member, Walk};
use crate::formats::stored::{Damaged, Ledger};
use crate::formats::{Span, Tree};
use crate::problem::Problem;
use crate::read::{clip, length};

/// Reads a whole archive.
pub(super) fn read(archive: &Bytes, budget: &Budget) -> (Tree, Vec<Span>, Vec<Problem>) {
    let mut walk = Walk::new(archive);
    let mut links = Vec::new();
    let mut entries: Vec<Entry> = Vec::new();
    while let Some(member) = walk.next() {
        if let Err(problem) = budget.spend_entries(1) {
            walk.problems.push(problem.at(member.at));
            break;
        }
        let mut reader = Reader {
            archive,
            path: EntryPath::new(&member.stored_name()),
            member,
            ledger: &mut walk.ledger,
            problems: &mut walk.problems,
        };
        let entry = reader.entry();
        if reader.member.header.kind() == b'1' {
            links.push(reader.link(entries.len()));
        }
        entries.push(entry);
    }
    resolve(archive, &mut entries, &links, &mut walk);
    let (spans, problems) = walk.into_parts();
    let tree = Tree {
        entries,
        ..Tree::default()
    };
    (tree, spans, problems)
}

impl Member<'_> {
    /// The name, from the strongest of its places.
    fn stored_name(&self) -> Vec<u8> {
        let longer = self.pax.sparse.name.as_ref().or(self.pax.path.as_ref());
        match longer.or(self.long_name.as_ref()) {
            Some(name) => name.to_vec(),
            None => self.header.name(),
        }
    }

    /// The link target, from the strongest of its places.
    fn link_name(&self) -> Vec<u8> {
        let longer = self.pax.linkpath.as_ref().or(self.long_link.as_ref());
        longer.map_or_else(|| self.header.linkname().to_vec(), |name| name.to_vec())
    }
}

/// Makes one entry of one member.
struct Reader<'a> {
    archive: &'a Bytes,
    member: Member<'a>,
    path: EntryPath,
    ledger: &'a mut Ledger,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn entry(&mut self) -> Entry {
        let stored = self.member.stored_name();
        if stored.is_empty() {
            self.corrupt("the member has no name");
        }
        if stored.contains(&0) || self.member.link_name().contains(&0) {
            self.corrupt("a zero byte stands in a name; readers end it there");
        }
        self.problems
            .extend(name_problem(&stored, &self.path).map(|problem| problem.at(self.member.at)));
        let meta = self.meta();
        Entry {
            node: self.node(&stored),
            path: self.path.clone(),
            meta,
        }
    }

    fn node(&mut self, stored: &[u8]) -> Node {
        let kind = self.member.header.kind();
        match kind {
            // Before there was a type for directories, a slash at the end of the name told them.
            0 | b'0' | b'7' if stored.ends_with(b"/") => self.without_body(Node::Dir),
            0 | b'0' | b'7' | b'S' => Node::File(self.file()),
            // What it names is looked up when all members are known.
            b'1' => Node::File(File::stored(Bytes::new())),
            b'2' => {
                let target = self.member.link_name();
                self.without_body(Node::Symlink(target))
            }
            b'3' => self.device().map_or_else(|| self.oddity(), Node::Char),
            b'4' => self.device().map_or_else(|| self.oddity(), Node::Block),
            b'5' => self.without_body(Node::Dir),
            b'6' => self.without_body(Node::Fifo),
            b'D' => {
                // GNU incremental: the body lists what the directory held, in text.
                self.ledger
                    .metadata(self.member.body_at, length(&self.body()));
                Node::Dir
            }
            b'M' => Node::File(self.continuation()),
            _ => self.oddity(),
        }
    }

    fn body(&self) -> Bytes {
        clip(self.archive, self.member.body_at, self.member.body_len)
    }

    /// The content of a regular file: the body, or put together from its pieces.
    fn file(&mut self) -> File {
        let body = self.body();
        let cut = self.told(Problem::corrupt(format!(
            "the archive ends {} bytes into a member of {} bytes",
            body.len(),
            self.member.body_len
        )));
        let is_whole = length(&body) == self.member.body_len;
        if !is_whole {
            self.problems.push(cut.clone());
        }
        let map = if self.member.header.kind() == b'S' {
            Some(self.gnu_map())
        } else {
            self.member.pax.sparse.map(&body)
        };
        let Some(map) = map else {
            self.ledger.content(self.member.body_at, length(&body));
            if is_whole {
                return File::stored(body);
            }
            return damaged(self.member.body_len, body, cut);
        };
        match map.and_then(|map| self.sparse(map, &body, cut)) {
            Ok(file) => file,
            Err(why) => {
                let problem = self.told(Problem::corrupt(why));
                self.problems.push(problem.clone());
                damaged(self.member.body_len, Bytes::new(), problem)
            }
        }
    }

    fn gnu_map(&self) -> Result<Map, &'static str> {
        let header = &self.member.header;
        let size = header.real_size().value();
        let mut pieces = pairs(header.sparse_slots())?;
        for block in self.member.map.chunks(512) {
            pieces.append(&mut pairs(block.get(..504).unwrap_or_default())?);
        }
        Ok(Map {
            pieces,
            size: size.ok_or("the sparse file's size is missing")?,
            in_body: 0,
        })
    }

    fn sparse(&mut self, map: Map, body: &Bytes, cut: Problem) -> Result<File, &'static str> {
        let stated = self.member.body_len.saturating_sub(map.in_body);
        map.check(stated)?;
        let stored = clip(body, map.in_body, stated);
        self.ledger.metadata(self.member.body_at, map.in_body);
        let content_at = self.member.body_at.saturating_add(map.in_body);
        self.ledger.content(content_at, length(&stored));
        Ok(File {
            size: map.size,
            data: Arc::new(Sparse { stored, map, cut }),
        })
    }

    /// This member as a link whose target is still to be looked up.
    fn link(&self, entry: usize) -> Link {
        let target = EntryPath::new(&self.member.link_name());
        let shown = String::from_utf8_lossy(target.as_bytes()).into_owned();
        Link {
            entry,
            missing: self.told(Problem::corrupt(format!(
                "a hard link to {shown:?}, which no earlier member is"
            ))),
            target,
            body_at: self.member.body_at,
            body_len: self.member.body_len,
        }
    }

    /// A file whose beginning is in another volume.
    fn continuation(&mut self) -> File {
        let header = &self.member.header;
        let offset: u64 = header.offset().value().unwrap_or(0);
        let problem = self.told(Problem::unsupported(format!(
            "the file goes on from another volume, at its byte {offset}"
        )));
        self.problems.push(problem.clone());
        let end = offset.saturating_add(self.member.body_len);
        damaged(
            header.real_size().value().unwrap_or(end),
            Bytes::new(),
            problem,
        )
    }

    /// A type that nothing here knows: as POSIX wants it, a regular file, and told.
    fn oddity(&mut self) -> Node {
        let kind = char::from(self.member.header.kind());
        let problem = Problem::unsupported(format!(
            "a member of type {kind:?} without a meaning here; read as a regular file"
        ));
        let problem = self.told(problem);
        self.problems.push(problem);
        Node::File(self.file())
    }

    fn device(&mut self) -> Option<Device> {
        let (major, minor) = self.member.header.device();
        let device = Device {
            major: major.value()?,
            minor: minor.value()?,
        };
        self.without_body(Node::Fifo);
        Some(device)
    }

    fn without_body(&mut self, node: Node) -> Node {
        if self.member.body_len != 0 {
            self.corrupt("a body stands behind a member that can have none; it was passed over");
        }
        node
    }

    fn meta(&mut self) -> Meta {
        let header = self.member.header;
        let mode: Option<u32> = self.fitting(header.mode(), "mode");
        let uid = match self.member.pax.uid {
            Some(uid) => Number::Value(i128::from(uid)),
            None => header.uid(),
        };
        let gid = match self.member.pax.gid {
            Some(gid) => Number::Value(i128::from(gid)),
            None => header.gid(),
        };
        Meta {
            mode: mode.map(|mode| mode & 0o7777),
            uid: self.fitting(uid, "owner"),
            gid: self.fitting(gid, "group"),
            mtime: self.member.pax.mtime.or(header.mtime().value()),
            xattrs: std::mem::take(&mut self.member.pax.xattrs),
        }
    }

    /// A number that an entry can hold; another is a problem.
    fn fitting(&mut self, number: Number, what: &str) -> Option<u32> {
        let value = number.value();
        if value.is_none() && number != Number::Blank {
            self.corrupt(&format!("the {what} is no number of 32 bits"));
        }
        value
    }

    fn corrupt(&mut self, detail: &str) {
        let problem = self.told(Problem::corrupt(detail));
        self.problems.push(problem);
    }

    fn told(&self, problem: Problem) -> Problem {
        problem.at(self.member.at).about(&self.path)
    }
}

fn damaged(size: u64, bytes: Bytes, problem: Problem) -> File {
    File {
        size,
        data: Arc::new(Damaged { bytes, problem }),
    }
}

/// A hard link: one more name of an earlier member.
struct Link {
    /// Its place among the entries.
    entry: usize,
    target: EntryPath,
    /// What to say when there is no such member.
    missing: Problem,
    body_at: u64,
    body_len: u64,
}

/// Gives each link what its target is. Only earlier members count, so that no chain can close.
fn resolve(archive: &Bytes, entries: &mut [Entry], links: &[Link], walk: &mut Walk<'_>) {
    let mut named: BTreeMap<EntryPath, usize> = BTreeMap::new();
    let mut seen = 0;
    for link in links {
        for (at, entry) in entries.iter().enumerate().take(link.entry).skip(seen) {
            named.insert(entry.path.clone(), at);
        }
        seen = link.entry;
        let earlier = named.get(&link.target).and_then(|&at| entries.get(at));
        let target = earlier
            .filter(|entry| !matches!(entry.node, Node::Dir))
            .cloned();
        let Some(entry) = entries.get_mut(link.entry) else {
            continue;
        };
        if let Some(target) = target {
            take_over(archive, entry, target, link, walk);
        } else {
            walk.problems.push(link.missing.clone());
            entry.node = Node::File(damaged(0, Bytes::new(), link.missing.clone()));
        }
    }
}

/// Makes `entry` another name of `target`: one inode has one content and one set of metadata.
fn take_over(archive: &Bytes, entry: &mut Entry, target: Entry, link: &Link, walk: &mut Walk<'_>) {
    let body = clip(archive, link.body_at, link.body_len);
    let told = |detail: &str| Problem {
        detail: detail.to_owned(),
        ..link.missing.clone()
    };
    if link.body_len != 0 {
        // pax lets a link carry its target's content once more.
        let same = match &target.node {
            Node::File(file) => file.data.bytes().is_some_and(|bytes| bytes == body),
            _ => false,
        };
        if same {
            walk.ledger.content(link.body_at, link.body_len);
        } else {
            walk.problems.push(told(
                "the hard link carries a content that is not its target's",
            ));
        }
    }
    let (own, its) = (&entry.meta, &target.meta);
    if (own.mode, own.uid, own.gid) != (its.mode, its.uid, its.gid) {
        walk.problems.push(told(
            "the hard link states another mode or owner than the file it names",
        ));
    }
    entry.node = target.node;
    entry.meta = target.meta;
}
