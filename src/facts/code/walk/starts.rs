//! Which numbers that a function uses are addresses of functions that somebody may call.
//!
//! Constants of a program that is linked at low addresses look like such addresses, too: what counts is that a number is stored, handed over or
//! returned, and that nothing else is made of it.

use super::Walk;
use crate::facts::code::op::{Address, Op, Operand};
use crate::facts::code::state::State;
use crate::facts::code::value::Value;

impl Walk<'_, '_> {
    /// The numbers that an effect adds something to, or that it counts from.
    pub(super) fn parts(&self, op: &Op, state: &State) -> [Option<u64>; 2] {
        let registers = match *op {
            Op::Compute(_, _, one, Operand::Register(other) | Operand::Shifted(other, _)) => {
                [Some(one), Some(other)]
            }
            Op::Compute(_, _, one, Operand::Constant(_)) => [Some(one), None],
            Op::Load {
                from:
                    Address {
                        index: Some((index, _)),
                        ..
                    },
                ..
            } => [Some(index), None],
            _ => [None; 2],
        };
        registers.map(|register| match state.get(register?) {
            Value::Number(number) if self.program.looks_like_start(number) => Some(number),
            _ => None,
        })
    }

    /// Notes of which numbers others are made, and what is printed for a null.
    pub(super) fn noted(&mut self, op: &Op, parts: [Option<u64>; 2], state: &State) {
        let (Op::Set(into, _)
        | Op::Compute(into, ..)
        | Op::Insert { into, .. }
        | Op::Load { into, .. }) = *op
        else {
            return;
        };
        let made = match state.get(into) {
            Value::Number(number) => Some(number),
            _ => None,
        };
        let parts = parts.into_iter().flatten();
        self.parts.extend(parts.filter(|&part| made != Some(part)));
        let is_null = |number| self.program.loaded.bytes(number).starts_with(b"(null)\0");
        self.walked.names_null |= made.is_some_and(is_null);
    }

    /// A number is stored, handed over or returned: if it looks like the address of a function, somebody may call that.
    pub(super) fn used(&mut self, value: Value) {
        if let Value::Number(number) = value
            && self.program.looks_like_start(number)
        {
            self.starts.insert(number);
        }
    }

    /// What an effect puts into memory.
    pub(super) fn stored(&mut self, op: &Op, state: &State) {
        match *op {
            Op::Store {
                value: Operand::Register(from),
                ..
            } => self.used(state.get(from)),
            Op::Store {
                value: Operand::Constant(number),
                ..
            } => self.used(Value::Number(number)),
            _ => {}
        }
    }

    /// What a call, or a jump out of the function, hands over.
    pub(super) fn handed_over(&mut self, state: &State) {
        let abi = self.setting.abi;
        for &register in abi.arguments.iter().chain(abi.local_arguments) {
            self.used(state.get(register));
        }
    }
}
