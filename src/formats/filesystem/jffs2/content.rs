//! The content of a file: its pieces expanded one after another when they are wanted.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::compress::{STORED, expand};
use super::inode::{Fragment, View};
use crate::entry::{Data, Fault, File};
use crate::formats::stored::zeros;
use crate::problem::Problem;
use crate::read::{cut, index};

/// So many expanded nodes are kept, since newer pieces may stand inside of an older one.
const KEPT: usize = 16;
/// All expanding together may come to so many times the file's size, and this many bytes (64 MiB).
const REPEATED: u64 = 8;
const ALLOWED: u64 = 64 << 20;

/// A file's content as pieces of a region.
struct Pieces {
    image: Bytes,
    view: View,
}

/// The file that `view` describes, from `image`.
pub(super) fn file(image: &Bytes, view: View) -> File {
    let size = view.size;
    if size == 0 {
        return File::stored(Bytes::new());
    }
    if let [only] = view.fragments.as_slice()
        && view.missing.is_none()
        && only.node.compression == STORED
        && let Some(bytes) = stored(image, only)
    {
        return File::stored(bytes);
    }
    File {
        size,
        data: Arc::new(Pieces {
            image: image.clone(),
            view,
        }),
    }
}

/// The bytes of a piece whose node stores them as they are.
fn stored(image: &Bytes, piece: &Fragment) -> Option<Bytes> {
    let end = piece.offset_in_node().checked_add(piece.len())?;
    let data = cut(image, piece.node.data_at(), piece.node.csize.into())?;
    (end <= u64::from(piece.node.csize)).then(|| cut(&data, piece.offset_in_node(), piece.len()))?
}

/// The whole data of one node, for what is small and no file: link targets and device numbers.
pub(super) fn whole(image: &Bytes, node: &super::body::Inode) -> Result<Bytes, Problem> {
    let data = cut(image, node.data_at(), node.csize.into())
        .ok_or_else(|| Problem::corrupt("a node's data is cut off"))?;
    if node.compression == STORED {
        return Ok(data);
    }
    let mut out = Vec::new();
    expand(node.compression, &data, node.dsize, &mut out)?;
    Ok(out.into())
}

impl Data for Pieces {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let stop = self
            .view
            .missing
            .as_ref()
            .map_or(u64::MAX, |missing| missing.start);
        let mut expanded = Expanded {
            image: &self.image,
            kept: BTreeMap::new(),
            left: self
                .view
                .size
                .saturating_mul(REPEATED)
                .saturating_add(ALLOWED),
            used: 0,
        };
        for piece in self
            .view
            .fragments
            .iter()
            .take_while(|piece| piece.start < stop)
        {
            if piece.is_hole() {
                zeros(out, piece.len())?;
            } else if piece.node.compression == STORED {
                let bytes = stored(&self.image, piece).ok_or_else(|| {
                    Problem::corrupt("a node stores less than it says").at(piece.node.at)
                })?;
                out.write_all(&bytes)?;
            } else {
                let bytes = expanded.node(piece)?;
                let from = piece.offset_in_node();
                let range = index(from)..index(from.saturating_add(piece.len()));
                let bytes = bytes.get(range).ok_or_else(|| {
                    Problem::corrupt("a node expands to less than it says").at(piece.node.at)
                })?;
                out.write_all(bytes)?;
            }
        }
        match &self.view.missing {
            None => Ok(()),
            Some(missing) => Err(Problem::corrupt(format!(
                "no sound node holds bytes {} to {} of {}; Linux reads zeros there or a shorter file",
                missing.start, missing.end, self.view.size
            ))
            .into()),
        }
    }
}

/// Nodes that were expanded a moment ago.
struct Expanded<'a> {
    image: &'a Bytes,
    /// By place: when it was last used, and its bytes.
    kept: BTreeMap<u64, (u64, Vec<u8>)>,
    /// How many bytes may still be expanded.
    left: u64,
    used: u64,
}

impl Expanded<'_> {
    fn node(&mut self, piece: &Fragment) -> Result<&[u8], Problem> {
        let node = &piece.node;
        self.used = self.used.saturating_add(1);
        if !self.kept.contains_key(&node.at) {
            let size = u64::from(node.dsize);
            self.left = self.left.checked_sub(size).ok_or_else(|| {
                Problem::limit(
                    "the pieces of a file lie so much over each other that it is not read",
                )
                .at(node.at)
            })?;
            let data = cut(self.image, node.data_at(), node.csize.into()).unwrap_or_default();
            let mut bytes = Vec::new();
            expand(node.compression, &data, node.dsize, &mut bytes)
                .map_err(|problem| problem.at(node.at))?;
            if self.kept.len() >= KEPT {
                let oldest = self
                    .kept
                    .iter()
                    .min_by_key(|(_, (used, _))| *used)
                    .map(|(&at, _)| at);
                oldest.and_then(|at| self.kept.remove(&at));
            }
            self.kept.insert(node.at, (self.used, bytes));
        }
        let used = self.used;
        Ok(self.kept.get_mut(&node.at).map_or(&[], |kept| {
            kept.0 = used;
            kept.1.as_slice()
        }))
    }
}
