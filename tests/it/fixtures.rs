//! Every fixture that has a truth beside it, entry by entry: `NAME.tsv` was written from the source tree by
//! `fixtures/listing`, which knows nothing of this crate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use vitalsign::digest::hex;
use vitalsign::entry::{Entry, Meta, Node};
use vitalsign::extract::{Found, Inventory};
use vitalsign::place::escape;

use crate::samples;

#[test]
fn every_fixture_holds_what_its_source_tree_held() {
    let mut compared = 0;
    for image in samples::images() {
        let truth = PathBuf::from(format!("{}.tsv", image.display()));
        if !truth.exists() {
            continue;
        }
        let truth = std::fs::read_to_string(truth).unwrap();
        let expected: Vec<&str> = truth.lines().collect();
        let found = samples::unpack_file(&image);
        compare(&image, &expected, &found);
        println!(
            "{}: {} entries as in the source tree",
            image.display(),
            expected.len()
        );
        compared += 1;
    }
    assert!(compared > 0, "no fixture has a truth beside it");
}

/// The tree with the most entries is the one that was packed.
fn compare(image: &Path, expected: &[&str], found: &Inventory) {
    let mut trees: BTreeMap<Option<usize>, Vec<String>> = BTreeMap::new();
    for entry in &found.entries {
        trees.entry(entry.region).or_default().push(row(entry));
    }
    let largest = trees.into_values().max_by_key(Vec::len).unwrap_or_default();
    let mut expected: Vec<String> = expected.iter().map(|&row| row.to_owned()).collect();
    let mut rows = largest;
    expected.sort();
    rows.sort();
    // What the format does not store of the root, a reader cannot yield.
    if rows.first().is_none_or(|row| !row.starts_with("/\t")) {
        expected.retain(|row| !row.starts_with("/\t"));
    }
    let missing: Vec<_> = expected.iter().filter(|row| !rows.contains(row)).collect();
    let surplus: Vec<_> = rows.iter().filter(|row| !expected.contains(row)).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "{}\nmissing: {missing:#?}\nsurplus: {surplus:#?}\nproblems: {:#?}",
        image.display(),
        found.problems
    );
    let damaged: Vec<_> = found
        .problems
        .iter()
        .filter(|told| told.kind.hides_content())
        .collect();
    assert!(damaged.is_empty(), "{}: {damaged:#?}", image.display());
}

/// An entry in the columns of `fixtures/listing`.
fn row(found: &Found) -> String {
    let Entry { path, node, meta } = &found.entry;
    let none = || "-".to_owned();
    let (mut size, mut sha256, mut target) = (none(), none(), none());
    match node {
        Node::File(file) => {
            size = file.size.to_string();
            sha256 = found.sha256.map_or_else(none, |digest| digest.to_string());
        }
        Node::Symlink(bytes) => target = escape(bytes),
        Node::Char(device) | Node::Block(device) => {
            target = format!("{}:{}", device.major, device.minor);
        }
        _ => {}
    }
    let number = |number: Option<u32>| number.map_or_else(none, |number| number.to_string());
    [
        escape(path.as_bytes()),
        node.word().to_owned(),
        meta.mode.map_or_else(none, |mode| format!("{mode:04o}")),
        number(meta.uid),
        number(meta.gid),
        size,
        sha256,
        target,
        xattrs(meta),
    ]
    .join("\t")
}

fn xattrs(meta: &Meta) -> String {
    let all: Vec<_> = meta
        .xattrs
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), hex(value)))
        .collect();
    if all.is_empty() {
        "-".to_owned()
    } else {
        all.join(",")
    }
}
