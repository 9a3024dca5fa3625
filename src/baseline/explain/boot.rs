//! What a changed raw component differs in: versions of boot loaders and kernels, a built-in configuration, device trees.

use super::{row_of, text, tree};
use crate::baseline::boot::{BootRow, Holds};
use crate::baseline::model::Baseline;

/// What an image has in place of what a component held; `reference` is what the baseline was made from, where it is at hand.
pub(in crate::baseline) fn explain(
    baseline: &Baseline,
    row: &BootRow,
    now: &Holds,
    reference: Option<&Holds>,
) -> Vec<String> {
    let mut told = versions(baseline, row, now);
    let config = row.config;
    let is_there = now.configs.iter().any(|(of, _)| Some(*of) == config);
    if let (Some(text), Some((_, bytes)), false) = (
        row_of(&baseline.texts, config),
        now.configs.first(),
        is_there,
    ) {
        let old = reference.and_then(|it| it.configs.iter().find(|(of, _)| Some(*of) == config));
        let lines = text::explain(text, b"config", bytes, old.map(|(_, old)| old.as_slice()));
        told.extend(
            lines
                .iter()
                .map(|line| format!("built-in configuration: {line}")),
        );
    }
    told.extend(trees(baseline, row, now, reference));
    told
}

/// Versions that are no longer there, each with the one of the same program that is.
fn versions(baseline: &Baseline, row: &BootRow, now: &Holds) -> Vec<String> {
    let known = |banner: &str| {
        baseline
            .boot
            .iter()
            .any(|row| row.says.iter().any(|it| it == banner))
    };
    let missing = row.says.iter().filter(|banner| !now.says.contains(banner));
    missing
        .filter_map(|banner| {
            let program = banner.split(' ').next()?;
            let mut others = now.says.iter().filter(|other| !known(other));
            let other = others.find(|other| other.split(' ').next() == Some(program))?;
            Some(format!("it is \"{other}\" instead of \"{banner}\""))
        })
        .collect()
}

fn trees(
    baseline: &Baseline,
    row: &BootRow,
    now: &Holds,
    reference: Option<&Holds>,
) -> Vec<String> {
    let of = |digest| {
        let rows = &baseline.trees;
        let at = rows.binary_search_by_key(digest, |row| row.of).ok()?;
        rows.get(at)
    };
    let is_known = |digest| of(digest).is_some();
    let mut told = Vec::new();
    for row in row.trees.iter().filter_map(of) {
        if now.trees.iter().any(|(of, _)| *of == row.of) {
            continue;
        }
        let others = now.trees.iter().filter(|(of, _)| !is_known(of));
        let best = others.max_by_key(|(_, blob)| tree::likeness(row, blob));
        let Some((_, blob)) = best.filter(|(_, blob)| tree::likeness(row, blob) > 0) else {
            continue;
        };
        let old = reference.and_then(|it| it.trees.iter().find(|(of, _)| *of == row.of));
        let lines = tree::explain(row, blob, old.map(|(_, old)| old.as_slice()));
        told.extend(lines.iter().map(|line| format!("device tree: {line}")));
    }
    told
}
