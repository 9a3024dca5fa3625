//! `printf` and its kin.
//!
//! They end in one function, and only that knows the text "(null)". Who calls it with a stream of its own and a format that it is given itself writes
//! into memory: `vsprintf` and `vsnprintf`; and who calls those with what it is given and a list of its own is `sprintf` or `snprintf`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::call::Call;
use super::super::discover::Functions;
use super::super::program::Program;
use super::{ROUNDS, function, parameter};

/// Names of the functions that take the format as this argument, from 1: with the values behind it, and with a list of them.
const NAMES: [(&[u8], &[u8]); 4] = [
    (b"sprintf", b"vsprintf"),
    (b"snprintf", b"vsnprintf"),
    (b"__sprintf_chk", b"__vsprintf_chk"),
    (b"__snprintf_chk", b"__vsnprintf_chk"),
];

/// Gives names to what is recognised; the functions that have one now.
pub(super) fn name_all(program: &mut Program<'_>, functions: &Functions) -> BTreeSet<u64> {
    let mut known: BTreeSet<u64> = BTreeSet::new();
    let printers = printers(functions);
    let mut lists: BTreeMap<u64, u8> = BTreeMap::new();
    for (start, walked) in functions.values() {
        let format = walked
            .calls
            .iter()
            .find_map(|call| own_stream(call, &printers));
        lists.extend(format.map(|format| (*start, format)));
    }
    for _ in 0..ROUNDS {
        let more: Vec<(u64, u8, bool)> = functions
            .values()
            .filter(|(start, _)| !lists.contains_key(start) && !known.contains(start))
            .filter_map(|(start, walked)| {
                let found = walked.calls.iter().find_map(|call| through(call, &lists));
                found.map(|(format, is_list)| (*start, format, is_list))
            })
            .collect();
        if more.is_empty() {
            break;
        }
        for (start, format, is_list) in more {
            if is_list {
                lists.insert(start, format);
            } else {
                name(program, start, format, false);
                known.insert(start);
            }
        }
    }
    for (start, format) in lists {
        name(program, start, format, true);
        known.insert(start);
    }
    known
}

fn name(program: &mut Program<'_>, start: u64, format: u8, is_list: bool) {
    let names = format
        .checked_sub(1)
        .and_then(|at| NAMES.get(usize::from(at)));
    if let Some((values, list)) = names {
        program.give_name(start, if is_list { list } else { values });
    }
}

/// Functions that are given a stream and a format: which of their arguments these are.
fn printers(functions: &Functions) -> BTreeMap<u64, (u8, u8)> {
    let ends = functions.values().filter(|(_, walked)| walked.names_null);
    let mut printers: BTreeMap<u64, (u8, u8)> = ends.map(|(start, _)| (*start, (0, 1))).collect();
    for _ in 0..ROUNDS {
        let mut more = Vec::new();
        for (start, walked) in functions
            .values()
            .filter(|(start, _)| !printers.contains_key(start))
        {
            let both = walked.calls.iter().find_map(|call| {
                let &(stream, format) = printers.get(&function(call)?)?;
                Some((parameter(call, stream)?, parameter(call, format)?))
            });
            more.extend(both.map(|both| (*start, both)));
        }
        if more.is_empty() {
            break;
        }
        printers.extend(more);
    }
    printers
}

/// The format of a function that prints to a stream of its own.
fn own_stream(call: &Call, printers: &BTreeMap<u64, (u8, u8)>) -> Option<u8> {
    let &(stream, format) = printers.get(&function(call)?)?;
    if parameter(call, stream).is_some() {
        return None;
    }
    parameter(call, format).filter(|&format| format > 0)
}

/// The format of a function that hands its first argument and its format on, and whether it hands on a list too.
fn through(call: &Call, lists: &BTreeMap<u64, u8>) -> Option<(u8, bool)> {
    let &format = lists.get(&function(call)?)?;
    if parameter(call, 0) != Some(0) {
        return None;
    }
    let own = parameter(call, format)?;
    Some((own, parameter(call, format.checked_add(1)?).is_some()))
}
