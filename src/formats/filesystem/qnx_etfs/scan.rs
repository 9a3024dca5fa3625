//! The pass over all pages: which hold a piece of which file, and how new each is.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::geometry::{Geometry, Page};
use crate::formats::filesystem::harvest::Harvest;
use crate::problem::Problem;
use crate::read::{clip, is_all, length};

/// What a page takes of memory here, in bytes.
const HELD: u64 = 48;

/// How new a page is: its sequence number, and which page it is. Of one sequence the later page is the newer.
pub(super) type Age = (u32, u64);

/// All pages of a region.
pub(super) struct Scan {
    pub(super) geometry: Geometry,
    /// By file and piece, the pages that hold it, from old to new.
    pub(super) pages: BTreeMap<(u16, u32), Vec<Age>>,
}

impl Scan {
    pub(super) fn new(region: &Bytes, geometry: Geometry, harvest: &mut Harvest<'_>) -> Self {
        let mut scan = Self {
            geometry,
            pages: BTreeMap::new(),
        };
        let (mut at, mut odd, mut damaged) = (0_u64, Vec::new(), Vec::new());
        while let Some(page) = geometry.read(region, at) {
            match page {
                Page::Used(found) => {
                    if !harvest.hold(HELD) {
                        break;
                    }
                    scan.name(region, at, harvest);
                    if found.damaged {
                        damaged.push(at);
                    }
                    scan.pages
                        .entry((found.file, found.cluster))
                        .or_default()
                        .push((found.sequence, at));
                }
                Page::Odd => odd.push(at),
                Page::Erased => scan.name(region, at, harvest),
            }
            at = at.saturating_add(geometry.stride());
        }
        for pages in scan.pages.values_mut() {
            pages.sort_unstable();
        }
        for (pages, detail) in [
            (
                odd,
                "pages have no transaction that makes sense, as those of bad blocks",
            ),
            (
                damaged,
                "pages are said to be damaged by the transactions behind them",
            ),
        ] {
            if let Some(&first) = pages.first() {
                let detail = format!("{} {detail}", pages.len());
                harvest.tell(Problem::checksum(detail).at(first));
            }
        }
        if at < length(region) && !is_all(&clip(region, at, geometry.stride()), 0xff) {
            let problem = Problem::corrupt("the region ends within a page");
            harvest.tell(problem.at(at));
        }
        scan
    }

    /// Names the transaction behind the page at `at`; of spare bytes those that have a use.
    fn name(&self, region: &Bytes, at: u64, harvest: &mut Harvest<'_>) {
        let from = at.saturating_add(self.geometry.page);
        if self.geometry.is_tool() {
            return harvest.account.metadata(from, self.geometry.spare);
        }
        let raw = clip(region, from, self.geometry.spare);
        if is_all(&raw, 0xff) {
            return;
        }
        for (into, len) in [(0, 2), (8, 8), (22, self.geometry.spare.saturating_sub(22))] {
            harvest.account.metadata(from.saturating_add(into), len);
        }
    }

    /// The newest page of a piece that is no newer than `age`.
    pub(super) fn page(&self, file: u16, cluster: u32, age: Age) -> Option<u64> {
        let pages = self.pages.get(&(file, cluster))?;
        let newest = pages.partition_point(|&page| page <= age).checked_sub(1)?;
        pages.get(newest).map(|&(_, at)| at)
    }
}
