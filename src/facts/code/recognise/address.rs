//! `inet_addr`, `inet_aton` and `inet_pton`: functions that are given the text of an address, and do nothing that concerns the kernel.

use std::net::Ipv4Addr;

use super::super::argument::Argument;
use super::super::discover::Functions;
use super::super::program::Program;
use super::{Seen, is_active};

/// `AF_INET`.
const INTERNET: u64 = 2;

/// What a function seems to be that is called so.
pub(super) fn name(
    program: &Program<'_>,
    functions: &Functions,
    seen: &Seen<'_>,
) -> Option<&'static [u8]> {
    let is_quiet = || !is_active(program, functions, seen.callee, &[]);
    match seen.call.arguments.as_slice() {
        // Through the second parameter.
        [text, ..] if is_address(text) && seen.callee.writes & 2 != 0 => Some(b"inet_aton"),
        [text, ..] if is_address(text) && is_quiet() => Some(b"inet_addr"),
        [Argument::Number(INTERNET), text, ..] if is_address(text) && is_quiet() => {
            Some(b"inet_pton")
        }
        _ => None,
    }
}

fn is_address(argument: &Argument) -> bool {
    let Argument::Text(text) = argument else {
        return false;
    };
    let text = text.bytes().and_then(|text| str::from_utf8(text).ok());
    text.is_some_and(|text| text.parse::<Ipv4Addr>().is_ok())
}
