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
    let mut told = told(baseline, found).into_iter();
    let (row, _) = told.find(|(_, shows)| *shows == Some(false))?;
    let place = place::escape(row.path.as_ref()?.as_bytes());
    let wanted = place::escape(&row.contains);
    Some(format!("{place} in the image does not hold \"{wanted}\""))
}

/// Whether the image shows everything that the baseline names as evidence of its version, and that is something.
pub fn is_shown(baseline: &Baseline, found: &Inventory) -> bool {
    let told = told(baseline, found);
    !told.is_empty() && told.iter().all(|(_, shows)| *shows == Some(true))
}

/// Each row of the evidence, and whether the image shows it; `None` where that cannot be told.
fn told<'b>(baseline: &'b Baseline, found: &Inventory) -> Vec<(&'b Evidence, Option<bool>)> {
    let evidence = &baseline.firmware.evidence;
    if evidence.is_empty() {
        return Vec::new();
    }
    let rows = rows_by_component(baseline);
    let trees = piece::trees(found);
    let pairs = pair(baseline, &rows, &trees);
    let shown = |row: &Evidence| {
        let path = row.path.as_ref()?;
        let tree = trees.get(*pairs.get(&row.component)?)?;
        let mut entries = tree.entries.iter();
        let entry = entries.find(|entry| entry.entry.path == *path)?;
        match &entry.entry.node {
            Node::File(file) => shows(row, file),
            _ => None,
        }
    };
    evidence.iter().map(|row| (row, shown(row))).collect()
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
