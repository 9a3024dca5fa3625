//! `fopen`, `popen`, `fputs` and `fwrite`: a path or a command and a mode tell the first two; who is given the result of `fopen` behind a text writes
//! that to the file.

use super::super::argument::Argument;
use super::super::discover::Functions;
use super::super::program::Program;
use super::{Seen, is_active};

const MODES: [&[u8]; 12] = [
    b"r", b"w", b"a", b"rb", b"wb", b"ab", b"r+", b"w+", b"a+", b"re", b"we", b"ae",
];

/// What opening a file calls.
const OPENS: [&str; 3] = ["open", "openat", "fopen"];

/// What a function seems to be that is called so.
pub(super) fn name(
    program: &Program<'_>,
    functions: &Functions,
    seen: &Seen<'_>,
) -> Option<&'static [u8]> {
    let opened = |at: u64| {
        let mut calls = seen.among.iter();
        calls.any(|call| call.at == at && call.name == Some("fopen"))
    };
    match seen.call.arguments.as_slice() {
        [Argument::Text(path), Argument::Text(mode), ..]
            if mode.bytes().is_some_and(|mode| MODES.contains(&mode)) =>
        {
            let is_path = path.bytes().is_some_and(|path| path.starts_with(b"/"));
            // It hands a command to a shell.
            let mut within = seen.callee.calls.iter();
            if within.any(|call| call.name == Some("system")) {
                return Some(b"popen");
            }
            let does_more = is_active(program, functions, seen.callee, &OPENS);
            (is_path && !does_more).then_some(b"fopen")
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
