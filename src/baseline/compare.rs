//! A baseline against what was found in an image: every difference, everything that could not be compared.

pub(in crate::baseline) mod claims;
mod cover;
mod memory;
mod raw;
mod silent;
mod tree;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

use self::claims::{Claim, Claims, Part};
use super::boot::{BootRow, Holds, Where};
use super::change::{Change, ChangeKind};
use super::explain::boot;
use super::model::{Baseline, FileRow};
use super::originals::Originals;
use super::pair::pair;
use super::piece::{self, FoundTree, chip_offset};
use super::policy::Policy;
use super::similar::Similar;
use crate::extract::{Inventory, Owner, Told};
use crate::place::Place;
use crate::problem::ProblemKind;

/// What came of a comparison.
#[derive(Default)]
pub struct Comparison {
    /// The differences, by component and path; what no component claims comes last.
    pub changes: Vec<Change>,
    /// What could not be compared, and why.
    pub not_checked: Vec<NotChecked>,
    /// What was compared.
    pub checked: Vec<Checked>,
    /// Which parts of the image components answer for.
    pub claimed: Claimed,
}

/// Which regions, entries and gaps of an image components answer for, each list by the inventory's index.
#[derive(Default)]
pub struct Claimed {
    /// Regions that a component answers for, by themselves or by what is around them.
    pub regions: Vec<bool>,
    /// Regions that hold something that a component answers for.
    pub holders: Vec<bool>,
    /// Regions whose exact bytes are the reference's.
    pub exact: Vec<bool>,
    /// Entries that a component answers for.
    pub entries: Vec<bool>,
    /// Gaps that one does.
    pub gaps: Vec<bool>,
    /// Ranges of the image's own bytes that raw components answer for, sorted.
    pub ranges: Vec<Range<u64>>,
}

/// Something that was not compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NotChecked {
    /// Where it is.
    pub place: Place,
    /// Why.
    pub reason: String,
    /// Whether it leaves the verdict incomplete.
    #[serde(skip)]
    pub matters: bool,
}

/// One component that was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its name in the baseline.
    pub component: String,
    /// Where the image has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// How many entries were compared; 1 for raw bytes.
    pub compared: usize,
    /// How many of them matched.
    pub matched: usize,
    /// How many entries the baseline lets change.
    pub mutable: usize,
}

/// Compares everything that was found with what the baseline expects.
pub fn compare(baseline: &Baseline, found: &Inventory) -> Comparison {
    Comparing::of(baseline, found, Originals::of([found])).done(None)
}

/// The same without saying what is different in what differs, which costs far more than finding out that it does. The verdict is the same.
pub fn measure(baseline: &Baseline, found: &Inventory) -> Comparison {
    let mut comparing = Comparing::of(baseline, found, Originals::of([]));
    comparing.explains = false;
    comparing.done(None)
}

/// The same, where the image that the baseline was made from is at hand: its contents tell more of what is changed, and decide nothing.
pub fn compare_beside(baseline: &Baseline, found: &Inventory, reference: &Inventory) -> Comparison {
    let originals = Originals::of([reference, found]);
    Comparing::of(baseline, found, originals).done(Some(reference))
}

struct Comparing<'a> {
    baseline: &'a Baseline,
    found: &'a Inventory,
    /// Whether it is told what is different in what differs.
    explains: bool,
    /// Contents that the baseline states and that are at hand.
    originals: Originals<'a>,
    /// The programs of the baseline by their functions, once one is asked for.
    similar: Option<Similar<'a>>,
    /// Parts of the device that were not given and hold something of the baseline.
    missing_parts: BTreeSet<&'a str>,
    /// The rows of each component.
    rows: Vec<Vec<&'a FileRow>>,
    out: Comparison,
    /// What the components answer for.
    claims: Claims,
    /// Ranges of the image's own bytes that a raw component answers for, sorted.
    ranges: Vec<Range<u64>>,
}

pub(super) fn rows_by_component(baseline: &Baseline) -> Vec<Vec<&FileRow>> {
    let mut rows = vec![Vec::new(); baseline.components.len()];
    for row in &baseline.files {
        if let Some(rows) = rows.get_mut(row.component) {
            rows.push(row);
        }
    }
    rows
}

impl<'a> Comparing<'a> {
    fn of(baseline: &'a Baseline, found: &'a Inventory, originals: Originals<'a>) -> Self {
        Self {
            baseline,
            found,
            explains: true,
            originals,
            similar: None,
            missing_parts: BTreeSet::new(),
            rows: rows_by_component(baseline),
            out: Comparison::default(),
            claims: Claims::new(found),
            ranges: Vec::new(),
        }
    }

    fn done(mut self, reference: Option<&Inventory>) -> Comparison {
        self.trees();
        self.memories();
        self.raw_components();
        if self.explains {
            self.explain_boot(reference);
        }
        self.uncovered();
        self.unread();
        self.absent_parts();
        self.out.claimed = self.claims.told(self.found);
        self.out.claimed.ranges = self.ranges;
        self.out
    }

    fn trees(&mut self) {
        let trees = piece::trees(self.found);
        let pairs = pair(self.baseline, &self.rows, &trees);
        let Ok(policy) = Policy::new(&self.baseline.mutable) else {
            // A parsed baseline has sound globs; a draft is checked when it is written.
            return self.not_checked(
                &Place::image(),
                "the baseline's mutable rows cannot be used".to_owned(),
                true,
            );
        };
        for (index, component) in self.baseline.components.iter().enumerate() {
            if !component.body.is_tree() {
                continue;
            }
            match pairs.get(&index).and_then(|&tree| trees.get(tree)) {
                Some(tree) => {
                    self.check_offset(index, tree);
                    self.cover_tree(tree);
                    tree::compare(self, index, tree, &policy);
                }
                None => self.absent(index),
            }
        }
    }

    /// Whether a tree stands where the baseline has it.
    fn check_offset(&mut self, component: usize, tree: &FoundTree<'_>) {
        let region = tree.region.and_then(|index| self.found.regions.get(index));
        let Some(region) = region else {
            return;
        };
        if let Some(at) = chip_offset(self.found, region.owner(), region.at) {
            self.compare_offset(component, Some(at), region.place.clone());
        }
    }

    fn compare_offset(&mut self, component: usize, at: Option<u64>, place: Place) {
        let Some(component) = self.baseline.components.get(component) else {
            return;
        };
        if let (Some(expected), Some(at)) = (component.at, at)
            && expected != at
        {
            let mut change = Change::new(ChangeKind::Moved);
            change.component = Some(component.name.clone());
            change.place = Some(place);
            change.differ(
                "at",
                Some(super::change::Value::Number(expected)),
                Some(super::change::Value::Number(at)),
            );
            self.out.changes.push(change);
        }
    }

    fn cover_tree(&mut self, tree: &FoundTree<'_>) {
        for entry in &tree.entries {
            self.claims.claim(Part::Entry(entry.index), Claim::Compared);
        }
    }

    /// A component that the image does not hold. A directory holds one tree and nothing else.
    fn absent(&mut self, index: usize) {
        let baseline: &'a Baseline = self.baseline;
        let Some(component) = baseline.components.get(index) else {
            return;
        };
        if component.optional {
            return;
        }
        if let Some(part) = component.part.as_deref()
            && !self.is_given(part)
        {
            self.missing_parts.insert(part);
            return;
        }
        if self.found.bytes.is_none() {
            let reason = format!(
                "component {}: a directory cannot hold it; check a dump of the whole device",
                component.name
            );
            return self.not_checked(&Place::image(), reason, true);
        }
        let limited = |told: &Told| told.kind == ProblemKind::Limit;
        if self.found.problems.iter().any(limited) {
            let reason = format!(
                "component {}: not found, and a limit kept the image from being read to its end",
                component.name
            );
            return self.not_checked(&Place::image(), reason, true);
        }
        let mut change = Change::new(ChangeKind::Removed);
        change.component = Some(component.name.clone());
        change
            .explanation
            .push("the image does not hold this component".to_owned());
        self.out.changes.push(change);
    }

    /// Says what differs in raw components that are changed or not there.
    fn explain_boot(&mut self, reference: Option<&Inventory>) {
        let whole = |change: &&mut Change| change.path.is_none();
        let mut changes = self.out.changes.iter_mut().filter(whole).peekable();
        if self.baseline.boot.is_empty() || changes.peek().is_none() {
            return;
        }
        let now = Holds::of(self.found, Where::Image);
        let reference = reference.map(|reference| Holds::of(reference, Where::Image));
        for change in changes {
            let name = change.component.as_deref();
            let of = |row: &&BootRow| {
                let component = self.baseline.components.get(row.component);
                component.is_some_and(|it| Some(it.name.as_str()) == name)
            };
            if change.kind != ChangeKind::Moved
                && let Some(row) = self.baseline.boot.iter().find(of)
            {
                let told = boot::explain(self.baseline, row, &now, reference.as_ref());
                change.explanation.extend(told);
            }
        }
    }

    /// Whether a part of the device is among the files that were given.
    fn is_given(&self, part: &str) -> bool {
        let image = &self.found.image;
        image.part.as_deref() == Some(part) || image.with.iter().any(|file| file.name == part)
    }

    /// What of the baseline is in parts of the device that were not given.
    fn absent_parts(&mut self) {
        for part in std::mem::take(&mut self.missing_parts) {
            let reason = format!(
                "part {part} of the device was not examined: give its dump with `--with {part}=FILE`, or say `--part {part}` \
                 if the image is that part"
            );
            self.not_checked(&Place::image(), reason, true);
        }
    }

    /// Where a tree was not read to its end: below these places what is missing may be there. A limit stops all of it.
    fn cut_short(&self, tree: &FoundTree<'_>) -> BTreeSet<Place> {
        let owner = tree.region.map(Owner::Region);
        let problems = self
            .found
            .problems
            .iter()
            .filter(|told| told.owner == owner);
        let hides =
            |told: &&Told| told.kind.hides_content() && told.kind != ProblemKind::ChecksumMismatch;
        let place = |told: &Told| match told.kind {
            ProblemKind::Limit => tree.place.clone(),
            _ => told.place.clone(),
        };
        problems.filter(hides).map(place).collect()
    }

    fn not_checked(&mut self, place: &Place, reason: String, matters: bool) {
        self.out.not_checked.push(NotChecked {
            place: place.clone(),
            reason,
            matters,
        });
    }
}

impl Comparison {
    /// Whether everything was compared.
    pub fn is_complete(&self) -> bool {
        !self.not_checked.iter().any(|row| row.matters)
    }
}
