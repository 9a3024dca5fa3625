//! What runs when a device starts, and what starts it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::config::startup::{self, When};
use super::paths;
use super::registry;
use super::scene::{Content, Scene};
use super::shell::Flow;
use super::tree;
use crate::entry::EntryPath;
use crate::place::Place;

/// So many are followed.
const MOST: usize = 5000;

/// A program or script that runs when the device starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The file.
    pub place: Place,
    /// Its path in its tree.
    pub path: EntryPath,
    /// What starts it: the path of a file, and where in it.
    pub by: String,
}

/// What runs when the device starts, in the order in which it was found.
pub(super) fn started(scene: &Scene) -> Vec<Started> {
    let mut queue: VecDeque<(Vec<u8>, Place, String)> = VecDeque::new();
    for file in scene.files() {
        for command in startup::commands(file.path.as_bytes(), &file.bytes) {
            if command.when == When::Start {
                let by = format!(
                    "{} line {}",
                    crate::place::escape(file.path.as_bytes()),
                    command.line
                );
                let mut flow = Flow::new(scene, file);
                flow.list_starts(&command.text);
                queue.extend(
                    flow.starts
                        .iter()
                        .map(|path| (path.clone(), file.place.clone(), by.clone())),
                );
            }
        }
        if is_root(file.path.as_bytes()) {
            queue.push_back((
                file.path.as_bytes().to_vec(),
                file.place.clone(),
                "the system's own start".to_owned(),
            ));
        }
    }
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for started in of_registry(scene) {
        if all.len() < MOST && seen.insert(started.place.clone()) {
            all.push(started);
        }
    }
    while let Some((path, near, by)) = queue.pop_front() {
        for file in scene.matching(&path, &near) {
            if all.len() >= MOST || !seen.insert(file.place.clone()) {
                continue;
            }
            all.push(Started {
                place: file.place.clone(),
                path: file.path.clone(),
                by: by.clone(),
            });
            queue.extend(next(scene, file));
        }
    }
    all
}

/// The programs that the registry of Windows starts. Its paths do not tell small letters from capital ones.
fn of_registry(scene: &Scene) -> Vec<Started> {
    let starts = scene
        .files()
        .filter_map(|file| registry::start(file, scene));
    let programs: Vec<(Vec<u8>, String)> = starts
        .filter_map(|start| Some((start.program()?, start.what)))
        .collect();
    if programs.is_empty() {
        return Vec::new();
    }
    let mut by_name: BTreeMap<Vec<u8>, Vec<&Content>> = BTreeMap::new();
    for file in scene.files() {
        let lower = String::from_utf8_lossy(file.path.as_bytes()).to_lowercase();
        by_name.entry(lower.into_bytes()).or_default().push(file);
    }
    let started = programs.iter().flat_map(|(program, by)| {
        let files = by_name.get(program).into_iter().flatten();
        files.map(move |file| Started {
            place: file.place.clone(),
            path: file.path.clone(),
            by: by.clone(),
        })
    });
    started.collect()
}

/// What a script that is started starts in turn.
fn next(scene: &Scene, file: &Content) -> Vec<(Vec<u8>, Place, String)> {
    let Some(script) = tree::script(file) else {
        return Vec::new();
    };
    let mut flow = Flow::new(scene, file);
    flow.alone().follow(&script);
    let by = crate::place::escape(file.path.as_bytes());
    let starts = flow.starts.iter();
    starts
        .map(|path| (path.clone(), file.place.clone(), by.clone()))
        .collect()
}

/// What init runs without being told: BusyBox's `rcS`, `rc.local`, and the links of System V.
fn is_root(path: &[u8]) -> bool {
    let mut parts = path.rsplit(|&byte| byte == b'/');
    let (name, folder) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let level = folder
        .strip_prefix(b"rc")
        .and_then(|folder| folder.strip_suffix(b".d"));
    let is_link = level.is_some_and(|level| matches!(level, b"S" | b"2" | b"3" | b"4" | b"5"))
        && name.starts_with(b"S");
    path == b"/etc/init.d/rcS"
        || path == b"/etc/rc.local"
        || is_link
        || paths::is_below(path, b"/etc/profile.d")
        || path == b"/etc/profile"
}
