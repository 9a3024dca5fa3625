use std::collections::BTreeSet;

use super::*;
use crate::finding::Confidence;

#[test]
fn every_pack_can_be_read_and_its_fixtures_do_what_they_say() {
    let mut codes = BTreeSet::new();
    for text in TEXTS {
        let pack = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(trial(&pack), [], "{}", pack.name);
        for card in pack.cards() {
            assert!(
                codes.insert(card.code.clone()),
                "{} stands twice",
                card.code
            );
        }
    }
    for rule in built_in().iter().flat_map(|pack| &pack.rules) {
        for covered in &rule.covers {
            assert!(
                codes.contains(covered),
                "{} covers {covered}, which does not exist",
                rule.card.code
            );
        }
    }
    assert_eq!(built_in().len(), TEXTS.len());
}

#[test]
fn what_is_proven_is_at_least_high() {
    for card in built_in().iter().flat_map(Pack::cards) {
        if card.confidence == Confidence::Proven && card.severity < crate::finding::Severity::Low {
            assert_eq!(card.code, "manifest-holds");
        }
    }
}

#[test]
fn a_pack_whose_fixtures_fail_is_told() {
    let text = r#"
format = "vitalsign-rules"
schema = 1
name = "mine"
[[rule]]
code = "shell-on-port"
severity = "high"
confidence = "probable"
title = "A shell listens"
why = "x"
shown_by = "x"
disproved_by = "x"
advice = "x"
references = ["CWE-912"]
steps = [{ act = ["listen"], is = ["shell"] }]
hit = [[{ path = "/a.sh", text = "nc -l -p 9 -e /bin/sh" }], [{ path = "/b.sh", text = "nc -l -p 9" }]]
clean = [[{ path = "/c.sh", text = "nc -lp 9 -e /bin/sh" }]]
"#;
    let failed = trial(&parse(text.as_bytes()).unwrap());
    let told: Vec<_> = failed.iter().map(|failed| failed.what.as_str()).collect();
    assert_eq!(
        told,
        [
            "fixture 2 (hit: /b.sh) is not hit",
            "fixture 3 (clean: /c.sh) is hit"
        ]
    );
}

#[test]
fn packs_are_read_strictly() {
    let good = TEXTS[0];
    for (from, to) in [
        (
            "format = \"vitalsign-rules\"",
            "format = \"vitalsign-baseline\"",
        ),
        ("schema = 1", "schema = 2"),
        ("severity = \"critical\"", "severity = \"awful\""),
        ("act = [\"remote-mount\"]", "act = [\"remote-mounts\"]"),
        (
            "code = \"remote-mount-overwrite\"",
            "code = \"Remote Mount\"",
        ),
        ("why = ", "whence = "),
        ("references = [", "references = [\"see below\", "),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(
            parse(good.replacen(from, to, 1).as_bytes()).is_err(),
            "{to}"
        );
    }
}
