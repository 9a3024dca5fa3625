//! Stored reports: what is read back renders as the direct run did, and a hostile one does no harm.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use clap::ValueEnum;
use serde_json::{Value, json};
use vitalsign::report::verify::Report;
use vitalsign::report::verify::render::{Failed, Manner, ReportFormat};

use crate::samples::repository;
use crate::schemas::{holds, schema, verify};

const VERIFY: &[&str] = &[
    "--baseline",
    "baselines/example-medical-vsm9000-4.2.1.toml",
    "--trust-key",
    "baselines/demo-TEST-KEY.pub",
    "--now",
    "2026-11-22T00:00:00Z",
];
const TWIN: &str = "fixtures/demo/vsm9000-4.2.1-tampered.bin";

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(repository())
        .args(args)
        .output()
        .unwrap()
}

fn store(path: &Path, bytes: &[u8]) {
    File::create(path).unwrap().write_all(bytes).unwrap();
}

/// Holds the forms `named` of a direct run against those of its record; all forms where none are named.
fn forms_are_the_same(direct: &[&str], named: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("report.json");
    let json = run(&[direct, &["--format", "json"]].concat()).stdout;
    store(&stored, &json);
    let stored = stored.to_str().unwrap();
    assert!(json == run(&["report", stored, "--format", "json"]).stdout);
    for format in ReportFormat::value_variants() {
        let name = format.to_possible_value().unwrap();
        let name = name.get_name();
        if name == "json" || (!named.is_empty() && !named.contains(&name)) {
            continue;
        }
        let direct = run(&[direct, &["--format", name, "--verbose"]].concat());
        let again = run(&["report", stored, "--format", name, "--verbose"]);
        assert_eq!(again.status.code(), Some(0));
        assert!(!direct.stdout.is_empty());
        assert!(direct.stdout == again.stdout, "{name}");
    }
}

#[test]
fn a_stored_verification_renders_as_the_direct_run_did() {
    forms_are_the_same(&[&["verify", TWIN], VERIFY].concat(), &[]);
    let stale = [
        "--now",
        "2040-01-01T00:00:00Z",
        "--allow-stale",
        "a\u{1b}[2Jreason",
    ];
    let mut late = [&["verify", TWIN], &VERIFY[..4]].concat();
    late.extend(stale);
    forms_are_the_same(&late, &["terminal"]);
}

#[test]
fn a_stored_scan_renders_as_the_direct_run_did() {
    forms_are_the_same(
        &["scan", "fixtures/tree", "--now", "2026-11-22T00:00:00Z"],
        &[],
    );
}

#[test]
fn a_stored_difference_renders_as_the_direct_run_did() {
    let sound = "fixtures/demo/vsm9000-4.2.1.bin";
    forms_are_the_same(&["diff", sound, TWIN], &["terminal"]);
}

#[test]
fn the_areas_of_the_map_tile_the_image() {
    let (report, _) = verify("vsm9000-4.2.1-tampered.bin");
    let mut at = 0;
    for area in report["map"]["areas"].as_array().unwrap() {
        assert_eq!(area["at"].as_u64(), Some(at));
        at += area["len"].as_u64().unwrap();
    }
    assert_eq!(report["image"]["size"].as_u64(), Some(at));
}

fn render_all(report: &Report) {
    for format in ReportFormat::value_variants() {
        for verbose in [false, true] {
            let text = match format.render(report, Manner { verbose }) {
                Err(Failed::NoBill(_)) => continue,
                rendered => rendered.unwrap().replace("\r\n", "\n"),
            };
            let hidden = |char: char| {
                char != '\n' && (char.is_control() || "\u{202e}\u{200b}".contains(char))
            };
            assert!(!text.contains(hidden), "{format:?}");
        }
    }
}

/// Every value in a document, one after the other, by its JSON pointer.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate().take(1) {
                pointers(value, &format!("{at}/{index}"), all);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                pointers(value, &format!("{at}/{key}"), all);
            }
        }
        _ => {}
    }
}

#[test]
fn a_hostile_record_is_refused_or_rendered() {
    let (mut report, _) = verify("vsm9000-4.2.1-tampered.bin");
    for long in ["files", "packages"] {
        report[long].as_array_mut().unwrap().truncate(3);
    }
    let mut all = Vec::new();
    pointers(&report, "", &mut all);
    assert!(all.len() > 120, "{}", all.len());
    let values = [
        json!(u64::MAX),
        json!(1.5e300),
        json!("\u{1b}[2J\n\u{202e}<script>alert(1)</script>=1+1"),
        json!([]),
    ];
    let mut taken = 0;
    for pointer in &all {
        for value in &values {
            let mut report = report.clone();
            *report.pointer_mut(pointer).unwrap() = value.clone();
            let text = serde_json::to_vec(&report).unwrap();
            if let Ok(report) = Report::parse(&text) {
                taken += 1;
                render_all(&report);
            }
        }
    }
    assert!(taken > 50, "{taken}");
}

#[test]
fn a_record_that_is_cut_off_is_refused() {
    let (report, _) = verify("vsm9000-4.2.1-tampered.bin");
    let text = serde_json::to_vec(&report).unwrap();
    for len in (0..text.len()).step_by(97) {
        assert!(Report::parse(&text[..len]).is_err());
    }
    let deep = "[".repeat(100_000);
    assert!(Report::parse(deep.as_bytes()).is_err());
}

#[test]
fn what_is_no_record_is_malformed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.json");
    store(&file, br#"{"schema":"vitalsign.list/1"}"#);
    let output = run(&["report", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(65));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("its schema is vitalsign.list/1"), "{told}");
    let missing = run(&["report", "no-such-file"]);
    assert_eq!(missing.status.code(), Some(66));
}

#[test]
fn a_record_of_the_first_release_is_still_read() {
    let (mut report, _) = verify("vsm9000-4.2.1-tampered.bin");
    let fields = report.as_object_mut().unwrap();
    for later in [
        "tool", "command", "regions", "gaps", "map", "packages", "files",
    ] {
        fields.remove(later).unwrap();
    }
    let text = serde_json::to_vec(&report).unwrap();
    render_all(&Report::parse(&text).unwrap());
}

#[test]
fn two_records_tell_what_changed_since() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = ["old.json", "new.json"].map(|name| folder.path().join(name));
    for (path, image) in [
        (&old, "vsm9000-4.2.1.bin"),
        (&new, "vsm9000-4.2.1-tampered.bin"),
    ] {
        store(path, &serde_json::to_vec(&verify(image).0).unwrap());
    }
    let [old, new] = [old.to_str().unwrap(), new.to_str().unwrap()];
    let compare = |old, new, code| {
        let told = run(&["report", "--compare", old, new, "--format", "json"]);
        assert_eq!(told.status.code(), Some(code));
        let since: Value = serde_json::from_slice(&told.stdout).unwrap();
        holds(&schema("since"), &since, "since");
        since
    };
    let since = compare(old, new, 5);
    assert_eq!(since["changes"]["new"].as_array().unwrap().len(), 3);
    assert_eq!(since["changes"]["gone"], json!([]));
    let fresh = since["findings"]["new"].as_array().unwrap();
    assert!(
        fresh
            .iter()
            .any(|row| row["code"] == "remote-mount-overwrite")
    );
    assert_eq!(since["findings"]["same"], 1);
    assert_eq!(
        compare(new, old, 6)["changes"]["gone"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let same = compare(new, new, 0);
    assert_eq!(same["changes"]["same"], 3);
    let told = run(&["report", "--compare", old, new]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(
        text.starts_with("INTEGRITY   MATCH (no difference"),
        "{text}"
    );
    assert!(
        text.contains("\nCHANGES: 3 new, 0 gone, 0 as before\n"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    let refused = run(&["report", "--compare", old, new, "--format", "html"]);
    assert_eq!(refused.status.code(), Some(64));
}
