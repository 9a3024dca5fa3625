//! Which devices have what in common.
//!
//! What is usual for a part is what at least two devices of the model have, and at least a tenth of those that have the part. Where that
//! covers at least half of them, whoever has something else is an outlier: a version that many have is none, and where no two devices are
//! alike, as with settings, nobody is. Programs are looked at apart from the rest of a file system. Who lacks a part that more than nine of ten
//! devices of the model have is an outlier, too.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{MOST, Row, Summary};
use crate::digest::Digest;
use crate::fleet::keys::What;
use crate::fleet::record::{Judged, Record, count};

/// The devices of a group, as indexes.
pub(super) type Members = Vec<usize>;

/// What a part is known by: the model, the part's place, and what of it.
pub(super) type PartKey = (String, String, Content);

/// Everything that devices may have in common.
#[derive(Default)]
pub(super) struct Groups {
    images: BTreeMap<Digest, (String, Members)>,
    pub(super) parts: BTreeMap<PartKey, BTreeMap<Digest, Members>>,
    pub(super) models: BTreeMap<String, Members>,
    keys: BTreeMap<(What, String), Members>,
    programs: BTreeMap<Digest, Spread>,
}

/// Where a program is.
#[derive(Default)]
struct Spread {
    /// The first device of the inventory that has it, and where it does.
    first: Option<(u64, String)>,
    members: Members,
}

impl Spread {
    fn path(&self) -> &str {
        self.first.as_ref().map_or("", |(_, path)| path)
    }
}

/// What of a part is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Its programs.
    Programs,
    /// All of it.
    All,
}

/// Devices with identical images.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ImageGroup {
    /// The digest of the image.
    pub sha256: Digest,
    /// The version that it holds, where a baseline is near to it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub firmware: String,
    /// How many devices have it.
    pub count: u64,
    /// The first of them.
    pub units: Vec<String>,
}

/// A content of a part that is usual.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct PartGroup {
    /// The model; empty where nothing says which.
    pub model: String,
    /// The part's place.
    pub place: String,
    /// What of it.
    pub content: Content,
    /// The digest.
    pub sha256: Digest,
    /// How many devices have it.
    pub count: u64,
}

/// A device of which a part is not as it usually is.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Outlier {
    /// What people call the device.
    pub name: String,
    /// Its image, as the inventory names it.
    pub image: String,
    /// The model.
    pub model: String,
    /// The part's place.
    pub place: String,
    /// What of it.
    pub content: Content,
    /// The digest of what it has; absent where it lacks a part that more than nine of ten have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// How many devices have what is usual.
    pub usual: u64,
    /// Of how many.
    pub of: u64,
}

/// A key that several devices have.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct KeyGroup {
    /// What it is.
    pub what: What,
    /// Its fingerprint.
    pub fingerprint: String,
    /// How many devices have it.
    pub count: u64,
    /// The first of them.
    pub units: Vec<String>,
}

/// A program that no baseline states.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ProgramGroup {
    /// The digest of its content.
    pub sha256: Digest,
    /// Where the first device has it.
    pub path: String,
    /// How many devices have it.
    pub count: u64,
    /// The first of them.
    pub units: Vec<String>,
}

impl Outlier {
    /// Whether it says more than that a unit has settings or records of its own.
    pub(super) fn is_telling(&self) -> bool {
        self.content == Content::Programs || self.sha256.is_none()
    }

    fn new(
        row: &Row,
        (model, place, content): &PartKey,
        sha256: Option<Digest>,
        usual: usize,
        among: usize,
    ) -> Self {
        Self {
            name: row.name().to_owned(),
            image: row.image.clone(),
            model: model.clone(),
            place: place.clone(),
            content: *content,
            sha256,
            usual: count(usual),
            of: count(among),
        }
    }
}

impl Groups {
    pub(super) fn add(&mut self, index: usize, record: &Record, judged: &Judged) {
        let baseline = judged.baseline.as_ref().filter(|_| judged.is_near);
        let firmware = baseline.map(|it| format!("{} {} {}", it.vendor, it.model, it.version));
        if let Some(sha256) = judged.image.sha256 {
            let group = self.images.entry(sha256).or_default();
            if group.0.is_empty() {
                group.0 = firmware.unwrap_or_default();
            }
            group.1.push(index);
        }
        let stated = record.device.model.clone();
        let model = stated.or_else(|| baseline.map(|it| it.model.clone()));
        let model = model.unwrap_or_default();
        self.models.entry(model.clone()).or_default().push(index);
        for part in &judged.parts {
            let contents = [
                (Content::All, Some(part.sha256)),
                (Content::Programs, part.programs),
            ];
            for (content, sha256) in contents {
                let Some(sha256) = sha256 else {
                    continue;
                };
                let key = (model.clone(), part.place.clone(), content);
                let group = self.parts.entry(key).or_default();
                group.entry(sha256).or_default().push(index);
            }
        }
        for key in &judged.keys {
            let group = self.keys.entry((key.what, key.fingerprint.clone()));
            once(group.or_default(), index);
        }
        for program in &judged.programs {
            let spread = self.programs.entry(program.sha256).or_default();
            let is_first = |(position, _): &(u64, String)| record.position < *position;
            if spread.first.as_ref().is_none_or(is_first) {
                spread.first = Some((record.position, program.path.clone()));
            }
            once(&mut spread.members, index);
        }
    }

    pub(super) fn images(&self, of: &Summary) -> Vec<ImageGroup> {
        let groups = self.images.iter();
        let groups = groups.filter(|(_, (_, members))| members.len() > 1);
        let rows = groups.map(|(&sha256, (firmware, members))| ImageGroup {
            sha256,
            firmware: firmware.clone(),
            count: count(members.len()),
            units: of.names(members),
        });
        largest(rows, |row| row.count)
    }

    pub(super) fn parts(&self) -> Vec<PartGroup> {
        let mut rows = Vec::new();
        for ((model, place, content), groups) in &self.parts {
            let usual = usual(groups);
            let mut group: Vec<_> = usual
                .iter()
                .map(|&(&sha256, members)| PartGroup {
                    model: model.clone(),
                    place: place.clone(),
                    content: *content,
                    sha256,
                    count: count(members.len()),
                })
                .collect();
            group.sort_by_key(|row| Reverse(row.count));
            rows.append(&mut group);
        }
        rows.truncate(MOST);
        rows
    }

    pub(super) fn outliers(&self, of: &Summary) -> Vec<Outlier> {
        let mut rows = Vec::new();
        for (key, groups) in &self.parts {
            let all = together(groups.values());
            let usual = usual(groups);
            let covered = together(usual.iter().map(|(_, members)| *members));
            let outlier = |index: usize, sha256, (usual, among)| {
                let row = of.rows.get(index)?;
                Some((row.position, Outlier::new(row, key, sha256, usual, among)))
            };
            if !usual.is_empty() && covered.saturating_mul(2) >= all {
                let is_usual = |of: &Digest| usual.iter().any(|(other, _)| *other == of);
                for (sha256, members) in groups.iter().filter(|(sha256, _)| !is_usual(sha256)) {
                    let told = members.iter().copied();
                    rows.extend(told.filter_map(|at| outlier(at, Some(*sha256), (covered, all))));
                }
            }
            let (lacking, among) = self.lacking(key, groups);
            rows.extend(
                lacking
                    .into_iter()
                    .filter_map(|at| outlier(at, None, (all, among))),
            );
        }
        rows.sort_by(|(one, a), (other, b)| {
            (one, &a.place, a.content).cmp(&(other, &b.place, b.content))
        });
        let rows = rows.into_iter().map(|(_, row)| row);
        rows.take(MOST).collect()
    }

    /// The devices of a model that lack a part which more than nine of ten have, and how many the model has.
    fn lacking(
        &self,
        (model, _, content): &PartKey,
        groups: &BTreeMap<Digest, Members>,
    ) -> (Vec<usize>, usize) {
        let of_model = self
            .models
            .get(model)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let having: BTreeSet<usize> = groups.values().flatten().copied().collect();
        let among = of_model.len();
        let is_common = having.len().saturating_mul(10) > among.saturating_mul(9);
        // Who lacks a part lacks its programs, too: that is told once.
        if *content != Content::All || !is_common {
            return (Vec::new(), among);
        }
        let lacking = of_model.iter().filter(|index| !having.contains(index));
        (lacking.copied().collect(), among)
    }

    pub(super) fn keys(&self, of: &Summary) -> Vec<KeyGroup> {
        let groups = self.keys.iter();
        let groups = groups.filter(|(_, members)| members.len() > 1);
        let rows = groups.map(|((what, fingerprint), members)| KeyGroup {
            what: *what,
            fingerprint: fingerprint.clone(),
            count: count(members.len()),
            units: of.names(members),
        });
        largest(rows, |row| row.count)
    }

    pub(super) fn programs(&self, of: &Summary) -> Vec<ProgramGroup> {
        let groups = self.programs.iter();
        let rows = groups.map(|(&sha256, spread)| ProgramGroup {
            sha256,
            path: spread.path().to_owned(),
            count: count(spread.members.len()),
            units: of.names(&spread.members),
        });
        largest(rows, |row| row.count)
    }

    /// How many devices have each program that no baseline states.
    pub(super) fn spread(&self) -> impl Iterator<Item = (Digest, &str, u64)> {
        let groups = self.programs.iter();
        groups.map(|(&sha256, spread)| (sha256, spread.path(), count(spread.members.len())))
    }
}

/// The largest groups, and of equal ones those that come first.
fn largest<T>(groups: impl Iterator<Item = T>, count: impl Fn(&T) -> u64) -> Vec<T> {
    let mut groups: Vec<T> = groups.collect();
    groups.sort_by_key(|group| Reverse(count(group)));
    groups.truncate(MOST);
    groups
}

/// A device counts once, however often it has something.
fn once(members: &mut Members, index: usize) {
    if members.last() != Some(&index) {
        members.push(index);
    }
}

fn together<'m>(groups: impl Iterator<Item = &'m Members>) -> usize {
    groups.fold(0, |sum, members| sum.saturating_add(members.len()))
}

/// The contents that are usual.
pub(super) fn usual(groups: &BTreeMap<Digest, Members>) -> Vec<(&Digest, &Members)> {
    let all = together(groups.values());
    let least = all.div_ceil(10).max(2);
    let groups = groups.iter();
    groups
        .filter(|(_, members)| members.len() >= least)
        .collect()
}
