//! The report for people: the verdict first, then what changed, what it means and what to do, and what was not checked.

use std::fmt::{self, Write};

use super::Report;
use crate::baseline::change::{Change, ChangeKind, Value};
use crate::report::text;
use crate::verdict::{Integrity, Risk};

/// So many rows of a list are shown; `--format json` has them all.
const MOST_ROWS: usize = 40;

/// Writes the report.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report<'_>, out: &mut String) -> fmt::Result {
    writeln!(out, "INTEGRITY   {}", integrity(report))?;
    writeln!(out, "KNOWN RISK  {}", risk(report))?;
    render_subject(report, out)?;
    render_changes(report, out)?;
    render_history(report, out)?;
    render_findings(report, out)?;
    render_advice(report, out)?;
    render_checked(report, out)?;
    render_not_checked(report, out)?;
    let coverage = &report.coverage;
    writeln!(
        out,
        "\nEvery byte  {} content, {} metadata, {} fill, {} unknown; together {}",
        coverage.content, coverage.metadata, coverage.fill, coverage.unknown, coverage.bytes
    )?;
    writeln!(out, "Exit code   {}", report.verdict.exit_code)
}

fn integrity(report: &Report<'_>) -> String {
    match report.verdict.integrity {
        Integrity::Match => "MATCH - no difference from the baseline".to_owned(),
        Integrity::Differ => format!("DIFFERS from the baseline - {}", tally(report)),
        Integrity::Incomplete => {
            "INCOMPLETE - no difference found, but not everything could be checked".to_owned()
        }
        Integrity::NoBaseline => "NO BASELINE - nothing to compare with".to_owned(),
    }
}

/// How many changes of each kind.
fn tally(report: &Report<'_>) -> String {
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

fn risk(report: &Report<'_>) -> &'static str {
    match report.verdict.risk {
        Risk::NoneFound => "none found by the checks of this version (see NOT CHECKED)",
        Risk::Review => "REVIEW - findings that somebody has to look at",
        Risk::KnownRisk => "KNOWN RISK - proven findings",
    }
}

fn render_subject(report: &Report<'_>, out: &mut String) -> fmt::Result {
    write!(
        out,
        "Image       {}, {}",
        report.image.name,
        text::size(report.image.size)
    )?;
    match report.image.sha256 {
        Some(sha256) => writeln!(out, "\n            sha256 {sha256}")?,
        None => writeln!(out, " (directory)")?,
    }
    let Some(baseline) = &report.baseline else {
        return Ok(());
    };
    writeln!(
        out,
        "Baseline    {} {} {}, sequence {}, valid until {}",
        baseline.vendor, baseline.model, baseline.version, baseline.sequence, baseline.expires
    )?;
    if let Some(signer) = &baseline.signer {
        writeln!(
            out,
            "Signed by   key {} ({})",
            signer.key,
            class(signer.class)
        )?;
    }
    Ok(())
}

fn class(class: &str) -> &str {
    match class {
        "unstated" => "trusted because you named it; whose it is, you must know",
        class => class,
    }
}

fn render_changes(report: &Report<'_>, out: &mut String) -> fmt::Result {
    if report.changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWHAT CHANGED")?;
    for change in report.changes.iter().take(MOST_ROWS) {
        render_change(change, out)?;
    }
    fold(report.changes.len(), out)
}

fn fold(rows: usize, out: &mut String) -> fmt::Result {
    match rows.checked_sub(MOST_ROWS) {
        Some(more) if more > 0 => writeln!(out, "  ... and {more} more; --format json has all"),
        _ => Ok(()),
    }
}

fn render_change(change: &Change, out: &mut String) -> fmt::Result {
    let word = match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Modified => "modified",
        ChangeKind::Moved => "moved",
        ChangeKind::Uncovered => "not covered",
    };
    let component = change.component.as_deref().unwrap_or("-");
    let what = match (&change.path, &change.place) {
        (Some(path), _) => path.clone(),
        (None, Some(place)) if change.component.is_none() => place.to_string(),
        _ => String::new(),
    };
    writeln!(out, "  {word:<11} {component:<8} {what}")?;
    for field in &change.fields {
        let side = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), show);
        let (expected, found) = (
            side(change.expected.get(field)),
            side(change.found.get(field)),
        );
        writeln!(out, "      {field}: expected {expected}, found {found}")?;
    }
    if change.kind == ChangeKind::Uncovered
        && let Some(Value::Number(size)) = change.found.get("size")
    {
        writeln!(out, "      {}", text::size(*size))?;
    }
    for line in &change.explanation {
        writeln!(out, "      {line}")?;
    }
    Ok(())
}

fn show(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text)
            if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            text.get(..16)
                .map(|head| format!("{head}..."))
                .unwrap_or_default()
        }
        Value::Text(text) => text.clone(),
        Value::Attributes(all) => {
            let all: Vec<String> = all
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            all.join(", ")
        }
    }
}

fn render_history(report: &Report<'_>, out: &mut String) -> fmt::Result {
    let told: Vec<_> = report
        .history
        .iter()
        .filter(|older| older.is_baseline)
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nOVERWRITTEN, AND STILL THERE")?;
    for older in told.iter().take(MOST_ROWS) {
        writeln!(out, "  {}", older.row.place())?;
        writeln!(
            out,
            "      an older content of this path; it is the one that the baseline states"
        )?;
    }
    fold(told.len(), out)
}

fn render_findings(report: &Report<'_>, out: &mut String) -> fmt::Result {
    if report.findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nFINDINGS")?;
    for finding in report.findings.iter().take(MOST_ROWS) {
        writeln!(
            out,
            "  {:?}, {:?}  {}\n      {}  {}",
            finding.severity, finding.confidence, finding.title, finding.code, finding.place
        )?;
        for line in &finding.evidence {
            writeln!(out, "      {line}")?;
        }
    }
    fold(report.findings.len(), out)
}

fn render_advice(report: &Report<'_>, out: &mut String) -> fmt::Result {
    writeln!(out, "\nWHAT TO DO")?;
    let lines: &[&str] = match report.verdict.integrity {
        Integrity::Match => &[
            "The image holds what the signer states. The items under NOT CHECKED were not examined.",
            "File this report with the device record.",
        ],
        Integrity::Differ => &[
            "The cause of a difference is not determined here, and intent is not assessed.",
            "Recommended, under local policy: hold the unit, keep it off the network, preserve it and this image,",
            "and consult clinical engineering and the maker. Do not re-flash it before that.",
        ],
        Integrity::Incomplete => &[
            "Nothing that was compared differs, but this is no match: see what is not covered and NOT CHECKED.",
            "Recommended: read the unit again (two reads that agree), or get a baseline that covers all of it.",
        ],
        Integrity::NoBaseline => &["Get a signed baseline for this device and version."],
    };
    lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
}

fn render_checked(report: &Report<'_>, out: &mut String) -> fmt::Result {
    writeln!(out, "\nCHECKED")?;
    for checked in &report.checked.iter().collect::<Vec<_>>() {
        let place = checked
            .place
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let mutable = match checked.mutable {
            0 => String::new(),
            mutable => format!(", {mutable} may change"),
        };
        writeln!(
            out,
            "  {:<12} {} of {} as expected{mutable}  {place}",
            checked.component, checked.matched, checked.compared
        )?;
    }
    Ok(())
}

fn render_not_checked(report: &Report<'_>, out: &mut String) -> fmt::Result {
    writeln!(out, "\nNOT CHECKED")?;
    for row in report.not_checked.iter().take(MOST_ROWS) {
        if row.place.is_image() {
            writeln!(out, "  {}", row.reason)?;
        } else {
            writeln!(out, "  {}: {}", row.place, row.reason)?;
        }
    }
    fold(report.not_checked.len(), out)
}
