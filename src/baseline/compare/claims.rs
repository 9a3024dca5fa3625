//! Which parts of an image components answer for, by what they are and not by how their places read.

use std::collections::BTreeSet;

use super::Claimed;
use crate::extract::{Inventory, Owner};

/// How far a component answers for a part of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// Not at all.
    #[default]
    None,
    /// It was compared; what is wrong inside it is still wrong.
    Compared,
    /// Its exact bytes are the reference's, or may be anything: what is wrong inside it was so in the reference.
    Exact,
}

/// The claims on an image's regions, entries and gaps.
#[derive(Default)]
pub(super) struct Claims {
    regions: Vec<Claim>,
    entries: Vec<Claim>,
    gaps: Vec<Claim>,
    /// Regions of which what is loaded was compared, and not how it is stored.
    loaded: BTreeSet<usize>,
}

/// One part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::baseline) enum Part {
    Region(usize),
    Entry(usize),
    Gap(usize),
}

impl Claims {
    pub(super) fn new(found: &Inventory) -> Self {
        Self {
            regions: vec![Claim::None; found.regions.len()],
            entries: vec![Claim::None; found.entries.len()],
            gaps: vec![Claim::None; found.gaps.len()],
            loaded: BTreeSet::new(),
        }
    }

    /// Claims one part.
    pub(super) fn claim(&mut self, part: Part, claim: Claim) {
        let (list, index) = match part {
            Part::Region(index) => (&mut self.regions, index),
            Part::Entry(index) => (&mut self.entries, index),
            Part::Gap(index) => (&mut self.gaps, index),
        };
        if let Some(now) = list.get_mut(index) {
            *now = claim.max(*now);
        }
    }

    /// Says that claims on a region are on what is loaded from it: what else stands in the file is still open.
    pub(super) fn load(&mut self, region: usize) {
        self.loaded.insert(region);
    }

    /// The claim on a part by itself or by what is around it.
    pub(super) fn on(&self, found: &Inventory, mut part: Part) -> Claim {
        let mut strongest = self.own(part);
        while let Some(holder) = owner(found, part) {
            let outer = self::part(holder);
            let aside = matches!(holder, Owner::Region(region) if self.loaded.contains(&region));
            if !(aside && is_stored(found, part)) {
                strongest = strongest.max(self.own(outer));
            }
            part = outer;
        }
        strongest
    }

    /// The strongest claim on an owner or on anything around it.
    pub(super) fn around(&self, found: &Inventory, inner: Option<Owner>) -> Claim {
        inner.map_or(Claim::None, |owner| self.on(found, part(owner)))
    }

    /// Which regions and entries hold something claimed.
    pub(super) fn holders(&self, found: &Inventory) -> Holders {
        let mut holders = Holders {
            regions: vec![false; found.regions.len()],
            entries: vec![false; found.entries.len()],
        };
        let regions = claimed(&self.regions).map(Part::Region);
        let entries = claimed(&self.entries).map(Part::Entry);
        let gaps = claimed(&self.gaps).map(Part::Gap);
        for part in regions.chain(entries).chain(gaps) {
            holders.mark(found, owner(found, part));
        }
        holders
    }

    /// What they come to, for a report.
    pub(super) fn told(&self, found: &Inventory) -> Claimed {
        let claim = |part: fn(usize) -> Part, count: usize| {
            let claims = (0..count).map(move |index| self.on(found, part(index)));
            claims.collect::<Vec<_>>()
        };
        let any = |claims: &[Claim]| claims.iter().map(|claim| *claim > Claim::None).collect();
        let regions = claim(Part::Region, self.regions.len());
        Claimed {
            regions: any(&regions),
            holders: self.holders(found).regions,
            exact: regions.iter().map(|claim| *claim == Claim::Exact).collect(),
            entries: any(&claim(Part::Entry, self.entries.len())),
            gaps: any(&claim(Part::Gap, self.gaps.len())),
            ranges: Vec::new(),
        }
    }

    fn own(&self, part: Part) -> Claim {
        let claim = match part {
            Part::Region(index) => self.regions.get(index),
            Part::Entry(index) => self.entries.get(index),
            Part::Gap(index) => self.gaps.get(index),
        };
        claim.copied().unwrap_or_default()
    }
}

/// What holds something that was marked, at whatever depth.
pub(super) struct Holders {
    pub(super) regions: Vec<bool>,
    pub(super) entries: Vec<bool>,
}

impl Holders {
    /// Marks an owner and everything around it; stops where that was done before, so that all marking is linear.
    fn mark(&mut self, found: &Inventory, mut at: Option<Owner>) {
        while let Some(holder) = at {
            let mark = match holder {
                Owner::Region(index) => self.regions.get_mut(index),
                Owner::Entry(index) => self.entries.get_mut(index),
            };
            match mark {
                Some(mark) if !*mark => *mark = true,
                _ => return,
            }
            at = owner(found, part(holder));
        }
    }
}

fn claimed(claims: &[Claim]) -> impl Iterator<Item = usize> {
    let claims = claims.iter().enumerate();
    claims
        .filter(|(_, claim)| **claim > Claim::None)
        .map(|(index, _)| index)
}

fn part(owner: Owner) -> Part {
    match owner {
        Owner::Region(index) => Part::Region(index),
        Owner::Entry(index) => Part::Entry(index),
    }
}

/// Whether a part lies in the stored bytes of what holds it.
fn is_stored(found: &Inventory, part: Part) -> bool {
    match part {
        Part::Region(index) => found.regions.get(index).is_some_and(|region| region.stored),
        Part::Gap(index) => found.gaps.get(index).is_some_and(|gap| gap.stored),
        Part::Entry(_) => false,
    }
}

fn owner(found: &Inventory, part: Part) -> Option<Owner> {
    match part {
        Part::Region(index) => found.regions.get(index)?.owner(),
        Part::Entry(index) => found.entries.get(index)?.region.map(Owner::Region),
        Part::Gap(index) => found.gaps.get(index)?.owner(),
    }
}
