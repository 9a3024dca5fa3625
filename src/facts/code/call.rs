//! Calls, with what they are given.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::argument::Argument;
use super::library;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Callee {
    /// A function of a library.
    Import,
    /// A function of the program, by its address.
    Function(u64),
    /// The kernel, by the number of the call.
    System(u64),
    /// Something that is not known.
    Unknown,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The address of the instruction.
    pub at: u64,
    /// Where it stands in the file, in bytes from its start.
    pub offset: u64,
    /// What is called.
    pub callee: Callee,
    /// What that does, by the name that the C library has for it; of a function that hands its arguments on, what it hands them to.
    pub name: Option<&'static str>,
    /// What it is given, as far as the function's parameters are of interest.
    pub arguments: Vec<Argument>,
}

/// A call as it is kept: its name need not be one that is known.
#[derive(Deserialize)]
struct Stored {
    at: u64,
    offset: u64,
    callee: Callee,
    name: Option<String>,
    arguments: Vec<Argument>,
}

impl<'de> Deserialize<'de> for Call {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(from)?;
        let known = |name: String| {
            let known = library::known(name.as_bytes()).map(|known| known.name);
            known.ok_or_else(|| D::Error::custom("a call is named as no function is"))
        };
        let name = stored.name.map(known).transpose()?;
        Ok(Self {
            at: stored.at,
            offset: stored.offset,
            callee: stored.callee,
            name,
            arguments: stored.arguments,
        })
    }
}

impl Call {
    /// A call of which it is not known yet where it stands in the file.
    pub(super) fn new(
        at: u64,
        callee: Callee,
        name: Option<&'static str>,
        arguments: Vec<Argument>,
    ) -> Self {
        Self {
            at,
            offset: 0,
            callee,
            name,
            arguments,
        }
    }

    /// An argument that is a text.
    pub fn text(&self, number: usize) -> Option<&super::Text> {
        match self.arguments.get(number)? {
            Argument::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An argument that is a number.
    pub fn number(&self, number: usize) -> Option<u64> {
        match self.arguments.get(number)? {
            Argument::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// An argument that is a list of texts.
    pub fn list(&self, number: usize) -> Option<&[super::Text]> {
        match self.arguments.get(number)? {
            Argument::List(texts) => Some(texts),
            _ => None,
        }
    }
}
