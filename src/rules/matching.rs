//! Whether a unit has the steps that a rule names.

use std::collections::BTreeSet;

use super::model::{Pattern, Rule};
use crate::behaviour::{Step, Trait, Unit};
use crate::finding::Confidence;

/// So many steps from which a chain could start are tried.
const STARTS: usize = 256;

/// The steps by which a unit matches a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'u> {
    /// The steps, in their order.
    pub steps: Vec<&'u Step>,
    /// How much they show.
    pub confidence: Confidence,
}

impl Match<'_> {
    /// How many functions its steps stand in.
    pub fn functions(&self) -> usize {
        let functions: BTreeSet<&Option<String>> =
            self.steps.iter().map(|step| &step.function).collect();
        functions.len()
    }
}

/// The match of a rule, if a unit has all of its steps in order, at least one of them in its own file.
pub fn matching<'u>(rule: &Rule, unit: &'u Unit) -> Option<Match<'u>> {
    let refuses = |step: &Step| rule.unless.iter().any(|pattern| fits(pattern, step));
    if unit.steps.iter().any(refuses) {
        return None;
    }
    let steps = match rule.steps.as_slice() {
        [] => return None,
        // One step alone: all places where it stands, each told by the file that it stands in.
        [only] => {
            let own = |step: &&Step| !unit.is_elsewhere(step) && fits(only, step);
            unit.steps.iter().filter(own).collect()
        }
        chain if rule.together => one_function(chain, unit),
        chain => chained(chain, &unit.steps, unit),
    };
    if steps.is_empty() {
        return None;
    }
    let is_less =
        |step: &&Step| unit.is_elsewhere(step) || step.traits.contains(&Trait::PathUnknown);
    let spans = steps.iter().any(is_less);
    let most = rule.card.confidence;
    let confidence = if spans {
        most.min(Confidence::Probable)
    } else {
        most
    };
    Some(Match { steps, confidence })
}

/// The first steps that follow a chain and are not all of other files; empty where there are none.
fn chained<'u>(
    chain: &[Pattern],
    steps: impl IntoIterator<Item = &'u Step>,
    unit: &Unit,
) -> Vec<&'u Step> {
    let Some(first) = chain.first() else {
        return Vec::new();
    };
    let steps: Vec<&Step> = steps.into_iter().collect();
    let starts = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| fits(first, step));
    for (start, _) in starts.take(STARTS) {
        let mut rest = steps.get(start..).unwrap_or_default().iter().copied();
        let found: Vec<&Step> = chain
            .iter()
            .map_while(|pattern| rest.find(|step| fits(pattern, step)))
            .collect();
        if found.len() < chain.len() {
            // What is not found from here is not found from further on either.
            return Vec::new();
        }
        if found.iter().any(|step| !unit.is_elsewhere(step)) {
            return found;
        }
    }
    Vec::new()
}

/// The same, of the first function that has them all.
fn one_function<'u>(chain: &[Pattern], unit: &'u Unit) -> Vec<&'u Step> {
    let functions: BTreeSet<&Option<String>> =
        unit.steps.iter().map(|step| &step.function).collect();
    functions
        .into_iter()
        .map(|function| {
            let own = unit.steps.iter().filter(|step| step.function == *function);
            chained(chain, own, unit)
        })
        .find(|steps| !steps.is_empty())
        .unwrap_or_default()
}

fn fits(pattern: &Pattern, step: &Step) -> bool {
    pattern.acts.contains(&step.act)
        && pattern.all.iter().all(|it| step.traits.contains(it))
        && (pattern.any.is_empty() || pattern.any.iter().any(|it| step.traits.contains(it)))
        && !pattern.none.iter().any(|it| step.traits.contains(it))
}
