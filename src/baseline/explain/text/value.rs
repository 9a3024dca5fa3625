//! The value of a variable, such as the commands of a boot loader: the words that are new in it.

use super::super::lines::edits;
use super::cut;
use crate::baseline::text::{TextRow, mark, words};
use crate::facts::filetype::is_text;
use crate::facts::masked;
use crate::place::escape;

/// A longer value is not told.
const LONGEST: usize = 64 << 10;
/// So many runs of words are told.
const MOST: usize = 8;

/// What the value of a variable differs in from the one that a row describes, or from `old`.
pub(in super::super) fn explain(
    row: Option<&TextRow>,
    name: &[u8],
    now: &[u8],
    old: Option<&[u8]>,
) -> Vec<String> {
    if !is_text(now) || now.len() > LONGEST {
        return vec!["it has a value that is no text, or too long to be told".to_owned()];
    }
    let shown = masked::value(name, now);
    let mut told = vec![format!("it is now: {}", cut(&shown))];
    let all = words(&shown).collect::<Vec<_>>();
    let edits = match (old, row) {
        (Some(old), _) => {
            let old = masked::value(name, old);
            let before = cut(&old);
            told.push(format!("it was: {before}"));
            edits(&words(&old).collect::<Vec<_>>(), &all)
        }
        (None, Some(row)) => {
            let marks: Vec<_> = all.iter().map(|word| mark(word)).collect();
            edits(&row.marks, &marks)
        }
        (None, None) => return told,
    };
    let mut runs: Vec<Vec<&[u8]>> = Vec::new();
    let mut last = None;
    for at in &edits.added {
        let word = all.get(*at).copied().unwrap_or_default();
        match runs.last_mut() {
            Some(run) if last == at.checked_sub(1) && last.is_some() => run.push(word),
            _ => runs.push(vec![word]),
        }
        last = Some(*at);
    }
    if edits.added.len() < all.len() {
        let texts: Vec<String> = runs
            .iter()
            .take(MOST)
            .map(|run| cut(&run.join(&b' ')))
            .collect();
        if !texts.is_empty() {
            told.push(format!("new in it: {}", texts.join(" ... ")));
        }
    }
    let gone = edits.removed.len();
    if gone > 0 && old.is_none() {
        let s = if gone == 1 { "" } else { "s" };
        told.push(format!("{gone} word{s} of the expected value gone"));
    }
    if told.len() == 1 && shown != now {
        told = vec![format!(
            "{} has another value, which is not shown",
            escape(name)
        )];
    }
    told
}
