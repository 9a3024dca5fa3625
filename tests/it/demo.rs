//! The demo from end to end, by the exit code and the report: what its story says is what the program says.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use toml::Table;

use crate::samples::repository;
use crate::schemas::verify;

fn case() -> Vec<Table> {
    let text = std::fs::read_to_string(repository().join("fixtures/demo/case.toml")).unwrap();
    let case: Table = text.parse().unwrap();
    let images = case["image"].as_array().unwrap();
    images
        .iter()
        .map(|image| image.as_table().unwrap().clone())
        .collect()
}

/// The rows of a list of the story, as JSON, and what the report says under the same keys.
fn told<'a>(rows: &'a toml::Value, report: &'a Value) -> (Vec<Value>, Vec<Value>) {
    let rows: Vec<Value> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| serde_json::to_value(row).unwrap())
        .collect();
    (rows, report.as_array().unwrap().clone())
}

/// A row of a report under the keys that the story uses.
fn under_keys(row: &Value, keys: &Value) -> Value {
    let value = |key: &str| match key {
        "at" => row["found"]["at"].clone(),
        "len" => row["found"]["size"].clone(),
        "overwritten" => json!(row["current_mtime"]),
        key => row[key].clone(),
    };
    let keys = keys.as_object().unwrap().keys();
    keys.map(|key| (key.clone(), value(key))).collect()
}

fn seconds(row: &Value) -> Value {
    let mut row = row.clone();
    if let Some(time) = row.get_mut("overwritten") {
        let text = time
            .as_object()
            .and_then(|time| time.values().next())
            .unwrap_or(time)
            .as_str()
            .unwrap()
            .to_owned();
        let stamp: jiff::Timestamp = text.parse().unwrap();
        *time = json!(stamp.as_second());
    }
    row
}

fn compare(image: &Table, report: &Value) {
    let name = image["file"].as_str().unwrap();
    assert_eq!(
        report["image"]["sha256"],
        json!(image["sha256"].as_str().unwrap()),
        "{name}"
    );
    for list in ["changes", "history"] {
        let Some(rows) = image.get(list) else {
            continue;
        };
        let (expected, found) = told(rows, &report[list]);
        assert_eq!(expected.len(), found.len(), "{name}: {list}: {found:#?}");
        for (expected, found) in expected.iter().map(seconds).zip(&found) {
            assert_eq!(under_keys(found, &expected), expected, "{name}");
        }
    }
}

/// What a report says of changed programs that run when the device starts, as the story does.
fn starts(report: &Value) -> Vec<toml::Value> {
    let findings = report["findings"].as_array().unwrap();
    let starts = findings
        .iter()
        .filter(|finding| finding["code"] == "start-program-changed");
    let row = |finding: &Value| {
        let place = finding["place"].as_str().unwrap();
        let path = place.rsplit(':').next().unwrap().to_owned();
        let evidence = finding["evidence"][1].as_str().unwrap();
        let by = evidence
            .strip_prefix("it runs when the device starts: ")
            .unwrap()
            .to_owned();
        let row = [("path", path), ("by", by)];
        let row = row.map(|(key, value)| (key.to_owned(), toml::Value::String(value)));
        toml::Value::Table(row.into_iter().collect())
    };
    starts.map(row).collect()
}

#[test]
fn the_released_image_and_the_tampered_twin() {
    let images = case();
    for (image, integrity, exit_code) in [
        (&images[0], "match", 0),
        (&images[1], "differ", 1 + 4 + 8 + 16),
    ] {
        let (report, code) = verify(image["file"].as_str().unwrap());
        assert_eq!(
            report["verdict"],
            json!({ "integrity": integrity, "risk": image["risk"].as_str().unwrap(), "exit_code": exit_code })
        );
        assert_eq!(starts(&report), image["starts"].as_array().unwrap().clone());
        assert_eq!(code, exit_code);
        compare(image, &report);
        let checked = report["checked"].as_array().unwrap();
        let names: Vec<_> = checked
            .iter()
            .map(|row| row["component"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["env", "env-2", "rootfs", "data", "boot", "kernel"]);
    }
}

#[test]
fn the_update_package_holds_the_same_release() {
    let images = case();
    let (report, code) = verify(images[2]["file"].as_str().unwrap());
    assert_eq!(code, 2 + 8);
    assert_eq!(
        report["image"]["sha256"],
        json!(images[2]["sha256"].as_str().unwrap())
    );
    let changes = report["changes"].as_array().unwrap();
    let told: Vec<_> = changes
        .iter()
        .map(|change| {
            (
                change["kind"].as_str().unwrap(),
                change["component"].as_str(),
                change["path"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("removed", Some("env"), None),
            ("removed", Some("env-2"), None),
            ("uncovered", None, Some("/vsm9000-4.2.1/md5sums")),
            ("uncovered", None, Some("/vsm9000-4.2.1/update.sh")),
        ]
    );
    for row in report["checked"].as_array().unwrap() {
        assert_eq!(row["compared"], row["matched"], "{row}");
    }
    assert_eq!(report["checked"].as_array().unwrap().len(), 4);
}

/// A digest or a place is one word, which no line breaks.
fn is_unbreakable(line: &str) -> bool {
    line.split(' ')
        .any(|word| word.len() >= 64 || word.contains("@0x"))
}

#[test]
fn the_report_for_people_fits_a_terminal_and_answers_first() {
    for file in [
        "vsm9000-4.2.1.bin",
        "vsm9000-4.2.1-tampered.bin",
        "vsm9000-4.2.1-update.tar.gz",
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_vitalsign"))
            .current_dir(repository())
            .args([
                "verify",
                &format!("fixtures/demo/{file}"),
                "--now",
                "2026-11-22T00:00:00Z",
            ])
            .args(["--baseline", "baselines/example-medical-vsm9000-4.2.1.toml"])
            .args(["--trust-key", "baselines/demo-TEST-KEY.pub"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (line, start) in lines.iter().zip([
            "INTEGRITY ",
            "KNOWN RISK ",
            "Baseline    example-medical VSM-9000 4.2.1, ",
        ]) {
            assert!(line.starts_with(start), "{line}");
        }
        assert!(
            lines[2].contains("example-medical VSM-9000 4.2.1"),
            "{}",
            lines[2]
        );
        for line in lines {
            assert!(line.chars().count() <= 80 || is_unbreakable(line), "{line}");
            assert_eq!(line, line.trim_end());
        }
        for word in ["safe", "malicious", "infected", "clean", "hacked"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}

#[test]
fn what_was_overwritten_can_be_taken_out() {
    let images = case();
    let output = tempfile::tempdir().unwrap();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(repository().join("fixtures/demo"))
        .args(["extract", images[1]["file"].as_str().unwrap(), "--history"])
        .arg("--output")
        .arg(output.path().join("files"))
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(8));
    let path = "files/jffs2@0x1a0000.history/opt/bin/monitor";
    let content = std::fs::read(output.path().join(path)).unwrap();
    let digest: [u8; 32] = Sha256::digest(&content).into();
    assert_eq!(
        vitalsign::digest::hex(&digest),
        images[1]["history"][0]["sha256"].as_str().unwrap()
    );
}
