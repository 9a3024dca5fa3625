//! `vitalsign scan`

use anyhow::Result;

use super::{open, verify};
use crate::baseline::compare::{Comparison, NotChecked};
use crate::check;
use crate::cli;
use crate::extract::Inventory;
use crate::report::verify::Report;
use crate::verdict::{Threshold, Verdict};

/// Looks for known risk in an image; the exit code is the sum of what was seen.
pub(super) fn run(args: &cli::Scan) -> Result<u8> {
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    let mut risk = check::risk(&found);
    let mut comparison = Comparison {
        not_checked: unread(&found),
        ..Comparison::default()
    };
    comparison.not_checked.append(&mut risk.not_checked);
    let threshold = Threshold {
        severity: args.fail_on,
        strict: args.strict,
    };
    let verdict = Verdict::alone(&risk.findings, !found.is_incomplete(), threshold);
    let report = Report::new(&found, None, &comparison, &risk.findings, verdict);
    verify::write(&report, &args.output)?;
    Ok(verdict.exit_code)
}

/// What of the image nothing could be looked for in.
fn unread(found: &Inventory) -> Vec<NotChecked> {
    let problems = found
        .problems
        .iter()
        .filter(|told| told.kind.hides_content());
    let problems = problems.map(|told| {
        (
            told.place.clone(),
            format!("{}: {}", told.kind.word(), told.detail),
        )
    });
    let gaps = found.gaps.iter().filter(|gap| gap.kind.is_unknown());
    let gaps = gaps.map(|gap| {
        (
            gap.place.clone(),
            format!("{} bytes of no known format", gap.len),
        )
    });
    let rows = problems.chain(gaps);
    rows.map(|(place, reason)| NotChecked {
        place,
        reason,
        matters: true,
    })
    .collect()
}
