//! Functions that hand what they are given on to functions that are known: a call of them is a call of those.

use super::argument::Argument;
use super::call::{Call, Callee};
use super::library::{self, Effect, Parameter};
use super::value::{Piece, Text};

/// So many arguments of a call of a function of the program are looked at.
pub(super) const MOST_PARAMETERS: u8 = 6;
/// What tells a shell that the next argument is a command.
pub(super) const SHELL_OPTION: &[u8] = b"-c";
/// So many calls one function hands its arguments on to.
const MOST_CALLS: usize = 8;

/// A call to which a function hands on what it is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wrapped {
    name: &'static str,
    arguments: Vec<Argument>,
}

/// What a function hands its arguments on to.
pub(super) fn wrapped(calls: &[Call]) -> Vec<Wrapped> {
    let mut all: Vec<Wrapped> = Vec::new();
    for call in calls {
        let is_told =
            |name| is_act(name) || !is_question(name) && call.arguments.iter().any(is_handed_on);
        let Some(name) = call.name.filter(|&name| is_told(name)) else {
            continue;
        };
        let wrapped = Wrapped {
            name,
            arguments: call.arguments.clone(),
        };
        if all.len() < MOST_CALLS && !all.contains(&wrapped) {
            all.push(wrapped);
        }
    }
    all
}

/// Whether a function that hands its first argument on to this one is told for that alone: what it does matters more than to what.
fn is_act(name: &str) -> bool {
    matches!(name, "accept" | "accept4" | "dup2" | "dup3" | "listen")
}

/// Whether a function only asks something. Who hands its arguments on to one does nothing with them that is told where it is called.
fn is_question(name: &str) -> bool {
    matches!(name, "getenv" | "memcmp" | "strcmp" | "strncmp")
}

/// Whether an argument has in it what the function was called with. A number that is handed on alone says nothing.
fn is_handed_on(argument: &Argument) -> bool {
    match argument {
        Argument::Text(text) => text.parameters().next().is_some(),
        Argument::List(texts) => texts.iter().any(|text| text.parameters().next().is_some()),
        Argument::Handed(_) => true,
        _ => false,
    }
}

/// What a function is called with.
pub(super) struct Given<'g> {
    pub(super) arguments: &'g [Argument],
    /// What a format makes that is one of the arguments.
    pub(super) made: &'g dyn Fn(u8) -> Text,
    /// One of the arguments, as a parameter of some kind.
    pub(super) read: &'g dyn Fn(u8, Parameter) -> Argument,
}

impl Wrapped {
    /// The call that it becomes where the function is called; `None` where nothing of it is known.
    pub(super) fn at(&self, at: u64, callee: Callee, given: &Given<'_>) -> Option<Call> {
        let kinds = library::known(self.name.as_bytes()).map_or(&[][..], |known| known.parameters);
        let kinds = kinds
            .iter()
            .copied()
            .chain(std::iter::repeat(Parameter::Other));
        let arguments: Vec<Argument> = self
            .arguments
            .iter()
            .zip(kinds)
            .map(|(argument, kind)| given.within(argument, kind))
            .collect();
        let knows = arguments.iter().any(|argument| match argument {
            Argument::Text(text) => {
                !text.is_unknown() || text.is_received() || is_handed_on(argument)
            }
            Argument::List(texts) => texts.iter().any(|text| !text.is_unknown()),
            Argument::Handed(_) | Argument::Peer(_) => true,
            _ => is_act(self.name),
        });
        knows.then(|| Call::new(at, callee, Some(self.name), arguments))
    }

    /// The parameter of the function to whose place something is put that came from another machine.
    pub(super) fn fills(&self) -> Option<u8> {
        let Effect::Receive(number) = library::known(self.name.as_bytes())?.effect else {
            return None;
        };
        match self.arguments.get(usize::from(number))? {
            Argument::Handed(number) => Some(*number),
            _ => None,
        }
    }
}

impl Given<'_> {
    /// An argument of a call inside of a function, where that is called.
    fn within(&self, argument: &Argument, kind: Parameter) -> Argument {
        match argument {
            Argument::Text(text) => Argument::Text(self.text(text)),
            Argument::List(texts) => {
                Argument::List(texts.iter().map(|text| self.text(text)).collect())
            }
            Argument::Parameter(number) => {
                let given = self.arguments.get(usize::from(*number)).cloned();
                given.unwrap_or(Argument::Unknown)
            }
            Argument::Handed(number) => (self.read)(*number, kind),
            // The result of a call inside of the function is none of this one.
            Argument::Result(_) => Argument::Unknown,
            other => other.clone(),
        }
    }

    fn text(&self, text: &Text) -> Text {
        let mut whole = Text {
            pieces: Vec::new(),
            address: text.address,
        };
        for piece in &text.pieces {
            match piece {
                Piece::Parameter(number) => match self.arguments.get(usize::from(*number)) {
                    Some(Argument::Text(text)) => {
                        whole.address = whole.address.or(text.address);
                        whole.push(text);
                    }
                    _ => whole.push(&Text::unknown()),
                },
                Piece::Format(number) => whole.push(&(self.made)(*number)),
                other => whole.push(&Text::piece(other.clone())),
            }
        }
        whole
    }
}

/// Whether a list is the arguments of a shell that is given a command.
pub(super) fn is_shell(texts: &[Text]) -> bool {
    let [shell, option, _, ..] = texts else {
        return false;
    };
    option.bytes() == Some(SHELL_OPTION) && shell.bytes().is_some_and(|name| name.ends_with(b"sh"))
}

/// Whether the arguments of `execl` are such: a program, and its own name as the first text that it is given.
pub(super) fn is_listed(arguments: &[Argument]) -> bool {
    let [Argument::Text(program), Argument::List(texts)] = arguments else {
        return false;
    };
    let name = |text: &Text| {
        let bytes = text.bytes()?;
        bytes
            .rsplit(|&byte| byte == b'/')
            .next()
            .map(<[u8]>::to_vec)
    };
    let (program, first) = (name(program), texts.first().and_then(name));
    program.is_some_and(|program| !program.is_empty() && Some(program) == first)
}

/// The command that a list among some arguments hands to a shell: whoever is given such a list runs it. That is how `system` and `popen` are
/// recognised in programs that hold them and have no symbols.
pub(super) fn shell(at: u64, callee: Callee, arguments: &[Argument]) -> Option<Call> {
    arguments.iter().find_map(|argument| match argument {
        Argument::List(texts) if is_shell(texts) => {
            let command = Argument::Text(texts.get(2)?.clone());
            Some(Call::new(at, callee, Some("system"), vec![command]))
        }
        _ => None,
    })
}
