//! One fleet on several machines: every device in one shard, and nothing of another one's.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use tempfile::TempDir;

use super::{NOW, SMALL, TRUST, audit, judge, lines, records};
use crate::samples::repository;
use crate::schemas::{holds, schema};

/// Images that are as their baseline states, changed ones, and one that cannot be read.
pub(super) fn fleet() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read(repository().join("tests/cmd/given/image.bin")).unwrap();
    let mut inventory = "image,asset\n".to_owned();
    for number in 0..13_u8 {
        let name = format!("{number:02}.bin");
        let mut image = good.clone();
        image[0] ^= number % 3;
        if number != 8 {
            fs::write(folder.path().join(&name), image).unwrap();
        }
        writeln!(inventory, "{name},W{number}").unwrap();
    }
    let path = folder.path().join("fleet.csv");
    fs::write(&path, inventory).unwrap();
    (folder, path)
}

pub(super) fn shard(fleet: &Path, of: &str, to: &Path, more: &[&str]) -> Output {
    let to = ["--shard", of, "--output", to.to_str().unwrap()];
    judge(fleet, &[&SMALL[..], &to, more].concat())
}

#[test]
fn every_device_is_done_by_one_shard() {
    let (folder, fleet) = fleet();
    let whole = judge(&fleet, &[&SMALL[..], &["--in-order"]].concat());
    let whole = lines(&whole.stdout);
    let schema = schema("audit");
    for of in [1_usize, 3, 20] {
        let mut done = Vec::new();
        for index in 0..of {
            let results = folder.path().join(format!("{index}-{of}.jsonl"));
            let output = shard(&fleet, &format!("{index}/{of}"), &results, &[]);
            let text = fs::read(&results).unwrap();
            let mut found = lines(&text);
            holds(&schema, &found[0], "a first line");
            let held = found.len() - 1;
            let row = json!({ "index": index, "of": of, "devices": held });
            assert_eq!(found[0]["shard"], row);
            let mut first = found.remove(0);
            first.as_object_mut().unwrap().remove("shard");
            first["in_order"] = json!(true);
            assert_eq!(first, whole[0]);
            let bits = found.iter().fold(0, |bits, record| {
                let code = record["exit_code"].as_u64().unwrap();
                bits | if code < 64 { code } else { 8 }
            });
            if found.is_empty() || bits != 8 {
                assert_eq!(output.status.code(), Some(i32::try_from(bits).unwrap()));
            }
            let summary = audit(&["--summary", results.to_str().unwrap()]);
            assert_eq!(summary.status.code(), output.status.code());
            let told = String::from_utf8_lossy(&summary.stdout);
            let shard = format!("Shard       {index}/{of} of a fleet of 13");
            assert!(told.contains(&shard), "{told}");
            done.extend(found);
        }
        done.sort_by_key(|record| record["position"].as_u64());
        assert_eq!(done, whole[1..], "{of}");
    }
}

#[test]
fn a_shard_goes_on_with_its_own_results_alone() {
    let (folder, fleet) = fleet();
    let results = folder.path().join("results.jsonl");
    shard(&fleet, "1/3", &results, &["--in-order"]);
    let whole = fs::read(&results).unwrap();
    assert!(lines(&whole).len() > 2);
    for (other, told) in [
        ("2/3", "it holds shard 1/3, and this is shard 2/3"),
        ("1/4", "it holds shard 1/3, and this is shard 1/4"),
    ] {
        let output = shard(&fleet, other, &results, &["--in-order", "--resume"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(65), "{error}");
        assert!(error.contains(told), "{error}");
    }
    let path = results.to_str().unwrap();
    let all = [&SMALL[..], &["--in-order", "--resume", "--output", path]].concat();
    let output = judge(&fleet, &all);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("it holds shard 1/3, and this is a whole fleet"),
        "{error}"
    );
    assert_eq!(fs::read(&results).unwrap(), whole);
    // Cut anywhere, it comes to the same end.
    for cut in (0..whole.len()).step_by(211) {
        fs::write(&results, &whole[..cut]).unwrap();
        let output = shard(&fleet, "1/3", &results, &["--in-order", "--resume"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().unwrap() < 64, "{cut}: {error}");
        assert_eq!(fs::read(&results).unwrap(), whole, "{cut}");
    }
}

#[test]
fn an_engine_is_asked_where_the_command_says_so() {
    let (folder, fleet) = fleet();
    let run = |asked: &[&str], set: &[(&str, &str)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
            .current_dir(repository())
            .args(["audit", fleet.to_str().unwrap(), "--now", NOW])
            .args(TRUST)
            .args(SMALL)
            .args(asked)
            .envs(set.iter().copied())
            .output()
            .unwrap();
        (
            output.stdout,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let task = [("JOB_COMPLETION_INDEX", "2")];
    let (stdout, told) = run(&[], &task);
    assert!(
        told.contains("without --shard it does the whole fleet"),
        "{told}"
    );
    assert_eq!(records(&stdout).len(), 13);
    let (stdout, _) = run(&["--shard", "auto/3", "--in-order"], &task);
    let results = folder.path().join("2.jsonl");
    shard(&fleet, "2/3", &results, &["--in-order"]);
    assert_eq!(stdout, fs::read(&results).unwrap());
    let (stdout, told) = run(&["--shard", "auto/3"], &[]);
    assert!(
        stdout.is_empty() && told.contains("nothing numbers this task"),
        "{told}"
    );
    let names = |stdout: &[u8]| -> BTreeSet<String> {
        records(stdout).into_iter().map(|(name, _)| name).collect()
    };
    let batch = [
        ("AWS_BATCH_JOB_ARRAY_INDEX", "2"),
        ("AWS_BATCH_JOB_ARRAY_SIZE", "3"),
    ];
    let (of_batch, _) = run(&["--shard", "auto"], &batch);
    assert_eq!(names(&of_batch), names(&fs::read(&results).unwrap()));
}

#[test]
fn the_time_of_all_shards_is_stated() {
    let (_folder, fleet) = fleet();
    let output = audit(&[fleet.to_str().unwrap(), "--shard", "0/2"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{told}");
    assert!(told.contains("--now"), "{told}");
}
