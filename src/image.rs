//! Where bytes come from: a file, a device, standard input, or a mounted root directory.

mod device;
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
use crate::formats::nand::Choice;
use crate::formats::wrapper::Wrapper;
use crate::image::spool::Spool;
use crate::place::escape;
use crate::problem::Problem;
use crate::read::{index, length};

/// What is to be examined. Its bytes never change through us; whether somebody else changed them meanwhile is
/// told by [`Image::changed`].
pub struct Image {
    /// Its name without the folder, escaped.
    pub name: String,
    /// What it holds.
    pub source: Source,
    /// What somebody said about its spare bytes, if it is a dump of NAND.
    pub nand: Choice,
    /// Where somebody said that its first byte is loaded, if it is a plain copy of a microcontroller's flash.
    pub base: Option<u64>,
    /// The wrappers of vendors that somebody described.
    pub wrappers: Vec<Wrapper>,
    /// Whether bytes that were XORed with a short key are read.
    pub undoes_xor: bool,
    /// Other parts of the same device, by name.
    pub with: Vec<Named>,
    /// Which part of the device it is itself, where that was said.
    pub part: Option<String>,
    /// The same bytes, read a second time.
    pub second_read: Option<Named>,
    /// The files that it was put together from, when they are several.
    pub interleaved: Vec<Named>,
    /// What of its bytes could not be read, or of those of the files beside it.
    pub problems: Vec<Problem>,
    opened: Vec<(PathBuf, Identity)>,
}

/// Bytes of a file beside the image.
pub struct Named {
    /// What it is called: by whoever named the part, or by its file's name, escaped.
    pub name: String,
    /// Its bytes.
    pub bytes: Bytes,
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
        Self::try_open(path, budget).map_err(|source| unreadable(path, source))
    }

    /// An image of bytes that are already there.
    pub fn from_bytes(name: &str, bytes: Bytes) -> Self {
        Self {
            name: name.to_owned(),
            source: Source::Bytes(bytes),
            nand: Choice::default(),
            base: None,
            wrappers: Vec::new(),
            undoes_xor: false,
            with: Vec::new(),
            part: None,
            second_read: None,
            interleaved: Vec::new(),
            problems: Vec::new(),
            opened: Vec::new(),
        }
    }

    /// Adds another part of the same device, such as a boot partition that was read on its own.
    ///
    /// # Errors
    /// As those of [`Image::open`]; a directory is no such part.
    pub fn add(&mut self, name: &str, path: &Path, budget: &Budget) -> Result<(), Unreadable> {
        let (_, bytes) = self.beside(path, budget)?;
        self.with.push(Named {
            name: escape(name.as_bytes()),
            bytes,
        });
        Ok(())
    }

    /// Adds a second read of the same bytes.
    ///
    /// # Errors
    /// As those of [`Image::open`]; a directory is no read.
    pub fn read_again(&mut self, path: &Path, budget: &Budget) -> Result<(), Unreadable> {
        if matches!(self.source, Source::Root(..)) {
            return Err(unreadable(path, io::ErrorKind::IsADirectory.into()));
        }
        let (name, bytes) = self.beside(path, budget)?;
        self.second_read = Some(Named { name, bytes });
        Ok(())
    }

    /// Puts the image together with the other of two chips whose bytes take turns, `width` bytes at a time. The image's own
    /// come first.
    ///
    /// # Errors
    /// As those of [`Image::open`], and when the two are not of one length.
    pub fn interleave(
        &mut self,
        path: &Path,
        width: usize,
        budget: &Budget,
    ) -> Result<(), Unreadable> {
        let (name, other) = self.beside(path, budget)?;
        let merged = match &self.source {
            Source::Bytes(own) => {
                merge(own, &other, width, budget.spool()).map(|all| (own.clone(), all))
            }
            Source::Root(..) => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        };
        let (own, all) = merged.map_err(|source| unreadable(path, source))?;
        self.interleaved = vec![
            Named {
                name: self.name.clone(),
                bytes: own,
            },
            Named { name, bytes: other },
        ];
        self.source = Source::Bytes(all);
        Ok(())
    }

    /// The name and the bytes of a file beside the image.
    fn beside(&mut self, path: &Path, budget: &Budget) -> Result<(String, Bytes), Unreadable> {
        let other = Self::open(path, budget)?;
        self.opened.extend(other.opened);
        self.problems
            .extend(other.problems.into_iter().map(|problem| {
                let detail = format!("{}: {}", other.name, problem.detail);
                Problem { detail, ..problem }
            }));
        match other.source {
            Source::Bytes(bytes) => Ok((other.name, bytes)),
            Source::Root(..) => Err(unreadable(path, io::ErrorKind::IsADirectory.into())),
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
        let (source, problems) = if metadata.is_dir() {
            let (tree, problems) = root::read(path, budget)?;
            (Source::Root(tree, problems), Vec::new())
        } else {
            let (bytes, problems) = contents(&file, &metadata, spool)?;
            (Source::Bytes(bytes), problems)
        };
        let regular = metadata.is_file();
        let opened = regular.then(|| (path.to_owned(), Identity::of(&metadata)));
        Ok(Self {
            name,
            source,
            problems,
            opened: opened.into_iter().collect(),
            ..Self::from_bytes("", Bytes::new())
        })
    }

    /// Whether a file became another one, or was written to, since it was opened.
    pub fn changed(&self) -> bool {
        self.opened.iter().any(|(path, before)| {
            std::fs::metadata(path).map_or(true, |now| Identity::of(&now) != *before)
        })
    }
}

fn unreadable(path: &Path, source: io::Error) -> Unreadable {
    Unreadable {
        path: escape(path.as_os_str().as_encoded_bytes()),
        source,
    }
}

/// So many turns of a pair of chips are put together at a time.
const TURNS: usize = 1 << 18;

/// Two files of one length as one, `width` bytes of each in turn.
fn merge(first: &[u8], second: &[u8], width: usize, spool: &Spool) -> io::Result<Bytes> {
    let whole = first.len().checked_rem(width) == Some(0);
    if first.len() != second.len() || !whole {
        let detail = format!(
            "two chips whose bytes take turns are of one length, in whole turns: {} and {} bytes",
            first.len(),
            second.len()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, detail));
    }
    let slab = width.saturating_mul(TURNS);
    let mut stream = spool.stream();
    let mut merged = Vec::new();
    for (first, second) in first.chunks(slab).zip(second.chunks(slab)) {
        merged.clear();
        for (first, second) in first.chunks(width).zip(second.chunks(width)) {
            merged.extend_from_slice(first);
            merged.extend_from_slice(second);
        }
        map::touched(length(&merged));
        stream.write_all(&merged)?;
    }
    stream.finish()
}

/// The bytes of a file or device, and what of them could not be read.
fn contents(file: &File, metadata: &Metadata, spool: &Spool) -> io::Result<(Bytes, Vec<Problem>)> {
    let whole = |bytes| (bytes, Vec::new());
    let kind = metadata.file_type();
    if kind.is_file() {
        return map::map(file, 0, index(metadata.len())).map(whole);
    }
    if kind.is_block_device() {
        let mut device = file;
        let len = device.seek(SeekFrom::End(0))?;
        return device::read(file, len, spool);
    }
    if kind.is_char_device() || kind.is_fifo() {
        return read_all(file, spool).map(whole);
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
