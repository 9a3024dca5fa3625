//! What the tests of several readers share: a fixture as bytes, and what a reader makes of it.

use std::io::Read as _;

use bytes::Bytes;

use crate::budget::{Budget, Limits};
use crate::digest::Digest;
use crate::entry::{File, Node};
use crate::formats::{Content, Format, Opened, Role, Tree};

/// The bytes of a compressed fixture.
pub(super) fn fixture(path: &str) -> Vec<u8> {
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(&stored(path)[..])
        .read_to_end(&mut image)
        .unwrap();
    image
}

/// The bytes of a fixture as they are.
pub(super) fn stored(path: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What a reader made of an image.
pub(super) struct Trial {
    pub(super) tree: Tree,
    pub(super) problems: Vec<String>,
    pub(super) opened: Opened,
}

/// Opens an image.
pub(super) fn open(format: &dyn Format, image: &[u8]) -> Trial {
    let budget = Budget::new(Limits::default());
    let mut opened = format.open(Bytes::copy_from_slice(image), &budget);
    let content = std::mem::replace(&mut opened.content, Content::Unread);
    Trial {
        tree: match content {
            Content::Tree(tree) => tree,
            _ => Tree::default(),
        },
        problems: opened
            .problems
            .iter()
            .map(|problem| format!("{}: {}", problem.kind.word(), problem.detail))
            .collect(),
        opened,
    }
}

impl Trial {
    /// Every entry: its path, and its size and digest if it is a file.
    pub(super) fn rows(&self) -> Vec<String> {
        let rows = self.tree.entries.iter().map(|entry| {
            let path = entry.path.as_bytes().escape_ascii();
            match &entry.node {
                Node::File(file) => format!("{path}\t{}\t{}", file.size, digest(file)),
                node => format!("{path}\t{}", node.word()),
            }
        });
        let mut rows: Vec<String> = rows.collect();
        rows.sort();
        rows
    }

    /// Every older content: its path, size and digest.
    pub(super) fn history(&self) -> Vec<String> {
        let rows = self.tree.history.iter().map(|older| {
            let path = older.path.as_bytes().escape_ascii();
            format!("{path}\t{}\t{}", older.file.size, digest(&older.file))
        });
        let mut rows: Vec<String> = rows.collect();
        rows.sort();
        rows
    }

    /// Whether some problem has these words in it.
    pub(super) fn tells(&self, words: &str) -> bool {
        self.problems.iter().any(|problem| problem.contains(words))
    }

    /// Whether any of the bytes is explained.
    pub(super) fn explains(&self, at: u64, len: u64) -> Option<Role> {
        let end = at + len;
        let mut spans = self.opened.spans.iter();
        let span = spans.find(|span| span.at < end && at < span.at + span.len)?;
        Some(span.role)
    }
}

/// The digest of a content; `-` where it cannot be read.
fn digest(file: &File) -> String {
    let mut bytes = Vec::new();
    match file.data.copy_to(&mut bytes) {
        Ok(()) => Digest::of(&bytes).to_string(),
        Err(_) => "-".to_owned(),
    }
}

/// The image with some of its bytes replaced.
pub(super) fn poke(image: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = image.to_vec();
    image[at..at + bytes.len()].copy_from_slice(bytes);
    image
}
