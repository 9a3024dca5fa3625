//! `vitalsign.list/1`: what an image holds.

pub mod text;

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::digest::{Digest, hex};
use crate::entry::Node;
use crate::extract::{
    Coverage, Found, Gap, GapKind, ImageId, Inventory, Older, Partition, Region, State, Told,
};
use crate::facts::vxworks::SymbolTable;
use crate::facts::{Facts, FileType};
use crate::formats::Proof;
use crate::place::{Place, Step, escape};

/// The list as JSON has it.
#[derive(Serialize)]
pub struct List<'a> {
    schema: &'static str,
    image: &'a ImageId,
    regions: Vec<RegionRow<'a>>,
    gaps: Vec<GapRow<'a>>,
    entries: Entries<'a>,
    history: Vec<OlderRow<'a>>,
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

#[derive(Serialize)]
struct RegionRow<'a> {
    place: &'a Place,
    steps: Vec<&'a Step>,
    format: &'static str,
    at: u64,
    len: u64,
    parent: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<&'a str>,
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    within: Option<&'a Place>,
    #[serde(skip_serializing_if = "is_false")]
    stored: bool,
    state: State,
    proof: Proof,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<Coverage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded_sha256: Option<Digest>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct GapRow<'a> {
    place: &'a Place,
    at: u64,
    len: u64,
    parent: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<&'a str>,
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    within: Option<&'a Place>,
    #[serde(skip_serializing_if = "is_false")]
    stored: bool,
    #[serde(flatten)]
    kind: GapKind,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    banners: Vec<String>,
    #[serde(rename = "symbol-table", skip_serializing_if = "Option::is_none")]
    symbol_table: Option<&'a SymbolTable>,
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

/// One older content as JSON has it.
#[derive(Serialize)]
pub(super) struct OlderRow<'a> {
    place: &'a Place,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtime: Option<i64>,
    why: &'static str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> List<'a> {
    /// The list of an inventory.
    pub fn new(found: &'a Inventory) -> Self {
        let within = |entry: Option<usize>| {
            entry
                .and_then(|entry| found.entries.get(entry))
                .map(|entry| &entry.place)
        };
        let partition = |place, owner, at, len| {
            let part = found.partition_of(place, owner, at, len);
            part.map(|part| part.name.as_str())
        };
        Self {
            schema: "vitalsign.list/1",
            image: &found.image,
            regions: found
                .regions
                .iter()
                .map(|region| RegionRow {
                    partition: partition(&region.place, region.owner(), region.at, region.len),
                    ..RegionRow::new(region, within(region.within))
                })
                .collect(),
            gaps: found
                .gaps
                .iter()
                .map(|gap| GapRow {
                    partition: partition(&gap.place, gap.owner(), gap.at, gap.len),
                    ..GapRow::new(gap, within(gap.within))
                })
                .collect(),
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

impl<'a> RegionRow<'a> {
    fn new(region: &'a Region, within: Option<&'a Place>) -> Self {
        Self {
            place: &region.place,
            steps: region.place.steps(),
            format: region.format.id,
            at: region.at,
            len: region.len,
            parent: region.parent,
            partition: None,
            within,
            stored: region.stored,
            state: region.state,
            proof: region.proof,
            decoded: region.decoded.map(|decoded| decoded.coverage),
            decoded_sha256: region.decoded.and_then(|decoded| decoded.sha256),
            properties: &region.properties,
        }
    }
}

impl<'a> GapRow<'a> {
    fn new(gap: &'a Gap, within: Option<&'a Place>) -> Self {
        Self {
            place: &gap.place,
            at: gap.at,
            len: gap.len,
            parent: gap.parent,
            partition: None,
            within,
            stored: gap.stored,
            kind: gap.kind,
            banners: shown(gap).collect(),
            symbol_table: gap.symbol_table.as_ref(),
        }
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

impl<'a> OlderRow<'a> {
    pub(super) fn place(&self) -> &Place {
        self.place
    }

    pub(super) fn mtime(&self) -> Option<i64> {
        self.mtime
    }

    pub(super) fn why(&self) -> &'static str {
        self.why
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn new(older: &'a Older) -> Self {
        Self {
            place: &older.place,
            path: escape(older.path.as_bytes()),
            region: older.region,
            mtime: older.mtime,
            why: older.why,
            size: older.file.size,
            sha256: older.sha256,
        }
    }
}

/// The banners of a gap, escaped.
fn shown(gap: &Gap) -> impl Iterator<Item = String> {
    let banners = gap.banners.iter();
    banners.map(|banner| escape(banner.as_bytes()))
}
