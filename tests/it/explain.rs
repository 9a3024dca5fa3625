//! What is told of modified programs: those that `tests/slow/implants` changed in place, each beside its clean original.

#![allow(
    clippy::disallowed_methods,
    reason = "the trees are made to be compared"
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::schemas;

/// What the explanation of each technique has to say, one of the texts.
const TOLD: &[(&str, &[&str])] = &[
    ("slack", &["stand in no section"]),
    ("segment", &["segments are loaded instead of"]),
    ("dead-function", &["is changed"]),
    ("plt", &["linkage table", "calls other functions"]),
    ("init-array", &["the loader calls"]),
    ("runpath", &["it looks for libraries in"]),
    (
        "got",
        &["leads to code of the program", "leads to executable bytes"],
    ),
    ("needed", &["which the expected one did not"]),
    ("interpreter", &["it asks for another loader"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/implants")
}

/// What `diff` reports of a program that stands in place of another.
fn report(old: &[u8], new: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["old", "new"].map(|name| folder.path().join(name));
    for (root, bytes) in [(&one, old), (&other, new)] {
        fs::create_dir_all(root.join("bin")).unwrap();
        fs::write(root.join("bin/monitor"), bytes).unwrap();
    }
    schemas::run(&["diff", one.to_str().unwrap(), other.to_str().unwrap()]).0
}

/// The explanation of a program that stands in place of another.
fn told(old: &[u8], new: &[u8]) -> Vec<String> {
    let report = report(old, new);
    let changes = report["changes"].as_array().unwrap();
    let change = changes
        .iter()
        .find(|change| change["path"] == "/bin/monitor");
    let explanation = change.map(|change| change["explanation"].as_array().unwrap().clone());
    let texts = explanation.unwrap_or_default();
    texts
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn each_patch_is_named() {
    let table = fs::read_to_string(root().join("cases.tsv")).unwrap();
    let mut seen = 0;
    for row in table.lines().skip(1) {
        let row: Vec<&str> = row.split('\t').collect();
        let Some((_, wanted)) = TOLD.iter().find(|(technique, _)| *technique == row[7]) else {
            continue;
        };
        let told = told(
            &fs::read(root().join(row[11])).unwrap(),
            &fs::read(root().join(row[0])).unwrap(),
        );
        assert!(
            told.iter()
                .any(|text| wanted.iter().any(|wanted| text.contains(wanted))),
            "{}: {told:#?}",
            row[0]
        );
        seen += 1;
    }
    assert_eq!(seen, TOLD.len());
}

/// What stands behind the end of a program is told, and nothing of its code.
#[test]
fn an_overlay_is_told_as_one() {
    let old =
        fs::read(root().join("files/opt/bin/original_aarch64_glibc_dynamic_O2_stripped")).unwrap();
    let mut new = old.clone();
    new.extend(b"PK\x03\x04 and more than that");
    let told = told(&old, &new);
    assert!(
        told.iter()
            .any(|text| text.contains("stand behind the end")),
        "{told:#?}"
    );
    assert!(
        !told
            .iter()
            .any(|text| text.contains("is changed") || text.contains("is new")),
        "{told:#?}"
    );
}

/// The severity of each finding by its code, and whether its evidence holds some words.
fn findings(report: &Value, words: &str) -> Vec<(String, String, bool)> {
    let findings = report["findings"].as_array().unwrap();
    let row = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        let evidence = finding["evidence"].as_array().unwrap();
        let holds = |line: &Value| line.as_str().unwrap().contains(words);
        (text("code"), text("severity"), evidence.iter().any(holds))
    };
    findings.iter().map(row).collect()
}

/// What a rule says by itself.
fn severity(code: &str) -> String {
    let (card, _) = schemas::run(&["explain", code]);
    card["severity"].as_str().unwrap().to_owned()
}

/// A program with the chain in its own functions, in place of which stands the same with more behind its end: the chain was there before, and weighs
/// what its rule says.
#[test]
fn what_the_expected_program_does_too_is_not_raised() {
    let old = fs::read(root().join("files/opt/bin/several-calls_arm_glibc_dynamic_Os_stripped"));
    let old = old.unwrap();
    let mut new = old.clone();
    new.extend(b"PK\x03\x04 and more than that");
    let findings = findings(&report(&old, &new), "in the vendor's own release");
    let own: Vec<_> = findings.iter().filter(|(_, _, own)| *own).collect();
    assert!(!own.is_empty(), "{findings:?}");
    for (code, told, _) in own {
        assert_eq!(*told, severity(code), "{code}");
    }
}

/// The same chain in code that was put over a function of a clean program.
#[test]
fn what_changed_functions_do_is_raised() {
    let bin = root().join("files/opt/bin");
    let old = fs::read(bin.join("original_armv7_glibc_dynamic_O2_stripped")).unwrap();
    let new = fs::read(bin.join("dead-function_armv7_glibc_dynamic_O2_stripped")).unwrap();
    let words = "it is not in the vendor's own release: it goes by the function at";
    let findings = findings(&report(&old, &new), words);
    assert!(findings.iter().any(|(_, _, new)| *new), "{findings:?}");
    let order = ["info", "low", "medium", "high", "critical"];
    let rank = |word: &str| order.iter().position(|it| *it == word).unwrap();
    for (code, told, _) in findings.iter().filter(|(_, _, new)| *new) {
        let raised = (rank(&severity(code)) + 1).min(order.len() - 1);
        assert_eq!(rank(told), raised, "{code}: {told}");
    }
}

/// With both files at hand the instructions are told that stand in place of others.
#[test]
fn changed_instructions_are_listed() {
    let path = root().join("files/opt/bin/original_aarch64_glibc_dynamic_O2_stripped");
    let old = fs::read(path).unwrap();
    // `mov x29, sp` (`add x29, sp, #0`) of the first function that has one becomes `nop`.
    let mut new = old.clone();
    let at = old
        .windows(4)
        .position(|word| word == [0xfd, 0x03, 0x00, 0x91]);
    let at = at.unwrap();
    new[at..at + 4].copy_from_slice(&[0x1f, 0x20, 0x03, 0xd5]);
    let told = told(&old, &new);
    assert!(
        told.iter().any(|text| text.contains("910003fd (")
            && text.contains("became")
            && text.contains("d503201f")),
        "{told:#?}"
    );
}

/// Of several baselines the one that fits best is explained, as if it were the only one.
#[test]
fn a_baseline_that_was_chosen_explains_as_much_as_one_that_was_given() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let baseline = root.join("baselines/example-medical-vsm9000-4.2.1.toml");
    let baseline = fs::read_to_string(baseline).unwrap();
    let twin = root.join("fixtures/demo/vsm9000-4.2.1-tampered.bin");
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
    // An image of which less is as this one says.
    let bent = baseline.replace("mode = \"0755\"", "mode = \"0700\"");
    fs::write(&one, bent).unwrap();
    fs::write(&other, baseline).unwrap();
    let changes = |from: &Path| {
        let from = from.to_str().unwrap();
        let trust = ["--baseline", from, "--allow-unsigned"];
        let report = schemas::run(&[&["verify", twin.to_str().unwrap()][..], &trust].concat()).0;
        report["changes"].clone()
    };
    let chosen = changes(folder.path());
    assert_eq!(chosen, changes(&other));
    let explained = |change: &Value| !change["explanation"].as_array().unwrap().is_empty();
    let chosen = chosen.as_array().unwrap();
    assert!(
        chosen
            .iter()
            .any(|it| it["path"] == "/opt/bin/monitor" && explained(it))
    );
}
