//! The contents of a tree's files: hashed in parallel, and looked at for regions inside them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::search::{self, Hit};
use crate::budget::Budget;
use crate::digest::Digest;
use crate::entry::{Data, Fault, File};
use crate::facts::FileType;
use crate::formats::{Kind, Reject};
use crate::image::map;
use crate::image::spool::Stream;
use crate::problem::Problem;
use crate::read::{Endian, Fields, length};

/// How many bytes of a content its type and the magics at its start are told from (64 KiB).
const HEAD: usize = 64 << 10;

/// What reading one content yielded.
pub(super) struct Content {
    /// Its digest; absent when it could not be read.
    pub(super) sha256: Option<Digest>,
    /// Its type; absent when it could not be read.
    pub(super) file_type: Option<FileType>,
    /// Why it could not be read.
    pub(super) problem: Option<Problem>,
    /// What is to be explored in it.
    pub(super) inside: Option<Inside>,
}

/// The parts of a content that its type does not explain.
#[derive(Clone)]
pub(super) struct Inside {
    /// The whole content.
    pub(super) bytes: Bytes,
    /// Where regions may start.
    pub(super) hits: Vec<Hit>,
    /// The ranges to explore: all of it, or the holes and the tail of a content of known type.
    pub(super) ranges: Vec<Range<u64>>,
    /// Whether there were so many magics that some were not looked at.
    pub(super) too_many: bool,
}

/// The contents of files that have several names, by their identity.
#[derive(Default)]
pub(super) struct Links(BTreeMap<usize, Arc<Content>>);

/// Reads every file once. `files` are some files of a tree in order; the result has one content each, where hard links
/// to one file share theirs with the first. `links` goes on from one call to the next of the same tree, whose files stay alive.
pub(super) fn read_all<'f>(
    files: &[&'f File],
    stored: u64,
    budget: &Budget,
    links: &mut Links,
) -> Vec<Arc<Content>> {
    let mut first = BTreeMap::new();
    let mut jobs: Vec<(&'f File, Result<(), Problem>)> = Vec::new();
    let mut job = |file: &'f File| {
        budget.pace().found(file.size);
        // Spent in order and beforehand, so that the same files are refused whatever the threads do.
        let spent = budget
            .spend_decoded(file.size)
            .and_then(|()| budget.check_ratio(stored, file.size));
        jobs.push((file, spent));
        jobs.len().saturating_sub(1)
    };
    let owners: Vec<Result<Arc<Content>, usize>> = files
        .iter()
        .map(|file| {
            if Arc::strong_count(&file.data) == 1 {
                return Err(job(file));
            }
            let identity = identity(&file.data);
            let known = links.0.get(&identity).map(Arc::clone);
            known.ok_or_else(|| *first.entry(identity).or_insert_with(|| job(file)))
        })
        .collect();
    let contents: Vec<Arc<Content>> = jobs
        .into_par_iter()
        .with_max_len(16)
        .map(|(file, spent)| {
            let content = spent.map_or_else(refused, |()| read(file, budget));
            budget.pace().did(file.size);
            Arc::new(content)
        })
        .collect();
    let done = |job: usize| contents.get(job).map(Arc::clone);
    let shared = first.into_iter();
    links
        .0
        .extend(shared.filter_map(|(identity, job)| Some((identity, done(job)?))));
    let contents = owners
        .into_iter()
        .map(|owner| owner.or_else(|job| done(job).ok_or(())));
    contents.flatten().collect()
}

/// Which content it is: hard links share the allocation.
fn identity(data: &Arc<dyn Data>) -> usize {
    Arc::as_ptr(data).cast::<()>().addr()
}

fn refused(problem: Problem) -> Content {
    Content {
        sha256: None,
        file_type: None,
        problem: Some(problem),
        inside: None,
    }
}

fn read(file: &File, budget: &Budget) -> Content {
    if let Some(bytes) = file.data.bytes() {
        return in_memory(&bytes);
    }
    let mut reader = Reader::new(file.size, budget, Stage::Head(Vec::new()));
    match copy(file, &mut reader) {
        Ok(()) if reader.suspicious => {
            // Rare enough to be read a second time: its head promised a type that the rest does not keep.
            let mut again = Reader::new(file.size, budget, Stage::Keep);
            again.file_type = reader.file_type;
            copy(file, &mut again).map_or_else(refused, |()| again.finish())
        }
        Ok(()) => reader.finish(),
        Err(problem) => refused(problem),
    }
}

fn copy(file: &File, reader: &mut Reader) -> Result<(), Problem> {
    match file.data.copy_to(reader) {
        Ok(()) if reader.count == file.size => Ok(()),
        Ok(()) => Err(Problem::corrupt(format!(
            "{} of {} bytes could be read",
            reader.count, file.size
        ))),
        Err(Fault::Problem(problem)) => Err(problem),
        Err(Fault::Sink(error)) => Err(Problem::corrupt(error.to_string())),
    }
}

fn in_memory(bytes: &Bytes) -> Content {
    let mut hasher = Sha256::new();
    for chunk in bytes.chunks(1 << 20) {
        hasher.update(chunk);
        map::touched(length(chunk));
    }
    let kind = FileType::of(bytes.get(..HEAD).unwrap_or(bytes), length(bytes));
    Content {
        sha256: Some(Digest::new(hasher.finalize().into())),
        file_type: Some(kind),
        problem: None,
        inside: inside(bytes, kind),
    }
}

/// Whether a container starts with these bytes, although they look like text or a program: its magic is there, or what is to be
/// loaded at addresses is.
fn is_container(head: &[u8]) -> bool {
    let mut formats = search::at_start(head)
        .into_iter()
        .filter_map(|hit| hit.format());
    let bytes = Bytes::copy_from_slice(head);
    formats.any(|format| {
        let is_loaded = format.doc().kind == Kind::Memory;
        !format.magics().is_empty() || is_loaded && format.measure(&bytes).is_ok()
    })
}

/// What is to be explored in a content: a container at its start, all of it when its type is not known, else what
/// the structure of its type leaves unexplained.
fn inside(bytes: &Bytes, kind: FileType) -> Option<Inside> {
    let head = bytes.slice(..HEAD.min(bytes.len()));
    let mut hits = search::at_start(&head);
    hits.retain(|hit| is_likely(hit, bytes));
    let mut ranges = Vec::new();
    let mut too_many = false;
    if hits.is_empty() && kind.is_known() {
        ranges = kind.holes(bytes);
        if ranges.is_empty() {
            return None;
        }
    }
    if !kind.is_known() || !ranges.is_empty() {
        let more;
        (more, too_many) = search::search(bytes);
        // One is enough: which of them stand is settled later, where a region is measured once and not at every
        // magic inside it.
        if more.iter().any(|hit| is_likely(hit, bytes)) {
            hits.extend(more);
        }
        hits.sort_unstable();
        hits.dedup();
    }
    if ranges.is_empty() {
        if hits.is_empty() && !too_many {
            return None;
        }
        ranges.push(0..length(bytes));
    }
    let bytes = bytes.clone();
    Some(Inside {
        bytes,
        hits,
        ranges,
        too_many,
    })
}

fn is_likely(hit: &Hit, bytes: &Bytes) -> bool {
    let rest = crate::read::rest(bytes, hit.at);
    let measured = hit.format().map(|format| format.measure(&rest));
    measured.is_some_and(|measured| !matches!(measured, Err(Reject::Coincidence(_))))
}

/// Whether an ELF file's header says that it ends before its last byte (section headers come last).
fn ends_early(head: &[u8], size: u64) -> bool {
    let little = head.get(5) != Some(&2);
    let endian = if little { Endian::Little } else { Endian::Big };
    let fields = Fields::new(head, endian);
    let end = if head.get(4) == Some(&2) {
        fields.u64(0x28).zip(fields.u16(0x3a).zip(fields.u16(0x3c)))
    } else {
        fields
            .u32(0x20)
            .map(u64::from)
            .zip(fields.u16(0x2e).zip(fields.u16(0x30)))
    };
    end.is_none_or(|(at, (len, count))| {
        at.saturating_add(u64::from(len).saturating_mul(count.into())) < size
    })
}

/// Hashes what is written to it, and keeps it when it may hold regions.
struct Reader {
    size: u64,
    count: u64,
    hasher: Sha256,
    kept: Stream,
    stage: Stage,
    file_type: Option<FileType>,
    /// Whether the content broke what its head promised, and should have been kept.
    suspicious: bool,
}

/// What is done with the bytes besides hashing them.
enum Stage {
    /// They are collected until there are enough to tell.
    Head(Vec<u8>),
    /// They are kept.
    Keep,
    /// They are let go: a text, in which no NUL byte may follow.
    Text,
    /// They are let go: an ELF file, whose header told where it ends.
    Program,
}

impl Reader {
    fn new(size: u64, budget: &Budget, stage: Stage) -> Self {
        Self {
            size,
            count: 0,
            hasher: Sha256::new(),
            kept: budget.spool().stream(),
            stage,
            file_type: None,
            suspicious: false,
        }
    }

    /// Decides from the head what is done with the rest.
    fn decide(&mut self, head: &[u8]) -> io::Result<()> {
        let whole = length(head) == self.size;
        let file_type = FileType::of(head, self.size);
        self.file_type = Some(file_type);
        self.stage = match file_type {
            _ if whole || is_container(head) => Stage::Keep,
            FileType::Text | FileType::Script | FileType::Pem => Stage::Text,
            FileType::Elf => Stage::Program,
            _ => Stage::Keep,
        };
        match self.stage {
            Stage::Keep => self.kept.write_all(head)?,
            Stage::Program => self.suspicious = ends_early(head, self.size),
            Stage::Text | Stage::Head(_) => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Content {
        let decided = match std::mem::replace(&mut self.stage, Stage::Keep) {
            Stage::Head(head) => self.decide(&head),
            stage => {
                self.stage = stage;
                Ok(())
            }
        };
        let kept = decided.and_then(|()| match self.stage {
            Stage::Keep => self.kept.finish().map(Some),
            _ => Ok(None),
        });
        let (inside, problem) = match kept {
            Ok(bytes) => (
                bytes
                    .as_ref()
                    .zip(self.file_type)
                    .and_then(|(bytes, kind)| inside(bytes, kind)),
                None,
            ),
            Err(error) => {
                let detail = format!("the content cannot be kept: {error}");
                (None, Some(Problem::limit(detail)))
            }
        };
        Content {
            sha256: Some(Digest::new(self.hasher.finalize().into())),
            file_type: self.file_type,
            problem,
            inside,
        }
    }
}

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A file in one piece comes in one slice: taken bit by bit, its pages can be given back in between.
        let bytes = bytes.get(..HEAD).unwrap_or(bytes);
        self.count = self.count.saturating_add(length(bytes));
        if self.count > self.size {
            return Err(io::Error::other("the content is longer than its file says"));
        }
        self.hasher.update(bytes);
        map::touched(length(bytes));
        match &mut self.stage {
            Stage::Head(head) => {
                head.extend_from_slice(bytes);
                if head.len() >= HEAD {
                    let head = std::mem::take(head);
                    self.decide(&head)?;
                }
            }
            Stage::Keep => self.kept.write_all(bytes)?,
            Stage::Text => self.suspicious |= memchr::memchr(0, bytes).is_some(),
            Stage::Program => {}
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
