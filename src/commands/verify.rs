//! `vitalsign verify`

use anyhow::Result;

use super::{clock, exit, open, output, signatures, trust};
use crate::baseline::compare::{self, NotChecked};
use crate::check;
use crate::cli::{self, Output, ReportFormat};
use crate::place::Place;
use crate::report::verify::{BaselineRow, Report, text};
use crate::verdict::{Threshold, Verdict};

/// Verifies an image; the exit code is the sum of what was seen.
pub(super) fn run(args: &cli::Verify) -> Result<u8> {
    let keys = trust::public_keys(&args.trust_key)?;
    let trusted = signatures::judge(&args.baseline, &keys)?.trusted()?;
    let baseline = trusted.baseline();
    if let Some(model) = args.model.as_ref().filter(|model| {
        **model != baseline.device.model && !baseline.device.aliases.contains(model)
    }) {
        return Err(exit::WrongDevice {
            asked: model.clone(),
            stated: baseline.device.model.clone(),
        }
        .into());
    }
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    let mut comparison = compare::compare(baseline, &found);
    let mut findings = check::structure(&found);
    findings.extend(check::differences(baseline, &comparison, &found));
    let now = args.now.unwrap_or_else(clock::now);
    let mut policy = false;
    for (broken, reason) in [
        (
            now > baseline.expires,
            "the baseline is STALE: it expired before the time of judging",
        ),
        (
            now < baseline.issued,
            "the clock is BEHIND: the baseline says it was issued later than now",
        ),
    ] {
        if broken {
            policy = true;
            note(&mut comparison, reason);
        }
    }
    note(
        &mut comparison,
        "rollback: no state of earlier baselines was kept, so an old one could be replayed",
    );
    note(&mut comparison, check::RULES_MISSING);
    let threshold = Threshold {
        severity: args.fail_on,
        strict: args.strict,
    };
    let verdict = Verdict::of(
        &comparison.changes,
        &findings,
        comparison.is_complete(),
        policy,
        threshold,
    );
    let row = BaselineRow::new(&trusted);
    let judged_at = Some(now.to_string());
    let report = Report::new(
        &found,
        Some((baseline, row)),
        &comparison,
        &findings,
        verdict,
        judged_at,
    );
    write(&report, &args.output)?;
    Ok(verdict.exit_code)
}

/// Writes a report in the form asked for.
pub(super) fn write(report: &Report<'_>, to: &Output) -> Result<()> {
    let text = match to.format {
        ReportFormat::Json => output::json(report)?,
        ReportFormat::Terminal => {
            let mut out = String::new();
            text::render(report, &mut out)?;
            out
        }
    };
    output::write(to, &text)
}

/// Notes what this run did not look at; it does not bar a match.
fn note(comparison: &mut compare::Comparison, reason: &str) {
    comparison.not_checked.push(NotChecked {
        place: Place::image(),
        reason: reason.to_owned(),
        matters: false,
    });
}
