//! The small corpus of implants in compiled programs (`fixtures/implants`): what each must be told as, and its clean twins.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::schemas;

/// Cases that are told as less than they should be, with the reason. Whoever makes one of them be seen takes it from here.
const MISSED: &[(&str, &str)] = &[(
    "files/opt/bin/bind-shell_thumb_glibc_dynamic_Os_stripped",
    "the null behind the arguments is a result that was compared with zero, and not in the instruction before the branch",
)];

/// What a case should be told as, and was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Clean,
    Review,
    KnownRisk,
}

struct Case {
    path: String,
    wanted: Told,
    is_twin: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/implants")
}

fn cases() -> Vec<Case> {
    let table = fs::read_to_string(folder().join("cases.tsv")).unwrap();
    let rows = table
        .lines()
        .skip(1)
        .map(|row| row.split('\t').collect::<Vec<_>>());
    rows.map(|row| Case {
        path: row[0].to_owned(),
        is_twin: row[1] == "twin",
        wanted: match row[9] {
            "known-risk" => Told::KnownRisk,
            "review" => Told::Review,
            _ => Told::Clean,
        },
    })
    .collect()
}

/// The worst that is told of each path of a folder.
fn told(root: &Path) -> BTreeMap<String, Told> {
    let (report, _) = schemas::run(&["scan", root.to_str().unwrap()]);
    let mut told = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let place = finding["place"].as_str().unwrap().to_owned();
        let worst = told.entry(place).or_insert(Told::Clean);
        *worst = (*worst).max(level(finding));
    }
    told
}

fn level(finding: &Value) -> Told {
    let is_high = ["high", "critical"].contains(&finding["severity"].as_str().unwrap());
    match finding["confidence"].as_str().unwrap() {
        "proven" if is_high => Told::KnownRisk,
        _ if is_high || finding["severity"] == "medium" => Told::Review,
        _ => Told::Clean,
    }
}

fn all() -> Vec<(Case, Told)> {
    let files = told(&folder().join("files"));
    let all = cases().into_iter().map(|case| {
        let found = match case.path.strip_prefix("files") {
            Some(path) => files.get(path).copied().unwrap_or(Told::Clean),
            None => told(&folder().join(&case.path))
                .values()
                .copied()
                .max()
                .unwrap_or(Told::Clean),
        };
        (case, found)
    });
    all.collect()
}

#[test]
fn implants_are_told_and_their_twins_are_not() {
    let all = all();
    assert!(all.len() > 80);
    for (case, found) in &all {
        let most = if case.is_twin {
            Told::Review
        } else {
            Told::KnownRisk
        };
        assert!(*found <= most, "{} is told as {found:?}", case.path);
    }
    let missed: BTreeSet<&str> = all
        .iter()
        .filter(|(case, found)| *found < case.wanted)
        .map(|(case, _)| case.path.as_str())
        .collect();
    let listed: BTreeSet<&str> = MISSED.iter().map(|&(path, _)| path).collect();
    assert_eq!(missed, listed);
}
