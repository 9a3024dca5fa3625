//! `vitalsign diff`: the first image stands in for a baseline.

use anyhow::Result;

use super::sandbox::{Access, Start};
use super::{open, verify};
use crate::baseline::compare::NotChecked;
use crate::baseline::{Baseline, Device, Firmware, compare, create};
use crate::check;
use crate::cli;
use crate::finding::Severity;
use crate::place::Place;
use crate::report::verify::{Command, Report};
use crate::verdict::{Against, Threshold, Verdict};

/// Compares two images; the exit code is the sum of what was seen.
pub(super) fn run(args: &cli::Diff, start: &Start) -> Result<u8> {
    let access = Access::default()
        .reads([&args.expected, &args.found])
        .reads(&args.reading.wrapper)
        .reports(&args.output);
    let sandbox = start.confine(access)?;
    let open = |image| open::inventory(image, &args.reading, &cli::Beside::default(), &args.budget);
    let expected = open(&args.expected)?;
    let draft = create::create(&expected);
    let baseline = Baseline {
        sequence: 0,
        issued: jiff::Timestamp::UNIX_EPOCH,
        expires: jiff::Timestamp::MAX,
        device: Device::default(),
        firmware: Firmware::default(),
        origin: None,
        components: draft.components,
        files: draft.files,
        pages: draft.pages,
        functions: draft.functions,
        elf: draft.elf,
        texts: draft.texts,
        boot: draft.boot,
        trees: draft.trees,
        mutable: Vec::new(),
    };
    let found = open(&args.found)?;
    let mut comparison = compare::compare_beside(&baseline, &found, &expected);
    let mut note = |reason: String, matters| {
        comparison.not_checked.push(NotChecked {
            place: Place::image(),
            reason,
            matters,
        });
    };
    for left_out in draft.left_out {
        note(format!("the first image: {left_out}"), true);
    }
    let mut risk = check::risk(&found, &check::Basis::default());
    risk.against(&baseline, &comparison, &found);
    comparison.not_checked.append(&mut risk.not_checked);
    let threshold = Threshold {
        severity: Severity::High,
        strict: false,
    };
    let verdict = Verdict::of(
        &comparison.changes,
        &risk.findings,
        comparison.is_complete(),
        false,
        Against::Trusted,
        threshold,
    );
    let report = Report::new(
        Command::Diff,
        &found,
        None,
        &comparison,
        &risk.findings,
        verdict,
    )
    .read_in(sandbox);
    let report = verify::listed(report, &found, &args.output, false);
    verify::write(&report, &args.output)?;
    Ok(verdict.exit_code)
}
