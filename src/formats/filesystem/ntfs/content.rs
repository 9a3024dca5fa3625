//! Values in clusters, read when they are wanted: run by run, or unit by unit where they are compressed.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::lznt1;
use super::record::Outside;
use super::runs::Run;
use crate::entry::{Data, Fault};
use crate::formats::stored::zeros;
use crate::image::map;
use crate::problem::Problem;
use crate::read::{clip, index, length};

/// The clusters of a volume.
pub(super) struct Clusters {
    /// The volume's bytes, which may end before it does.
    pub(super) region: Bytes,
    /// Bytes of a cluster.
    pub(super) len: u64,
    /// How many there are.
    pub(super) count: u64,
}

impl Clusters {
    /// Where a cluster starts, in bytes from the region's start.
    pub(super) fn at(&self, cluster: u64) -> u64 {
        cluster.saturating_mul(self.len)
    }

    /// How many bytes so many clusters have.
    pub(super) fn bytes(&self, count: u64) -> u64 {
        count.saturating_mul(self.len)
    }
}

/// A value in clusters.
pub(super) struct Extents {
    /// The volume.
    pub(super) clusters: Arc<Clusters>,
    /// The runs from the first cluster on.
    pub(super) runs: Vec<Run>,
    /// The size in bytes.
    pub(super) size: u64,
    /// So many bytes were written; the rest reads as zeros.
    pub(super) valid: u64,
    /// How many clusters are compressed together, as a power of two; 0: none are.
    pub(super) unit: u32,
}

impl Extents {
    /// A value of which everything is known.
    pub(super) fn new(clusters: &Arc<Clusters>, runs: Vec<Run>, first: &Outside) -> Self {
        Self {
            clusters: Arc::clone(clusters),
            runs,
            size: first.size,
            valid: first.valid.min(first.size),
            unit: first.unit,
        }
    }

    /// Its bytes where they lie in one piece.
    pub(super) fn piece(&self) -> Option<Bytes> {
        let [
            Run {
                cluster: Some(cluster),
                ..
            },
        ] = self.runs[..]
        else {
            return None;
        };
        let plain = self.unit == 0 && self.valid == self.size;
        let at = self.clusters.at(cluster);
        let bytes = clip(&self.clusters.region, at, self.size);
        (plain && length(&bytes) == self.size && self.covered() >= self.size).then_some(bytes)
    }

    /// How many bytes the runs cover.
    pub(super) fn covered(&self) -> u64 {
        let runs = self.runs.iter();
        self.clusters
            .bytes(runs.fold(0, |sum, run| run.count.saturating_add(sum)))
    }

    fn copy_plain(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let mut left = self.valid;
        for run in &self.runs {
            let len = self.clusters.bytes(run.count).min(left);
            match run.cluster {
                None => zeros(out, len)?,
                Some(cluster) => {
                    map::visited();
                    let at = self.clusters.at(cluster);
                    let bytes = clip(&self.clusters.region, at, len);
                    out.write_all(&bytes)?;
                    if length(&bytes) < len {
                        return Err(self.short(left.saturating_sub(length(&bytes))));
                    }
                }
            }
            left = left.saturating_sub(len);
        }
        if left > 0 {
            return Err(self.short(left));
        }
        zeros(out, self.size.saturating_sub(self.valid))
    }

    fn copy_units(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let unit = 1_u64 << self.unit.min(8);
        let mut left = self.valid;
        let mut cursor = Cursor {
            runs: &self.runs,
            done: 0,
        };
        while left > 0 {
            let parts = cursor.next(unit);
            if parts.is_empty() {
                return Err(self.short(left));
            }
            let len = self.clusters.bytes(unit).min(left);
            let bytes = self.unit_bytes(&parts, unit, left)?;
            out.write_all(bytes.get(..index(len)).unwrap_or(&bytes))?;
            zeros(out, len.saturating_sub(length(&bytes)))?;
            left = left.saturating_sub(len);
        }
        zeros(out, self.size.saturating_sub(self.valid))
    }

    /// What a unit yields; what is missing at its end is zeros.
    fn unit_bytes(&self, parts: &[Run], unit: u64, left: u64) -> Result<Vec<u8>, Fault> {
        let mut stored = Vec::new();
        let mut count = 0_u64;
        for part in parts {
            let Some(cluster) = part.cluster else {
                continue;
            };
            map::visited();
            let (at, len) = (self.clusters.at(cluster), self.clusters.bytes(part.count));
            let bytes = clip(&self.clusters.region, at, len);
            if length(&bytes) < len {
                return Err(self.short(left));
            }
            stored.extend_from_slice(&bytes);
            count = count.saturating_add(part.count);
        }
        let most = index(self.clusters.bytes(unit));
        if count == 0 || count >= unit {
            return Ok(stored);
        }
        let done = self.size.saturating_sub(left);
        let broken = |what: &str| {
            let detail = format!("{what} after {done} of {} bytes", self.size);
            Fault::Problem(Problem::corrupt(detail))
        };
        let decoded = lznt1::decode(&stored, most);
        let (bytes, used) = decoded.ok_or_else(|| broken("the compressed bytes make no sense"))?;
        let needed = u64::try_from(used)
            .unwrap_or(u64::MAX)
            .div_ceil(self.clusters.len);
        if needed < count {
            return Err(broken("more clusters than the compressed bytes take"));
        }
        Ok(bytes)
    }

    fn short(&self, left: u64) -> Fault {
        let done = self.valid.saturating_sub(left);
        let detail = format!("the clusters end after {done} of {} bytes", self.size);
        Problem::corrupt(detail).into()
    }
}

impl Data for Extents {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        if self.unit == 0 {
            self.copy_plain(out)
        } else {
            self.copy_units(out)
        }
    }
}

/// A place in a list of runs.
struct Cursor<'a> {
    runs: &'a [Run],
    /// How many clusters of the first run were handed out.
    done: u64,
}

impl Cursor<'_> {
    /// The next `count` clusters, or as many as are left.
    fn next(&mut self, count: u64) -> Vec<Run> {
        let mut parts = Vec::new();
        let mut left = count;
        while left > 0
            && let Some((run, after)) = self.runs.split_first()
        {
            let here = run.count.saturating_sub(self.done).min(left);
            if here > 0 {
                parts.push(Run {
                    cluster: run.cluster.map(|first| first.saturating_add(self.done)),
                    count: here,
                });
            }
            left = left.saturating_sub(here);
            self.done = self.done.saturating_add(here);
            if self.done >= run.count {
                self.runs = after;
                self.done = 0;
            }
        }
        parts
    }
}
