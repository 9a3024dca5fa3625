//! What is told of modified programs: those that `tests/slow/implants` changed in place, each beside its clean original.

#![allow(
    clippy::disallowed_methods,
    reason = "the trees are made to be compared"
)]

use std::fs;
use std::path::{Path, PathBuf};

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

/// The explanation of a program that stands in place of another.
fn told(old: &[u8], new: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["old", "new"].map(|name| folder.path().join(name));
    for (root, bytes) in [(&one, old), (&other, new)] {
        fs::create_dir_all(root.join("bin")).unwrap();
        fs::write(root.join("bin/monitor"), bytes).unwrap();
    }
    let (report, _) = schemas::run(&["diff", one.to_str().unwrap(), other.to_str().unwrap()]);
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
