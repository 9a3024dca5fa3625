//! Scripts and configurations against the rules: which behaviour they show.

mod known;
mod program;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rayon::prelude::*;

pub use self::known::{Programs, Shelf};
use self::program::Followed;
use super::Basis;
use super::secrets::{Count, PrivateKey, Told};
use crate::baseline::own::InCode;
use crate::behaviour::{Content, Scene, Started, Step, Unit, is_documentation, is_read, units};
use crate::entry::Node;
use crate::extract::{Found, Inventory};
use crate::facts::FileType;
use crate::finding::{Confidence, Finding, Severity};
use crate::place::Place;
use crate::rules::{self, Card, Match, Rule, Rulebook};

/// A longer text is not looked at (2 MiB).
const LONGEST: u64 = 2 << 20;
/// All texts of an image together may have so many bytes (128 MiB).
const TOGETHER: u64 = 128 << 20;
/// So many steps of one finding are told.
const TOLD: usize = 12;

/// What scripts and configurations show.
#[derive(Default)]
pub(super) struct Behaviour {
    pub(super) findings: Vec<Finding>,
    /// What was not looked at, or not understood.
    pub(super) not_checked: Vec<(Place, String)>,
    pub(super) started: Vec<Started>,
    /// How many secrets were told.
    pub(super) secrets: Count,
    /// The private keys among them, where they have fingerprints.
    pub(super) keys: Vec<PrivateKey>,
}

/// What the scripts and configurations of an image show.
pub(super) fn behaviour(found: &Inventory, basis: &Basis) -> Behaviour {
    let mut behaviour = Behaviour::default();
    let scene = scene(found, basis, &mut behaviour.not_checked);
    let (units, started) = units(&scene);
    let files: Vec<&[Unit]> = units
        .chunk_by(|one, next| one.place == next.place)
        .collect();
    let matched: Vec<Vec<Shown<'_>>> = files
        .par_iter()
        .map(|units| of_file(units, &basis.rules))
        .collect();
    // One after the other, so that secrets have the same numbers every time.
    let mut secrets = Told::new(basis.fingerprints.as_ref());
    for (rule, shown, unit) in matched.iter().flatten() {
        let told = finding(&rule.card, shown, unit, &started, &mut secrets);
        behaviour.findings.push(told);
    }
    behaviour.secrets = secrets.count();
    behaviour.keys = secrets.keys();
    for unit in &units {
        if let Some(first) = unit
            .problems
            .first()
            .filter(|_| !is_documentation(unit.path.as_bytes()))
        {
            let more = unit.problems.len().saturating_sub(1);
            let more = if more > 0 {
                format!(" (and {more} more)")
            } else {
                String::new()
            };
            let reason = format!("this script was not understood wholly: {first}{more}");
            behaviour.not_checked.push((unit.place.clone(), reason));
        }
    }
    behaviour.started = started;
    behaviour
}

/// The files that can show something. Of others only the path counts.
fn scene(found: &Inventory, basis: &Basis, not_checked: &mut Vec<(Place, String)>) -> Scene {
    let mut left = TOGETHER;
    let mut wanted = Vec::new();
    for entry in &found.entries {
        let bytes = match &entry.entry.node {
            Node::File(file) if is_looked_at(entry) => {
                if file.size > LONGEST || file.size > left {
                    let reason =
                        "this text is too long to be looked at for its behaviour".to_owned();
                    not_checked.push((entry.place.clone(), reason));
                    false
                } else {
                    left = left.saturating_sub(file.size);
                    true
                }
            }
            Node::File(_) | Node::Symlink(_) => false,
            _ => continue,
        };
        wanted.push((entry, bytes));
    }
    let programs = program::followed(found, basis, not_checked);
    let contents: Vec<Content> = wanted
        .par_iter()
        .map(|(entry, bytes)| content(entry, *bytes, programs.get(&entry.place)))
        .collect();
    let mut scene = Scene::default();
    for content in contents {
        scene.add(content);
    }
    scene
}

/// Scripts wherever they stand, keys, and texts in places where programs look for them.
fn is_looked_at(entry: &Found) -> bool {
    match entry.content {
        Some(FileType::Script | FileType::Pem) => true,
        Some(FileType::Text | FileType::Unknown) => is_read(entry.entry.path.as_bytes()),
        _ => false,
    }
}

fn content(entry: &Found, with_bytes: bool, program: Option<&Followed>) -> Content {
    let mut bytes = Vec::new();
    let mut target = None;
    match &entry.entry.node {
        Node::File(file) if with_bytes => {
            // What could be read of it counts; that it could not all be read is told elsewhere.
            let _ = file.data.copy_to(&mut bytes);
        }
        Node::Symlink(to) => target = Some(to.clone()),
        _ => {}
    }
    Content {
        place: entry.place.clone(),
        path: entry.entry.path.clone(),
        mode: entry.entry.meta.mode,
        bytes,
        target,
        code: program.and_then(|program| program.code.clone()),
        makeup: program.and_then(|program| program.makeup.clone()),
    }
}

/// A rule, how it is matched, and the unit that shows it.
type Shown<'u> = (&'static Rule, Match<'u>, &'u Unit);

/// What the units of one file show: each rule once, by the unit that shows it best, without those that say less of the same.
fn of_file<'u>(units: &'u [Unit], book: &Rulebook) -> Vec<Shown<'u>> {
    let mut best: Vec<Shown<'u>> = Vec::new();
    for rule in book.rules() {
        let matches = units
            .iter()
            .filter_map(|unit| Some((rule, rules::matching(rule, unit)?, unit)));
        // Of several equals the one of the fewest functions tells most of where it is.
        best.extend(matches.min_by_key(|(_, found, unit)| {
            (
                Reverse(found.confidence),
                found.functions(),
                unit.steps.len(),
            )
        }));
    }
    let covered: BTreeSet<&String> = best.iter().flat_map(|(rule, ..)| &rule.covers).collect();
    best.retain(|(rule, ..)| !covered.contains(&rule.card.code));
    best
}

fn finding<'u>(
    card: &'static Card,
    found: &Match<'u>,
    unit: &Unit,
    started: &[Started],
    secrets: &mut Told<'u>,
) -> Finding {
    let mut evidence: Vec<String> = found
        .steps
        .iter()
        .take(TOLD)
        .map(|step| line(step, unit) + &secrets.words(step))
        .collect();
    let more = found.steps.len().saturating_sub(TOLD);
    if more > 0 {
        evidence.push(format!("and {more} more"));
    }
    if let Some(start) = started.iter().find(|started| started.place == unit.place) {
        evidence.push(format!("it runs when the device starts: {}", start.by));
    }
    let (mut severity, mut confidence) = (card.severity, found.confidence);
    if is_documentation(unit.path.as_bytes()) {
        (severity, confidence) = (Severity::Info, Confidence::Hint);
        evidence.push("it stands in a folder of documentation or examples".to_owned());
    }
    Finding {
        code: &card.code,
        severity,
        confidence,
        title: card.title.clone(),
        place: unit.place.clone(),
        evidence,
        references: card.references.iter().map(String::as_str).collect(),
        shown_in: in_code(found, unit),
    }
}

/// The code that shows a finding; `None` where something else shows a part of it.
fn in_code(found: &Match<'_>, unit: &Unit) -> Option<InCode> {
    let mut all = InCode::default();
    for step in &found.steps {
        let code = step.code.as_ref().filter(|_| !unit.is_elsewhere(step))?;
        all.functions.extend(unit.functions.get(..code.seen)?);
        all.texts.extend(code.texts.iter().cloned());
        all.has_data |= code.has_data;
    }
    (!all.functions.is_empty()).then_some(all)
}

/// One step as evidence: where, what is written there, and what that is.
fn line(step: &Step, unit: &Unit) -> String {
    let mut place = String::new();
    if unit.is_elsewhere(step) {
        place = format!("{} ", step.place);
    }
    let spot = step.spot.to_string();
    let function = step
        .function
        .as_ref()
        .map(|name| format!(" ({name})"))
        .unwrap_or_default();
    let traits: Vec<&str> = step.traits.iter().map(|it| it.word()).collect();
    let traits = if traits.is_empty() {
        String::new()
    } else {
        format!(", {}", traits.join(", "))
    };
    let colon = if place.is_empty() && spot.is_empty() {
        ""
    } else {
        ": "
    };
    format!(
        "{place}{spot}{function}{colon}{} [{}{traits}]",
        step.text,
        step.act.word()
    )
}
