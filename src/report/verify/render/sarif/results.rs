//! Findings and changes as results.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::places::Places;
use super::super::words;
use super::artifacts::Artifacts;
use super::message;
use super::rules::{self, Rules};
use crate::baseline::change::{self, ChangeKind};
use crate::digest::Digest;
use crate::report::verify::{ChangeRow, FindingRow, Report};

/// Every finding, then every change.
pub(super) fn results(
    report: &Report,
    places: &Places<'_>,
    artifacts: &mut Artifacts<'_>,
    rules: &Rules,
) -> Vec<Value> {
    let mut prints = Fingerprints {
        places,
        seen: BTreeMap::new(),
    };
    let changed: BTreeSet<&str> = report
        .changes
        .iter()
        .filter_map(|row| row.place.as_deref())
        .collect();
    let mut results = Vec::new();
    for finding in &report.findings {
        let state = report
            .baseline
            .as_ref()
            .map(|_| state_of(finding, &changed, places, report));
        let mut result = json!({
            "ruleId": finding.code,
            "ruleIndex": rules.index(&finding.code),
            "level": rules::level(finding.severity),
            "message": { "text": message(&told(&finding.title, &finding.evidence)) },
            "partialFingerprints": prints.of(&finding.code, &finding.place, ""),
            "properties": {
                "severity": words::severity(finding.severity),
                "confidence": words::confidence(finding.confidence),
                "references": finding.references,
            },
        });
        if let (Some(state), Some(fields)) = (state, result.as_object_mut()) {
            fields.insert("baselineState".to_owned(), json!(state));
        }
        results.push(at(result, artifacts.location(&finding.place, None)));
    }
    for row in &report.changes {
        results.push(of_change(row, artifacts, &mut prints, rules));
    }
    results
}

/// A title and what shows it.
fn told(title: &str, evidence: &[String]) -> String {
    let lines = std::iter::once(title).chain(evidence.iter().map(String::as_str));
    lines.collect::<Vec<_>>().join("\n")
}

/// How a finding stands to the baseline: new where the file, or something that holds it, is not the one that the baseline states.
fn state_of(
    finding: &FindingRow,
    changed: &BTreeSet<&str>,
    places: &Places<'_>,
    report: &Report,
) -> &'static str {
    let is_changed = |place: &str| changed.contains(place);
    let mut region = places.steps(&finding.place).region;
    let mut is_new = is_changed(&finding.place);
    while let (false, Some(index)) = (is_new, region) {
        let row = report.regions.get(index);
        is_new = row.is_some_and(|row| {
            is_changed(&row.place) || row.within.as_deref().is_some_and(is_changed)
        });
        region = places.parent(index);
    }
    if is_new { "new" } else { "unchanged" }
}

fn of_change(
    row: &ChangeRow,
    artifacts: &mut Artifacts<'_>,
    prints: &mut Fingerprints<'_>,
    rules: &Rules,
) -> Value {
    let id = rules::id(row.kind);
    let state = match row.kind {
        ChangeKind::Added | ChangeKind::Uncovered => "new",
        ChangeKind::Removed => "absent",
        ChangeKind::Modified | ChangeKind::Moved => "updated",
    };
    let subject = words::subject(row);
    let title = match &row.component {
        Some(component) => format!("{} in {component}: {subject}", words::kind(row.kind)),
        None => format!("{}: {subject}", words::kind(row.kind)),
    };
    // What was removed is nowhere in the image: the path says what it was.
    let place = row.place.as_deref().unwrap_or_default();
    let name = [row.component.as_deref(), row.path.as_deref()];
    let name = name.into_iter().flatten().collect::<Vec<_>>().join(":");
    let result = json!({
        "ruleIndex": rules.index(&id),
        "ruleId": id,
        "level": rules::change_level(row.kind),
        "message": { "text": message(&told(&title, &words::clauses(row))) },
        "partialFingerprints": prints.of(&id, place, &name),
        "baselineState": state,
        "properties": {
            "component": row.component,
            "path": row.path,
            "fields": row.fields,
            "expected": row.expected,
            "found": row.found,
        },
    });
    at(result, artifacts.location(place, digest(row)))
}

/// A result with its place, which is moved in and not copied.
fn at(mut result: Value, location: Value) -> Value {
    if let Some(fields) = result.as_object_mut() {
        fields.insert("locations".to_owned(), Value::Array(vec![location]));
    }
    result
}

/// The digest of what stands there now.
fn digest(row: &ChangeRow) -> Option<Digest> {
    match row.found.get("sha256") {
        Some(change::Value::Text(text)) => text.parse().ok(),
        _ => None,
    }
}

/// What makes results known again.
struct Fingerprints<'a> {
    places: &'a Places<'a>,
    /// How many results had the same one before.
    seen: BTreeMap<Digest, u64>,
}

impl Fingerprints<'_> {
    fn of(&mut self, code: &str, place: &str, name: &str) -> Value {
        let lasting = self.places.lasting(place);
        let digest = Digest::of([code, &lasting, name].join("\0").as_bytes());
        let nth = self.seen.entry(digest).or_insert(0);
        let print = format!("{digest}:{nth}");
        *nth = nth.saturating_add(1);
        json!({ "vitalsignCodeAndPlace/v1": print })
    }
}
