//! A fleet from end to end: one record a device, whatever its image is; and an audit that goes on where it was cut.

#![expect(
    clippy::disallowed_methods,
    reason = "what a test writes need not survive a crash"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::samples::repository;
use crate::schemas::{holds, schema};

mod again;
mod many;
mod merge;
mod page;
mod shards;

const NOW: &str = "2026-11-22T00:00:00Z";
const TRUST: [&str; 2] = ["--trust-key", "baselines/demo-TEST-KEY.pub"];
const SMALL: [&str; 2] = ["--baseline", "tests/cmd/given/good.toml"];
const DEMO: [&str; 2] = ["--baseline", "baselines"];

fn audit(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(repository())
        .args(["audit", "--quiet"])
        .args(args)
        .output()
        .unwrap()
}

/// An audit of a fleet at [`NOW`], trusting the demo's key.
fn judge(fleet: &Path, args: &[&str]) -> Output {
    let fleet = fleet.to_str().unwrap();
    audit(&[&[fleet, "--now", NOW], &TRUST[..], args].concat())
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|&byte| byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// The records, by the name of the image.
fn records(bytes: &[u8]) -> Vec<(String, Value)> {
    let all = lines(bytes);
    assert_eq!(all[0]["kind"], "audit", "{}", all[0]);
    let records = all.into_iter().skip(1);
    records
        .map(|record| {
            (
                record["device"]["image"].as_str().unwrap().to_owned(),
                record,
            )
        })
        .collect()
}

fn of<'r>(records: &'r [(String, Value)], image: &str) -> &'r Value {
    &records.iter().find(|(name, _)| name == image).unwrap().1
}

fn exit_codes(records: &[(String, Value)]) -> Vec<(&str, u64)> {
    let codes = records.iter();
    codes
        .map(|(name, record)| (name.as_str(), record["exit_code"].as_u64().unwrap()))
        .collect()
}

/// Where results go, in order.
fn to(results: &Path) -> [&str; 3] {
    ["--in-order", "--output", results.to_str().unwrap()]
}

/// Twelve units: of the demo, the release four times, changed ones, and what no dump should be.
struct Fleet(TempDir);

impl Fleet {
    fn new() -> Self {
        let fleet = Self(tempfile::tempdir().unwrap());
        let demo = repository().join("fixtures/demo");
        let good = fs::read(demo.join("vsm9000-4.2.1.bin")).unwrap();
        let tampered = fs::read(demo.join("vsm9000-4.2.1-tampered.bin")).unwrap();
        for name in ["a.bin", "b.bin", "c.bin", "d.bin"] {
            fleet.write(name, &good);
        }
        fleet.write("e-tampered.bin", &tampered);
        fleet.write("f-tampered.bin", &tampered);
        let mut tail = good.clone();
        *tail.last_mut().unwrap() ^= 1;
        fleet.write("g-tail.bin", &tail);
        fleet.write("h-empty.bin", b"");
        fleet.write("i-text.bin", b"no firmware at all\n");
        let update = demo.join("vsm9000-4.2.1-update.tar.gz");
        fs::copy(update, fleet.path("j-update.tar.gz")).unwrap();
        fleet.write("k-half.bin", &good[..good.len() / 2]);
        fleet
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }
}

#[test]
fn each_device_has_one_record_whatever_its_image_is() {
    let fleet = Fleet::new();
    let inventory = fleet.path("fleet.csv");
    fs::write(
        &inventory,
        "image,asset,model,version,with.spare\n\
         a.bin,W4-1,VSM-9000,4.2.1,\n\
         b.bin,W4-2,VSM-9000,4.1.0,\n\
         e-tampered.bin,W4-3,,,\n\
         f-tampered.bin,W4-4,VSM-1,,\n\
         missing.bin,W4-5,,,\n\
         h-empty.bin,W4-6,,,\n\
         i-text.bin,W4-7,,,\n\
         c.bin,W4-8,,,nowhere.bin\n",
    )
    .unwrap();
    let output = judge(&inventory, &[&DEMO[..], &["--in-order"]].concat());
    let schema = schema("audit");
    for line in lines(&output.stdout) {
        holds(&schema, &line, "a line");
    }
    let records = records(&output.stdout);
    assert_eq!(
        exit_codes(&records),
        [
            ("a.bin", 0),
            // The release, and not what the inventory states.
            ("b.bin", 32),
            ("e-tampered.bin", 29),
            // Of another model.
            ("f-tampered.bin", 68),
            ("missing.bin", 66),
            (
                "h-empty.bin",
                of(&records, "h-empty.bin")["exit_code"].as_u64().unwrap()
            ),
            ("i-text.bin", 8),
            ("c.bin", 66),
        ]
    );
    let empty = of(&records, "h-empty.bin")["exit_code"].as_i64().unwrap();
    let bits = [32, 29, 8, empty].iter().fold(0, |all, bits| all | bits);
    assert_eq!(i64::from(output.status.code().unwrap()), bits);
    let other = of(&records, "b.bin");
    assert_eq!(
        other["version"],
        json!({ "claimed": "4.1.0", "found": "4.2.1" })
    );
    assert_eq!(other["judged"]["integrity"], "match");
    let tampered = &of(&records, "e-tampered.bin")["judged"];
    assert_eq!(
        tampered["counts"]["changes"],
        json!({ "added": 1, "modified": 1, "uncovered": 1 })
    );
    let paths: Vec<&str> = tampered["programs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["/opt/bin/monitor", "/opt/etc/init.d/S99sync"]);
    for (name, record) in &records {
        assert!(record.to_string().len() < 8192, "{name}");
    }
}

#[test]
fn a_record_says_what_verify_says() {
    let fleet = Fleet::new();
    let reports = fleet.0.path().join("reports");
    let folder = fleet.0.path().join("dumps");
    fs::create_dir(&folder).unwrap();
    fs::rename(fleet.path("e-tampered.bin"), folder.join("one.bin")).unwrap();
    let args = [&DEMO[..], &["--reports", reports.to_str().unwrap()]].concat();
    let output = judge(&folder, &args);
    let records = records(&output.stdout);
    let record = of(&records, "one.bin");
    let image = folder.join("one.bin");
    let verify = ["verify", image.to_str().unwrap(), "--now", NOW];
    let (report, code) = crate::schemas::run(&[&verify[..], &DEMO, &TRUST].concat());
    assert_eq!(output.status.code(), Some(code));
    assert_eq!(record["exit_code"], json!(code));
    assert_eq!(
        record["judged"]["integrity"],
        report["verdict"]["integrity"]
    );
    assert_eq!(record["judged"]["image"], report["image"]);
    let file = reports.join(record["report"].as_str().unwrap());
    let stored: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(stored, report);
}

#[test]
fn the_order_is_that_of_the_inventory_where_it_is_asked_for() {
    let fleet = Fleet::new();
    let mut names: Vec<_> = fs::read_dir(fleet.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let one = judge(
        fleet.0.path(),
        &[&DEMO[..], &["--in-order", "--jobs", "1"]].concat(),
    );
    let many = judge(
        fleet.0.path(),
        &[&DEMO[..], &["--in-order", "--jobs", "8"]].concat(),
    );
    assert_eq!(one.stdout, many.stdout);
    assert_eq!(one.status.code(), many.status.code());
    let ordered: Vec<_> = records(&many.stdout)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(ordered, names);
    let any = judge(fleet.0.path(), &[&DEMO[..], &["--jobs", "8"]].concat());
    let mut sorted = lines(&any.stdout);
    sorted[1..].sort_by_key(|record| record["position"].as_u64());
    assert_eq!(sorted[1..], lines(&one.stdout)[1..]);
}

#[test]
fn where_none_can_be_judged_there_is_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = folder.path().join("fleet.toml");
    let text = "[[device]]\nimage = \"1.bin\"\n[[device]]\nimage = \"2.bin\"\n[[device]]\nimage = \"3.bin\"\n";
    fs::write(&inventory, text).unwrap();
    let output = judge(&inventory, &SMALL);
    assert_eq!(output.status.code(), Some(66));
    let stopped = judge(
        &inventory,
        &[&SMALL[..], &["--max-failures", "1", "--jobs", "1"]].concat(),
    );
    assert_eq!(stopped.status.code(), Some(8));
    assert!(lines(&stopped.stdout).len() < 4);
}

#[test]
fn a_baseline_that_cannot_be_used_is_told_of_its_devices_alone() {
    let folder = tempfile::tempdir().unwrap();
    let given = repository().join("tests/cmd/given");
    for file in [
        "image.bin",
        "good.toml",
        "good.toml.minisig",
        "unsigned.toml",
    ] {
        fs::copy(given.join(file), folder.path().join(file)).unwrap();
    }
    fs::copy(given.join("image.bin"), folder.path().join("other.bin")).unwrap();
    let inventory = folder.path().join("fleet.csv");
    let text = "image,baseline\nimage.bin,good.toml\nother.bin,unsigned.toml\n";
    fs::write(&inventory, text).unwrap();
    let output = judge(&inventory, &["--in-order"]);
    let records = records(&output.stdout);
    assert_eq!(exit_codes(&records), [("image.bin", 0), ("other.bin", 67)]);
    assert_eq!(output.status.code(), Some(8));
    let nobody = audit(&[inventory.to_str().unwrap()]);
    assert_eq!(nobody.status.code(), Some(64));
}

#[test]
fn a_list_on_standard_input_is_a_fleet() {
    let image = repository().join("tests/cmd/given/image.bin");
    let mut child = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(repository())
        .args(["audit", "-", "--quiet", "--now", NOW])
        .args(TRUST)
        .args(SMALL)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let list = format!("{}\nhttps.bin\n", image.display());
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), list.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(8));
    let records = records(&output.stdout);
    assert_eq!(records.len(), 2);
    assert_eq!(of(&records, "https.bin")["error"]["code"], 66);
}
