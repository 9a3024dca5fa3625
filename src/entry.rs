//! One file, directory, link or device node of a tree, with the metadata that its format stores.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;

use crate::problem::{Problem, ProblemKind};

/// A path inside one tree: bytes, absolute, without empty or `.` components and without a trailing `/`.
///
/// A `..` component stays as it was stored: it is data, and nothing in the crate follows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPath(Vec<u8>);

impl EntryPath {
    /// The root of a tree, `/`.
    pub fn root() -> Self {
        Self(b"/".to_vec())
    }

    /// The path that a stored name means.
    pub fn new(stored: &[u8]) -> Self {
        Self::root().join(stored)
    }

    /// The path of `name` (one component or several) below this one.
    #[must_use]
    pub fn join(&self, name: &[u8]) -> Self {
        let mut path = self.0.clone();
        for part in name.split(|&byte| byte == b'/') {
            if part.is_empty() || part == b"." {
                continue;
            }
            if path.last() != Some(&b'/') {
                path.push(b'/');
            }
            path.extend_from_slice(part);
        }
        Self(path)
    }

    /// The bytes of the path, starting with `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its components, from the root down.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.0
            .split(|&byte| byte == b'/')
            .filter(|part| !part.is_empty())
    }

    /// Whether any component is `..`.
    pub fn climbs(&self) -> bool {
        self.components().any(|part| part == b"..")
    }
}

/// The problem with a name as an archive stored it, when following it would leave the tree.
pub fn name_problem(stored: &[u8], path: &EntryPath) -> Option<Problem> {
    let detail = if path.climbs() {
        "the stored name climbs out of its tree with `..`; kept as data, never followed"
    } else if stored.first() == Some(&b'/') {
        "the stored name is absolute; kept as data, read as if it were relative"
    } else {
        return None;
    };
    Some(Problem::new(ProblemKind::Name, detail).about(path))
}

/// One entry of a tree.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it stands in its tree.
    pub path: EntryPath,
    /// What it is.
    pub node: Node,
    /// What its format stores about it.
    pub meta: Meta,
}

impl Entry {
    /// How many bytes it holds in memory besides its path: the target of a link, and attributes.
    pub fn attached(&self) -> u64 {
        let target = match &self.node {
            Node::Symlink(target) => target.len(),
            _ => 0,
        };
        let attributes = self.meta.xattrs.iter();
        let attributes = attributes.map(|(name, value)| name.len().saturating_add(value.len()));
        let sum = attributes.fold(target, usize::saturating_add);
        u64::try_from(sum).unwrap_or(u64::MAX)
    }
}

/// What an entry is.
#[derive(Clone, Debug)]
pub enum Node {
    /// A regular file.
    File(File),
    /// A directory.
    Dir,
    /// A symbolic link and the bytes it holds.
    Symlink(Vec<u8>),
    /// A character device.
    Char(Device),
    /// A block device.
    Block(Device),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl Node {
    /// The lower-case word that reports and baselines use.
    pub fn word(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Dir => "dir",
            Self::Symlink(_) => "symlink",
            Self::Char(_) => "char",
            Self::Block(_) => "block",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
        }
    }
}

/// The numbers of a device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Device {
    /// Major number: the driver.
    pub major: u32,
    /// Minor number: the unit.
    pub minor: u32,
}

/// The content of a regular file, read when it is wanted.
#[derive(Clone, Debug)]
pub struct File {
    /// Its size in bytes, as the format states it; reading yields exactly as many or a fault.
    pub size: u64,
    /// Where the bytes come from. Hard links to one file share one `Arc`, so that it is read once.
    pub data: Arc<dyn Data>,
}

impl File {
    /// A file whose content lies in one piece.
    pub fn stored(bytes: Bytes) -> Self {
        Self {
            size: crate::read::length(&bytes),
            data: Arc::new(bytes),
        }
    }
}

/// What a format stores about an entry; what it does not store is absent and never invented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Permission bits with setuid, setgid and sticky: the low 12 bits only.
    pub mode: Option<u32>,
    /// Numeric owner.
    pub uid: Option<u32>,
    /// Numeric group.
    pub gid: Option<u32>,
    /// Modification time in seconds since 1970; shown, never compared.
    pub mtime: Option<i64>,
    /// Extended attributes by full name (`security.capability`).
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Bytes that are produced on demand, from any thread.
pub trait Data: Send + Sync {
    /// Writes the whole content to `out`, in order.
    ///
    /// # Errors
    /// [`Fault::Problem`] when the content cannot be read or is not what the format promised, after what
    /// could be read was written; [`Fault::Sink`] when `out` refused.
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault>;

    /// The content itself where it lies in memory in one piece, so that it need not be copied.
    fn bytes(&self) -> Option<Bytes> {
        None
    }
}

impl Data for Bytes {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        Ok(out.write_all(self)?)
    }

    fn bytes(&self) -> Option<Bytes> {
        Some(self.clone())
    }
}

impl std::fmt::Debug for dyn Data {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Data")
    }
}

/// Why a content was not written to its end.
#[derive(Debug)]
pub enum Fault {
    /// The content is not all there; the problem says why.
    Problem(Problem),
    /// The receiver refused, for reasons of its own.
    Sink(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Sink(error)
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// An older content of a path that its file system still holds.
#[derive(Clone, Debug)]
pub struct Superseded {
    /// The path it was known by.
    pub path: EntryPath,
    /// When it was written, in seconds since 1970, where the node says so.
    pub mtime: Option<i64>,
    /// What replaced it or why it is no longer current, in the format's own terms.
    pub why: &'static str,
    /// Its content.
    pub file: File,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_become_one_canonical_path() {
        for (stored, path) in [
            (&b"./bin//sh"[..], &b"/bin/sh"[..]),
            (b".", b"/"),
            (b"", b"/"),
            (b"/etc/", b"/etc"),
            (b"a/../b", b"/a/../b"),
            (b"\xff\n", b"/\xff\n"),
        ] {
            assert_eq!(EntryPath::new(stored).as_bytes(), path);
        }
    }

    #[test]
    fn names_that_would_leave_the_tree_are_told() {
        let told = |stored: &[u8]| name_problem(stored, &EntryPath::new(stored)).is_some();
        assert!(told(b"../etc/passwd"));
        assert!(told(b"/etc/passwd"));
        assert!(!told(b"etc/..passwd"));
        assert!(!told(b"./etc"));
    }
}
