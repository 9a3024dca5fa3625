//! YARA rules as files: those of one folder, and what they include.

use std::path::Path;

use anyhow::Result;

use crate::check::yara::Yara;

/// The rules of a folder.
#[cfg(not(feature = "yara"))]
pub(super) fn read(folder: Option<&Path>) -> Result<Option<Yara>> {
    match folder {
        None => Ok(None),
        Some(_) => Err(super::exit::Usage(
            "--yara: this build has no YARA; build it with `--features yara`".to_owned(),
        )
        .into()),
    }
}

#[cfg(feature = "yara")]
pub(super) use self::with::read;

#[cfg(feature = "yara")]
mod with {
    use std::io;
    use std::path::{Component, PathBuf};

    use super::{Path, Result, Yara};
    use crate::commands::exit::Usage;
    use crate::commands::trust::{self, Missing};
    use crate::document::Malformed;

    /// So many files of rules are read.
    const MOST: usize = 4096;
    /// So many includes are followed, so that files that include each other come to an end.
    const INCLUDES: usize = 256;

    /// The rules of a folder: every `*.yar` and `*.yara` in it, and what they include from it.
    pub(in crate::commands) fn read(folder: Option<&Path>) -> Result<Option<Yara>> {
        let Some(folder) = folder else {
            return Ok(None);
        };
        let fail = |source| Missing::new(folder, source);
        let root = folder.canonicalize().map_err(fail)?;
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(&root).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let is_rules = path
                .extension()
                .is_some_and(|it| it == "yar" || it == "yara");
            if is_rules && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.is_empty() || paths.len() > MOST {
            let folder = trust::shown(folder);
            let told =
                format!("--yara {folder}: 1 to {MOST} files of rules (*.yar, *.yara) are needed");
            return Err(Usage(told).into());
        }
        let mut files = Vec::new();
        for path in &paths {
            let name = path.file_name().unwrap_or_default();
            let name = trust::shown(Path::new(name));
            let text = trust::yara_rules(path)?;
            files.push((name, text));
        }
        let mut left = INCLUDES;
        let include = move |name: &str| {
            left = left
                .checked_sub(1)
                .ok_or_else(|| io::Error::other(format!("more than {INCLUDES} includes")))?;
            included(&root, name)
        };
        match Yara::compile(&files, include) {
            Ok(rules) => Ok(Some(rules)),
            Err(what) => Err(Malformed { line: None, what }.into()),
        }
    }

    /// The text that an include names: a path from the folder of the rules, which stays in it whatever links there are.
    fn included(root: &Path, name: &str) -> io::Result<String> {
        let path = Path::new(name);
        let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        let outside = || io::Error::other("an include must stay in the folder of the rules");
        if !path.components().all(plain) {
            return Err(outside());
        }
        let whole = root.join(path).canonicalize()?;
        if !whole.starts_with(root) || !whole.is_file() {
            return Err(outside());
        }
        trust::yara_rules(&whole).map_err(io::Error::other)
    }
}
