//! What an attestation states: an in-toto Statement v1 with SLSA's verification summary v1, and what a report says besides under a key
//! of our own.
//!
//! It is made from a report alone, signed as [`PAYLOAD_TYPE`] in a DSSE envelope, and read as strictly as baselines are.

pub mod check;
mod read;
#[cfg(test)]
mod tests;
mod write;

use jiff::Timestamp;
use serde::Serialize;

use super::verify::Report;
use crate::digest::Digest;
use crate::extract::FileId;
use crate::trust::dsse::Malformed;
use crate::verdict::{Integrity, Risk};

/// The type of payload that every signature covers.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://slsa.dev/verification_summary/v1";
const VERIFIER: &str = "urn:vitalsign:verifier";
/// The key under which a report's own words stand.
const DETAILS: &str = "urn:vitalsign:attestation:1";
/// What SLSA calls a level: no value of its own says that an image is what a signed baseline states.
const MATCH: &str = "VITALSIGN_BASELINE_MATCH";

/// What is attested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attestation {
    /// The files that were verified, the image first.
    pub subjects: Vec<Subject>,
    /// The version of vitalsign that did.
    pub version: String,
    /// When it was judged.
    #[serde(serialize_with = "as_text")]
    pub judged_at: Timestamp,
    /// Who says what time it was.
    pub clock: Clock,
    /// What the image was verified as.
    pub resource: String,
    /// What it was compared with; absent where no baseline fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Against>,
    /// The verdict's exit code.
    pub exit_code: u8,
    /// Is it what the baseline says?
    pub integrity: Integrity,
    /// Does it hold what behaves like a backdoor?
    pub risk: Risk,
    /// How many changes were found.
    pub changes: u64,
    /// The codes of what the checks found, each once.
    pub findings: Vec<String>,
    /// How many rows the report has under what was not checked.
    pub not_checked: u64,
    /// What speaks against relying on the baseline.
    pub policy: Vec<Spoken>,
    /// The unit's asset tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// The digest of the report as `--format json` writes it.
    pub report: Digest,
}

/// A file that was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The image's name; a part of it has the image's name, a slash, and its own.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// The baseline of an attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Against {
    /// Who made the device.
    pub vendor: String,
    /// Which model.
    pub model: String,
    /// Which firmware version.
    pub version: String,
    /// The baseline's number.
    pub sequence: u64,
    /// The digest of the signed bytes.
    pub sha256: Digest,
    /// The fingerprints of the keys that signed it; none where nobody vouches for it.
    pub signers: Vec<Digest>,
}

/// A breach of policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spoken {
    /// Its kind, in kebab-case.
    pub kind: String,
    /// Why it was accepted all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

/// Who says what time it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The clock of the machine.
    System,
    /// Whoever verified, with `--now`.
    Stated,
}

impl Clock {
    /// Both, under the word that attestations use.
    const WORDS: &[(&'static str, Self)] = &[("system", Self::System), ("stated", Self::Stated)];
}

/// The word for a value.
fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    let found = words.iter().find(|(_, other)| other == value);
    found.map_or("", |(word, _)| word)
}

impl Attestation {
    /// What `report` says. `sha256`: the digest of its JSON. `None` for a directory: it has no digest, and changes.
    pub fn new(report: &Report, sha256: Digest, clock: Clock) -> Option<Self> {
        let image = &report.image;
        let part = |file: &FileId| Subject {
            name: format!("{}/{}", image.name, file.name),
            sha256: file.sha256,
        };
        let own = Subject {
            name: image.name.clone(),
            sha256: image.sha256?,
        };
        // What was put together from several files is none itself.
        let own = image.interleaved.is_empty().then_some(own);
        let parts = image.interleaved.iter().chain(&image.with).map(part);
        let baseline = report.baseline.as_ref().map(|row| Against {
            vendor: row.vendor.clone(),
            model: row.model.clone(),
            version: row.version.clone(),
            sequence: row.sequence,
            sha256: row.sha256,
            signers: row
                .signer
                .iter()
                .chain(&row.cosigners)
                .map(|it| it.key)
                .collect(),
        });
        let resource = write::resource(baseline.as_ref(), image);
        let mut findings: Vec<String> = report.findings.iter().map(|it| it.code.clone()).collect();
        findings.sort();
        findings.dedup();
        Some(Self {
            subjects: own.into_iter().chain(parts).collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            judged_at: report.judged_at.as_ref()?.parse().ok()?,
            clock,
            resource,
            baseline,
            exit_code: report.verdict.exit_code,
            integrity: report.verdict.integrity,
            risk: report.verdict.risk,
            changes: count(report.changes.len()),
            findings,
            not_checked: count(report.not_checked.len()),
            policy: report
                .policy
                .iter()
                .map(|breach| Spoken {
                    kind: breach.kind.code().to_owned(),
                    accepted: breach.accepted.clone(),
                })
                .collect(),
            asset: report.asset.clone(),
            report: sha256,
        })
    }

    /// The statement, as JSON; [`Attestation::parse`] reads it back.
    ///
    /// # Errors
    /// Those of the JSON writer.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        write::statement(self)
    }

    /// Reads a statement. That it reads well says nothing about who wrote it.
    ///
    /// # Errors
    /// [`Malformed`]: another statement, predicate or verifier, or one that contradicts itself.
    pub fn parse(payload_type: &str, payload: &[u8]) -> Result<Self, Malformed> {
        read::statement(payload_type, payload).map_err(Malformed)
    }

    /// Whether the image was verified: exit code 0.
    pub fn passed(&self) -> bool {
        self.exit_code == 0
    }
}

fn as_text<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
