//! Two releases written by hand: what the second changes, and that no change goes unseen.

use std::fs;

use vitalsign::baseline::change::{Change, ChangeKind};
use vitalsign::baseline::diff::{Differences, diff};
use vitalsign::baseline::{Baseline, Unverified};
use vitalsign::entry::EntryPath;

use crate::samples::repository;

fn text(name: &str) -> String {
    fs::read_to_string(repository().join(format!("tests/cmd/given/{name}-release.toml"))).unwrap()
}

fn release(name: &str) -> Baseline {
    Baseline::parse(&text(name)).unwrap()
}

fn told(changes: &[Change]) -> Vec<(ChangeKind, &str, Vec<&str>)> {
    let name = |change: &Change| change.path.clone().or(change.component.clone());
    changes
        .iter()
        .map(|change| {
            let name = name(change).unwrap_or_default();
            let name: &str = Box::leak(name.into_boxed_str());
            (change.kind, name, change.fields.clone())
        })
        .collect()
}

#[test]
fn every_change_of_a_release_is_told() {
    use ChangeKind::{Added, Modified, Moved, Removed};
    let changes = diff(&release("old"), &release("new"));
    assert_eq!(
        told(&changes.files),
        [
            (Modified, "/bin/busybox", vec!["sha256"]),
            (Modified, "/bin/ping", vec!["mode"]),
            (Modified, "/bin/sh", vec!["target"]),
            (Modified, "/dev/console", vec!["rdev"]),
            (Added, "/etc/new.conf", vec![]),
            (Removed, "/etc/old.conf", vec![]),
            (Moved, "/usr/bin/monitor", vec!["path"]),
        ]
    );
    assert_eq!(
        told(&changes.components),
        [
            (Modified, "boot", vec!["sha256", "size"]),
            (Modified, "program", vec!["sha256"]),
            (Removed, "splash", vec![]),
            (Added, "data", vec![]),
        ]
    );
    let fields: Vec<&str> = changes
        .header
        .iter()
        .flat_map(|it| it.fields.clone())
        .collect();
    assert_eq!(
        fields,
        [
            "device.hardware",
            "firmware.security_floor",
            "firmware.version",
            "issued",
            "sequence"
        ]
    );
    let effects: Vec<&str> = changes
        .mutable
        .iter()
        .flat_map(|it| it.explanation.iter().map(String::as_str))
        .collect();
    assert_eq!(
        effects,
        [
            "tighter: what it allowed must be as a row states it",
            "looser: what it forbade may be where another row allows it",
            "looser: script is not forbidden any more, mode bits 0022 are allowed",
            "tighter: fewer bytes are allowed",
            "looser: more may change",
        ]
    );
    // Two pages side by side are one range; the end of a longer fill, a page that is gone, and a new one.
    let kinds: Vec<ChangeKind> = changes.memory.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [Modified, Removed, Added, Removed, Modified]);
    assert_eq!(changes.programs.len(), 1);
}

fn count(changes: &Differences, kind: ChangeKind) -> usize {
    changes.all().filter(|it| it.kind == kind).count()
}

#[test]
fn the_other_way_round_what_was_added_is_removed() {
    let (old, new) = (release("old"), release("new"));
    let (there, back) = (diff(&old, &new), diff(&new, &old));
    assert_eq!(
        count(&there, ChangeKind::Added),
        count(&back, ChangeKind::Removed)
    );
    assert_eq!(
        count(&there, ChangeKind::Removed),
        count(&back, ChangeKind::Added)
    );
    assert_eq!(there.all().count(), back.all().count());
    assert_eq!(diff(&old, &old).all().count(), 0);
}

#[test]
fn no_difference_goes_unseen() {
    let whole = text("old");
    let old = release("old");
    let mut seen = 0;
    let mut judge = |text: &str, what: &str| {
        let Ok(other) = Baseline::parse(text) else {
            return;
        };
        let differs = diff(&old, &other).all().next().is_some();
        // Mutable rows decide together, whatever their order.
        assert_eq!(differs, other != old, "{what}");
        seen += usize::from(differs);
    };
    let lines: Vec<&str> = whole.lines().collect();
    for at in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(at);
        judge(&fewer.join("\n"), &format!("without line {at}"));
    }
    for at in 0..whole.len() {
        for bit in [0, 1, 3] {
            let mut bytes = whole.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(bytes) {
                judge(&text, &format!("byte {at}, bit {bit}"));
            }
        }
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn a_decision_names_the_lines_of_its_rows() {
    for name in ["old", "new"] {
        let text = text(name);
        let located = Unverified::new(text.clone().into_bytes()).locate().unwrap();
        let line = |number: usize| text.lines().nth(number - 1).unwrap();
        let tree = |path: &str| {
            let path = EntryPath::new(path.as_bytes());
            located.decide(&path, |index| index == 1).unwrap().remove(0)
        };
        for row in &located.baseline().files {
            let path = String::from_utf8(row.path.as_bytes().to_vec()).unwrap();
            let decision = tree(&path);
            let [found] = &decision.files[..] else {
                panic!("{path}");
            };
            assert_eq!(found.row, row);
            assert!(line(found.line).contains(&format!("path = \"{path}\"")));
        }
        let decision = tree("/var/log/a.log");
        assert!(decision.files.is_empty());
        assert!(line(decision.mutable[0].line).contains("/var/log/*.log"));
        assert!(line(located.component_line(0)).contains("name = \"boot\""));
        for nothing in ["/var/log/a/b.log", "/var/log/../log/a.log", "/", "/BIN/sh"] {
            let decision = tree(nothing);
            assert!(
                decision.files.is_empty() && decision.mutable.is_empty(),
                "{nothing}"
            );
        }
    }
}
