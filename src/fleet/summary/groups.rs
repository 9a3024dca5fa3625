//! Which devices have what in common.
//!
//! What is usual for a part is what at least two devices of the model have, and at least a tenth of those that have the part. Where that
//! covers at least half of them, whoever has something else is an outlier: a version that many have is none, and where no two devices are
//! alike, as with settings, nobody is. Programs are looked at apart from the rest of a file system.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::{MOST, Summary};
use crate::digest::Digest;
use crate::fleet::keys::What;
use crate::fleet::record::{Judged, Record, count};

/// The devices of a group, as indexes.
type Members = Vec<usize>;

/// What a part is known by: the model, the part's place, and what of it.
type PartKey = (String, String, Content);

/// Everything that devices may have in common.
#[derive(Default)]
pub(super) struct Groups {
    images: BTreeMap<Digest, (String, Members)>,
    parts: BTreeMap<PartKey, BTreeMap<Digest, Members>>,
    models: BTreeMap<String, u64>,
    keys: BTreeMap<(What, String), Members>,
    programs: BTreeMap<Digest, (String, Members)>,
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
        let units = self.models.entry(model.clone()).or_default();
        *units = units.saturating_add(1);
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
            let group = self.programs.entry(program.sha256);
            let group = group.or_insert_with(|| (program.path.clone(), Members::new()));
            once(&mut group.1, index);
        }
    }

    pub(super) fn images(&self, of: &Summary) -> Vec<ImageGroup> {
        let groups = self.images.iter();
        let mut rows: Vec<_> = groups
            .filter(|(_, (_, members))| members.len() > 1)
            .map(|(&sha256, (firmware, members))| ImageGroup {
                sha256,
                firmware: firmware.clone(),
                count: count(members.len()),
                units: of.names(members),
            })
            .collect();
        rows.sort_by_key(|row| Reverse(row.count));
        rows.truncate(MOST);
        rows
    }

    pub(super) fn parts(&self, _of: &Summary) -> Vec<PartGroup> {
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
        for ((model, place, content), groups) in &self.parts {
            let all = together(groups.values());
            let usual = usual(groups);
            let covered = together(usual.iter().map(|(_, members)| *members));
            if usual.is_empty() || covered.saturating_mul(2) < all {
                continue;
            }
            let outlier = |&index: &usize, sha256| {
                let row = of.rows.get(index)?;
                let told = Outlier {
                    name: row.name().to_owned(),
                    image: row.image.clone(),
                    model: model.clone(),
                    place: place.clone(),
                    content: *content,
                    sha256,
                    usual: count(covered),
                    of: count(all),
                };
                Some((row.position, told))
            };
            let unusual = groups
                .iter()
                .filter(|(sha256, _)| !usual.iter().any(|(other, _)| other == sha256));
            for (sha256, members) in unusual {
                rows.extend(members.iter().filter_map(|at| outlier(at, Some(*sha256))));
            }
        }
        rows.sort_by(|(one, a), (other, b)| {
            (one, &a.place, a.content).cmp(&(other, &b.place, b.content))
        });
        let rows = rows.into_iter().map(|(_, row)| row);
        rows.take(MOST).collect()
    }

    pub(super) fn keys(&self, of: &Summary) -> Vec<KeyGroup> {
        let groups = self.keys.iter();
        let mut rows: Vec<_> = groups
            .filter(|(_, members)| members.len() > 1)
            .map(|((what, fingerprint), members)| KeyGroup {
                what: *what,
                fingerprint: fingerprint.clone(),
                count: count(members.len()),
                units: of.names(members),
            })
            .collect();
        rows.sort_by_key(|row| Reverse(row.count));
        rows.truncate(MOST);
        rows
    }

    pub(super) fn programs(&self, of: &Summary) -> Vec<ProgramGroup> {
        let groups = self.programs.iter();
        let mut rows: Vec<_> = groups
            .map(|(&sha256, (path, members))| ProgramGroup {
                sha256,
                path: path.clone(),
                count: count(members.len()),
                units: of.names(members),
            })
            .collect();
        rows.sort_by_key(|row| Reverse(row.count));
        rows.truncate(MOST);
        rows
    }

    /// How many devices have each program that no baseline states.
    pub(super) fn spread(&self) -> impl Iterator<Item = (Digest, &str, u64)> {
        let groups = self.programs.iter();
        groups.map(|(&sha256, (path, members))| (sha256, path.as_str(), count(members.len())))
    }
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
fn usual(groups: &BTreeMap<Digest, Members>) -> Vec<(&Digest, &Members)> {
    let all = together(groups.values());
    let least = all.div_ceil(10).max(2);
    let groups = groups.iter();
    groups
        .filter(|(_, members)| members.len() >= least)
        .collect()
}
