//! `vitalsign.list/1`: what an image holds.

pub mod text;

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::rows::{self, GapRow, OlderRow, RegionRow};
use crate::digest::{Digest, hex};
use crate::entry::Node;
use crate::extract::{Coverage, Found, ImageId, Inventory, Partition, Told};
use crate::facts::{Facts, FileType};
use crate::place::{Place, escape};

/// The list as JSON has it.
#[derive(Serialize)]
pub struct List<'a> {
    schema: &'static str,
    image: &'a ImageId,
    regions: Vec<RegionRow>,
    gaps: Vec<GapRow>,
    entries: Entries<'a>,
    history: Vec<OlderRow>,
    partitions: &'a [Partition],
    problems: &'a [Told],
    coverage: Coverage,
}

/// The entries, made into rows one by one as they are written: an image may hold half a million.
struct Entries<'a> {
    found: &'a [Found],
    /// What is known of their contents, by index.
    facts: Option<&'a BTreeMap<usize, Facts>>,
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self
            .found
            .iter()
            .enumerate()
            .map(|(index, found)| EntryRow {
                facts: self.facts.and_then(|facts| facts.get(&index)),
                ..EntryRow::new(found)
            });
        serializer.collect_seq(rows)
    }
}

/// One entry as JSON has it; what its format does not store is absent.
#[derive(Serialize)]
pub(super) struct EntryRow<'a> {
    place: &'a Place,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<usize>,
    #[serde(skip_serializing_if = "is_zero")]
    ordinal: u32,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rdev: Option<[u32; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    file_type: Option<FileType>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    xattrs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<&'a Facts>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl<'a> List<'a> {
    /// The list of an inventory.
    pub fn new(found: &'a Inventory) -> Self {
        Self {
            schema: "vitalsign.list/1",
            image: &found.image,
            regions: rows::regions(found),
            gaps: rows::gaps(found),
            entries: Entries {
                found: &found.entries,
                facts: None,
            },
            history: found.history.iter().map(OlderRow::new).collect(),
            partitions: &found.partitions,
            problems: &found.problems,
            coverage: found.coverage,
        }
    }
}

impl<'a> List<'a> {
    /// The same list with what is known of some entries' contents, by their index.
    #[must_use]
    pub fn with_facts(mut self, facts: &'a BTreeMap<usize, Facts>) -> Self {
        self.entries.facts = Some(facts);
        self
    }
}

impl<'a> EntryRow<'a> {
    pub(super) fn new(found: &'a Found) -> Self {
        let entry = &found.entry;
        let (target, rdev, size) = match &entry.node {
            Node::Symlink(target) => (Some(escape(target)), None, u64::try_from(target.len()).ok()),
            Node::Char(device) | Node::Block(device) => {
                (None, Some([device.major, device.minor]), None)
            }
            Node::File(file) => (None, None, Some(file.size)),
            Node::Dir | Node::Fifo | Node::Socket => (None, None, None),
        };
        let xattrs = entry.meta.xattrs.iter();
        Self {
            place: &found.place,
            path: escape(entry.path.as_bytes()),
            region: found.region,
            ordinal: found.ordinal,
            kind: entry.node.word(),
            target,
            rdev,
            mode: entry.meta.mode.map(|mode| format!("{mode:04o}")),
            uid: entry.meta.uid,
            gid: entry.meta.gid,
            size,
            sha256: found.sha256,
            file_type: found.content,
            facts: None,
            xattrs: xattrs
                .map(|(name, value)| (escape(name), hex(value)))
                .collect(),
        }
    }
}
