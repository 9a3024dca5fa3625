//! The report for people: the verdict first, then what changed, what it means and what to do, and what was not checked.

mod findings;
mod history;
pub(in crate::report) mod packs;

use std::fmt::{self, Write};

use super::{Manner, answer};
use crate::baseline::change::{ChangeKind, Value};
use crate::report::text;
use crate::report::verify::{ChangeRow, Report, SignerRow};

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
    let most = if manner.verbose {
        usize::MAX
    } else {
        MOST_ROWS
    };
    let (word, basis) = answer::integrity(report);
    text::wrap(out, "INTEGRITY   ", HEAD, &format!("{word}: {basis}"))?;
    let (word, basis) = answer::risk(report);
    text::wrap(out, "KNOWN RISK  ", HEAD, &format!("{word}: {basis}"))?;
    text::wrap(out, "Baseline    ", HEAD, &answer::against(report))?;
    render_image(report, out)?;
    render_policy(report, out)?;
    render_changes(report, most, out)?;
    history::render(&report.history, most, out)?;
    findings::render(report, most, out)?;
    render_advice(report, out)?;
    render_not_checked(report, most, out)?;
    render_checked(report, out)?;
    render_basis(report, out)
}

/// The image and the unit. A digest has a line of its own, to be read aloud and compared.
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
    for (name, value) in report.unit.lines() {
        text::wrap(out, "            ", HEAD, &format!("{name} {value}"))?;
    }
    Ok(())
}

/// What the verdict rests on: who signed the baseline and the rules, when it was judged, and the account of every byte.
fn render_basis(report: &Report, out: &mut String) -> fmt::Result {
    out.push('\n');
    if let Some(baseline) = &report.baseline {
        let dates = format!("issued {}, expires {}", baseline.issued, baseline.expires);
        text::wrap(out, "Dated       ", HEAD, &dates)?;
        writeln!(out, "    sha256  {}", baseline.sha256)?;
        render_signers(baseline.signer.iter().chain(&baseline.cosigners), out)?;
    }
    packs::render(&report.rules, out)?;
    if let Some(time) = &report.judged_at {
        writeln!(out, "Judged at   {time}")?;
    }
    if let Some(sandbox) = report.sandbox {
        text::wrap(out, "Sandbox     ", HEAD, sandbox.told())?;
    }
    let coverage = &report.coverage;
    let sums = format!(
        "{} content, {} metadata, {} fill, {} of no known format; together {}",
        coverage.content, coverage.metadata, coverage.fill, coverage.unknown, coverage.bytes
    );
    text::wrap(out, "Every byte  ", HEAD, &sums)?;
    writeln!(out, "Exit code   {}", report.verdict.exit_code)
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
    let word = answer::kind(change.kind);
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
pub(super) fn description(change: &ChangeRow) -> String {
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
    let lines = answer::advice(report);
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWHAT TO DO")?;
    lines
        .iter()
        .try_for_each(|line| text::wrap(out, "  ", 2, line))
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
