//! Each finding with its evidence drawn as a chain: where, what is called, and with what.

use super::changes::folded;
use super::summary::section;
use super::write::Html;
use crate::finding::{Confidence, Severity};
use crate::report::verify::{FindingRow, Report};
use crate::rules;

/// So many lines of evidence are drawn for one finding.
const MOST_STEPS: usize = 40;

/// What the checks found.
pub(super) fn findings(report: &Report, most: usize, html: &mut Html) {
    section(html, "findings", "Findings", |html| {
        if report.findings.is_empty() {
            html.leaf("p", &[], "None, by the checks of this version.");
            return;
        }
        let intro = "What the image holds, whatever the baseline says. Intent is not assessed.";
        html.leaf("p", &[("class", "note")], intro);
        for finding in report.findings.iter().take(most) {
            one(finding, html);
        }
        folded(report.findings.len(), most.min(report.findings.len()), html);
        if let Some(count) = &report.secrets {
            let line = format!(
                "Secrets are never shown: {} located, {} of them different.",
                count.located, count.distinct
            );
            html.leaf("p", &[("class", "note")], &line);
        }
    });
}

fn one(finding: &FindingRow, html: &mut Html) {
    let severity = match finding.severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    };
    let confidence = match finding.confidence {
        Confidence::Hint => "a hint",
        Confidence::Probable => "probable",
        Confidence::Proven => "proven",
    };
    let class = format!("finding {severity}");
    html.within("article", &[("class", &class)], |html| {
        html.within("h3", &[], |html| {
            html.leaf(
                "span",
                &[("class", "severity")],
                &format!("{severity}, {confidence}"),
            );
            html.text(&format!(" {}", finding.title));
        });
        html.within("p", &[("class", "where")], |html| {
            html.leaf("code", &[], place(&finding.place));
            html.text(" ");
            html.leaf("small", &[], &finding.code);
        });
        html.within("ol", &[("class", "chain")], |html| {
            for line in finding.evidence.iter().take(MOST_STEPS) {
                step(line, html);
            }
        });
        folded(
            finding.evidence.len(),
            MOST_STEPS.min(finding.evidence.len()),
            html,
        );
        if let Some(card) = rules::card(&finding.code) {
            html.within("details", &[], |html| {
                html.leaf(
                    "summary",
                    &[],
                    "What it means, what would disprove it, what to do",
                );
                html.leaf("p", &[], &card.why);
                html.leaf("p", &[], &format!("Disproved by: {}", card.disproved_by));
                html.leaf("p", &[], &format!("To do: {}", card.advice));
                if !finding.references.is_empty() {
                    html.leaf(
                        "p",
                        &[],
                        &format!("References: {}", finding.references.join(", ")),
                    );
                }
            });
        }
    });
}

fn place(place: &str) -> &str {
    if place.is_empty() { "the image" } else { place }
}

/// One line of evidence: of a step, where it stands, the call and its argument; else what is said.
fn step(line: &str, html: &mut Html) {
    let is_step = line.starts_with("0x") || line.starts_with("line ");
    let mut parts = line.splitn(3, ": ");
    match (is_step, parts.next(), parts.next(), parts.next()) {
        (true, Some(at), Some(call), argument) => html.within("li", &[("class", "step")], |html| {
            html.leaf("span", &[("class", "at")], at);
            html.text(" ");
            html.leaf("span", &[("class", "call")], call);
            if let Some(argument) = argument {
                html.text(" ");
                html.leaf("code", &[("class", "argument")], argument);
            }
        }),
        _ => html.leaf("li", &[("class", "said")], line),
    }
}
