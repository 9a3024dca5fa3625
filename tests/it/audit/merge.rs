//! The results of all shards are those of one machine, or it is told what is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::shards::{fleet, shard};
use super::{NOW, SMALL, TRUST, audit, judge};
use crate::samples::repository;

/// The results of every shard, made by runs that do not write in order, backwards.
fn shards(folder: &Path, fleet: &Path, of: usize) -> Vec<PathBuf> {
    let run = |index| {
        let results = folder.join(format!("{index}-of-{of}.jsonl"));
        shard(fleet, &format!("{index}/{of}"), &results, &[]);
        results
    };
    (0..of).rev().map(run).collect()
}

fn merge(shards: &[PathBuf], more: &[&str]) -> Output {
    let shards = shards.iter().map(|path| path.to_str().unwrap());
    Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(repository())
        .args(["--quiet", "audit", "merge"])
        .args(shards)
        .args(more)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn merged_shards_are_what_one_machine_writes() {
    let (folder, fleet) = fleet();
    let whole = judge(&fleet, &[&SMALL[..], &["--in-order"]].concat());
    for of in [1, 3, 7] {
        let mut shards = shards(folder.path(), &fleet, of);
        let to = folder.path().join(format!("merged-{of}.jsonl"));
        let output = merge(&shards, &["--output", to.to_str().unwrap()]);
        assert_eq!(
            output.status.code(),
            whole.status.code(),
            "{}",
            told(&output)
        );
        assert_eq!(fs::read(&to).unwrap(), whole.stdout, "{of}");
        let middle = shards.len() / 2;
        shards.rotate_left(middle);
        let output = merge(&shards, &["--fleet", fleet.to_str().unwrap()]);
        assert_eq!(output.stdout, whole.stdout, "{of}");
        // A merged file is a shard like any other: the only one.
        assert_eq!(merge(&[to], &[]).stdout, whole.stdout);
    }
}

#[test]
fn what_is_missing_is_told_and_nothing_is_written() {
    let (folder, fleet) = fleet();
    let mut shards = shards(folder.path(), &fleet, 3);
    let to = folder.path().join("merged.jsonl");
    let to = ["--output", to.to_str().unwrap()];
    let whole = fs::read(&shards[1]).unwrap();
    fs::write(&shards[1], &whole[..whole.len() - 9]).unwrap();
    let output = merge(&shards, &to);
    let error = told(&output);
    assert_eq!(output.status.code(), Some(4 | 8), "{error}");
    assert!(error.contains("INCOMPLETE"), "{error}");
    assert!(error.contains("shard 1/3 is not done"), "{error}");
    assert!(error.contains("and a torn line; go on with it"), "{error}");
    // What it says to do helps.
    shard(&fleet, "1/3", &shards[1], &["--resume"]);
    assert!(merge(&shards, &[]).status.code().unwrap() < 64);
    let gone = shards.remove(2);
    let output = merge(
        &shards,
        &[&to[..], &["--fleet", fleet.to_str().unwrap()]].concat(),
    );
    let error = told(&output);
    assert_eq!(output.status.code().unwrap() & 8, 8, "{error}");
    assert!(error.contains("shard 0/3 is missing: run it"), "{error}");
    for record in super::records(&fs::read(gone).unwrap()) {
        let asset = record.1["device"]["asset"].as_str().unwrap().to_owned();
        assert!(error.contains(&format!("{asset} (shard 0/3)")), "{error}");
    }
    assert!(fs::metadata(to[1]).is_err());
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (folder, fleet) = fleet();
    let mut shards = shards(folder.path(), &fleet, 3);
    let refused = |shards: &[PathBuf], more: &[&str], code: i32, what: &str| {
        let output = merge(shards, more);
        let error = told(&output);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(what), "{error}");
        assert!(output.stdout.is_empty());
    };
    let there = shards[0].to_str().unwrap().to_owned();
    refused(
        &shards,
        &["--output", &there],
        64,
        "exists; name another file",
    );
    refused(
        &shards,
        &["--fleet", "fixtures/fleet/fleet.csv"],
        65,
        "with other devices",
    );
    let twice = [&shards[..], &shards[..1]].concat();
    refused(&twice, &[], 65, "both hold shard 2/3");
    refused(
        std::slice::from_ref(&fleet),
        &[],
        65,
        "is no record of an audit",
    );
    refused(&[folder.path().join("none")], &[], 66, "cannot read");
    let lock = fs::File::open(&shards[1]).unwrap();
    lock.lock().unwrap();
    refused(&shards, &[], 64, "an audit still writes to it");
    drop(lock);
    shards[2] = folder.path().join("strict.jsonl");
    shard(&fleet, "0/3", &shards[2], &["--strict"]);
    refused(&shards, &[], 65, "with other options");
    fs::remove_file(&shards[2]).unwrap();
    let path = shards[2].to_str().unwrap();
    let args = [
        fleet.to_str().unwrap(),
        "--now",
        "2026-11-23T00:00:00Z",
        "--shard",
        "0/3",
        "--output",
        path,
    ];
    audit(&[&args[..], &TRUST, &SMALL].concat());
    refused(&shards, &[], 65, "with other times (--now)");
}

#[test]
fn a_fleet_that_is_called_merge_can_be_audited() {
    let folder = tempfile::tempdir().unwrap();
    let dumps = folder.path().join("merge");
    fs::create_dir(&dumps).unwrap();
    fs::write(dumps.join("a.bin"), b"no firmware at all\n").unwrap();
    let output = audit(&[dumps.to_str().unwrap(), "--now", NOW]);
    assert_eq!(output.status.code(), Some(8));
    // And what is neither is told.
    let output = merge(&[], &[]);
    assert_eq!(output.status.code(), Some(64));
    let output = merge(&[dumps.join("a.bin")], &["--strict"]);
    assert_eq!(output.status.code(), Some(64));
}
