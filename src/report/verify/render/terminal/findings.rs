//! What the checks found, for people.

use std::fmt::{self, Write};

use crate::check::secrets::Count;
use crate::report::text;
use crate::report::verify::Report;

/// Further lines of what is said about a finding are set in so far.
const DEEP: usize = 8;

/// The findings, `most` of them at most.
pub(super) fn render(report: &Report, most: usize, out: &mut String) -> fmt::Result {
    if report.findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nFINDINGS")?;
    for finding in report.findings.iter().take(most) {
        let title = format!(
            "{:?}, {:?}: {}",
            finding.severity, finding.confidence, finding.title
        );
        text::wrap(out, "  ", DEEP, &title)?;
        let line = format!("{}  {}", finding.code, finding.place);
        text::wrap(out, "      ", DEEP, line.trim_end_matches(' '))?;
        for line in &finding.evidence {
            text::wrap(out, "      ", DEEP, line)?;
        }
    }
    text::fold(report.findings.len(), most, out)?;
    if let Some(count) = &report.secrets {
        text::wrap(out, "  ", 2, &secrets(count))?;
    }
    let more = "Findings tell what the image holds, whatever the baseline says; intent is not assessed. \
        What a code means, what would disprove it and what to do: vitalsign explain CODE.";
    text::wrap(out, "  ", 2, more)
}

/// How many secrets stand in the findings, and how they are told apart.
fn secrets(count: &Count) -> String {
    let how = match &count.key {
        Some(key) => format!("fingerprinted with the key {key}"),
        None => "numbered in this report; with --secret-key-file they have fingerprints that hold for all units".to_owned(),
    };
    format!(
        "Secrets are never shown: {} located, {} of them different; {how}.",
        count.located, count.distinct
    )
}
