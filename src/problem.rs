//! What went wrong while reading an image: data in the report, never a reason to stop.

use crate::entry::EntryPath;

/// What sort of trouble a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// A structure contradicts itself or ends too early.
    Corrupt,
    /// A checksum that the format stores is not the checksum of the bytes.
    ChecksumMismatch,
    /// Well formed, but of a variant that is not read.
    Unsupported,
    /// Encrypted: its content cannot be judged.
    Encrypted,
    /// A limit of the budget was reached; what lies beyond was not read.
    Limit,
    /// The bytes could not be read from where they are (an I/O error).
    Unreadable,
    /// A magic number matched but the structure behind it did not hold.
    NearMiss,
    /// Two formats claim the same bytes; the weaker proof lost.
    Overlap,
    /// A stored name that would leave its own tree (`..` or a leading `/`), or that stands twice.
    Name,
}

impl ProblemKind {
    /// The kebab-case word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::ChecksumMismatch => "checksum-mismatch",
            Self::Unsupported => "unsupported",
            Self::Encrypted => "encrypted",
            Self::Limit => "limit",
            Self::Unreadable => "unreadable",
            Self::NearMiss => "near-miss",
            Self::Overlap => "overlap",
            Self::Name => "name",
        }
    }

    /// Whether something stayed unread, so that no verdict built on it can be complete.
    pub fn hides_content(self) -> bool {
        !matches!(self, Self::NearMiss | Self::Overlap | Self::Name)
    }
}

/// One thing that went wrong inside a region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// What sort of trouble.
    pub kind: ProblemKind,
    /// Where, in bytes from the region's start, when one offset tells it.
    pub at: Option<u64>,
    /// Which entry of the region's tree it concerns, when it concerns one.
    pub path: Option<EntryPath>,
    /// One plain clause: what was wanted and what was found.
    pub detail: String,
}

impl Problem {
    /// A problem with a region as a whole.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            at: None,
            path: None,
            detail: detail.into(),
        }
    }

    /// A structure contradicts itself or ends too early.
    pub fn corrupt(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Corrupt, detail)
    }

    /// A stored checksum does not fit the bytes.
    pub fn checksum(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::ChecksumMismatch, detail)
    }

    /// Well formed, but of a variant that is not read.
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Unsupported, detail)
    }

    /// A limit of the budget was reached.
    pub fn limit(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Limit, detail)
    }

    /// The same problem, at an offset in bytes from the region's start.
    #[must_use]
    pub fn at(mut self, at: u64) -> Self {
        self.at = Some(at);
        self
    }

    /// The same problem, about one entry.
    #[must_use]
    pub fn about(mut self, path: &EntryPath) -> Self {
        self.path = Some(path.clone());
        self
    }
}
