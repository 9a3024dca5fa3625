//! What is told of a changed environment, device tree and kernel, against what diff(1) says of their sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use vitalsign::baseline::compare::Comparison;

use crate::{reference, schemas};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/boot-parts")
        .join(name)
}

/// The lines that diff(1) has behind `>` or `<`.
fn lines(name: &str, sign: &str) -> Vec<String> {
    let text = fs::read_to_string(fixture(name)).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix(sign));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// Everything that is told, by the path or component it is told of.
type Told = BTreeMap<String, String>;

fn by_baseline(comparison: &Comparison) -> Told {
    let changes = comparison.changes.iter();
    let told = changes.map(|change| {
        let name = change.path.clone().or(change.component.clone());
        (name.unwrap_or_default(), change.explanation.join("\n"))
    });
    told.collect()
}

fn told() -> [Told; 2] {
    let [old, new] = ["old.img", "new.img"].map(|name| fs::read(fixture(name)).unwrap());
    let baseline = reference::baseline(&old);
    let (code, comparison) = reference::judge(&baseline, &new);
    assert_ne!(code, 0);
    assert_eq!(reference::code(&old, &old), 0);
    let (report, _) = schemas::run(&[
        "diff",
        fixture("old.img").to_str().unwrap(),
        fixture("new.img").to_str().unwrap(),
    ]);
    schemas::holds(&schemas::schema("report"), &report, "diff");
    assert!(!report.to_string().contains("second secret"));
    let changes = report["changes"].as_array().unwrap().iter();
    let beside = changes.map(|change| {
        let name = change["path"].as_str().or(change["component"].as_str());
        let texts = change["explanation"].as_array().unwrap().iter();
        let texts: Vec<&str> = texts.map(|text| text.as_str().unwrap()).collect();
        (name.unwrap_or_default().to_owned(), texts.join("\n"))
    });
    [by_baseline(&comparison), beside.collect()]
}

#[track_caller]
fn has(told: &Told, name: &str, wanted: &str) {
    let text = told.get(name).map_or("", String::as_str);
    assert!(text.contains(wanted), "{wanted}: {told:#?}");
}

#[test]
fn variables_are_told_by_name_and_value() {
    let [alone, beside] = told();
    for line in lines("env.diff", "> ") {
        let (name, value) = line.split_once('=').unwrap();
        let value = if name == "wifi_psk" { "***" } else { value };
        for told in [&alone, &beside] {
            has(told, &format!("/{name}"), &format!("it is now: {value}"));
        }
    }
    for line in lines("env.diff", "< ") {
        let (name, value) = line.split_once('=').unwrap();
        let is_there = fs::read_to_string(fixture("env.diff"))
            .unwrap()
            .contains(&format!("> {name}="));
        if is_there && name != "wifi_psk" {
            has(&beside, &format!("/{name}"), &format!("it was: {value}"));
        }
        assert!(alone.contains_key(&format!("/{name}")));
    }
    has(&alone, "/bootargs", "new in it: rw init=/bin/sh");
}

#[test]
fn device_trees_are_told_by_node_and_property() {
    let [alone, beside] = told();
    for told in [&alone, &beside] {
        let text = &told["dtb"];
        assert_eq!(text.matches("new node").count(), 1, "{text}");
        has(
            told,
            "dtb",
            "new node /uart@9000/ with compatible = \"ns16550a\", reg = <0x9000 0x100>",
        );
        has(
            told,
            "dtb",
            "another value: /chosen/bootargs = \"console=ttyS0,115200 root=/dev/mtdblock3 single\"",
        );
        has(
            told,
            "dtb",
            "/flash@20000000/partitions/kernel@40000/reg = <0x40000 0x300000>",
        );
    }
    // As dtc writes the values that are no more.
    for line in lines("tree.diff", "< ")
        .iter()
        .filter(|line| line.contains('='))
    {
        let (_, value) = line.trim_end_matches(';').split_once(" = ").unwrap();
        has(&beside, "dtb", &format!("instead of {value}"));
    }
    has(
        &beside,
        "dtb",
        "gone: /flash@20000000/partitions/boot@0/read-only",
    );
    has(&alone, "dtb", "1 of its nodes or properties is gone");
}

#[test]
fn kernels_are_told_by_version_and_configuration() {
    let [alone, beside] = told();
    for told in [&alone, &beside] {
        has(
            told,
            "kernel",
            "it is \"Linux version 6.1.99-vsm-dirty (build@example)",
        );
        has(
            told,
            "kernel",
            "instead of \"Linux version 6.1.99-vsm (build@example)",
        );
        for line in lines("config.diff", "> ") {
            assert!(told["kernel"].contains(&line), "{line}: {told:#?}");
        }
    }
    for line in lines("config.diff", "< ") {
        assert!(beside["kernel"].contains(&line), "{line}: {beside:#?}");
    }
    has(&alone, "kernel", "3 lines of the expected text are gone");
}
