//! Markdown, for a ticket. Everything that comes from the image or from a file stands as code, so that it is no link, no mention, no HTML
//! and ends no table.

use std::fmt::{self, Write};

use super::Manner;
use super::words::{self, KINDS};
use crate::report::text;
use crate::report::verify::Report;
use crate::verdict::{Integrity, Risk};

/// So many rows of a list are shown.
const MOST: usize = 50;

/// The report as a ticket.
///
/// # Errors
/// None that a caller could mend.
pub fn render(report: &Report, manner: Manner) -> Result<String, fmt::Error> {
    let most = if manner.verbose { usize::MAX } else { MOST };
    let mut out = String::new();
    head(report, &mut out)?;
    changes(report, most, &mut out)?;
    findings(report, most, &mut out)?;
    not_checked(report, most, &mut out)?;
    writeln!(
        out,
        "\n{} {}. The cause of a difference is not determined here, and intent is not assessed.",
        code(&report.tool.name),
        code(&report.tool.version)
    )?;
    Ok(out)
}

fn head(report: &Report, out: &mut String) -> fmt::Result {
    let integrity = match report.verdict.integrity {
        Integrity::Match => "MATCH",
        Integrity::Differ => "DIFFERS",
        Integrity::Incomplete => "INCOMPLETE",
        Integrity::NoBaseline => "NO BASELINE",
        Integrity::Untrusted => "UNTRUSTED",
    };
    let risk = match report.verdict.risk {
        Risk::NoneFound => "none found",
        Risk::Review => "REVIEW",
        Risk::KnownRisk => "KNOWN RISK",
    };
    writeln!(out, "## Firmware check: {integrity}, known risk: {risk}\n")?;
    let counts = KINDS
        .iter()
        .map(|&kind| (words::count(report, kind), words::kind(kind)));
    let counts: Vec<String> = counts
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let signer = report.baseline.as_ref().map(|it| match &it.signer {
        Some(signer) => format!(
            "{} ({})",
            cell(&signer.key.to_string()),
            cell(&signer.class)
        ),
        None => "**not signed**".to_owned(),
    });
    let rows = [
        ("Asset", report.asset.as_deref().map(cell)),
        (
            "Image",
            Some(format!(
                "{}, {}",
                cell(&report.image.name),
                text::size(report.image.size)
            )),
        ),
        (
            "SHA-256",
            report.image.sha256.map(|sha256| cell(&sha256.to_string())),
        ),
        (
            "Baseline",
            words::release(report).map(|release| cell(&release)),
        ),
        ("Signed by", signer),
        (
            "Changes",
            Some(counts.join(", ")).filter(|counts| !counts.is_empty()),
        ),
        ("Judged at", report.judged_at.as_deref().map(cell)),
        ("Exit code", Some(report.verdict.exit_code.to_string())),
    ];
    writeln!(out, "| | |\n|---|---|")?;
    for (name, value) in rows {
        if let Some(value) = value {
            writeln!(out, "| {name} | {value} |")?;
        }
    }
    Ok(())
}

fn changes(report: &Report, most: usize, out: &mut String) -> fmt::Result {
    if report.changes.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n### What changed\n\n| change | component | what | how |\n|---|---|---|---|"
    )?;
    for change in report.changes.iter().take(most) {
        let clauses: Vec<String> = words::clauses(change).iter().map(|it| cell(it)).collect();
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            words::kind(change.kind),
            change.component.as_deref().map(cell).unwrap_or_default(),
            cell(words::subject(change)),
            clauses.join("<br>")
        )?;
    }
    more(report.changes.len(), most, out)
}

fn findings(report: &Report, most: usize, out: &mut String) -> fmt::Result {
    if report.findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### Findings\n")?;
    for finding in report.findings.iter().take(most) {
        let (severity, confidence) = (
            words::severity(finding.severity),
            words::confidence(finding.confidence),
        );
        writeln!(
            out,
            "- **{severity}, {confidence}**: {} in {}: {}",
            code(&finding.code),
            code(&finding.place),
            code(&finding.title)
        )?;
        for line in &finding.evidence {
            writeln!(out, "  - {}", code(line))?;
        }
    }
    more(report.findings.len(), most, out)
}

fn not_checked(report: &Report, most: usize, out: &mut String) -> fmt::Result {
    writeln!(out, "\n### Not checked\n")?;
    for row in report.not_checked.iter().take(most) {
        let place = if row.place.is_empty() {
            String::new()
        } else {
            format!("{}: ", code(&row.place))
        };
        writeln!(out, "- {place}{}", code(&row.reason))?;
    }
    more(report.not_checked.len(), most, out)
}

fn more(rows: usize, most: usize, out: &mut String) -> fmt::Result {
    match rows.checked_sub(most) {
        Some(more) if more > 0 => writeln!(
            out,
            "\n... and {more} more; `--verbose` or `--format json` has all"
        ),
        _ => Ok(()),
    }
}

/// Text as code: no mark-up counts in it. The fence is longer than any in the text.
fn code(text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    let mut longest = 0_usize;
    let mut run = 0_usize;
    for char in text.chars() {
        run = if char == '`' {
            run.saturating_add(1)
        } else {
            0
        };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.saturating_add(1));
    let space = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    let shown = |char: char| if char.is_control() { ' ' } else { char };
    let text: String = text.chars().map(shown).collect();
    format!("{fence}{space}{text}{space}{fence}")
}

/// The same in the cell of a table, which a pipe ends unless an odd number of backslashes stands before it. GitHub and GitLab take the last
/// of them away.
fn cell(text: &str) -> String {
    let mut out = String::new();
    let mut backslashes = 0_usize;
    for char in code(text).chars() {
        if char == '|' {
            let is_odd = backslashes % 2 == 1;
            out.push_str(if is_odd { "\\\\" } else { "\\" });
        }
        backslashes = if char == '\\' {
            backslashes.saturating_add(1)
        } else {
            0
        };
        out.push(char);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_image_says_is_code_and_nothing_else() {
        assert_eq!(code("a|b"), "`a|b`");
        assert_eq!(code("`x`"), "`` `x` ``");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("<img src=x>\n@all"), "`<img src=x> @all`");
        assert_eq!(code(""), "");
    }

    #[test]
    fn no_text_ends_its_cell() {
        assert_eq!(cell("a|b"), r"`a\|b`");
        for text in ["|", r"\|", r"\\|", r"\\\|x|"] {
            let cell = cell(text);
            for (at, _) in cell.match_indices('|') {
                let before = cell.as_bytes()[..at]
                    .iter()
                    .rev()
                    .take_while(|&&byte| byte == b'\\')
                    .count();
                assert_eq!(before % 2, 1, "{cell}");
            }
        }
    }
}
