//! The rules of the house, held by reading the sources: who may import whom, how large a file may be, and that
//! nothing is registered without its doc card and fixture.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use vitalsign::formats::ALL;

use crate::samples::repository;

/// Longest source file, in lines.
const LONGEST: usize = 450;

fn sources() -> Vec<(PathBuf, String)> {
    let root = repository().join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn no_source_file_outgrows_its_room() {
    for (path, text) in sources() {
        assert!(
            text.lines().count() <= LONGEST,
            "{} has more than {LONGEST} lines",
            path.display()
        );
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let grab_bags = [
            "util", "utils", "helper", "helpers", "common", "manager", "misc",
        ];
        assert!(
            !grab_bags.contains(&name.as_str()),
            "{} says nothing",
            path.display()
        );
    }
}

/// The stages from the bytes to the report. A module may use those of its own line and of the lines above it.
const STAGES: &[&[&str]] = &[
    &[
        "read", "digest", "entry", "memory", "pace", "place", "problem",
    ],
    &["image", "budget"],
    &["formats"],
    &["facts"],
    &["extract"],
    &["trust", "document"],
    &["baseline"],
    &["finding", "behaviour", "software"],
    &["rules", "advisories", "verdict", "check"],
    &["report"],
    &["fleet"],
    &["cli", "commands"],
];

#[test]
fn imports_run_down_the_pipeline() {
    let level = |module: &str| STAGES.iter().position(|stage| stage.contains(&module));
    for (path, text) in sources() {
        let first = path
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let own = first.trim_end_matches(".rs");
        if own == "lib" || own == "main" {
            continue;
        }
        let own_level = level(own).unwrap_or_else(|| panic!("{own} stands in no stage"));
        for used in text.split("crate::").skip(1) {
            let used: String = used
                .chars()
                .take_while(|char| char.is_alphanumeric() || *char == '_')
                .collect();
            if let Some(used_level) = level(&used) {
                let allowed = used_level <= own_level || is_known_exception(own, &used);
                assert!(allowed, "{} must not use {used}", path.display());
            }
        }
    }
}

/// An image may be a directory, which is a tree before any format is asked; the budget holds the spool.
fn is_known_exception(own: &str, used: &str) -> bool {
    (own, used) == ("image", "formats")
}

#[test]
fn only_the_map_holds_unsafe_code() {
    for (path, text) in sources() {
        if path != Path::new("image/map.rs") {
            assert!(!text.contains("unsafe {"), "{}", path.display());
        }
    }
}

#[test]
fn nothing_below_the_commands_knows_time_or_environment() {
    for (path, text) in sources() {
        if path.starts_with("commands") || path == Path::new("main.rs") {
            continue;
        }
        let text = text.split("#[cfg(test)]").next().unwrap();
        for word in [
            "SystemTime",
            "Instant::now",
            "Timestamp::now",
            "env::var",
            "process::Command",
        ] {
            assert!(!text.contains(word), "{} uses {word}", path.display());
        }
    }
}

/// The name of a format's module: that of a module starts with no digit.
fn stem(id: &str) -> String {
    match id {
        "7z" => "sevenz".to_owned(),
        _ => id.replace('-', "_"),
    }
}

#[test]
fn every_format_has_a_card_a_folder_a_fixture_and_a_row() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let mut ids = BTreeSet::new();
    for format in ALL {
        let doc = format.doc();
        assert!(ids.insert(doc.id), "{} is registered twice", doc.id);
        for text in [doc.id, doc.title, doc.spec, doc.reads, doc.verifies] {
            assert!(
                !text.trim().is_empty(),
                "{}: an empty line on its card",
                doc.id
            );
        }
        let file = format!("src/formats/{}/{}.rs", doc.kind.word(), stem(doc.id));
        assert!(
            repository().join(&file).exists(),
            "{} should be in {file}",
            doc.id
        );
        let fixtures = repository().join("fixtures").join(doc.id);
        assert!(
            fixtures.join("make").exists(),
            "{} has no fixtures/{}/make",
            doc.id,
            doc.id
        );
    }
    assert!(
        readme.contains(&vitalsign::report::formats::markdown()),
        "the README's table of formats is not that of the registry:\n{}",
        vitalsign::report::formats::markdown()
    );
}

#[test]
fn every_code_has_a_card_and_the_readme_a_row() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let table = vitalsign::report::rules::markdown(vitalsign::rules::built_in());
    assert!(
        readme.contains(&table),
        "the README's table of codes is not that of the packs:\n{table}"
    );
    for (path, text) in sources() {
        let text = text.split("#[cfg(test)]").next().unwrap();
        for code in text.split("code: \"").skip(1) {
            let code = code.split('"').next().unwrap();
            assert!(
                vitalsign::rules::card(code).is_some(),
                "{}: {code} has no card",
                path.display()
            );
        }
    }
}

#[test]
fn every_format_file_is_registered() {
    let registered: BTreeSet<String> = ALL
        .iter()
        .map(|format| format!("{}/{}.rs", format.doc().kind.word(), stem(format.doc().id)))
        .collect();
    for (path, text) in sources() {
        let Ok(path) = path.strip_prefix("formats") else {
            continue;
        };
        if text.contains("impl Format for") {
            assert!(
                registered.contains(&*path.to_string_lossy()),
                "{} is not registered",
                path.display()
            );
        }
    }
}
