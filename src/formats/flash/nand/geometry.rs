//! Pages, their spare bytes, and blocks of pages.

use std::str::FromStr;

use bytes::Bytes;

use crate::read::{clip, index, length};

/// How a chip is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of a page.
    pub page: usize,
    /// Spare bytes behind each page.
    pub spare: usize,
    /// Pages of an erase block.
    pub pages_per_block: u64,
}

impl Geometry {
    /// Pages of `page` and `spare` bytes, in blocks of the size that chips with such pages mostly have.
    pub(super) const fn of(page: usize, spare: usize) -> Self {
        let pages_per_block = match page {
            ..=1024 => 32,
            2048 | 4096 => 64,
            _ => 128,
        };
        Self {
            page,
            spare,
            pages_per_block,
        }
    }

    /// Bytes from one page to the next.
    pub(super) fn stride(self) -> usize {
        self.page.saturating_add(self.spare)
    }

    /// Where in the spare bytes a block is marked as bad.
    pub(super) fn marker(self) -> usize {
        if self.page <= 512 { 5 } else { 0 }
    }
}

/// The geometries of chips that were made, small pages first.
pub(super) const KNOWN: &[Geometry] = &[
    Geometry::of(512, 16),
    Geometry::of(2048, 64),
    Geometry::of(2048, 112),
    Geometry::of(2048, 128),
    Geometry::of(4096, 128),
    Geometry::of(4096, 208),
    Geometry::of(4096, 218),
    Geometry::of(4096, 224),
    Geometry::of(4096, 232),
    Geometry::of(4096, 256),
    Geometry::of(8192, 376),
    Geometry::of(8192, 436),
    Geometry::of(8192, 448),
    Geometry::of(8192, 512),
    Geometry::of(8192, 640),
    Geometry::of(8192, 744),
    Geometry::of(16384, 1280),
];

/// What is wrong with a geometry that somebody wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write PAGE+SPARE or PAGE+SPARExPAGES, such as 2048+64 or 2048+64x64: a page of 256 to 32768 bytes"
)]
pub struct Malformed;

impl FromStr for Geometry {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let read = || {
            let (page, rest) = text.split_once('+')?;
            let (spare, pages) = match rest.split_once('x') {
                Some((spare, pages)) => (spare, Some(pages.parse::<u64>().ok()?)),
                None => (rest, None),
            };
            let mut geometry = Self::of(page.parse().ok()?, spare.parse().ok()?);
            if let Some(pages) = pages {
                geometry.pages_per_block = pages;
            }
            let sound = geometry.page.is_power_of_two()
                && (256..=32768).contains(&geometry.page)
                && (8..=geometry.page).contains(&geometry.spare)
                && (1..=4096).contains(&geometry.pages_per_block);
            sound.then_some(geometry)
        };
        read().ok_or(Malformed)
    }
}

/// The bytes of a chip, seen through a geometry.
#[derive(Clone)]
pub(super) struct Chip {
    pub(super) bytes: Bytes,
    pub(super) geometry: Geometry,
}

impl Chip {
    /// How many whole pages there are.
    pub(super) fn pages(&self) -> u64 {
        let stride = length_of(self.geometry.stride());
        length(&self.bytes).checked_div(stride).unwrap_or_default()
    }

    /// How many blocks there are; the last may have fewer pages.
    pub(super) fn blocks(&self) -> u64 {
        self.pages().div_ceil(self.geometry.pages_per_block)
    }

    /// The first page of a block, and the one behind its last.
    pub(super) fn pages_of(&self, block: u64) -> std::ops::Range<u64> {
        let first = block.saturating_mul(self.geometry.pages_per_block);
        let end = first.saturating_add(self.geometry.pages_per_block);
        first.min(self.pages())..end.min(self.pages())
    }

    /// Where a page starts, in bytes from the chip's start as it was dumped.
    pub(super) fn offset(&self, page: u64) -> u64 {
        page.saturating_mul(length_of(self.geometry.stride()))
    }

    /// The bytes of a page and those behind it; shorter where the dump ends.
    pub(super) fn page(&self, page: u64) -> (&[u8], &[u8]) {
        let from = index(self.offset(page));
        let to = from.saturating_add(self.geometry.stride());
        let whole = self.bytes.get(from..to).unwrap_or_default();
        whole
            .split_at_checked(self.geometry.page)
            .unwrap_or_default()
    }

    /// Whether a block is marked as bad: on its first or second page, or on its last as some makers do.
    pub(super) fn is_marked(&self, block: u64) -> bool {
        let pages = self.pages_of(block);
        let last = pages.end.saturating_sub(1);
        let second = pages.start.saturating_add(1).min(last);
        [pages.start, second, last].into_iter().any(|page| {
            let marker = self.page(page).1.get(self.geometry.marker());
            marker.is_some_and(|&marker| marker != 0xff)
        })
    }

    /// The first bytes of a page.
    pub(super) fn head(&self, page: u64, len: u64) -> Bytes {
        clip(&self.bytes, self.offset(page), len)
    }
}

/// A length in memory as the number that offsets count in.
pub(super) fn length_of(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
