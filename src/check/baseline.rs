//! Findings in the light of a baseline: what is new raises them, what is the vendor's own is marked.

use std::collections::BTreeSet;

use crate::baseline::change::{Change, ChangeKind};
use crate::baseline::compare::Comparison;
use crate::baseline::{Baseline, FileRow};
use crate::behaviour::Started;
use crate::finding::{Finding, Severity};
use crate::place::{Place, escape};

/// A finding for every program or script that runs when the device starts and is not the one that the baseline states.
pub(super) fn starts(comparison: &Comparison, started: &[Started]) -> Vec<Finding> {
    let Some(card) = crate::rules::card("start-program-changed") else {
        return Vec::new();
    };
    let changes = comparison.changes.iter().filter(|change| is_new(change));
    let both = changes.filter_map(|change| {
        let place = change.place.as_ref()?;
        Some((
            change,
            started.iter().find(|started| started.place == *place)?,
        ))
    });
    both.map(|(change, start)| Finding {
        code: &card.code,
        severity: card.severity,
        confidence: card.confidence,
        title: card.title.clone(),
        place: start.place.clone(),
        evidence: vec![
            said(change).to_owned(),
            format!("it runs when the device starts: {}", start.by),
        ],
        references: card.references.iter().map(String::as_str).collect(),
        shown_in: None,
    })
    .collect()
}

/// Raises what stands in new or changed files, and says of the rest that it is the vendor's own.
pub(super) fn weigh(baseline: &Baseline, comparison: &Comparison, findings: &mut [Finding]) {
    let stated = Stated::new(baseline);
    for finding in findings {
        let change = comparison
            .changes
            .iter()
            .find(|change| change.place.as_ref() == Some(&finding.place) && is_new(change));
        if let Some(change) = change {
            finding.evidence.push(said(change).to_owned());
            let own = change.own.as_ref().zip(finding.shown_in.as_ref());
            match own.map(|(own, code)| own.foreign(code)) {
                Some(None) => {
                    finding.evidence.push(
                        "all functions that show this are as the baseline states them: it is in the vendor's own release"
                            .to_owned(),
                    );
                    continue;
                }
                Some(Some(foreign)) => finding.evidence.push(format!(
                    "it is not in the vendor's own release: it goes by {foreign}, which the baseline does not state so"
                )),
                None => {}
            }
            finding.severity = raised(finding.severity);
        } else if stated.has(&finding.place, comparison) {
            finding.evidence.push(
                "the file is the one that the baseline states: it belongs to that release"
                    .to_owned(),
            );
        }
    }
}

fn is_new(change: &Change) -> bool {
    matches!(change.kind, ChangeKind::Added | ChangeKind::Modified)
}

fn said(change: &Change) -> &'static str {
    match change.kind {
        ChangeKind::Added => "the baseline does not have this file",
        _ => "the file is not the one that the baseline states",
    }
}

fn raised(severity: Severity) -> Severity {
    match severity {
        Severity::Info => Severity::Low,
        Severity::Low => Severity::Medium,
        Severity::Medium => Severity::High,
        Severity::High | Severity::Critical => Severity::Critical,
    }
}

/// The files of a baseline, by component and path.
struct Stated<'b>(BTreeSet<(&'b str, String)>);

impl<'b> Stated<'b> {
    fn new(baseline: &'b Baseline) -> Self {
        let row = |row: &'b FileRow| {
            let component = baseline.components.get(row.component)?;
            Some((component.name.as_str(), escape(row.path.as_bytes())))
        };
        Self(baseline.files.iter().filter_map(row).collect())
    }

    fn has(&self, place: &Place, comparison: &Comparison) -> bool {
        // A directory is a tree of the image itself.
        let outer = place.around().nth(1).cloned().unwrap_or_default();
        let Some(crate::place::Step::Path { path }) = place.steps().last().copied() else {
            return false;
        };
        let mut checked = comparison
            .checked
            .iter()
            .filter(|row| row.place.as_ref() == Some(&outer));
        checked.any(|row| self.0.contains(&(row.component.as_str(), path.clone())))
    }
}
