//! The parts of an image by digests that do not depend on how a device wrote them: what units of one model are compared by, with no
//! baseline at all.
//!
//! A file system is known by its entries, not by its blocks, which no two devices write alike. Besides, by its programs alone: settings
//! differ between any two units, programs should not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::record::{count, cut};
use crate::baseline::change::{ChangeKind, Value};
use crate::digest::Digest;
use crate::entry::Node;
use crate::extract::{Found, Inventory};
use crate::facts::FileType;
use crate::report::verify::{ChangeRow, CheckedRow};

/// So many parts are kept.
const MOST: usize = 24;
/// So many programs are.
const MOST_PROGRAMS: usize = 16;

/// One part of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRow {
    /// Where it is; `/` for a root directory.
    pub place: String,
    /// What the baseline calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The digest of all its entries, without times; of a stream, of what it decodes to; else of its bytes.
    pub sha256: Digest,
    /// The digest of the programs among its entries, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub programs: Option<Digest>,
}

/// A program that a baseline does not state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRow {
    /// How it differs.
    pub kind: ChangeKind,
    /// Its path.
    pub path: String,
    /// The digest of its content.
    pub sha256: Digest,
}

/// The parts of an image, and how many there are; file systems first, as they lie in it.
pub(super) fn parts(found: &Inventory, checked: &[CheckedRow]) -> (Vec<PartRow>, u64) {
    let names: BTreeMap<&str, &str> = checked
        .iter()
        .filter_map(|row| Some((row.place.as_deref()?, row.component.as_str())))
        .collect();
    let mut trees: BTreeMap<Option<usize>, Vec<&Found>> = BTreeMap::new();
    for entry in &found.entries {
        trees.entry(entry.region).or_default().push(entry);
    }
    let parents: BTreeSet<Option<usize>> = found
        .regions
        .iter()
        .filter(|region| region.within.is_none())
        .map(|region| region.parent)
        .collect();
    let row = |place: String, sha256, programs| PartRow {
        component: names.get(place.as_str()).map(|&name| name.to_owned()),
        place: if place.is_empty() {
            "/".to_owned()
        } else {
            cut(&place)
        },
        sha256,
        programs,
    };
    let (mut rows, mut rest) = (Vec::new(), Vec::new());
    if let Some(root) = trees.get(&None) {
        rows.push(row(String::new(), tree(root), programs(root)));
    }
    for (index, region) in found.regions.iter().enumerate() {
        let place = region.place.to_string();
        if region.within.is_some() {
            continue;
        }
        if let Some(entries) = trees.get(&Some(index)) {
            rows.push(row(place, tree(entries), programs(entries)));
        } else if !parents.contains(&Some(index)) {
            let decoded = region.decoded.and_then(|decoded| decoded.sha256);
            let sha256 = decoded.unwrap_or_else(|| Digest::of(&region.bytes));
            rest.push(row(place, sha256, None));
        }
    }
    for gap in &found.gaps {
        let is_apart = gap
            .parent
            .is_none_or(|index| !trees.contains_key(&Some(index)));
        if gap.within.is_none() && !gap.stored && is_apart && gap.kind.is_unknown() {
            rest.push(row(gap.place.to_string(), Digest::of(&gap.bytes), None));
        }
    }
    rows.append(&mut rest);
    let all = count(rows.len());
    rows.truncate(MOST);
    (rows, all)
}

/// The digest of a tree: of everything that its entries are, but for times.
fn tree(entries: &[&Found]) -> Digest {
    digest_of(entries, |_| true)
}

fn programs(entries: &[&Found]) -> Option<Digest> {
    let any = entries.iter().any(|entry| is_program(entry));
    any.then(|| digest_of(entries, is_program))
}

fn digest_of(entries: &[&Found], is_meant: impl Fn(&Found) -> bool) -> Digest {
    let mut sorted: Vec<&&Found> = entries.iter().filter(|entry| is_meant(entry)).collect();
    sorted.sort_by_key(|entry| (&entry.entry.path, entry.ordinal));
    let mut hasher = Sha256::new();
    // Each text stands behind its length, so that no two trees are written alike.
    let mut add = |text: &[u8]| {
        hasher.update(count(text.len()).to_le_bytes());
        hasher.update(text);
    };
    for entry in sorted {
        let meta = &entry.entry.meta;
        add(entry.entry.path.as_bytes());
        add(entry.entry.node.word().as_bytes());
        for number in [meta.mode, meta.uid, meta.gid] {
            add(number.map(u32::to_le_bytes).as_ref().map_or(b"", |it| it));
        }
        match &entry.entry.node {
            Node::File(file) => {
                add(&file.size.to_le_bytes());
                add(entry.sha256.as_ref().map_or(b"", |it| it.as_bytes()));
            }
            Node::Symlink(target) => add(target),
            Node::Char(device) | Node::Block(device) => {
                add(&device.major.to_le_bytes());
                add(&device.minor.to_le_bytes());
            }
            Node::Dir | Node::Fifo | Node::Socket => {}
        }
        for (name, value) in &meta.xattrs {
            add(name);
            add(value);
        }
    }
    Digest::new(hasher.finalize().into())
}

/// Whether an entry is something that runs.
fn is_program(entry: &Found) -> bool {
    const RUNS: u32 = 0o111;
    let is_executable = entry.entry.meta.mode.is_some_and(|mode| mode & RUNS != 0);
    let is_code = matches!(
        entry.content,
        Some(
            FileType::Elf
                | FileType::Pe
                | FileType::LinuxKernel
                | FileType::Script
                | FileType::JavaClass
                | FileType::Dex
                | FileType::PythonBytecode
                | FileType::LuaBytecode
        )
    );
    matches!(entry.entry.node, Node::File(_)) && (is_executable || is_code)
}

/// Programs that are new or changed against the baseline, and how many there are.
pub(super) fn unstated(found: &Inventory, changes: &[ChangeRow]) -> (Vec<ProgramRow>, u64) {
    let is_new = |kind| {
        matches!(
            kind,
            ChangeKind::Added | ChangeKind::Modified | ChangeKind::Uncovered
        )
    };
    let kinds: BTreeMap<&str, ChangeKind> = changes
        .iter()
        .filter(|row| is_new(row.kind))
        .filter_map(|row| Some((row.place.as_deref()?, row.kind)))
        .collect();
    if kinds.is_empty() {
        return (Vec::new(), 0);
    }
    let rows = found
        .entries
        .iter()
        .filter(|entry| is_program(entry))
        .filter_map(|entry| {
            let kind = *kinds.get(entry.place.to_string().as_str())?;
            Some(ProgramRow {
                kind,
                path: cut(&crate::place::escape(entry.entry.path.as_bytes())),
                sha256: entry.sha256?,
            })
        });
    let mut rows: Vec<ProgramRow> = rows.collect();
    let all = count(rows.len());
    rows.truncate(MOST_PROGRAMS);
    (rows, all)
}

/// The digest that a change says the image holds.
pub(super) fn digest(row: &ChangeRow) -> Option<Digest> {
    match row.found.get("sha256") {
        Some(Value::Text(text)) => text.parse().ok(),
        _ => None,
    }
}
