//! Which version an image shows itself to be.

use super::compare::rows_by_component;
use super::model::{Baseline, Evidence};
use super::pair::pair;
use super::piece;
use crate::entry::{File, Node};
use crate::extract::Inventory;
use crate::place;

/// So many bytes of a content are searched.
const MOST: usize = 16 << 20;

/// What the image shows instead of the version that the baseline is for, in words; `None` where nothing contradicts it. A content that is
/// not there, or not read, contradicts nothing: that it is missing is a change of its own.
pub fn contradiction(baseline: &Baseline, found: &Inventory) -> Option<String> {
    let evidence = &baseline.firmware.evidence;
    if evidence.is_empty() {
        return None;
    }
    let rows = rows_by_component(baseline);
    let trees = piece::trees(found);
    let pairs = pair(baseline, &rows, &trees);
    evidence.iter().find_map(|row| {
        let path = row.path.as_ref()?;
        let tree = trees.get(*pairs.get(&row.component)?)?;
        let mut entries = tree.entries.iter();
        let entry = entries.find(|entry| entry.entry.path == *path)?;
        let Node::File(file) = &entry.entry.node else {
            return None;
        };
        let shows = shows(row, file)?;
        let place = place::escape(path.as_bytes());
        let wanted = place::escape(&row.contains);
        (!shows).then(|| format!("{place} in the image does not hold \"{wanted}\""))
    })
}

/// Whether a content holds what shows the version; `None` where it cannot be read.
fn shows(row: &Evidence, file: &File) -> Option<bool> {
    if file.size > u64::try_from(MOST).unwrap_or(u64::MAX) {
        return None;
    }
    let mut bytes = Vec::new();
    file.data.copy_to(&mut bytes).ok()?;
    Some(memchr::memmem::find(&bytes, &row.contains).is_some())
}
