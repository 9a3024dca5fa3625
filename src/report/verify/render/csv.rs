//! CSV (RFC 4180), for a CMMS and for spreadsheets: one row a device, or one row a change.
//!
//! A cell that a spreadsheet would run as a formula begins with an apostrophe: names come from the image.

use super::words::{self, KINDS};
use crate::finding::Severity;
use crate::report::verify::{ChangeRow, Report};

/// One row: the device, the answers and the counts.
pub fn render(report: &Report) -> String {
    let baseline = report.baseline.as_ref();
    let signer = baseline.and_then(|baseline| baseline.signer.as_ref());
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let sha256 = report.image.sha256.map(|sha256| sha256.to_string());
    let mut cells = vec![
        ("schema", "vitalsign.csv/1".to_owned()),
        ("asset", text(report.asset.as_ref())),
        ("image", report.image.name.clone()),
        ("image_sha256", sha256.unwrap_or_default()),
        ("image_size", report.image.size.to_string()),
        (
            "integrity",
            words::integrity(report.verdict.integrity).to_owned(),
        ),
        ("known_risk", words::risk(report.verdict.risk).to_owned()),
        ("exit_code", report.verdict.exit_code.to_string()),
        ("vendor", text(baseline.map(|it| &it.vendor))),
        ("model", text(baseline.map(|it| &it.model))),
        ("version", text(baseline.map(|it| &it.version))),
        (
            "baseline_sequence",
            baseline
                .map(|it| it.sequence.to_string())
                .unwrap_or_default(),
        ),
        (
            "baseline_sha256",
            baseline.map(|it| it.sha256.to_string()).unwrap_or_default(),
        ),
        (
            "signer_key",
            signer.map(|it| it.key.to_string()).unwrap_or_default(),
        ),
        ("signer_class", text(signer.map(|it| &it.class))),
    ];
    cells.extend(
        KINDS
            .iter()
            .map(|&kind| (words::kind(kind), words::count(report, kind).to_string())),
    );
    for severity in [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Info,
    ] {
        let head = match severity {
            Severity::Critical => "findings_critical",
            Severity::High => "findings_high",
            Severity::Medium => "findings_medium",
            Severity::Low => "findings_low",
            Severity::Info => "findings_info",
        };
        cells.push((head, words::weighed(report, severity).to_string()));
    }
    cells.extend([
        ("not_checked", report.not_checked.len().to_string()),
        ("judged_at", text(report.judged_at.as_ref())),
        (
            "tool",
            format!("{} {}", report.tool.name, report.tool.version),
        ),
    ]);
    let mut out = String::new();
    row(cells.iter().map(|(head, _)| *head), &mut out);
    row(cells.iter().map(|(_, cell)| cell.as_str()), &mut out);
    out
}

/// The columns of one row a change.
const CHANGE: &[&str] = &[
    "image",
    "asset",
    "kind",
    "component",
    "path",
    "place",
    "fields",
    "expected_sha256",
    "found_sha256",
    "expected_size",
    "found_size",
    "what_differs",
];

/// One row a change.
pub fn changes(report: &Report) -> String {
    let mut out = String::new();
    row(CHANGE.iter().copied(), &mut out);
    for change in &report.changes {
        let cells = change_cells(report, change);
        row(cells.iter().map(String::as_str), &mut out);
    }
    out
}

fn change_cells(report: &Report, change: &ChangeRow) -> [String; 12] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let expected = |field: &str| {
        change
            .expected
            .get(field)
            .map(words::value_text)
            .unwrap_or_default()
    };
    let found = |field: &str| {
        change
            .found
            .get(field)
            .map(words::value_text)
            .unwrap_or_default()
    };
    [
        report.image.name.clone(),
        text(&report.asset),
        words::kind(change.kind).to_owned(),
        text(&change.component),
        text(&change.path),
        text(&change.place),
        change.fields.join(" "),
        expected("sha256"),
        found("sha256"),
        expected("size"),
        found("size"),
        words::clauses(change).join("; "),
    ]
}

/// Writes one record with the line end that RFC 4180 wants.
pub fn row<'c>(cells: impl Iterator<Item = &'c str>, out: &mut String) {
    for (at, text) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        cell(text, out);
    }
    out.push_str("\r\n");
}

/// Writes one cell: what a spreadsheet would take for a formula as text, quoted where RFC 4180 wants that.
fn cell(text: &str, out: &mut String) {
    // Also behind spaces and in full width, as some programs read them.
    let first = text.trim_start().chars().next();
    let is_formula = matches!(
        first,
        Some('=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠')
    ) || text.starts_with(['\t', '\r', '\n']);
    let is_quoted = is_formula || text.contains([',', '"', '\r', '\n']) || text.trim() != text;
    if !is_quoted {
        out.push_str(text);
        return;
    }
    out.push('"');
    if is_formula {
        out.push('\'');
    }
    for char in text.chars() {
        if char == '"' {
            out.push('"');
        }
        out.push(char);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (text, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("@SUM(1)", "\"'@SUM(1)\""),
            (" -1", "\"' -1\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "\"'＝1\""),
            ("/opt/-x", "/opt/-x"),
        ] {
            let mut out = String::new();
            cell(text, &mut out);
            assert_eq!(out, expected);
        }
    }
}
