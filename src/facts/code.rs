//! What the machine code of a program calls, and what it hands over: followed without running it.
//!
//! Each function is followed by itself, with constants, addresses of texts, and texts that it puts together (on its stack, by `sprintf`, `strcpy`
//! and the like, by XOR with constants). A function that hands its own arguments on is looked through where it is called with known ones.
//! Not followed: what loops change, pointers in structures that are handed over, calls through tables that are filled while the program runs,
//! code that is decoded while it runs, kernel modules.

mod argument;
mod call;
mod decode;
mod discover;
mod effect;
mod format;
mod library;
mod memory;
pub(crate) mod op;
mod outline;
mod program;
mod recognise;
mod state;
mod system;
mod table;
#[cfg(test)]
mod tests;
mod unwind;
mod value;
mod walk;
mod wrapper;

pub use self::argument::{Argument, Peer};
pub use self::call::{Call, Callee};
pub use self::outline::{
    CALLEE, Called, Instruction, Outline, Outlined, Piece as OutlinePiece, Redirected, Target,
};
pub use self::value::{Piece, Text};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use self::discover::Functions;
use self::program::{Leads, Program};
use super::elf::Loaded;
use super::name::Name;

/// The name of a function whose calls are told, as those who are not the walk may write it.
pub(crate) fn function_name(name: &str) -> Option<&'static str> {
    library::known(name.as_bytes()).map(|known| known.name)
}

/// Functions that hand on what they are given are looked through so many times.
const ROUNDS: usize = 3;

/// What calls a function that tells something is kept over so many calls.
pub const DEPTH: usize = 2;

/// The functions of a program that do something which is told, and those that call them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// By their addresses.
    pub functions: Vec<Function>,
    /// Whether some of the code was not followed because there is too much of it.
    pub cut: bool,
    /// Whether the program holds its own library without names, and none of that was recognised.
    pub opaque: bool,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its address; on ARM bit 0 says that it is Thumb code.
    pub start: u64,
    /// The byte behind the last instruction that was followed.
    pub end: u64,
    /// Its name, where a symbol tells it.
    pub name: Option<Name>,
    /// The calls that it makes, in the order of their addresses as far as execution goes that way.
    pub calls: Vec<Call>,
}

/// Why the code of a program was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfollowed {
    /// It is no program or library, or nothing in it is executable.
    NotLoaded,
    /// No decoder knows the processor.
    Processor,
    /// It uses none of the functions that tell something.
    Nothing,
}

impl Code {
    /// Follows the functions of an ELF program or library.
    ///
    /// # Errors
    /// Why that was not done.
    pub fn of(bytes: &[u8]) -> Result<Self, Unfollowed> {
        let loaded = Loaded::of(bytes).ok_or(Unfollowed::NotLoaded)?;
        let mut imports = loaded.imports();
        if loaded.is_dynamic
            && loaded.imports().next().is_some()
            && !imports.any(library::is_telling)
        {
            return Err(Unfollowed::Nothing);
        }
        drop(imports);
        let mut program = Program::new(loaded).ok_or(Unfollowed::Processor)?;
        let (mut functions, cut) = discover::functions(&program);
        for _ in 0..ROUNDS {
            let recognised = recognise::recognise(&mut program, &functions);
            let is_last = recognised.is_empty();
            look_through(&mut program, &mut functions, recognised);
            if is_last {
                break;
            }
        }
        let own = functions.into_values().filter(|(start, _)| {
            // A stub is what it leads to.
            program.leads(*start, None) == Leads::Function(*start)
        });
        let functions = own.map(|(start, walked)| Function {
            start,
            end: walked.end,
            name: program.named(start).map(Name::new),
            calls: walked.calls,
        });
        let functions = telling(functions.collect());
        let is_nameless = !program.loaded.is_dynamic && program.loaded.functions.is_empty();
        Ok(Self {
            opaque: is_nameless && functions.is_empty(),
            functions,
            cut,
        })
    }
}

/// Keeps the functions that make calls which tell something, and those that call them; of their calls those that lead there.
fn telling(mut functions: Vec<Function>) -> Vec<Function> {
    let tells = |function: &&Function| function.calls.iter().any(|call| call.name.is_some());
    let starts = functions.iter().filter(tells).map(|it| it.start);
    let mut kept: BTreeSet<u64> = starts.collect();
    for _ in 0..DEPTH {
        let callers = functions.iter().filter(|function| {
            let mut calls = function.calls.iter();
            calls.any(|call| matches!(call.callee, Callee::Function(to) if kept.contains(&to)))
        });
        let callers: Vec<u64> = callers.map(|it| it.start).collect();
        kept.extend(callers);
    }
    functions.retain(|function| kept.contains(&function.start));
    for function in &mut functions {
        function.calls.retain(|call| {
            let leads = matches!(call.callee, Callee::Function(to) if kept.contains(&to));
            call.name.is_some() || leads
        });
        for call in &mut function.calls {
            if call.name.is_none() {
                call.arguments = Vec::new();
            }
            call.arguments.shrink_to_fit();
        }
        function.calls.shrink_to_fit();
    }
    functions
}

/// Follows again what calls functions that are known by now, or that hand on what they are given.
fn look_through(program: &mut Program<'_>, functions: &mut Functions, known: BTreeSet<u64>) {
    let mut changed: BTreeSet<u64> = functions.keys().copied().collect();
    let mut wrappers = known;
    for _ in 0..ROUNDS {
        for code in &changed {
            let Some((start, walked)) = functions.get(code) else {
                continue;
            };
            let wrapped = wrapper::wrapped(&walked.calls);
            if !wrapped.is_empty() {
                program.wraps(*start, wrapped);
                wrappers.insert(*start);
            }
        }
        if wrappers.is_empty() {
            return;
        }
        let calls_one = |calls: &[Call]| {
            let mut callees = calls.iter().map(|call| call.callee);
            callees.any(
                |callee| matches!(callee, Callee::Function(start) if wrappers.contains(&start)),
            )
        };
        changed = functions
            .iter()
            .filter(|(_, (_, walked))| calls_one(&walked.calls))
            .map(|(&code, _)| code)
            .collect();
        for &code in &changed {
            let next = functions.range(code.saturating_add(1)..).next();
            let end = program.loaded.code_end(code);
            let limit = next.map_or(end, |(&next, _)| next.min(end));
            if let Some((start, walked)) = functions.get_mut(&code) {
                *walked = walk::walk(program, *start, limit);
            }
        }
        wrappers.clear();
    }
}
