//! The image's own bytes, painted from the outside in.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Area, Marks, What};
use crate::extract::{Gap, Inventory};

/// An image is told in at most so many areas.
const MOST: usize = 4096;
/// Else in so many parts of equal length.
const PARTS: u64 = 1024;
/// So deep plain ranges are followed; images nest them four deep.
const DEEPEST: usize = 32;

/// A region or gap in the plain bytes of what holds it.
#[derive(Clone, Copy)]
enum Piece {
    Region(usize),
    Gap(usize),
}

struct Painter<'a> {
    found: &'a Inventory,
    marks: &'a Marks<'a>,
    /// What lies in the plain bytes of a region, or of the image (`None`), with its range.
    inside: BTreeMap<Option<usize>, Vec<(Range<u64>, Piece)>>,
    areas: Vec<Area>,
}

/// The areas of an image, and whether they are parts of equal length.
pub(super) fn areas(found: &Inventory, marks: &Marks<'_>) -> (Vec<Area>, bool) {
    if found.bytes.is_none() {
        return (Vec::new(), false);
    }
    let mut painter = Painter {
        found,
        marks,
        inside: inside(found),
        areas: Vec::new(),
    };
    painter.paint(None, 0..found.image.size, What::Read, 0);
    let areas = painter.areas;
    if areas.len() <= MOST {
        return (areas, false);
    }
    (coarse(&areas, found.image.size), true)
}

/// Regions and gaps by what holds them, where that is bytes as they are; in order, the longer first.
fn inside(found: &Inventory) -> BTreeMap<Option<usize>, Vec<(Range<u64>, Piece)>> {
    let mut inside: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let plain = |parent: Option<usize>, stored: bool| {
        let Some(region) = parent.and_then(|index| found.regions.get(index)) else {
            return parent.is_none();
        };
        stored || region.decoded.is_none()
    };
    let mut add = |parent: Option<usize>, range: Range<u64>, piece| {
        inside.entry(parent).or_default().push((range, piece));
    };
    for (index, region) in found.regions.iter().enumerate() {
        if region.within.is_none() && plain(region.parent, region.stored) {
            let range = region.at..region.at.saturating_add(region.len);
            add(region.parent, range, Piece::Region(index));
        }
    }
    for (index, gap) in found.gaps.iter().enumerate() {
        if gap.within.is_none() && plain(gap.parent, gap.stored) {
            let range = gap.at..gap.at.saturating_add(gap.len);
            add(gap.parent, range, Piece::Gap(index));
        }
    }
    for pieces in inside.values_mut() {
        pieces.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    }
    inside
}

impl Painter<'_> {
    /// Paints a range of the image: the bytes of a region, or the whole.
    fn paint(&mut self, region: Option<usize>, range: Range<u64>, own: What, depth: usize) {
        let pieces = self.inside.get(&region).cloned().unwrap_or_default();
        let mut from = range.start;
        for (inner, piece) in pieces {
            let start = range.start.saturating_add(inner.start);
            let end = range.start.saturating_add(inner.end);
            if start < from || end > range.end || depth > DEEPEST {
                continue;
            }
            self.add(from..start, own, region);
            match piece {
                Piece::Region(index) => self.region(index, start..end, depth),
                Piece::Gap(index) => self.gap(index, start..end, region),
            }
            from = end;
        }
        self.add(from..range.end, own, region);
    }

    fn region(&mut self, index: usize, range: Range<u64>, depth: usize) {
        let Some(region) = self.found.regions.get(index) else {
            return;
        };
        let whole = self.marks.region(index, region.state);
        let is_layout = self.inside.get(&Some(index)).is_some_and(|pieces| {
            region.decoded.is_none()
                && pieces
                    .iter()
                    .any(|(_, piece)| matches!(piece, Piece::Region(_)))
        });
        // The bytes that a layout has besides its parts are what is said of it alone.
        let claimed = self.marks.claimed.regions.get(index) == Some(&true);
        let own = match self.marks.exact.get(&region.place) {
            _ if !is_layout => whole,
            Some(what) => *what,
            None if claimed => What::Verified,
            None => What::Read,
        };
        self.paint(Some(index), range, own, depth.saturating_add(1));
    }

    fn gap(&mut self, index: usize, range: Range<u64>, region: Option<usize>) {
        let Some(gap) = self.found.gaps.get(index) else {
            return;
        };
        let is_claimed = self.marks.claimed.gaps.get(index) == Some(&true);
        match self.marks.exact.get(&gap.place) {
            Some(What::Uncovered) | None if !gap.kind.is_unknown() => {
                self.add(range, What::Fill, region);
            }
            Some(What::Uncovered) => self.add(range, What::Unknown, region),
            Some(what) => self.add(range, *what, region),
            None if is_claimed => self.add(range, What::Verified, region),
            None => self.left(gap, range, region),
        }
    }

    /// Unknown bytes, of which raw components may answer for a part.
    fn left(&mut self, gap: &Gap, range: Range<u64>, region: Option<usize>) {
        let mut from = range.start;
        if gap.parent.is_none() {
            let marks = self.marks;
            for taken in &marks.claimed.ranges {
                let (start, end) = (taken.start.max(from), taken.end.min(range.end));
                if start < end {
                    self.add(from..start, What::Unknown, region);
                    self.add(start..end, What::Verified, region);
                    from = end;
                }
            }
        }
        self.add(from..range.end, What::Unknown, region);
    }

    fn add(&mut self, range: Range<u64>, what: What, region: Option<usize>) {
        if range.is_empty() {
            return;
        }
        let area = Area {
            at: range.start,
            len: range.end.saturating_sub(range.start),
            what,
            region,
        };
        match self.areas.last_mut() {
            Some(last) if last.what == what && last.region == region => {
                last.len = last.len.saturating_add(area.len);
            }
            _ => self.areas.push(area),
        }
    }
}

/// Parts of equal length, each with the worst that is in it.
fn coarse(areas: &[Area], size: u64) -> Vec<Area> {
    let part = size.div_ceil(PARTS).max(1);
    let mut parts: Vec<Area> = Vec::new();
    for area in areas {
        let end = area.at.saturating_add(area.len);
        let mut at = area.at;
        while at < end {
            let start = at.saturating_sub(at.checked_rem(part).unwrap_or_default());
            match parts.last_mut() {
                Some(last) if last.at == start => last.what = last.what.max(area.what),
                _ => parts.push(Area {
                    at: start,
                    len: part.min(size.saturating_sub(start)),
                    what: area.what,
                    region: None,
                }),
            }
            at = start.saturating_add(part);
        }
    }
    parts
}
