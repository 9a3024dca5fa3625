//! Calls of the kernel.

use super::super::call::Callee;
use super::super::memory::Location;
use super::super::recognise::Numbered;
use super::super::state::State;
use super::super::value::Value;
use super::super::{library, system};
use super::Walk;
use crate::facts::machine::Machine;

impl Walk<'_, '_> {
    pub(super) fn system_call(&mut self, at: u64, state: &mut State) {
        let abi = self.setting.abi;
        let words = |state: &State, number: u8| {
            let register = abi.system_arguments.get(usize::from(number));
            register.map_or(Value::Unknown, |&register| state.get(register))
        };
        let number = state.get(abi.system_number);
        if let Value::Parameter(number) = number {
            let arguments =
                abi.system_arguments
                    .iter()
                    .map(|&register| match state.get(register) {
                        Value::Parameter(number) => Some(number),
                        _ => None,
                    });
            self.walked.kernel.get_or_insert_with(|| Numbered {
                number,
                arguments: arguments.collect(),
            });
        }
        let result = self.numbered(number, at, state, &words);
        state.set(abi.result, result);
    }

    /// A call of a function that calls the kernel by a number which it is given; `None` where it is none, or the number is not known.
    pub(super) fn given_number(
        &mut self,
        callee: Callee,
        at: u64,
        state: &mut State,
        words: &dyn Fn(&State, u8) -> Value,
    ) -> Option<Value> {
        let Callee::Function(start) = callee else {
            return None;
        };
        let Numbered { number, arguments } = self.program.numbered.get(&start)?;
        let number = words(state, *number);
        let inside = |state: &State, number: u8| {
            let argument = arguments.get(usize::from(number)).copied().flatten();
            argument.map_or(Value::Unknown, |argument| words(state, argument))
        };
        matches!(number, Value::Number(_)).then(|| self.numbered(number, at, state, &inside))
    }

    /// A call of the kernel by its number.
    pub(super) fn numbered(
        &mut self,
        number: Value,
        at: u64,
        state: &mut State,
        words: &dyn Fn(&State, u8) -> Value,
    ) -> Value {
        let Value::Number(number) = number else {
            return Value::Unknown;
        };
        let machine = self.program.loaded.machine;
        if number == system::SOCKETCALL && matches!(machine, Machine::X86 | Machine::Powerpc) {
            return self.socket_call(at, state, words);
        }
        let known = system::name(machine, number).and_then(|name| library::known(name.as_bytes()));
        match known {
            Some(known) => self.known(known, Callee::System(number), at, state, words),
            None => Value::Unknown,
        }
    }

    /// A call of the kernel whose arguments stand in memory.
    fn socket_call(
        &mut self,
        at: u64,
        state: &mut State,
        words: &dyn Fn(&State, u8) -> Value,
    ) -> Value {
        let (Value::Number(number), Some(list)) = (words(state, 0), Location::of(words(state, 1)))
        else {
            return Value::Unknown;
        };
        let name = system::socket_call(self.program.loaded.machine, number);
        let Some(known) = name.and_then(|name| library::known(name.as_bytes())) else {
            return Value::Unknown;
        };
        let setting = self.setting;
        let inside = |state: &State, number: u8| {
            let word = i64::from(setting.abi.word);
            let place = list.plus(word.saturating_mul(number.into()));
            state.load(place, setting.abi.word, setting)
        };
        self.known(
            known,
            Callee::System(system::SOCKETCALL),
            at,
            state,
            &inside,
        )
    }
}
