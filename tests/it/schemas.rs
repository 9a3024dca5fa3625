//! Real output against the schemas that are shipped, and what the schemas must refuse.

use std::path::Path;
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Value, json};
use vitalsign::report::formats;
use vitalsign::report::list::List;

use crate::samples::{self, repository};

pub(crate) fn schema(name: &str) -> Validator {
    let path = repository().join(format!("docs/schemas/vitalsign.{name}-1.json"));
    let text = std::fs::read_to_string(&path).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    jsonschema::draft202012::new(&schema).unwrap()
}

#[track_caller]
pub(crate) fn holds(schema: &Validator, document: &Value, what: &str) {
    let errors: Vec<String> = schema
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}");
}

/// What the program writes as JSON, and its exit code.
pub(crate) fn run(args: &[&str]) -> (Value, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_vitalsign"))
        .current_dir(repository())
        .args(args)
        .args(["--format", "json"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{args:?}: {error}: {told}"));
    (document, output.status.code().unwrap())
}

/// The report of an image of the demo against the demo's baseline.
pub(crate) fn verify(image: &str) -> (Value, i32) {
    let image = format!("fixtures/demo/{image}");
    run(&[
        "verify",
        &image,
        "--baseline",
        "baselines/example-medical-vsm9000-4.2.1.toml",
        "--trust-key",
        "baselines/demo-TEST-KEY.pub",
        "--now",
        "2026-11-22T00:00:00Z",
    ])
}

const DEMO: [&str; 3] = [
    "vsm9000-4.2.1.bin",
    "vsm9000-4.2.1-tampered.bin",
    "vsm9000-4.2.1-update.tar.gz",
];

fn list(image: &Path) -> Value {
    serde_json::to_value(List::new(&samples::unpack_file(image))).unwrap()
}

#[test]
fn lists_of_all_fixtures_hold() {
    let schema = schema("list");
    for image in samples::images() {
        holds(&schema, &list(&image), &image.display().to_string());
    }
    holds(
        &schema,
        &list(&repository().join("fixtures/tree")),
        "a directory",
    );
    let (beside, _) = run(&[
        "list",
        "fixtures/squashfs/gzip.img",
        "--with",
        "boot0=fixtures/cramfs/little.img",
        "--second-read",
        "fixtures/squashfs/lzo.img",
    ]);
    holds(&schema, &beside, "files beside an image");
    assert_eq!(beside["image"]["with"][0]["name"], "boot0");
    let (cut, _) = run(&[
        "list",
        "fixtures/demo/vsm9000-4.2.1.bin",
        "--max-depth",
        "0",
    ]);
    holds(&schema, &cut, "a spent budget");
}

#[test]
fn reports_hold() {
    let schema = schema("report");
    for image in DEMO {
        holds(&schema, &verify(image).0, image);
    }
    let demo = DEMO.map(|image| format!("fixtures/demo/{image}"));
    for [expected, found] in [[0, 1], [1, 0], [0, 2], [2, 0]] {
        let (report, _) = run(&["diff", &demo[expected], &demo[found]]);
        holds(&schema, &report, "diff");
        assert!(report.get("baseline").is_none());
    }
    // Every field of an entry differs somewhere between these.
    let images: Vec<_> = samples::images()
        .into_iter()
        .filter(|image| {
            ["cpio", "squashfs"]
                .iter()
                .any(|kind| image.parent().unwrap().ends_with(kind))
        })
        .map(|image| image.display().to_string())
        .collect();
    for pair in images.windows(2) {
        let (report, _) = run(&["diff", &pair[0], &pair[1]]);
        holds(&schema, &report, &format!("diff {pair:?}"));
    }
}

#[test]
fn scans_rules_and_explanations_hold() {
    let report = schema("report");
    for image in DEMO {
        let (scan, _) = run(&["scan", &format!("fixtures/demo/{image}")]);
        holds(&report, &scan, image);
        assert_eq!(scan["verdict"]["integrity"], "no-baseline");
    }
    let (rules, code) = run(&["rules", "list"]);
    holds(&schema("rules"), &rules, "rules");
    assert_eq!(code, 0);
    let explain = schema("explain");
    for rule in rules["rules"].as_array().unwrap() {
        let code = rule["code"].as_str().unwrap();
        let (explained, _) = run(&["explain", code]);
        holds(&explain, &explained, code);
    }
}

#[test]
fn packs_that_are_given_hold() {
    const SIGNED: [&str; 4] = [
        "--rules",
        "tests/cmd/given/ward-7.toml",
        "--trust-key",
        "baselines/demo-TEST-KEY.pub",
    ];
    const UNSIGNED: [&str; 3] = [
        "--rules",
        "tests/cmd/given/ward-7-unsigned.toml",
        "--allow-unsigned-rules",
    ];
    for pack in [&SIGNED[..], &UNSIGNED] {
        let with = |args: &[&str]| run(&[args, pack].concat()).0;
        let scan = with(&[
            "scan",
            "tests/cmd/given/unit",
            "--now",
            "2029-01-01T00:00:00Z",
        ]);
        holds(&schema("report"), &scan, "scan");
        assert_eq!(scan["rules"][0]["name"], "ward-7");
        assert_eq!(scan["policy"][0]["kind"], "stale");
        let list = with(&["rules", "list"]);
        holds(&schema("rules"), &list, "rules");
        assert_eq!(list["given"], scan["rules"]);
        let explained = with(&["explain", "ward-port-opened"]);
        holds(&schema("explain"), &explained, "explain");
        assert_eq!(explained["pack"], scan["rules"][0]);
    }
}

#[test]
fn formats_hold() {
    let schema = schema("formats");
    let document: Value = serde_json::from_str(&formats::json().unwrap()).unwrap();
    holds(&schema, &document, "formats");
    assert_eq!(document, run(&["formats"]).0);
}

const RELEASES: [&str; 2] = [
    "tests/cmd/given/old-release.toml",
    "tests/cmd/given/new-release.toml",
];

#[test]
fn differences_of_baselines_hold() {
    let schema = schema("baseline-diff");
    for [old, new, code] in [[0, 1, 7], [1, 0, 7], [0, 0, 0]] {
        let (report, exit) = run(&["baseline", "diff", RELEASES[old], RELEASES[new]]);
        holds(&schema, &report, "baseline diff");
        assert_eq!(report["exit_code"], json!(exit));
        assert_eq!(exit == 7, code == 7, "{exit}");
    }
    let (imported, _) = run(&[
        "baseline",
        "diff",
        RELEASES[0],
        "baselines/example-medical-vsm9000-4.2.1.toml",
    ]);
    holds(&schema, &imported, "of two devices");
}

/// Sets the value at a pointer, making the last key where it is missing.
fn poke(document: &Value, pointer: &str, value: Value) -> Value {
    let mut poked = document.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = poked
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("{pointer}"));
    match parent {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        parent => parent[key] = value,
    }
    poked
}

#[track_caller]
fn refuses(schema: &Validator, document: &Value, wrong: &[(&str, Value)]) {
    holds(schema, document, "unpoked");
    for (pointer, value) in wrong {
        let poked = poke(document, pointer, value.clone());
        assert!(!schema.is_valid(&poked), "{pointer} = {value} is accepted");
    }
    for key in document.as_object().unwrap().keys() {
        // Not every report has them.
        if ["baseline", "judged_at", "advisories", "secrets"].contains(&key.as_str()) {
            continue;
        }
        let mut poked = document.clone();
        poked.as_object_mut().unwrap().remove(key);
        assert!(
            !schema.is_valid(&poked),
            "a document without {key} is accepted"
        );
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let demo = repository().join("fixtures/demo/vsm9000-4.2.1.bin");
    refuses(
        &schema("list"),
        &list(&demo),
        &[
            ("/schema", json!("vitalsign.list/2")),
            ("/surplus", json!(1)),
            ("/image/sha256", json!("00")),
            ("/image/mtime", json!(0)),
            ("/regions/0/state", json!("done")),
            ("/regions/0/parent", json!(-1)),
            ("/regions/0/place", json!("squashfs:zero")),
            ("/regions/0/steps/0", json!({ "format": "x" })),
            ("/regions/0/stored", json!(false)),
            ("/gaps/0/kind", json!("unknown")),
            ("/gaps/0/byte", json!(256)),
            ("/entries/0/kind", json!("hardlink")),
            ("/entries/0/kind", json!("symlink")),
            ("/entries/0/mode", json!("755")),
            ("/entries/0/path", json!("bin")),
            ("/entries/0/place", json!("\u{1b}[0m")),
            ("/entries/0/sha256", json!("X")),
            ("/coverage/bytes", json!("1")),
        ],
    );
    refuses(
        &schema("report"),
        &verify(DEMO[1]).0,
        &[
            ("/schema", json!("vitalsign.list/1")),
            ("/surplus", json!(1)),
            ("/verdict/integrity", json!("safe")),
            ("/verdict/risk", json!("low")),
            ("/verdict/exit_code", json!(64)),
            ("/baseline/signer/key", json!("RWQ")),
            ("/baseline/expires", json!("2036-01-01")),
            ("/checked/0/matched", json!(-1)),
            ("/changes/0/kind", json!("changed")),
            ("/changes/0/fields", json!(["mtime"])),
            ("/changes/0/fields", json!([])),
            ("/changes/0/found/mtime", json!(1)),
            ("/changes/0/path", json!("opt/bin/monitor")),
            ("/advisories/read", json!("2026-11-30")),
            ("/advisories/product", json!("Contec CMS8000")),
            ("/advisories/surplus", json!(1)),
            ("/rules", json!([])),
            ("/rules", json!([{ "name": "x" }])),
            ("/secrets", json!({ "located": 1 })),
            ("/history/0/is_baseline", json!("yes")),
            ("/not_checked/0/reason", json!("")),
            ("/not_checked/0/matters", json!(false)),
        ],
    );
    refuses(
        &schema("baseline-diff"),
        &run(&["baseline", "diff", RELEASES[0], RELEASES[1]]).0,
        &[
            ("/schema", json!("vitalsign.report/1")),
            ("/surplus", json!(1)),
            ("/exit_code", json!(8)),
            ("/old/sha256", json!("00")),
            ("/header/0/kind", json!("uncovered")),
            ("/header/0/fields", json!(["skip"])),
            ("/components/0/place", json!("0x0")),
            ("/files/0/path", json!("bin/sh")),
            ("/files/0/found/mtime", json!(1)),
            ("/mutable/0/explanation", json!(["\u{1b}"])),
            ("/memory/0/component", json!("")),
        ],
    );
    let document: Value = serde_json::from_str(&formats::json().unwrap()).unwrap();
    refuses(
        &schema("formats"),
        &document,
        &[
            ("/formats", json!([])),
            ("/formats/0/kind", json!("container")),
            ("/formats/0/id", json!("Zip")),
            ("/formats/0/surplus", json!(1)),
        ],
    );
}
