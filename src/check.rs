//! Checks of what was found, by itself and against a baseline: they push findings.
//!
//! The behaviour rules of programs and scripts are not here yet; reports say so under "not checked".

mod boot;
mod manifest;

use crate::baseline::Baseline;
use crate::baseline::compare::Comparison;
use crate::extract::Inventory;
use crate::finding::{Confidence, Finding, Severity};
use crate::problem::ProblemKind;

/// What every report says while no behaviour rules exist.
pub const RULES_MISSING: &str = "known risk: this version has no rules for the behaviour of programs and scripts; only structure was checked";

/// The findings of an image's structure.
pub fn structure(found: &Inventory) -> Vec<Finding> {
    let names = found
        .problems
        .iter()
        .filter(|told| told.kind == ProblemKind::Name);
    let mut findings: Vec<Finding> = names
        .map(|told| Finding {
            code: "archive-name-unsafe",
            severity: Severity::Medium,
            confidence: Confidence::Probable,
            title: "A stored name could make an unpacker write somewhere else".to_owned(),
            place: told.place.clone(),
            evidence: vec![told.detail.clone()],
            references: vec!["CWE-22"],
        })
        .collect();
    findings.extend(manifest::manifests(found));
    findings
}

/// The findings about what differs from a baseline.
pub fn differences(
    baseline: &Baseline,
    comparison: &Comparison,
    found: &Inventory,
) -> Vec<Finding> {
    boot::commands(baseline, comparison, found)
}
