//! `vitalsign.attestation/1`: what a signed attestation states, and whether it is about the files at hand.

use std::fmt::{self, Write};

use serde::Serialize;

use super::{Attestation, Clock, word};
use crate::digest::Digest;
use crate::report::text;
use crate::report::verify::SignerRow;
use crate::report::verify::render::terminal::who;
use crate::trust::keyring::Vouched;
use crate::verdict::{Integrity, MODIFIED, POLICY, Risk, UNVERIFIED};

/// Further lines are set in so far.
const HEAD: usize = 12;

/// A check of one attestation, as JSON has it.
#[derive(Serialize)]
pub struct Check {
    schema: &'static str,
    /// The result that is attested, what the files at hand add to it, and the exit code of both.
    pub verdict: Outcome,
    /// Who signed the attestation.
    pub signers: Vec<SignerRow>,
    /// What they state.
    pub attested: Attestation,
    /// The files that were held against it.
    pub files: Vec<FileRow>,
    /// Whether the report at hand is the one that is meant; absent where none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_matches: Option<bool>,
    /// What speaks against relying on it today.
    pub policy: Vec<String>,
    /// The names of the files it is about that none at hand is.
    pub not_checked: Vec<String>,
}

/// The answers of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// What is attested.
    pub result: Verified,
    /// The exit code that is attested, with 4 for a file that is another, 8 for one that was not held against it, 32 for policy.
    pub exit_code: u8,
}

/// Whether the image was verified, as the attestation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verified {
    /// With exit code 0.
    Passed,
    /// With another.
    Failed,
}

/// A file that was held against an attestation.
#[derive(Clone, Serialize)]
pub struct FileRow {
    /// Its name, escaped.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// What the attestation calls it; absent when it is not about this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl Check {
    /// Holds files, by name and digest, and the digest of a report against what `signers` attest.
    pub fn new(
        attested: Attestation,
        signers: &[Vouched],
        files: Vec<(String, Digest)>,
        report: Option<Digest>,
        policy: Vec<String>,
    ) -> Self {
        let subjects = &attested.subjects;
        let rows: Vec<FileRow> = files
            .into_iter()
            .map(|(name, sha256)| FileRow {
                subject: subjects
                    .iter()
                    .find(|subject| subject.sha256 == sha256)
                    .map(|subject| subject.name.clone()),
                name,
                sha256,
            })
            .collect();
        let is_here = |sha256: Digest| rows.iter().any(|row| row.sha256 == sha256);
        let not_checked: Vec<String> = subjects
            .iter()
            .filter(|subject| !is_here(subject.sha256))
            .map(|subject| subject.name.clone())
            .collect();
        let report_matches = report.map(|sha256| sha256 == attested.report);
        let differs = report_matches == Some(false) || rows.iter().any(|row| row.subject.is_none());
        let bits = [
            (differs, MODIFIED),
            (!not_checked.is_empty(), UNVERIFIED),
            (!policy.is_empty(), POLICY),
        ];
        let added = bits.iter().filter(|(is_set, _)| *is_set);
        let exit_code = added.fold(attested.exit_code, |code, (_, bit)| code | bit);
        Self {
            schema: "vitalsign.attestation/1",
            verdict: Outcome {
                result: if attested.passed() {
                    Verified::Passed
                } else {
                    Verified::Failed
                },
                exit_code,
            },
            signers: signers.iter().map(SignerRow::from).collect(),
            attested,
            files: rows,
            report_matches,
            policy,
            not_checked,
        }
    }
}

/// Writes the check for people.
///
/// # Errors
/// Those of `out`.
pub fn render(check: &Check, out: &mut String) -> fmt::Result {
    let it = &check.attested;
    text::wrap(out, "ATTESTED    ", HEAD, &result(check))?;
    text::wrap(out, "THIS IMAGE  ", HEAD, at_hand(check))?;
    for (at, signer) in check.signers.iter().enumerate() {
        let head = if at == 0 {
            "Signed by   "
        } else {
            "        and "
        };
        writeln!(out, "{head}key {}", signer.key)?;
        text::wrap(out, "            ", HEAD, &who(signer))?;
    }
    let by = match it.clock {
        Clock::System => "by the clock of the machine",
        Clock::Stated => "a time that was stated, not that of a clock",
    };
    let judged = format!("{} ({by}), by vitalsign {}", it.judged_at, it.version);
    text::wrap(out, "Judged at   ", HEAD, &judged)?;
    render_baseline(it, out)?;
    if let Some(asset) = &it.asset {
        text::wrap(out, "Asset       ", HEAD, asset)?;
    }
    for subject in &it.subjects {
        text::wrap(out, "Image       ", HEAD, &subject.name)?;
        writeln!(out, "    sha256  {}", subject.sha256)?;
    }
    let report = match check.report_matches {
        None => "",
        Some(true) => ": the one that was given",
        Some(false) => ": NOT the one that was given",
    };
    writeln!(out, "Report      as JSON{report}")?;
    writeln!(out, "    sha256  {}", it.report)?;
    let others: Vec<&FileRow> = check
        .files
        .iter()
        .filter(|row| row.subject.is_none())
        .collect();
    if !others.is_empty() {
        writeln!(out, "\nNOT WHAT IS ATTESTED")?;
    }
    for row in others {
        text::wrap(out, "  ", 4, &row.name)?;
        writeln!(out, "    sha256  {}", row.sha256)?;
    }
    render_list("\nPOLICY", &check.policy, out)?;
    if it.policy.iter().any(|breach| breach.accepted.is_some()) {
        writeln!(out, "\nACCEPTED THEN")?;
    }
    for breach in &it.policy {
        if let Some(reason) = &breach.accepted {
            text::wrap(out, "  ", 4, &format!("{}: {reason}", breach.kind))?;
        }
    }
    render_list(
        "\nNOT CHECKED: NO FILE WAS GIVEN FOR",
        &check.not_checked,
        out,
    )?;
    writeln!(out, "\nExit code   {}", check.verdict.exit_code)
}

fn render_list(title: &str, lines: &[String], out: &mut String) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    lines
        .iter()
        .try_for_each(|line| text::wrap(out, "  ", 4, line))
}

fn result(check: &Check) -> String {
    let it = &check.attested;
    if it.passed() {
        return "PASSED: everything matched the baseline, and everything was read".to_owned();
    }
    let mut parts = vec![
        format!("exit code {}", it.exit_code),
        format!("integrity {}", word(Integrity::WORDS, &it.integrity)),
        format!("known risk {}", word(Risk::WORDS, &it.risk)),
        text::count(usize::try_from(it.changes).unwrap_or(usize::MAX), "change"),
    ];
    if !it.findings.is_empty() {
        parts.push(format!("findings {}", it.findings.join(" ")));
    }
    let kinds = it.policy.iter().filter(|breach| breach.accepted.is_none());
    parts.extend(kinds.map(|breach| format!("the baseline was {}", breach.kind)));
    format!("FAILED: {}", parts.join(", "))
}

fn at_hand(check: &Check) -> &'static str {
    if check.files.iter().any(|row| row.subject.is_none()) {
        "ANOTHER: what was given is not what is attested"
    } else if check.files.is_empty() {
        "NOT CHECKED: no image was given (--image)"
    } else if check.not_checked.is_empty() {
        "the one that is attested, byte for byte"
    } else {
        "INCOMPLETE: what was given is attested, but not all that is attested was given"
    }
}

fn render_baseline(it: &Attestation, out: &mut String) -> fmt::Result {
    let Some(row) = &it.baseline else {
        return writeln!(out, "Baseline    none fits");
    };
    let signed = match row.signers.len() {
        0 => "NOT SIGNED: ",
        _ => "",
    };
    let name = format!(
        "{signed}{} {} {}, sequence {}",
        row.vendor, row.model, row.version, row.sequence
    );
    text::wrap(out, "Baseline    ", HEAD, &name)?;
    writeln!(out, "    sha256  {}", row.sha256)?;
    for signer in &row.signers {
        writeln!(out, " signed by  {signer}")?;
    }
    Ok(())
}
