//! The instructions that differ in a changed function, where both files are at hand.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::code::Functions;
use super::matching::Likeness;
use crate::facts::code::{Instruction, Outline, Outlined};
use crate::place::escape;

/// The instructions of so many functions are told.
const MOST: usize = 12;
/// So many places of one function are told.
const MOST_PLACES: usize = 6;
/// So many instructions of one place are told.
const MOST_LINES: usize = 8;
/// Longer functions are compared only at both ends, in instructions.
const LONGEST: usize = 1000;

/// What changed in the functions that belong together: for each function one clause.
pub(super) fn listed(functions: &Functions<'_>, found: &[u8], expected: &[u8]) -> Vec<String> {
    let Ok(before) = Outline::of(expected) else {
        return Vec::new();
    };
    let all = (0..).zip(&functions.matching.old_of);
    let pairs: Vec<(usize, usize)> = all
        .filter_map(|(new, pair)| match pair {
            Some((old, Likeness::Changed | Likeness::OtherCalls | Likeness::OtherUses)) => {
                Some((new, *old))
            }
            _ => None,
        })
        .take(MOST)
        .collect();
    let numbers =
        |pick: fn(&(usize, usize)) -> usize| pairs.iter().map(pick).collect::<BTreeSet<usize>>();
    let now = functions.outline().listing(found, &numbers(|pair| pair.0));
    let then = before.listing(expected, &numbers(|pair| pair.1));
    let told = pairs.iter().filter_map(|&(new, old)| {
        let places = differing(lines(&then, old)?, lines(&now, new)?);
        let function = functions.outline().functions.get(new)?;
        let label = functions.label(function) + &former(before.functions.get(old)?, function);
        (!places.is_empty()).then(|| clause(&label, &places))
    });
    told.collect()
}

/// The instructions of one of the functions that are listed.
fn lines(listing: &[(usize, Vec<Instruction>)], wanted: usize) -> Option<&[Instruction]> {
    let mut all = listing.iter();
    let found = all.find(|(number, _)| *number == wanted)?;
    Some(&found.1)
}

/// The name that only the expected file has.
fn former(old: &Outlined, new: &Outlined) -> String {
    match (&old.name, &new.name) {
        (Some(name), None) => format!(" (`{}` of the expected file)", escape(name.as_bytes())),
        _ => String::new(),
    }
}

/// Instructions that stand in place of others.
#[derive(Debug, PartialEq, Eq)]
struct Differing<'l> {
    old: &'l [Instruction],
    new: &'l [Instruction],
}

fn clause(label: &str, places: &[Differing<'_>]) -> String {
    let shown = |lines: &[Instruction]| {
        let mut words: Vec<String> = lines
            .iter()
            .take(MOST_LINES)
            .map(|line| {
                let mut word = format!("{:#x} {}", line.at, line.raw);
                if !line.does.is_empty() {
                    let _ = write!(word, " ({})", line.does);
                }
                word
            })
            .collect();
        let more = lines.len().saturating_sub(MOST_LINES);
        if more > 0 {
            words.push(format!("{more} more"));
        }
        words.join(", ")
    };
    let told: Vec<String> = places
        .iter()
        .take(MOST_PLACES)
        .map(|place| match (place.old, place.new) {
            ([], new) => format!("{} is added", shown(new)),
            (old, []) => format!("{} is gone", shown(old)),
            (old, new) => format!("{} became {}", shown(old), shown(new)),
        })
        .collect();
    let more = places.len().saturating_sub(MOST_PLACES);
    let more = if more > 0 {
        format!("; and {more} more places")
    } else {
        String::new()
    };
    format!("in {label}: {}{more}", told.join("; "))
}

/// Where two functions differ: by the longest sequence of instructions that both have.
fn differing<'l>(old: &'l [Instruction], new: &'l [Instruction]) -> Vec<Differing<'l>> {
    let same = |(one, other): &(&Instruction, &Instruction)| one.fixed == other.fixed;
    let ahead = old.iter().zip(new).take_while(same).count();
    let (old, new) = (
        old.get(ahead..).unwrap_or_default(),
        new.get(ahead..).unwrap_or_default(),
    );
    let behind = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(same)
        .count();
    let inner = |lines: &'l [Instruction]| {
        lines
            .get(..lines.len().saturating_sub(behind))
            .unwrap_or_default()
    };
    let (old, new) = (inner(old), inner(new));
    if old.is_empty() && new.is_empty() {
        return Vec::new();
    }
    if old.len().max(new.len()) > LONGEST {
        return vec![Differing { old, new }];
    }
    let mut places = Vec::new();
    let (mut left, mut right) = (old, new);
    for (one, other) in common(old, new) {
        // How far the next common instruction is on both sides.
        let (to_one, to_other) = (
            one.saturating_sub(old.len().saturating_sub(left.len())),
            other.saturating_sub(new.len().saturating_sub(right.len())),
        );
        let (gone, rest) = left.split_at_checked(to_one).unwrap_or((left, &[]));
        let (added, more) = right.split_at_checked(to_other).unwrap_or((right, &[]));
        if !gone.is_empty() || !added.is_empty() {
            places.push(Differing {
                old: gone,
                new: added,
            });
        }
        left = rest.get(1..).unwrap_or_default();
        right = more.get(1..).unwrap_or_default();
    }
    if !left.is_empty() || !right.is_empty() {
        places.push(Differing {
            old: left,
            new: right,
        });
    }
    places
}

/// The numbers of the instructions that both have, as many as may be in the same order.
fn common(old: &[Instruction], new: &[Instruction]) -> Vec<(usize, usize)> {
    // Of each pair of ends, how many instructions are common from there on.
    let mut rows: Vec<Vec<u16>> = vec![vec![0; new.len().saturating_add(1)]];
    for one in old.iter().rev() {
        let behind = rows.last().cloned().unwrap_or_default();
        let mut row = vec![0_u16; new.len().saturating_add(1)];
        let mut next = 0_u16;
        for (at, other) in new.iter().enumerate().rev() {
            let (down, across) = (
                behind.get(at).copied().unwrap_or(0),
                behind.get(at.saturating_add(1)).copied().unwrap_or(0),
            );
            next = if one.fixed == other.fixed {
                across.saturating_add(1)
            } else {
                down.max(next)
            };
            if let Some(cell) = row.get_mut(at) {
                *cell = next;
            }
        }
        rows.push(row);
    }
    rows.reverse();
    let from = |one: usize, other: usize| {
        let row = rows.get(one);
        row.and_then(|row| row.get(other)).copied().unwrap_or(0)
    };
    let mut pairs = Vec::new();
    let (mut one, mut other) = (0_usize, 0_usize);
    while let (Some(left), Some(right)) = (old.get(one), new.get(other)) {
        if left.fixed == right.fixed {
            pairs.push((one, other));
            one = one.saturating_add(1);
            other = other.saturating_add(1);
        } else if from(one.saturating_add(1), other) >= from(one, other.saturating_add(1)) {
            one = one.saturating_add(1);
        } else {
            other = other.saturating_add(1);
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Instruction> {
        (0..)
            .zip(text.bytes())
            .map(|(at, byte)| Instruction {
                at,
                raw: char::from(byte).to_string(),
                does: String::new(),
                fixed: vec![byte],
            })
            .collect()
    }

    fn told(old: &str, new: &str) -> Vec<(String, String)> {
        let (old, new) = (lines(old), lines(new));
        let text = |lines: &[Instruction]| lines.iter().map(|line| line.raw.as_str()).collect();
        let places = differing(&old, &new);
        places
            .iter()
            .map(|place| (text(place.old), text(place.new)))
            .collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(old, new): &(&str, &str)| ((*old).to_owned(), (*new).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn only_what_differs_is_told() {
        assert_eq!(told("abcdef", "abcdef"), []);
        assert_eq!(told("abcdef", "abXdef"), pairs(&[("c", "X")]));
        assert_eq!(told("abcdef", "abdef"), pairs(&[("c", "")]));
        assert_eq!(told("", "ab"), pairs(&[("", "ab")]));
        assert_eq!(
            told("abcdefgh", "aXcdYYgh"),
            pairs(&[("b", "X"), ("ef", "YY")])
        );
        assert_eq!(told("aab", "ab"), pairs(&[("a", "")]));
    }

    #[test]
    fn what_is_told_is_bounded() {
        let (old, new) = ("a".repeat(5000), "b".repeat(5000));
        let (old, new) = (lines(&old), lines(&new));
        let clause = clause("f", &differing(&old, &new));
        assert!(clause.contains("4992 more became"), "{clause}");
        assert!(clause.len() < 1000);
    }
}
