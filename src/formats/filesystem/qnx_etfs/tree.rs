//! The file table, and the files and directories that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::geometry::TABLE;
use super::scan::{Age, Scan};
use crate::entry::{Data, Entry, EntryPath, Fault, File, Meta, Node, Superseded};
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::{Opened, Role};
use crate::problem::Problem;
use crate::read::{Fields, clip, is_all, length};

/// Bytes of an entry of the table, of the name in it, and of the rest of the name in another.
const RECORD: u64 = 64;
const SHORT: usize = 32;
const LONG: usize = 59;
/// The number of an entry that goes on with a name; and of no file.
const EXTENSION: u16 = 0x8000;
const NONE: u16 = 0xffff;
/// Files of the file system itself: the table, bad blocks, erase counts, and one that is reserved.
const OWN: [u16; 4] = [TABLE, 2, 3, 5];
const ROOT: u16 = 0;
const NOW: Age = (u32::MAX, u64::MAX);
const LONGEST_PATH: usize = 4096;
const LONGEST_TARGET: u64 = 4096;
/// So many older contents of one file are told, and so many moments are looked at, of the table and of files.
const MOST: usize = 8;
const MOMENTS: usize = 64;
/// No file is so many directories deep.
const DEEPEST: usize = 512;

/// What the table says of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    name: Vec<u8>,
    parent: u16,
    mode: u32,
    meta: Meta,
    size: u64,
}

/// All files of a region.
pub(super) struct Objects<'a> {
    region: Bytes,
    scan: Scan,
    harvest: Harvest<'a>,
    records: BTreeMap<u16, Record>,
    paths: BTreeMap<u16, EntryPath>,
}

impl<'a> Objects<'a> {
    pub(super) fn new(region: Bytes, scan: Scan, harvest: Harvest<'a>) -> Self {
        let mut objects = Self {
            region,
            scan,
            harvest,
            records: BTreeMap::new(),
            paths: BTreeMap::new(),
        };
        objects.records = objects.table(NOW, 0..EXTENSION);
        objects
    }

    /// So many entries are in a page of the table.
    fn entries_per_page(&self) -> u64 {
        let entries = self.scan.geometry.page.checked_div(RECORD);
        entries.unwrap_or(1).max(1)
    }

    /// What the table said of some files at a time.
    fn table(&self, age: Age, numbers: Range<u16>) -> BTreeMap<u16, Record> {
        let per_page = self.entries_per_page();
        let raw = |number: u16| -> Option<Bytes> {
            let cluster = u64::from(number).checked_div(per_page)?;
            let slot = u64::from(number).checked_rem(per_page)?;
            let page = self.scan.page(TABLE, u32::try_from(cluster).ok()?, age)?;
            let at = page.checked_add(slot.checked_mul(RECORD)?)?;
            Some(clip(&self.region, at, RECORD))
        };
        numbers
            .filter_map(|number| Some((number, parse(&raw(number)?, number, raw)?)))
            .collect()
    }

    /// Adds every entry, and older contents.
    pub(super) fn run(mut self) -> Opened {
        if !self.records.get(&ROOT).is_some_and(Record::is_directory) {
            let detail = "the file table has no root directory";
            self.harvest.tell(Problem::corrupt(detail));
        }
        for (&(file, _), pages) in &self.scan.pages {
            if OWN.contains(&file) {
                for &(_, at) in pages {
                    self.harvest.account.metadata(at, self.scan.geometry.page);
                }
            }
        }
        let numbers: Vec<u16> = self.records.keys().copied().collect();
        for number in numbers {
            if let Some(path) = self.path(number)
                && !OWN.contains(&number)
            {
                self.add(number, path);
            }
            if self.harvest.was_stopped() {
                return self.harvest.finish();
            }
        }
        self.older();
        self.harvest.finish()
    }

    /// Where a file stands: its directories from the root down. What stands in none is told, and shown below the root.
    fn path(&mut self, number: u16) -> Option<EntryPath> {
        let mut trail = Vec::new();
        let mut seen = BTreeSet::new();
        let mut at = number;
        let mut lost = false;
        while at != ROOT && seen.insert(at) {
            let Some(record) = self.records.get(&at) else {
                lost = true;
                break;
            };
            lost = seen.len() > 1 && !record.is_directory();
            trail.push(at);
            if trail.len() > DEEPEST {
                let detail = format!("a file more than {DEEPEST} directories deep is not read");
                self.harvest.tell(Problem::limit(detail));
                return None;
            }
            if lost {
                break;
            }
            at = record.parent;
        }
        lost |= at != ROOT;
        let mut path = EntryPath::root();
        for part in trail.into_iter().rev() {
            let name = self.records.get(&part).map(|record| record.name.clone());
            path = if part == number {
                self.harvest.path(&path, &name.unwrap_or_default())
            } else {
                path.join(&name.unwrap_or_default())
            };
            if path.as_bytes().len() > LONGEST_PATH {
                let detail = format!("a path of more than {LONGEST_PATH} bytes is not read");
                self.harvest.tell(Problem::limit(detail));
                return None;
            }
        }
        if lost {
            let detail = "it stands in no directory that leads to the root";
            self.harvest.tell(Problem::corrupt(detail).about(&path));
        }
        Some(path)
    }

    fn add(&mut self, number: u16, path: EntryPath) {
        let Some(record) = self.records.get(&number).cloned() else {
            return;
        };
        let node = match record.mode & 0o170_000 {
            0o040_000 => Node::Dir,
            0o100_000 => Node::File(self.file(number, record.size, NOW, &path)),
            0o120_000 => {
                let size = record.size.min(LONGEST_TARGET);
                let file = self.file(number, size, NOW, &path);
                let mut target = Vec::new();
                if let Err(Fault::Problem(problem)) = file.data.copy_to(&mut target) {
                    self.harvest.tell(problem.about(&path));
                }
                Node::Symlink(target)
            }
            0o010_000 => Node::Fifo,
            0o140_000 => Node::Socket,
            kind => {
                let detail = format!("an entry of type {kind:o}, which is not read");
                return self.harvest.tell(Problem::unsupported(detail).about(&path));
            }
        };
        self.paths.insert(number, path.clone());
        self.harvest.add(Entry {
            path,
            node,
            meta: record.meta,
        });
    }

    /// The content of a file as it was at a time, its pages named.
    fn file(&mut self, number: u16, size: u64, age: Age, path: &EntryPath) -> File {
        let page = self.scan.geometry.page;
        let mut pieces = Vec::new();
        let mut left = size;
        let mut missing = None;
        let mut cluster = 0_u32;
        while left > 0 {
            let Some(at) = self.scan.page(number, cluster, age) else {
                missing = Some(cluster);
                break;
            };
            if !self.harvest.hold(16) {
                break;
            }
            let len = left.min(page);
            self.harvest.account.name(at, len, Role::Content);
            let behind = at.saturating_add(len);
            let rest = clip(&self.region, behind, page.saturating_sub(len));
            if is_all(&rest, 0xff) || is_all(&rest, 0) {
                self.harvest.account.metadata(behind, length(&rest));
            }
            pieces.push((at, len));
            left = left.saturating_sub(len);
            cluster = cluster.saturating_add(1);
        }
        let problem = missing.map(|cluster| {
            let detail = format!("page {cluster} of the file is not there");
            Problem::corrupt(detail).about(path)
        });
        File {
            size,
            data: Arc::new(Content {
                region: self.region.clone(),
                pieces,
                problem,
            }),
        }
    }

    /// Whether every page of a file is there, at a time; and which, for a comparison.
    fn whole(&self, number: u16, size: u64, age: Age) -> Option<Vec<u64>> {
        let clusters = size.div_ceil(self.scan.geometry.page);
        let clusters = u32::try_from(clusters).ok()?;
        (0..clusters)
            .map(|cluster| self.scan.page(number, cluster, age))
            .collect()
    }

    /// When pages were replaced, just before it, and the files whose content may have been another then. Those of the table come
    /// first, since its entries fit the pages of that time; in both the newest do.
    fn moments(&self) -> Vec<(Age, Range<u16>)> {
        let per_page = self.entries_per_page();
        let before = |&(sequence, at): &Age| match at.checked_sub(1) {
            Some(at) => (sequence, at),
            None => (sequence.saturating_sub(1), u64::MAX),
        };
        let (mut tables, mut files) = (Vec::new(), Vec::new());
        for (&(file, cluster), pages) in &self.scan.pages {
            let newer = pages.iter().skip(1).map(before);
            if file == TABLE {
                let first = u64::from(cluster).saturating_mul(per_page);
                let clip = |number: u64| u16::try_from(number).unwrap_or(EXTENSION).min(EXTENSION);
                let numbers = clip(first)..clip(first.saturating_add(per_page));
                tables.extend(newer.map(|age| (age, numbers.clone())));
            } else if !OWN.contains(&file) {
                files.extend(newer.map(|age| (age, file..file.saturating_add(1))));
            }
        }
        for moments in [&mut tables, &mut files] {
            moments.sort_unstable_by_key(|(age, _)| std::cmp::Reverse(*age));
            moments.truncate(MOMENTS);
        }
        tables.extend(files);
        tables
    }

    /// Adds older contents: at each time at which a page of the table was replaced, and at which a page of a file was.
    fn older(&mut self) {
        let mut told: BTreeMap<u16, Vec<Vec<u64>>> = BTreeMap::new();
        for (age, numbers) in self.moments() {
            for (number, record) in self.table(age, numbers) {
                let is_file = record.mode & 0o170_000 == 0o100_000 && !OWN.contains(&number);
                let known = told.entry(number).or_default();
                if !is_file || record.size == 0 || known.len() >= MOST {
                    continue;
                }
                let now = self.records.get(&number).cloned();
                let pages = self.whole(number, record.size, age);
                let Some(pages) = pages else { continue };
                let same = now.as_ref().is_some_and(|now| {
                    now.size == record.size
                        && self.whole(number, now.size, NOW).as_ref() == Some(&pages)
                });
                let known = told.entry(number).or_default();
                if same || known.contains(&pages) {
                    continue;
                }
                if !self
                    .harvest
                    .has_room(RECORD.saturating_add(length(&record.name)))
                {
                    return;
                }
                known.push(pages);
                let (path, why) = match (self.paths.get(&number), self.paths.get(&record.parent)) {
                    (Some(path), _) => (path.clone(), "superseded"),
                    (None, Some(parent)) => (parent.join(&record.name), "deleted"),
                    (None, None) => (
                        EntryPath::root().join(&record.name),
                        "deleted; its directory is not known",
                    ),
                };
                let file = self.file(number, record.size, age, &path);
                self.harvest.push_older(Superseded {
                    path,
                    mtime: record.meta.mtime,
                    why,
                    file,
                });
            }
            if self.harvest.was_stopped() {
                return;
            }
        }
    }
}

impl Record {
    fn is_directory(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }
}

/// The entry `bytes` of the file `number`; the rest of a long name is in an entry that leads back to it.
fn parse(bytes: &[u8], number: u16, other: impl Fn(u16) -> Option<Bytes>) -> Option<Record> {
    let fields = Fields::little(bytes);
    let (extension, parent) = (fields.u16(0)?, fields.u16(2)?);
    if extension & EXTENSION != 0 || parent == NONE {
        return None;
    }
    let until_zero = |raw: &[u8]| -> Vec<u8> {
        let end = memchr::memchr(0, raw).unwrap_or(raw.len());
        raw.get(..end).unwrap_or_default().to_vec()
    };
    let mut name = until_zero(fields.slice(32, SHORT)?);
    if extension != 0
        && let Some(more) = other(extension)
    {
        let more = Fields::little(&more);
        if more.u16(0)? & EXTENSION != 0 && more.u16(2) == Some(number) && more.u8(63) == Some(0) {
            name.extend(until_zero(more.slice(4, LONG)?));
        }
    }
    let mode = fields.u32(4)?;
    Some(Record {
        name,
        parent,
        mode,
        meta: Meta {
            mode: Some(mode & 0o7777),
            uid: fields.u32(8),
            gid: fields.u32(12),
            mtime: fields.u32(20).map(i64::from),
            ..Meta::default()
        },
        size: fields.u32(28)?.into(),
    })
}

/// Pages one after another, as far as they are there.
struct Content {
    region: Bytes,
    pieces: Vec<(u64, u64)>,
    problem: Option<Problem>,
}

impl Data for Content {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        for &(at, len) in &self.pieces {
            out.write_all(&clip(&self.region, at, len))?;
        }
        match &self.problem {
            Some(problem) => Err(problem.clone().into()),
            None => Ok(()),
        }
    }
}
