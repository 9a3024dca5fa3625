//! Texts that a program hides, as steps: a command as if it were run, an address as a peer.

use super::super::act::{Act, Trait};
use super::super::config::Stated;
use super::super::host;
use super::super::scene::{Content, Makeup, Scene};
use super::super::shell::{Flow, is_shell};
use super::super::unit::{Spot, Step};
use crate::facts::elf::Structure;
use crate::facts::hidden::{HiddenText, Reading};
use crate::facts::script::Script;
use crate::place::escape;

/// So many letters of a hidden text are shown.
const SHOWN: usize = 200;

/// Letters of the shortest command that is told: shorter ones are made by chance.
const SHORTEST: usize = 7;
/// So many letters more for each further byte of the key.
const FOR_EACH: usize = 2;
/// The same under keys that are added, with at least two words: code of Thumb makes short ones.
const SHORTEST_LESS_SURE: usize = 12;

/// What a hidden text tells.
enum Told {
    /// What it does as a command.
    Command,
    /// A shell is run.
    Shell,
    /// A host on the Internet.
    Peer(Trait),
}

/// The steps of what is hidden in a program, in the order in which it stands there.
pub(super) fn steps(scene: &Scene, file: &Content, makeup: &Makeup) -> Vec<Step> {
    let mut flow = Flow::new(scene, file);
    flow.alone();
    let mut reached = 0;
    for text in &makeup.hidden.texts {
        // Two keys do not hide one text.
        if text.offset < reached {
            continue;
        }
        let told = text
            .readings()
            .find_map(|reading| Some((told(scene, file, text, &reading)?, reading)));
        let Some((told, reading)) = told else {
            continue;
        };
        reached = reading
            .offset
            .saturating_add(crate::read::length(reading.text));
        state(&mut flow, &told, &reading, &makeup.structure);
    }
    flow.steps
}

/// What a reading of a hidden text tells, if that is something of note.
fn told(scene: &Scene, file: &Content, text: &HiddenText, reading: &Reading<'_>) -> Option<Told> {
    if text.is_address {
        return Some(Told::Peer(Trait::Public));
    }
    let words: Vec<&[u8]> = reading.text.split(u8::is_ascii_whitespace).collect();
    if let [path, options @ ..] = words.as_slice()
        && path.starts_with(b"/")
        && reading.hiding.is_sure()
        && is_shell(path)
        && options.iter().all(|word| word.starts_with(b"-"))
    {
        return Some(Told::Shell);
    }
    if let [url] = words.as_slice()
        && let Some(host) = host::of_url(url)
        && host::class(host.name) == Trait::Public
    {
        return Some(Told::Peer(Trait::Public));
    }
    let (least, fewest) = if reading.hiding.is_sure() {
        (SHORTEST, 1)
    } else {
        (SHORTEST_LESS_SURE, 2)
    };
    // Each byte of a key is one that chance may choose.
    let chosen = reading.hiding.key_length().saturating_sub(1);
    let least = least.saturating_add(chosen.saturating_mul(FOR_EACH));
    if reading.text.len() < least || words.len() < fewest {
        return None;
    }
    let script = Script::parse(reading.text);
    if !script.problems.is_empty() {
        return None;
    }
    let mut alone = Flow::new(scene, file);
    alone.alone().follow(&script);
    alone.steps.iter().any(is_of_note).then_some(Told::Command)
}

/// Whether chance does not make a step.
fn is_of_note(step: &Step) -> bool {
    !step.traits.contains(&Trait::PathUnknown)
}

/// Notes what a text tells, with where it stands and how it is hidden.
fn state(flow: &mut Flow<'_>, told: &Told, reading: &Reading<'_>, structure: &Structure) {
    let spot = match structure.address_of(reading.offset) {
        Some(address) => Spot::Code {
            address,
            offset: reading.offset,
        },
        None => Spot::Whole,
    };
    let how = format!("(hidden: {})", reading.hiding);
    let before = flow.steps.len();
    let shown = escape(reading.text.get(..SHOWN).unwrap_or(reading.text));
    match told {
        Told::Command => flow.follow_line(reading.text, 0),
        Told::Shell => flow.state(Stated::new(Act::Run, [Trait::Shell], spot, shown)),
        Told::Peer(class) => flow.state(Stated::new(Act::Peer, [*class], spot, shown)),
    }
    for step in flow.steps.iter_mut().skip(before) {
        step.traits.insert(Trait::Hidden);
        step.spot = spot;
        step.function = None;
        let place = match spot {
            Spot::Whole => format!(" at byte {}", reading.offset),
            _ => String::new(),
        };
        step.text = format!("{}{place} {how}", step.text);
    }
}
