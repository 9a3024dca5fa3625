//! Which tree of an image is which component of a baseline: decided by content, not by where it stands.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Baseline, ExpectedNode, FileRow};
use super::piece::FoundTree;
use crate::digest::Digest;
use crate::entry::EntryPath;

/// The rows of a component by path and ordinal, with the digests of its files.
type Expected<'a> = BTreeMap<(&'a EntryPath, u32), Option<Digest>>;

/// For each tree component the index of the tree that is it, if any is.
pub(super) fn pair(
    baseline: &Baseline,
    rows: &[Vec<&FileRow>],
    trees: &[FoundTree<'_>],
) -> BTreeMap<usize, usize> {
    let mut scores = Vec::new();
    let components = baseline.components.iter().enumerate();
    for (component, _) in components.filter(|(_, component)| component.body.is_tree()) {
        let expected = rows.get(component).map(Vec::as_slice).unwrap_or_default();
        let expected: Expected<'_> = expected
            .iter()
            .map(|row| ((&row.path, row.ordinal), digest(row)))
            .collect();
        for (tree, found) in trees.iter().enumerate() {
            let score = score(&expected, found);
            if score > 0 {
                scores.push((score, component, tree));
            }
        }
    }
    // The best score first; equal scores go to the earlier component and the earlier tree.
    scores
        .sort_by_key(|&(score, component, tree)| (u64::MAX.saturating_sub(score), component, tree));
    let (mut pairs, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for (_, component, tree) in scores {
        if !pairs.contains_key(&component) && taken.insert(tree) {
            pairs.insert(component, tree);
        }
    }
    pairs
}

/// How much of what is expected a tree holds: an equal content at its path counts ten times a path alone. 0 when less
/// than a tenth of the paths is there: then it is another tree.
fn score(rows: &Expected<'_>, tree: &FoundTree<'_>) -> u64 {
    let (mut paths, mut contents) = (0_u64, 0_u64);
    for found in &tree.entries {
        if let Some(digest) = rows.get(&(&found.entry.path, found.ordinal)) {
            paths = paths.saturating_add(1);
            if digest.is_some() && *digest == found.sha256 {
                contents = contents.saturating_add(1);
            }
        }
    }
    let wanted = u64::try_from(rows.len())
        .unwrap_or(u64::MAX)
        .div_ceil(10)
        .max(1);
    if rows.is_empty() && tree.entries.is_empty() {
        return 1;
    }
    if paths < wanted {
        0
    } else {
        contents.saturating_mul(10).saturating_add(paths)
    }
}

fn digest(row: &FileRow) -> Option<Digest> {
    match &row.node {
        ExpectedNode::File { sha256, .. } => Some(*sha256),
        _ => None,
    }
}
