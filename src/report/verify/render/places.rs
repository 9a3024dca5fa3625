//! Places of a record, taken apart along its regions. A place is a text, and a path may hold a colon: only what a region's own place
//! says is a step.

use std::collections::BTreeMap;

use crate::report::verify::Report;

/// The regions of a record by their places.
pub(super) struct Places<'a> {
    report: &'a Report,
    by_place: BTreeMap<&'a str, usize>,
}

/// A place: the regions from the image inwards, and what stands behind the innermost.
pub(super) struct Steps<'a> {
    /// The innermost region, as an index into those of the record; `None`: the image.
    pub(super) region: Option<usize>,
    /// The path in it, or an offset; empty where the place is the region itself.
    pub(super) rest: &'a str,
}

impl<'a> Places<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        let mut by_place = BTreeMap::new();
        for (index, region) in report.regions.iter().enumerate() {
            by_place.entry(region.place.as_str()).or_insert(index);
        }
        Self { report, by_place }
    }

    /// Takes a place apart.
    pub(super) fn steps<'p>(&self, place: &'p str) -> Steps<'p> {
        let whole = self.by_place.get(place).map(|&region| Steps {
            region: Some(region),
            rest: "",
        });
        let inner = || {
            let mut colons = place.rmatch_indices(':');
            colons.find_map(|(at, _)| {
                let (outer, rest) = place.split_at_checked(at)?;
                let region = *self.by_place.get(outer)?;
                let rest = rest.strip_prefix(':')?;
                Some(Steps {
                    region: Some(region),
                    rest,
                })
            })
        };
        whole.or_else(inner).unwrap_or(Steps {
            region: None,
            rest: place,
        })
    }

    /// The region that holds a region, as an index; `None`: the image. A record is a file like any other: one that holds itself does not.
    pub(super) fn parent(&self, region: usize) -> Option<usize> {
        let row = self.report.regions.get(region)?;
        let within = row
            .within
            .as_deref()
            .and_then(|place| self.steps(place).region);
        within.or(row.parent).filter(|&parent| parent < region)
    }

    /// A place without the offsets of its regions: it stays the same when a file system moves.
    pub(super) fn lasting(&self, place: &str) -> String {
        let steps = self.steps(place);
        let mut formats = Vec::new();
        let mut region = steps.region;
        while let Some(index) = region {
            let format = self
                .report
                .regions
                .get(index)
                .map(|row| row.format.as_str());
            formats.extend(format);
            region = self.parent(index);
        }
        formats.reverse();
        formats.push(steps.rest);
        formats.join(":")
    }
}
