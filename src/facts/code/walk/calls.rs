//! What calls tell: known functions, calls of the kernel, functions that hand on what they are given.

use super::Walk;
use crate::facts::code::argument::{Argument, plain};
use crate::facts::code::call::{Call, Callee};
use crate::facts::code::effect::Given;
use crate::facts::code::library::{self, Effect, Known, Parameter};
use crate::facts::code::op::Target;
use crate::facts::code::program::Leads;
use crate::facts::code::state::{LOCAL_PARAMETERS, State};
use crate::facts::code::value::{Text, Value};
use crate::facts::code::wrapper;

/// So many calls of one function are told.
const MOST_CALLS: usize = 4000;
/// Arguments from so many places on are not read.
const MOST_TEXTS: u8 = LOCAL_PARAMETERS;
/// The same call is not told twice within so many.
const RECENT: usize = 32;
/// Among so many arguments functions are looked for that a library may call.
const CALLBACKS: u8 = 4;
/// Bits that are all zero in a round number.
const ROUND: u64 = 0xfff;

impl Walk<'_, '_> {
    /// A call, or a jump to the start of another function; whether it comes back.
    #[must_use]
    pub(super) fn called(
        &mut self,
        target: Target,
        at: u64,
        state: &mut State,
        jumped: bool,
    ) -> bool {
        let leads = match self.target(target, state) {
            Value::Import(slot) => self.program.loaded.import(slot).map(Leads::Import),
            Value::Number(address) => Some(self.program.leads(address, Some(state))),
            _ => None,
        };
        let (callee, name) = match leads {
            Some(Leads::Import(name)) => (Callee::Import, Some(name)),
            Some(Leads::Function(address)) => {
                self.walked.leads_to.push(address);
                (Callee::Function(address), self.program.named(address))
            }
            None => (Callee::Unknown, None),
        };
        let known = name.and_then(library::known);
        let setting = self.setting;
        let words = move |state: &State, number: u8| state.argument(number, jumped, setting);
        if callee == Callee::Import {
            // What a library is given may be called by it: the program's main function, handlers, threads.
            let given = (0..CALLBACKS).map(|number| words(state, number));
            let numbers = given.filter_map(|value| match value {
                Value::Number(number) => Some(number),
                _ => None,
            });
            // Lengths and flags are round numbers, functions rarely stand at such.
            let may_be_called = |number: &u64| {
                number & ROUND != 0 && self.program.may_start(*number)
                    || self.program.looks_like_start(*number)
            };
            self.walked.leads_to.extend(numbers.filter(may_be_called));
        }
        let result = match known {
            Some(known) if known.name == "syscall" => {
                let shifted = move |state: &State, number: u8| {
                    state.argument(number.saturating_add(1), jumped, setting)
                };
                self.numbered(words(state, 0), at, state, &shifted)
            }
            Some(known) => self.known(known, callee, at, state, &words),
            None => {
                if let Some(result) = self.given_number(callee, at, state, &words) {
                    result
                } else {
                    let result = self.other(callee, at, state, &words);
                    self.computed(callee, state).unwrap_or(result)
                }
            }
        };
        state.after_call(self.setting.abi, result);
        !name.is_some_and(library::never_returns)
    }

    /// A call of a function whose parameters are known; its result.
    pub(super) fn known(
        &mut self,
        known: &'static Known,
        callee: Callee,
        at: u64,
        state: &mut State,
        words: &dyn Fn(&State, u8) -> Value,
    ) -> Value {
        let arguments = self.arguments(known, state, words);
        let given = Given { words };
        let made = state.effect(known.effect, &given, self.setting);
        let is_told = !known.parameters.is_empty() || known.name == "vfork";
        if !is_told {
            return made.unwrap_or(Value::Unknown);
        }
        let number = self.tell(Call::new(at, callee, Some(known.name), arguments));
        made.unwrap_or(number)
    }

    fn arguments(
        &self,
        known: &Known,
        state: &State,
        words: &dyn Fn(&State, u8) -> Value,
    ) -> Vec<Argument> {
        let mut arguments = Vec::with_capacity(known.parameters.len());
        for (number, &kind) in (0_u8..).zip(known.parameters) {
            let argument = match kind {
                Parameter::Texts => {
                    let mut texts = Vec::new();
                    for number in number..MOST_TEXTS {
                        match state.read(words(state, number), Parameter::Text, self.setting) {
                            Argument::Text(text) => texts.push(text),
                            Argument::Number(0) => break,
                            _ if texts.len() < 4 => texts.push(Text::unknown()),
                            _ => break,
                        }
                    }
                    Argument::List(texts)
                }
                Parameter::Format => Argument::Text(state.made(number, words, self.setting)),
                _ => state.read(words(state, number), kind, self.setting),
            };
            arguments.push(argument);
        }
        arguments
    }

    /// A call of a function of the program, or of one that tells nothing: what wrappers behind it do, and which texts it is given.
    fn other(
        &mut self,
        callee: Callee,
        at: u64,
        state: &mut State,
        words: &dyn Fn(&State, u8) -> Value,
    ) -> Value {
        let arguments = self.handed(callee, state, words);
        if let Callee::Function(start) = callee {
            self.through(start, at, state, &arguments, words);
        }
        if let Some(call) = wrapper::shell(at, callee, &arguments) {
            let same = |told: &&Call| told.name == call.name && told.arguments == call.arguments;
            // The same list may still stand in the registers of a later call.
            if !self.walked.calls.iter().any(|told| same(&told)) {
                self.tell(call);
            }
        }
        self.tell(Call::new(at, callee, None, arguments))
    }

    /// What a function without a name is given. Texts are read where somebody asks for them: functions that hand on what they are given, and those
    /// of a library that is part of the program, which are recognised by it.
    fn handed(
        &self,
        callee: Callee,
        state: &State,
        words: &dyn Fn(&State, u8) -> Value,
    ) -> Vec<Argument> {
        let is_wrapper = match callee {
            Callee::Function(start) => !self.program.wrappers(start).is_empty(),
            _ => false,
        };
        let reads_texts = is_wrapper || !self.program.loaded.is_dynamic;
        let local = u8::try_from(self.setting.abi.local_arguments.len()).unwrap_or(0);
        let last = if local > 0 {
            LOCAL_PARAMETERS.saturating_add(local)
        } else {
            wrapper::MOST_PARAMETERS
        };
        let given = (0..last).map(|number| {
            let value = words(state, number);
            match state.shell_list(value, self.setting) {
                Some(texts) => Argument::List(texts),
                None if reads_texts => state.read(value, Parameter::Text, self.setting),
                None => plain(value),
            }
        });
        let mut arguments = Vec::new();
        for (number, argument) in given.enumerate().filter(|(_, it)| *it != Argument::Unknown) {
            arguments.resize(number, Argument::Unknown);
            arguments.push(argument);
        }
        arguments
    }

    /// What a short function without conditions makes of the numbers that it is given (`htons`, where it is no part of its caller).
    fn computed(&self, callee: Callee, given: &State) -> Option<Value> {
        let Callee::Function(start) = callee else {
            return None;
        };
        let ops = self.program.straight(start)?;
        let setting = self.program.setting(start);
        let mut state = State::at_start(setting, start);
        for &register in setting.abi.arguments {
            let word = given.get(register);
            let number = matches!(word, Value::Number(_)).then_some(word);
            state.set(register, number.unwrap_or(Value::Unknown));
        }
        for op in ops.iter() {
            state.apply(op, setting);
        }
        let result = state.get(setting.abi.result);
        matches!(result, Value::Number(_)).then_some(result)
    }

    /// What a function of the program does with what it is given, as far as it hands that on.
    fn through(
        &mut self,
        start: u64,
        at: u64,
        state: &mut State,
        arguments: &[Argument],
        words: &dyn Fn(&State, u8) -> Value,
    ) {
        let (callee, setting) = (Callee::Function(start), self.setting);
        if self.program.runners.contains(&start)
            && let Some(execl) = library::known(b"execl")
            && let listed = self.arguments(execl, state, words)
            && wrapper::is_listed(&listed)
        {
            let name = Some(execl.name);
            self.tell(Call::new(at, callee, name, listed));
            return;
        }
        let mut calls = Vec::new();
        let mut filled = Vec::new();
        for wrapped in self.program.wrappers(start) {
            let given = wrapper::Given {
                arguments,
                made: &|number| state.made(number, words, setting),
                read: &|number, kind| state.read(words(state, number), kind, setting),
            };
            calls.extend(wrapped.at(at, callee, &given));
            filled.extend(wrapped.fills());
        }
        for call in calls {
            self.tell(call);
        }
        for number in filled {
            state.effect(Effect::Receive(number), &Given { words }, setting);
        }
    }

    /// Keeps a call; what it returns.
    fn tell(&mut self, mut call: Call) -> Value {
        let same = |told: &Call| {
            told.at == call.at && told.name == call.name && told.arguments == call.arguments
        };
        let recent = self.walked.calls.iter().rev().take(RECENT);
        if let Some(back) = recent
            .enumerate()
            .find_map(|(back, told)| same(told).then_some(back))
        {
            let number = self
                .walked
                .calls
                .len()
                .saturating_sub(back)
                .saturating_sub(1);
            return Value::Result(u64::try_from(number).unwrap_or(u64::MAX));
        }
        call.offset = self.program.loaded.offset(call.at);
        if self.walked.calls.len() >= MOST_CALLS {
            self.walked.cut = true;
            return Value::Unknown;
        }
        let number = u64::try_from(self.walked.calls.len()).unwrap_or(u64::MAX);
        self.walked.calls.push(call);
        Value::Result(number)
    }
}
