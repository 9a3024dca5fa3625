//! A file that has no name until it is whole, so that whatever ends the program leaves nothing behind.
//!
//! Where the file system has no such files, one with a name of its own beside the place is taken.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::commands::interrupt::{self, Unfinished};

/// A file that is being written.
pub(super) struct Unnamed {
    content: Content,
    /// The folder, open so that its entries can be forced to the disk when it may not be opened any more.
    opened: File,
    pub(super) folder: PathBuf,
    name: OsString,
}

enum Content {
    #[cfg(target_os = "linux")]
    Unnamed(File),
    Named(NamedTempFile, Unfinished),
}

impl Unnamed {
    /// A new file for a place, which is no link.
    pub(super) fn open(path: &Path, mode: u32) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let name = path
            .file_name()
            .ok_or(io::Error::from(io::ErrorKind::IsADirectory))?;
        let opened = File::open(folder)?;
        Ok(Self {
            content: content(&opened, folder, mode)?,
            opened,
            folder: folder.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Whether it has a name of its own meanwhile.
    pub(super) fn has_name(&self) -> bool {
        matches!(self.content, Content::Named(..))
    }

    /// Gives it its name, once all of it is on the disk; what had that name is replaced.
    pub(super) fn keep(self) -> io::Result<()> {
        let place = self.folder.join(&self.name);
        match self.content {
            Content::Named(file, _unfinished) => {
                file.as_file().sync_all()?;
                file.persist(place).map_err(|error| error.error)?;
            }
            #[cfg(target_os = "linux")]
            Content::Unnamed(file) => {
                file.sync_all()?;
                link(&file, &self.opened, &self.folder, &self.name)?;
            }
        }
        self.opened.sync_all()
    }
}

impl Write for Unnamed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.content {
            #[cfg(target_os = "linux")]
            Content::Unnamed(file) => file.write(bytes),
            Content::Named(file, _) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the system shows the files that a process has open.
#[cfg(target_os = "linux")]
const OPEN_FILES: &str = "/proc/self/fd";

#[cfg(target_os = "linux")]
fn content(opened: &File, folder: &Path, mode: u32) -> io::Result<Content> {
    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;
    if !Path::new(OPEN_FILES).exists() {
        return named(folder, mode);
    }
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::openat(opened, ".", flags, Mode::from_raw_mode(mode)) {
        Ok(file) => Ok(Content::Unnamed(file.into())),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => named(folder, mode),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn content(_opened: &File, folder: &Path, mode: u32) -> io::Result<Content> {
    named(folder, mode)
}

fn named(folder: &Path, mode: u32) -> io::Result<Content> {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    let unfinished = interrupt::unfinished(file.path());
    Ok(Content::Named(file, unfinished))
}

/// Links a file without a name to one. Only a rename replaces what is there, so that it has another name first where something is.
#[cfg(target_os = "linux")]
fn link(file: &File, opened: &File, folder: &Path, name: &OsString) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, linkat, renameat, unlinkat};
    use rustix::io::Errno;
    let from = format!("{OPEN_FILES}/{}", file.as_raw_fd());
    let link = |to: &OsString| linkat(CWD, &from, opened, to, AtFlags::SYMLINK_FOLLOW);
    match link(name) {
        Err(Errno::EXIST) => {}
        done => return Ok(done?),
    }
    for number in 0..100_u32 {
        let other = OsString::from(format!(".vitalsign-{}-{number}", std::process::id()));
        let _unfinished = interrupt::unfinished(&folder.join(&other));
        match link(&other) {
            Err(Errno::EXIST) => continue,
            done => done?,
        }
        let renamed = renameat(opened, &other, opened, name);
        if renamed.is_err() {
            let _ = unlinkat(opened, &other, AtFlags::empty());
        }
        return Ok(renamed?);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
