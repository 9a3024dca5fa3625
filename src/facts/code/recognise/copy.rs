//! `memcpy`, `strcpy` and `strcat`: what they are called with tells them. Compilers put a text that is known by `memcpy`, with the null at its end,
//! wherever a program copies or appends one; the others are called with a text alone, and do nothing else than write.

use super::super::argument::Argument;
use super::super::call::Call;
use super::super::discover::Functions;
use super::super::program::Program;
use super::{Seen, function, is_active, parameter};

/// Shorter texts may be anything.
const SHORTEST: usize = 3;

/// What a function seems to be that is called so.
pub(super) fn name(
    program: &Program<'_>,
    functions: &Functions,
    seen: &Seen<'_>,
) -> Option<&'static [u8]> {
    let walked = seen.callee;
    let [to, Argument::Text(text), rest @ ..] = seen.call.arguments.as_slice() else {
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
    // A function of the program that copies and does more must stay one that is looked through.
    if is_active(program, functions, walked, &[]) {
        return None;
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
