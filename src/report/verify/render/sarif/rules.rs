//! The rules of a run: the cards of the codes that it tells, and one for each sort of change.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::words;
use super::message;
use crate::baseline::change::ChangeKind;
use crate::finding::Severity;
use crate::report::verify::{FindingRow, Report};
use crate::rules::{self, Card};

/// The rules, and the index of each.
pub(super) struct Rules {
    pub(super) descriptors: Vec<Value>,
    indexes: BTreeMap<String, usize>,
}

impl Rules {
    /// The index of a rule.
    pub(super) fn index(&self, id: &str) -> Option<usize> {
        self.indexes.get(id).copied()
    }
}

/// The rules of the codes and changes of a report.
pub(super) fn rules(report: &Report) -> Rules {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    for finding in &report.findings {
        all.entry(finding.code.clone())
            .or_insert_with(|| match rules::card(&finding.code) {
                Some(card) => of_card(card),
                None => of_finding(finding),
            });
    }
    for change in &report.changes {
        all.entry(id(change.kind))
            .or_insert_with(|| of_change(change.kind));
    }
    let indexes = all.keys().cloned().zip(0..).collect();
    Rules {
        descriptors: all.into_values().collect(),
        indexes,
    }
}

/// The rule of a sort of change.
pub(super) fn id(kind: ChangeKind) -> String {
    format!("change-{}", words::kind(kind))
}

/// How SARIF calls a severity.
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The number by which code scanning sorts: the middle of the band of CVSS that has the same name.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

fn of_card(card: &Card) -> Value {
    let parts = [
        ("Why it matters", &card.why),
        ("How it is shown", &card.shown_by),
        ("What would disprove it", &card.disproved_by),
        ("What to do", &card.advice),
    ];
    let plain: Vec<String> = parts
        .iter()
        .map(|(head, body)| format!("{head}: {body}"))
        .collect();
    let marked: Vec<String> = parts
        .iter()
        .map(|(head, body)| format!("**{head}**\n\n{body}"))
        .collect();
    json!({
        "id": card.code,
        "shortDescription": { "text": message(&card.title) },
        "fullDescription": { "text": message(&card.why) },
        "help": { "text": message(&plain.join("\n\n")), "markdown": marked.join("\n\n") },
        "defaultConfiguration": { "level": level(card.severity) },
        "properties": {
            "security-severity": score(card.severity),
            "tags": ["security"],
            "references": card.references,
        },
    })
}

/// Of a code that no pack of this program has: that of a pack which was given.
fn of_finding(finding: &FindingRow) -> Value {
    json!({
        "id": finding.code,
        "shortDescription": { "text": message(&finding.title) },
        "help": { "text": "The rule is of a pack that was given; it is not in this program." },
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": { "security-severity": score(finding.severity), "tags": ["security"] },
    })
}

fn of_change(kind: ChangeKind) -> Value {
    let (title, help) = match kind {
        ChangeKind::Added => (
            "Something is there that the baseline does not have",
            "Find out who put it there.",
        ),
        ChangeKind::Removed => (
            "Something is missing that the baseline has",
            "Find out who removed it.",
        ),
        ChangeKind::Modified => (
            "Something is not as the baseline states",
            "Compare it with the release of the signer.",
        ),
        ChangeKind::Moved => (
            "Something stands at another place than the baseline states",
            "Find out who moved it.",
        ),
        ChangeKind::Uncovered => (
            "Bytes or entries are there that no component of the baseline covers",
            "Get a baseline that covers them, or find out what they are.",
        ),
    };
    let help = format!(
        "{help} The cause of a difference is not determined here, and intent is not assessed."
    );
    json!({
        "id": id(kind),
        "shortDescription": { "text": title },
        "help": { "text": help, "markdown": help },
        "defaultConfiguration": { "level": change_level(kind) },
        "properties": { "tags": ["integrity"] },
    })
}

/// What is not covered is unverified, and no difference.
pub(super) fn change_level(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Uncovered => "warning",
        _ => "error",
    }
}
