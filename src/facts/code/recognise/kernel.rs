//! Functions that call the kernel by a number which they are given, and those that run programs.

use std::collections::{BTreeMap, BTreeSet};

use super::super::discover::Functions;
use super::super::program::Program;
use super::{ROUNDS, function, parameter};

/// Which parameters of a function are the number of a call of the kernel and its arguments: `syscall`, `__syscall_cp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Numbered {
    pub(in super::super) number: u8,
    pub(in super::super) arguments: Vec<Option<u8>>,
}

/// Remembers the functions that call the kernel by a number which they are given.
pub(super) fn numbered(program: &mut Program<'_>, functions: &Functions) -> BTreeSet<u64> {
    let mut all: BTreeMap<u64, Numbered> = BTreeMap::new();
    for (start, walked) in functions.values() {
        all.extend(walked.kernel.clone().map(|numbered| (*start, numbered)));
    }
    for _ in 0..ROUNDS {
        let mut more = Vec::new();
        for (start, walked) in functions.values() {
            if all.contains_key(start) {
                continue;
            }
            more.extend(walked.calls.iter().find_map(|call| {
                let inner = all.get(&function(call)?)?;
                let outer = Numbered {
                    number: parameter(call, inner.number)?,
                    arguments: inner
                        .arguments
                        .iter()
                        .map(|argument| parameter(call, (*argument)?))
                        .collect(),
                };
                Some((*start, outer))
            }));
        }
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    let known = all.keys().copied().collect();
    program.numbered = all;
    known
}

/// Remembers the functions by which programs are run: those that call the kernel for it, and their callers.
pub(super) fn runners(program: &mut Program<'_>, functions: &Functions) -> BTreeSet<u64> {
    let mut runners = BTreeSet::new();
    for _ in 0..ROUNDS {
        let runs = |start: &u64| {
            let walked = functions.get(&(start & !program.mode_bit()));
            walked.is_some_and(|(_, walked)| {
                walked.calls.iter().any(|call| {
                    matches!(call.name, Some("execve"))
                        || function(call).is_some_and(|callee| runners.contains(&callee))
                })
            })
        };
        let more: Vec<u64> = functions
            .values()
            .map(|(start, _)| *start)
            .filter(|start| !runners.contains(start) && runs(start))
            .collect();
        if more.is_empty() {
            break;
        }
        runners.extend(more);
    }
    program.runners.clone_from(&runners);
    runners
}
