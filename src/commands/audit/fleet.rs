//! Where the names of devices come from: a directory, an inventory, standard input.

use std::ffi::OsStr;
use std::fs::DirEntry;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::commands::exit::Usage;
use crate::commands::talk;
use crate::commands::trust::{self, Missing};
use crate::fleet::inventory::{Fleet, MAX_BYTES};

/// What a directory holds that was a root file system: two of these at least.
const ROOT: &[&str] = &["bin", "etc", "lib", "sbin", "usr", "var", "opt", "dev"];

/// Reads a fleet. Images are not opened.
pub(super) fn read(path: &Path) -> Result<Fleet> {
    if path.as_os_str() == "-" {
        let mut text = Vec::new();
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        let read = std::io::stdin().lock().take(limit).read_to_end(&mut text);
        read.map_err(|source| Missing::new(path, source))?;
        return Ok(Fleet::from_list(&text)?);
    }
    if path.is_dir() {
        return directory(path);
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    match path.extension().and_then(OsStr::to_str) {
        Some("csv") => Ok(Fleet::from_csv(&trust::inventory(path)?, folder)?),
        Some("toml") => Ok(Fleet::from_toml(&trust::inventory(path)?, folder)?),
        _ => Err(Usage(
            "a fleet is a directory of images, an inventory named *.csv or *.toml, or -".to_owned(),
        )
        .into()),
    }
}

/// Every file of a directory whose name starts with no dot, empty ones too: an empty dump is a read that failed. Where there is none,
/// every directory in it that looks like a root.
fn directory(folder: &Path) -> Result<Fleet> {
    let fail = |source| Missing::new(folder, source);
    let (mut files, mut roots, mut others) = (Vec::new(), Vec::new(), 0_usize);
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let path = entry.path();
        let name = PathBuf::from(entry.file_name());
        if name.as_os_str().as_bytes().starts_with(b".") {
            continue;
        }
        if path.is_file() {
            files.push(name);
        } else if is_root(&entry) {
            roots.push(name);
        } else {
            others = others.saturating_add(1);
        }
    }
    let (mut names, passed) = if files.is_empty() {
        (roots, others)
    } else {
        (files, others.saturating_add(roots.len()))
    };
    if names.is_empty() {
        let told = "it holds neither an image nor the directory of a root file system";
        return Err(Usage(told.to_owned()).into());
    }
    if passed > 0 {
        talk::say(&format!(
            "note: {passed} in {} passed over: neither a file nor what the others are",
            trust::shown(folder)
        ));
    }
    names.sort();
    Ok(Fleet::from_names(&names, folder)?)
}

fn is_root(entry: &DirEntry) -> bool {
    let path = entry.path();
    let there = ROOT.iter().filter(|name| path.join(name).is_dir());
    there.count() >= 2
}
