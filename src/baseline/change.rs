//! One difference between a baseline and an image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::own::Own;
use crate::place::Place;

/// What sort of difference it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// In the image, not in the baseline.
    Added,
    /// In the baseline, not in the image.
    Removed,
    /// In both, and not the same.
    Modified,
    /// In both, the same, at another path or offset.
    Moved,
    /// Bytes or entries of the image that no component of the baseline claims.
    Uncovered,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What sort.
    pub kind: ChangeKind,
    /// The component of the baseline, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The path in the component's tree, escaped, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where it is in the image, where it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Exactly what differs: `sha256`, `size`, `mode`, `uid`, `gid`, `target`, `rdev`, `kind`, `xattrs`, `at`, `path`.
    pub fields: Vec<&'static str>,
    /// What the baseline says of these fields.
    pub expected: BTreeMap<&'static str, Value>,
    /// What the image holds.
    pub found: BTreeMap<&'static str, Value>,
    /// What it means, one plain clause each.
    pub explanation: Vec<String>,
    /// Which code of a modified program the baseline holds too, where its fingerprints tell.
    #[serde(skip)]
    pub own: Option<Own>,
}

/// One value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number.
    Number(u64),
    /// The major and minor number of a device node.
    Device([u32; 2]),
    /// Text: a digest, an octal mode, an escaped name.
    Text(String),
    /// Extended attributes: name to hex bytes.
    Attributes(BTreeMap<String, String>),
}

impl Change {
    /// A difference of which nothing is said yet.
    pub fn new(kind: ChangeKind) -> Self {
        Self {
            kind,
            component: None,
            path: None,
            place: None,
            fields: Vec::new(),
            expected: BTreeMap::new(),
            found: BTreeMap::new(),
            explanation: Vec::new(),
            own: None,
        }
    }

    /// Notes that a field differs; a side that does not have it is `None`.
    pub(super) fn differ(
        &mut self,
        field: &'static str,
        expected: Option<Value>,
        found: Option<Value>,
    ) {
        self.fields.push(field);
        if let Some(value) = expected {
            self.expected.insert(field, value);
        }
        if let Some(value) = found {
            self.found.insert(field, value);
        }
    }
}
