//! A mounted root file system: every entry below a directory, links never followed, the root never left.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use walkdir::WalkDir;

use super::Identity;
use crate::budget::Budget;
use crate::entry::{self, Data, Device, Entry, EntryPath, Fault, Meta, Node};
use crate::formats::Tree;
use crate::problem::{Problem, ProblemKind};
use crate::read::index;

/// The entries below `root`, sorted by name, and what could not be read. Each is spent from the budget.
///
/// # Errors
/// The directory itself cannot be read.
pub fn read(root: &Path, budget: &Budget) -> io::Result<(Tree, Vec<Problem>)> {
    std::fs::read_dir(root)?;
    let mut tree = Tree::default();
    let mut problems = Vec::new();
    let mut links = BTreeMap::new();
    for found in WalkDir::new(root).follow_links(false).sort_by_file_name() {
        if let Err(limit) = budget.spend_entries(1) {
            problems.push(limit);
            break;
        }
        match found {
            Ok(found) => match read_entry(root, found.path(), &mut links, &mut problems) {
                Ok(entry) => tree.entries.push(entry),
                Err(error) => problems.push(unreadable(&path_below(root, found.path()), &error)),
            },
            Err(error) => {
                let path = error
                    .path()
                    .map_or_else(EntryPath::root, |path| path_below(root, path));
                // Without the path that the library adds: it is one of this machine.
                let told = match error.into_io_error() {
                    Some(error) => error,
                    None => io::Error::other("it links back to a folder around it"),
                };
                problems.push(unreadable(&path, &told));
            }
        }
    }
    Ok((tree, problems))
}

fn unreadable(path: &EntryPath, error: &io::Error) -> Problem {
    Problem::new(ProblemKind::Unreadable, error.to_string()).about(path)
}

fn path_below(root: &Path, path: &Path) -> EntryPath {
    let below = path.strip_prefix(root).unwrap_or(path);
    EntryPath::new(below.as_os_str().as_bytes())
}

/// Files that were met before under another name, by device and inode.
type Links = BTreeMap<(u64, u64), entry::File>;

fn read_entry(
    root: &Path,
    path: &Path,
    links: &mut Links,
    problems: &mut Vec<Problem>,
) -> io::Result<Entry> {
    let metadata = std::fs::symlink_metadata(path)?;
    let below = path_below(root, path);
    let xattrs = xattrs(path).unwrap_or_else(|error| {
        problems.push(unreadable(&below, &error));
        BTreeMap::new()
    });
    Ok(Entry {
        node: node(path, &metadata, links)?,
        meta: Meta {
            mode: Some(metadata.mode() & 0o7777),
            uid: Some(metadata.uid()),
            gid: Some(metadata.gid()),
            mtime: Some(metadata.mtime()),
            xattrs,
        },
        path: below,
    })
}

fn node(path: &Path, metadata: &Metadata, links: &mut Links) -> io::Result<Node> {
    let kind = metadata.file_type();
    let device = || Device {
        major: rustix::fs::major(metadata.rdev()),
        minor: rustix::fs::minor(metadata.rdev()),
    };
    Ok(if kind.is_dir() {
        Node::Dir
    } else if kind.is_symlink() {
        Node::Symlink(
            std::fs::read_link(path)?
                .into_os_string()
                .as_bytes()
                .to_vec(),
        )
    } else if kind.is_char_device() {
        Node::Char(device())
    } else if kind.is_block_device() {
        Node::Block(device())
    } else if kind.is_fifo() {
        Node::Fifo
    } else if kind.is_socket() {
        Node::Socket
    } else {
        let file = links
            .entry((metadata.dev(), metadata.ino()))
            .or_insert_with(|| entry::File {
                size: metadata.len(),
                data: Arc::new(OnDisk {
                    path: path.to_owned(),
                    identity: Identity::of(metadata),
                }),
            });
        Node::File(file.clone())
    })
}

/// A file on the disk, opened again when it is read.
struct OnDisk {
    path: PathBuf,
    /// As it was when the tree was walked.
    identity: Identity,
}

impl OnDisk {
    fn open(&self) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(i32::from_ne_bytes(flags.bits().to_ne_bytes()))
            .open(&self.path)?;
        self.is_same(&file)?;
        Ok(file)
    }

    fn is_same(&self, file: &File) -> io::Result<()> {
        if Identity::of(&file.metadata()?) == self.identity {
            return Ok(());
        }
        Err(io::Error::other("the file changed while the tree was read"))
    }
}

impl Data for OnDisk {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let told = |error: io::Error| Problem::new(ProblemKind::Unreadable, error.to_string());
        let mut file = self.open().map_err(told)?;
        let mut buffer = vec![0; 128 << 10];
        let mut left = self.identity.size;
        while left > 0 {
            let most = buffer.len().min(index(left));
            let part = buffer.get_mut(..most).unwrap_or_default();
            let count = file.read(part).map_err(told)?;
            if count == 0 {
                return Err(told(io::Error::other(
                    "the file became shorter while it was read",
                ))
                .into());
            }
            out.write_all(buffer.get(..count).unwrap_or_default())?;
            left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        }
        // What was given out may be of two states of it otherwise.
        Ok(self.is_same(&file).map_err(told)?)
    }
}

/// The extended attributes of what `path` names, not of what it points to. None where the system keeps none.
fn xattrs(path: &Path) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut names = vec![0; 64 << 10];
    let len = match rustix::fs::llistxattr(path, &mut names) {
        Ok(len) => len,
        Err(rustix::io::Errno::NOTSUP) => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    names.truncate(len);
    let mut found = BTreeMap::new();
    for name in names
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty())
    {
        let mut value = vec![0; 64 << 10];
        let key = CString::new(name).map_err(io::Error::other)?;
        let len = rustix::fs::lgetxattr(path, key.as_c_str(), &mut value)?;
        value.truncate(len);
        found.insert(OsStr::from_bytes(name).as_bytes().to_vec(), value);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Limits;

    #[test]
    fn links_are_kept_and_never_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/", dir.path().join("out")).unwrap();
        std::os::unix::fs::symlink(".", dir.path().join("loop")).unwrap();
        File::create(dir.path().join("one"))
            .unwrap()
            .write_all(b"1")
            .unwrap();
        std::fs::hard_link(dir.path().join("one"), dir.path().join("two")).unwrap();
        let (tree, problems) = read(dir.path(), &Budget::new(Limits::default())).unwrap();
        assert!(problems.is_empty());
        let paths: Vec<_> = tree
            .entries
            .iter()
            .map(|entry| entry.path.as_bytes())
            .collect();
        assert_eq!(paths, [&b"/"[..], b"/loop", b"/one", b"/out", b"/two"]);
        let [Node::File(one), Node::File(two)] = [&tree.entries[2].node, &tree.entries[4].node]
        else {
            panic!("two files");
        };
        assert!(Arc::ptr_eq(&one.data, &two.data));
    }

    /// Something done to a file.
    type Change = fn(&File);

    /// Has a file changed when the first of its bytes are given out.
    struct Changing(Option<(File, Change)>);

    impl Write for Changing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some((file, change)) = self.0.take() {
                change(&file);
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written_again(file: &File) {
        std::os::unix::fs::FileExt::write_all_at(file, b"x", 0).unwrap();
        // The clock of a file system may not have moved since the file was made.
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    }

    #[test]
    fn a_file_that_changes_before_or_while_it_is_read_is_told() {
        let shorter: Change = |file| file.set_len(5).unwrap();
        for (is_before, change, expected) in [
            (true, written_again as Change, "the file changed"),
            (true, shorter, "the file changed"),
            (false, written_again, "the file changed"),
            (false, shorter, "the file became shorter"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log");
            File::create(&path)
                .unwrap()
                .write_all(&vec![7; 1 << 20])
                .unwrap();
            let (tree, _) = read(dir.path(), &Budget::new(Limits::default())).unwrap();
            let Node::File(file) = &tree.entries[1].node else {
                panic!("a file");
            };
            file.data.copy_to(&mut Changing(None)).unwrap();
            let to = File::options().write(true).open(&path).unwrap();
            let mut changing = Changing(Some((to, change)));
            if is_before {
                let _ = changing.write(b"");
            }
            let Err(Fault::Problem(problem)) = file.data.copy_to(&mut changing) else {
                panic!("it changed");
            };
            assert!(problem.detail.contains(expected), "{}", problem.detail);
        }
    }
}
