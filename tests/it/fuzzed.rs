//! What the fuzzing targets of `fuzz/` do, with the bytes that were once too much, and with fixtures.

#![allow(clippy::disallowed_methods, reason = "tests know the time")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::samples::repository;

#[path = "../../fuzz/src/deeds/mod.rs"]
#[allow(
    clippy::pedantic,
    dead_code,
    unreachable_pub,
    reason = "it belongs to another crate, which has no such lints"
)]
mod deeds;

/// So much of an image is looked at, in bytes.
const LONGEST: u64 = 4 << 20;

/// The folders of fixtures whose files seed a target, and end with these.
fn seeds(target: &str) -> Vec<PathBuf> {
    let listed = fs::read_to_string(repository().join("fuzz/seeds")).unwrap();
    let row = listed
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{target}: ")));
    let row = row.unwrap_or_else(|| panic!("fuzz/seeds has no row for {target}"));
    let mut files = Vec::new();
    for folder in row.split_whitespace() {
        let path = repository().join(folder);
        assert!(path.exists(), "{target}: {folder} is not there");
        let walk = walkdir::WalkDir::new(path).sort_by_file_name();
        files.extend(walk.into_iter().flatten().map(walkdir::DirEntry::into_path));
    }
    files.retain(|file| file.is_file() && file.metadata().unwrap().len() < 100_000);
    assert!(!files.is_empty(), "{target}: no seed");
    files
}

/// The files once found by a target, as `fuzz/run` names them.
fn found(target: &str) -> Vec<PathBuf> {
    let folder = repository().join("fixtures/fuzz").join(target);
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.sort();
    files
}

#[test]
fn each_target_has_a_deed_and_a_name() {
    let manifest = fs::read_to_string(repository().join("fuzz/Cargo.toml")).unwrap();
    let named = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("name = \""));
    let named: Vec<&str> = named
        .map(|name| name.trim_end_matches('"'))
        .skip(1)
        .collect();
    let deeds: Vec<&str> = deeds::DEEDS.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, deeds);
    let kept = fs::read_dir(repository().join("fixtures/fuzz"))
        .unwrap()
        .flatten();
    let kept: BTreeSet<String> = kept
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    for name in kept {
        assert!(
            deeds.contains(&name.as_str()),
            "fixtures/fuzz/{name} is of no target"
        );
    }
}

#[test]
fn what_was_too_much_once_is_not_any_more() {
    for (target, deed) in deeds::DEEDS {
        for file in found(target) {
            timed(target, &file, *deed);
        }
    }
}

#[test]
fn real_files_are_no_trouble_for_the_target_that_they_seed() {
    for (target, deed) in deeds::DEEDS {
        // The others are seen by other tests; a few of all kinds show that a target still does something.
        let files = seeds(target);
        for file in files.iter().step_by(files.len().div_ceil(6)) {
            timed(target, file, *deed);
        }
    }
}

fn timed(target: &str, file: &Path, deed: fn(&[u8])) {
    let mut bytes = fs::read(file).unwrap();
    if file.extension().is_some_and(|ending| ending == "gz") {
        let stored = std::mem::take(&mut bytes);
        let decoder = flate2::read::MultiGzDecoder::new(&stored[..]);
        decoder.take(LONGEST).read_to_end(&mut bytes).unwrap();
    }
    let start = Instant::now();
    deed(&bytes);
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{target}: {} takes too long",
        file.display()
    );
}
