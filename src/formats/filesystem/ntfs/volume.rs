//! The volume: its table of files, and all attributes of a file, whichever records they are in.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::boot::Boot;
use super::content::{Clusters, Extents};
use super::record::{Attribute, Body, Outside, Record, kind};
use super::runs::Run;
use crate::entry::Data as _;
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// The longest list of attributes (bytes); Windows allows no longer one.
const LONGEST_LIST: u64 = 256 << 10;

/// A volume and its table of files.
pub(super) struct Volume {
    pub(super) boot: Boot,
    pub(super) clusters: Arc<Clusters>,
    /// Where the table of files is: each run with its first byte in the table.
    table: Vec<(u64, Run)>,
    /// How many bytes of lists of attributes may still be read: hostile files could share one.
    lists_left: Cell<u64>,
    /// How many records the table has.
    pub(super) records: u64,
}

/// A file's attributes, put together from all its records.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) all: Vec<Attribute>,
    /// The other records that some of them stand in.
    pub(super) others: Vec<u64>,
    /// What is wrong with them.
    pub(super) problems: Vec<&'static str>,
}

impl Volume {
    /// Finds the table of files.
    pub(super) fn read(region: Bytes, boot: Boot, problems: &mut Vec<Problem>) -> Option<Self> {
        let clusters = Arc::new(Clusters {
            len: boot.cluster,
            count: boot.clusters(),
            region,
        });
        let start = Run {
            cluster: Some(boot.table),
            count: boot.record.div_ceil(boot.cluster),
        };
        let mut volume = Self {
            boot,
            table: vec![(0, start)],
            lists_left: Cell::new(length(&clusters.region)),
            clusters,
            records: 1,
        };
        let first = volume.record(0).or_else(|| {
            let at = volume.clusters.at(volume.boot.table);
            let detail = "the first record of the table of files is damaged; its copy is read";
            problems.push(Problem::corrupt(detail).at(at));
            let mirror = volume.clusters.at(volume.boot.mirror);
            Record::parse(volume.bytes(mirror, volume.boot.record)?)
        })?;
        // The table may describe a part of itself in records that the part before describes: each round finds more of it.
        for _ in 0..64 {
            let attributes = volume.attributes(0, &first);
            let (outside, runs) = attributes.value(kind::DATA, &[])?;
            let grew = runs.len() > volume.table.len();
            let mut covered = 0_u64;
            volume.table.clear();
            for run in runs {
                volume.table.push((covered, run));
                covered = covered.saturating_add(volume.clusters.bytes(run.count));
            }
            let bytes = covered.min(outside.size);
            volume.records = bytes.checked_div(volume.boot.record)?;
            if !grew {
                break;
            }
        }
        Some(volume)
    }

    /// The `len` bytes at `at`.
    pub(super) fn bytes(&self, at: u64, len: u64) -> Option<&[u8]> {
        map::visited();
        self.clusters
            .region
            .get(index(at)..index(at.checked_add(len)?))
    }

    /// Where a record is, in bytes from the region's start.
    pub(super) fn record_at(&self, number: u64) -> Option<u64> {
        let at = number.checked_mul(self.boot.record)?;
        let place = self.table.partition_point(|(first, _)| *first <= at);
        let (first, run) = self.table.get(place.checked_sub(1)?)?;
        let inside = at.checked_sub(*first)?;
        let here = inside < self.clusters.bytes(run.count);
        let start = self.clusters.at(run.cluster.filter(|_| here)?);
        start.checked_add(inside)
    }

    /// The stored bytes of a record. One that lies in two pieces is not read: clusters smaller than a record are rare.
    pub(super) fn raw(&self, number: u64) -> Option<&[u8]> {
        let at = self.record_at(number)?;
        let whole = self.boot.record <= self.boot.cluster
            || self
                .record_at(number.checked_add(1)?)
                .is_none_or(|next| at.checked_add(self.boot.record) == Some(next))
            || self.table.len() == 1;
        self.bytes(at, self.boot.record).filter(|_| whole)
    }

    /// A record.
    pub(super) fn record(&self, number: u64) -> Option<Record> {
        Record::parse(self.raw(number)?)
    }

    /// All attributes of the file whose first record is `record`.
    pub(super) fn attributes(&self, number: u64, record: &Record) -> Attributes {
        let (own, ended) = record.attributes();
        let mut found = Attributes::default();
        if !ended {
            found
                .problems
                .push("the attributes of its record do not end");
        }
        let list = own.iter().find(|attribute| attribute.kind == kind::LIST);
        let others = match list {
            None => BTreeSet::new(),
            Some(list) => self.list(list).unwrap_or_else(|| {
                found.problems.push("its list of attributes cannot be read");
                BTreeSet::new()
            }),
        };
        found.all = own;
        for other in others.into_iter().filter(|&other| other != number) {
            let record = self.record(other);
            let Some(record) = record.filter(|record| record.base == number && record.in_use)
            else {
                found
                    .problems
                    .push("a record that its list of attributes leads to is not one of its own");
                break;
            };
            let (more, ended) = record.attributes();
            if !ended {
                found
                    .problems
                    .push("the attributes of a record of its list do not end");
            }
            found.all.extend(more);
            found.others.push(other);
        }
        found
    }

    /// The records that a list of attributes leads to.
    fn list(&self, list: &Attribute) -> Option<BTreeSet<u64>> {
        let bytes = match &list.body {
            Body::Resident(bytes) => bytes.clone(),
            Body::Outside(outside) => {
                let left = self.lists_left.get().checked_sub(outside.size)?;
                self.lists_left.set(left);
                let runs = outside.runs.clone()?;
                self.head(outside, runs, LONGEST_LIST)?
            }
        };
        let mut records = BTreeSet::new();
        let mut rest = &bytes[..];
        while rest.len() >= 26 {
            let fields = Fields::little(rest);
            records.insert(fields.u64(16)? & 0xffff_ffff_ffff);
            let len = usize::from(fields.u16(4)?);
            rest = rest.get(len..).filter(|_| len > 0)?;
        }
        Some(records)
    }

    /// The first `most` bytes of a value; `None` where they cannot be read.
    pub(super) fn head(&self, outside: &Outside, runs: Vec<Run>, most: u64) -> Option<Vec<u8>> {
        let first = Outside {
            size: outside.size.min(most),
            ..outside.clone()
        };
        let mut bytes = Vec::new();
        let value = Extents::new(&self.clusters, runs, &first);
        value.copy_to(&mut bytes).ok().map(|()| bytes)
    }

    /// Whether the volume's bytes are all there.
    pub(super) fn is_cut(&self) -> bool {
        length(&self.clusters.region) < self.boot.len()
    }
}

impl Attributes {
    /// The value in clusters of this kind and name: what its first part says, and all its runs. `None` where there is no such
    /// value, it is in the record, or its parts do not fit together.
    pub(super) fn value(&self, kind: u32, name: &[u16]) -> Option<(Outside, Vec<Run>)> {
        let parts = self
            .all
            .iter()
            .filter(|attribute| attribute.kind == kind && attribute.name == name);
        let mut parts: Vec<&Outside> = parts
            .filter_map(|attribute| match &attribute.body {
                Body::Outside(outside) => Some(outside),
                Body::Resident(_) => None,
            })
            .collect();
        parts.sort_by_key(|part| part.first);
        let mut runs = Vec::new();
        let mut next = 0_u64;
        for part in &parts {
            let more = part.runs.as_ref().filter(|_| part.first == next)?;
            for run in more {
                next = next.saturating_add(run.count);
            }
            runs.extend_from_slice(more);
        }
        let first = parts.first()?;
        Some((
            Outside {
                runs: None,
                ..(*first).clone()
            },
            runs,
        ))
    }

    /// Whether there is any content, with a name or without one.
    pub(super) fn has_content(&self) -> bool {
        self.all.iter().any(|attribute| match &attribute.body {
            Body::Resident(bytes) => attribute.kind == kind::DATA && !bytes.is_empty(),
            Body::Outside(outside) => attribute.kind == kind::DATA && outside.size > 0,
        })
    }

    /// The value in the record of this kind, where it has no name.
    pub(super) fn resident(&self, kind: u32) -> Option<&[u8]> {
        self.all.iter().find_map(|attribute| match &attribute.body {
            Body::Resident(bytes) if attribute.kind == kind && attribute.name.is_empty() => {
                Some(&bytes[..])
            }
            _ => None,
        })
    }

    /// About how much memory they take in bytes: names, values in the record, and runs.
    pub(super) fn held(&self) -> u64 {
        let all = self.all.iter().map(|attribute| match &attribute.body {
            Body::Resident(bytes) => length(bytes),
            Body::Outside(Outside { runs, .. }) => {
                let count = runs.as_ref().map_or(0, Vec::len);
                u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(24)
            }
        });
        all.fold(256, u64::saturating_add)
    }
}
