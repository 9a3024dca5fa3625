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

fn to(results: &Path) -> [&str; 3] {
    ["--in-order", "--output", results.to_str().unwrap()]
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
        &["--resume", "--baseline", "tests/cmd/given/several.toml"],
        65,
        "with other baselines",
    );
    refused(&["--resume"], 65, "with other");
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
fn without_a_baseline_units_are_compared_with_each_other() {
    let fleet = Fleet::new();
    for file in [
        "g-tail.bin",
        "h-empty.bin",
        "i-text.bin",
        "j-update.tar.gz",
        "k-half.bin",
    ] {
        fs::remove_file(fleet.path(file)).unwrap();
    }
    fs::remove_file(fleet.path("f-tampered.bin")).unwrap();
    let results = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    fs::remove_file(&results).unwrap();
    let path = results.to_str().unwrap();
    let fleet_path = fleet.0.path().to_str().unwrap();
    let output = audit(&[fleet_path, "--now", NOW, "--output", path]);
    assert_eq!(output.status.code(), Some(8 | 16));
    let summary = audit(&["--summary", path, "--format", "json"]);
    assert_eq!(summary.status.code(), Some(8 | 16));
    let told: Value = serde_json::from_slice(&summary.stdout).unwrap();
    holds(&schema("fleet"), &told, "a summary");
    let outliers = told["outliers"].as_array().unwrap();
    assert!(!outliers.is_empty());
    for row in outliers {
        assert_eq!(row["image"], "e-tampered.bin", "{row}");
    }
    assert!(outliers.iter().any(|row| row["content"] == "programs"));
    assert_eq!(told["images"][0]["count"], 4);
    assert_eq!(told["worst"][0]["image"], "e-tampered.bin");
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

#[test]
fn the_results_that_are_shown_are_those_of_today() {
    let folder = repository().join("fixtures/fleet");
    let output = judge(
        &folder.join("fleet.csv"),
        &[&DEMO[..], &["--in-order"]].concat(),
    );
    let stored = fs::read(folder.join("results.jsonl")).unwrap();
    assert_eq!(output.stdout, stored, "fixtures/fleet/make makes them anew");
    let schema = schema("audit");
    for line in lines(&stored) {
        holds(&schema, &line, "a line");
        for (pointer, value) in [
            ("/surplus", json!(1)),
            ("/schema", json!("vitalsign.audit/2")),
            ("/kind", json!("row")),
        ] {
            let mut poked = line.clone();
            poked[&pointer[1..]] = value;
            assert!(!schema.is_valid(&poked), "{pointer}");
        }
    }
}

#[test]
fn a_host_key_on_two_units_is_told() {
    // ssh-keygen -lf fixtures/trust/openssh.pub | cut -d' ' -f2 | cut -d: -f2 | base64 -d | xxd -p -c 32
    const OF_OPENSSH: &str = "e47604222a35f12528a899119e03c226e9f64203732d380909f28ec4f97aec21";
    let folder = tempfile::tempdir().unwrap();
    let key = fs::read_to_string(repository().join("fixtures/trust/openssh.pub")).unwrap();
    for (unit, comment) in [("1", "root@one"), ("2", "root@two"), ("3", "root@three")] {
        let root = folder.path().join(unit);
        fs::create_dir_all(root.join("etc/ssh")).unwrap();
        fs::create_dir(root.join("bin")).unwrap();
        let fields: Vec<&str> = key.split(' ').collect();
        let blob = if unit == "3" {
            "c29tZXRoaW5nIGVsc2U="
        } else {
            fields[1]
        };
        let text = format!("{} {blob} {comment}\n", fields[0]);
        fs::write(root.join("etc/ssh/ssh_host_ed25519_key.pub"), text).unwrap();
    }
    let written = tempfile::tempdir().unwrap();
    let results = written.path().join("results.jsonl");
    let path = results.to_str().unwrap();
    let output = audit(&[
        folder.path().to_str().unwrap(),
        "--now",
        NOW,
        "--output",
        path,
    ]);
    assert_eq!(
        output.status.code(),
        Some(8),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let summary = audit(&["--summary", path, "--format", "json"]);
    let told: Value = serde_json::from_slice(&summary.stdout).unwrap();
    let shared = json!([{ "what": "ssh-host-key", "fingerprint": OF_OPENSSH, "count": 2, "units": ["1", "2"] }]);
    assert_eq!(told["keys"], shared);
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
    let is_begun =
        || fs::read(&results).is_ok_and(|text| text.iter().filter(|it| **it == b'\n').count() > 2);
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
fn what_is_different_since_an_earlier_audit_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let demo = repository().join("fixtures/demo");
    let place = |from: &str, to: &str| {
        fs::copy(demo.join(from), folder.path().join(to)).unwrap();
    };
    place("vsm9000-4.2.1.bin", "1.bin");
    place("vsm9000-4.2.1.bin", "2.bin");
    place("vsm9000-4.2.1.bin", "3.bin");
    let results = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| results.path().join(name));
    judge(folder.path(), &[&DEMO[..], &to(&old)].concat());
    place("vsm9000-4.2.1-tampered.bin", "1.bin");
    place("vsm9000-4.2.1-tampered.bin", "4.bin");
    fs::remove_file(folder.path().join("3.bin")).unwrap();
    judge(folder.path(), &[&DEMO[..], &to(&new)].concat());
    let [old, new] = [&old, &new].map(|path| path.to_str().unwrap());
    let output = audit(&["--summary", new, "--since", old, "--format", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    holds(&schema("fleet"), &told, "since");
    let since = &told["since"];
    assert_eq!(since["new"], json!(["4.bin"]));
    assert_eq!(since["gone"], json!(["3.bin"]));
    assert_eq!(since["same"], 1);
    assert_eq!(since["changed"][0]["name"], "1.bin");
    assert_eq!(since["changed"][0]["integrity"], json!(["match", "differ"]));
    assert_eq!(since["spread"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&since["spread"][0]["before"], &since["spread"][0]["now"]),
        (&json!(0), &json!(2))
    );
    let table = audit(&["--summary", new, "--format", "csv"]);
    let table = String::from_utf8(table.stdout).unwrap();
    let rows: Vec<&str> = table.split("\r\n").collect();
    assert_eq!(rows.len(), 5);
    assert!(
        rows[2].contains(",2.bin,") && rows[2].contains(",match,"),
        "{}",
        rows[2]
    );
}
