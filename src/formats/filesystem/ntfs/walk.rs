//! Every record of the table of files: what it holds, and under which paths it is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::file::{self, Name, content, streams};
use super::index::Indexes;
use super::own::{OWN, ROOT, has_foreign_stream, is_own, is_own_stream};
use super::record::{Record, STRIDE};
use super::space::{Owner, Space};
use super::volume::{Attributes, Volume};
use crate::entry::{Entry, EntryPath, File, Meta, Node, Superseded};
use crate::formats::filesystem::dos;
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::stored::Damaged;
use crate::problem::{Problem, ProblemKind};
use crate::read::{index, length};

/// So many directories may stand in one another.
const DEEPEST: usize = 1000;
const FREE: &str = "deleted; all its clusters are free, or it lies in the record itself";
const LOST: &str = "deleted; its clusters were used again, so that its content is lost";

/// A walk over the table of files.
pub(super) struct Walk<'a, 'b> {
    pub(super) volume: &'a Volume,
    pub(super) harvest: &'a mut Harvest<'b>,
    pub(super) space: Space,
    indexes: Indexes,
    /// The directories: the name of each, and how often its record was used again.
    directories: BTreeMap<u64, (u16, Option<Name>)>,
    paths: BTreeMap<u64, Option<EntryPath>>,
    files: Vec<Found>,
    deleted: Vec<Deleted>,
}

/// A file whose paths are not known yet.
struct Found {
    number: u64,
    /// Whether it is one of the volume's own.
    own: bool,
    names: Vec<Name>,
    node: Node,
    meta: Meta,
    streams: Vec<(Vec<u8>, File)>,
    problems: Vec<Problem>,
}

/// A deleted file whose path is not known yet.
struct Deleted {
    name: Name,
    mtime: Option<i64>,
    file: File,
    why: &'static str,
}

impl<'a, 'b> Walk<'a, 'b> {
    /// A walk that has not begun.
    pub(super) fn new(volume: &'a Volume, harvest: &'a mut Harvest<'b>) -> Self {
        Self {
            volume,
            harvest,
            space: Space::new(volume),
            indexes: Indexes::new(volume),
            directories: BTreeMap::new(),
            paths: BTreeMap::from([(ROOT, Some(EntryPath::root()))]),
            files: Vec::new(),
            deleted: Vec::new(),
        }
    }

    /// Reads the whole table, then tells of everything in it.
    pub(super) fn run(&mut self) {
        let mut gone = Vec::new();
        for number in 0..self.volume.records {
            let Some(raw) = self.volume.raw(number) else {
                if self
                    .volume
                    .record_at(number)
                    .is_some_and(|at| at < length(&self.volume.clusters.region))
                {
                    let detail = format!("record {number} of the table of files is not all there");
                    self.harvest.tell(Problem::corrupt(detail));
                }
                continue;
            };
            match Record::parse(raw) {
                // A record that belongs to another is explained with that, if that knows of it.
                Some(record) if record.base != 0 => {}
                Some(record) if record.in_use => {
                    self.explain(number, raw, &record);
                    if !self.file(number, &record) {
                        return;
                    }
                }
                Some(_) => gone.push(number),
                None if raw.iter().all(|&byte| byte == 0) => {}
                None => {
                    let detail = format!("record {number} of the table of files makes no sense");
                    let at = self.volume.record_at(number).unwrap_or_default();
                    self.harvest.tell(Problem::corrupt(detail).at(at));
                }
            }
        }
        self.space.compare(self.volume, self.harvest);
        self.compare_indexes();
        for number in gone.into_iter().rev() {
            if let Some(record) = self.volume.record(number) {
                self.deleted_file(number, &record);
            }
        }
        self.tell_files();
        self.tell_deleted();
    }

    /// Names what a record says, and the marks that were put in its place.
    fn explain(&mut self, number: u64, raw: &[u8], record: &Record) {
        let at = self.volume.record_at(number).unwrap_or_default();
        let end = record.used.min(record.end());
        let rest = raw.get(index(end)..).unwrap_or_default();
        let whole = rest.iter().all(|byte| matches!(byte, 0 | 0xff));
        // What stands behind the end is a rest of what stood here before; zeros and an old end mark hide nothing.
        let used = if whole { length(raw) } else { end };
        self.harvest.account.metadata(at, used);
        let stride = u64::try_from(STRIDE).unwrap_or(u64::MAX);
        let mut end = stride;
        while end <= self.volume.boot.record {
            self.harvest
                .account
                .metadata(at.saturating_add(end).saturating_sub(2), 2);
            end = end.saturating_add(stride);
        }
        if !record.whole {
            let detail =
                format!("record {number} of the table of files was not written to its end");
            self.harvest.tell(Problem::corrupt(detail).at(at));
        }
    }

    /// Explains the other records of a file.
    fn explain_others(&mut self, attributes: &Attributes) {
        for &other in &attributes.others {
            let raw = self.volume.raw(other);
            if let Some((raw, record)) = raw.and_then(|raw| Some((raw, Record::parse(raw)?))) {
                self.explain(other, raw, &record);
            }
        }
    }

    /// Reads a file in use; returns whether the walk may go on.
    fn file(&mut self, number: u64, record: &Record) -> bool {
        let attributes = self.volume.attributes(number, record);
        self.explain_others(&attributes);
        let names = file::names(&attributes);
        let own = is_own(number, &names, &attributes);
        let owner = Owner {
            number,
            own,
            attributes: &attributes,
            volume: self.volume,
        };
        self.space.claim(&owner, self.harvest);
        self.indexes.has(number, record.sequence, &attributes);
        if record.is_dir {
            let unread = self.indexes.lists(number, &attributes, self.volume);
            if let Some(problem) = unread {
                self.harvest.tell(problem);
            }
            let name = names.first().cloned();
            self.directories.insert(number, (record.sequence, name));
        }
        if number < OWN {
            super::own::read(number, &attributes, self.harvest);
        }
        if own && !has_foreign_stream(&attributes) {
            return true;
        }
        let mut problems: Vec<Problem> = attributes
            .problems
            .iter()
            .map(|&what| Problem::corrupt(what))
            .collect();
        let clusters = &self.volume.clusters;
        let main = content(&attributes, clusters, &[]);
        let mut node = node(record, &attributes, main, &mut problems);
        let mut kept = Vec::new();
        for name in streams(&attributes) {
            let shown = dos::utf8(name.iter().copied());
            if own && is_own_stream(&shown) {
                continue;
            }
            if let Some(found) = content(&attributes, clusters, &name) {
                problems.extend(found.problem);
                kept.push((shown, found.file));
            }
        }
        if own {
            // Of the volume's own files only what is not its own is shown.
            node = Node::Dir;
        }
        let meta = file::meta(&attributes, &node);
        let held = attributes.held();
        self.files.push(Found {
            number,
            own: own && number < OWN,
            names,
            node,
            meta,
            streams: kept,
            problems,
        });
        self.harvest.hold(held)
    }

    /// Reads a deleted file: its content is there where its clusters are free and none belongs to what was read before.
    fn deleted_file(&mut self, number: u64, record: &Record) {
        let attributes = self.volume.attributes(number, record);
        let name = file::names(&attributes).into_iter().next();
        // What has a content and is not shown stays open.
        let is_shown = name.is_some() && number >= OWN || !attributes.has_content();
        if let Some(raw) = self.volume.raw(number).filter(|_| is_shown) {
            self.explain(number, raw, record);
        }
        let Some(name) = name.filter(|_| number >= OWN) else {
            return;
        };
        let Some(main) = content(&attributes, &self.volume.clusters, &[]) else {
            return;
        };
        if record.is_dir
            || !self
                .harvest
                .has_room(length(&name.bytes).saturating_add(256))
        {
            return;
        }
        let free = main.problem.is_none() && self.space.take_free(&attributes);
        let size = main.file.size;
        self.deleted.push(Deleted {
            name,
            mtime: file::meta(&attributes, &Node::Dir).mtime,
            file: if free {
                main.file
            } else {
                lost(size, Problem::corrupt(LOST))
            },
            why: if free { FREE } else { LOST },
        });
    }

    /// Tells which names only an index or only a file has.
    fn compare_indexes(&mut self) {
        let nothing = Indexes::new(self.volume);
        let (odd, stopped) = std::mem::replace(&mut self.indexes, nothing).finish();
        for (listing, problem) in odd {
            let parent = self.path(listing.directory);
            let parent = parent.unwrap_or_else(|| lost_and_found(listing.directory));
            let path = parent.join(&listing.name);
            self.harvest.tell(problem.about(&path));
        }
        if let Some(problem) = stopped {
            self.harvest.tell(problem);
        }
    }

    /// The path of a directory; `None` where it leads nowhere.
    fn path(&mut self, number: u64) -> Option<EntryPath> {
        let mut chain = Vec::new();
        let mut at = number;
        let mut path = loop {
            if let Some(known) = self.paths.get(&at) {
                break known.clone();
            }
            let name = self.directories.get(&at).and_then(|(_, name)| name.clone());
            let Some(name) = name.filter(|name| chain.len() < DEEPEST && self.is_above(name))
            else {
                break None;
            };
            let above = name.parent;
            chain.push((at, name));
            // A directory in itself is found again here.
            self.paths.insert(at, None);
            at = above;
        };
        for (number, name) in chain.into_iter().rev() {
            path = path.map(|above| above.join(&name.bytes));
            let len = path.as_ref().map_or(0, |path| length(path.as_bytes()));
            if !self.harvest.hold(len) {
                return None;
            }
            self.paths.insert(number, path.clone());
        }
        path
    }

    /// Whether the directory that a name stands in is still the one that it stood in.
    fn is_above(&self, name: &Name) -> bool {
        let directory = self.directories.get(&name.parent);
        directory.is_some_and(|(sequence, _)| *sequence == name.sequence)
    }

    fn path_of(&mut self, name: &Name) -> Option<EntryPath> {
        if !self.is_above(name) {
            return None;
        }
        self.path(name.parent)
    }

    fn tell_files(&mut self) {
        for found in std::mem::take(&mut self.files) {
            let Found {
                number,
                own,
                names,
                node,
                meta,
                streams,
                problems,
            } = found;
            let mut first = None;
            let mut problems = problems;
            for name in &names {
                let path = if number == ROOT {
                    EntryPath::root()
                } else if let Some(parent) = self.path_of(name) {
                    self.harvest.path(&parent, &name.bytes)
                } else {
                    let detail = format!("record {number} names a directory that is none");
                    problems.push(Problem::corrupt(detail));
                    lost_and_found(name.parent).join(&name.bytes)
                };
                first = first.or(Some(path.clone()));
                let entry = Entry {
                    path,
                    node: node.clone(),
                    meta: meta.clone(),
                };
                if !own && !self.harvest.add(entry) {
                    return;
                }
            }
            let path = first.unwrap_or_else(|| {
                let detail = format!("record {number} has no name");
                problems.push(Problem::new(ProblemKind::Corrupt, detail));
                EntryPath::root().join(format!("lost+found/#{number}").as_bytes())
            });
            if names.is_empty() {
                let path = path.clone();
                self.harvest.add(Entry {
                    path,
                    node,
                    meta: meta.clone(),
                });
            }
            for problem in problems {
                self.harvest.tell(problem.about(&path));
            }
            for (name, file) in streams {
                let path = with_stream(&path, &name);
                let meta = Meta {
                    mtime: meta.mtime,
                    ..Meta::default()
                };
                if !self.harvest.add(Entry {
                    path,
                    node: Node::File(file),
                    meta,
                }) {
                    return;
                }
            }
        }
    }

    fn tell_deleted(&mut self) {
        let count = self.deleted.len().to_string();
        self.harvest.properties.set("deleted-files", count);
        for Deleted {
            name,
            mtime,
            file,
            why,
        } in std::mem::take(&mut self.deleted)
        {
            let parent = self.path_of(&name);
            let parent = parent.unwrap_or_else(|| lost_and_found(name.parent));
            let path = parent.join(&name.bytes);
            self.harvest.push_older(Superseded {
                path,
                mtime,
                why,
                file,
            });
        }
    }
}

/// What a file is; what is wrong with it is added to the problems.
fn node(
    record: &Record,
    attributes: &Attributes,
    main: Option<file::Content>,
    problems: &mut Vec<Problem>,
) -> Node {
    let special = file::special(attributes, main.as_ref().map(|main| &main.file));
    let unread = match special {
        Ok(Some(node)) => return node,
        Ok(None) => None,
        Err(problem) => Some(problem),
    };
    problems.extend(unread.clone());
    if record.is_dir {
        return Node::Dir;
    }
    let Some(main) = main else {
        return Node::File(File::stored(bytes::Bytes::new()));
    };
    problems.extend(main.problem);
    match unread {
        None => Node::File(main.file),
        Some(problem) => Node::File(lost(main.file.size, problem)),
    }
}

/// Where something stands whose directory is gone.
fn lost_and_found(parent: u64) -> EntryPath {
    EntryPath::root().join(format!("lost+found/#{parent}").as_bytes())
}

/// The path of an alternate content: as Windows writes it.
fn with_stream(path: &EntryPath, name: &[u8]) -> EntryPath {
    EntryPath::new(&[path.as_bytes(), b":", name].concat())
}

fn lost(size: u64, problem: Problem) -> File {
    File {
        size,
        data: Arc::new(Damaged {
            bytes: bytes::Bytes::new(),
            problem,
        }),
    }
}
