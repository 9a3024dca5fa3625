//! Directories and files, from the root down.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::extents::{Extents, KIND_DIRECTORY, KIND_FILE, KIND_IN_PLACE, KIND_SYSTEM};
use super::record::Record;
use super::volume::Volume;
use crate::entry::{Entry, EntryPath, Node};
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::scattered::Scattered;
use crate::formats::{Opened, Role};
use crate::problem::Problem;
use crate::read::{clip, index};

/// No path is longer than Linux takes one, in bytes.
const LONGEST_PATH: usize = 4096;
/// What an extent of a content takes of memory here, in bytes.
const HELD: u64 = 24;

/// A walk over a file system.
pub(super) struct Walk<'a> {
    pub(super) region: Bytes,
    pub(super) volume: Volume,
    pub(super) extents: Extents,
    pub(super) harvest: Harvest<'a>,
    /// Extents that belong to a file or directory that counts, or to an older content that is told.
    pub(super) taken: Vec<bool>,
    /// What the entry in each extent that counts is called.
    pub(super) paths: BTreeMap<usize, EntryPath>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(region: Bytes, volume: Volume, mut harvest: Harvest<'a>) -> Self {
        let extents = Extents::read(&region, &volume, &mut harvest);
        let taken = vec![false; extents.all.len()];
        Self {
            region,
            volume,
            extents,
            harvest,
            taken,
            paths: BTreeMap::new(),
        }
    }

    /// Adds every entry, the root first, and what older contents there are.
    pub(super) fn run(mut self) -> Opened {
        self.system();
        let root = self.extents.find(self.volume.boot.root);
        let root = root.and_then(|root| self.extents.current(root));
        let Some((root, record)) = root.and_then(|root| Some((root, self.record(root)?))) else {
            let detail = "the entry of the root is not there";
            self.harvest.tell(Problem::corrupt(detail));
            return self.harvest.finish();
        };
        if !record.name.is_empty() {
            self.harvest.properties.set("root", record.name.clone());
        }
        let mut open = Vec::new();
        self.entry(root, record, EntryPath::root(), &mut open);
        while let Some((record, path)) = open.pop() {
            if self.harvest.was_stopped() {
                break;
            }
            for child in self.chain(&record, &path, true) {
                self.child(child, &path, &mut open);
            }
        }
        self.older();
        self.harvest.finish()
    }

    /// Names the texts of the file system itself.
    fn system(&mut self) {
        let all = self.extents.all.iter();
        for extent in all.filter(|extent| extent.kind() == KIND_SYSTEM && !extent.is_free()) {
            self.harvest.account.metadata(extent.at, extent.len);
        }
        // The start of every unit, whatever its extents say.
        let header = self.volume.unit.version.header();
        for number in 0..self.volume.boot.total {
            let at = self.volume.unit.len().saturating_mul(number.into());
            if self.volume.unit.is_at(&self.region, at) {
                self.harvest.account.metadata(at, header);
            }
        }
        self.harvest
            .account
            .metadata(self.volume.boot_at, self.volume.boot.len);
    }

    /// The entry in the text of an extent, and its bytes named.
    pub(super) fn record(&mut self, number: usize) -> Option<Record> {
        let record = self.peek(number)?;
        let extent = self.extents.all.get(number)?;
        let text = clip(&self.region, extent.at, extent.len);
        self.harvest
            .account
            .padded(extent.at, &text, record.len, 0xff);
        Some(record)
    }

    /// The entry in the text of an extent.
    pub(super) fn peek(&self, number: usize) -> Option<Record> {
        let extent = self.extents.all.get(number)?;
        let text = clip(&self.region, extent.at, extent.len);
        let unit = &self.volume.unit;
        Record::parse(&text, unit.version, unit.endian)
    }

    /// Adds what an extent of the directory `path` names.
    fn child(&mut self, number: usize, path: &EntryPath, open: &mut Vec<(Record, EntryPath)>) {
        let Some(extent) = self.extents.all.get(number).copied() else {
            return;
        };
        if extent.len == 0 {
            // An empty directory has one such extent.
            return;
        }
        let wrong = |detail: &str| Problem::corrupt(detail).at(extent.at).about(path);
        if extent.is_deleted() {
            self.harvest.tell(wrong(
                "an entry that is marked as deleted still counts: nothing supersedes it",
            ));
        }
        let Some(record) = self.record(number) else {
            return self
                .harvest
                .tell(wrong("an entry that does not hold together"));
        };
        let below = self.harvest.path(path, &record.name);
        if below.as_bytes().len() > LONGEST_PATH {
            let detail = format!("a path of more than {LONGEST_PATH} bytes is not read");
            return self.harvest.tell(Problem::limit(detail).about(path));
        }
        self.entry(number, record, below, open);
    }

    /// Adds an entry; directories are to be entered.
    fn entry(
        &mut self,
        number: usize,
        record: Record,
        path: EntryPath,
        open: &mut Vec<(Record, EntryPath)>,
    ) {
        let kind = record.mode.map(|mode| mode & 0o170_000);
        let node = match kind {
            Some(0o040_000) => Node::Dir,
            Some(0o100_000) => {
                let pieces = self.content(&record, &path);
                if record.compressed {
                    let detail = "its content is compressed, and shown as stored";
                    self.harvest.tell(Problem::unsupported(detail).about(&path));
                }
                Node::File(self.scattered(pieces).into_file())
            }
            Some(0o120_000) => {
                let pieces = self.content(&record, &path);
                let mut target = Vec::new();
                for (at, len) in pieces {
                    let left = LONGEST_PATH.saturating_sub(target.len());
                    let piece = clip(&self.region, at, len);
                    target.extend(piece.iter().take(left));
                }
                Node::Symlink(target)
            }
            Some(0o010_000) => Node::Fifo,
            Some(0o140_000) => Node::Socket,
            _ => {
                let detail = match kind {
                    Some(kind) => format!("an entry of type {kind:o}, which is not read"),
                    None => "an entry without type and mode".to_owned(),
                };
                return self.harvest.tell(Problem::unsupported(detail).about(&path));
            }
        };
        if let Node::Fifo | Node::Socket = node {
            // They have an empty extent, as directories do.
            self.chain(&record, &path, true);
        }
        let is_directory = matches!(node, Node::Dir);
        self.paths.insert(number, path.clone());
        self.harvest.add(Entry {
            path: path.clone(),
            node,
            meta: record.meta.clone(),
        });
        if is_directory {
            open.push((record, path));
        }
    }

    /// The extents of a file or directory that count, each of which belongs to it alone.
    fn chain(&mut self, record: &Record, path: &EntryPath, is_directory: bool) -> Vec<usize> {
        let mut chain = Vec::new();
        let mut next = Some(record.first).filter(|first| first.unit != 0xffff);
        while let Some(pointer) = next {
            let found = self.extents.find(pointer);
            let found = found.and_then(|found| self.extents.current(found));
            let Some((number, extent)) =
                found.and_then(|found| Some((found, *self.extents.all.get(found)?)))
            else {
                let detail = format!(
                    "extent {} of logical unit {} is not there",
                    pointer.index, pointer.unit
                );
                self.harvest.tell(Problem::corrupt(detail).about(path));
                break;
            };
            let fits = match extent.kind() {
                KIND_DIRECTORY => is_directory,
                KIND_FILE | KIND_IN_PLACE => !is_directory,
                _ => false,
            };
            let taken = self.taken.get_mut(number);
            let detail = match taken {
                Some(taken) if !*taken => {
                    *taken = true;
                    (!fits || extent.is_free()).then_some("an extent of another kind")
                }
                _ => Some("an extent that belongs to another file, or comes twice"),
            };
            if let Some(detail) = detail {
                let problem = Problem::corrupt(detail).at(extent.at);
                self.harvest.tell(problem.about(path));
                break;
            }
            if !self.harvest.hold(HELD) {
                break;
            }
            chain.push(number);
            next = extent.next();
        }
        chain
    }

    /// The pieces of the content of a file, named.
    fn content(&mut self, record: &Record, path: &EntryPath) -> Vec<(u64, u64)> {
        let chain = self.chain(record, path, false);
        self.pieces(&chain)
    }

    /// Where the texts of a chain stand, and their lengths; they are named with what aligns them.
    pub(super) fn pieces(&mut self, chain: &[usize]) -> Vec<(u64, u64)> {
        let mut pieces = Vec::new();
        for &number in chain {
            let Some(extent) = self.extents.all.get(number) else {
                continue;
            };
            let account = &mut self.harvest.account;
            account.name(extent.at, extent.len, Role::Content);
            let end = extent.at.saturating_add(extent.len);
            let align = 1_u64
                .checked_shl(self.volume.boot.align.into())
                .unwrap_or(1);
            let slack = end.next_multiple_of(align).saturating_sub(end);
            let fill = clip(&self.region, end, slack.min(64));
            if fill.len() == index(slack) && crate::read::is_all(&fill, 0xff) {
                account.metadata(end, slack);
            }
            if extent.len > 0 {
                pieces.push((extent.at, extent.len));
            }
        }
        pieces
    }

    pub(super) fn scattered(&self, pieces: Vec<(u64, u64)>) -> Scattered {
        Scattered {
            region: self.region.clone(),
            pieces,
        }
    }
}
