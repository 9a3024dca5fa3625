//! The page of a fleet, and its log for other tools.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use vitalsign::report::verify::render::ReportFormat;

use super::audit;
use crate::exchange::official;
use crate::page::{is_closed_but_for, is_closed_in_itself};
use crate::samples::repository;
use crate::schemas::{holds, schema};

/// A file of results: the committed one, with other records.
struct Results {
    _folder: TempDir,
    path: PathBuf,
}

impl Results {
    fn of(records: &[Value]) -> Self {
        let stored = fs::read_to_string(repository().join("fixtures/fleet/results.jsonl")).unwrap();
        let mut first: Value = serde_json::from_str(stored.lines().next().unwrap()).unwrap();
        first["devices"] = json!(records.len());
        first["in_order"] = json!(false);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.jsonl");
        let lines = std::iter::once(&first).chain(records);
        let lines: Vec<String> = lines.map(|line| format!("{line}\n")).collect();
        fs::write(&path, lines.concat()).unwrap();
        Self {
            _folder: folder,
            path,
        }
    }

    fn shown(&self, format: &str, more: &[&str]) -> String {
        let path = self.path.to_str().unwrap();
        let output = audit(&[&["--summary", path, "--format", format], more].concat());
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

fn records() -> Vec<Value> {
    let stored = fs::read_to_string(repository().join("fixtures/fleet/results.jsonl")).unwrap();
    let lines = stored.lines().skip(1);
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// So many devices of the committed kinds, each with a name of its own.
fn many(count: usize) -> Vec<Value> {
    let kinds = records();
    let device = |position: usize| {
        let mut record = kinds[position % kinds.len()].clone();
        record["position"] = json!(position);
        record["device"]["image"] = json!(format!("dumps/{position:06}.bin"));
        record["device"]["asset"] = json!(format!("ASSET-{position:06}"));
        record
    };
    (0..count).map(device).collect()
}

#[test]
fn the_page_says_what_the_summary_says() {
    let results = Results::of(&records());
    let told: Value = serde_json::from_str(&results.shown("json", &[])).unwrap();
    holds(&schema("fleet"), &told, "a summary");
    let html = results.shown("html", &[]);
    is_closed_in_itself(&html);
    let count = |answer: &str| told["integrity"][answer].as_u64().unwrap_or(0);
    let (differ, all) = (count("differ"), told["devices"].as_u64().unwrap());
    assert!(differ > 0);
    assert!(
        html.contains(&format!(">{differ} of {all} differ<")),
        "{html}"
    );
    assert!(html.contains(&format!("{} with known risk", told["risk"]["known-risk"])));
    for unit in told["worst"].as_array().unwrap() {
        assert!(html.contains(unit["name"].as_str().unwrap()), "{unit}");
    }
    // A row of a matrix for each way to be, which together are all devices that were judged.
    let rows = told["matrices"].as_array().unwrap().iter();
    let rows: Vec<&Value> = rows.flat_map(|it| it["rows"].as_array().unwrap()).collect();
    let judged: u64 = told["integrity"]
        .as_object()
        .unwrap()
        .values()
        .map(|it| it.as_u64().unwrap())
        .sum();
    assert_eq!(
        rows.iter()
            .map(|row| row["count"].as_u64().unwrap())
            .sum::<u64>(),
        judged
    );
}

#[test]
fn devices_with_a_report_are_linked_to_their_pages_and_to_nothing_else() {
    let mut all = records();
    for record in &mut all {
        record["report"] = json!("ward-3.0123456789abcdef.json");
    }
    all[1]["report"] = json!("javascript:alert(1)//.json");
    all[2]["report"] = json!("../../etc/passwd.json");
    let results = Results::of(&all);
    is_closed_in_itself(&results.shown("html", &[]));
    let html = results.shown("html", &["--pages", "2026 11/pages"]);
    is_closed_but_for(&html, &["./2026%2011/pages/ward-3.0123456789abcdef.html\""]);
    assert!(html.contains("./2026%2011/pages/ward-3.0123456789abcdef.html"));
    let html = results.shown("html", &["--pages", "javascript:alert(1)"]);
    is_closed_but_for(&html, &["./javascript%3Aalert%281%29/"]);
}

#[test]
fn hostile_names_stay_names() {
    let hostile = "\"'><script>alert(1)</script><svg onload=alert(1)>&](http://x)";
    let mut all = records();
    for record in &mut all {
        let position = record["position"].clone();
        record["device"]["asset"] = json!(format!("{hostile}{position}"));
        record["device"]["model"] = json!(hostile);
        record["device"]["image"] = json!(format!("{hostile} {position}.bin"));
        for part in record["parts"].as_array_mut().into_iter().flatten() {
            part["place"] = json!(hostile);
        }
        for program in record["programs"].as_array_mut().into_iter().flatten() {
            program["path"] = json!(hostile);
        }
        if record["version"].is_object() {
            record["version"]["claimed"] = json!(hostile);
        }
    }
    let results = Results::of(&all);
    is_closed_in_itself(&results.shown("html", &[]));
    let log: Value = serde_json::from_str(&results.shown("sarif", &[])).unwrap();
    let official = official(ReportFormat::Sarif);
    holds(&official, &log, "a log");
    for result in log["runs"][0]["results"].as_array().unwrap() {
        let text = result["message"]["text"].as_str().unwrap();
        assert!(!text.replace("\\]", "").contains("]("), "{text}");
    }
}

#[test]
fn the_log_holds_a_result_for_each_device_that_is_not_verified() {
    let results = Results::of(&records());
    let told: Value = serde_json::from_str(&results.shown("json", &[])).unwrap();
    let log: Value = serde_json::from_str(&results.shown("sarif", &[])).unwrap();
    holds(&official(ReportFormat::Sarif), &log, "a log");
    let all = log["runs"][0]["results"].as_array().unwrap();
    let of_rules = |rules: &[&str]| {
        let is_of = |result: &&Value| rules.contains(&result["ruleId"].as_str().unwrap());
        all.iter().filter(is_of).count()
    };
    let devices = [
        "fleet-differs",
        "fleet-known-risk",
        "fleet-unverified",
        "fleet-not-judged",
    ];
    let length = |name: &str| told[name].as_array().unwrap().len();
    assert_eq!(of_rules(&devices), length("worst"));
    assert_eq!(of_rules(&["fleet-other-version"]), length("versions"));
    assert_eq!(of_rules(&["fleet-outlier"]), length("outliers"));
    assert_eq!(of_rules(&["fleet-unknown-program"]), length("programs"));
    let mut prints: Vec<String> = all
        .iter()
        .map(|it| it["partialFingerprints"].to_string())
        .collect();
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), all.len(), "two results have one fingerprint");
}

#[test]
fn four_thousand_devices_are_a_page_that_opens() {
    let results = Results::of(&many(4000));
    let start = Instant::now();
    let html = results.shown("html", &[]);
    assert!(start.elapsed() < Duration::from_secs(30));
    is_closed_in_itself(&html);
    assert!(html.len() < 2_000_000, "{}", html.len());
    assert!(html.contains("more; --format csv has them all"));
}
