//! The objects that count today, from the root down, and the entries they make.

use std::collections::{BTreeMap, BTreeSet};

use super::header::{self, Header, Kind, LOST_AND_FOUND, ROOT};
use super::object::{State, length_of, replay};
use super::scan::{Pages, Record, Scan};
use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, Meta, Node};
use crate::formats::told::Problems;
use crate::problem::{Problem, ProblemKind};

/// No path is longer than Linux takes one, in bytes.
const LONGEST_PATH: usize = 4096;

/// All objects of a region.
pub(super) struct Objects<'a> {
    pub(super) pages: &'a Pages,
    /// The pages of each object from old to new.
    pub(super) logs: BTreeMap<u32, &'a [Record]>,
    /// What counts of each: those that were not deleted.
    pub(super) current: BTreeMap<u32, State>,
}

impl<'a> Objects<'a> {
    pub(super) fn new(pages: &'a Pages, scan: &'a Scan) -> Self {
        let groups = scan.records.chunk_by(|a, b| a.object == b.object);
        let logs: BTreeMap<u32, &[Record]> = groups
            .filter_map(|log| Some((log.first()?.object, log)))
            .collect();
        let mut current = BTreeMap::new();
        for (&object, &log) in &logs {
            // What another object took the name of is deleted, but for what was written since.
            let when = scan.shadowed.get(&object);
            let from = log.partition_point(|record| {
                when.is_some_and(|&when| (record.age, record.page) <= when)
            });
            let state = replay(pages, log.get(from..).unwrap_or_default());
            let gone = match state.header(pages) {
                Some(header) => header.is_gone() && object != ROOT,
                None => state.pieces.is_empty() || when.is_some(),
            };
            if !gone {
                current.insert(object, state);
            }
        }
        Self {
            pages,
            logs,
            current,
        }
    }

    pub(super) fn header(&self, object: u32) -> Option<Header<'a>> {
        self.current.get(&object)?.header(self.pages)
    }
}

/// The walked tree.
pub(super) struct Walked {
    pub(super) entries: Vec<Entry>,
    /// The path of every object that has one.
    pub(super) paths: BTreeMap<u32, EntryPath>,
    pub(super) problems: Problems,
}

/// Walks from the root, then over what is not reached from there.
pub(super) fn walk(
    objects: &Objects<'_>,
    problems: Problems,
    checked: bool,
    budget: &Budget,
) -> Walked {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for &object in objects.current.keys() {
        let parent = objects.header(object).map(|header| header.parent);
        if !matches!(object, ROOT | LOST_AND_FOUND) {
            children
                .entry(parent.unwrap_or(LOST_AND_FOUND))
                .or_default()
                .push(object);
        }
    }
    let lost = EntryPath::root().join(b"lost+found");
    let mut walker = Walker {
        objects,
        children,
        checked,
        budget,
        nodes: BTreeMap::new(),
        entered: BTreeSet::new(),
        walked: Walked {
            entries: Vec::new(),
            paths: BTreeMap::new(),
            problems,
        },
    };
    walker.enter(ROOT, EntryPath::root());
    walker.enter(LOST_AND_FOUND, lost.clone());
    // Objects below one that is gone, or in a circle, are where the driver puts them.
    for &object in objects.current.keys() {
        if walker.walked.paths.contains_key(&object) {
            continue;
        }
        let header = objects.header(object);
        let parent = header.map_or(LOST_AND_FOUND, |header| header.parent);
        let path = walker.path(object, &lost);
        let above = objects.current.contains_key(&parent) || parent == LOST_AND_FOUND;
        let is_head = !above || walker.circles(object);
        if is_head {
            let detail = format!("its directory, object {parent}, is gone or below it");
            walker
                .walked
                .problems
                .push(Problem::corrupt(detail).about(&path));
            walker.enter(object, path);
        }
    }
    walker.walked
}

struct Walker<'a> {
    objects: &'a Objects<'a>,
    children: BTreeMap<u32, Vec<u32>>,
    checked: bool,
    budget: &'a Budget,
    /// What was made of an object, for its other names.
    nodes: BTreeMap<u32, (Node, Meta)>,
    entered: BTreeSet<u32>,
    walked: Walked,
}

impl Walker<'_> {
    /// Whether an object that has no path is its own ancestor.
    fn circles(&self, object: u32) -> bool {
        let mut seen = BTreeSet::new();
        let mut at = object;
        while seen.insert(at) && !self.walked.paths.contains_key(&at) {
            match self.objects.header(at) {
                Some(header) => at = header.parent,
                None => return false,
            }
        }
        at == object
    }

    /// Where an object stands, below `parent`.
    fn path(&self, object: u32, parent: &EntryPath) -> EntryPath {
        let header = self.objects.header(object);
        match header.filter(|header| !header.name.is_empty()) {
            Some(header) => parent.join(header.name),
            // As the driver names what has no name.
            None => parent.join(format!("obj{object}").as_bytes()),
        }
    }

    /// Adds an object and everything below it.
    fn enter(&mut self, object: u32, path: EntryPath) {
        let mut open = vec![(object, path)];
        while let Some((object, path)) = open.pop() {
            if self.walked.paths.contains_key(&object) || !self.entered.insert(object) {
                continue;
            }
            self.walked.paths.insert(object, path.clone());
            if self.objects.current.contains_key(&object) {
                let before = self.walked.entries.len();
                if let Err(limit) = self.budget.spend_entry(&path, &[]) {
                    self.walked.problems.push(limit);
                    return;
                }
                self.add(object, &path);
                if let Err(limit) = self.budget.spend_attached(&self.walked.entries, before) {
                    self.walked.problems.push(limit);
                    return;
                }
            }
            for child in self.children.get(&object).cloned().unwrap_or_default() {
                let below = self.path(child, &path);
                if below.as_bytes().len() > LONGEST_PATH {
                    let detail = format!("a path of more than {LONGEST_PATH} bytes is not read");
                    self.walked
                        .problems
                        .push(Problem::limit(detail).about(&path));
                    continue;
                }
                self.name(child, &below);
                open.push((child, below));
            }
        }
    }

    /// Tells of a name that no program can have made.
    fn name(&mut self, object: u32, path: &EntryPath) {
        let header = self.objects.header(object);
        let odd = header.is_some_and(|header| {
            header.name.contains(&b'/') || matches!(header.name, b"." | b".." | b"")
        });
        if odd {
            let detail = "a name that no program can have made: empty, `.`, `..`, or with `/`";
            let problem = Problem::new(ProblemKind::Name, detail);
            self.walked.problems.push(problem.about(path));
        }
    }

    /// Adds the entry of one object.
    fn add(&mut self, object: u32, path: &EntryPath) {
        let target = match self.objects.header(object) {
            Some(header) if header.kind == Kind::Hardlink => header.equivalent,
            _ => object,
        };
        match self.make(target) {
            Ok((node, meta)) => self.walked.entries.push(Entry {
                path: path.clone(),
                node,
                meta,
            }),
            Err(problem) => self.walked.problems.push(problem.about(path)),
        }
    }

    /// What an object is, made once whatever the number of its names.
    fn make(&mut self, object: u32) -> Result<(Node, Meta), Problem> {
        if let Some(made) = self.nodes.get(&object) {
            return Ok(made.clone());
        }
        let pages = self.objects.pages;
        let state = self.objects.current.get(&object);
        let state = state.ok_or_else(|| {
            Problem::corrupt(format!(
                "a hard link to object {object}, which is not there"
            ))
        })?;
        let Some(header) = state.header(pages) else {
            let detail = format!("object {object} has pages of data and no header");
            self.walked.problems.push(Problem::corrupt(detail));
            let node = Node::File(state.clone().file(pages, self.checked));
            return Ok((node, Meta::default()));
        };
        let at = pages.at(state.header.unwrap_or_default());
        let node = match header.kind {
            Kind::File => Node::File(state.clone().file(pages, self.checked)),
            Kind::Directory => Node::Dir,
            Kind::Symlink => Node::Symlink(header.alias.to_vec()),
            Kind::Hardlink => {
                let detail = format!("a hard link to object {object}, which is one itself");
                return Err(Problem::corrupt(detail).at(at));
            }
            Kind::Special => match header.mode & 0o170_000 {
                0o020_000 => Node::Char(header.device()),
                0o060_000 => Node::Block(header.device()),
                0o010_000 => Node::Fifo,
                0o140_000 => Node::Socket,
                _ => {
                    let detail = format!("mode {:o} is no device, pipe or socket", header.mode);
                    return Err(Problem::corrupt(detail).at(at));
                }
            },
        };
        if header.kind != Kind::File && !state.pieces.is_empty() {
            let detail = format!("object {object} is no file, and has pages of data");
            self.walked.problems.push(Problem::corrupt(detail).at(at));
        }
        let page = pages.data(state.header.unwrap_or_default());
        let (xattrs, _) = header::attributes(page, pages.geometry.endian);
        let made = (node, header.meta(xattrs));
        self.nodes.insert(object, made.clone());
        Ok(made)
    }
}

/// Files of which bytes are missing that no header explains are told when they are read; nothing more is needed here.
pub(super) fn is_whole(state: &State, pages: &Pages) -> bool {
    let piece = length_of(pages);
    let last = u64::from(u32::MAX);
    state.missing(piece).is_none() && state.size.div_ceil(piece) < last
}
