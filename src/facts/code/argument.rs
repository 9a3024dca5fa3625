//! What a call is given: from words to texts, lists and addresses.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::library::Parameter;
use super::memory::Location;
use super::state::{LOCAL_PARAMETERS, Setting, State};
use super::value::{Text, Value};
use super::wrapper;

/// So many texts of one list are told.
const MOST_TEXTS: usize = 32;
/// The bytes of `struct sockaddr_in` that matter: family, port, address.
const PEER: i64 = 8;
/// `AF_INET`.
const INTERNET: u8 = 2;

/// What one argument is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Argument {
    /// Nothing that is known.
    Unknown,
    /// A number.
    Number(u64),
    /// A text.
    Text(Text),
    /// Texts.
    List(Vec<Text>),
    /// The address of another machine, or of a port of the own.
    Peer(Peer),
    /// What the function itself was called with.
    Parameter(u8),
    /// A list, an address of another machine or a place to fill that the function itself was called with.
    Handed(u8),
    /// What another call of the same function returned, by the address of that call.
    Result(u64),
}

/// An Internet address as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The port.
    pub port: Option<u16>,
    /// The address.
    pub host: Option<Ipv4Addr>,
}

impl State {
    /// The word that is given as an argument.
    pub(super) fn argument(&self, number: u8, jumped: bool, setting: Setting<'_, '_>) -> Value {
        let abi = setting.abi;
        if let Some(local) = number.checked_sub(LOCAL_PARAMETERS) {
            let register = abi.local_arguments.get(usize::from(local));
            return register.map_or(Value::Unknown, |&register| self.get(register));
        }
        if let Some(&register) = abi.arguments.get(usize::from(number)) {
            return self.get(register);
        }
        let on_stack = usize::from(number).saturating_sub(abi.arguments.len());
        let Value::Frame(stack) = self.get(abi.stack) else {
            return Value::Unknown;
        };
        let inside = i64::try_from(on_stack)
            .unwrap_or(0)
            .saturating_mul(abi.word.into());
        // A jump to a function leaves the stack as the caller's caller made it.
        let pushed = if jumped { abi.pushed } else { 0 };
        let at = stack
            .wrapping_add(pushed)
            .wrapping_add(abi.stack_arguments)
            .wrapping_add(inside);
        let place = Location::of(Value::Frame(at));
        place.map_or(Value::Unknown, |place| self.load(place, abi.word, setting))
    }

    /// What a word is, read as a parameter of some kind.
    pub(super) fn read(&self, value: Value, kind: Parameter, setting: Setting<'_, '_>) -> Argument {
        let read = match kind {
            Parameter::Text | Parameter::Format => self
                .text(value, setting)
                .map(|text| Argument::Text((*text).clone())),
            Parameter::List => match value {
                Value::Parameter(number) => Some(Argument::Handed(number)),
                _ => self.list(value, setting).map(Argument::List),
            },
            Parameter::Peer => match value {
                Value::Parameter(number) => Some(Argument::Handed(number)),
                _ => self.peer(value, setting).map(Argument::Peer),
            },
            Parameter::Buffer => match value {
                Value::Parameter(number) => Some(Argument::Handed(number)),
                _ => None,
            },
            Parameter::Number | Parameter::Other | Parameter::Texts => None,
        };
        read.unwrap_or_else(|| plain(value))
    }

    /// The texts whose addresses stand one after the other, up to a null.
    pub(super) fn list(&self, value: Value, setting: Setting<'_, '_>) -> Option<Vec<Text>> {
        let start = Location::of(value)?;
        let word = i64::from(setting.abi.word);
        let mut texts = Vec::new();
        for number in 0..MOST_TEXTS {
            let inside = i64::try_from(number).ok()?.checked_mul(word)?;
            let place = start.plus(inside);
            let value = self.load(place, setting.abi.word, setting);
            if value == Value::Number(0) {
                return (!texts.is_empty()).then_some(texts);
            }
            let text = self.text(value, setting);
            if text.is_none() && texts.is_empty() {
                return None;
            }
            texts.push(text.map_or_else(Text::unknown, |text| (*text).clone()));
        }
        // Without a null at the end, what is not known behind the last text is no part of the list.
        while texts.last().is_some_and(Text::is_unknown) {
            texts.pop();
        }
        (!texts.is_empty()).then_some(texts)
    }

    /// The same, where they are the arguments of a shell that is given a command.
    pub(super) fn shell_list(&self, value: Value, setting: Setting<'_, '_>) -> Option<Vec<Text>> {
        let second = Location::of(value)?.plus(setting.abi.word.into());
        let option = self.load(second, setting.abi.word, setting);
        if self.text(option, setting)?.bytes() != Some(wrapper::SHELL_OPTION) {
            return None;
        }
        let texts = self.list(value, setting)?;
        wrapper::is_shell(&texts).then_some(texts)
    }

    fn peer(&self, value: Value, setting: Setting<'_, '_>) -> Option<Peer> {
        let start = Location::of(value)?;
        let bytes: Vec<Option<u8>> = (0..PEER)
            .map(|at| self.byte(start.plus(at), setting))
            .collect();
        let [one, other, high, low, a, b, c, d] = *bytes.as_slice() else {
            return None;
        };
        // The family stands in the processor's own order: one of its two bytes is it, or neither is known.
        if !matches!(
            (one, other),
            (Some(INTERNET), Some(0)) | (Some(0), Some(INTERNET)) | (None, None)
        ) {
            return None;
        }
        let port = high
            .zip(low)
            .map(|(high, low)| u16::from_be_bytes([high, low]));
        let host = a
            .zip(b)
            .zip(c.zip(d))
            .map(|((a, b), (c, d))| Ipv4Addr::new(a, b, c, d));
        Some(Peer { port, host })
    }
}

/// A word by itself.
pub(super) fn plain(value: Value) -> Argument {
    match value {
        Value::Number(number) => Argument::Number(number),
        Value::Parameter(number) => Argument::Parameter(number),
        Value::Result(call) => Argument::Result(call),
        Value::Unknown | Value::Frame(_) | Value::Import(_) => Argument::Unknown,
    }
}
