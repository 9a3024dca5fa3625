//! Functions of the C library in programs that hold it and have no symbols.
//!
//! `system`, `popen` and the calls of the kernel are told by what they do (see `wrapper` and `walk`); here are those of which more is needed than
//! one function shows: which others it calls, and with what it is called itself.

mod address;
mod copy;
mod file;
mod kernel;
mod print;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::kernel::Numbered;

use super::argument::Argument;
use super::call::{Call, Callee};
use super::discover::Functions;
use super::program::Program;
use super::value::Piece;
use super::walk::Walked;

/// Functions that hand their arguments on are looked through so many times.
const ROUNDS: usize = 4;

/// Recognises what it can; the functions of which more is known than before.
pub(super) fn recognise(program: &mut Program<'_>, functions: &Functions) -> BTreeSet<u64> {
    let before = program.recognised.clone();
    let mut known = kernel::numbered(program, functions);
    if !program.loaded.is_dynamic {
        known.extend(print::name_all(program, functions));
        known.extend(named(program, functions, copy::name));
        known.extend(named(program, functions, address::name));
        known.extend(kernel::runners(program, functions));
        known.extend(named(program, functions, file::name));
    }
    program.recognised.extend(&known);
    known.difference(&before).copied().collect()
}

/// A call of a function that has no name yet.
struct Seen<'f> {
    call: &'f Call,
    /// The calls of the function that makes it.
    among: &'f [Call],
    callee: &'f Walked,
}

/// Gives functions the names that their calls suggest; the functions that have one now.
fn named(
    program: &mut Program<'_>,
    functions: &Functions,
    name: impl Fn(&Program<'_>, &Functions, &Seen<'_>) -> Option<&'static [u8]>,
) -> Vec<u64> {
    let mut found: BTreeMap<u64, &'static [u8]> = BTreeMap::new();
    for (_, caller) in functions.values() {
        for call in caller.calls.iter().filter(|call| call.name.is_none()) {
            let Some((start, callee)) = callee(program, functions, call) else {
                continue;
            };
            let seen = Seen {
                call,
                among: &caller.calls,
                callee,
            };
            let name = name(program, functions, &seen);
            found.extend(name.map(|name| (start, name)));
        }
    }
    for (&start, name) in &found {
        program.give_name(start, name);
    }
    found.into_keys().collect()
}

/// The function of the program that a call leads to.
fn callee<'f>(
    program: &Program<'_>,
    functions: &'f Functions,
    call: &Call,
) -> Option<(u64, &'f Walked)> {
    let start = function(call)?;
    let (_, walked) = functions.get(&(start & !program.mode_bit()))?;
    Some((start, walked))
}

/// Whether a function, or one that it calls, does something that is known and none of these: then it is none that only computes.
fn is_active(program: &Program<'_>, functions: &Functions, walked: &Walked, but: &[&str]) -> bool {
    let acts = |call: &Call| call.name.is_some_and(|name| !but.contains(&name));
    walked.calls.iter().any(|call| {
        let within = callee(program, functions, call);
        acts(call) || within.is_some_and(|(_, within)| within.calls.iter().any(acts))
    })
}

fn function(call: &Call) -> Option<u64> {
    match call.callee {
        Callee::Function(start) => Some(start),
        Callee::Import | Callee::System(_) | Callee::Unknown => None,
    }
}

/// The parameter of the caller that an argument is.
fn parameter(call: &Call, number: u8) -> Option<u8> {
    match call.arguments.get(usize::from(number))? {
        Argument::Parameter(number) => Some(*number),
        Argument::Text(text) => match text.pieces.as_slice() {
            [Piece::Parameter(number)] => Some(*number),
            _ => None,
        },
        _ => None,
    }
}
