//! What a baseline states of a device tree blob: the start of a digest of each path in it, and of what stands there.
//!
//! The form is bytes, written in base64: `1`; how many bytes are kept of the digest of a path (3), and of a value (2); both, for each node and
//! property in the order of the blob. The path of a property is `/node/name`, that of a node `/node/` with an empty value, so that a node and what
//! is in it are told apart. A path decides what is new, and has a byte more for that.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::digest::Digest;
use crate::formats::dtb::{Property, properties};
use crate::read::length;

/// A larger blob has no row (1 MiB).
pub(super) const LARGEST: u64 = 1 << 20;
/// So many nodes and properties of a blob are regarded.
pub(super) const MOST: usize = 1 << 16;
/// The form, and how many bytes are kept of paths and values.
const FORM: [u8; 3] = [1, 3, 2];

/// The start of the digest of a path.
pub(super) type PathMark = [u8; 3];
/// The start of the digest of a value.
pub(super) type ValueMark = [u8; 2];

/// A device tree blob as a baseline states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRow {
    /// The SHA-256 of the blob.
    pub of: Digest,
    /// Its nodes and properties, in order.
    marks: Vec<(PathMark, ValueMark)>,
}

impl TreeRow {
    /// The row of a blob; `None` for anything else.
    pub fn of(blob: &[u8]) -> Option<Self> {
        if length(blob) > LARGEST {
            return None;
        }
        let all = properties(blob, MOST)?;
        (!all.is_empty()).then(|| Self {
            of: Digest::of(blob),
            marks: all.iter().map(marks).collect(),
        })
    }

    /// The text that a baseline holds.
    pub fn text(&self) -> String {
        let mut bytes = FORM.to_vec();
        for (path, value) in &self.marks {
            bytes.extend_from_slice(path);
            bytes.extend_from_slice(value);
        }
        STANDARD.encode(bytes)
    }

    /// What a baseline's text says.
    ///
    /// # Errors
    /// What it must be.
    pub fn parse(of: Digest, text: &str) -> Result<Self, &'static str> {
        let bytes = STANDARD.decode(text).map_err(|_error| "base64")?;
        let Some((&FORM, digests)) = bytes.split_first_chunk() else {
            return Err("digests of a device tree, in a form and of widths that are known");
        };
        let (marks, rest) = digests.as_chunks::<5>();
        if !rest.is_empty() || marks.is_empty() || marks.len() > MOST {
            return Err(
                "whole digests, of one node at least and 65536 nodes and properties at most",
            );
        }
        let marks = marks.iter();
        Ok(Self {
            of,
            marks: marks
                .map(|[a, b, c, d, e]| ([*a, *b, *c], [*d, *e]))
                .collect(),
        })
    }

    /// What stands at each path.
    pub(super) fn paths(&self) -> BTreeMap<PathMark, ValueMark> {
        self.marks.iter().copied().collect()
    }
}

/// What is kept of a property or node.
pub(super) fn marks(property: &Property<'_>) -> (PathMark, ValueMark) {
    let [one, two, three, ..] = *Digest::of(&property.path).as_bytes();
    let [four, five, ..] = *Digest::of(property.value.unwrap_or_default()).as_bytes();
    ([one, two, three], [four, five])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob() -> Vec<u8> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/dtb/v17.img");
        std::fs::read(path).unwrap()
    }

    /// By hand: `printf / | sha256sum` starts with 8a5edab2, of nothing with e3b0; `/model`, and its value with its NUL.
    #[test]
    fn the_form_is_the_one_described() {
        let bytes = STANDARD
            .decode(TreeRow::of(&blob()).unwrap().text())
            .unwrap();
        assert_eq!(bytes[..8], [1, 3, 2, 0x8a, 0x5e, 0xda, 0xe3, 0xb0]);
        let path = Digest::of(b"/model");
        let value = Digest::of(b"Example Medical VSM-9000\0");
        assert_eq!(bytes[8..11], path.as_bytes()[..3]);
        assert_eq!(bytes[11..13], value.as_bytes()[..2]);
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let row = TreeRow::of(&blob()).unwrap();
        assert_eq!(TreeRow::parse(row.of, &row.text()), Ok(row.clone()));
        let good = STANDARD.decode(row.text()).unwrap();
        for end in [0, 2, 3, 4, 9] {
            assert!(TreeRow::parse(row.of, &STANDARD.encode(&good[..end])).is_err());
        }
        for at in 0..3 {
            let mut other = good.clone();
            other[at] += 1;
            assert!(TreeRow::parse(row.of, &STANDARD.encode(&other)).is_err());
        }
        assert!(TreeRow::of(b"\xd0\x0d\xfe\xed").is_none());
    }

    /// Cut anywhere, and with any byte of its structure another: a tree that never ends, loops back or names what is not there.
    #[test]
    fn any_bytes_are_taken() {
        let blob = blob();
        for end in 0..blob.len() {
            TreeRow::of(&blob[..end]);
        }
        for at in 0..blob.len() {
            for byte in [0, 1, 3, 0xff] {
                let mut other = blob.clone();
                other[at] = byte;
                TreeRow::of(&other);
            }
        }
    }
}
