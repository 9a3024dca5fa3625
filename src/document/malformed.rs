//! Why a text is not the document it should be, and on which line.

use std::fmt;

/// A text that is not the document it should be, with the first reason found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line it stands on, counted from 1; `None` when the whole text is meant.
    pub line: Option<usize>,
    /// What is wrong, as one clause; safe to show.
    pub what: String,
}

impl Malformed {
    /// Something wrong with the whole text.
    pub(crate) fn whole(what: impl Into<String>) -> Self {
        Self {
            line: None,
            what: what.into(),
        }
    }

    /// Something wrong at a byte offset of `text`.
    pub(crate) fn at(text: &[u8], at: usize, what: impl Into<String>) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = memchr::memchr_iter(b'\n', before).count().saturating_add(1);
        Self {
            line: Some(line),
            what: what.into(),
        }
    }

    /// The exit code for a command that ends with this error.
    pub fn exit_code(&self) -> u8 {
        65
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "baselines, keyrings and indexes are written by vitalsign; an edited one must keep its form and be signed again"
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(out, "line {line}: ")?;
        }
        out.write_str(&self.what)
    }
}

impl std::error::Error for Malformed {}

/// Something wrong at a byte offset, before it is known which line that is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) what: String,
}

impl Fault {
    pub(crate) fn new(at: usize, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
        }
    }
}
