//! Where bytes come from: a file, a device, standard input, or a mounted root directory.

pub mod map;
pub mod root;
pub mod spool;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::Tree;
use crate::image::spool::Spool;
use crate::place::escape;
use crate::problem::Problem;
use crate::read::index;

/// What is to be examined. Its bytes never change through us; whether somebody else changed them meanwhile is
/// told by [`Image::changed`].
pub struct Image {
    /// Its name without the folder, escaped.
    pub name: String,
    /// What it holds.
    pub source: Source,
    opened: Option<(PathBuf, Identity)>,
}

/// The two shapes of an image.
pub enum Source {
    /// One sequence of bytes.
    Bytes(Bytes),
    /// A directory that was a root file system, and what could not be read of it.
    Root(Tree, Vec<Problem>),
}

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {source}")]
pub struct Unreadable {
    /// What was asked for, escaped.
    pub path: String,
    /// What the operating system said.
    pub source: io::Error,
}

/// What must stay the same while an image is read.
#[derive(PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Image {
    /// Opens what `path` names; `-` is standard input. Bytes that cannot be mapped go to the budget's spool, and the
    /// entries of a directory are spent from it.
    ///
    /// # Errors
    /// It is not there, may not be read, or is neither a file, a device nor a directory.
    pub fn open(path: &Path, budget: &Budget) -> Result<Self, Unreadable> {
        let shown = escape(path.as_os_str().as_encoded_bytes());
        Self::try_open(path, budget).map_err(|source| Unreadable {
            path: shown,
            source,
        })
    }

    /// An image of bytes that are already there.
    pub fn from_bytes(name: &str, bytes: Bytes) -> Self {
        Self {
            name: name.to_owned(),
            source: Source::Bytes(bytes),
            opened: None,
        }
    }

    fn try_open(path: &Path, budget: &Budget) -> io::Result<Self> {
        let spool = budget.spool();
        if path.as_os_str() == "-" {
            let bytes = read_all(io::stdin().lock(), spool)?;
            return Ok(Self::from_bytes("-", bytes));
        }
        let file = OpenOptions::new().read(true).open(path)?;
        let metadata = file.metadata()?;
        let name = match path.file_name() {
            Some(name) => escape(name.as_encoded_bytes()),
            None => escape(path.as_os_str().as_encoded_bytes()),
        };
        let source = if metadata.is_dir() {
            let (tree, problems) = root::read(path, budget)?;
            Source::Root(tree, problems)
        } else {
            Source::Bytes(contents(&file, &metadata, spool)?)
        };
        let regular = metadata.is_file();
        Ok(Self {
            name,
            source,
            opened: regular.then(|| (path.to_owned(), Identity::of(&metadata))),
        })
    }

    /// Whether the file became another one, or was written to, since it was opened.
    pub fn changed(&self) -> bool {
        self.opened.as_ref().is_some_and(|(path, before)| {
            std::fs::metadata(path).map_or(true, |now| Identity::of(&now) != *before)
        })
    }
}

fn contents(file: &File, metadata: &Metadata, spool: &Spool) -> io::Result<Bytes> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return map::map(file, 0, index(metadata.len()));
    }
    if kind.is_block_device() {
        let mut device = file;
        let len = device.seek(SeekFrom::End(0))?;
        return map::map(file, 0, index(len));
    }
    if kind.is_char_device() || kind.is_fifo() {
        return read_all(file, spool);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "neither a file, a device nor a directory",
    ))
}

fn read_all(mut from: impl Read, spool: &Spool) -> io::Result<Bytes> {
    let mut stream = spool.stream();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return stream.finish();
        }
        stream.write_all(buffer.get(..count).unwrap_or_default())?;
    }
}
