//! Where a YAFFS starts and ends: nothing states it. It reaches from the first page with tags to the last.

use bytes::Bytes;

use super::geometry::{Geometry, Layout, Page, order, without_spare};
use super::header::{Header, LENGTH};
use crate::formats::{Extent, Magic, Proof, Reject};
use crate::read::{index, length};

/// So many pages in a row may be damaged, or of bad blocks, between pages that have tags.
const BRIDGED: usize = 256;
/// So far from a region's start its first header of a child of the root may stand, in bytes.
const SOUGHT: usize = 64 << 20;
/// So many patterns that are no headers may stand before it.
const DECOYS: usize = 64;

/// Type, parent 1 and the unused checksum of an object header, in both byte orders. The big-endian ones leave out
/// the zeros that they start with, since those are everywhere.
pub(super) const MAGICS: &[Magic] = &[
    little(&[1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff]),
    little(&[2, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff]),
    little(&[3, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff]),
    big(&[1, 0, 0, 0, 1, 0xff, 0xff]),
    big(&[2, 0, 0, 0, 1, 0xff, 0xff]),
    big(&[3, 0, 0, 0, 1, 0xff, 0xff]),
];

const fn little(bytes: &'static [u8]) -> Magic {
    Magic { bytes, at: 0 }
}

const fn big(bytes: &'static [u8]) -> Magic {
    Magic { bytes, at: 3 }
}

fn is_magic(page: &[u8]) -> bool {
    MAGICS.iter().any(|magic| {
        let from = page.get(index(magic.at)..);
        from.is_some_and(|from| from.starts_with(magic.bytes))
    })
}

/// Where the region starts that the header at `hit` belongs to. A page before it that is a header of the same sort
/// speaks for the region itself, so that no page is walked over twice.
pub(super) fn locate(stream: &Bytes, hit: u64) -> Option<u64> {
    let hit = index(hit);
    let Some((geometry, _)) = Geometry::find(stream.get(hit..)?) else {
        // Measured where it stands, to be told or to be dropped.
        return u64::try_from(hit).ok();
    };
    let (mut start, mut at, mut passed) = (hit, hit, 0_usize);
    while let Some(before) = at.checked_sub(geometry.stride()) {
        if passed > BRIDGED || hit.saturating_sub(before) > SOUGHT {
            break;
        }
        at = before;
        match geometry.read(stream, at) {
            Some(Page::Used(tags)) if !tags.corrected => {
                if tags.number == 0 && stream.get(at..).is_some_and(is_magic) {
                    return None;
                }
                (start, passed) = (at, 0);
            }
            Some(Page::Erased) => {}
            _ => passed = passed.saturating_add(1),
        }
    }
    u64::try_from(start).ok()
}

/// The division of the region at the start of `image`, and how many pages speak for it.
pub(super) fn divide(image: &[u8]) -> Option<(Geometry, usize)> {
    if let Some(found) = Geometry::find(image) {
        return Some(found);
    }
    if is_magic(image) {
        // Located where the pattern stands: no other header answers for what this one does not prove.
        return None;
    }
    let near = image.get(..SOUGHT.min(image.len()))?;
    let finders = MAGICS
        .iter()
        .map(|magic| (memchr::memmem::Finder::new(magic.bytes), index(magic.at)));
    let mut hits: Vec<usize> = finders
        .flat_map(|(finder, at)| {
            let found = finder.find_iter(near).take(DECOYS);
            found
                .filter_map(|hit| hit.checked_sub(at))
                .collect::<Vec<_>>()
        })
        .collect();
    hits.sort_unstable();
    hits.into_iter().take(DECOYS).find_map(|hit| {
        let (geometry, pages) = Geometry::find(image.get(hit..)?)?;
        let aligned = hit.checked_rem(geometry.stride()) == Some(0);
        let used = matches!(geometry.read(image, 0), Some(Page::Used(_)));
        (aligned && used).then_some((geometry, pages))
    })
}

/// Whether an object header stands at the start of `image`, beyond doubt.
fn is_evident(image: &[u8]) -> bool {
    order(image).is_some_and(|endian| Header::is_evident(image, endian))
}

/// How far the region at the start of `rest` reaches.
pub(super) fn measure(rest: &Bytes) -> Result<Extent, Reject> {
    let Some((geometry, pages)) = divide(rest) else {
        if let Some(len) = without_spare(rest) {
            return Ok(Extent::known(len, Proof::Structure));
        }
        return Err(if is_evident(rest) && rest.len() > LENGTH {
            Reject::NearMiss("an object header without tags that agree with it")
        } else {
            Reject::Coincidence("no object header")
        });
    };
    let proof = if geometry.coded || geometry.layout == Layout::One && pages > 1 {
        Proof::Checksum
    } else {
        Proof::Structure
    };
    Ok(Extent::known(end(rest, &geometry), proof))
}

/// How many pages an erase block has at least, and of which its own number is a multiple.
pub(super) fn block(geometry: &Geometry) -> u32 {
    if geometry.page <= 512 { 32 } else { 64 }
}

/// Where the last page with tags ends; with the rest of its erase block, where that is erased.
fn end(image: &[u8], geometry: &Geometry) -> u64 {
    let (mut pages, mut number, mut passed) = (0_usize, 0_usize, 0_usize);
    while let Some(page) = geometry.read(image, number.saturating_mul(geometry.stride())) {
        number = number.saturating_add(1);
        match page {
            Page::Used(tags) if !tags.corrected => (pages, passed) = (number, 0),
            Page::Erased => {}
            _ if passed >= BRIDGED => break,
            _ => passed = passed.saturating_add(1),
        }
    }
    let whole = pages
        .next_multiple_of(index(block(geometry).into()))
        .saturating_mul(geometry.stride());
    let used = pages.saturating_mul(geometry.stride());
    let blank = image
        .get(used..whole)
        .is_some_and(|rest| crate::read::is_all(rest, 0xff));
    let end = if blank { whole } else { used };
    length(image.get(..end).unwrap_or(image))
}
