//! `memcpy`, `strcpy` and `strcat`: what they are called with tells them. Compilers put a text that is known by `memcpy`, with the null at its end,
//! wherever a program copies or appends one; the others are called with a text alone, and do nothing else than write.

use std::collections::BTreeMap;

use super::super::argument::Argument;
use super::super::call::Call;
use super::super::discover::Functions;
use super::super::program::Program;
use super::super::walk::Walked;
use super::{function, parameter};

/// Shorter texts may be anything.
const SHORTEST: usize = 3;

/// Gives names to what is recognised; the functions that have one now.
pub(super) fn name_all(program: &mut Program<'_>, functions: &Functions) -> Vec<u64> {
    let mut found: BTreeMap<u64, &'static [u8]> = BTreeMap::new();
    for call in functions.values().flat_map(|(_, walked)| &walked.calls) {
        let Some(start) = function(call).filter(|_| call.name.is_none()) else {
            continue;
        };
        let Some((_, walked)) = functions.get(&(start & !program.mode_bit())) else {
            continue;
        };
        let name = name(program, call, walked);
        found.extend(name.map(|name| (start, name)));
    }
    for (&start, name) in &found {
        program.give_name(start, name);
    }
    found.into_keys().collect()
}

/// What a function seems to be that is called so.
fn name(program: &Program<'_>, call: &Call, walked: &Walked) -> Option<&'static [u8]> {
    let [to, Argument::Text(text), rest @ ..] = call.arguments.as_slice() else {
        return None;
    };
    let length = text.bytes()?.len();
    if length < SHORTEST {
        return None;
    }
    let writes_first = walked.writes & 1 != 0;
    if let [Argument::Number(count), ..] = rest
        && usize::try_from(*count).ok() == length.checked_add(1)
    {
        return writes_first.then_some(b"memcpy");
    }
    let is_alone = walked.calls.is_empty();
    if is_alone && writes_first || walked.calls.iter().any(|call| copies(program, call, true)) {
        return Some(b"strcpy");
    }
    // What stands there is known, and no constant: it was put there before.
    let follows = matches!(to, Argument::Text(to) if to.bytes().is_some() && to.address.is_none());
    let appends = is_alone && walked.writes_somewhere
        || walked.calls.iter().any(|call| copies(program, call, false));
    (follows && appends).then_some(b"strcat")
}

/// Whether a call hands the second parameter on to a function that copies, and the first one too or (`false`) something else.
fn copies(program: &Program<'_>, call: &Call, to_first: bool) -> bool {
    let name = function(call).and_then(|start| program.named(start));
    let is_copy = matches!(name, Some(b"strcpy" | b"memcpy"));
    is_copy && parameter(call, 1) == Some(1) && (parameter(call, 0) == Some(0)) == to_first
}
