//! Programs that a baseline does not state, and which of its own they are like.

#![allow(
    clippy::disallowed_methods,
    reason = "the trees are made to be compared"
)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::schemas;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// What is told of `/tmp/new`, which is not among the files of the other tree.
fn told(expected: &[(&str, &[u8])], new: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["old", "new"].map(|name| folder.path().join(name));
    for root in [&one, &other] {
        fs::create_dir_all(root.join("bin")).unwrap();
        fs::create_dir_all(root.join("tmp")).unwrap();
        for (name, bytes) in expected {
            fs::write(root.join("bin").join(name), bytes).unwrap();
        }
    }
    fs::write(other.join("tmp/new"), new).unwrap();
    let (report, _) = schemas::run(&["diff", one.to_str().unwrap(), other.to_str().unwrap()]);
    let changes = report["changes"].as_array().unwrap();
    let change = changes.iter().find(|change| change["path"] == "/tmp/new");
    let texts = change.unwrap()["explanation"].as_array().unwrap().iter();
    texts
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// Each program of `tests/slow/implants` is like the one it was made from, and like no other.
#[test]
fn a_changed_copy_is_told() {
    let root = fixtures().join("implants");
    let table = fs::read_to_string(root.join("cases.tsv")).unwrap();
    let unrelated = fs::read(fixtures().join("elf/program")).unwrap();
    let mut originals = Vec::new();
    for row in table.lines().skip(1) {
        let row: Vec<&str> = row.split('\t').collect();
        let (patched, original) = (row[0], row[11]);
        // One patch of each original is enough; some cases are trees around a program that is not changed.
        let is_patched = patched.starts_with("files/") && original.contains("original");
        if !is_patched || originals.contains(&original) {
            continue;
        }
        originals.push(original);
        let own = fs::read(root.join(original)).unwrap();
        let patched = fs::read(root.join(patched)).unwrap();
        let told = told(&[("a-other", &unrelated), ("monitor", &own)], &patched);
        let line = told
            .iter()
            .find(|text| text.starts_with("it is like "))
            .unwrap();
        assert!(line.contains("/bin/monitor: "), "{line}");
        let percent: usize = line.split(' ').nth(4).unwrap().parse().unwrap();
        assert!((70..=100).contains(&percent), "{original}: {line}");
    }
    assert!(originals.len() > 2, "{originals:?}");
}

/// One instruction of one function is another: all functions but that one are the expected program's.
#[test]
fn all_functions_but_the_changed_one_are_counted() {
    let root = fixtures().join("implants/files/opt/bin");
    let own = fs::read(root.join("original_aarch64_glibc_dynamic_O2_stripped")).unwrap();
    // `mov x29, sp` becomes `nop`.
    let mut new = own.clone();
    let mut words = own.windows(4);
    let at = words.position(|word| word == [0xfd, 0x03, 0x00, 0x91]);
    let at = at.unwrap();
    new[at..at + 4].copy_from_slice(&[0x1f, 0x20, 0x03, 0xd5]);
    let told = told(&[("monitor", &own)], &new);
    let line = told.iter().find(|text| text.starts_with("it is like "));
    let (_, counts) = line.unwrap().rsplit_once('(').unwrap();
    let (same, all) = counts.trim_end_matches(')').split_once(" of ").unwrap();
    let (same, all): (usize, usize) = (same.parse().unwrap(), all.parse().unwrap());
    assert_eq!(same, all - 1, "{line:?}");
    let percent = format!(": {} % of its functions", same * 100 / all);
    assert!(line.unwrap().contains(&percent), "{line:?}");
}

#[test]
fn another_program_is_like_none() {
    let root = fixtures().join("implants/files/opt/bin");
    let own = fs::read(root.join("original_aarch64_glibc_dynamic_O2_stripped")).unwrap();
    let unrelated = fs::read(fixtures().join("elf/program")).unwrap();
    let told = told(&[("monitor", &own)], &unrelated);
    assert!(!told.iter().any(|text| text.contains("like")), "{told:?}");
}

#[test]
fn a_copy_is_told_as_one() {
    let own = fs::read(fixtures().join("elf/program")).unwrap();
    let told = told(&[("monitor", &own)], &own);
    assert!(
        told.contains(&"its content is that of /bin/monitor".to_owned()),
        "{told:?}"
    );
}
