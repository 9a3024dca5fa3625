//! JUnit XML, for pipelines: what was compared and what was found, as tests that pass, fail or were left out.
//!
//! Of the schema that Jenkins and GitLab read (`junit-10.xsd`) only what every reader knows is used.

use std::fmt::{self, Write};

use super::words;
use crate::finding::{Confidence, Severity};
use crate::report::verify::{FindingRow, Report};

/// One test of a suite.
struct Case {
    class: &'static str,
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Passed(String),
    Failed {
        kind: String,
        message: String,
        body: String,
    },
    Skipped(String),
}

/// The report as suites: integrity, known risk, coverage.
///
/// # Errors
/// None that a caller could mend.
pub fn render(report: &Report) -> Result<String, fmt::Error> {
    let suites = [
        ("integrity", integrity(report)),
        ("known-risk", risk(report)),
        ("coverage", coverage(report)),
    ];
    let count = |cases: &[Case]| {
        let failed = cases
            .iter()
            .filter(|case| matches!(case.outcome, Outcome::Failed { .. }));
        let skipped = cases
            .iter()
            .filter(|case| matches!(case.outcome, Outcome::Skipped(_)));
        (cases.len(), failed.count(), skipped.count())
    };
    let all = suites.iter().map(|(_, cases)| count(cases));
    let (tests, failures) = all.fold(
        (0_usize, 0_usize),
        |(tests, failures), (more, failed, _)| {
            (tests.saturating_add(more), failures.saturating_add(failed))
        },
    );
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    writeln!(
        out,
        "<testsuites name=\"vitalsign\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">"
    )?;
    for (name, cases) in &suites {
        let (tests, failures, skipped) = count(cases);
        write!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\""
        )?;
        if let Some(time) = report.judged_at.as_deref() {
            out.push_str(" timestamp=\"");
            escape(time, &mut out);
            out.push('"');
        }
        out.push_str(">\n");
        properties(report, &mut out);
        for case in cases {
            write_case(case, &mut out);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    Ok(out)
}

fn properties(report: &Report, out: &mut String) {
    let sha256 = report.image.sha256.map(|sha256| sha256.to_string());
    let rows = [
        ("image", Some(report.image.name.clone())),
        ("image.sha256", sha256),
        ("asset", report.asset.clone()),
        ("baseline", words::release(report)),
        (
            "integrity",
            Some(words::integrity(report.verdict.integrity).to_owned()),
        ),
        (
            "known-risk",
            Some(words::risk(report.verdict.risk).to_owned()),
        ),
        ("exit-code", Some(report.verdict.exit_code.to_string())),
    ];
    out.push_str("    <properties>\n");
    for (name, value) in rows {
        if let Some(value) = value {
            out.push_str("      <property name=\"");
            out.push_str(name);
            out.push_str("\" value=\"");
            escape(&value, out);
            out.push_str("\"/>\n");
        }
    }
    out.push_str("    </properties>\n");
}

/// A test a component and a change. A component that only holds changes fails by them.
fn integrity(report: &Report) -> Vec<Case> {
    let components = report.checked.iter().map(|row| Case {
        class: "integrity.component",
        name: row.component.clone(),
        outcome: Outcome::Passed(format!("{} of {} as expected", row.matched, row.compared)),
    });
    let changes = report.changes.iter().map(|change| {
        let subject = words::subject(change);
        let component = change.component.as_deref().unwrap_or("no component");
        Case {
            class: "integrity.change",
            name: format!("{component}: {subject}"),
            outcome: Outcome::Failed {
                kind: format!("change-{}", words::kind(change.kind)),
                message: format!("{subject} is {}", state(change.kind)),
                body: words::clauses(change).join("\n"),
            },
        }
    });
    components.chain(changes).collect()
}

fn state(kind: crate::baseline::change::ChangeKind) -> &'static str {
    match kind {
        crate::baseline::change::ChangeKind::Uncovered => "not covered by the baseline",
        kind => words::kind(kind),
    }
}

/// A test a finding: those that make a known risk fail, the rest pass with what they say.
fn risk(report: &Report) -> Vec<Case> {
    let case = |finding: &FindingRow| {
        let message = format!(
            "{}, {}: {}",
            words::severity(finding.severity),
            words::confidence(finding.confidence),
            finding.title
        );
        let body = finding.evidence.join("\n");
        let is_known =
            finding.severity >= Severity::High && finding.confidence == Confidence::Proven;
        Case {
            class: "known-risk",
            name: format!("{}: {}", finding.code, finding.place),
            outcome: if is_known {
                Outcome::Failed {
                    kind: finding.code.clone(),
                    message,
                    body,
                }
            } else {
                Outcome::Passed(format!("{message}\n{body}"))
            },
        }
    };
    report.findings.iter().map(case).collect()
}

/// What was not checked, as tests that were left out.
fn coverage(report: &Report) -> Vec<Case> {
    let rows = report.not_checked.iter().map(|row| Case {
        class: "coverage.not-checked",
        name: if row.place.is_empty() {
            "the image".to_owned()
        } else {
            row.place.clone()
        },
        outcome: Outcome::Skipped(row.reason.clone()),
    });
    rows.collect()
}

fn write_case(case: &Case, out: &mut String) {
    out.push_str("    <testcase classname=\"");
    out.push_str(case.class);
    out.push_str("\" name=\"");
    escape(&case.name, out);
    out.push_str("\">");
    match &case.outcome {
        Outcome::Passed(text) => {
            out.push_str("<system-out>");
            escape(text, out);
            out.push_str("</system-out>");
        }
        Outcome::Failed {
            kind,
            message,
            body,
        } => {
            out.push_str("<failure type=\"");
            escape(kind, out);
            out.push_str("\" message=\"");
            escape(message, out);
            out.push_str("\">");
            escape(body, out);
            out.push_str("</failure>");
        }
        Outcome::Skipped(text) => {
            out.push_str("<skipped message=\"");
            escape(text, out);
            out.push_str("\"/>");
        }
    }
    out.push_str("</testcase>\n");
}

/// Text for an element or an attribute; characters that XML cannot hold are shown by their number.
fn escape(text: &str, out: &mut String) {
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("&#10;"),
            char if is_allowed(char) => out.push(char),
            char => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(char));
            }
        }
    }
}

/// XML 1.0, production 2, without what only control characters could be.
fn is_allowed(char: char) -> bool {
    matches!(char, '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !char.is_control()
        || char == '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let mut out = String::new();
        escape("]]></failure>&\"'\u{1}\u{ffff}\n", &mut out);
        assert_eq!(
            out,
            "]]&gt;&lt;/failure&gt;&amp;&quot;&#39;\\u{1}\\u{ffff}&#10;"
        );
    }
}
