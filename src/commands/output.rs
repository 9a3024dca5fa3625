//! Where results go: standard output, or a file written so that a crash leaves the old one or the new one.

mod unnamed;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use self::unnamed::Unnamed;
use super::sandbox::Right;
use crate::place::escape;
use crate::report::verify::render::json;

/// A file that could not be written; what stood there before still does.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {why}")]
pub(super) struct Unwritable {
    path: String,
    why: String,
}

/// Writes a finished report.
pub(super) fn write(to: Option<&Path>, text: &str) -> Result<()> {
    match to {
        Some(path) => write_file(path, text.as_bytes(), 0o644),
        None => write_stdout(text),
    }
}

/// Writes a record as the JSON that [`json`] makes, without holding the text: that of a list may be longer than the image.
pub(super) fn write_json(to: Option<&Path>, record: &impl serde::Serialize) -> Result<()> {
    let fill = |out: &mut dyn Write| -> std::io::Result<()> {
        let mut out = std::io::BufWriter::new(out);
        serde_json::to_writer_pretty(&mut out, record)?;
        out.write_all(b"\n")?;
        out.flush()
    };
    write_by(to, fill)
}

/// Writes what `fill` writes, without holding it.
pub(super) fn write_by(
    to: Option<&Path>,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    match to {
        Some(path) => fill_file(path, 0o644, fill),
        None => fill_stdout(fill),
    }
}

/// A record as the JSON that goes out: indented, one line feed at the end.
pub(super) fn json(record: &impl serde::Serialize) -> Result<String> {
    Ok(json::render(record)?)
}

/// Writes to standard output; a reader that went away is no error.
pub(super) fn write_stdout(text: &str) -> Result<()> {
    write_stdout_bytes(text.as_bytes())
}

/// The same, of what need not be text.
pub(super) fn write_stdout_bytes(bytes: &[u8]) -> Result<()> {
    fill_stdout(|out| out.write_all(bytes))
}

fn fill_stdout(fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let mut out = anstream::stdout().lock();
    match fill(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// Writes a file by a temporary file beside it, synced and renamed. A link leads to the file that is replaced; what is no file (a device,
/// a pipe) is written to as it is.
pub(super) fn write_file(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    fill_file(path, mode, |out| out.write_all(bytes))
}

/// Files that were opened before the sandbox closed, by the names that they will be written under.
static RESERVED: Mutex<BTreeMap<PathBuf, Unnamed>> = Mutex::new(BTreeMap::new());

/// Opens a file that will be written; yields what may still be needed then.
///
/// # Errors
/// [`Unwritable`]: it could not be written, which is found out before the work begins.
pub(super) fn reserve(path: &Path, mode: u32) -> Result<(PathBuf, Right)> {
    if is_written_in_place(path) {
        return Ok((path.to_owned(), Right::Write));
    }
    let file = open(path, mode).map_err(|error| unwritable(path, &error))?;
    let folder = file.folder.clone();
    let right = match (file.has_name(), path.try_exists().unwrap_or(true)) {
        (true, _) => Right::Files,
        (false, true) => Right::Replace,
        (false, false) => Right::Link,
    };
    let mut reserved = RESERVED.lock().unwrap_or_else(PoisonError::into_inner);
    reserved.insert(path.to_owned(), file);
    Ok((folder, right))
}

/// Lets go of what was reserved and not written.
pub(super) fn release() {
    let mut reserved = RESERVED.lock().unwrap_or_else(PoisonError::into_inner);
    reserved.clear();
}

/// Whether what stands there is no file: a device, a pipe.
fn is_written_in_place(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// A new file for a place. A link leads to the file that is replaced.
fn open(path: &Path, mode: u32) -> std::io::Result<Unnamed> {
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(std::io::ErrorKind::IsADirectory.into()),
        Ok(_) => Unnamed::open(&path.canonicalize()?, mode),
        Err(_) => Unnamed::open(path, mode),
    }
}

fn fill_file(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let reserved = RESERVED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(path);
    let written = match reserved {
        Some(reserved) => persist(reserved, fill),
        None if is_written_in_place(path) => fill_in_place(path, fill),
        None => open(path, mode).and_then(|opened| persist(opened, fill)),
    };
    written.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let path = escape(path.as_os_str().as_encoded_bytes());
    // The kind alone: the whole text would name the temporary file.
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "its folder does not exist".to_owned(),
        kind => kind.to_string(),
    };
    Unwritable { path, why }.into()
}

/// To rename over `/dev/null` would take it from every other program.
fn fill_in_place(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut there = std::fs::File::options().write(true).open(path)?;
    fill(&mut there)?;
    there.flush()
}

fn persist(
    mut to: Unnamed,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    fill(&mut to)?;
    to.keep()
}
