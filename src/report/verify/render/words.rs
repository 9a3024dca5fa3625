//! What several forms say in the same words.

use crate::baseline::change::{ChangeKind, Value};
use crate::finding::{Confidence, Severity};
use crate::report::verify::{ChangeRow, Report};
use crate::verdict::{Integrity, Risk};

/// Every sort of change, the worst first.
pub(super) const KINDS: &[ChangeKind] = &[
    ChangeKind::Modified,
    ChangeKind::Added,
    ChangeKind::Removed,
    ChangeKind::Moved,
    ChangeKind::Uncovered,
];

/// The word of a sort of change.
pub(super) fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Modified => "modified",
        ChangeKind::Moved => "moved",
        ChangeKind::Uncovered => "uncovered",
    }
}

/// How many changes are of one sort.
pub(super) fn count(report: &Report, kind: ChangeKind) -> usize {
    let of_kind = report.changes.iter().filter(|change| change.kind == kind);
    of_kind.count()
}

/// How many findings are of one severity.
pub(super) fn weighed(report: &Report, severity: Severity) -> usize {
    let all = report.findings.iter();
    all.filter(|finding| finding.severity == severity).count()
}

/// The word of a severity.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// The word of what was shown.
pub(super) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Hint => "hint",
        Confidence::Probable => "probable",
        Confidence::Proven => "proven",
    }
}

/// The word of the answer on integrity.
pub(super) fn integrity(integrity: Integrity) -> &'static str {
    word(Integrity::WORDS, integrity)
}

/// The word of the answer on known risk.
pub(super) fn risk(risk: Risk) -> &'static str {
    word(Risk::WORDS, risk)
}

fn word<T: PartialEq + Copy>(words: &'static [(&'static str, T)], value: T) -> &'static str {
    let found = words.iter().find(|(_, one)| *one == value);
    found.map_or("", |(word, _)| word)
}

/// What a change concerns: the path in its component, else the place.
pub(super) fn subject(change: &ChangeRow) -> &str {
    let place = change.place.as_deref().filter(|place| !place.is_empty());
    match (&change.path, place) {
        (Some(path), _) if change.component.is_some() => path,
        (_, Some(place)) => place,
        (Some(path), None) => path,
        (None, None) => "the image",
    }
}

/// What differs, field by field, then what that means: one clause each.
pub(super) fn clauses(change: &ChangeRow) -> Vec<String> {
    let side = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), value_text);
    let field = |field: &String| {
        let (expected, found) = (change.expected.get(field), change.found.get(field));
        format!(
            "{field}: expected {}, found {}",
            side(expected),
            side(found)
        )
    };
    let fields = change.fields.iter().map(field);
    fields.chain(change.explanation.iter().cloned()).collect()
}

/// A value in full.
pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Device([major, minor]) => format!("{major}:{minor}"),
        Value::Text(text) => text.clone(),
        Value::Attributes(all) => {
            let all = all.iter().map(|(name, value)| format!("{name}={value}"));
            all.collect::<Vec<_>>().join(" ")
        }
    }
}

/// The version of a baseline with its device: `example-medical VSM-9000 4.2.1`.
pub(super) fn release(report: &Report) -> Option<String> {
    let baseline = report.baseline.as_ref()?;
    Some(format!(
        "{} {} {}",
        baseline.vendor, baseline.model, baseline.version
    ))
}
