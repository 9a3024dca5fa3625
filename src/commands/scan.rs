//! `vitalsign scan`

use std::sync::Arc;

use anyhow::Result;

use super::sandbox::{Access, Start};
use super::{clock, judge, open, packs, report, talk, trust, verify, yara};
use crate::baseline::compare::{Comparison, NotChecked};
use crate::check;
use crate::cli;
use crate::extract::Inventory;
use crate::report::verify::{Command, Report};
use crate::trust::order::{self, Dated};
use crate::verdict::{Threshold, Verdict};

/// Looks for known risk in an image; the exit code is the sum of what was seen.
pub(super) fn run(args: &cli::Scan, start: &Start) -> Result<u8> {
    let (rules, trusting) = packs::read(&args.packs, &args.speakers)?;
    let now = args.now.unwrap_or_else(clock::now);
    let basis = check::Basis {
        rules,
        named: args.named.named(),
        fingerprints: trust::fingerprint_key(args.checks.secret_key_file.as_deref())?,
        yara: yara::read(args.checks.yara.as_deref())?,
        table_age: clock::table_age(now),
        pace: Arc::default(),
        programs: Arc::default(),
    };
    let mut documents = packs::dates(&basis.rules);
    let chain = trusting.as_ref().and_then(|it| it.keyring.as_ref());
    documents.extend(chain.map(|chain| Dated {
        name: "the keyring".to_owned(),
        issued: chain.keyring.issued,
        expires: chain.keyring.expires,
    }));
    let breaches = order::dates(&documents, now);
    let breaches = judge::accepted(breaches, args.allow_stale.as_deref());
    let unit = report::unit(&args.unit)?;
    let access = Access::default()
        .reads([&args.image])
        .reads_beside(&args.beside, &args.reading)
        .reports(&args.output);
    let sandbox = start.confine(access)?;
    let found = open::inventory(&args.image, &args.reading, &args.beside, &args.budget)?;
    let mut risk = talk::during_checks(&basis.pace, || check::risk(&found, &basis));
    risk.published(&found, &basis, None);
    let mut comparison = Comparison {
        not_checked: unread(&found),
        ..Comparison::default()
    };
    comparison.not_checked.append(&mut risk.not_checked);
    let threshold = Threshold {
        severity: args.fail_on,
        strict: args.strict,
    };
    let is_late = breaches.iter().any(|breach| breach.accepted.is_none());
    let complete = !found.is_incomplete();
    let verdict = Verdict::alone(&risk.findings, complete, is_late, threshold);
    let report = Report::new(
        Command::Scan,
        &found,
        None,
        &comparison,
        &risk.findings,
        verdict,
    )
    .judged(now, breaches)
    .by(&basis, &risk)
    .of_unit(unit)
    .read_in(sandbox);
    let report = verify::listed(report, &found, &args.output, false);
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
