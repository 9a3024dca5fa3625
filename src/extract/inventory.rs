//! What was found in an image.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::gaps::GapKind;
use super::ledger::Coverage;
use super::partitions::{self, Partition};
use super::profile::Profile;
use crate::digest::Digest;
use crate::entry::{Entry, EntryPath, File};
use crate::facts::vxworks::SymbolTable;
use crate::facts::{FileType, Name};
use crate::formats::{Doc, Proof};
use crate::image::Named;
use crate::memory::Memory;
use crate::place::Place;
use crate::problem::{Problem, ProblemKind};
use crate::read::length;

/// Everything that was found in an image, in an order that depends on the image alone.
pub struct Inventory {
    /// The image itself.
    pub image: ImageId,
    /// Every region; a region stands after the one that holds it.
    pub regions: Vec<Region>,
    /// Every gap that is unknown, and every fill between regions; fill inside a region from 4 KiB on.
    pub gaps: Vec<Gap>,
    /// Every entry of every tree, and the payload of every stream in which no region was found.
    pub entries: Vec<Found>,
    /// Older contents that are still there.
    pub history: Vec<Older>,
    /// What is loaded at addresses, by the region that says so.
    pub memories: BTreeMap<usize, Memory>,
    /// The parts of the image that its own tables name, as far as they fit.
    pub partitions: Vec<Partition>,
    /// What went wrong.
    pub problems: Vec<Told>,
    /// The account of the image's own bytes.
    pub coverage: Coverage,
    /// The entropy of the image along its length; `None` for a directory.
    pub profile: Option<Profile>,
    /// The image's own bytes; `None` for a directory.
    pub bytes: Option<Bytes>,
}

/// Which image it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageId {
    /// Its name without the folder, escaped.
    pub name: String,
    /// Its size in bytes; for a directory the sum of its files' sizes.
    pub size: u64,
    /// The digest of its bytes; absent for a directory, which has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// Other parts of the same device that were given with it. Their bytes count as if they followed the image's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<FileId>,
    /// Which part of the device the image itself is, as the caller says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// A second read of the same bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_read: Option<FileId>,
    /// The files whose bytes take turns in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interleaved: Vec<FileId>,
}

impl ImageId {
    /// The files that belong to it, and in what way.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &FileId)> {
        let with = self.with.iter().map(|file| ("with", file));
        let second = self.second_read.iter().map(|file| ("second read", file));
        let interleaved = self
            .interleaved
            .iter()
            .map(|file| ("put together from", file));
        with.chain(second).chain(interleaved)
    }
}

/// Which file it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileId {
    /// Its name, escaped.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Digest,
}

impl FileId {
    /// Names a file and digests it.
    pub(super) fn of(file: &Named) -> Self {
        Self {
            name: file.name.clone(),
            size: length(&file.bytes),
            sha256: Digest::of(&file.bytes),
        }
    }
}

/// What directly holds something, as an index into the inventory. Places are for people and need not differ; these do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A region.
    Region(usize),
    /// The content of an entry.
    Entry(usize),
}

impl Owner {
    /// What holds a thing of this parent that lies in this entry; `None`: the image.
    pub(super) fn of(parent: Option<usize>, within: Option<usize>) -> Option<Self> {
        within.map(Self::Entry).or(parent.map(Self::Region))
    }
}

/// Bytes that one format claims.
pub struct Region {
    /// Where it is.
    pub place: Place,
    /// Which format.
    pub format: &'static Doc,
    /// First byte, from the start of the parent's (decoded) bytes; in a file that was given with the image, from the image's
    /// start as if it and all such files followed each other.
    pub at: u64,
    /// Length in bytes.
    pub len: u64,
    /// The region that holds it, as an index; `None`: the image.
    pub parent: Option<usize>,
    /// The entry in whose content it lies, as an index: then `at` counts from the content's start.
    pub within: Option<usize>,
    /// Whether it lies in the stored bytes of a parent that decodes, and not in what that decodes to.
    pub stored: bool,
    /// How much of it was read.
    pub state: State,
    /// How strongly it is proven.
    pub proof: Proof,
    /// What it decoded to, when it decodes.
    pub decoded: Option<Decoded>,
    /// What it says about itself, escaped as paths are.
    pub properties: BTreeMap<String, String>,
    /// Its own bytes.
    pub bytes: Bytes,
}

impl Region {
    /// What directly holds it; `None`: the image.
    pub fn owner(&self) -> Option<Owner> {
        Owner::of(self.parent, self.within)
    }
}

/// What a region decoded to.
#[derive(Clone, Copy, Debug)]
pub struct Decoded {
    /// The digest of the decoded bytes, where they are one stream.
    pub sha256: Option<Digest>,
    /// The account of them.
    pub coverage: Coverage,
}

/// How much of a region was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All of it, without a problem.
    Read,
    /// With problems; the rest was kept.
    Partial,
    /// Nothing.
    Unread,
}

/// Bytes that no format claims.
pub struct Gap {
    /// Where it is.
    pub place: Place,
    /// First byte, from the start of the parent's (decoded) bytes.
    pub at: u64,
    /// Length in bytes.
    pub len: u64,
    /// The region that holds it, as an index; `None`: the image.
    pub parent: Option<usize>,
    /// The entry in whose content it lies, as an index: then `at` counts from the content's start.
    pub within: Option<usize>,
    /// Whether it lies in the stored bytes of a parent that decodes, and not in what that decodes to.
    pub stored: bool,
    /// Fill or unknown.
    pub kind: GapKind,
    /// Which boot loaders and kernels say their version in it.
    pub banners: Vec<Name>,
    /// The symbol table of an operating system in it.
    pub symbol_table: Option<SymbolTable>,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Gap {
    /// What directly holds it; `None`: the image.
    pub fn owner(&self) -> Option<Owner> {
        Owner::of(self.parent, self.within)
    }
}

/// An entry and what was found out about its content.
pub struct Found {
    /// Where it is.
    pub place: Place,
    /// The region whose tree it belongs to; `None` for a root directory.
    pub region: Option<usize>,
    /// The entry as its format stores it.
    pub entry: Entry,
    /// 0 for the first entry of this path in its tree, 1 for the second, and so on.
    pub ordinal: u32,
    /// The digest of a file's content; absent when the content could not be read.
    pub sha256: Option<Digest>,
    /// The type of a file's content; absent when it could not be read.
    pub content: Option<FileType>,
}

/// An older content of a path.
pub struct Older {
    /// Where it is.
    pub place: Place,
    /// The path it was known by.
    pub path: EntryPath,
    /// The region whose tree it belongs to.
    pub region: Option<usize>,
    /// When it was written, in seconds since 1970, where the format says so.
    pub mtime: Option<i64>,
    /// Why it is no longer current.
    pub why: &'static str,
    /// Its content.
    pub file: File,
    /// The digest of it.
    pub sha256: Option<Digest>,
}

/// A problem and where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Told {
    /// Where.
    pub place: Place,
    /// What sort of trouble.
    pub kind: ProblemKind,
    /// Where in the region, in bytes from its start, when one offset tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// What was wanted and what was found.
    pub detail: String,
    /// What it concerns; `None`: the image.
    #[serde(skip)]
    pub owner: Option<Owner>,
}

impl Told {
    /// The same problem, of one region or entry.
    #[must_use]
    pub fn of(mut self, owner: impl Into<Option<Owner>>) -> Self {
        self.owner = owner.into();
        self
    }

    /// A problem of the region, stream or tree at `place`.
    pub fn new(place: &Place, problem: Problem) -> Self {
        Self {
            place: match &problem.path {
                Some(path) => place.path(path),
                None => place.clone(),
            },
            kind: problem.kind,
            at: problem.at,
            detail: problem.detail,
            owner: None,
        }
    }
}

impl Inventory {
    /// The smallest named part of the flash that holds all of `len` bytes from `at` of what stands at `place` in `owner`.
    pub fn partition_of(
        &self,
        place: &Place,
        owner: Option<Owner>,
        at: u64,
        len: u64,
    ) -> Option<&Partition> {
        let chip = match owner {
            None => None,
            Some(Owner::Region(index)) => Some(index),
            Some(Owner::Entry(_)) => return None,
        };
        let holds = |part: &&Partition| {
            let end = part.at.saturating_add(part.len);
            part.chip == chip && part.at <= at && at.saturating_add(len) <= end
        };
        let smallest = self
            .partitions
            .iter()
            .filter(holds)
            .min_by_key(|part| part.len)?;
        partitions::is_data(self, chip, place).then_some(smallest)
    }

    /// Whether something stayed unread or unexplained.
    pub fn is_incomplete(&self) -> bool {
        self.problems.iter().any(|told| told.kind.hides_content())
            || self.gaps.iter().any(|gap| gap.kind.is_unknown())
    }
}
