//! Which rows of a baseline decide what may stand at a path, and on which lines of its text they stand.
//!
//! The same rows in the same order as a comparison takes them: the file row first, then the mutable rows that name the path.

use super::Unverified;
use super::model::{Baseline, Body, FileRow, MutableRow};
use super::policy::{BadPolicy, Policy};
use super::read::{self, Spots};
use crate::document::Malformed;
use crate::entry::EntryPath;

/// A baseline that nobody vouches for, and where its rows stand.
pub struct Located {
    baseline: Baseline,
    bytes: Vec<u8>,
    spots: Spots,
}

/// A row and the line of the text that it starts on, counted from 1.
pub struct OnLine<'b, T> {
    /// The line.
    pub line: usize,
    /// The row.
    pub row: &'b T,
}

/// What one tree of a baseline says of a path.
pub struct Decision<'b> {
    /// The tree, by its index.
    pub component: usize,
    /// The file rows for the path: several where the tree has several entries of that path.
    pub files: Vec<OnLine<'b, FileRow>>,
    /// The mutable rows that name the path. An entry needs one that allows it, and none that forbids it.
    pub mutable: Vec<OnLine<'b, MutableRow>>,
}

impl Unverified {
    /// Reads the bytes although nobody vouches for them, and keeps where the rows stand.
    ///
    /// # Errors
    /// [`Malformed`], with the line.
    pub fn locate(self) -> Result<Located, Malformed> {
        let (baseline, spots) = read::located(&self.bytes)?;
        Ok(Located {
            baseline,
            bytes: self.bytes,
            spots,
        })
    }
}

impl Located {
    /// What was read.
    pub fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// The line that the row of a component starts on.
    pub fn component_line(&self, index: usize) -> usize {
        self.line(&self.spots.components, index)
    }

    /// What each tree that `wanted` takes says of a path.
    ///
    /// # Errors
    /// [`BadPolicy`]; never for a parsed baseline.
    pub fn decide(
        &self,
        path: &EntryPath,
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Vec<Decision<'_>>, BadPolicy> {
        let policy = Policy::new(&self.baseline.mutable)?;
        let components = self.baseline.components.iter().enumerate();
        let trees =
            components.filter(|(index, it)| matches!(it.body, Body::Tree { .. }) && wanted(*index));
        Ok(trees
            .map(|(component, _)| Decision {
                component,
                files: self.files(component, path),
                mutable: policy
                    .named(component, path)
                    .into_iter()
                    .map(|(index, row)| OnLine {
                        line: self.line(&self.spots.mutable, index),
                        row,
                    })
                    .collect(),
            })
            .collect())
    }

    fn files(&self, component: usize, path: &EntryPath) -> Vec<OnLine<'_, FileRow>> {
        let rows = self.baseline.files.iter().enumerate();
        rows.filter(|(_, row)| row.component == component && row.path == *path)
            .map(|(index, row)| OnLine {
                line: self.line(&self.spots.files, index),
                row,
            })
            .collect()
    }

    fn line(&self, spots: &[usize], index: usize) -> usize {
        let at = spots.get(index).copied().unwrap_or_default();
        let before = self.bytes.get(..at).unwrap_or(&self.bytes);
        memchr::memchr_iter(b'\n', before).count().saturating_add(1)
    }
}
