//! The one tree that a list is about: each path once, each below directories.

use std::collections::BTreeMap;

use super::super::model::{Body, Component, ExpectedNode, FileRow, Unstated};
use super::{Imported, MOST_ROWS, NotImported, tree_component};
use crate::digest::Digest;
use crate::entry::EntryPath;
use crate::place::escape;

/// The longest path in bytes, as on Linux.
const LONGEST_PATH: usize = 4096;

/// The most bytes of the names of directories that no row is for (64 MiB).
const MOST_BYTES: usize = 64 << 20;

/// Rows as they come, and what is wrong with others.
pub(super) struct Tree<'a> {
    strip: &'a [u8],
    rows: BTreeMap<EntryPath, Meta>,
    /// Whether the first name started with a slash.
    absolute: Option<bool>,
    /// Components that are no tree.
    pub(super) raw: Vec<Component>,
    pub(super) left_out: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// What a list states of one entry.
#[derive(Clone)]
pub(super) struct Meta {
    pub(super) node: ExpectedNode,
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

impl Meta {
    /// An entry of which nothing else is stated.
    pub(super) fn bare(node: ExpectedNode) -> Self {
        Self {
            node,
            mode: None,
            uid: None,
            gid: None,
        }
    }
}

impl<'a> Tree<'a> {
    pub(super) fn new(strip: &'a [u8]) -> Self {
        Self {
            strip,
            rows: BTreeMap::new(),
            absolute: None,
            raw: Vec::new(),
            left_out: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a regular file of which the digest is stated, and perhaps the size.
    pub(super) fn file(
        &mut self,
        name: &[u8],
        sha256: Digest,
        size: Option<u64>,
    ) -> Result<(), NotImported> {
        self.add(name, Meta::bare(ExpectedNode::File { size, sha256 }))
    }

    /// Adds an entry under the name that the list has for it.
    pub(super) fn add(&mut self, name: &[u8], meta: Meta) -> Result<(), NotImported> {
        let refuse = |why: &str| Err(NotImported::whole(format!("`{}` {why}", escape(name))));
        if name.is_empty() || name.contains(&0) {
            return refuse("is no name of a file");
        }
        if name.len() > LONGEST_PATH {
            return Err(NotImported::whole(format!(
                "a path has more than {LONGEST_PATH} bytes"
            )));
        }
        let absolute = name.starts_with(b"/");
        if *self.absolute.get_or_insert(absolute) != absolute {
            return refuse(
                "is absolute and others are not, or the other way round: below which directory is not known",
            );
        }
        let Some(path) = self.stripped(EntryPath::new(name)) else {
            return refuse("is not below the directory that --strip names");
        };
        if path.climbs() {
            return refuse("climbs out of its tree with `..`");
        }
        if path == EntryPath::root() && meta.node != ExpectedNode::Dir {
            return refuse("names the tree itself");
        }
        if self.rows.len() >= MOST_ROWS {
            return Err(NotImported::whole(format!(
                "it has more than {MOST_ROWS} rows"
            )));
        }
        if self.rows.insert(path, meta).is_some() {
            return refuse("stands there twice");
        }
        Ok(())
    }

    /// A path without the directory that is taken off.
    fn stripped(&self, path: EntryPath) -> Option<EntryPath> {
        let strip = EntryPath::new(self.strip);
        if strip == EntryPath::root() {
            return Some(path);
        }
        let rest = path.as_bytes().strip_prefix(strip.as_bytes())?;
        (rest.is_empty() || rest.starts_with(b"/")).then(|| EntryPath::new(rest))
    }

    /// Adds the directories that paths go through.
    fn add_parents(&mut self) -> Result<(), NotImported> {
        let mut parents = Vec::new();
        let mut spent = 0_usize;
        let mut before: &[u8] = b"";
        for path in self.rows.keys() {
            let path = path.as_bytes();
            // Paths come sorted: what this one shares with the one before it was looked at.
            let shared = path.iter().zip(before).take_while(|(a, b)| a == b).count();
            for at in memchr::memchr_iter(b'/', path).filter(|at| *at >= shared) {
                spent = spent.saturating_add(at);
                if spent > MOST_BYTES {
                    return Err(NotImported::whole(
                        "its paths go through too many directories",
                    ));
                }
                parents.push(EntryPath::new(path.get(..at).unwrap_or_default()));
            }
            before = path;
        }
        for parent in parents {
            let shown = escape(parent.as_bytes());
            let row = self.rows.entry(parent);
            let row = row.or_insert(Meta::bare(ExpectedNode::Dir));
            if row.node != ExpectedNode::Dir {
                return Err(NotImported::whole(format!(
                    "`{shown}` is no directory, and other paths go through it"
                )));
            }
        }
        Ok(())
    }

    /// The rows sorted, with the directories that paths go through.
    pub(super) fn finish(
        mut self,
        component: &str,
        unstated: &[Unstated],
    ) -> Result<Imported, NotImported> {
        self.add_parents()?;
        let index = self.raw.len();
        let rows = self.rows.into_iter();
        let files: Vec<FileRow> = rows
            .map(|(path, meta)| FileRow {
                component: index,
                path,
                ordinal: 0,
                node: meta.node,
                mode: meta.mode,
                uid: meta.uid,
                gid: meta.gid,
                xattrs: BTreeMap::new(),
            })
            .collect();
        let mut components = self.raw;
        if !files.is_empty() {
            components.push(tree_component(component, unstated));
        }
        if components.is_empty() {
            let why = self.left_out.first();
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            return Err(NotImported::whole(format!(
                "it states nothing that a baseline can hold{why}"
            )));
        }
        Ok(Imported {
            components,
            files,
            left_out: self.left_out,
            notes: self.notes,
        })
    }
}

/// A raw component of a list.
pub(super) fn raw(name: String, size: Option<u64>, sha256: Digest) -> Component {
    Component {
        name,
        body: Body::Raw { size, sha256 },
        at: None,
        part: None,
        optional: false,
    }
}

/// The digest that these digits are, in whatever case.
pub(super) fn sha256(digits: &str) -> Option<Digest> {
    digits.to_ascii_lowercase().parse().ok()
}
