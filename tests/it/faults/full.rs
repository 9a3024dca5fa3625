//! Disks that are full: a plain error, and what was there still is.

use std::fs;

use super::{Place, stderr};
use crate::samples::repository;

#[test]
fn a_full_disk_leaves_what_was_there() {
    let place = Place::new();
    let out = place.at("out");
    let full = |args: &[&str]| {
        let run = place.failing(args).env("SHIM_FULL", &out).output().unwrap();
        let told = stderr(&run);
        assert_eq!(run.status.code(), Some(70), "{told}");
        assert!(told.contains("cannot write out/"), "{told}");
        assert!(told.contains("has room"), "{told}");
    };
    full(&["list", "image", "--output", "out/list"]);
    full(&["scan", "image", "--format", "json", "--output", "out/scan"]);
    place.left_nothing();
    fs::write(out.join("old"), "old").unwrap();
    full(&["list", "image", "--format", "json", "--output", "out/old"]);
    assert_eq!(fs::read_to_string(out.join("old")).unwrap(), "old");
    assert_eq!(place.names("out"), ["old"]);
    let mut run = place.run(&["list", "image", "--output", "/dev/full"]);
    assert_eq!(run.status().unwrap().code(), Some(70));
    let to = fs::File::options().write(true).open("/dev/full").unwrap();
    let run = place.run(&["list", "image"]).stdout(to).output().unwrap();
    assert_eq!(run.status.code(), Some(70), "{}", stderr(&run));
    assert!(stderr(&run).contains("cannot write to standard output"));
}

#[test]
fn an_extraction_to_a_full_disk_leaves_no_file_that_is_not_whole() {
    let place = Place::new();
    let run = place
        .failing(&["extract", "image", "--output", "out/files"])
        .env("SHIM_FULL", place.at("out"))
        .output()
        .unwrap();
    let told = stderr(&run);
    assert_eq!(run.status.code(), Some(70), "{told}");
    assert!(told.contains("not written: "), "{told}");
    assert!(
        told.contains("cannot write out/files/inventory.json"),
        "{told}"
    );
    place.left_no_content();
}

#[test]
fn an_audit_on_a_full_disk_ends_and_goes_on_where_there_is_room() {
    let place = Place::new();
    fs::create_dir(place.at("fleet")).unwrap();
    fs::rename(place.at("image"), place.at("fleet/image")).unwrap();
    let baseline = repository().join("baselines/example-medical-vsm9000-4.2.1.toml");
    let key = repository().join("baselines/demo-TEST-KEY.pub");
    let audit = [
        "audit",
        "fleet",
        "--baseline",
        baseline.to_str().unwrap(),
        "--trust-key",
        key.to_str().unwrap(),
        "--now",
        "2026-11-22T00:00:00Z",
        "--output",
        "out/results",
    ];
    let full = place
        .failing(&audit)
        .env("SHIM_FULL", place.at("out"))
        .output()
        .unwrap();
    assert_eq!(full.status.code(), Some(70), "{}", stderr(&full));
    assert!(stderr(&full).starts_with("error: "), "{}", stderr(&full));
    let resumed = place.run(&[&audit[..], &["--resume"]].concat()).output();
    let resumed = resumed.unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    let results = fs::read_to_string(place.at("out/results")).unwrap();
    assert_eq!(results.lines().count(), 2, "the head and one device");
}

#[test]
fn without_room_for_temporary_files_what_is_not_read_is_told() {
    let place = Place::new();
    let run = place
        .failing(&["list", "image", "--format", "json", "--max-memory", "1"])
        .env("SHIM_FULL", place.at("tmp"))
        .output()
        .unwrap();
    let told = stderr(&run);
    assert_eq!(run.status.code(), Some(8), "{told}");
    let list: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let problems = list["problems"].to_string();
    assert!(problems.contains("No space left"), "{problems}");
    place.left_nothing();
}
