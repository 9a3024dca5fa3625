//! What a script's text consists of, before anything is known of its variables.

use std::cell::OnceCell;
use std::rc::Rc;

/// One word: what stands between blanks, or the right side of an assignment.
#[derive(Clone, Debug, Default)]
pub(super) struct Word {
    pub(super) parts: Vec<Part>,
}

/// A piece of a word.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// Bytes as they are, quotes and escapes undone.
    Text { bytes: Vec<u8>, quoted: bool },
    /// `$name`, `${name}` and what may follow the name.
    Parameter {
        name: Vec<u8>,
        change: Change,
        quoted: bool,
    },
    /// `$(commands)` or the same in backquotes; `source` is its text.
    Commands {
        body: Rc<Vec<Node>>,
        source: Vec<u8>,
        quoted: bool,
    },
    /// Arithmetic and whatever else has no value here.
    Opaque { source: Vec<u8> },
}

/// What `${name...}` does with the value.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// Another value where there is none (`-`, `:-`, `=`, `:=`).
    Default(Word),
    /// Something that is not followed (`#`, `%`, `/`, ...).
    Other,
}

/// Where a command stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// In lines, from 1.
    pub(super) line: u32,
    /// In bytes from the start of the text that was read: the script, or a text inside it that is a script again.
    pub(super) at: usize,
}

/// One command, simple or compound.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A program or function with its arguments, or assignments alone.
    Simple(Simple),
    /// Several, the output of each being the input of the next.
    Pipe(Vec<Node>),
    /// Several of which all but the first run only if those before them went well or not.
    Chain(Vec<Node>),
    /// One that is not waited for.
    Background(Box<Node>),
    /// Any number of them, with redirections that hold for all.
    Group(Vec<Node>, Vec<Redirect>),
    /// Conditions, then what may run.
    Choice {
        conditions: Vec<Node>,
        branches: Vec<Vec<Node>>,
        redirects: Vec<Redirect>,
    },
    /// A variable that takes several values, and what is repeated.
    Loop {
        variable: Vec<u8>,
        values: Vec<Word>,
        body: Vec<Node>,
        redirects: Vec<Redirect>,
    },
    /// Commands under a name.
    Function { name: Vec<u8>, body: Rc<Vec<Node>> },
}

/// A simple command.
#[derive(Clone, Debug)]
pub(super) struct Simple {
    pub(super) spot: Spot,
    pub(super) assignments: Vec<(Vec<u8>, Word)>,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
}

/// A redirection.
#[derive(Clone, Debug)]
pub(super) struct Redirect {
    pub(super) kind: RedirectKind,
    pub(super) target: Target,
}

/// Which way a redirection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// Input from a file (`<`).
    Read,
    /// Output to a file (`>`, `>|`, `&>`).
    Write,
    /// Output to the end of a file (`>>`).
    Append,
    /// Both ways (`<>`).
    Both,
    /// From or to an open file (`<&`, `>&` with a number).
    Duplicate,
    /// Input that stands in the script itself (`<<`, `<<<`).
    Here,
}

/// What a redirection leads to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Word(Word),
    /// The text of a here-document, once it was read.
    Here(Rc<OnceCell<Word>>),
}
