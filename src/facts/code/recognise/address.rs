//! `inet_addr`, `inet_aton` and `inet_pton`: functions that are given the text of an address, and do nothing that concerns the kernel.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::super::argument::Argument;
use super::super::call::Call;
use super::super::discover::Functions;
use super::super::program::Program;
use super::function;

/// `AF_INET`.
const INTERNET: u64 = 2;

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
        let writes = |number: u8| walked.writes.unbounded_shr(number.into()) & 1 != 0;
        let name: Option<&[u8]> = match call.arguments.as_slice() {
            [text, ..] if is_address(text) && writes(1) => Some(b"inet_aton"),
            [text, ..] if is_address(text) && !is_active(&walked.calls, functions, 1) => {
                Some(b"inet_addr")
            }
            [Argument::Number(INTERNET), text, ..] if is_address(text) => Some(b"inet_pton"),
            _ => None,
        };
        found.extend(name.map(|name| (start, name)));
    }
    for (&start, name) in &found {
        program.give_name(start, name);
    }
    found.into_keys().collect()
}

fn is_address(argument: &Argument) -> bool {
    let Argument::Text(text) = argument else {
        return false;
    };
    let text = text.bytes().and_then(|text| str::from_utf8(text).ok());
    text.is_some_and(|text| text.parse::<Ipv4Addr>().is_ok())
}

/// Whether some of these calls, or of those that their functions make, do something that is known.
fn is_active(calls: &[Call], functions: &Functions, depth: u8) -> bool {
    calls.iter().any(|call| {
        let callee = function(call).and_then(|start| functions.get(&start));
        call.name.is_some()
            || callee
                .zip(depth.checked_sub(1))
                .is_some_and(|((_, walked), depth)| is_active(&walked.calls, functions, depth))
    })
}
