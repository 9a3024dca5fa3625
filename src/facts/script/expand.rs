//! From words to arguments: what is known of variables and of the output of commands.

use std::collections::BTreeMap;

use super::Argument;
use super::syntax::{Change, Node, Part, Word};

/// A longer value is not followed (16 KiB).
const LONGEST: usize = 16 << 10;

/// So many values of one variable are followed side by side.
pub(super) const ALTERNATIVES: usize = 8;

/// What is known of the variables at one moment.
#[derive(Default)]
pub(super) struct Variables {
    values: BTreeMap<Vec<u8>, Vec<Argument>>,
    /// The arguments of the function or script; `None` where nothing is known of them.
    pub(super) positional: Option<Vec<Argument>>,
}

impl Variables {
    /// Gives a variable a value; one that it may have besides those before, where it is not certain that this runs.
    pub(super) fn set(&mut self, name: &[u8], value: Argument, certainly: bool) {
        let values = self.values.entry(name.to_vec()).or_default();
        if certainly {
            values.clear();
        }
        if !values.contains(&value) && values.len() < ALTERNATIVES {
            values.push(value);
        }
    }

    pub(super) fn forget(&mut self, name: &[u8]) {
        self.values.remove(name);
    }

    /// What a variable holds in the `nth` of the cases that are looked at; whatever holds less takes turns.
    fn get(&self, name: &[u8], expansion: &mut Expansion) -> Option<Argument> {
        let values = self.values.get(name)?;
        expansion.widest = expansion.widest.max(values.len());
        let nth = expansion.nth.checked_rem(values.len())?;
        values.get(nth).cloned()
    }

    fn argument(&self, name: &[u8]) -> Option<Argument> {
        let number: usize = std::str::from_utf8(name).ok()?.parse().ok()?;
        self.positional
            .as_ref()?
            .get(number.checked_sub(1)?)
            .cloned()
    }
}

/// One way of expanding a command's words.
#[derive(Clone, Copy, Default)]
pub(super) struct Expansion {
    /// Which of the values of its variables.
    pub(super) nth: usize,
    /// How many values the variable with the most has, of those that were met.
    pub(super) widest: usize,
}

/// What tells the output of commands that stand in a word.
pub(super) trait Runs {
    fn output(&mut self, body: &[Node]) -> Option<Vec<u8>>;
    fn variables(&self) -> &Variables;
}

/// The fields that a word becomes.
pub(super) fn fields(word: &Word, runs: &mut dyn Runs, expansion: &mut Expansion) -> Vec<Argument> {
    let mut fields = Fields::default();
    parts(word, runs, expansion, &mut fields, true);
    fields.all()
}

/// What a word becomes where it stays one: on the right side of an assignment, between quotes.
pub(super) fn single(word: &Word, runs: &mut dyn Runs, expansion: &mut Expansion) -> Argument {
    let mut fields = Fields::default();
    parts(word, runs, expansion, &mut fields, false);
    let mut all = fields.all().into_iter();
    let first = all.next().unwrap_or_else(|| Argument::new(""));
    all.fold(first, |mut one, more| {
        one.text.push(b' ');
        one.text.extend(more.text);
        one.known &= more.known;
        one
    })
}

/// Fields as they come about.
#[derive(Default)]
struct Fields {
    done: Vec<Argument>,
    last: Option<Argument>,
}

impl Fields {
    fn add(&mut self, text: &[u8], known: bool) {
        let last = self.last.get_or_insert_with(|| Argument::new(""));
        last.known &= known;
        if last.text.len().saturating_add(text.len()) > LONGEST {
            last.known = false;
            return;
        }
        last.text.extend_from_slice(text);
    }

    fn end(&mut self) {
        self.done.extend(self.last.take());
    }

    /// A value that falls apart at its blanks.
    fn split(&mut self, value: &Argument) {
        let mut rest = value.text.as_slice();
        if rest.first().is_some_and(u8::is_ascii_whitespace) {
            self.end();
        }
        while let Some(start) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) {
            rest = rest.get(start..).unwrap_or_default();
            let end = rest.iter().position(u8::is_ascii_whitespace);
            let (field, after) = rest
                .split_at_checked(end.unwrap_or(rest.len()))
                .unwrap_or_default();
            self.add(field, value.known);
            if end.is_some() {
                self.end();
            }
            rest = after;
        }
    }

    fn all(mut self) -> Vec<Argument> {
        self.end();
        self.done
    }
}

fn parts(
    word: &Word,
    runs: &mut dyn Runs,
    expansion: &mut Expansion,
    fields: &mut Fields,
    splits: bool,
) {
    for part in &word.parts {
        match part {
            Part::Text { bytes, .. } => fields.add(bytes, true),
            Part::Opaque { source } => fields.add(source, false),
            Part::Commands {
                body,
                source,
                quoted,
            } => match runs.output(body) {
                Some(output) => {
                    let end = output.iter().rposition(|&byte| byte != b'\n');
                    let end = end.map_or(0, |end| end.saturating_add(1));
                    let value = Argument::new(output.get(..end).unwrap_or_default());
                    value_into(&value, splits && !quoted, fields);
                }
                None => fields.add(source, false),
            },
            Part::Parameter {
                name,
                change,
                quoted,
            } => parameter(name, change, *quoted, runs, expansion, fields, splits),
        }
    }
}

fn value_into(value: &Argument, splits: bool, fields: &mut Fields) {
    if splits {
        fields.split(value);
    } else {
        fields.add(&value.text, value.known);
    }
}

fn parameter(
    name: &[u8],
    change: &Change,
    quoted: bool,
    runs: &mut dyn Runs,
    expansion: &mut Expansion,
    fields: &mut Fields,
    splits: bool,
) {
    let unknown = || {
        let mut source = b"$".to_vec();
        source.extend_from_slice(name);
        source
    };
    if matches!(change, Change::Other) {
        return fields.add(&unknown(), false);
    }
    if matches!(name, b"@" | b"*") {
        let Some(all) = runs.variables().positional.clone() else {
            return fields.add(&unknown(), false);
        };
        for (nth, argument) in all.iter().enumerate() {
            if nth > 0 && splits {
                fields.end();
            } else if nth > 0 {
                fields.add(b" ", true);
            }
            value_into(argument, splits && !quoted, fields);
        }
        return;
    }
    let variables = runs.variables();
    let value = variables
        .argument(name)
        .or_else(|| variables.get(name, expansion));
    match (value, change) {
        (Some(value), Change::Default(word)) if !value.known || value.text.is_empty() => {
            parts(word, runs, expansion, fields, splits && !quoted);
        }
        (None, Change::Default(word)) => parts(word, runs, expansion, fields, splits && !quoted),
        (Some(value), _) => value_into(&value, splits && !quoted, fields),
        (None, _) => fields.add(&unknown(), false),
    }
}
