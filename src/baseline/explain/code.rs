//! Which functions of a program are new, changed or gone, and what the new and changed ones do.

use std::collections::BTreeMap;

use super::matching::{Likeness, Matching, matched};
use crate::baseline::outline::{CodeRow, Print, import};
use crate::baseline::own::{Own, OwnFunction};
use crate::facts::code::{Argument, CALLEE, Call, Code, Outline, OutlinePiece, Outlined, Target};
use crate::place::escape;

/// So many functions of one sort are told.
const MOST: usize = 12;
/// So many calls, texts and callers of one function are told.
const MOST_PARTS: usize = 5;
/// A text is told up to so many characters.
const LONGEST: usize = 100;

/// What beside its functions is the expected program's.
#[derive(Clone, Copy)]
pub(super) struct Linkage {
    /// Whether calls of libraries lead where they did.
    pub(super) is_same: bool,
    /// Whether the sections of data are the same.
    pub(super) has_same_data: bool,
}

/// The code of a program beside the fingerprints of another.
pub(super) struct Functions<'a> {
    outline: &'a Outline,
    expected: &'a CodeRow,
    pub(super) matching: Matching,
    /// The calls of which more is known than what is called.
    calls: BTreeMap<u64, Vec<Call>>,
}

impl<'a> Functions<'a> {
    pub(super) fn new(expected: &'a CodeRow, outline: &'a Outline, bytes: &[u8]) -> Self {
        let prints = outline.functions.iter();
        let now: Vec<Print> = prints.map(|one| Print::of(one, expected.widths)).collect();
        let code = Code::of(bytes)
            .map(|code| code.functions)
            .unwrap_or_default();
        let mut matching = matched(&expected.functions, &now);
        called_alike(&mut matching, expected, outline);
        Self {
            outline,
            expected,
            matching,
            calls: code.into_iter().map(|one| (one.start, one.calls)).collect(),
        }
    }

    /// The code of the program found.
    pub(super) fn outline(&self) -> &'a Outline {
        self.outline
    }

    /// How many functions have something in common with the expected ones, or nothing.
    fn count(&self, wanted: Option<Likeness>) -> usize {
        let all = self.matching.old_of.iter();
        all.filter(|it| it.map(|(_, likeness)| likeness) == wanted)
            .count()
    }

    /// Whether every function is there, and no other.
    pub(super) fn is_same(&self) -> bool {
        self.matching.removed.is_empty()
            && self.count(Some(Likeness::Same)) == self.outline.functions.len()
    }

    /// Whether instructions or calls are new or changed.
    pub(super) fn is_changed(&self) -> bool {
        self.count(None) > 0
            || self.count(Some(Likeness::Changed)) > 0
            || !self.matching.removed.is_empty()
    }

    /// What is new, what is changed, what does the same to other things, and what is gone.
    pub(super) fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        self.sort(&mut told, None, "is new", "are new");
        self.sort(
            &mut told,
            Some(Likeness::Changed),
            "is changed",
            "are changed",
        );
        let same = "has the same instructions, but calls other functions";
        self.sort(
            &mut told,
            Some(Likeness::OtherCalls),
            same,
            "call other functions with the same instructions",
        );
        let same = "has the same instructions, but uses other texts or constants";
        self.sort(
            &mut told,
            Some(Likeness::OtherUses),
            same,
            "use other texts or constants with the same instructions",
        );
        for &old in self.matching.removed.iter().take(MOST) {
            told.push(format!(
                "a function of the expected file{} is gone",
                self.old_place(old)
            ));
        }
        let more = self.matching.removed.len().saturating_sub(MOST);
        if more > 0 {
            told.push(format!("and {more} more functions are gone"));
        }
        told
    }

    fn sort(&self, told: &mut Vec<String>, wanted: Option<Likeness>, one: &str, several: &str) {
        let all = self
            .outline
            .functions
            .iter()
            .enumerate()
            .zip(&self.matching.old_of);
        let of_sort: Vec<(usize, &Outlined)> = all
            .filter(|(_, it)| it.map(|(_, likeness)| likeness) == wanted)
            .map(|(function, _)| function)
            .collect();
        for &(at, function) in of_sort.iter().take(MOST) {
            let does = self.does(function);
            let place = if wanted.is_none() {
                self.place(at)
            } else {
                String::new()
            };
            let callers = if wanted.is_none() {
                self.callers(function)
            } else {
                String::new()
            };
            told.push(format!(
                "{}{place} {one}{does}{callers}",
                self.label(function)
            ));
        }
        let more = of_sort.len().saturating_sub(MOST);
        if more > 0 {
            told.push(format!("and {more} more functions {several}"));
        }
    }

    /// Which of the functions are the expected ones.
    pub(super) fn own(&self, linkage: Linkage) -> Own {
        let all = self.outline.functions.iter().zip(&self.matching.old_of);
        let functions = all.map(|(function, pair)| OwnFunction {
            range: (function.start & !self.bit())..function.end,
            label: self.label(function),
            is_known: matches!(pair, Some((_, Likeness::Same))),
            texts: function.texts.clone(),
        });
        Own {
            functions: functions.collect(),
            mode_bit: self.bit(),
            has_same_linkage: linkage.is_same,
            has_same_data: linkage.has_same_data,
        }
    }

    /// How many functions are what.
    pub(super) fn summary(&self) -> String {
        let mut parts = vec![format!("{} are the same", self.count(Some(Likeness::Same)))];
        let mut add = |count: usize, words: &str| {
            if count > 0 {
                parts.push(format!("{count} {words}"));
            }
        };
        add(self.count(Some(Likeness::Changed)), "changed");
        add(self.count(Some(Likeness::OtherCalls)), "with other calls");
        add(
            self.count(Some(Likeness::OtherUses)),
            "with other texts or constants",
        );
        add(self.count(None), "new");
        add(self.matching.removed.len(), "gone");
        add(self.matching.moved, "in another order");
        format!(
            "of its {} functions {}",
            self.outline.functions.len(),
            parts.join(", ")
        )
    }

    /// What a function is called.
    pub(super) fn label(&self, function: &Outlined) -> String {
        let start = function.start & !self.bit();
        let size = function.end.saturating_sub(start);
        match (&function.name, function.piece) {
            (Some(name), _) => format!("function `{name}` at {start:#x}"),
            (None, OutlinePiece::Function) => format!("the function at {start:#x}"),
            (None, OutlinePiece::Loose) => {
                format!("code of {size} bytes at {start:#x}, which no known function has,")
            }
        }
    }

    fn bit(&self) -> u64 {
        self.outline.mode_bit
    }

    fn short(&self, function: &Outlined) -> String {
        match &function.name {
            Some(name) => format!("`{name}`"),
            None => format!("{:#x}", function.start & !self.bit()),
        }
    }

    /// Between which functions that are known one stands.
    fn place(&self, at: usize) -> String {
        let known = |it: &usize| self.matching.old_of.get(*it).is_some_and(Option::is_some);
        let before = (0..at)
            .rev()
            .find(known)
            .and_then(|it| self.outline.functions.get(it));
        let behind = (at..self.outline.functions.len())
            .find(known)
            .and_then(|it| self.outline.functions.get(it));
        match (before, behind) {
            (Some(before), Some(behind)) => format!(
                " (between {} and {})",
                self.short(before),
                self.short(behind)
            ),
            (Some(before), None) => format!(" (behind {})", self.short(before)),
            (None, Some(behind)) => format!(" (in front of {})", self.short(behind)),
            (None, None) => String::new(),
        }
    }

    /// Between which functions that are still there an old one stood.
    fn old_place(&self, old: usize) -> String {
        let there = |it: usize| {
            self.matching
                .new_of(it)
                .and_then(|it| self.outline.functions.get(it))
        };
        let before = (0..old).rev().find_map(there);
        let behind = (old..self.expected.functions.len()).find_map(there);
        match (before, behind) {
            (Some(before), Some(behind)) => format!(
                " (it stood between {} and {})",
                self.short(before),
                self.short(behind)
            ),
            (Some(one), None) => format!(" (it stood behind {})", self.short(one)),
            (None, Some(one)) => format!(" (it stood in front of {})", self.short(one)),
            (None, None) => String::new(),
        }
    }

    /// What a function calls and uses.
    fn does(&self, function: &Outlined) -> String {
        let mut calls: Vec<String> = Vec::new();
        let mut shown = Vec::new();
        for call in self.calls.get(&function.start).into_iter().flatten() {
            let texts: Vec<String> = call.arguments.iter().filter_map(argument).collect();
            if let Some(name) = call.name.filter(|_| !texts.is_empty()) {
                add(&mut calls, format!("{name}({})", texts.join(", ")));
                shown.push((call.at, name));
            }
        }
        for called in &function.called {
            if let Target::Import(name) = &called.to
                && !shown.iter().any(|(at, _)| *at == called.at)
            {
                let new = if self.is_new_import(name.as_bytes()) {
                    " (which the expected file did not use)"
                } else {
                    ""
                };
                add(&mut calls, format!("{name}{new}"));
            }
        }
        let mut texts = Vec::new();
        for text in &function.texts {
            let text = quoted(text);
            if !calls.iter().any(|call| call.contains(&text)) {
                add(&mut texts, text);
            }
        }
        let list = |word: &str, parts: Vec<String>| {
            let more = parts.len().saturating_sub(MOST_PARTS);
            let told = parts
                .iter()
                .take(MOST_PARTS)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            (!parts.is_empty()).then(|| format!("{word} {told}{more}"))
        };
        let parts: Vec<String> = [list("calls", calls), list("uses", texts)]
            .into_iter()
            .flatten()
            .collect();
        if parts.is_empty() {
            String::new()
        } else {
            format!(": it {}", parts.join(", and "))
        }
    }

    /// Whether the expected file did not use a function of a library.
    pub(super) fn is_new_import(&self, name: &[u8]) -> bool {
        self.expected.imports.binary_search(&import(name)).is_err()
    }

    /// From where a function is called.
    fn callers(&self, function: &Outlined) -> String {
        let mut callers = Vec::new();
        for caller in &self.outline.functions {
            let calls = caller.called.iter().filter(|called| match called.to {
                Target::Function(start) => start & !self.bit() == function.start & !self.bit(),
                _ => false,
            });
            callers.extend(calls.map(|called| {
                let inside = called.at.saturating_sub(caller.start & !self.bit());
                format!("{}+{inside:#x}", self.short(caller))
            }));
        }
        let more = callers.len().saturating_sub(MOST_PARTS);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        callers.truncate(MOST_PARTS);
        if callers.is_empty() {
            String::new()
        } else {
            format!("; it is called from {}{more}", callers.join(", "))
        }
    }
}

/// A function whose callee is changed calls the same as before: its calls are compared as if those that belong to expected ones were those.
fn called_alike(matching: &mut Matching, expected: &CodeRow, outline: &Outline) {
    let old_of: Vec<Option<usize>> = matching
        .old_of
        .iter()
        .map(|it| it.map(|(old, _)| old))
        .collect();
    let code = |callee: usize| {
        let old = old_of.get(callee).copied().flatten()?;
        expected
            .functions
            .get(old)?
            .code
            .first_chunk::<CALLEE>()
            .copied()
    };
    for (function, pair) in outline.functions.iter().zip(&mut matching.old_of) {
        let Some((old, likeness @ Likeness::OtherCalls)) = pair else {
            continue;
        };
        let Some(print) = expected.functions.get(*old) else {
            continue;
        };
        let calls = Print::calls(outline.calls(function, code), expected.widths);
        if calls == print.calls {
            *likeness = if Print::of(function, expected.widths).uses == print.uses {
                Likeness::Same
            } else {
                Likeness::OtherUses
            };
        }
    }
}

fn add(parts: &mut Vec<String>, part: String) {
    if !parts.contains(&part) {
        parts.push(part);
    }
}

/// An argument that tells something.
fn argument(argument: &Argument) -> Option<String> {
    let shown = |text: &crate::facts::code::Text| {
        (!text.is_unknown()).then(|| format!("\"{}\"", cut(&text.shown())))
    };
    match argument {
        Argument::Text(text) => shown(text),
        Argument::List(texts) => {
            let texts: Vec<String> = texts.iter().filter_map(shown).take(MOST_PARTS).collect();
            (!texts.is_empty()).then(|| texts.join(" "))
        }
        Argument::Peer(peer) => {
            let host = peer.host.filter(|host| !host.is_unspecified());
            let host = host.map(|host| host.to_string());
            let port = peer.port.map(|port| format!(":{port}"));
            (host.is_some() || port.is_some())
                .then(|| format!("{}{}", host.unwrap_or_default(), port.unwrap_or_default()))
        }
        _ => None,
    }
}

fn quoted(text: &[u8]) -> String {
    format!("\"{}\"", cut(&escape(text)))
}

fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() {
        cut.push_str("...");
    }
    cut
}
