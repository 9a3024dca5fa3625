//! The files that are looked at, of one tree or several that belong to one device.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::paths;
use crate::entry::EntryPath;
use crate::facts::code::Code;
use crate::facts::elf::Structure;
use crate::facts::hidden::Hidden;
use crate::place::Place;

/// What stands at a path.
#[derive(Clone, Debug)]
pub struct Content {
    /// Where it is.
    pub place: Place,
    /// Its path in its tree.
    pub path: EntryPath,
    /// Its permission bits, where they are stored.
    pub mode: Option<u32>,
    /// Its bytes; of a program and of what is too long only the first.
    pub bytes: Vec<u8>,
    /// The target, if it is a symbolic link.
    pub target: Option<Vec<u8>>,
    /// What its code calls, if it is a program that was followed.
    pub code: Option<Arc<Code>>,
    /// What else its bytes tell, if it is a program.
    pub makeup: Option<Arc<Makeup>>,
}

/// What the bytes of a program tell besides what its code calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Makeup {
    /// How it is laid out.
    pub structure: Structure,
    /// What is hidden in it.
    pub hidden: Hidden,
}

/// Files and links by their paths. Several trees of one device (its root, its writable area) are one scene: what one does not have, another
/// may.
#[derive(Default)]
pub struct Scene {
    files: Vec<Content>,
    by_path: BTreeMap<Vec<u8>, Vec<usize>>,
}

/// Links are followed no further.
const MOST_LINKS: usize = 16;
/// So many paths one pattern matches.
const MOST_MATCHES: usize = 64;

impl Scene {
    /// Adds what stands at a path.
    pub fn add(&mut self, content: Content) {
        let at = self.files.len();
        self.by_path
            .entry(content.path.as_bytes().to_vec())
            .or_default()
            .push(at);
        self.files.push(content);
    }

    /// All files, without links.
    pub fn files(&self) -> impl Iterator<Item = &Content> {
        self.files.iter().filter(|file| file.target.is_none())
    }

    /// The file at a path, links followed; of several trees the one that `near` stands in is asked first.
    pub(super) fn at(&self, path: &[u8], near: &Place) -> Option<&Content> {
        let mut path = paths::normal(path);
        for _ in 0..MOST_LINKS {
            let all = self.by_path.get(&path);
            let Some(found) = all.and_then(|all| self.nearest(all, near)) else {
                path = self.through_folder(&path, near)?;
                continue;
            };
            let Some(target) = &found.target else {
                return Some(found);
            };
            path = followed(&path, target);
        }
        None
    }

    fn nearest(&self, all: &[usize], near: &Place) -> Option<&Content> {
        let outer = near.around().nth(1);
        let here = |at: &&usize| {
            let place = self.files.get(**at).map(|file| &file.place);
            place.and_then(|place| place.around().nth(1)) == outer
        };
        let at = all.iter().find(here).or_else(|| all.first())?;
        self.files.get(*at)
    }

    /// The same path through a folder that is a link.
    fn through_folder(&self, path: &[u8], near: &Place) -> Option<Vec<u8>> {
        let mut end = path.len();
        while let Some(at) = path
            .get(..end)
            .and_then(|part| memchr::memrchr(b'/', part))
            .filter(|&at| at > 0)
        {
            let folder = path.get(..at)?;
            if let Some(all) = self.by_path.get(folder)
                && let Some(target) = self
                    .nearest(all, near)
                    .and_then(|link| link.target.as_ref())
            {
                let mut whole = followed(folder, target);
                whole.extend_from_slice(path.get(at..)?);
                return Some(paths::normal(&whole));
            }
            end = at;
        }
        None
    }

    /// The files that a shell pattern matches, in the order of their names.
    pub(super) fn matching(&self, pattern: &[u8], near: &Place) -> Vec<&Content> {
        let pattern = paths::normal(pattern);
        let special = pattern
            .iter()
            .position(|byte| matches!(byte, b'*' | b'?' | b'['));
        let Some(special) = special else {
            return self.at(&pattern, near).into_iter().collect();
        };
        let Some(text) = std::str::from_utf8(&pattern).ok() else {
            return Vec::new();
        };
        let glob = globset::GlobBuilder::new(text)
            .literal_separator(true)
            .build();
        let Some(glob) = glob.ok().map(|glob| glob.compile_matcher()) else {
            return Vec::new();
        };
        let start = pattern.get(..special).unwrap_or_default().to_vec();
        let names = self
            .by_path
            .range(start.clone()..)
            .take_while(|(path, _)| path.starts_with(&start));
        let matches = names
            .filter(|(path, _)| std::str::from_utf8(path).is_ok_and(|path| glob.is_match(path)));
        matches
            .take(MOST_MATCHES)
            .filter_map(|(path, _)| self.at(path, near))
            .collect()
    }
}

/// Where a link at a path leads.
fn followed(path: &[u8], target: &[u8]) -> Vec<u8> {
    if target.first() == Some(&b'/') {
        return paths::normal(target);
    }
    let end = memchr::memrchr(b'/', path).unwrap_or(0);
    let mut whole = path.get(..end).unwrap_or_default().to_vec();
    whole.push(b'/');
    whole.extend_from_slice(target);
    paths::normal(&whole)
}
