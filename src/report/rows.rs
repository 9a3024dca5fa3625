//! The rows that lists and reports share: regions, gaps and older contents, owned, written as JSON and read back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::extract::{Coverage, Gap, GapKind, Inventory, Older, Region, State};
use crate::facts::vxworks::SymbolTable;
use crate::formats::Proof;
use crate::place::{Place, Step, escape};

/// One region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RegionRow {
    /// Where it is.
    pub place: String,
    /// The same, step by step.
    pub steps: Vec<Step>,
    /// The format's id.
    pub format: String,
    /// First byte, from the start of the parent's (decoded) bytes.
    pub at: u64,
    /// Length in bytes.
    pub len: u64,
    /// The region that holds it, as an index; `None`: the image.
    pub parent: Option<usize>,
    /// The named part of the flash that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// The place of the entry in whose content it lies.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Whether it lies in the stored bytes of a parent that decodes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stored: bool,
    /// How much of it was read.
    pub state: State,
    /// How strongly it is proven.
    pub proof: Proof,
    /// The account of what it decoded to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoded: Option<Coverage>,
    /// The digest of what it decoded to, where that is one stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoded_sha256: Option<Digest>,
    /// What it says about itself, escaped.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// One gap.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GapRow {
    /// Where it is.
    pub place: String,
    /// First byte, from the start of the parent's (decoded) bytes.
    pub at: u64,
    /// Length in bytes.
    pub len: u64,
    /// The region that holds it, as an index; `None`: the image.
    pub parent: Option<usize>,
    /// The named part of the flash that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// The place of the entry in whose content it lies.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Whether it lies in the stored bytes of a parent that decodes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stored: bool,
    /// Fill or unknown.
    #[serde(flatten)]
    pub kind: GapKind,
    /// The banners of boot loaders and kernels in it, escaped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub banners: Vec<String>,
    /// The symbol table of an operating system in it.
    #[serde(rename = "symbol-table", skip_serializing_if = "Option::is_none")]
    pub symbol_table: Option<SymbolTable>,
}

/// One older content.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OlderRow {
    /// Where it is.
    pub place: String,
    /// The path it was known by, escaped.
    pub path: String,
    /// The region whose tree it belongs to, as an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<usize>,
    /// When it was written, in seconds since 1970, where the format says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtime: Option<i64>,
    /// Why it is no longer current.
    pub why: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Every region of an inventory, in its order.
pub(super) fn regions(found: &Inventory) -> Vec<RegionRow> {
    let row = |region: &Region| {
        let part = found.partition_of(&region.place, region.owner(), region.at, region.len);
        RegionRow {
            place: region.place.to_string(),
            steps: region.place.steps().into_iter().cloned().collect(),
            format: region.format.id.to_owned(),
            at: region.at,
            len: region.len,
            parent: region.parent,
            partition: part.map(|part| part.name.clone()),
            within: within(found, region.within),
            stored: region.stored,
            state: region.state,
            proof: region.proof,
            decoded: region.decoded.map(|decoded| decoded.coverage),
            decoded_sha256: region.decoded.and_then(|decoded| decoded.sha256),
            properties: region.properties.clone(),
        }
    };
    found.regions.iter().map(row).collect()
}

/// Every gap of an inventory, in its order.
pub(super) fn gaps(found: &Inventory) -> Vec<GapRow> {
    let row = |gap: &Gap| {
        let part = found.partition_of(&gap.place, gap.owner(), gap.at, gap.len);
        GapRow {
            place: gap.place.to_string(),
            at: gap.at,
            len: gap.len,
            parent: gap.parent,
            partition: part.map(|part| part.name.clone()),
            within: within(found, gap.within),
            stored: gap.stored,
            kind: gap.kind,
            banners: banners(gap).collect(),
            symbol_table: gap.symbol_table.clone(),
        }
    };
    found.gaps.iter().map(row).collect()
}

fn within(found: &Inventory, entry: Option<usize>) -> Option<String> {
    let place: &Place = &found.entries.get(entry?)?.place;
    Some(place.to_string())
}

/// The banners of a gap, escaped.
pub(super) fn banners(gap: &Gap) -> impl Iterator<Item = String> {
    let banners = gap.banners.iter();
    banners.map(|banner| escape(banner.as_bytes()))
}

impl OlderRow {
    pub(super) fn new(older: &Older) -> Self {
        Self {
            place: older.place.to_string(),
            path: escape(older.path.as_bytes()),
            region: older.region,
            mtime: older.mtime,
            why: older.why.to_owned(),
            size: older.file.size,
            sha256: older.sha256,
        }
    }
}
