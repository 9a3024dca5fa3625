//! One step, and the steps that belong together.

use std::collections::BTreeSet;
use std::fmt;

use super::act::{Act, Trait};
use crate::entry::EntryPath;
use crate::facts::secret::Secret;
use crate::place::Place;

/// Where in a file a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// The file as a whole.
    Whole,
    /// A line of a text, from 1.
    Line(u32),
    /// An instruction of a program: its virtual address, and where it stands in the file, in bytes from its start.
    Code {
        /// The address.
        address: u64,
        /// The offset.
        offset: u64,
    },
}

/// One thing that is done or stated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub act: Act,
    /// Under which circumstances.
    pub traits: BTreeSet<Trait>,
    /// The file that shows it.
    pub place: Place,
    /// Its path in its tree.
    pub path: EntryPath,
    /// Where in the file.
    pub spot: Spot,
    /// The function of the script or program that it stands in.
    pub function: Option<String>,
    /// What shows it, escaped and without secrets.
    pub text: String,
    /// The secrets that it states.
    pub secrets: Vec<Secret>,
    /// What it goes by, where it is a call of a program.
    pub code: Option<InCode>,
}

/// What of a program's code and data a step goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InCode {
    /// So many of the unit's functions were gone through up to it.
    pub seen: usize,
    /// The constant texts that the call hands over.
    pub texts: Vec<Vec<u8>>,
    /// Whether it hands over something that may stand in the program's data.
    pub has_data: bool,
}

/// Steps that belong together, in the order in which they happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The file.
    pub place: Place,
    /// Its path in its tree.
    pub path: EntryPath,
    /// The steps, those of files that it starts or sources among them.
    pub steps: Vec<Step>,
    /// What of it was not understood or followed.
    pub problems: Vec<String>,
    /// Of a program, the functions that were gone through, by their addresses, in the order of execution.
    pub functions: Vec<u64>,
}

impl fmt::Display for Spot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Line(line) => write!(out, "line {line}"),
            Self::Code { address, offset } => write!(out, "{address:#x} (byte {offset})"),
        }
    }
}

impl Unit {
    /// Whether a step is shown by another file than the unit's own.
    pub fn is_elsewhere(&self, step: &Step) -> bool {
        step.place != self.place
    }
}
