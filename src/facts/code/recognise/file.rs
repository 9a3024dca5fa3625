//! `fopen`, `popen`, `fputs` and `fwrite`: a path or a command and a mode tell the first two; who is given the result of `fopen` behind a text writes
//! that to the file.

use std::collections::BTreeMap;

use super::super::argument::Argument;
use super::super::call::Call;
use super::super::discover::Functions;
use super::super::program::Program;
use super::function;

const MODES: [&[u8]; 12] = [
    b"r", b"w", b"a", b"rb", b"wb", b"ab", b"r+", b"w+", b"a+", b"re", b"we", b"ae",
];

/// Gives names to what is recognised; the functions that have one now.
pub(super) fn name_all(program: &mut Program<'_>, functions: &Functions) -> Vec<u64> {
    let mut found: BTreeMap<u64, &'static [u8]> = BTreeMap::new();
    for (_, walked) in functions.values() {
        for call in &walked.calls {
            let unnamed = function(call).filter(|_| call.name.is_none());
            let Some(start) = unnamed else {
                continue;
            };
            let callee = functions.get(&(start & !program.mode_bit()));
            let within = callee.map_or(&[][..], |(_, callee)| &callee.calls);
            let name = name(program, call, &walked.calls, within);
            found.extend(name.map(|name| (start, name)));
        }
    }
    for (&start, name) in &found {
        program.give_name(start, name);
    }
    found.into_keys().collect()
}

/// What a function seems to be that is called so, among some calls, and makes those within it.
fn name(
    program: &Program<'_>,
    call: &Call,
    calls: &[Call],
    within: &[Call],
) -> Option<&'static [u8]> {
    let opened = |at: u64| {
        let mut calls = calls.iter();
        calls.any(|call| call.at == at && call.name == Some("fopen"))
    };
    match call.arguments.as_slice() {
        [Argument::Text(path), Argument::Text(mode), ..]
            if mode.bytes().is_some_and(|mode| MODES.contains(&mode)) =>
        {
            let is_path = path.bytes().is_some_and(|path| path.starts_with(b"/"));
            let runs = function(call).is_some_and(|start| program.runners.contains(&start));
            // It hands a command to a shell.
            if within.iter().any(|call| call.name == Some("system")) {
                return Some(b"popen");
            }
            (is_path && !runs).then_some(b"fopen")
        }
        [Argument::Text(_), Argument::Result(at), ..] if opened(*at) => Some(b"fputs"),
        [
            Argument::Text(_),
            Argument::Number(_),
            Argument::Number(_),
            Argument::Result(at),
            ..,
        ] if opened(*at) => Some(b"fwrite"),
        _ => None,
    }
}
