//! What the tests of several archives share: a fixture, and an archive opened as the engine opens it.

use std::path::Path;

use bytes::Bytes;

use crate::budget::{Budget, Limits};
use crate::entry::Node;
use crate::formats::{Content, Format, Length, Opened, Tree};
use crate::read::clip;

/// The bytes of a fixture.
pub(super) fn fixture(path: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(root.join(path)).unwrap()
}

/// The archive at the start of `bytes`: its length, its tree, and the rest of what is told. `None` when it is none.
pub(super) fn open(format: &dyn Format, bytes: impl Into<Bytes>) -> Option<(u64, Tree, Opened)> {
    let bytes = bytes.into();
    let Length::Known(len) = format.measure(&bytes).ok()?.len else {
        panic!("an archive states its length");
    };
    let mut opened = format.open(clip(&bytes, 0, len), &Budget::new(Limits::default()));
    let Content::Tree(tree) = std::mem::replace(&mut opened.content, Content::Unread) else {
        panic!("an archive is a tree");
    };
    Some((len, tree, opened))
}

/// How many bytes of the region are explained.
pub(super) fn explained(opened: &Opened) -> u64 {
    opened.spans.iter().map(|span| span.len).sum()
}

/// The contents of all files in order, of those that are whole.
pub(super) fn contents(tree: &Tree) -> Vec<Option<Bytes>> {
    let files = tree.entries.iter().filter_map(|entry| match &entry.node {
        Node::File(file) => Some(file.data.bytes()),
        _ => None,
    });
    files.collect()
}
