//! Tries a rule on its own fixtures.

use std::sync::Arc;

use super::matching::matching;
use super::model::{Fixture, Pack, Rule};
use crate::behaviour::{Content, Scene, units};
use crate::entry::EntryPath;
use crate::place::Place;

/// A fixture that a rule does not do what it should on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The rule.
    pub code: String,
    /// What is wrong.
    pub what: String,
}

/// Tries all rules of a pack on their fixtures; yields what is wrong.
pub fn trial(pack: &Pack) -> Vec<Failed> {
    pack.rules.iter().flat_map(one).collect()
}

fn one(rule: &Rule) -> Vec<Failed> {
    let hits = rule.hit.iter().map(|fixture| (fixture, true, "hit"));
    let clean = rule.clean.iter().map(|fixture| (fixture, false, "clean"));
    let mut failed = Vec::new();
    for (nth, (fixture, wanted, list)) in (1_usize..).zip(hits.chain(clean)) {
        if does_hit(rule, fixture) != wanted {
            let first = fixture.first().map_or("no file", |file| &file.path);
            let verb = if wanted { "is not hit" } else { "is hit" };
            failed.push(Failed {
                code: rule.card.code.clone(),
                what: format!("fixture {nth} ({list}: {first}) {verb}"),
            });
        }
    }
    failed
}

fn does_hit(rule: &Rule, fixture: &Fixture) -> bool {
    let mut scene = Scene::default();
    for file in fixture {
        let path = EntryPath::new(file.path.as_bytes());
        let is_link = file.text.strip_prefix("-> ");
        scene.add(Content {
            place: Place::image().path(&path),
            path,
            mode: None,
            bytes: if is_link.is_some() {
                Vec::new()
            } else {
                file.text.clone().into_bytes()
            },
            target: is_link.map(|target| target.trim_end().as_bytes().to_vec()),
            code: file.calls.clone().map(Arc::new),
            makeup: file.makeup.clone().map(Arc::new),
        });
    }
    let (units, _) = units(&scene);
    units.iter().any(|unit| matching(rule, unit).is_some())
}
