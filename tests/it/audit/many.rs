//! What only a fleet shows.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{DEMO, Fleet, NOW, audit, judge, lines, to};
use crate::samples::repository;
use crate::schemas::{holds, schema};

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

#[test]
fn the_results_that_are_shown_are_those_of_today() {
    let output = judge(
        Path::new("fixtures/fleet/fleet.csv"),
        &[&DEMO[..], &["--in-order"]].concat(),
    );
    let stored = fs::read(repository().join("fixtures/fleet/results.jsonl")).unwrap();
    assert_eq!(output.stdout, stored, "fixtures/fleet/make makes them anew");
    let schema = schema("audit");
    for line in lines(&stored) {
        holds(&schema, &line, "a line");
        for (name, value) in [
            ("surplus", json!(1)),
            ("schema", json!("vitalsign.audit/2")),
            ("kind", json!("row")),
        ] {
            let mut poked = line.clone();
            poked[name] = value;
            assert!(!schema.is_valid(&poked), "{name}");
        }
    }
}
