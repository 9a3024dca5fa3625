//! What only a fleet shows, from the records alone: which units hold the same firmware, which another version than was stated, which
//! differ from the others of their model, which share a key or an unknown program.
//!
//! Of each record a few words are held, so that a hundred thousand devices fit.

pub mod csv;
mod groups;
pub mod html;
mod matrix;
pub mod sarif;
mod since;
pub mod terminal;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::groups::Groups;
pub use self::groups::{ImageGroup, KeyGroup, Outlier, PartGroup, ProgramGroup};
pub use self::matrix::{Cell, Matrix, MatrixRow};
pub use self::since::Since;
use super::record::{Outcome, Record, count};
use super::results::Audit;
use super::tally::Tally;
use crate::digest::Digest;
use crate::finding::{Confidence, Severity};
use crate::verdict::{Integrity, Risk};

/// What a summary says that it is.
const SCHEMA: &str = "vitalsign.fleet/1";
/// So many rows of a list are told.
const MOST: usize = 1000;
/// So many units of one row are named.
const NAMED: usize = 20;

/// What was seen of a fleet so far.
#[derive(Default)]
pub struct Summary {
    audit: Option<Audit>,
    rows: Vec<Row>,
    groups: Groups,
    baselines: BTreeSet<Digest>,
    tally: Tally,
}

/// What is held of one device.
#[derive(Clone, Debug)]
pub(in crate::fleet) struct Row {
    position: u64,
    /// The key of the device.
    image: String,
    asset: Option<String>,
    exit_code: u8,
    answer: Answer,
    sha256: Option<Digest>,
    proven: u64,
    versions: Option<(String, String)>,
    report: Option<String>,
}

/// What was answered of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Judged(Integrity, Risk),
    Error(u8),
}

impl Row {
    fn name(&self) -> &str {
        self.asset.as_deref().unwrap_or(&self.image)
    }

    /// The greater, the worse: what differs from its baseline comes before all else, then proven risk.
    fn rank(&self) -> (u8, u8, u64) {
        let (integrity, risk) = match self.answer {
            Answer::Judged(integrity, risk) => (integrity, risk),
            Answer::Error(_) => return (0, 3, 0),
        };
        let of_risk = match risk {
            Risk::KnownRisk => 4,
            Risk::Review => 1,
            Risk::NoneFound => 0,
        };
        let of_integrity = match integrity {
            Integrity::Differ => 5,
            Integrity::Untrusted => 2,
            Integrity::NoBaseline | Integrity::Incomplete => 1,
            Integrity::Match => 0,
        };
        let differs = u8::from(integrity == Integrity::Differ);
        (differs, of_integrity.max(of_risk), self.proven)
    }
}

impl Summary {
    /// Says which audit the records are of.
    pub fn begins(&mut self, audit: Audit) {
        self.audit = Some(audit);
    }

    /// Counts one record.
    pub fn add(&mut self, record: &Record) {
        let index = self.rows.len();
        let versions = record.version.as_ref().filter(|it| it.is_other());
        let versions = versions.and_then(|it| Some((it.claimed.clone()?, it.found.clone()?)));
        let mut row = Row {
            position: record.position,
            image: record.device.image.clone(),
            asset: record.device.asset.clone(),
            exit_code: record.exit_code,
            answer: Answer::Error(0),
            sha256: None,
            proven: 0,
            versions,
            report: record.report.clone(),
        };
        self.tally.add(record);
        match &record.outcome {
            Outcome::Judged(judged) => {
                row.answer = Answer::Judged(judged.integrity, judged.risk);
                row.sha256 = judged.image.sha256;
                row.proven = judged.findings_of(Severity::High, Confidence::Proven);
                let signed = judged.baseline.iter().filter(|it| it.is_signed);
                self.baselines.extend(signed.map(|it| it.sha256));
                self.groups.add(index, record, judged);
            }
            Outcome::Error(error) => row.answer = Answer::Error(error.code),
        }
        self.rows.push(row);
    }

    /// Whether a device was compared with a signed baseline of this digest.
    pub fn relies_on(&self, sha256: Digest) -> bool {
        self.baselines.contains(&sha256)
    }

    /// What the audit ends with.
    pub fn exit_code(&self) -> u8 {
        self.tally.exit_code()
    }

    /// The same where devices are left that were not looked at.
    pub fn exit_code_unfinished(&self) -> u8 {
        self.tally.exit_code_unfinished()
    }

    /// How many devices the inventory names, or the shard has, as the first line of the results says.
    fn devices(&self) -> u64 {
        let stated = self.audit.as_ref().map(Audit::expected);
        stated.unwrap_or_else(|| count(self.rows.len()))
    }

    /// The exit code, whether or not all devices have their records.
    fn code(&self) -> u8 {
        if self.devices() > count(self.rows.len()) {
            self.exit_code_unfinished()
        } else {
            self.exit_code()
        }
    }

    /// The devices in the order of the inventory.
    fn sorted(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| row.position);
        rows
    }

    fn names(&self, members: &[usize]) -> Vec<String> {
        let mut rows: Vec<&Row> = members.iter().filter_map(|&at| self.rows.get(at)).collect();
        rows.sort_by_key(|row| row.position);
        let names = rows.iter().take(NAMED).map(|row| row.name().to_owned());
        names.collect()
    }

    /// What it all says.
    pub fn told(&self) -> Told {
        let rows = self.sorted();
        let mut integrity = BTreeMap::new();
        let mut risk = BTreeMap::new();
        let mut errors = BTreeMap::new();
        for row in &rows {
            let add = |counts: &mut BTreeMap<_, u64>, word: &'static str| {
                let count = counts.entry(word).or_default();
                *count = count.saturating_add(1);
            };
            match row.answer {
                Answer::Judged(of, at) => {
                    add(&mut integrity, word(Integrity::WORDS, of));
                    add(&mut risk, word(Risk::WORDS, at));
                }
                Answer::Error(code) => {
                    let count: &mut u64 = errors.entry(code).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
        let mut worst: Vec<&&Row> = rows.iter().filter(|row| row.exit_code != 0).collect();
        worst.sort_by_key(|row| std::cmp::Reverse(row.rank()));
        let others = rows.iter().filter(|row| row.versions.is_some());
        Told {
            schema: SCHEMA,
            audit: self.audit.clone(),
            devices: self.devices(),
            done: count(rows.len()),
            exit_code: self.code(),
            integrity,
            risk,
            errors,
            worst: worst.iter().take(MOST).map(|row| Unit::new(row)).collect(),
            images: self.groups.images(self),
            parts: self.groups.parts(),
            outliers: self.groups.outliers(self),
            matrices: self.matrices(),
            versions: others
                .take(MOST)
                .filter_map(|row| OtherVersion::new(row))
                .collect(),
            keys: self.groups.keys(self),
            programs: self.groups.programs(self),
            since: None,
        }
    }

    /// The same, and what is different since an earlier audit.
    pub fn told_since(&self, old: &Self) -> Told {
        Told {
            since: Some(Since::new(old, self)),
            ..self.told()
        }
    }
}

fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    let found = words.iter().find(|(_, of)| *of == value);
    found.map_or("", |(word, _)| word)
}

/// `vitalsign.fleet/1`
#[derive(Debug, Serialize)]
pub struct Told {
    schema: &'static str,
    /// Which audit it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// How many devices the inventory names; of a shard, how many it has.
    pub devices: u64,
    /// How many of them have a record.
    pub done: u64,
    /// What the audit ends with.
    pub exit_code: u8,
    /// How many devices have each answer on integrity.
    pub integrity: BTreeMap<&'static str, u64>,
    /// And on known risk.
    pub risk: BTreeMap<&'static str, u64>,
    /// How many devices could not be judged, by the code of the reason.
    pub errors: BTreeMap<u8, u64>,
    /// The devices that are not verified, the worst first.
    pub worst: Vec<Unit>,
    /// Devices with identical images, the most first.
    pub images: Vec<ImageGroup>,
    /// Identical parts of images, by model and place: the contents that are usual.
    pub parts: Vec<PartGroup>,
    /// Devices of which a part is not as it usually is.
    pub outliers: Vec<Outlier>,
    /// The devices of each model by their parts.
    pub matrices: Vec<Matrix>,
    /// Devices that have another version than was stated.
    pub versions: Vec<OtherVersion>,
    /// Keys that only one unit should have, and several have.
    pub keys: Vec<KeyGroup>,
    /// Programs that no baseline states, the most spread first.
    pub programs: Vec<ProgramGroup>,
    /// What is different since an earlier audit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
}

impl Told {
    /// How many devices have this answer on integrity.
    pub(super) fn integrity_of(&self, answer: Integrity) -> u64 {
        let count = self.integrity.get(word(Integrity::WORDS, answer));
        count.copied().unwrap_or_default()
    }

    /// How many have this one on known risk.
    pub(super) fn risk_of(&self, answer: Risk) -> u64 {
        let count = self.risk.get(word(Risk::WORDS, answer));
        count.copied().unwrap_or_default()
    }
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// What people call it.
    pub name: String,
    /// Its image, as the inventory names it.
    pub image: String,
    /// Its exit code.
    pub exit_code: u8,
    /// The answer on integrity; absent where it could not be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Integrity>,
    /// The answer on known risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// How many findings of at least high severity are proven.
    pub proven: u64,
    /// The file of its whole report, in the folder of reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

impl Unit {
    fn new(row: &Row) -> Self {
        let (integrity, risk) = match row.answer {
            Answer::Judged(integrity, risk) => (Some(integrity), Some(risk)),
            Answer::Error(_) => (None, None),
        };
        Self {
            name: row.name().to_owned(),
            image: row.image.clone(),
            exit_code: row.exit_code,
            integrity,
            risk,
            proven: row.proven,
            report: row.report.clone(),
        }
    }
}

/// A device that has another version than was stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OtherVersion {
    /// What people call it.
    pub name: String,
    /// What the inventory states.
    pub claimed: String,
    /// What it has.
    pub found: String,
}

impl OtherVersion {
    fn new(row: &Row) -> Option<Self> {
        let (claimed, found) = row.versions.clone()?;
        let name = row.name().to_owned();
        Some(Self {
            name,
            claimed,
            found,
        })
    }
}

#[cfg(test)]
mod tests;
