//! `memcpy`: what it is called with tells it. Compilers put a text that is known by it, with the null at its end, wherever a program copies or appends
//! one.

use std::collections::BTreeSet;

use super::super::argument::Argument;
use super::super::call::Call;
use super::super::discover::Functions;
use super::super::program::Program;
use super::function;

/// Gives names to what is recognised; the functions that have one now.
pub(super) fn name_all(program: &mut Program<'_>, functions: &Functions) -> BTreeSet<u64> {
    let calls = functions.values().flat_map(|(_, walked)| &walked.calls);
    let copies: BTreeSet<u64> = calls
        .filter(|call| call.name.is_none() && is_whole_text(call))
        .filter_map(function)
        .filter(|start| {
            let walked = functions.get(&(start & !program.mode_bit()));
            walked.is_some_and(|(_, walked)| walked.writes & 1 != 0)
        })
        .collect();
    for &start in &copies {
        program.give_name(start, b"memcpy");
    }
    copies
}

/// Whether a call is given a text that is known, and how long it is with its null.
fn is_whole_text(call: &Call) -> bool {
    let [_, Argument::Text(text), Argument::Number(count), ..] = call.arguments.as_slice() else {
        return false;
    };
    let length = text.bytes().map(<[u8]>::len).filter(|&length| length > 2);
    length.is_some_and(|length| usize::try_from(*count).ok() == length.checked_add(1))
}
