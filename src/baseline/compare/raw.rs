//! Raw components: exact bytes, wherever the image holds them.

use std::ops::Range;

use super::super::change::{Change, ChangeKind, Value};
use super::super::model::{Body, Component};
use super::super::piece::{self, Piece};
use super::claims::{Claim, Part};
use super::{Checked, Comparing};
use crate::digest::Digest;
use crate::extract::Region;
use crate::formats::Kind;
use crate::place::Place;
use crate::read::cut;

impl Comparing<'_> {
    /// Finds every raw component.
    pub(super) fn raw_components(&mut self) {
        let components = &self.baseline.components;
        let sizes: Vec<u64> = components.iter().filter_map(size_of).collect();
        // Without a size, every piece may be it.
        let any = components
            .iter()
            .any(|component| matches!(component.body, Body::Raw { size: None, .. }));
        let mut pieces = piece::pieces(self.found, |size| any || sizes.contains(&size));
        for (index, component) in self.baseline.components.iter().enumerate() {
            if let Body::Raw { size, sha256 } = &component.body {
                self.raw(index, component, *size, *sha256, &mut pieces);
            }
        }
        self.ranges.sort_by_key(|range| range.start);
        self.claim_ranges();
    }

    fn raw(
        &mut self,
        index: usize,
        component: &Component,
        size: Option<u64>,
        sha256: Digest,
        pieces: &mut Vec<Piece>,
    ) {
        let here = component.at.zip(size);
        let here = here.and_then(|(at, size)| Some((at, size, self.at_offset(at, size)?)));
        if let Some((at, size, digest)) = here
            && digest == sha256
        {
            self.cover_range(at..at.saturating_add(size));
            pieces.retain(|piece| piece.at != Some(at) || piece.size != size);
            return self.checked(component, Place::image().offset(at), true);
        }
        // In the dump of another part of the device its offset says nothing.
        let here =
            here.filter(|_| component.part.is_none() || component.part == self.found.image.part);
        // Where the image is the chip itself, a copy inside some file is not what the chip would run.
        let on_chip = here.is_some() && !component.optional;
        let equal = |piece: &Piece| {
            size.is_none_or(|size| size == piece.size)
                && piece.sha256 == sha256
                && (piece.at.is_some() || !on_chip)
        };
        // Of several equal pieces the one at the expected offset; then the first.
        let best = pieces
            .iter()
            .position(|piece| equal(piece) && piece.at.is_some() && piece.at == component.at);
        if let Some(position) = best.or_else(|| pieces.iter().position(equal)) {
            let piece = pieces.remove(position);
            self.claims.claim(piece.part, Claim::Exact);
            self.compare_offset(index, piece.at, piece.place.clone());
            return self.checked(component, piece.place, true);
        }
        match here {
            Some((at, size, digest)) if !component.optional => {
                self.cover_range(at..at.saturating_add(size));
                self.modified(component, at, sha256, digest);
            }
            _ => self.absent(index),
        }
    }

    /// A component answers for a range of the image, and for every region in it.
    fn cover_range(&mut self, range: Range<u64>) {
        let inside = |region: &&Region| {
            let end = region.at.saturating_add(region.len);
            is_top(region) && range.start <= region.at && end <= range.end
        };
        let regions = self.found.regions.iter().enumerate();
        for (index, _) in regions.filter(|(_, region)| inside(region)) {
            self.claims.claim(Part::Region(index), Claim::Exact);
        }
        self.ranges.push(range);
    }

    /// The digest of `size` bytes of the image at `at`; `None` where the image is no chip's content there but packed.
    fn at_offset(&self, at: u64, size: u64) -> Option<Digest> {
        let end = at.saturating_add(size);
        let packed = |region: &Region| {
            let overlaps = region.at < end && at < region.at.saturating_add(region.len);
            is_top(region)
                && overlaps
                && matches!(region.format.kind, Kind::Archive | Kind::Compression)
                && region.len > size
        };
        if self.found.regions.iter().any(packed) {
            return None;
        }
        let bytes = cut(self.found.bytes.as_ref()?, at, size)?;
        Some(Digest::of(&bytes))
    }

    fn modified(&mut self, component: &Component, at: u64, expected: Digest, found: Digest) {
        let place = Place::image().offset(at);
        let mut change = Change::new(ChangeKind::Modified);
        change.component = Some(component.name.clone());
        change.place = Some(place.clone());
        let text = |digest: Digest| Some(Value::Text(digest.to_string()));
        change.differ("sha256", text(expected), text(found));
        self.out.changes.push(change);
        self.checked(component, place, false);
    }

    fn checked(&mut self, component: &Component, place: Place, matched: bool) {
        self.out.checked.push(Checked {
            component: component.name.clone(),
            place: Some(place),
            compared: 1,
            matched: usize::from(matched),
            mutable: 0,
        });
    }
}

/// Whether a region stands in the image itself.
fn is_top(region: &Region) -> bool {
    region.parent.is_none() && region.within.is_none()
}

/// The size of a raw component, where it is stated.
fn size_of(component: &Component) -> Option<u64> {
    match component.body {
        Body::Raw { size, .. } => size,
        Body::Tree { .. } | Body::Memory { .. } => None,
    }
}
