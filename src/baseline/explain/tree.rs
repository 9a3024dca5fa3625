//! What a changed device tree differs in: nodes and properties that are new, have another value, or are gone.

use std::collections::{BTreeMap, BTreeSet};

use crate::baseline::tree::{MOST as MOST_PROPERTIES, TreeRow, marks};
use crate::facts::masked;
use crate::formats::dtb::{Property, properties};
use crate::place::escape;

/// So many of one sort are told.
const MOST: usize = 16;
/// A value is told up to so many characters.
const CUT: usize = 160;
/// So many numbers of a value are told.
const NUMBERS: usize = 8;

/// How much of a tree is in a blob: how many of its paths.
pub(super) fn likeness(row: &TreeRow, blob: &[u8]) -> usize {
    let paths = row.paths();
    let now = properties(blob, MOST_PROPERTIES).unwrap_or_default();
    let known = now.iter().filter(|it| paths.contains_key(&marks(it).0));
    known.count()
}

/// What the tree `now` differs in from the one that a row describes; `old` is that one's blob, where it is at hand.
pub(super) fn explain(row: &TreeRow, now: &[u8], old: Option<&[u8]>) -> Vec<String> {
    let Some(new) = properties(now, MOST_PROPERTIES) else {
        return vec!["it was a device tree and is none now".to_owned()];
    };
    let old = old.and_then(|old| properties(old, MOST_PROPERTIES));
    let old_values: BTreeMap<&[u8], Option<&[u8]>> = old
        .iter()
        .flatten()
        .map(|it| (it.path.as_slice(), it.value))
        .collect();
    let paths = row.paths();
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    // What is in a new node is new with it, and follows it.
    let mut new_node: Option<&[u8]> = None;
    for property in &new {
        let (path, value) = marks(property);
        seen.insert(path);
        match paths.get(&path) {
            None if new_node.is_some_and(|node| property.path.starts_with(node)) => {}
            None if property.value.is_none() => {
                new_node = Some(&property.path);
                let holds = if added.len() < MOST {
                    holds(property, &new)
                } else {
                    String::new()
                };
                added.push(format!("new node {}{holds}", escape(&property.path)));
            }
            None => added.push(format!("new property {}", shown(property))),
            Some(before) if *before != value => {
                let was = old_values.get(property.path.as_slice()).copied().flatten();
                let was = was.map(|was| {
                    let was = value_of(&property.path, was);
                    let was = was.strip_prefix(" = ").unwrap_or("nothing");
                    format!(" instead of {was}")
                });
                changed.push(format!(
                    "another value: {}{}",
                    shown(property),
                    was.unwrap_or_default()
                ));
            }
            Some(_) => {}
        }
    }
    let mut told = bounded(added, "nodes or properties are new");
    told.extend(bounded(changed, "properties have another value"));
    let gone = paths.keys().filter(|path| !seen.contains(*path)).count();
    match &old {
        Some(old) => {
            let gone = old.iter().filter(|it| !seen.contains(&marks(it).0));
            let gone = gone.map(|it| format!("gone: {}", shown(it)));
            told.extend(bounded(gone.collect(), "nodes or properties are gone"));
        }
        None if gone == 1 => told.push("1 of its nodes or properties is gone".to_owned()),
        None if gone > 1 => told.push(format!("{gone} of its nodes and properties are gone")),
        None => {}
    }
    if told.is_empty() {
        told.push(
            "its nodes and properties are the expected ones, as far as their marks tell".to_owned(),
        );
    }
    told
}

/// What is in a node.
fn holds(node: &Property<'_>, all: &[Property<'_>]) -> String {
    let own = all.iter().filter(|it| {
        let name = it.path.strip_prefix(node.path.as_slice());
        it.value.is_some() && name.is_some_and(|name| !name.contains(&b'/'))
    });
    let own: Vec<String> = own
        .take(NUMBERS)
        .map(|it| {
            let name = it.path.strip_prefix(node.path.as_slice());
            let value = value_of(&it.path, it.value.unwrap_or_default());
            format!("{}{value}", escape(name.unwrap_or_default()))
        })
        .collect();
    if own.is_empty() {
        String::new()
    } else {
        format!(" with {}", own.join(", "))
    }
}

fn shown(property: &Property<'_>) -> String {
    let path = escape(&property.path);
    match property.value {
        Some(value) => format!("{path}{}", value_of(&property.path, value)),
        None => path,
    }
}

/// A value as dtc(1) writes it: texts in quotes, else numbers of 4 bytes, else bytes. Nothing for an empty one, which its name says all of.
fn value_of(path: &[u8], value: &[u8]) -> String {
    if value.is_empty() {
        return String::new();
    }
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    if let Some(texts) = texts(value) {
        let texts: Vec<String> = texts
            .map(|text| format!("\"{}\"", cut(&masked::value(name, text))))
            .collect();
        return format!(" = {}", texts.join(", "));
    }
    let more = |count: usize| if count > NUMBERS { " ..." } else { "" };
    let (words, rest) = value.as_chunks::<4>();
    if rest.is_empty() {
        let numbers: Vec<String> = words
            .iter()
            .take(NUMBERS)
            .map(|word| format!("{:#x}", u32::from_be_bytes(*word)))
            .collect();
        return format!(" = <{}{}>", numbers.join(" "), more(words.len()));
    }
    let bytes: Vec<String> = value
        .iter()
        .take(NUMBERS)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(" = [{}{}]", bytes.join(" "), more(value.len()))
}

/// The texts in a value, as dtc(1) recognises them: each ends with a NUL, none is empty, all can be printed.
fn texts(value: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let inner = value.strip_suffix(b"\0")?;
    let is_text = |text: &[u8]| {
        let plain = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ' || *byte == b'\n';
        !text.is_empty() && text.iter().all(plain)
    };
    let texts = || inner.split(|&byte| byte == 0);
    texts().all(is_text).then(texts)
}

fn cut(text: &[u8]) -> String {
    let text = escape(text);
    let mut cut: String = text.chars().take(CUT).collect();
    if cut.len() < text.len() {
        cut.push_str("...");
    }
    cut
}

fn bounded(mut clauses: Vec<String>, what: &str) -> Vec<String> {
    let more = clauses.len().saturating_sub(MOST);
    clauses.truncate(MOST);
    if more > 0 {
        clauses.push(format!("{more} more {what}"));
    }
    clauses
}
