//! What a format is: how it is found, measured and opened.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use bytes::Bytes;

use crate::budget::Budget;
use crate::entry::{Entry, Superseded};
use crate::memory::Memory;
use crate::problem::Problem;

/// One format. Everything the crate knows of it stands in its own file.
pub trait Format: Sync {
    /// What people should know about it.
    fn doc(&self) -> &'static Doc;

    /// The byte patterns that betray it. A format without one is asked at the start of every stream.
    fn magics(&self) -> &'static [Magic];

    /// Whether it is asked at the start of every stream, whatever stands there.
    ///
    /// Formats override this of which one variant has a pattern and another has none.
    fn is_asked_at_start(&self) -> bool {
        self.magics().is_empty()
    }

    /// Where a region starts whose magic was seen at `hit` (bytes from the stream's start).
    ///
    /// Formats whose pattern stands at no fixed offset override this.
    fn locate(&self, stream: &Bytes, magic: &Magic, hit: u64) -> Option<u64> {
        let _ = stream;
        hit.checked_sub(magic.at)
    }

    /// How long the region at the start of `rest` is, and how strongly that is proven.
    ///
    /// Must be cheap (headers and checksums, no decompression) and may be asked at any offset of hostile bytes.
    ///
    /// # Errors
    /// [`Reject`] when the magic was a coincidence or the structure behind it is damaged.
    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject>;

    /// What the region holds. Never fails: what cannot be read is told in the problems.
    ///
    /// `region` has the measured length, cut where the stream ends; for [`Length::Decoded`] it is all that
    /// is left of the stream.
    fn open(&self, region: Bytes, budget: &Budget) -> Opened;
}

/// The doc card of a format: what `vitalsign formats`, the README and the tests say of it.
#[derive(Debug)]
pub struct Doc {
    /// The field's lower-case name, used in places and in JSON.
    pub id: &'static str,
    /// Its name in prose.
    pub title: &'static str,
    /// Which kind of container it is.
    pub kind: Kind,
    /// Where it is specified.
    pub spec: &'static str,
    /// The variants that are read.
    pub reads: &'static str,
    /// The checksums and structures that are verified.
    pub verifies: &'static str,
    /// What is not read; empty when everything is.
    pub limits: &'static [&'static str],
}

/// Which kind of container a format is; also the folder its file stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Files one after another.
    Archive,
    /// One stream made smaller.
    Compression,
    /// A file system.
    Filesystem,
    /// What lies between a file system and a flash chip.
    Flash,
    /// What a boot loader reads.
    Boot,
    /// Partition tables and disk images.
    Disk,
    /// What is loaded at addresses: programs for bare processors.
    Memory,
}

impl Kind {
    /// The lower-case word, equal to the folder's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Compression => "compression",
            Self::Filesystem => "filesystem",
            Self::Flash => "flash",
            Self::Boot => "boot",
            Self::Disk => "disk",
            Self::Memory => "memory",
        }
    }
}

/// A byte pattern and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Magic {
    /// The pattern.
    pub bytes: &'static [u8],
    /// Its offset in bytes from the region's start.
    pub at: u64,
}

/// How much of a claim was shown. Ordered: a stronger proof is greater.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// Only the pattern matched.
    Magic,
    /// The structure behind it holds together.
    Structure,
    /// A checksum of the format holds.
    Checksum,
}

/// How far a region reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Its length in bytes.
    pub len: Length,
    /// How strongly it is proven.
    pub proof: Proof,
}

/// The length of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many bytes, as the format states them; more than are there when the region is cut off.
    Known(u64),
    /// Only decoding tells: the [`Ending`] of the stream says it.
    Decoded,
}

impl Extent {
    /// A region of `len` bytes.
    pub fn known(len: u64, proof: Proof) -> Self {
        Self {
            len: Length::Known(len),
            proof,
        }
    }
}

/// Why a hit is not a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// The pattern was there by chance.
    Coincidence(&'static str),
    /// So much is right that there probably was such a region: told in the report.
    NearMiss(&'static str),
}

/// What a region holds.
pub struct Opened {
    /// What is inside.
    pub content: Content,
    /// What the format can explain of the region's own bytes. They may overlap and come in any order. What no
    /// span and no part names is a gap: fill, or unknown. (For a stream, the [`Ending`] brings them.)
    pub spans: Vec<Span>,
    /// What went wrong.
    pub problems: Vec<Problem>,
    /// What the region says about itself.
    pub properties: Properties,
}

/// What a region says about itself and no entry shows: a volume's name, a kernel's version, how many pages were corrected.
///
/// Names are kebab-case, with dots where things repeat (`configuration.conf-1.kernel`). Both may hold bytes of the image as they are;
/// they are escaped before anyone reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<Vec<u8>, Vec<u8>>);

impl Properties {
    /// Nothing said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that `name` is `value`, instead of what was said of it before.
    pub fn set(&mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.insert(name.into(), value.into());
    }

    /// Everything said, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (&name[..], &value[..]))
    }
}

/// The four kinds of content, and none.
pub enum Content {
    /// One decoded payload.
    Stream(Box<dyn Decode>),
    /// Named ranges of bytes, each searched in turn.
    Layout(Vec<Part>),
    /// Files.
    Tree(Tree),
    /// Bytes at addresses.
    Memory(Memory),
    /// Nothing could be opened; the problems say why.
    Unread,
}

/// A named range of a layout.
pub struct Part {
    /// Its name, empty where the format gives none.
    pub name: Vec<u8>,
    /// Its bytes.
    pub bytes: PartBytes,
}

/// Where the bytes of a part come from.
pub enum PartBytes {
    /// A plain range of the region (bytes from its start).
    Range(Range<u64>),
    /// Bytes that were put together from pieces of the region.
    Decoded(Bytes),
    /// Bytes that are put together while they are read, for what would not fit in memory (a volume, a disk). The
    /// [`Ending`] brings spans and problems of the region; its extent says nothing here.
    Stream(Box<dyn Decode>),
}

/// The files of a file system or an archive.
#[derive(Default)]
pub struct Tree {
    /// Every entry, in the order the format stores or walks them. An archive that holds a path twice
    /// yields it twice.
    pub entries: Vec<Entry>,
    /// Older contents that are still there.
    pub history: Vec<Superseded>,
}

/// A decoder that is read to its end and then asked how it went.
pub trait Decode: Read + Send {
    /// What was found out. Called once, after `read` returned 0 or an error.
    fn finish(self: Box<Self>) -> Ending;
}

/// How the decoding of a stream ended.
pub struct Ending {
    /// The bytes of the region that belong to it, and the proof; or why it is none after all.
    pub extent: Result<(u64, Proof), Reject>,
    /// What the format can explain of those bytes.
    pub spans: Vec<Span>,
    /// What went wrong.
    pub problems: Vec<Problem>,
}

/// Bytes of a region that its format can explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte, from the region's start.
    pub at: u64,
    /// Length in bytes.
    pub len: u64,
    /// What they are.
    pub role: Role,
}

/// What explained bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Content of files or of the payload, as stored.
    Content,
    /// Headers, tables, indexes, journals: what the format needs for itself.
    Metadata,
}

impl Span {
    /// Bytes that hold content.
    pub fn content(at: u64, len: u64) -> Self {
        Self {
            at,
            len,
            role: Role::Content,
        }
    }

    /// Bytes that the format needs for itself.
    pub fn metadata(at: u64, len: u64) -> Self {
        Self {
            at,
            len,
            role: Role::Metadata,
        }
    }
}

impl Opened {
    /// A region that is one stream; how that ends tells the rest.
    pub fn stream(decoder: impl Decode + 'static) -> Self {
        Self {
            content: Content::Stream(Box::new(decoder)),
            spans: Vec::new(),
            problems: Vec::new(),
            properties: Properties::new(),
        }
    }

    /// A region that could not be opened at all.
    pub fn unread(problem: Problem) -> Self {
        Self {
            content: Content::Unread,
            spans: Vec::new(),
            problems: vec![problem],
            properties: Properties::new(),
        }
    }
}
