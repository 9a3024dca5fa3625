//! Shell scripts: which commands they hold, with their arguments as far as the text alone tells them.
//!
//! Specification: POSIX.1-2017, XCU chapter 2, as BusyBox ash and dash read it, with what bash adds in common use (`[[`, `$'`,
//! `<<<`, arrays, `function`, process substitution). A script is read as far as it can be: what cannot be understood is a problem
//! with its line, and reading goes on behind it.
//! Variables that are assigned texts are followed, also through defaults, loops over words, calls of functions, `eval`, `sh -c`, and
//! texts that `echo`, `printf` and `base64 -d` hand to a shell. Not followed: what commands print otherwise, patterns, arithmetic,
//! `${name#pattern}` and the like, aliases, and the scope of subshells.

mod compound;
mod escape;
mod expand;
mod grammar;
mod print;
mod reader;
pub mod redact;
mod redirect;
mod syntax;
#[cfg(test)]
mod tests;
mod walk;
mod word;
mod wrapper;

pub use self::syntax::RedirectKind;

use self::reader::Reader;
use self::walk::Walk;
use crate::problem::Problem;

/// A longer text is not read as a script (4 MiB).
pub const LONGEST: usize = 4 << 20;

/// What a script does, in the order in which it does it; a function's commands stand where it is called, and at the end where
/// nothing calls it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Its commands.
    pub commands: Vec<Command>,
    /// What was not understood or not followed.
    pub problems: Vec<Problem>,
}

/// One command with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The line it starts on, from 1.
    pub line: u32,
    /// The function it stands in.
    pub function: Option<Vec<u8>>,
    /// Variables that are set, for it alone where it has words.
    pub assignments: Vec<(Vec<u8>, Argument)>,
    /// Its name and arguments; those of a wrapper (`busybox`, `nohup`, `env`, ...) are left out.
    pub words: Vec<Argument>,
    /// Where its input comes from and its output goes.
    pub redirects: Vec<Redirection>,
    /// The pipe it stands in.
    pub pipe: Option<Pipe>,
    /// What it reads, where that stands in the script.
    pub input: Option<Vec<u8>>,
    /// Whether it is not waited for.
    pub background: bool,
    /// Whether the script itself was put together by commands: it came out of an encoding.
    pub decoded: bool,
}

/// A word after expansion.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Argument {
    /// Its bytes; what is not known stands as the script has it (`$1`).
    pub text: Vec<u8>,
    /// Whether all of it is known.
    pub known: bool,
}

/// A redirection after expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// Which way.
    pub kind: RedirectKind,
    /// The file, or the number of an open one.
    pub target: Argument,
}

/// A place in a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pipe {
    /// Which pipe of the script, from 1.
    pub number: u32,
    /// Which command of it, from 0.
    pub index: u32,
}

impl Script {
    /// Reads a script.
    pub fn parse(text: &[u8]) -> Self {
        let Some(text) = text.get(..LONGEST.min(text.len())) else {
            return Self::default();
        };
        let (nodes, fails) = Reader::new(text, 1, 0).program();
        let lines = Reader::new(text, 1, 0);
        let mut problems: Vec<Problem> = fails
            .iter()
            .map(|fail| {
                let detail = format!("line {}: {}", lines.line(fail.at), fail.what);
                let problem = if fail.is_limit {
                    Problem::limit(detail)
                } else {
                    Problem::unsupported(detail)
                };
                problem.at(u64::try_from(fail.at).unwrap_or(u64::MAX))
            })
            .collect();
        let mut walk = Walk::default();
        walk.program(&nodes);
        problems.extend(walk.problem());
        Self {
            commands: walk.commands,
            problems,
        }
    }
}

impl Command {
    /// The name of the program, function or builtin without its folder; empty where it is not known.
    pub fn name(&self) -> &[u8] {
        match self.words.first() {
            Some(word) if word.known => word.base(),
            _ => b"",
        }
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[Argument] {
        self.words.get(1..).unwrap_or_default()
    }
}

impl Argument {
    /// A word that is known.
    pub fn new(text: impl Into<Vec<u8>>) -> Self {
        Self {
            text: text.into(),
            known: true,
        }
    }

    /// What stands behind its last slash.
    pub fn base(&self) -> &[u8] {
        let base = self.text.rsplit(|&byte| byte == b'/').next();
        base.unwrap_or_default()
    }
}
