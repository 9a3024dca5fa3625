//! Who has which clusters: files against each other and against the volume's bitmap; and what of them is explained.

use super::MIRRORED;
use super::record::{Attribute, Body, Outside, kind, restore};
use super::volume::{Attributes, Volume};
use crate::formats::Role;
use crate::formats::filesystem::harvest::Harvest;
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// The volume's own files that are looked at here.
const TABLE: u64 = 0;
const MIRROR: u64 = 1;
const LOG: u64 = 2;
const DEFINITIONS: u64 = 4;
const BITMAP: u64 = 6;
const BOOT: u64 = 7;
const BAD: u64 = 8;
const UPPER_CASE: u64 = 10;
/// Bytes of a page of the log.
const PAGE: u64 = 4096;

/// A bit for each cluster in the image.
pub(super) struct Space {
    /// Whether a file has it.
    claimed: Vec<u64>,
    /// Whether the bitmap says that it is in use.
    used: Option<Vec<u8>>,
    clusters: u64,
}

/// A file that has clusters.
pub(super) struct Owner<'a> {
    /// The number of its record.
    pub(super) number: u64,
    /// Whether it is one of the volume's own.
    pub(super) own: bool,
    pub(super) attributes: &'a Attributes,
    pub(super) volume: &'a Volume,
}

impl Space {
    /// Nobody has anything.
    pub(super) fn new(volume: &Volume) -> Self {
        let clusters = &volume.clusters;
        let there = length(&clusters.region)
            .div_ceil(clusters.len.max(1))
            .min(clusters.count);
        Self {
            claimed: vec![0; index(there.div_ceil(64))],
            used: None,
            clusters: there,
        }
    }

    /// Claims the clusters of a file, and names what of them is explained.
    pub(super) fn claim(&mut self, owner: &Owner<'_>, harvest: &mut Harvest<'_>) {
        let Owner {
            number,
            attributes,
            volume,
            ..
        } = *owner;
        for attribute in &attributes.all {
            let Body::Outside(outside) = &attribute.body else {
                continue;
            };
            let Some(runs) = &outside.runs else {
                let detail = format!("record {number} has a list of clusters that makes no sense");
                harvest.tell(Problem::corrupt(detail));
                continue;
            };
            let size = owner.explained(attribute);
            let mut done = volume.clusters.bytes(outside.first);
            for run in runs {
                let len = volume.clusters.bytes(run.count);
                if let Some(first) = run.cluster
                    && self.claim_run(owner, first, run.count, harvest)
                {
                    let at = volume.clusters.at(first);
                    let left = size.saturating_sub(done).min(len);
                    owner.explain(attribute.kind, at, left, harvest);
                }
                done = done.saturating_add(len);
            }
        }
        if number == BITMAP {
            // No more of it than there are clusters in the image.
            let most = self.clusters.div_ceil(8);
            self.used = match attributes.value(kind::DATA, &[]) {
                Some((outside, runs)) => volume.head(&outside, runs, most),
                None => attributes.resident(kind::DATA).map(<[u8]>::to_vec),
            };
        }
    }

    /// Claims the clusters of a run; returns whether nobody had any of them.
    fn claim_run(
        &mut self,
        owner: &Owner<'_>,
        first: u64,
        count: u64,
        harvest: &mut Harvest<'_>,
    ) -> bool {
        let number = owner.number;
        let clusters = &owner.volume.clusters;
        let end = first.saturating_add(count);
        if end > clusters.count {
            let detail = format!("record {number} has clusters behind the end of the volume");
            harvest.tell(Problem::corrupt(detail));
        }
        for cluster in first..end.min(self.clusters) {
            if !self.take(cluster) {
                let detail =
                    format!("record {number} has cluster {cluster}, which another file has too");
                let at = clusters.at(cluster);
                harvest.tell(Problem::corrupt(detail).at(at));
                // The rest is most likely shared as well, and is not walked again.
                return false;
            }
        }
        true
    }

    /// Claims a cluster; `false` where it was claimed before or is not in the image.
    fn take(&mut self, cluster: u64) -> bool {
        let Some(word) = self.claimed.get_mut(index(cluster / 64)) else {
            return false;
        };
        let bit = 1_u64 << (cluster % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn is_used(&self, cluster: u64) -> Option<bool> {
        let byte = self.used.as_ref()?.get(index(cluster / 8))?;
        Some(byte >> (cluster % 8) & 1 != 0)
    }

    /// Claims the clusters of a deleted file; `false` where any of them is in use, or was a later one's.
    pub(super) fn take_free(&mut self, attributes: &Attributes) -> bool {
        let content = attributes
            .all
            .iter()
            .filter(|attribute| attribute.kind == kind::DATA && attribute.name.is_empty());
        for attribute in content {
            let Body::Outside(Outside {
                runs: Some(runs), ..
            }) = &attribute.body
            else {
                continue;
            };
            for run in runs {
                let Some(first) = run.cluster else {
                    continue;
                };
                for cluster in first..first.saturating_add(run.count) {
                    if self.is_used(cluster) != Some(false) || !self.take(cluster) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Compares the bitmap with the clusters that files have.
    pub(super) fn compare(&self, volume: &Volume, harvest: &mut Harvest<'_>) {
        if self.used.is_none() {
            harvest.tell(Problem::corrupt(
                "the bitmap of used clusters cannot be read",
            ));
            return;
        }
        let (mut free, mut lost, mut unmarked) = (0_u64, (0_u64, None), (0_u64, None));
        for cluster in 0..self.clusters {
            let bit = 1_u64 << (cluster % 64);
            let word = self.claimed.get(index(cluster / 64)).copied();
            let claimed = word.is_some_and(|word| word & bit != 0);
            let odd = match (self.is_used(cluster), claimed) {
                (Some(true), false) => &mut lost,
                (Some(false), true) => &mut unmarked,
                (Some(false), false) => {
                    free = free.saturating_add(1);
                    continue;
                }
                _ => continue,
            };
            odd.0 = odd.0.saturating_add(1);
            odd.1 = odd.1.or(Some(cluster));
        }
        harvest.properties.set("free-clusters", free.to_string());
        let kinds = [
            (lost, "are marked as used and belong to no file"),
            (unmarked, "are marked as free and belong to a file"),
        ];
        for ((count, first), what) in kinds {
            if let Some(first) = first {
                let detail = format!("{count} clusters {what}, the first is {first}");
                harvest.tell(Problem::corrupt(detail).at(volume.clusters.at(first)));
            }
        }
    }
}

impl Owner<'_> {
    /// How many bytes of a value are explained.
    fn explained(&self, attribute: &Attribute) -> u64 {
        // The records are named one by one, and nobody has judged the boot code; bad clusters hold nothing.
        if attribute.kind == kind::DATA && matches!(self.number, TABLE | BOOT | BAD) {
            return 0;
        }
        // Only the first part of a value states its size.
        let same =
            |other: &&Attribute| other.kind == attribute.kind && other.name == attribute.name;
        let parts = self.attributes.all.iter().filter(same);
        let first = parts.filter_map(|part| match &part.body {
            Body::Outside(outside) if outside.first == 0 => Some(outside),
            _ => None,
        });
        // What these may be long, in bytes.
        let most = match self.number {
            _ if attribute.kind != kind::DATA => u64::MAX,
            MIRROR => self.volume.boot.record.saturating_mul(MIRRORED),
            DEFINITIONS => 64 << 10,
            BITMAP => self.volume.clusters.count.div_ceil(64).saturating_mul(8),
            UPPER_CASE => 128 << 10,
            _ => u64::MAX,
        };
        let size = match first.take(1).next() {
            // How much of the last compressed unit is used is not known without decoding it.
            Some(first) if first.unit > 0 => u64::MAX,
            Some(first) => first.valid.min(first.size),
            None => 0,
        };
        size.min(most)
    }

    /// Names what is explained of `len` bytes at `at`, which belong to a value of this kind.
    fn explain(&self, kind: u32, at: u64, len: u64, harvest: &mut Harvest<'_>) {
        match kind {
            kind::INDEX => blocks(at, len, self.volume, harvest),
            kind::DATA if self.number == LOG => log(at, len, self.volume, harvest),
            kind::DATA if !self.own => harvest.account.name(at, len, Role::Content),
            kind::DATA | kind::LIST | kind::SECURITY | kind::BITS => {
                harvest.account.metadata(at, len);
            }
            // Nothing reads the others.
            _ => {}
        }
    }
}

/// Names the blocks of an index as far as they are used.
fn blocks(at: u64, len: u64, volume: &Volume, harvest: &mut Harvest<'_>) {
    let end = at.saturating_add(len);
    let mut at = at;
    while at < end {
        // A block is as long as its own count of replaced bytes says.
        let head = volume
            .bytes(at, 40)
            .filter(|head| head.starts_with(b"INDX"));
        let count = head.and_then(|head| Fields::little(head).u16(6));
        let size = u64::from(count.unwrap_or(1))
            .saturating_sub(1)
            .saturating_mul(512);
        if size == 0 || size > end.saturating_sub(at) {
            at = at.saturating_add(512);
            continue;
        }
        let raw = volume.bytes(at, size).map(<[u8]>::to_vec);
        if let Some(mut raw) = raw {
            if restore(&mut raw) != Some(true) {
                let detail = "a block of an index was not written to its end";
                harvest.tell(Problem::corrupt(detail).at(at));
            }
            let used = Fields::little(&raw).u32(28).unwrap_or(0);
            let used = u64::from(used).saturating_add(24).min(size);
            harvest.account.metadata(at, used);
            let mut mark = at.saturating_add(510);
            while mark < at.saturating_add(size) {
                harvest.account.metadata(mark, 2);
                mark = mark.saturating_add(512);
            }
        }
        at = at.saturating_add(size);
    }
}

/// Names the pages of the log.
fn log(at: u64, len: u64, volume: &Volume, harvest: &mut Harvest<'_>) {
    let end = at.saturating_add(len);
    let mut at = at;
    while at < end {
        let head = volume.bytes(at, 4);
        if matches!(head, Some(b"RSTR" | b"RCRD")) {
            harvest
                .account
                .metadata(at, PAGE.min(end.saturating_sub(at)));
        }
        at = at.saturating_add(PAGE);
    }
}
