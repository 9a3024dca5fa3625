//! Files against the manifests beside them.

use std::collections::BTreeMap;

use crate::digest::hex;
use crate::entry::{EntryPath, Node};
use crate::extract::{Found, Inventory};
use crate::facts::manifest::{self, Algorithm, Listed};
use crate::finding::{Confidence, Finding, Severity};
use crate::place::escape;

/// So many files that differ are told one by one.
const TOLD: usize = 100;
/// So many manifests are named.
const NAMED: usize = 8;

/// A finding for every file that is not what a manifest of its tree states; and one for each tree whose manifests hold.
pub(super) fn manifests(found: &Inventory) -> Vec<Finding> {
    let mut trees: BTreeMap<Option<usize>, Vec<&Found>> = BTreeMap::new();
    for entry in &found.entries {
        trees.entry(entry.region).or_default().push(entry);
    }
    let trees = trees.into_values();
    trees
        .flat_map(|entries| Tree::new(&entries).check(&entries))
        .collect()
}

/// The files of one tree, and what is known of them.
struct Tree<'a> {
    files: BTreeMap<&'a EntryPath, &'a Found>,
    /// Digests that were computed, by path.
    digests: BTreeMap<(&'a EntryPath, Algorithm), Option<Vec<u8>>>,
    manifests: Vec<&'a Found>,
    equal: usize,
    absent: usize,
    differ: Vec<Finding>,
}

impl<'a> Tree<'a> {
    fn new(entries: &[&'a Found]) -> Self {
        let is_file = |entry: &&&Found| matches!(entry.entry.node, Node::File(_));
        let files = entries.iter().filter(is_file);
        Self {
            files: files.map(|entry| (&entry.entry.path, *entry)).collect(),
            digests: BTreeMap::new(),
            manifests: Vec::new(),
            equal: 0,
            absent: 0,
            differ: Vec::new(),
        }
    }

    fn check(mut self, entries: &[&'a Found]) -> Vec<Finding> {
        for entry in entries {
            let listed = listed(entry);
            if !listed.is_empty() {
                self.manifests.push(entry);
            }
            for row in listed {
                self.row(entry, &row);
            }
        }
        let mut findings = self.differ;
        if let (Some(first), true) = (self.manifests.first(), self.equal > 0) {
            let names = self.manifests.iter().take(NAMED);
            let mut evidence: Vec<String> = names
                .map(|entry| format!("manifest: {}", escape(entry.entry.path.as_bytes())))
                .collect();
            let unnamed = self.manifests.len().saturating_sub(NAMED);
            if unnamed > 0 {
                evidence.push(format!("and {unnamed} more manifests"));
            }
            evidence.push(format!(
                "{} files are as stated, {} are listed and not in this tree",
                self.equal, self.absent
            ));
            findings.push(Finding {
                code: "manifest-holds",
                severity: Severity::Info,
                confidence: Confidence::Proven,
                title: "Files are as manifests beside them state; a manifest is no signature: whoever changes a file can change it".to_owned(),
                place: first.place.clone(),
                evidence,
                references: Vec::new(),
                shown_in: None,
            });
        }
        findings
    }

    fn row(&mut self, manifest: &Found, row: &Listed) {
        let beside = folder(&manifest.entry.path).join(&row.name);
        let below = EntryPath::root().join(&row.name);
        let file = [beside, below]
            .iter()
            .find_map(|path| self.files.get_key_value(path))
            .map(|(path, entry)| (*path, *entry));
        let Some((path, entry)) = file else {
            self.absent = self.absent.saturating_add(1);
            return;
        };
        let key = (path, row.algorithm);
        let digest = self
            .digests
            .entry(key)
            .or_insert_with(|| digest(entry, row.algorithm));
        match digest {
            Some(digest) if *digest == row.digest => self.equal = self.equal.saturating_add(1),
            Some(digest) if self.differ.len() < TOLD => self.differ.push(Finding {
                code: "manifest-mismatch",
                severity: Severity::Medium,
                confidence: Confidence::Proven,
                title: "A file is not the one that a manifest beside it states".to_owned(),
                place: entry.place.clone(),
                evidence: vec![
                    format!("manifest: {}", escape(manifest.entry.path.as_bytes())),
                    format!("stated: {} {}", row.algorithm.word(), hex(&row.digest)),
                    format!("found: {} {}", row.algorithm.word(), hex(digest)),
                ],
                references: vec!["CWE-345"],
                shown_in: None,
            }),
            // What could not be read is told already.
            Some(_) | None => {}
        }
    }
}

/// What an entry lists, if it is a manifest.
fn listed(entry: &Found) -> Vec<Listed> {
    let Node::File(file) = &entry.entry.node else {
        return Vec::new();
    };
    let name = entry.entry.path.components().last().unwrap_or_default();
    if file.size > manifest::LONGEST || !manifest::is_name(name) {
        return Vec::new();
    }
    let mut text = Vec::new();
    match file.data.copy_to(&mut text) {
        Ok(()) => manifest::listed(name, &text),
        Err(_) => Vec::new(),
    }
}

/// The digest of a file's content; `None` when it cannot be read.
fn digest(entry: &Found, algorithm: Algorithm) -> Option<Vec<u8>> {
    let Node::File(file) = &entry.entry.node else {
        return None;
    };
    if algorithm == Algorithm::Sha256 {
        return entry.sha256.map(|sha256| sha256.as_bytes().to_vec());
    }
    let mut digest = algorithm.hasher();
    file.data.copy_to(&mut digest).ok()?;
    Some(digest.finish())
}

/// The directory that a path stands in.
fn folder(path: &EntryPath) -> EntryPath {
    let bytes = path.as_bytes();
    let end = bytes
        .iter()
        .rposition(|&byte| byte == b'/')
        .unwrap_or_default();
    EntryPath::new(bytes.get(..end).unwrap_or_default())
}
