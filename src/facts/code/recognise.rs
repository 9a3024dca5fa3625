//! Functions of the C library in programs that hold it and have no symbols.
//!
//! `system`, `popen` and the calls of the kernel are told by what they do (see `wrapper` and `walk`); here are those of which more is needed than
//! one function shows: which others it calls, and with what it is called itself.

mod address;
mod copy;
mod file;
mod kernel;
mod print;

use std::collections::BTreeSet;

pub(super) use self::kernel::Numbered;

use super::argument::Argument;
use super::call::{Call, Callee};
use super::discover::Functions;
use super::program::Program;
use super::value::Piece;

/// Functions that hand their arguments on are looked through so many times.
const ROUNDS: usize = 4;

/// Recognises what it can; the functions of which more is known than before.
pub(super) fn recognise(program: &mut Program<'_>, functions: &Functions) -> BTreeSet<u64> {
    let before = program.recognised.clone();
    let mut known = kernel::numbered(program, functions);
    if !program.loaded.is_dynamic {
        known.extend(print::name_all(program, functions));
        known.extend(copy::name_all(program, functions));
        known.extend(address::name_all(program, functions));
        known.extend(kernel::runners(program, functions));
        known.extend(file::name_all(program, functions));
    }
    program.recognised.extend(&known);
    known.difference(&before).copied().collect()
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
