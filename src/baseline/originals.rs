//! Contents that a baseline states by their digests and that are at hand nevertheless: in the image they were taken from, left over in the one
//! that is looked at, or under another path in it.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::entry::{File, Node};
use crate::extract::Inventory;

/// Contents by their digest.
#[derive(Default)]
pub(super) struct Originals<'i>(BTreeMap<Digest, &'i File>);

impl<'i> Originals<'i> {
    /// What images hold, now or as older contents.
    pub(super) fn of(images: impl IntoIterator<Item = &'i Inventory>) -> Self {
        let mut all = BTreeMap::new();
        for image in images {
            for entry in &image.entries {
                if let (Node::File(file), Some(sha256)) = (&entry.entry.node, entry.sha256) {
                    all.entry(sha256).or_insert(file);
                }
            }
            for older in &image.history {
                if let Some(sha256) = older.sha256 {
                    all.entry(sha256).or_insert(&older.file);
                }
            }
        }
        Self(all)
    }

    /// The content of a digest, if it is at hand and has at most so many bytes. It is read, and its digest taken again: what an image says of
    /// an older content is not believed.
    pub(super) fn read(&self, sha256: Option<Digest>, most: u64) -> Option<Vec<u8>> {
        let sha256 = sha256?;
        let file = self.0.get(&sha256).filter(|file| file.size <= most)?;
        let mut bytes = Vec::new();
        file.data.copy_to(&mut bytes).ok()?;
        (Digest::of(&bytes) == sha256).then_some(bytes)
    }
}
