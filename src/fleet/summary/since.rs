//! What is different between two audits of a fleet. A device is known by its asset tag, else by its image.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Answer, MOST, Row, Summary};
use crate::digest::Digest;
use crate::verdict::{Integrity, Risk};

/// What is different.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Since {
    /// When the earlier audit was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged_at: Option<String>,
    /// Devices that only the later one has.
    pub new: Vec<String>,
    /// Devices that only the earlier one has.
    pub gone: Vec<String>,
    /// Devices with another answer.
    pub changed: Vec<Turn>,
    /// How many devices have another image and the same answer.
    pub other_images: u64,
    /// How many are as before.
    pub same: u64,
    /// Programs that no baseline states and that more devices have than before.
    pub spread: Vec<Spread>,
}

/// A device with another answer than before.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// What people call it.
    pub name: String,
    /// The exit code before.
    pub before: u8,
    /// The exit code now.
    pub now: u8,
    /// Whether the image is another.
    pub is_other_image: bool,
    /// Integrity before and now, where both times it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity: Option<(Integrity, Integrity)>,
    /// Known risk before and now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<(Risk, Risk)>,
}

/// A program that spreads.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// The digest of its content.
    pub sha256: Digest,
    /// Where the first device has it.
    pub path: String,
    /// How many devices had it.
    pub before: u64,
    /// How many have it now.
    pub now: u64,
}

fn by_key(of: &Summary) -> BTreeMap<(bool, &str), &Row> {
    let key = |row: &'_ Row| row.asset.is_some();
    of.rows
        .iter()
        .map(|row| ((key(row), row.name()), row))
        .collect()
}

impl Since {
    pub(super) fn new(old: &Summary, new: &Summary) -> Self {
        let (before, after) = (by_key(old), by_key(new));
        let only = |rows: &BTreeMap<(bool, &str), &Row>, other: &BTreeMap<_, &Row>| {
            let rows = rows.iter().filter(|(key, _)| !other.contains_key(*key));
            let names = rows.map(|(_, row)| row.name().to_owned());
            names.take(MOST).collect::<Vec<_>>()
        };
        let mut since = Self {
            judged_at: old.audit.as_ref().map(|audit| audit.judged_at.clone()),
            new: only(&after, &before),
            gone: only(&before, &after),
            changed: Vec::new(),
            other_images: 0,
            same: 0,
            spread: spread(old, new),
        };
        for row in new.sorted() {
            let Some(was) = before.get(&(row.asset.is_some(), row.name())) else {
                continue;
            };
            let is_other_image = was.sha256 != row.sha256;
            if was.answer != row.answer || was.exit_code != row.exit_code {
                since.changed.push(Turn::new(was, row, is_other_image));
            } else if is_other_image {
                since.other_images = since.other_images.saturating_add(1);
            } else {
                since.same = since.same.saturating_add(1);
            }
        }
        since.changed.truncate(MOST);
        since
    }
}

impl Turn {
    fn new(was: &Row, row: &Row, is_other_image: bool) -> Self {
        let both = match (was.answer, row.answer) {
            (Answer::Judged(before, risk_before), Answer::Judged(now, risk_now)) => {
                Some(((before, now), (risk_before, risk_now)))
            }
            _ => None,
        };
        Self {
            name: row.name().to_owned(),
            before: was.exit_code,
            now: row.exit_code,
            is_other_image,
            integrity: both.map(|(integrity, _)| integrity),
            risk: both.map(|(_, risk)| risk),
        }
    }
}

fn spread(old: &Summary, new: &Summary) -> Vec<Spread> {
    let before: BTreeMap<Digest, u64> = old
        .groups
        .spread()
        .map(|(sha256, _, count)| (sha256, count))
        .collect();
    let mut rows: Vec<Spread> = new
        .groups
        .spread()
        .map(|(sha256, path, now)| Spread {
            sha256,
            path: path.to_owned(),
            before: before.get(&sha256).copied().unwrap_or_default(),
            now,
        })
        .filter(|row| row.now > row.before)
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.now.saturating_sub(row.before)));
    rows.truncate(MOST);
    rows
}
