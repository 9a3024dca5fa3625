//! The report for people: the verdict first, then what changed, what it means and what to do, and what was not checked.

mod findings;
mod history;
pub(in crate::report) mod packs;

use std::fmt::{self, Write};

use super::Manner;
use crate::baseline::change::{ChangeKind, Value};
use crate::report::text;
use crate::report::verify::{ChangeRow, CheckedRow, Report, SignerRow};
use crate::verdict::{Integrity, POLICY, Risk};

/// So many rows of a list are shown; `--format json` has them all.
const MOST_ROWS: usize = 40;

/// Further lines of what is said about one row of a list are set in so far.
const DEEP: usize = 8;

/// Further lines of the rows under the head are set in so far.
const HEAD: usize = 12;

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, manner: Manner, out: &mut String) -> fmt::Result {
    text::wrap(out, "INTEGRITY   ", HEAD, &integrity(report))?;
    text::wrap(out, "KNOWN RISK  ", HEAD, risk(report))?;
    render_subject(report, out)?;
    render_policy(report, out)?;
    let most = if manner.verbose {
        usize::MAX
    } else {
        MOST_ROWS
    };
    render_changes(report, most, out)?;
    history::render(&report.history, most, out)?;
    findings::render(report, most, out)?;
    render_advice(report, out)?;
    render_checked(report, out)?;
    render_not_checked(report, most, out)?;
    let coverage = &report.coverage;
    let sums = format!(
        "{} content, {} metadata, {} fill, {} of no known format; together {}",
        coverage.content, coverage.metadata, coverage.fill, coverage.unknown, coverage.bytes
    );
    out.push('\n');
    text::wrap(out, "Every byte  ", HEAD, &sums)?;
    writeln!(out, "Exit code   {}", report.verdict.exit_code)
}

fn integrity(report: &Report) -> String {
    let from = expectation(report);
    match report.verdict.integrity {
        Integrity::Match => format!("MATCH: no difference from {from} in {}", share(report)),
        Integrity::Differ => format!("DIFFERS: {}", tally(report)),
        Integrity::Incomplete => format!(
            "INCOMPLETE: no difference in {}; not all was checked",
            share(report)
        ),
        Integrity::NoBaseline if report.is_scan() => {
            "NOT COMPARED: this scan has no baseline".to_owned()
        }
        Integrity::NoBaseline => {
            "NO BASELINE: no trusted baseline holds anything of this image".to_owned()
        }
        Integrity::Untrusted => format!(
            "UNTRUSTED: nobody vouches for the baseline; {}",
            match tally(report) {
                none if none.is_empty() => format!("no difference in {}", share(report)),
                tally => tally,
            }
        ),
    }
}

/// What the image was compared with.
fn expectation(report: &Report) -> &'static str {
    match report.baseline {
        Some(_) => "the baseline",
        None => "the first image",
    }
}

/// How many of the entries and raw components that were compared are as expected.
fn share(report: &Report) -> String {
    let sum = |count: fn(&CheckedRow) -> usize| {
        report
            .checked
            .iter()
            .fold(0_usize, |sum, row| sum.saturating_add(count(row)))
    };
    let (matched, compared) = (sum(|row| row.matched), sum(|row| row.compared));
    match sum(|row| row.mutable) {
        0 => format!("{matched} of {compared} items"),
        mutable => format!("{matched} of {compared} items, {mutable} may change"),
    }
}

/// How many changes of each kind.
fn tally(report: &Report) -> String {
    let kinds = [
        (ChangeKind::Added, "added"),
        (ChangeKind::Removed, "removed"),
        (ChangeKind::Modified, "modified"),
        (ChangeKind::Moved, "moved"),
        (ChangeKind::Uncovered, "not covered"),
    ];
    let count = |kind: ChangeKind| {
        report
            .changes
            .iter()
            .filter(|change| change.kind == kind)
            .count()
    };
    let parts = kinds.iter().map(|(kind, word)| (count(*kind), word));
    let parts: Vec<String> = parts
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    parts.join(", ")
}

fn risk(report: &Report) -> &'static str {
    match report.verdict.risk {
        Risk::NoneFound => "none found by the checks of this version (see NOT CHECKED)",
        Risk::Review => "REVIEW - findings that somebody has to look at",
        Risk::KnownRisk => "KNOWN RISK - proven findings",
    }
}

/// The baseline and its signer, then the image. A digest has a line of its own, to be read aloud and compared.
fn render_subject(report: &Report, out: &mut String) -> fmt::Result {
    let Some(baseline) = &report.baseline else {
        let none = match report.verdict.integrity {
            Integrity::NoBaseline if report.is_scan() => "none asked for",
            Integrity::NoBaseline => "none fits",
            _ => "none: the first image stands in for one",
        };
        writeln!(out, "Baseline    {none}")?;
        return render_image(report, out);
    };
    let signed = match baseline.signer {
        Some(_) => "signature valid",
        None => "NOT SIGNED",
    };
    let in_force = out_of_order(report);
    let name = format!(
        "{signed}{in_force}: {} {} {}, sequence {}",
        baseline.vendor, baseline.model, baseline.version, baseline.sequence
    );
    text::wrap(out, "Baseline    ", HEAD, &name)?;
    writeln!(
        out,
        "            issued {}, expires {}",
        baseline.issued, baseline.expires
    )?;
    render_signers(baseline.signer.iter().chain(&baseline.cosigners), out)?;
    render_image(report, out)
}

/// Who signed something.
pub(in crate::report) fn render_signers<'a>(
    signers: impl Iterator<Item = &'a SignerRow>,
    out: &mut String,
) -> fmt::Result {
    for (at, signer) in signers.enumerate() {
        let head = if at == 0 {
            "Signed by   "
        } else {
            "        and "
        };
        writeln!(out, "{head}key {}", signer.key)?;
        text::wrap(out, "            ", HEAD, &who(signer))?;
    }
    Ok(())
}

/// What of the policy was broken, in a few words.
fn out_of_order(report: &Report) -> String {
    let broken = report
        .policy
        .iter()
        .filter(|breach| breach.accepted.is_none() && breach.is_of_baseline);
    let mut words: Vec<&str> = broken.map(|breach| breach.kind.word()).collect();
    words.dedup();
    match words.as_slice() {
        [] => String::new(),
        words => format!(", but {} (see POLICY)", words.join(", ")),
    }
}

/// Whether a rule of time or sequence was broken.
fn is_out_of_date(report: &Report) -> bool {
    report.verdict.exit_code & POLICY != 0
}

fn render_image(report: &Report, out: &mut String) -> fmt::Result {
    let (name, size) = (&report.image.name, text::size(report.image.size));
    if let Some(sha256) = report.image.sha256 {
        text::wrap(out, "Image       ", HEAD, &format!("{name}, {size}"))?;
        writeln!(out, "    sha256  {sha256}")?;
    } else {
        let name = format!("{name}, {size} (directory)");
        text::wrap(out, "Image       ", HEAD, &name)?;
    }
    for (what, file) in report.image.files() {
        let text = format!("{what} {}, {}", file.name, text::size(file.size));
        text::wrap(out, "            ", HEAD, &text)?;
        writeln!(out, "    sha256  {}", file.sha256)?;
    }
    if let Some(asset) = &report.asset {
        text::wrap(out, "Asset       ", HEAD, asset)?;
    }
    packs::render(&report.rules, out)?;
    if let Some(time) = &report.judged_at {
        writeln!(out, "Judged at   {time}")?;
    }
    Ok(())
}

/// What is known of a signer.
pub(in crate::report) fn who(signer: &SignerRow) -> String {
    match (&signer.name, signer.class.as_str()) {
        (None, _) => "trusted because you named it; whose it is, you must know".to_owned(),
        (Some(name), "unstated") => format!("{name}, as the keyring says"),
        (Some(name), class) => format!("{name} ({class}), as the keyring says"),
    }
}

/// What speaks against relying on the baseline or a pack of rules.
fn render_policy(report: &Report, out: &mut String) -> fmt::Result {
    if report.policy.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nPOLICY")?;
    for breach in &report.policy {
        let accepted = breach
            .accepted
            .as_ref()
            .map(|reason| format!(" - accepted: {reason}"))
            .unwrap_or_default();
        text::wrap(out, "  ", 4, &format!("{}{accepted}", breach.detail))?;
    }
    Ok(())
}

fn render_changes(report: &Report, most: usize, out: &mut String) -> fmt::Result {
    if report.changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWHAT CHANGED")?;
    for change in report.changes.iter().take(most) {
        render_change(change, out)?;
    }
    text::fold(report.changes.len(), most, out)
}

fn render_change(change: &ChangeRow, out: &mut String) -> fmt::Result {
    let word = match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Modified => "modified",
        ChangeKind::Moved => "moved",
        ChangeKind::Uncovered => "not covered",
    };
    let component = change.component.as_deref().unwrap_or("-");
    let what = match (&change.path, &change.place) {
        (Some(path), _) if change.component.is_some() => path.clone(),
        (_, Some(place)) if change.component.is_none() && place.is_empty() => {
            "the image".to_owned()
        }
        (_, Some(place)) if change.component.is_none() => place.clone(),
        _ => String::new(),
    };
    let row = format!("  {word:<11} {component:<8} {what}");
    writeln!(out, "{}", row.trim_end_matches(' '))?;
    for field in &change.fields {
        let side = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), text::value);
        let (expected, found) = (
            side(change.expected.get(field)),
            side(change.found.get(field)),
        );
        let line = format!("{field}: expected {expected}, found {found}");
        text::wrap(out, "      ", DEEP, &line)?;
    }
    if matches!(change.kind, ChangeKind::Added | ChangeKind::Moved) {
        let words = description(change);
        if !words.is_empty() {
            text::wrap(out, "      ", DEEP, &words)?;
        }
    }
    if change.kind == ChangeKind::Uncovered
        && let Some(Value::Number(size)) = change.found.get("size")
    {
        writeln!(out, "      {}", text::size(*size))?;
    }
    for line in &change.explanation {
        text::wrap(out, "      ", DEEP, line)?;
    }
    Ok(())
}

/// What stands there now: its kind, its rights and its size, so that a setuid bit is seen.
fn description(change: &ChangeRow) -> String {
    let fields = [
        ("", "kind"),
        ("mode ", "mode"),
        ("uid ", "uid"),
        ("gid ", "gid"),
    ];
    let mut words: Vec<String> = fields
        .iter()
        .filter_map(|(word, field)| {
            Some(format!("{word}{}", text::value(change.found.get(*field)?)))
        })
        .collect();
    if let Some(Value::Number(size)) = change.found.get("size") {
        words.push(text::size(*size));
    }
    words.join(", ")
}

fn render_advice(report: &Report, out: &mut String) -> fmt::Result {
    if report.judged_at.is_none() || report.is_scan() {
        // Two images without a signer say nothing about what a device should hold.
        return Ok(());
    }
    writeln!(out, "\nWHAT TO DO")?;
    let lines: &[&str] = match report.verdict.integrity {
        Integrity::Match => &[
            "The image holds what the signer states. What stands under NOT CHECKED was not examined.",
            "File this report with the device record.",
        ],
        Integrity::Differ => &[
            "The cause of a difference is not determined here, and intent is not assessed.",
            "Recommended, under local policy: hold the unit, keep it off the network, preserve it and this image, \
             and consult clinical engineering and the maker. Do not re-flash it before that.",
        ],
        Integrity::Incomplete => &[
            "Nothing that was compared differs, but this is no match: see what is not covered and NOT CHECKED.",
            "Recommended: read the unit again (two reads that agree), or get a baseline that covers all of it.",
        ],
        Integrity::NoBaseline => &["Get a signed baseline for this device and version."],
        Integrity::Untrusted => &[
            "A baseline without a trusted signature proves nothing: whoever changed the image may have written it.",
            "Get its signature, or take a baseline from a reference unit and sign it.",
        ],
    };
    lines
        .iter()
        .try_for_each(|line| text::wrap(out, "  ", 2, line))?;
    if is_out_of_date(report) {
        let line = if out_of_order(report).is_empty() {
            "Verify again with rules that are in force, and with the clock set right."
        } else {
            "Verify again with the baseline that is in force, and with the clock set right."
        };
        text::wrap(out, "  ", 2, line)?;
    }
    Ok(())
}

fn render_checked(report: &Report, out: &mut String) -> fmt::Result {
    if report.is_scan() {
        return Ok(());
    }
    writeln!(out, "\nCHECKED")?;
    if report.checked.is_empty() {
        writeln!(out, "  nothing: no component of the baseline was found")?;
    }
    for checked in &report.checked {
        let place = checked.place.as_deref().unwrap_or_default();
        let mutable = match checked.mutable {
            0 => String::new(),
            mutable => format!(", {mutable} may change"),
        };
        let row = format!(
            "{} of {} as expected{mutable}  {place}",
            checked.matched, checked.compared
        );
        let name = format!("  {:<12} ", checked.component);
        text::wrap(out, &name, 15, row.trim_end_matches(' '))?;
    }
    Ok(())
}

fn render_not_checked(report: &Report, most: usize, out: &mut String) -> fmt::Result {
    writeln!(out, "\nNOT CHECKED")?;
    for row in report.not_checked.iter().take(most) {
        let line = if row.place.is_empty() {
            row.reason.clone()
        } else {
            format!("{}: {}", row.place, row.reason)
        };
        text::wrap(out, "  ", 4, &line)?;
    }
    text::fold(report.not_checked.len(), most, out)
}
