//! What the program is built of: where its crates come from, under which licences, and how much of it is `unsafe`. `tests/slow/supply` looks
//! further.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use toml::Table;

use crate::samples::repository;

fn read(file: &str) -> String {
    fs::read_to_string(repository().join(file)).unwrap()
}

#[test]
fn every_crate_comes_from_the_registry_with_its_checksum() {
    let lock: Table = read("Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let name = package["name"].as_str().unwrap();
        if name == "vitalsign" {
            continue;
        }
        let source = package.get("source").and_then(|it| it.as_str());
        assert_eq!(
            source,
            Some("registry+https://github.com/rust-lang/crates.io-index"),
            "{name}"
        );
        let sum = package.get("checksum").and_then(|it| it.as_str());
        assert_eq!(sum.map(str::len), Some(64), "{name}");
    }
}

/// Whether an SPDX expression can be met with these licences. None here nests deeper than alternatives that must be met together.
fn is_met(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    expression.split(" AND ").all(|part| {
        let part = part.trim_matches(['(', ')']).replace('/', " OR ");
        part.split(" OR ").any(|one| allowed.contains(one.trim()))
    })
}

/// What the tests run on, as the compiler calls it: for other systems not all crates are at hand.
fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = Command::new(rustc).arg("-vV").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

#[test]
fn every_licence_is_one_that_is_allowed() {
    let deny: Table = read("deny.toml").parse().unwrap();
    let allowed = deny["licenses"]["allow"].as_array().unwrap();
    let allowed: BTreeSet<&str> = allowed.iter().map(|it| it.as_str().unwrap()).collect();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--all-features"])
        .args(["--locked", "--offline"])
        .args(["--filter-platform", &host()])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let packages = told["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(
            is_met(licence, &allowed),
            "{}: {licence}",
            package["name"].as_str().unwrap()
        );
    }
    // Whoever reads the page reads the same list.
    let page = read("docs/supply-chain.md");
    let sentence: Vec<&str> = allowed.into_iter().collect();
    assert!(page.contains(&sentence.join(", ")), "{sentence:?}");
}

#[test]
fn every_direct_dependency_has_its_purpose_and_its_row() {
    let manifest = read("Cargo.toml");
    let page = read("docs/supply-chain.md");
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        if !section.ends_with("dependencies]") || line.starts_with(['[', '#']) || line.is_empty() {
            continue;
        }
        let name = line.split(' ').next().unwrap();
        assert!(line.contains(" # "), "Cargo.toml: what is {name} for?");
        if !section.contains("dev-") {
            assert!(
                page.contains(&format!("\n| {name} |")),
                "docs/supply-chain.md has no row for {name}"
            );
        }
    }
}

#[test]
fn the_page_counts_the_unsafe_blocks() {
    let map = read("src/image/map.rs");
    // Nowhere else: `house.rs`.
    let count = map.matches("unsafe {").count();
    let page = read("docs/supply-chain.md");
    assert!(
        page.contains(&format!("Ours: {count} blocks, all in")),
        "{count}"
    );
}
