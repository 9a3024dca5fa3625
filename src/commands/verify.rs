//! `vitalsign verify`

use std::sync::Arc;

use anyhow::Result;

use super::authority::{self, Trusting};
use super::candidates::{self, Candidate, Chosen};
use super::{attest, clock, open, output, packs, report, talk, trust, yara};
use crate::baseline::compare::{Comparison, NotChecked};
use crate::check::{self, device::Stated};
use crate::cli::{self, ReportOutput};
use crate::extract::Inventory;
use crate::place::Place;
use crate::report::verify::render::Manner;
use crate::report::verify::{BaselineRow, Command, Report};
use crate::software;
use crate::trust::order::{self, Breach, BreachKind};
use crate::trust::state::{Line, Seen};
use crate::verdict::{Against, Threshold, Verdict};

/// Verifies an image; the exit code is the sum of what was seen.
pub(super) fn run(args: &cli::Verify) -> Result<u8> {
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
    };
    let unit = report::unit(&args.unit)?;
    let candidates = candidates::read(args, unit.asset.as_ref(), &trusting)?;
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    let mut risk = talk::during_checks(&basis.pace, || check::risk(&found, &basis));
    let chosen = candidates::choose(candidates, &found, args, unit.asset.as_ref())?;
    let (candidate, mut comparison) = match chosen {
        Some(Chosen {
            candidate,
            mut comparison,
            how,
        }) => {
            if let Some(how) = how {
                note(&mut comparison, &how);
            }
            (Some(candidate), comparison)
        }
        None => (None, Comparison::default()),
    };
    let mut breaches = order::dates(&packs::dates(&basis.rules), now);
    let stated = candidate.as_ref().map(|candidate| Stated {
        baseline: &candidate.baseline,
        is_trusted: !candidate.signers.is_empty(),
        is_match: comparison.changes.is_empty() && comparison.is_complete(),
    });
    risk.published(&found, &basis, stated);
    if let Some(candidate) = &candidate {
        risk.against(&candidate.baseline, &comparison, &found);
        let known = trusting.known(&args.trust, now);
        let order = order::judge(&candidate.place(), &known);
        breaches.extend(order.breaches);
        breaches.sort_by_key(|breach| breach.kind);
        for line in &order.notes {
            note(&mut comparison, line);
        }
    }
    let breaches = accepted(breaches, args.trust.allow_stale.as_deref());
    comparison.not_checked.append(&mut risk.not_checked);
    let against = match &candidate {
        None => Against::Nothing,
        Some(candidate) if candidate.signers.is_empty() => Against::Unsigned,
        Some(_) => Against::Trusted,
    };
    let threshold = Threshold {
        severity: args.fail_on,
        strict: args.strict,
    };
    let verdict = Verdict::of(
        &comparison.changes,
        &risk.findings,
        comparison.is_complete(),
        breaches.iter().any(|breach| breach.accepted.is_none()),
        against,
        threshold,
    );
    let row = candidate.as_ref().map(|it| {
        (
            &it.baseline,
            BaselineRow::new(&it.baseline, it.sha256, &it.signers),
        )
    });
    let report = Report::new(
        Command::Verify,
        &found,
        row,
        &comparison,
        &risk.findings,
        verdict,
    )
    .judged(now, breaches)
    .by(&basis, &risk)
    .of_unit(unit);
    let report = listed(report, &found, &args.output, attestor.is_some());
    write(&report, &args.output)?;
    if let Some(candidate) = &candidate {
        // A time that the caller made up is none that was seen.
        trusting.remember(candidate, args.now.is_none().then_some(now))?;
    }
    // Last, so that what is attested was noted against replays.
    if let Some(attestor) = attestor {
        attestor.attest(&report)?;
    }
    Ok(verdict.exit_code)
}

/// Marks what expired as accepted, for the reason that the caller gives.
pub(super) fn accepted(mut breaches: Vec<Breach>, reason: Option<&str>) -> Vec<Breach> {
    for breach in &mut breaches {
        if breach.kind == BreachKind::Stale {
            breach.accepted = reason.map(str::to_owned);
        }
    }
    breaches
}

impl Candidate {
    /// Its place in time and order.
    fn place(&self) -> order::Place<'_> {
        let Self { baseline, .. } = self;
        order::Place {
            vendor: &baseline.device.vendor,
            model: &baseline.device.model,
            version: &baseline.firmware.version,
            sequence: baseline.sequence,
            issued: baseline.issued,
            expires: baseline.expires,
            security_floor: baseline.firmware.security_floor.as_deref(),
            sha256: self.sha256,
        }
    }
}

impl Trusting {
    /// Notes what was relied on, once all is judged. Without a state file nothing is.
    fn remember(&mut self, candidate: &Candidate, now: Option<jiff::Timestamp>) -> Result<()> {
        let Some(kept) = &mut self.kept else {
            return Ok(());
        };
        if let Some(chain) = &self.keyring {
            kept.take_up(chain);
        }
        let state = &mut kept.state;
        state.index = state
            .index
            .max(self.index.as_ref().map_or(0, |index| index.sequence));
        state.last_seen = state.last_seen.max(now);
        for vouched in &candidate.signers {
            let baseline = &candidate.baseline;
            let line = Line {
                vendor: baseline.device.vendor.clone(),
                model: baseline.device.model.clone(),
                key: vouched.signer.key.fingerprint(),
            };
            let seen = Seen {
                sequence: baseline.sequence,
                sha256: candidate.sha256,
                security_floor: baseline.firmware.security_floor.clone(),
            };
            state.note(line, seen);
        }
        kept.write()
    }
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

/// Notes what this run did not look at, or how; it does not bar a match.
fn note(comparison: &mut Comparison, reason: &str) {
    comparison.not_checked.push(NotChecked {
        place: Place::image(),
        reason: reason.to_owned(),
        matters: false,
    });
}
