//! The contents of a tree's files: hashed in parallel, and looked at for regions inside them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::search::{self, Hit};
use crate::budget::Budget;
use crate::digest::Digest;
use crate::entry::{Data, Fault, File};
use crate::facts::FileType;
use crate::image::map;
use crate::image::spool::Stream;
use crate::problem::Problem;
use crate::read::length;

/// How many bytes of a content its type and the magics at its start are told from (64 KiB).
const HEAD: usize = 64 << 10;

/// What reading one content yielded.
pub(super) struct Content {
    /// Its digest; absent when it could not be read.
    pub(super) sha256: Option<Digest>,
    /// Why it could not be read.
    pub(super) problem: Option<Problem>,
    /// Its bytes and where regions may start in them, when they may hold any.
    pub(super) inside: Option<(Bytes, Vec<Hit>)>,
}

/// Reads every file once. `files` are the files of a tree in order; the result has one content each, where hard links
/// to one file share theirs with the first.
pub(super) fn read_all(files: &[&File], stored: u64, budget: &Budget) -> Vec<Arc<Content>> {
    let mut first = BTreeMap::new();
    let mut jobs: Vec<(&File, Result<(), Problem>)> = Vec::new();
    let owners: Vec<usize> = files
        .iter()
        .map(|file| {
            *first.entry(identity(&file.data)).or_insert_with(|| {
                // Spent in order and beforehand, so that the same files are refused whatever the threads do.
                let spent = budget
                    .spend_decoded(file.size)
                    .and_then(|()| budget.check_ratio(stored, file.size));
                jobs.push((file, spent));
                jobs.len().saturating_sub(1)
            })
        })
        .collect();
    let contents: Vec<Arc<Content>> = jobs
        .into_par_iter()
        .with_max_len(16)
        .map(|(file, spent)| Arc::new(spent.map_or_else(refused, |()| read(file, budget))))
        .collect();
    let contents = owners
        .into_iter()
        .map(|owner| contents.get(owner).map(Arc::clone));
    contents.flatten().collect()
}

/// Which content it is: hard links share the allocation.
fn identity(data: &Arc<dyn Data>) -> usize {
    Arc::as_ptr(data).cast::<()>().addr()
}

fn refused(problem: Problem) -> Content {
    Content {
        sha256: None,
        problem: Some(problem),
        inside: None,
    }
}

fn read(file: &File, budget: &Budget) -> Content {
    if let Some(bytes) = file.data.bytes() {
        return in_memory(&bytes);
    }
    let mut reader = Reader::new(file.size, budget);
    match file.data.copy_to(&mut reader) {
        Ok(()) if reader.count == file.size => reader.finish(),
        Ok(()) => refused(Problem::corrupt(format!(
            "{} of {} bytes could be read",
            reader.count, file.size
        ))),
        Err(Fault::Problem(problem)) => refused(problem),
        Err(Fault::Sink(error)) => refused(Problem::corrupt(error.to_string())),
    }
}

fn in_memory(bytes: &Bytes) -> Content {
    let mut hasher = Sha256::new();
    for chunk in bytes.chunks(1 << 20) {
        hasher.update(chunk);
        map::touched(length(chunk));
    }
    Content {
        sha256: Some(Digest(hasher.finalize().into())),
        problem: None,
        inside: inside(bytes),
    }
}

/// Whether a content is to be kept, from its head.
fn is_worth_keeping(head: &[u8], size: u64) -> bool {
    has_container_magic(head) || !FileType::identify(head, size).is_known()
}

fn has_container_magic(head: &[u8]) -> bool {
    let mut formats = search::at_start(head)
        .into_iter()
        .filter_map(|hit| hit.format());
    formats.any(|format| !format.magics().is_empty())
}

/// Where regions may start in a content: at its start, and anywhere when its type is not known.
fn inside(bytes: &Bytes) -> Option<(Bytes, Vec<Hit>)> {
    let head = bytes.slice(..HEAD.min(bytes.len()));
    let mut hits = search::at_start(&head);
    if !FileType::identify(&head, length(bytes)).is_known() {
        hits.extend(search::search(bytes).0);
        hits.sort_unstable();
        hits.dedup();
    }
    let likely = |hit: &Hit| {
        hit.format().is_some_and(|format| {
            !matches!(
                format.measure(&crate::read::rest(bytes, hit.at)),
                Err(crate::formats::Reject::Coincidence(_))
            )
        })
    };
    hits.retain(likely);
    (!hits.is_empty()).then(|| (bytes.clone(), hits))
}

/// Hashes what is written to it, and keeps it when it may hold regions.
struct Reader {
    size: u64,
    count: u64,
    hasher: Sha256,
    head: Vec<u8>,
    kept: Option<Stream>,
    decided: bool,
}

impl Reader {
    fn new(size: u64, budget: &Budget) -> Self {
        Self {
            size,
            count: 0,
            hasher: Sha256::new(),
            head: Vec::new(),
            kept: Some(budget.spool().stream()),
            decided: false,
        }
    }

    /// Decides from the head whether the bytes are kept.
    fn decide(&mut self) -> io::Result<()> {
        self.decided = true;
        if !is_worth_keeping(&self.head, self.size) {
            self.kept = None;
        }
        let head = std::mem::take(&mut self.head);
        match &mut self.kept {
            Some(kept) => kept.write_all(&head),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Content {
        let problem = if self.decided { Ok(()) } else { self.decide() };
        let kept = problem.and_then(|()| self.kept.map(Stream::finish).transpose());
        let (inside, problem) = match kept {
            Ok(bytes) => (bytes.as_ref().and_then(inside), None),
            Err(error) => (
                None,
                Some(Problem::limit(format!(
                    "the content cannot be kept: {error}"
                ))),
            ),
        };
        Content {
            sha256: Some(Digest(self.hasher.finalize().into())),
            problem,
            inside,
        }
    }
}

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.count = self.count.saturating_add(length(bytes));
        if self.count > self.size {
            return Err(io::Error::other("the content is longer than its file says"));
        }
        self.hasher.update(bytes);
        map::touched(length(bytes));
        if !self.decided {
            self.head.extend_from_slice(bytes);
            if self.head.len() >= HEAD {
                self.decide()?;
            }
        } else if let Some(kept) = &mut self.kept {
            kept.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
