//! Directories of one tree of a disc: from the root down, none of them twice.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::content::{Compressed, Extents};
use super::descriptor::{SECTOR, Volume};
use super::names::Names;
use super::path_table;
use super::record::{FIXED, Record};
use super::susp::{self, RockRidge};
use crate::budget::Budget;
use crate::entry::{Data, Device, Entry, EntryPath, File, Meta, Node};
use crate::formats::stored::{Damaged, Ledger};
use crate::formats::told::Problems;
use crate::problem::{Problem, ProblemKind};
use crate::read::{clip, index, length};

/// The longest path that is followed (bytes), as in Linux.
const PATH: usize = 4096;

/// Where the content of a file starts (bytes from the region's start), and its length.
pub(super) type At = (u64, u64);

/// The entries of a tree.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) entries: Vec<Entry>,
    /// Where each entry's content is, for files that have one.
    pub(super) extents: Vec<Option<At>>,
}

/// A directory to be read: its path, first block and length in bytes.
struct Dir {
    path: EntryPath,
    block: u64,
    size: u64,
}

/// One file of one or several records.
struct Found {
    record: Record,
    told: RockRidge,
    extents: Vec<At>,
}

/// Whether the root directory stands where the volume says, or past the end of what is there.
pub(super) fn has_root(region: &Bytes, volume: &Volume) -> bool {
    let Some(root) = &volume.root else {
        return false;
    };
    let at = u64::from(root.extent).saturating_mul(volume.block);
    let dot = Record::parse(&clip(region, at, SECTOR));
    at >= length(region) || dot.is_some_and(|dot| dot.is_dots() && dot.extent == root.extent)
}

/// Whether the tree of a volume has Rock Ridge fields: how many bytes of each system use area are to be skipped then.
pub(super) fn rock_ridge(region: &Bytes, volume: &Volume) -> Option<u8> {
    let root = volume.root.as_ref()?;
    let at = u64::from(root.extent).checked_mul(volume.block)?;
    let bytes = clip(region, at, SECTOR);
    let dot = Record::parse(&bytes)?;
    let told = susp::read(region, area(at, &dot, 0), volume.block);
    told.skip.filter(|_| told.is_present)
}

/// The system use area of a record that starts at `at`.
fn area(at: u64, record: &Record, skip: u8) -> Range<u64> {
    let offset = |offset: usize| at.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX));
    let start = offset(record.system_use.start).saturating_add(skip.into());
    start..offset(record.system_use.end).max(start)
}

/// Reads the tree of a volume.
pub(super) fn walk(
    region: &Bytes,
    volume: &Volume,
    names: Names,
    budget: &Budget,
    ledger: &mut Ledger,
    problems: &mut Problems,
) -> Walked {
    let mut walk = Walk {
        region,
        block: volume.block.max(1),
        names,
        root: 0,
        ledger,
        problems,
        walked: Walked::default(),
        queue: Vec::new(),
        visited: BTreeSet::new(),
        contents: BTreeMap::new(),
    };
    if let Some(root) = &volume.root {
        walk.root(root);
        walk.run(budget);
        path_table::check(region, volume, &walk.visited, walk.ledger, walk.problems);
    }
    walk.walked
}

struct Walk<'a> {
    region: &'a Bytes,
    block: u64,
    names: Names,
    /// Where the root directory starts (bytes from the region's start).
    root: u64,
    ledger: &'a mut Ledger,
    problems: &'a mut Problems,
    walked: Walked,
    queue: Vec<Dir>,
    /// The first blocks of the directories that were read.
    visited: BTreeSet<u64>,
    /// Contents by where they are, so that hard links share one.
    contents: BTreeMap<At, Arc<dyn Data>>,
}

impl Walk<'_> {
    fn skip(&self) -> u8 {
        match self.names {
            Names::RockRidge(skip) => skip,
            Names::Plain | Names::Joliet => 0,
        }
    }

    /// The system use fields of a record that starts at `at`, where this tree has any.
    fn told(&self, at: u64, record: &Record) -> RockRidge {
        match self.names {
            // The root's own record holds the field that says how much to skip, and skips nothing.
            Names::RockRidge(_) if at == self.root => {
                susp::read(self.region, area(at, record, 0), self.block)
            }
            Names::RockRidge(_) => {
                susp::read(self.region, area(at, record, self.skip()), self.block)
            }
            Names::Plain | Names::Joliet => RockRidge::default(),
        }
    }

    fn root(&mut self, root: &Record) {
        let block = u64::from(root.extent);
        self.visited.insert(block);
        let at = block.saturating_mul(self.block);
        self.root = at;
        let dot = Record::parse(&clip(self.region, at, SECTOR));
        let mut told = dot
            .as_ref()
            .map(|dot| self.told(at, dot))
            .unwrap_or_default();
        let path = EntryPath::root();
        let meta = told.meta(root.time, &path, self.problems);
        self.add(path, Node::Dir, meta, None);
        self.queue.push(Dir {
            path: EntryPath::root(),
            block,
            size: root.size.into(),
        });
    }

    fn run(&mut self, budget: &Budget) {
        let mut next: usize = 0;
        while let Some(dir) = self.queue.get(next) {
            let (path, block, size) = (dir.path.clone(), dir.block, dir.size);
            next = next.saturating_add(1);
            if let Err(problem) = self.directory(&path, block, size, budget) {
                self.problems.push(problem);
                return;
            }
        }
    }

    /// Reads the records of one directory. None of them crosses the end of a sector.
    ///
    /// # Errors
    /// The budget is spent.
    fn directory(
        &mut self,
        path: &EntryPath,
        block: u64,
        size: u64,
        budget: &Budget,
    ) -> Result<(), Problem> {
        let start = block.saturating_mul(self.block);
        let bytes = clip(self.region, start, size);
        // Directories may overlap, so that reading them is work without end unless it is spent.
        budget.spend_decoded(length(&bytes))?;
        if length(&bytes) < size {
            let detail = "the directory lies past the end of the image";
            self.problems
                .push(Problem::corrupt(detail).at(start).about(path));
        }
        let mut parts: Option<Found> = None;
        for (number, sector) in bytes.chunks(index(SECTOR)).enumerate() {
            let sector_at = start.saturating_add(
                u64::try_from(number)
                    .unwrap_or(u64::MAX)
                    .saturating_mul(SECTOR),
            );
            let mut at: usize = 0;
            while let Some(rest) = sector
                .get(at..)
                .filter(|rest| rest.first().is_some_and(|&len| len != 0))
            {
                let record_at = sector_at.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
                budget.spend_entry(path, &[])?;
                at = at.saturating_add(rest.first().copied().map_or(1, usize::from));
                let Some(record) = Record::parse(rest) else {
                    let problem = Problem::corrupt("a directory record that does not fit");
                    self.problems.push(problem.at(record_at).about(path));
                    continue;
                };
                let before = self.walked.entries.len();
                self.record(path, record, record_at, &mut parts);
                budget.spend_attached(&self.walked.entries, before)?;
            }
        }
        if let Some(found) = parts {
            let problem = Problem::corrupt("the last extent of a file is missing");
            self.problems.push(problem.at(start).about(path));
            self.finish(path, found);
        }
        Ok(())
    }

    /// Takes one record: a file may have several in a row.
    fn record(&mut self, dir: &EntryPath, record: Record, at: u64, parts: &mut Option<Found>) {
        let told = self.told(at, &record);
        let fixed = FIXED.saturating_add(record.name.len());
        let fixed = u64::try_from(fixed).unwrap_or(u64::MAX);
        self.ledger.metadata(at, fixed.saturating_add(fixed % 2));
        for range in &told.explained {
            let len = range.end.saturating_sub(range.start);
            self.ledger.metadata(range.start, len);
        }
        if !record.agrees || told.is_damaged {
            let detail = if record.agrees {
                "a damaged system use area"
            } else {
                "the two byte orders of a directory record differ"
            };
            self.problems
                .push(Problem::corrupt(detail).at(at).about(dir));
        }
        if record.is_dots() || told.is_relocated {
            return;
        }
        let block = u64::from(record.extent).saturating_add(record.attributes.into());
        let extent = (block.saturating_mul(self.block), u64::from(record.size));
        let goes_on = record.goes_on();
        let found = match parts.take() {
            Some(mut found) if found.record.name == record.name => {
                found.extents.push(extent);
                found
            }
            other => {
                if let Some(found) = other {
                    let problem = Problem::corrupt("the last extent of a file is missing");
                    self.problems.push(problem.at(at).about(dir));
                    self.finish(dir, found);
                }
                Found {
                    record,
                    told,
                    extents: vec![extent],
                }
            }
        };
        if goes_on {
            *parts = Some(found);
        } else {
            self.finish(dir, found);
        }
    }

    /// Makes an entry of a file or directory whose records are all there.
    fn finish(&mut self, dir: &EntryPath, mut found: Found) {
        let name = self.names.read(&found.record.name, found.told.name.take());
        if dir.as_bytes().len().saturating_add(name.len()) >= PATH {
            let problem = Problem::limit("a path of more than 4096 bytes").about(dir);
            self.problems.push(problem);
            return;
        }
        let path = dir.join(&name);
        if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') {
            let detail = "a name that is a path of its own; kept as data, never followed";
            let problem = Problem::new(ProblemKind::Name, detail).about(&path);
            self.problems.push(problem);
        }
        if let Some(child) = found.told.child {
            return self.relocated(path, child.into());
        }
        let meta = found.told.meta(found.record.time, &path, self.problems);
        let (node, extent) = match self.node(&found, &path) {
            Ok(node) => node,
            Err(problem) => {
                self.problems.push(problem.about(&path));
                return;
            }
        };
        if matches!(node, Node::Dir) {
            self.enqueue(&path, found.record.extent.into(), found.record.size.into());
        }
        self.add(path, node, meta, extent);
    }

    /// A directory that stands elsewhere: its own first record tells its length and rights.
    fn relocated(&mut self, path: EntryPath, block: u64) {
        let at = block.saturating_mul(self.block);
        let Some(dot) = Record::parse(&clip(self.region, at, SECTOR)).filter(Record::is_dots)
        else {
            let detail = "the place that the directory was moved to holds none";
            self.problems
                .push(Problem::corrupt(detail).at(at).about(&path));
            return;
        };
        let mut told = self.told(at, &dot);
        self.enqueue(&path, block, dot.size.into());
        let meta = told.meta(dot.time, &path, self.problems);
        self.add(path, Node::Dir, meta, None);
    }

    fn enqueue(&mut self, path: &EntryPath, block: u64, size: u64) {
        if self.visited.insert(block) {
            self.queue.push(Dir {
                path: path.clone(),
                block,
                size,
            });
        } else {
            let detail = "the directory is another one's as well";
            self.problems.push(Problem::corrupt(detail).about(path));
        }
    }

    fn add(&mut self, path: EntryPath, node: Node, meta: Meta, extent: Option<At>) {
        self.walked.entries.push(Entry { path, node, meta });
        self.walked.extents.push(extent);
    }

    fn node(&mut self, found: &Found, path: &EntryPath) -> Result<(Node, Option<At>), Problem> {
        let told = &found.told;
        let device = || {
            let (high, low) = told
                .device
                .ok_or_else(|| Problem::corrupt("a device without a number"))?;
            // As Linux reads it: a number of 16 bits stands in the low half alone.
            let (major, minor) = match (high, low) {
                (0, low) if low > 0xff => (low >> 8, low & 0xff),
                other => other,
            };
            Ok(Device { major, minor })
        };
        let kind = match &told.posix {
            Some(posix) => posix.mode & 0o170_000,
            None if found.record.is_dir() => 0o040_000,
            None if told.target.is_some() => 0o120_000,
            None => 0o100_000,
        };
        Ok(match kind {
            0o040_000 => (Node::Dir, None),
            0o120_000 => (Node::Symlink(told.target.clone().unwrap_or_default()), None),
            0o020_000 => (Node::Char(device()?), None),
            0o060_000 => (Node::Block(device()?), None),
            0o010_000 => (Node::Fifo, None),
            0o140_000 => (Node::Socket, None),
            0o100_000 => {
                let (file, extent) = self.file(found, path);
                (Node::File(file), extent)
            }
            kind => {
                return Err(Problem::corrupt(format!(
                    "mode {kind:o} is no type of file"
                )));
            }
        })
    }

    fn file(&mut self, found: &Found, path: &EntryPath) -> (File, Option<At>) {
        let sizes = found.extents.iter().map(|&(_, len)| len);
        let size = sizes.fold(0, u64::saturating_add);
        let interleaved = found.record.is_interleaved();
        let interleaved = interleaved.then_some("an interleaved file");
        if let Some(what) = interleaved.or(found.told.unread) {
            let data = Arc::new(Damaged {
                bytes: Bytes::new(),
                problem: Problem::unsupported(what).about(path),
            });
            return (File { size, data }, None);
        }
        if found.record.is_associated() {
            let detail =
                "an associated file: other systems show it as part of the file of this name";
            self.problems
                .push(Problem::new(ProblemKind::Name, detail).about(path));
        }
        let first = found.extents.first().map(|&(at, _)| (at, size));
        for &(at, len) in &found.extents {
            let here = length(&clip(self.region, at, len));
            self.ledger.content(at, here);
        }
        let size = found.told.zisofs.map_or(size, |form| form.size.into());
        let data = self.data(found, first);
        (File { size, data }, first.filter(|_| size > 0))
    }

    fn data(&mut self, found: &Found, first: Option<At>) -> Arc<dyn Data> {
        if let Some(known) = first.and_then(|at| self.contents.get(&at)) {
            return Arc::clone(known);
        }
        let pieces = found.extents.iter();
        let pieces: Vec<Bytes> = pieces
            .map(|&(at, len)| clip(self.region, at, len))
            .collect();
        let here = pieces
            .iter()
            .fold(0, |sum: u64, piece| sum.saturating_add(length(piece)));
        let size = found
            .extents
            .iter()
            .fold(0, |sum: u64, &(_, len)| sum.saturating_add(len));
        let data: Arc<dyn Data> = match (found.told.zisofs, pieces.as_slice()) {
            (Some(form), [stored]) => Arc::new(Compressed {
                stored: stored.clone(),
                form,
            }),
            (Some(_), _) => Arc::new(Damaged {
                bytes: Bytes::new(),
                problem: Problem::unsupported("a compressed file of several extents"),
            }),
            (None, _) => Arc::new(Extents {
                pieces,
                missing: size.saturating_sub(here),
            }),
        };
        if let Some(at) = first {
            self.contents.insert(at, Arc::clone(&data));
        }
        data
    }
}
