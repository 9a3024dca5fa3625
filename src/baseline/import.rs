//! Drafts of baselines from lists that other tools wrote: one file a kind of list.
//!
//! Lists are hostile until somebody signs the draft. What a list does not state stays unstated, and every verification says
//! so; what it states and a baseline cannot hold is told. A list that contradicts itself is refused.

mod coswid;
mod cyclonedx;
mod detect;
mod json;
mod keylime;
mod mtree;
mod spdx;
mod sums;
mod tree;
mod update;
mod vis;

use clap::ValueEnum;

pub use self::detect::detect;
use self::tree::Tree;
pub(super) use self::vis::vis;
use super::model::{Body, Component, FileRow, Kind, Unstated};

/// The most rows that a list may have; a baseline may not have more.
const MOST_ROWS: usize = 1_000_000;

/// The kinds of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// `SHA256SUMS`, as `sha256sum` and BSD's `sha256` write it.
    #[value(name = "sha256sums")]
    Sha256sums,
    /// A specification of `mtree`, as NetBSD, FreeBSD and libarchive write it.
    Mtree,
    /// `md5sums` of a Debian package; refused, since MD5 verifies nothing.
    Dpkg,
    /// A `CycloneDX` bill of materials in JSON: its files and firmware.
    #[value(name = "cyclonedx")]
    CycloneDx,
    /// An SPDX 2 document in JSON or as tags and values: its files.
    Spdx,
    /// A runtime policy of Keylime.
    Keylime,
    /// The manifest of a RAUC bundle: its images.
    Rauc,
    /// The `sw-description` of an update of `SWUpdate`: its images.
    #[value(name = "swupdate")]
    SwUpdate,
    /// A `CoSWID` tag (RFC 9393), alone or in an unsigned `CoRIM`: the files of its payload.
    #[value(name = "coswid")]
    CoSwid,
    /// A directory: what `baseline create` makes of it.
    Tree,
}

impl Source {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sha256sums => "sha256sums",
            Self::Mtree => "mtree",
            Self::Dpkg => "dpkg",
            Self::CycloneDx => "cyclonedx",
            Self::Spdx => "spdx",
            Self::Keylime => "keylime",
            Self::Rauc => "rauc",
            Self::SwUpdate => "swupdate",
            Self::CoSwid => "coswid",
            Self::Tree => "tree",
        }
    }
}

/// How names of a list are taken.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// What the tree is called.
    pub component: &'a str,
    /// The directory that is taken off the front of every path; empty for none.
    pub strip: &'a [u8],
}

/// What a list says.
#[derive(Debug)]
pub struct Imported {
    /// The components.
    pub components: Vec<Component>,
    /// The rows of the one tree, sorted by path.
    pub files: Vec<FileRow>,
    /// What could not be taken into the baseline, one plain clause each.
    pub left_out: Vec<String>,
    /// What whoever signs the draft should know.
    pub notes: Vec<String>,
}

/// Why a list makes no draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotImported {
    /// The line, counted from 1, where it has lines.
    pub line: Option<usize>,
    /// What is against it; safe to show.
    pub what: String,
}

impl std::error::Error for NotImported {}

impl std::fmt::Display for NotImported {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(out, "line {line}: ")?;
        }
        out.write_str(&self.what)
    }
}

impl NotImported {
    fn whole(what: impl Into<String>) -> Self {
        Self {
            line: None,
            what: what.into(),
        }
    }

    fn on(line: usize, what: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            what: what.into(),
        }
    }

    /// The exit code for a command that ends with this error.
    pub fn exit_code(&self) -> u8 {
        65
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "docs/import.md says what is taken from each kind of list; --from names the kind"
    }
}

/// The draft that a list makes.
///
/// # Errors
/// [`NotImported`]: it is no such list, contradicts itself, or states nothing that a baseline holds.
pub fn read(bytes: &[u8], source: Source, naming: Naming<'_>) -> Result<Imported, NotImported> {
    let tree = Tree::new(naming.strip);
    match source {
        Source::Sha256sums => sums::read(bytes, tree)?.finish(naming.component, ONLY_FILES),
        Source::Dpkg => Err(sums::no_package(bytes)),
        Source::Mtree => mtree::read(bytes, tree)?.finish(naming.component, &[Unstated::Xattrs]),
        Source::CycloneDx => cyclonedx::read(bytes, tree)?.finish(naming.component, ONLY_FILES),
        Source::Spdx => spdx::read(bytes, tree)?.finish(naming.component, ONLY_FILES),
        Source::Keylime => keylime::read(bytes, tree)?.finish(naming.component, ONLY_FILES),
        Source::CoSwid => coswid::read(bytes, tree)?.finish(naming.component, ONLY_FILES),
        Source::Rauc => update::read(bytes, b"manifest.raucm"),
        Source::SwUpdate => update::read(bytes, b"sw-description"),
        Source::Tree => Err(NotImported::whole(
            "it is a file, and `--from tree` takes a directory",
        )),
    }
}

/// What a list of files and digests says nothing of.
const ONLY_FILES: &[Unstated] = &[
    Unstated::Entries(Kind::Dir),
    Unstated::Entries(Kind::Symlink),
    Unstated::Entries(Kind::Char),
    Unstated::Entries(Kind::Block),
    Unstated::Entries(Kind::Fifo),
    Unstated::Entries(Kind::Socket),
    Unstated::Xattrs,
];

/// A tree component of a list.
fn tree_component(name: &str, unstated: &[Unstated]) -> Component {
    Component {
        name: name.to_owned(),
        body: Body::Tree {
            format: None,
            unstated: unstated.iter().copied().collect(),
        },
        at: None,
        part: None,
        optional: false,
    }
}
