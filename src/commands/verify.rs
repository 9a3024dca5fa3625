//! `vitalsign verify`

use std::sync::Arc;

use anyhow::Result;

use super::candidates::Candidates;
use super::judge::{Bench, Subject};
use super::sandbox::{Access, Start};
use super::{attest, authority, clock, open, output, packs, report, talk, trust, yara};
use crate::check;
use crate::cli::{self, ReportOutput};
use crate::extract::Inventory;
use crate::report::verify::Report;
use crate::report::verify::render::Manner;
use crate::software;
use crate::verdict::Threshold;

/// Verifies an image; the exit code is the sum of what was seen.
pub(super) fn run(args: &cli::Verify, start: &Start) -> Result<u8> {
    let attestor = attest::prepare(args)?;
    let mut trusting = authority::read(&args.trust)?;
    let now = args.now.unwrap_or_else(clock::now);
    let basis = check::Basis {
        rules: packs::book(&args.packs, &trusting.authority)?,
        named: args.device.named(),
        fingerprints: trust::fingerprint_key(args.checks.secret_key_file.as_deref())?,
        yara: yara::read(args.checks.yara.as_deref())?,
        table_age: clock::table_age(now),
        pace: Arc::default(),
        programs: Arc::default(),
    };
    let unit = report::unit(&args.unit)?;
    let candidates = Candidates::read(&args.baseline, args.trust.allow_unsigned, &trusting)?;
    candidates.are_for(&args.device, unit.asset.as_ref())?;
    let access = Access::default()
        .reads([&args.image])
        .reads_beside(&args.beside, &args.reading)
        .reports(&args.output)
        .writes(args.trust.state.as_deref(), 0o600)
        .writes(args.attest.attest_output.as_deref(), 0o644);
    let sandbox = start.confine(access)?;
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    let bench = Bench {
        trusting: &trusting,
        trust: &args.trust,
        now,
        threshold: Threshold {
            severity: args.fail_on,
            strict: args.strict,
        },
    };
    let subject = Subject {
        basis: &basis,
        candidates: &candidates,
        device: &args.device,
        unit,
    };
    let judged = talk::during_checks(&basis.pace, || bench.judge(&found, subject))?;
    let report = listed(
        judged.report.read_in(sandbox),
        &found,
        &args.output,
        attestor.is_some(),
    );
    write(&report, &args.output)?;
    if let Some(candidate) = judged.candidate {
        // A time that the caller made up is none that was seen.
        trusting.remember([candidate], args.now.is_none().then_some(now))?;
    }
    // Last, so that what is attested was noted against replays.
    if let Some(attestor) = attestor {
        attestor.attest(&report)?;
    }
    Ok(report.verdict.exit_code)
}

/// With the software of the image, where the form tells of it. What is attested is the digest of the JSON, which does.
pub(super) fn listed(
    report: Report,
    found: &Inventory,
    to: &ReportOutput,
    is_attested: bool,
) -> Report {
    if is_attested || to.format.lists_software() {
        report.listing(software::software(found))
    } else {
        report
    }
}

/// Writes a report in the form asked for.
pub(super) fn write(report: &Report, to: &ReportOutput) -> Result<()> {
    let manner = Manner {
        verbose: to.verbose,
    };
    let text = to.format.render(report, manner)?;
    output::write(to.output.as_deref(), &text)
}
