//! `vitalsign.audit/1`: what is kept of one device, a few kB: enough to compare a fleet by, when the image is gone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::inventory::Device;
use super::keys::KeyRow;
use super::parts::{self, PartRow, ProgramRow};
use crate::baseline::change::ChangeKind;
use crate::check::secrets::PrivateKey;
use crate::digest::Digest;
use crate::extract::{ImageId, Inventory};
use crate::finding::{Confidence, Severity};
use crate::place::{escape, visible};
use crate::report::verify::{ChangeRow, FindingRow, Report};
use crate::verdict::{Integrity, POLICY, Risk};

/// What a record says that it is.
pub const SCHEMA: &str = "vitalsign.audit/1";
/// So many rows of a list are kept; `counts` has them all.
const MOST: usize = 12;
/// A text of an error or place is cut at so many bytes.
const LONGEST: usize = 400;

/// What is kept of one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: String,
    /// Where in the inventory it stands, from 0.
    pub position: u64,
    /// Which device it is, as the inventory says.
    pub device: DeviceRow,
    /// The bits of its verdict, and 32 where its version is not the one that the inventory states; from 64 on there is no verdict, and
    /// `error` says why.
    pub exit_code: u8,
    /// What is told of its image.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The version that the inventory states, and the one that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionRow>,
    /// The file of the whole report, in the folder of reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// A device, as the inventory says; escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Its image, as it is written there: the key of a record.
    pub image: String,
    /// The asset tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// The serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
}

/// Either the image was judged, or it says why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was judged.
    Judged(Box<Judged>),
    /// It was not.
    Error(ErrorRow),
}

/// Why an image was not judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRow {
    /// The exit code that `verify` would have ended with, 64 to 70.
    pub code: u8,
    /// The reason.
    pub detail: String,
}

/// The versions of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// What the inventory states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<String>,
    /// That of the baseline, where at least half of what was compared is as it states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl VersionRow {
    /// Whether another version was found than was stated.
    pub fn is_other(&self) -> bool {
        matches!((&self.claimed, &self.found), (Some(claimed), Some(found)) if claimed != found)
    }
}

/// What is told of an image, whichever device it was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The image.
    pub image: ImageId,
    /// Is it what the baseline says?
    pub integrity: Integrity,
    /// Does it hold what behaves like a backdoor?
    pub risk: Risk,
    /// The bits of the two answers, without what the inventory states.
    pub bits: u8,
    /// What it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineId>,
    /// Whether at least half of what was compared is as the baseline states.
    pub is_near: bool,
    /// How many of everything.
    pub counts: Counts,
    /// The first changes.
    pub changes: Vec<ChangeId>,
    /// The first findings: the worst and surest.
    pub findings: Vec<FindingId>,
    /// The parts of the image, by their digests.
    pub parts: Vec<PartRow>,
    /// Programs that the baseline does not state, where there is one.
    pub programs: Vec<ProgramRow>,
    /// Keys that only one unit should have.
    pub keys: Vec<KeyRow>,
}

/// Which baseline it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineId {
    /// Who made the device.
    pub vendor: String,
    /// Which model.
    pub model: String,
    /// Which firmware version.
    pub version: String,
    /// Its number.
    pub sequence: u64,
    /// Whether somebody vouches for it.
    pub is_signed: bool,
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// How many of everything there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Changes, by kind.
    pub changes: BTreeMap<ChangeKind, u64>,
    /// Findings, by severity and confidence.
    pub findings: BTreeMap<Severity, BTreeMap<Confidence, u64>>,
    /// What was not checked.
    pub not_checked: u64,
    /// What speaks against relying on the baseline or the rules, and was not accepted.
    pub policy: u64,
    /// Contents of the baseline that were overwritten or deleted and are still there.
    pub lost: u64,
    /// Programs that the baseline does not state.
    pub programs: u64,
    /// Parts of the image.
    pub parts: u64,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeId {
    /// What sort.
    pub kind: ChangeKind,
    /// The component of the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The path, else the place in the image.
    pub at: String,
    /// What differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The digest of what the image holds there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingId {
    /// What was found.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// How much was shown.
    pub confidence: Confidence,
    /// Where.
    pub place: String,
}

impl DeviceRow {
    /// What the inventory says of a device.
    pub fn new(device: &Device) -> Self {
        let text = |value: &Option<String>| value.as_ref().map(|it| escape(it.as_bytes()));
        Self {
            image: device.image.clone(),
            asset: text(&device.asset),
            serial: text(&device.serial),
            model: text(&device.model),
            location: text(&device.location),
            department: text(&device.department),
        }
    }

    /// What people call it: the asset tag, else the image.
    pub fn name(&self) -> &str {
        self.asset.as_deref().unwrap_or(&self.image)
    }
}

impl Record {
    /// The record of a device that was judged. The image is called as this device's file is, whichever it was judged from.
    pub fn judged(position: u64, device: &Device, mut judged: Judged, name: String) -> Self {
        judged.image.name = name;
        let claimed = device.version.as_ref().map(|it| escape(it.as_bytes()));
        let near = judged.baseline.as_ref().filter(|_| judged.is_near);
        let found = near.map(|baseline| baseline.version.clone());
        let version = VersionRow { claimed, found };
        let policy = if version.is_other() { POLICY } else { 0 };
        Self {
            schema: SCHEMA.to_owned(),
            position,
            device: DeviceRow::new(device),
            exit_code: judged.bits | policy,
            outcome: Outcome::Judged(Box::new(judged)),
            version: Some(version).filter(|it| it.claimed.is_some() || it.found.is_some()),
            report: None,
        }
    }

    /// The record of a device that could not be judged.
    pub fn error(position: u64, device: &Device, code: u8, detail: &str) -> Self {
        let claimed = device.version.as_ref().map(|it| escape(it.as_bytes()));
        Self {
            schema: SCHEMA.to_owned(),
            position,
            device: DeviceRow::new(device),
            exit_code: code,
            outcome: Outcome::Error(ErrorRow {
                code,
                detail: cut(&visible(detail)),
            }),
            version: claimed.map(|claimed| VersionRow {
                claimed: Some(claimed),
                found: None,
            }),
            report: None,
        }
    }

    /// What is told of its image, where it was judged.
    pub fn as_judged(&self) -> Option<&Judged> {
        match &self.outcome {
            Outcome::Judged(judged) => Some(judged),
            Outcome::Error(_) => None,
        }
    }

    /// A name for the file of its report that is fit for every file system, and no other device's.
    pub fn file_name(&self) -> String {
        const LONG: usize = 48;
        let plain = |char: char| {
            if char.is_ascii_alphanumeric() {
                char
            } else {
                '-'
            }
        };
        let name: String = self.device.name().chars().map(plain).take(LONG).collect();
        let digest = Digest::of(self.device.image.as_bytes()).to_string();
        let unique: String = digest.chars().take(16).collect();
        format!("{name}.{unique}.json")
    }

    /// The bits that it adds to the exit code of an audit: a device that could not be judged is unverified.
    pub fn bits(&self) -> u8 {
        match self.outcome {
            Outcome::Judged(_) => self.exit_code,
            Outcome::Error(_) => crate::verdict::UNVERIFIED,
        }
    }
}

impl Judged {
    /// What is kept of a report and of what was found in the image.
    pub fn new(report: &Report, found: &Inventory, private: &[PrivateKey]) -> Self {
        let mut counts = Counts {
            not_checked: count(report.not_checked.len()),
            policy: count(
                report
                    .policy
                    .iter()
                    .filter(|breach| breach.accepted.is_none())
                    .count(),
            ),
            lost: count(report.history.iter().filter(|row| row.is_lost).count()),
            ..Counts::default()
        };
        for change in &report.changes {
            add(counts.changes.entry(change.kind).or_default());
        }
        for finding in &report.findings {
            let of_severity = counts.findings.entry(finding.severity).or_default();
            add(of_severity.entry(finding.confidence).or_default());
        }
        let sum = |count: fn(&crate::report::verify::CheckedRow) -> usize| {
            report
                .checked
                .iter()
                .fold(0_usize, |sum, row| sum.saturating_add(count(row)))
        };
        let (matched, compared) = (sum(|row| row.matched), sum(|row| row.compared));
        let (parts, all_parts) = parts::parts(found, &report.checked);
        let (programs, all_programs) = match &report.baseline {
            Some(_) => parts::unstated(found, &report.changes),
            None => (Vec::new(), 0),
        };
        counts.programs = all_programs;
        counts.parts = all_parts;
        Self {
            image: report.image.clone(),
            integrity: report.verdict.integrity,
            risk: report.verdict.risk,
            bits: report.verdict.exit_code,
            baseline: report.baseline.as_ref().map(|row| BaselineId {
                vendor: row.vendor.clone(),
                model: row.model.clone(),
                version: row.version.clone(),
                sequence: row.sequence,
                is_signed: row.signer.is_some(),
                sha256: row.sha256,
            }),
            is_near: compared > 0 && matched.saturating_mul(2) >= compared,
            counts,
            changes: report
                .changes
                .iter()
                .take(MOST)
                .map(ChangeId::new)
                .collect(),
            findings: report
                .findings
                .iter()
                .take(MOST)
                .map(FindingId::new)
                .collect(),
            parts,
            programs,
            keys: super::keys::keys(found, private),
        }
    }

    /// How many findings are at least this bad and this sure.
    pub fn findings_of(&self, severity: Severity, confidence: Confidence) -> u64 {
        let severities = self.counts.findings.range(severity..);
        let counts = severities.flat_map(|(_, of)| of.range(confidence..));
        counts.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

impl ChangeId {
    fn new(row: &ChangeRow) -> Self {
        let at = row.path.as_deref().or(row.place.as_deref());
        Self {
            kind: row.kind,
            component: row.component.clone(),
            at: cut(at.unwrap_or_default()),
            fields: row.fields.clone(),
            sha256: parts::digest(row),
        }
    }
}

impl FindingId {
    fn new(row: &FindingRow) -> Self {
        Self {
            code: row.code.clone(),
            severity: row.severity,
            confidence: row.confidence,
            place: cut(&row.place),
        }
    }
}

/// A text that is not too long to be kept, cut between two characters.
pub(super) fn cut(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let kept: String = text
        .char_indices()
        .take_while(|(at, char)| at.saturating_add(char.len_utf8()) <= LONGEST)
        .map(|(_, char)| char)
        .collect();
    kept + "..."
}

pub(super) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn add(count: &mut u64) {
    *count = count.saturating_add(1);
}
