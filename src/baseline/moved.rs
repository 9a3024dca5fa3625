//! Files that stand at another path than before.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, ChangeKind, Value};
use crate::digest::Digest;

/// The changes of one tree, each with the digest of its file; a removed and an added file of one content become one that
/// moved. By path.
pub(super) fn paired(mut changes: Vec<(Change, Option<Digest>)>) -> Vec<Change> {
    let mut gone: BTreeMap<Digest, usize> = BTreeMap::new();
    let empty = Digest::of(b"");
    for (index, (change, digest)) in changes.iter().enumerate() {
        if let (ChangeKind::Removed, Some(digest)) = (change.kind, digest)
            && *digest != empty
        {
            gone.entry(*digest).or_insert(index);
        }
    }
    let mut dropped = BTreeSet::new();
    for index in 0..changes.len() {
        let Some((change, Some(digest))) = changes.get(index) else {
            continue;
        };
        if change.kind != ChangeKind::Added {
            continue;
        }
        let Some(from) = gone.remove(digest) else {
            continue;
        };
        let before = changes.get(from).map(|(change, _)| change);
        let old = before.and_then(|change| change.path.clone());
        let values = before
            .map(|change| change.expected.clone())
            .unwrap_or_default();
        dropped.insert(from);
        if let Some((change, _)) = changes.get_mut(index) {
            let new = change.path.clone();
            change.kind = ChangeKind::Moved;
            let now = std::mem::take(&mut change.found);
            change.differ("path", old.map(Value::Text), new.map(Value::Text));
            for field in ["mode", "uid", "gid", "xattrs"] {
                let (was, is) = (values.get(field), now.get(field));
                if was != is && (field == "xattrs" || (was.is_some() && is.is_some())) {
                    change.differ(field, was.cloned(), is.cloned());
                }
            }
        }
    }
    let kept = changes.into_iter().enumerate();
    let kept = kept.filter(|(index, _)| !dropped.contains(index));
    let mut changes: Vec<Change> = kept.map(|(_, (change, _))| change).collect();
    changes.sort_by(|a, b| (&a.path, a.kind).cmp(&(&b.path, b.kind)));
    changes
}
