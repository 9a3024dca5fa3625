//! The map of an image: what each of its bytes is to the verdict, in an amount of rows that does not grow with the image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::baseline::change::ChangeKind;
use crate::baseline::compare::{Checked, Claimed, Comparison};
use crate::entry::Node;
use crate::extract::{Found, Inventory, Profile, State};
use crate::place::{Place, escape};

mod areas;

/// A tree is told in at most so many runs.
const MOST_RUNS: usize = 512;
/// So many trees are told; those with changes first.
const MOST_TREES: usize = 64;

/// What bytes or entries are. Ordered by how much somebody has to look at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// One byte value over and over.
    Fill,
    /// As the baseline states, or allowed to change by it.
    Verified,
    /// Read, and compared with nothing: structure, or there was no baseline.
    Read,
    /// Of no known format.
    Unknown,
    /// Could not be read, or not all of it.
    Unread,
    /// Read, and no component of the baseline claims it.
    Uncovered,
    /// Not in the baseline.
    Added,
    /// Not as the baseline states.
    Modified,
}

/// The map of an image.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Map {
    /// The entropy of the image's own bytes; absent for a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entropy: Option<Profile>,
    /// The image's own bytes, in order and without a hole.
    pub areas: Vec<Area>,
    /// Whether there were too many areas, so that each stands for a thousandth of the image and the worst in it.
    pub coarse: bool,
    /// The entries of trees, by the region that holds them.
    pub trees: Vec<TreeMap>,
}

/// Bytes of the image that are the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    /// First byte, from the image's start.
    pub at: u64,
    /// Length in bytes.
    pub len: u64,
    /// What they are.
    pub what: What,
    /// The innermost region that holds them as a plain range, as an index into the regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<usize>,
}

/// The entries of one tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TreeMap {
    /// The region whose entries they are, as an index; absent for a root directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<usize>,
    /// The component that it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Entries that follow each other and are the same thing.
    pub runs: Vec<Run>,
}

/// Entries of a tree that are the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What they are.
    pub what: What,
    /// How many.
    pub entries: u64,
    /// How many bytes their contents have together.
    pub bytes: u64,
    /// The path, escaped, where it is one entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What changes say of places.
struct Marks<'a> {
    /// Of the places that changes name.
    exact: BTreeMap<&'a Place, What>,
    /// Of regions, by what is anywhere in them.
    regions: Vec<Option<What>>,
    claimed: &'a Claimed,
}

impl Map {
    /// The map of an image that was compared, or was not.
    pub(super) fn new(found: &Inventory, comparison: &Comparison) -> Self {
        let marks = Marks::new(found, comparison);
        let (areas, coarse) = areas::areas(found, &marks);
        Self {
            entropy: found.profile.clone(),
            areas,
            coarse,
            trees: trees(found, comparison, &marks),
        }
    }
}

impl<'a> Marks<'a> {
    fn new(found: &Inventory, comparison: &'a Comparison) -> Self {
        let mut at_place: BTreeMap<&Place, Vec<usize>> = BTreeMap::new();
        for (index, region) in found.regions.iter().enumerate() {
            at_place.entry(&region.place).or_default().push(index);
        }
        let mut exact = BTreeMap::new();
        let mut regions = vec![None; found.regions.len()];
        for change in &comparison.changes {
            let what = match change.kind {
                ChangeKind::Added => What::Added,
                ChangeKind::Uncovered => What::Uncovered,
                ChangeKind::Modified | ChangeKind::Moved | ChangeKind::Removed => What::Modified,
            };
            // What was removed is nowhere; what it was removed from is.
            let of_component = || {
                let same = |row: &&Checked| Some(&row.component) == change.component.as_ref();
                comparison.checked.iter().find(same)?.place.as_ref()
            };
            let Some(place) = change.place.as_ref().or_else(of_component) else {
                continue;
            };
            if change.place.is_some() {
                let mark = exact.entry(place).or_insert(what);
                *mark = what.max(*mark);
            }
            for index in place
                .around()
                .filter_map(|place| at_place.get(place))
                .flatten()
            {
                if let Some(mark) = regions.get_mut(*index) {
                    *mark = Some(what).max(*mark);
                }
            }
        }
        Self {
            exact,
            regions,
            claimed: &comparison.claimed,
        }
    }

    /// What an entry is.
    fn entry(&self, index: usize, found: &Found) -> What {
        if let Some(what) = self.exact.get(&found.place) {
            return *what;
        }
        let is_unread = matches!(found.entry.node, Node::File(_)) && found.sha256.is_none();
        match self.claimed.entries.get(index) {
            _ if is_unread => What::Unread,
            Some(true) => What::Verified,
            _ => What::Read,
        }
    }

    /// What a region is as a whole, with all that it decodes to.
    fn region(&self, index: usize, state: State) -> What {
        let claimed = self.claimed;
        let is = |list: &[bool]| list.get(index) == Some(&true);
        match self.regions.get(index).copied().flatten() {
            Some(mark) => mark,
            None if state != State::Read && !is(&claimed.exact) => What::Unread,
            None if is(&claimed.regions) || is(&claimed.holders) => What::Verified,
            None => What::Read,
        }
    }
}

fn trees(found: &Inventory, comparison: &Comparison, marks: &Marks<'_>) -> Vec<TreeMap> {
    let mut members: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (index, entry) in found.entries.iter().enumerate() {
        members.entry(entry.region).or_default().push(index);
    }
    let mark = |region: &Option<usize>| marks.regions.get((*region)?).copied().flatten();
    let mut order: Vec<Option<usize>> = members
        .iter()
        .filter(|(region, entries)| entries.len() > 1 || mark(region).is_some())
        .map(|(region, _)| *region)
        .collect();
    order.sort_by_key(|region| std::cmp::Reverse(mark(region)));
    order.truncate(MOST_TREES);
    order.sort_unstable();
    let tree = |region: Option<usize>| {
        let place = match region {
            Some(index) => found.regions.get(index)?.place.clone(),
            None => Place::image(),
        };
        let same = |row: &&Checked| row.place.as_ref() == Some(&place);
        let row = comparison.checked.iter().find(same);
        Some(TreeMap {
            region,
            component: row.map(|row| row.component.clone()),
            runs: runs(found, members.get(&region)?, marks),
        })
    };
    order.into_iter().filter_map(tree).collect()
}

fn runs(found: &Inventory, members: &[usize], marks: &Marks<'_>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for &index in members {
        let Some(entry) = found.entries.get(index) else {
            continue;
        };
        let run = Run {
            what: marks.entry(index, entry),
            entries: 1,
            bytes: match &entry.entry.node {
                Node::File(file) => file.size,
                _ => 0,
            },
            path: Some(escape(entry.entry.path.as_bytes())),
        };
        match runs.last_mut() {
            Some(last) if last.what == run.what => last.join(&run),
            _ => runs.push(run),
        }
    }
    // Of very many runs, neighbours become one, and the worst of them is told.
    let many = runs.len().div_ceil(MOST_RUNS).max(1);
    let joined = runs.chunks(many).filter_map(|chunk| {
        let (first, rest) = chunk.split_first()?;
        let mut run = first.clone();
        for other in rest {
            run.join(other);
        }
        Some(run)
    });
    joined.collect()
}

impl Run {
    fn join(&mut self, other: &Self) {
        self.what = self.what.max(other.what);
        self.entries = self.entries.saturating_add(other.entries);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.path = None;
    }
}
