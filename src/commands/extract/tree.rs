//! The folder that is written to, by descriptors: every name is looked up in the folder above it, and no link is ever followed, not even one
//! that somebody else puts there meanwhile.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, mkdirat, openat, symlinkat, unlinkat};
use rustix::io::Errno;

use crate::commands::interrupt::{self, Unfinished};

/// Opens a folder and nothing else.
const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The folder that is written to.
pub(super) struct Tree {
    path: PathBuf,
    root: OwnedFd,
    /// The folder that was written to last: entries of one folder mostly follow each other.
    last: Option<(Vec<String>, OwnedFd)>,
}

impl Tree {
    /// A folder that is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            path: path.to_owned(),
            root: openat(CWD, path, flags, Mode::empty())?,
            last: None,
        })
    }

    /// The folder of something, made where it is missing, and its name there.
    pub(super) fn above<'n>(&mut self, path: &'n [String]) -> io::Result<(&OwnedFd, &'n str)> {
        let (name, above) = path
            .split_last()
            .ok_or(io::Error::from(io::ErrorKind::InvalidInput))?;
        let is_last = self.last.as_ref().is_some_and(|(last, _)| last == above);
        if !is_last {
            let opened = self.walk(above)?;
            self.last = Some((above.to_vec(), opened));
        }
        let last = self.last.as_ref().map(|(_, opened)| opened);
        Ok((last.unwrap_or(&self.root), name))
    }

    /// A folder, made where it is missing.
    pub(super) fn folder(&mut self, path: &[String]) -> io::Result<OwnedFd> {
        if path.is_empty() {
            return self.root.try_clone();
        }
        let (above, name) = self.above(path)?;
        step(above, name)
    }

    fn walk(&self, path: &[String]) -> io::Result<OwnedFd> {
        let mut at = self.root.try_clone()?;
        for name in path {
            at = step(&at, name)?;
        }
        Ok(at)
    }

    /// A new file, which is removed should the program end before it is whole.
    pub(super) fn create(&mut self, path: &[String]) -> io::Result<(File, Unfinished)> {
        let whole: PathBuf = path.iter().collect();
        let whole = self.path.join(whole);
        let (above, name) = self.above(path)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let unfinished = interrupt::unfinished(&whole);
        let file = openat(
            above,
            name,
            flags | OFlags::NOFOLLOW,
            Mode::RUSR | Mode::WUSR,
        )?;
        Ok((file.into(), unfinished))
    }

    /// Takes away what could not be finished.
    pub(super) fn remove(&mut self, path: &[String]) {
        if let Ok((above, name)) = self.above(path) {
            let _ = unlinkat(above, name, AtFlags::empty());
        }
    }

    /// A symbolic link; what it leads to is not looked at.
    pub(super) fn link_to(&mut self, path: &[String], target: &[u8]) -> io::Result<()> {
        let (above, name) = self.above(path)?;
        Ok(symlinkat(target, above, name)?)
    }

    /// A second name of a file.
    pub(super) fn name_again(&mut self, first: &[String], path: &[String]) -> io::Result<()> {
        let (above, first) = self.above(first)?;
        let above = above.try_clone()?;
        let (folder, name) = self.above(path)?;
        Ok(linkat(above, first, folder, name, AtFlags::empty())?)
    }
}

/// The folder of a name in a folder, made where it is missing.
fn step(above: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    match mkdirat(above, name, Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(openat(above, name, FOLDER, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('/').map(str::to_owned).collect()
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "what a test writes need not survive a crash"
    )]
    fn no_link_is_followed_whoever_made_it() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut tree = Tree::open(inside.path()).unwrap();
        std::os::unix::fs::symlink(outside.path(), inside.path().join("out")).unwrap();
        assert!(tree.create(&path("out/file")).is_err());
        assert!(tree.folder(&path("out")).is_err());
        assert!(tree.folder(&path("out/deeper")).is_err());
        assert!(tree.link_to(&path("out/link"), b"x").is_err());
        // A link in the place of a file is not written through either, and a second name is that of the link.
        std::fs::write(outside.path().join("file"), "old").unwrap();
        let target = outside.path().join("file");
        std::os::unix::fs::symlink(&target, inside.path().join("file")).unwrap();
        assert!(tree.create(&path("file")).is_err());
        tree.name_again(&path("file"), &path("again")).unwrap();
        assert!(inside.path().join("again").is_symlink());
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read(target).unwrap(), b"old");
    }

    #[test]
    fn folders_are_made_on_the_way() {
        let inside = tempfile::tempdir().unwrap();
        let mut tree = Tree::open(inside.path()).unwrap();
        for name in ["a/b/one", "a/b/two", "a/three"] {
            let (mut file, _unfinished) = tree.create(&path(name)).unwrap();
            file.write_all(name.as_bytes()).unwrap();
        }
        assert!(tree.create(&path("a/b/one")).is_err(), "it is there");
        let text = std::fs::read_to_string(inside.path().join("a/b/two")).unwrap();
        assert_eq!(text, "a/b/two");
    }
}
