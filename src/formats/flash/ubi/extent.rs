//! Where one UBI image ends, and how large its erase blocks are: no header says either.

use bytes::Bytes;

use super::header::{EraseCounter, LAYOUT, MAGIC, VolumeId, is_damaged};
use crate::formats::{Extent, Proof, Reject};
use crate::read::{index, is_all, length, rest};

/// No erase block is larger (16 MiB).
const LARGEST: u64 = 16 << 20;
/// None is smaller (1 KiB).
const SMALLEST: u64 = 1024;
/// Erase blocks start at multiples of so many bytes.
const STEP: u64 = 64;
/// The size is told from so many headers.
const HEADERS: usize = 64;
/// It is told from the headers within so many times the distance of the first two.
const REACH: u64 = 64;
/// So many erase blocks in a row that have no header and are not erased end the image: no chip has as many bad ones.
const BRIDGED: u64 = 32;

/// The shape of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) first: EraseCounter,
    /// Size of an erase block, in bytes.
    pub(super) peb: u64,
    /// Length of the image, in bytes: to the end of its last erase block with a header.
    pub(super) len: u64,
}

impl Shape {
    /// How many bytes of an erase block hold data.
    pub(super) fn leb(&self) -> u64 {
        self.peb.saturating_sub(self.first.geometry.data)
    }

    /// The shape of the image that `bytes` start with.
    pub(super) fn of(bytes: &Bytes) -> Result<Self, Reject> {
        let Some(first) = EraseCounter::parse(bytes) else {
            return Err(if is_damaged(bytes) {
                Reject::NearMiss("an erase counter header whose checksum does not hold")
            } else {
                Reject::Coincidence("no erase counter header")
            });
        };
        let peb = peb_size(bytes, &first).ok_or(Reject::NearMiss(
            "one erase block without a second, so that its size is not known",
        ))?;
        let len = image_len(bytes, &first, peb);
        Ok(Self { first, peb, len })
    }
}

/// Measures the image at the start of `rest`.
pub(super) fn measure(rest: &Bytes) -> Result<Extent, Reject> {
    let shape = Shape::of(rest)?;
    Ok(Extent::known(shape.len, Proof::Checksum))
}

/// The distance at which most headers follow each other. Bad blocks leave holes, and a file in a volume may be an image of
/// its own, so that no single distance can be trusted.
fn peb_size(bytes: &Bytes, first: &EraseCounter) -> Option<u64> {
    let least = first.geometry.data.saturating_add(1).max(SMALLEST);
    let mut reach = LARGEST;
    let mut headers: Vec<u64> = Vec::new();
    let searched = bytes.get(index(least)..).unwrap_or_default();
    for found in memchr::memmem::find_iter(searched, &MAGIC) {
        let at = least.saturating_add(u64::try_from(found).unwrap_or(u64::MAX));
        if at > reach || headers.len() >= HEADERS {
            break;
        }
        let akin = || EraseCounter::parse(&rest(bytes, at)).is_some_and(|ec| ec.is_akin(first));
        if at.is_multiple_of(STEP) && akin() {
            if headers.is_empty() {
                reach = at.saturating_mul(REACH).min(LARGEST.saturating_mul(2));
            }
            headers.push(at);
        }
    }
    let steps = headers.iter().zip(headers.iter().skip(1));
    let steps = steps.map(|(before, after)| after.saturating_sub(*before));
    let candidates: Vec<u64> = headers.iter().copied().chain(steps).collect();
    let on_grid = |size: u64| headers.iter().filter(|at| at.is_multiple_of(size)).count();
    let fitting = candidates
        .into_iter()
        .filter(|&size| (least..=LARGEST).contains(&size));
    fitting.max_by_key(|&size| (on_grid(size), size))
}

/// Walks from block to block to the last one of the image.
fn image_len(bytes: &Bytes, first: &EraseCounter, peb: u64) -> u64 {
    let mut known = *first;
    let mut tables = Vec::new();
    let mut end = 0;
    let mut junk = 0_u64;
    let mut at = 0_u64;
    while at < length(bytes) {
        let block = crate::read::clip(bytes, at, peb);
        let counter = EraseCounter::parse(&block);
        let id = block.get(index(known.geometry.volume_header)..);
        let id = id.and_then(VolumeId::parse);
        match counter {
            Some(counter) if !counter.is_akin(&known) => break,
            Some(counter) => known.sequence = known.sequence.max(counter.sequence),
            None if id.is_some() => {}
            None => {
                if !is_all(&block, 0xff) {
                    junk = junk.saturating_add(1);
                }
                if junk > BRIDGED {
                    break;
                }
                at = at.saturating_add(peb);
                continue;
            }
        }
        if let Some(id) = id.filter(|id| id.volume == LAYOUT) {
            // The same volume table once more: another image, whose maker gave it no number of its own.
            let key = (id.lnum, id.sequence);
            if tables.contains(&key) {
                break;
            }
            tables.push(key);
        }
        junk = 0;
        at = at.saturating_add(peb);
        end = at;
    }
    end
}
