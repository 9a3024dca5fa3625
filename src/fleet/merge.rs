//! The results of all shards, joined into those of the whole fleet: byte for byte what one machine writes in order.
//!
//! Every line is read and held against the others; what is kept of it is where it stands. So the memory that a merge takes does not depend on
//! how much the records say.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::record::Record;
use super::results::{self, At, Audit, Line, Unusable};
use super::shard::{Shard, ShardRow};
use super::tally::Tally;
use crate::digest::Digest;

/// Files of results that are not those of one audit, each shard once.
#[derive(Debug, thiserror::Error)]
pub enum Unmergeable {
    /// One that cannot be used, by its name.
    #[error("{0}: {1}")]
    File(String, Unusable),
    /// Two hold the same, by their names.
    #[error("{0} and {1} both hold {2}")]
    Twice(String, String, String),
}

/// Where the record of a device stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    position: u64,
    /// The number of the file, in the order that they were read, from 0.
    pub file: usize,
    /// The start of the line, in bytes from the file's start.
    pub start: u64,
    /// The length of the line, in bytes.
    pub length: usize,
    sha256: Digest,
}

impl Place {
    /// Whether these bytes are still those that were read.
    pub fn holds(&self, line: &[u8]) -> bool {
        Digest::of(line) == self.sha256
    }
}

/// What is read of one shard.
#[derive(Debug)]
struct Held {
    file: usize,
    shard: Shard,
    has: u64,
    expected: u64,
    is_torn: bool,
}

/// The shards that were read so far.
#[derive(Debug, Default)]
pub struct Merge {
    audit: Option<Audit>,
    names: Vec<String>,
    held: BTreeMap<u64, Held>,
    /// Files that not even say which audit they are of.
    blank: Vec<String>,
    places: Vec<Place>,
    tally: Tally,
}

/// A whole fleet.
#[derive(Debug)]
pub struct Merged {
    /// The first line.
    pub head: Audit,
    /// Where the others stand, in their order.
    pub places: Vec<Place>,
    /// How many shards there were.
    pub shards: usize,
    /// What the audit ends with.
    pub exit_code: u8,
}

/// What is missing of a fleet.
#[derive(Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// How many shards there are.
    pub of: u64,
    /// Shards of which there is no file: the first and the last of each gap.
    pub missing: Vec<(u64, u64)>,
    /// Shards that did not come to their end.
    pub unfinished: Vec<Unfinished>,
    /// Files that do not say which audit they are of.
    pub blank: Vec<String>,
    /// Devices without a record, by position: the first and the last of each gap.
    pub devices: Vec<(u64, u64)>,
    /// What the audit ends with, as far as it is known.
    pub exit_code: u8,
}

/// A shard that did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The name of its file.
    pub name: String,
    /// Which one it is, from 0.
    pub index: u64,
    /// How many records it has.
    pub has: u64,
    /// How many it should have.
    pub expected: u64,
    /// Whether its last line is torn.
    pub is_torn: bool,
}

impl Merge {
    /// Reads the results of one shard; results of a whole fleet are those of its only shard.
    ///
    /// # Errors
    /// [`Unmergeable`]: it is none of this audit, holds what no shard does, or was read before.
    pub fn read(&mut self, name: String, from: impl BufRead) -> Result<(), Unmergeable> {
        let file = self.names.len();
        self.names.push(name.clone());
        let mut has = 0_u64;
        let read = results::read_lines(from, |audit, record, at| {
            self.add(file, has, audit, record, at)?;
            has = has.saturating_add(1);
            Ok::<(), Unusable>(())
        });
        let in_file = |error| Unmergeable::File(name.clone(), error);
        let read = read.map_err(in_file)?;
        let Some(audit) = read.audit else {
            self.blank.push(name);
            return Ok(());
        };
        let shard = shard(&audit).map_err(in_file)?;
        if let Some(first) = &self.audit {
            let of = self.held.values().next().map(|held| held.shard.of());
            first.must_be_with(&audit).map_err(in_file)?;
            if of.is_some_and(|of| of != shard.of()) {
                return Err(in_file(Unusable::Other("numbers of shards")));
            }
        } else {
            self.audit = Some(audit.clone());
        }
        let held = Held {
            file,
            shard,
            has,
            expected: audit.expected(),
            is_torn: read.is_torn,
        };
        match self.held.insert(shard.index(), held) {
            None => Ok(()),
            Some(before) => Err(self.twice(before.file, file, format!("shard {shard}"))),
        }
    }

    /// What names the fleet; absent where no file says it.
    pub fn inventory(&self) -> Option<Digest> {
        self.audit.as_ref().map(|audit| audit.by.inventory)
    }

    fn twice(&self, one: usize, two: usize, what: String) -> Unmergeable {
        let name = |file: usize| self.names.get(file).cloned().unwrap_or_default();
        Unmergeable::Twice(name(one), name(two), what)
    }

    fn add(
        &mut self,
        file: usize,
        has: u64,
        audit: &Audit,
        record: Record,
        at: At<'_>,
    ) -> Result<(), Unusable> {
        let wrong = |what: &str| Err(Unusable::Line(at.number, what.to_owned()));
        let position = record.position;
        if position >= audit.devices {
            return wrong("the fleet has no device of this number");
        }
        if !shard(audit)?.holds(&record.device.image) {
            return wrong("the device is of another shard");
        }
        if has >= audit.expected() {
            return wrong("there are more records than devices");
        }
        self.tally.add(&record);
        // Read as what it says, it must be written in the same bytes: nothing is handed on that was not understood.
        let written = Line::Device(Box::new(record)).write();
        if !written.is_ok_and(|written| written == at.line) {
            return wrong("it is not as vitalsign writes it");
        }
        self.places.push(Place {
            position,
            file,
            start: at.start,
            length: at.line.len(),
            sha256: Digest::of(at.line),
        });
        Ok(())
    }

    /// The whole fleet, or what is missing of it.
    ///
    /// # Errors
    /// [`Unmergeable`]: a device has two records.
    pub fn finish(mut self) -> Result<Result<Merged, Incomplete>, Unmergeable> {
        self.places.sort_unstable_by_key(|place| place.position);
        let mut twice = self.places.windows(2).filter_map(|two| match two {
            [one, two] if one.position == two.position => Some((one, two)),
            _ => None,
        });
        if let Some((one, two)) = twice.next() {
            let what = format!("the device at position {}", one.position);
            return Err(self.twice(one.file, two.file, what));
        }
        let devices = self.audit.as_ref().map_or(0, |audit| audit.devices);
        let of = self.held.values().next().map_or(0, |held| held.shard.of());
        let unfinished = self.held.values();
        let unfinished = unfinished.filter(|held| held.is_torn || held.has < held.expected);
        let unfinished = unfinished.map(|held| Unfinished {
            name: self.names.get(held.file).cloned().unwrap_or_default(),
            index: held.shard.index(),
            has: held.has,
            expected: held.expected,
            is_torn: held.is_torn,
        });
        let incomplete = Incomplete {
            of,
            missing: gaps(self.held.keys().copied(), of),
            unfinished: unfinished.collect(),
            devices: gaps(self.places.iter().map(|place| place.position), devices),
            exit_code: self.tally.exit_code_unfinished(),
            blank: self.blank,
        };
        let is_whole = incomplete.missing.is_empty()
            && incomplete.unfinished.is_empty()
            && incomplete.blank.is_empty()
            && incomplete.devices.is_empty();
        Ok(match &self.audit {
            Some(audit) if is_whole => Ok(Merged {
                head: audit.whole(),
                places: self.places,
                shards: self.held.len(),
                exit_code: self.tally.exit_code(),
            }),
            _ => Err(incomplete),
        })
    }
}

/// Which part of the fleet the results of an audit are.
fn shard(audit: &Audit) -> Result<Shard, Unusable> {
    let shard = match &audit.shard {
        Some(row) => ShardRow::shard(row),
        None => Shard::new(0, 1),
    };
    shard.map_err(|error| Unusable::Line(1, error.to_string()))
}

/// What is missing among ascending numbers below `end`: the first and the last of each gap.
fn gaps(numbers: impl Iterator<Item = u64>, end: u64) -> Vec<(u64, u64)> {
    let (mut gaps, mut next) = (Vec::new(), 0);
    for number in numbers.chain([end]) {
        if let Some(last) = number.checked_sub(1).filter(|last| *last >= next) {
            gaps.push((next, last));
        }
        next = number.saturating_add(1);
    }
    gaps
}

#[cfg(test)]
mod tests;
