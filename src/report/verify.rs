//! `vitalsign.report/1`: the two answers about one image, and everything that shows them.

mod findings;
pub mod history;
mod packs;
pub mod text;

use serde::Serialize;

use self::history::History;
pub use self::packs::PackRow;
use crate::advisories::Table;
use crate::baseline::Baseline;
use crate::baseline::change::Change;
use crate::baseline::compare::{Checked, Comparison, NotChecked};
use crate::check::{Basis, Risk, secrets::Count};
use crate::digest::Digest;
use crate::extract::{Coverage, ImageId, Inventory};
use crate::finding::Finding;
use crate::place;
use crate::trust::keyring::{Class, Vouched};
use crate::trust::order::Breach;
use crate::verdict::Verdict;

/// The report of one verification, as JSON has it.
#[derive(Serialize)]
pub struct Report<'a> {
    schema: &'static str,
    /// The image.
    pub image: &'a ImageId,
    /// The answers.
    pub verdict: Verdict,
    /// What it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineRow>,
    /// The packs of rules that it was looked at with besides those built in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<PackRow>,
    /// The table of advisories that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advisories: Option<TableRow>,
    /// How many secrets stand in the findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Count>,
    /// When it was judged, where that was stated or asked of the clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged_at: Option<String>,
    /// What speaks against relying on the baseline, or on a pack of rules, authentic as it may be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<Breach>,
    /// The unit's asset tag, as the caller says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// What was compared.
    pub checked: &'a [Checked],
    /// What differs.
    pub changes: &'a [Change],
    /// What the checks found.
    pub findings: &'a [Finding],
    /// Older contents that are still there.
    pub history: Vec<History<'a>>,
    /// What was not checked, and why.
    pub not_checked: &'a [NotChecked],
    /// The account of the image's own bytes.
    pub coverage: Coverage,
    /// Whether known risk alone was asked for.
    #[serde(skip)]
    is_scan: bool,
}

/// The table of advisories that was asked.
#[derive(Clone, Debug, Serialize)]
pub struct TableRow {
    /// When it was read.
    pub read: String,
    /// How many days ago that was; negative where the clock says that it is yet to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_days: Option<i64>,
    /// The device, by its name in the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<&'static str>,
}

/// The baseline of a report.
#[derive(Clone, Serialize)]
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cosigners: Vec<SignerRow>,
    /// The digest of the signed bytes.
    pub sha256: Digest,
}

/// The signer of a baseline.
#[derive(Clone, Debug, Serialize)]
pub struct SignerRow {
    /// SHA-256 of the 32 bytes of the public key.
    pub key: Digest,
    /// What the signer is to the device: `vendor`, `hospital`, `third-party`; `unstated` with a key named on the
    /// command line, which says nothing about it.
    pub class: &'static str,
    /// What the keyring calls the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The form of the signature, under the word that keyrings use.
    pub form: &'static str,
    /// The comment that the signature covers, escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl From<&Vouched> for SignerRow {
    fn from(vouched: &Vouched) -> Self {
        Self {
            key: vouched.signer.key.fingerprint(),
            class: vouched.class.map_or("unstated", Class::word),
            name: vouched.name.clone(),
            form: vouched.signer.form.word(),
            comment: vouched.signer.comment.clone(),
        }
    }
}

impl BaselineRow {
    /// The row of a baseline, for which nobody vouches where there is no signer.
    pub fn new(baseline: &Baseline, sha256: Digest, signers: &[Vouched]) -> Self {
        let mut rows = signers.iter().map(SignerRow::from);
        Self {
            vendor: baseline.device.vendor.clone(),
            model: baseline.device.model.clone(),
            version: baseline.firmware.version.clone(),
            sequence: baseline.sequence,
            issued: baseline.issued.to_string(),
            expires: baseline.expires.to_string(),
            signer: rows.next(),
            cosigners: rows.collect(),
            sha256,
        }
    }
}

impl<'a> Report<'a> {
    /// The report of an image.
    pub fn new(
        found: &'a Inventory,
        baseline: Option<(&Baseline, BaselineRow)>,
        comparison: &'a Comparison,
        findings: &'a [Finding],
        verdict: Verdict,
    ) -> Self {
        Self {
            schema: "vitalsign.report/1",
            image: &found.image,
            verdict,
            history: history::rows(found, baseline.as_ref().map(|(baseline, _)| *baseline)),
            baseline: baseline.map(|(_, row)| row),
            rules: Vec::new(),
            advisories: None,
            secrets: None,
            judged_at: None,
            policy: Vec::new(),
            asset: None,
            checked: &comparison.checked,
            changes: &comparison.changes,
            findings,
            not_checked: &comparison.not_checked,
            coverage: found.coverage,
            is_scan: false,
        }
    }

    /// With the time it was judged by, and what is then out of order.
    #[must_use]
    pub fn judged(mut self, now: jiff::Timestamp, policy: Vec<Breach>) -> Self {
        self.judged_at = Some(now.to_string());
        self.policy = policy;
        self
    }

    /// With what the checks went by: the packs that were given, the table of advisories, and how secrets are told apart.
    #[must_use]
    pub fn by(mut self, basis: &Basis, risk: &Risk) -> Self {
        self.rules = basis.rules.given().iter().map(PackRow::new).collect();
        self.secrets = Some(risk.secrets.clone()).filter(|count| count.located > 0);
        self.advisories = Table::built_in().map(|table| TableRow {
            read: table.read.to_string(),
            age_days: basis.table_age,
            product: risk.product,
        });
        self
    }

    /// Of a scan: nothing was to be compared.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.is_scan = true;
        self
    }

    /// Of a unit with this asset tag, as the caller says; escaped here.
    #[must_use]
    pub fn of_unit(mut self, asset: Option<&str>) -> Self {
        self.asset = asset.map(|asset| place::escape(asset.as_bytes()));
        self
    }
}
