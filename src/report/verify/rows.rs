//! The rows of a record, made from what was found; no text in them has a hidden character.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::baseline::change::{Change, ChangeKind, Value};
use crate::baseline::compare::{Checked, NotChecked};
use crate::baseline::{Baseline, ExpectedNode};
use crate::digest::Digest;
use crate::extract::Inventory;
use crate::finding::{Confidence, Finding, Severity};
use crate::place::visible;
use crate::report::rows::OlderRow;
use crate::rules::Given;
use crate::trust::keyring::{Class, Vouched};

/// The table of advisories that was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TableRow {
    /// When it was read.
    pub read: String,
    /// How many days ago that was; negative where the clock says that it is yet to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_days: Option<i64>,
    /// The device, by its name in the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
}

/// The baseline of a report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BaselineRow {
    /// Who made the device.
    pub vendor: String,
    /// Which model.
    pub model: String,
    /// Which firmware version.
    pub version: String,
    /// The baseline's number.
    pub sequence: u64,
    /// When it was made, as its signer claims.
    pub issued: String,
    /// When it goes stale.
    pub expires: String,
    /// Who signed it; the first of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerRow>,
    /// Who else did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosigners: Vec<SignerRow>,
    /// The digest of the signed bytes.
    pub sha256: Digest,
}

/// The signer of a baseline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignerRow {
    /// SHA-256 of the 32 bytes of the public key.
    pub key: Digest,
    /// What the signer is to the device: `vendor`, `hospital`, `third-party`; `unstated` with a key named on the
    /// command line, which says nothing about it.
    pub class: String,
    /// What the keyring calls the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The form of the signature, under the word that keyrings use.
    pub form: String,
    /// The comment that the signature covers, escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A pack of rules that is not built in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PackRow {
    /// Its name.
    pub name: String,
    /// How many rules it has.
    pub rules: usize,
    /// When it was made, as its signer claims.
    pub issued: String,
    /// When it goes stale.
    pub expires: String,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// Who signed it, or the first of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerRow>,
    /// Who else did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cosigners: Vec<SignerRow>,
    /// Why nobody vouches for it: what it tells is for review only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untrusted: Option<String>,
}

/// One component that was compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckedRow {
    /// Its name in the baseline.
    pub component: String,
    /// Where the image has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// How many entries were compared; 1 for raw bytes.
    pub compared: usize,
    /// How many of them matched.
    pub matched: usize,
    /// How many entries the baseline lets change.
    pub mutable: usize,
}

/// One difference.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangeRow {
    /// What sort.
    pub kind: ChangeKind,
    /// The component of the baseline, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The path in the component's tree, escaped, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where it is in the image, where it is there; empty for the image itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Exactly what differs.
    pub fields: Vec<String>,
    /// What the baseline says of these fields.
    pub expected: BTreeMap<String, Value>,
    /// What the image holds.
    pub found: BTreeMap<String, Value>,
    /// What it means, one plain clause each.
    pub explanation: Vec<String>,
}

/// One thing that a check found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FindingRow {
    /// What was found, in kebab-case; never renamed.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// How much was shown.
    pub confidence: Confidence,
    /// One line for people.
    pub title: String,
    /// Where; empty for the image itself.
    pub place: String,
    /// What shows it, one plain clause each.
    pub evidence: Vec<String>,
    /// CVE, CWE and advisory numbers.
    pub references: Vec<String>,
}

/// Something that was not compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NotCheckedRow {
    /// Where it is; empty for the image as a whole.
    pub place: String,
    /// Why.
    pub reason: String,
}

/// An older content, what became of its path, and whether it is the one that the baseline states: the evidence of an overwrite
/// that nobody verified.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    /// The older content.
    #[serde(flatten)]
    pub row: OlderRow,
    /// Whether anything stands at the path now.
    pub is_present: bool,
    /// When what stands at the path now was written, in seconds since 1970, where the format says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_mtime: Option<i64>,
    /// Whether this is the content that the baseline states for the path.
    pub is_baseline: bool,
    /// Whether it is, and what stands there now is another one, or nothing does.
    #[serde(default)]
    pub is_lost: bool,
}

impl From<&Vouched> for SignerRow {
    fn from(vouched: &Vouched) -> Self {
        Self {
            key: vouched.signer.key.fingerprint(),
            class: vouched.class.map_or("unstated", Class::word).to_owned(),
            name: vouched.name.as_deref().map(text),
            form: vouched.signer.form.word().to_owned(),
            comment: vouched.signer.comment.as_deref().map(text),
        }
    }
}

impl BaselineRow {
    /// The row of a baseline, for which nobody vouches where there is no signer.
    pub fn new(baseline: &Baseline, sha256: Digest, signers: &[Vouched]) -> Self {
        let mut rows = signers.iter().map(SignerRow::from);
        Self {
            vendor: text(&baseline.device.vendor),
            model: text(&baseline.device.model),
            version: text(&baseline.firmware.version),
            sequence: baseline.sequence,
            issued: baseline.issued.to_string(),
            expires: baseline.expires.to_string(),
            signer: rows.next(),
            cosigners: rows.collect(),
            sha256,
        }
    }
}

impl PackRow {
    /// The row of a pack.
    pub fn new(given: &Given) -> Self {
        let mut signers = given.signers.iter().flatten().map(SignerRow::from);
        Self {
            name: text(&given.pack.name),
            rules: given.pack.rules.len(),
            issued: given.dates.issued.to_string(),
            expires: given.dates.expires.to_string(),
            sha256: given.sha256,
            signer: signers.next(),
            cosigners: signers.collect(),
            untrusted: given.signers.as_ref().err().map(|why| text(why)),
        }
    }
}

impl CheckedRow {
    pub(super) fn new(checked: &Checked) -> Self {
        Self {
            component: text(&checked.component),
            place: checked.place.as_ref().map(ToString::to_string),
            compared: checked.compared,
            matched: checked.matched,
            mutable: checked.mutable,
        }
    }
}

impl ChangeRow {
    pub(super) fn new(change: &Change) -> Self {
        let named = |(name, value): (&&str, &Value)| ((*name).to_owned(), value.clone());
        Self {
            kind: change.kind,
            component: change.component.as_deref().map(text),
            path: change.path.clone(),
            place: change.place.as_ref().map(ToString::to_string),
            fields: change
                .fields
                .iter()
                .map(|&field| field.to_owned())
                .collect(),
            expected: change.expected.iter().map(named).collect(),
            found: change.found.iter().map(named).collect(),
            explanation: texts(&change.explanation),
        }
    }
}

impl FindingRow {
    pub(super) fn new(finding: &Finding) -> Self {
        Self {
            code: finding.code.to_owned(),
            severity: finding.severity,
            confidence: finding.confidence,
            title: text(&finding.title),
            place: finding.place.to_string(),
            evidence: texts(&finding.evidence),
            references: finding
                .references
                .iter()
                .map(|&name| name.to_owned())
                .collect(),
        }
    }
}

impl NotCheckedRow {
    pub(super) fn new(row: &NotChecked) -> Self {
        Self {
            place: row.place.to_string(),
            reason: text(&row.reason),
        }
    }
}

/// Every older content of an image, in its order.
pub(super) fn history(found: &Inventory, baseline: Option<&Baseline>) -> Vec<History> {
    let now: BTreeMap<_, _> = found
        .entries
        .iter()
        .map(|entry| ((entry.region, &entry.entry.path), entry))
        .collect();
    let files = baseline.map(|baseline| baseline.files.as_slice());
    let expected: BTreeSet<_> = files
        .unwrap_or_default()
        .iter()
        .filter_map(|row| match &row.node {
            ExpectedNode::File { sha256, .. } => Some((&row.path, *sha256)),
            _ => None,
        })
        .collect();
    let row = |older| {
        let row = OlderRow::new(older);
        let now = now.get(&(older.region, &older.path));
        let is_current = now.is_some_and(|now| now.sha256 == older.sha256);
        let stated = older
            .sha256
            .is_some_and(|sha256| expected.contains(&(&older.path, sha256)));
        History {
            row,
            is_present: now.is_some(),
            current_mtime: now.and_then(|now| now.entry.meta.mtime),
            is_baseline: stated,
            is_lost: stated && !is_current,
        }
    };
    found.history.iter().map(row).collect()
}

fn text(text: &str) -> String {
    visible(text).into_owned()
}

fn texts(list: &[String]) -> Vec<String> {
    list.iter().map(|line| text(line)).collect()
}
