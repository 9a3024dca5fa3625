//! Gone on with, interrupted, or known from before: the end is the same.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::{DEMO, Fleet, NOW, SMALL, TRUST, judge, to};
use crate::samples::repository;

/// A fleet of small images, and the results of an audit that nothing disturbed.
fn small() -> (TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read(repository().join("tests/cmd/given/image.bin")).unwrap();
    let dumps = folder.path().join("dumps");
    fs::create_dir(&dumps).unwrap();
    for number in 0..4_u8 {
        let mut image = good.clone();
        image[0] ^= number / 2;
        fs::write(dumps.join(format!("{number}.bin")), image).unwrap();
    }
    let results = folder.path().join("results.jsonl");
    let output = judge(&dumps, &[&SMALL[..], &to(&results)].concat());
    assert_eq!(output.status.code(), Some(4));
    assert!(output.stdout.is_empty());
    let whole = fs::read(&results).unwrap();
    (folder, dumps, whole)
}

#[test]
fn wherever_it_was_cut_it_goes_on_to_the_same_end() {
    let (folder, dumps, whole) = small();
    let results = folder.path().join("cut.jsonl");
    let mut cuts: Vec<usize> = (0..whole.len()).step_by(101).collect();
    let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    for (end, _) in ends {
        cuts.extend([end, end + 1]);
    }
    for cut in cuts {
        fs::write(&results, &whole[..cut]).unwrap();
        let output = judge(&dumps, &[&SMALL[..], &to(&results), &["--resume"]].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{cut}: {told}");
        assert_eq!(fs::read(&results).unwrap(), whole, "{cut}");
    }
}

#[test]
fn results_of_another_audit_are_left_alone() {
    let (folder, dumps, whole) = small();
    let results = folder.path().join("results.jsonl");
    let refused = |args: &[&str], code: i32, told: &str| {
        let output = judge(&dumps, &[args, &to(&results)].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(told), "{error}");
        assert_eq!(fs::read(&results).unwrap(), whole);
    };
    refused(&SMALL, 64, "exists; name another file");
    let resume = [&SMALL[..], &["--resume"]].concat();
    refused(
        &[&resume[..], &["--strict"]].concat(),
        65,
        "with other options",
    );
    refused(
        &["--resume", "--baseline", "baselines"],
        65,
        "with other baselines",
    );
    refused(&["--resume"], 65, "with other baselines");
    fs::write(dumps.join("9.bin"), b"one more").unwrap();
    refused(&resume, 65, "with other devices");
    fs::remove_file(dumps.join("9.bin")).unwrap();
    let middle = whole.iter().position(|&byte| byte == b'\n').unwrap() + 40;
    let mut broken = whole.clone();
    broken[middle] = b'\0';
    fs::write(&results, &broken).unwrap();
    let output = judge(&dumps, &[&resume[..], &to(&results)].concat());
    assert_eq!(output.status.code(), Some(65));
    assert_eq!(fs::read(&results).unwrap(), broken);
}

#[test]
fn an_interrupt_keeps_what_is_done() {
    let fleet = Fleet::new();
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results.jsonl");
    let whole = judge(fleet.0.path(), &[&DEMO[..], &["--in-order"]].concat());
    let args = [&DEMO[..], &to(&results), &["--jobs", "1"]].concat();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(repository())
        .args(["audit", fleet.0.path().to_str().unwrap(), "--now", NOW])
        .args(TRUST)
        .args(&args)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let is_begun = || fs::read_to_string(&results).is_ok_and(|text| text.lines().count() > 2);
    while !is_begun() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let child_id = child.id().to_string();
    let kill = Command::new("kill").args(["-INT", &child_id]).status();
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("INCOMPLETE: interrupted"), "{told}");
    assert_eq!(output.status.code().unwrap() & 8, 8);
    assert!(fs::read(&results).unwrap().len() < whole.stdout.len());
    let resumed = judge(fleet.0.path(), &[&args[..], &["--resume"]].concat());
    assert_eq!(resumed.status.code(), whole.status.code());
    assert_eq!(fs::read(&results).unwrap(), whole.stdout);
}

#[test]
fn a_cache_never_changes_what_is_said() {
    let (folder, dumps, whole) = small();
    let cache = folder.path().join("cache");
    let results = folder.path().join("cached.jsonl");
    let run = || {
        let _ = fs::remove_file(&results);
        let args = [
            &SMALL[..],
            &to(&results),
            &["--cache", cache.to_str().unwrap()],
        ];
        let output = judge(&dumps, &args.concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{told}");
        assert_eq!(fs::read(&results).unwrap(), whole);
    };
    run();
    run();
    let stored = fs::read(&cache).unwrap();
    // Four devices have two images.
    let rows = redb::Database::open(&cache).unwrap();
    let table: redb::TableDefinition<'_, &[u8], &[u8]> =
        redb::TableDefinition::new("vitalsign results 1");
    let reading = redb::ReadableDatabase::begin_read(&rows).unwrap();
    let table = reading.open_table(table).unwrap();
    assert_eq!(redb::ReadableTableMetadata::len(&table).unwrap(), 2);
    drop((table, reading, rows));
    let used = stored.iter().rposition(|&byte| byte != 0).unwrap();
    for at in (0..=used)
        .step_by(used / 24 + 1)
        .chain([1, 9, 64, 128, 192])
    {
        let mut bent = stored.clone();
        bent[at] ^= 0x10;
        fs::write(&cache, &bent).unwrap();
        run();
    }
    for len in [0, 1, 4096, stored.len() / 2, stored.len() - 1] {
        fs::write(&cache, &stored[..len]).unwrap();
        run();
    }
}
