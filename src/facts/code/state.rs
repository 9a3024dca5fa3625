//! Registers and memory at one instruction, and what an instruction makes of them.

use super::memory::{Location, Memory, Region, Stored};
use super::op::{Abi, Address, Arithmetic, Op, Operand, Register};
use super::value::{LONGEST, Piece, Shared, Text, Value};
use crate::facts::elf::{Loaded, Slot};

/// So many arguments are looked for on the stack.
const MOST_PARAMETERS: u8 = 12;
/// Arguments in registers that only functions of the program use among themselves count from here.
pub(super) const LOCAL_PARAMETERS: u8 = 12;

/// What is known at one instruction.
#[derive(Clone)]
pub(super) struct State {
    registers: [Value; Register::COUNT],
    pub(super) memory: Memory,
}

/// A state that waits for its turn, in the space that it takes.
#[derive(Clone)]
pub(super) struct Kept {
    /// Registers of which something is known.
    registers: Vec<(Register, Value)>,
    memory: Memory,
}

impl Kept {
    /// The state that it was.
    pub(super) fn state(self) -> State {
        let mut state = State {
            registers: [Value::Unknown; Register::COUNT],
            memory: self.memory,
        };
        for (register, value) in self.registers {
            state.set(register, value);
        }
        state
    }
}

/// The program that a function belongs to, and how its processor counts.
#[derive(Clone, Copy)]
pub(super) struct Setting<'p, 'a> {
    pub(super) loaded: &'p Loaded<'a>,
    pub(super) abi: &'static Abi,
}

impl State {
    /// What is known at the first instruction of a function.
    pub(super) fn at_start(setting: Setting<'_, '_>, function: u64) -> Self {
        let abi = setting.abi;
        let mut state = Self {
            registers: [Value::Unknown; Register::COUNT],
            memory: Memory::new(setting.loaded.endian),
        };
        for (number, &register) in (0_u8..).zip(abi.arguments) {
            state.set(register, Value::Parameter(number));
        }
        for (number, &register) in (LOCAL_PARAMETERS..).zip(abi.local_arguments) {
            state.set(register, Value::Parameter(number));
        }
        state.set(abi.stack, Value::Frame(0));
        if let Some((register, offset)) = abi.table
            && let Some(table) = setting.loaded.table
        {
            state.set(register, Value::Number(table.wrapping_add(offset)));
        }
        if let Some(register) = abi.own_address {
            state.set(register, Value::Number(function));
        }
        state
    }

    /// The state, kept for later.
    pub(super) fn kept(&self) -> Kept {
        let known = (0_u8..).map(Register).zip(self.registers);
        let known = known.filter(|(_, value)| *value != Value::Unknown);
        let mut registers = Vec::with_capacity(known.clone().count());
        registers.extend(known);
        Kept {
            registers,
            memory: self.memory.clone(),
        }
    }

    pub(super) fn get(&self, register: Register) -> Value {
        let value = self.registers.get(usize::from(register.0));
        value.copied().unwrap_or(Value::Unknown)
    }

    pub(super) fn set(&mut self, register: Register, value: Value) {
        if let Some(there) = self.registers.get_mut(usize::from(register.0)) {
            *there = value;
        }
    }

    /// Keeps what another state knows too.
    pub(super) fn join(&mut self, other: &Self, abi: &Abi) {
        // Both ways have the same stack; where it seems otherwise, one of them comes from a call that never returns, and does not take place.
        let stack = other.get(abi.stack);
        for (here, there) in self.registers.iter_mut().zip(&other.registers) {
            if here != there {
                *here = Value::Unknown;
            }
        }
        self.set(abi.stack, stack);
        self.memory.join(&other.memory);
    }

    /// What a call leaves behind: whatever it may change is unknown, and the result is its own.
    pub(super) fn after_call(&mut self, abi: &Abi, result: Value) {
        for (number, value) in (0_u8..).zip(&mut self.registers) {
            if !abi.preserved.has(Register(number)) {
                *value = Value::Unknown;
            }
        }
        self.set(abi.result, result);
    }

    /// Carries out what changes registers and memory; calls and jumps are the walk's business.
    pub(super) fn apply(&mut self, op: &Op, setting: Setting<'_, '_>) {
        match *op {
            Op::Set(into, operand) => {
                let value = self.operand(operand, setting.abi);
                self.set(into, value);
            }
            Op::Compute(into, arithmetic, one, other) => {
                let (one, other) = (self.get(one), self.operand(other, setting.abi));
                self.set(into, compute(arithmetic, one, other, setting.abi));
            }
            Op::Insert {
                into,
                value,
                at,
                width,
            } => {
                let value = self.operand(value, setting.abi);
                let value = insert(self.get(into), value, at, width);
                self.set(into, value);
            }
            Op::Load {
                into,
                from,
                size,
                signed,
            } => {
                let place = self.location(from, setting.abi);
                let loaded = place.map(|place| self.load(place, size, setting));
                let mut value = loaded.unwrap_or(Value::Unknown);
                if signed {
                    value = extended(value, size, setting.abi);
                }
                self.set(into, value);
            }
            Op::Store { value, to, size } => {
                let value = truncated(self.operand(value, setting.abi), size, setting.abi);
                if let Some(place) = self.location(to, setting.abi) {
                    self.memory.store(place, size, value);
                }
            }
            Op::Spoil { to, size } => {
                if let Some(place) = self.location(to, setting.abi) {
                    self.memory.forget(place, size);
                }
            }
            Op::Forget(register) => self.set(register, Value::Unknown),
            Op::Call(_)
            | Op::Jump(_)
            | Op::Branch(_)
            | Op::Test(..)
            | Op::Return
            | Op::SystemCall
            | Op::Stop => {}
        }
    }

    fn operand(&self, operand: Operand, abi: &Abi) -> Value {
        match operand {
            Operand::Register(register) => self.get(register),
            Operand::Shifted(register, by) => {
                let by = Value::Number(by.into());
                compute(Arithmetic::Shift, self.get(register), by, abi)
            }
            Operand::Constant(number) => Value::Number(number & mask(abi.word)),
        }
    }

    /// The place that an address means, if it is known.
    pub(super) fn location(&self, address: Address, abi: &Abi) -> Option<Location> {
        let base = address.base.map_or(Value::Number(0), |base| self.get(base));
        let mut value = compute(
            Arithmetic::Add,
            base,
            Value::Number(address.offset.cast_unsigned()),
            abi,
        );
        if let Some((index, shift)) = address.index {
            let index = self.operand(Operand::Shifted(index, shift), abi);
            value = compute(Arithmetic::Add, value, index, abi);
        }
        Location::of(value)
    }

    /// What so many bytes at a place hold.
    pub(super) fn load(&self, place: Location, size: u8, setting: Setting<'_, '_>) -> Value {
        if let Some(value) = self.memory.word(place, size) {
            return value;
        }
        if self.memory.touches(place, size) {
            let number = self.memory.number(place, size);
            return number.map_or(Value::Unknown, Value::Number);
        }
        match place.region {
            Region::Frame => parameter(place, size, setting.abi),
            Region::Program => initial(place, size, setting),
        }
    }

    /// The text that a value points at.
    pub(super) fn text(&self, value: Value, setting: Setting<'_, '_>) -> Option<Shared> {
        if let Value::Parameter(number) = value {
            return Some(Shared::new(Text::piece(Piece::Parameter(number))));
        }
        let place = Location::of(value)?;
        if let Some(text) = self.memory.text(place) {
            return Some(text.clone());
        }
        if self.memory.byte(place).is_some() {
            return Some(Shared::new(Text::of(&self.built(place)?, None)));
        }
        let Value::Number(address) = value else {
            return None;
        };
        let text = setting.loaded.text(address, LONGEST)?;
        // Instructions are seldom all letters; what stands among them as text is one that was put there.
        let is_code = setting.loaded.is_code(address)
            && !text.iter().all(|&byte| (b' '..0x7f).contains(&byte));
        (!is_code).then(|| Shared::new(Text::of(text, Some(address))))
    }

    /// A text that was put together byte by byte, up to its NUL.
    fn built(&self, place: Location) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let places = (0_i64..).map(|at| place.plus(at)).take(LONGEST);
        for place in places {
            match self.memory.byte(place).and_then(Stored::known)? {
                0 => return Some(bytes),
                byte => bytes.push(byte),
            }
        }
        None
    }

    /// One byte at a place, if it is known.
    pub(super) fn byte(&self, place: Location, setting: Setting<'_, '_>) -> Option<u8> {
        match self.memory.byte(place) {
            Some(byte) => byte.known(),
            None => match self.load(place, 1, setting) {
                Value::Number(byte) => u8::try_from(byte).ok(),
                _ => None,
            },
        }
    }
}

/// All bits of a word of so many bytes.
pub(super) fn mask(bytes: u8) -> u64 {
    let bits = u32::from(bytes).saturating_mul(8);
    1_u64
        .checked_shl(bits)
        .map_or(u64::MAX, |end| end.wrapping_sub(1))
}

/// A word of the caller's frame: an argument, as far as nothing was put there.
fn parameter(place: Location, size: u8, abi: &Abi) -> Value {
    let first = abi.pushed.saturating_add(abi.stack_arguments);
    let word = i64::from(abi.word);
    let inside = place.at.saturating_sub(first);
    if inside < 0 || size != abi.word || inside.checked_rem(word) != Some(0) {
        return Value::Unknown;
    }
    let number = inside
        .checked_div(word)
        .and_then(|number| u8::try_from(number).ok())
        .and_then(|number| number.checked_add(u8::try_from(abi.arguments.len()).ok()?));
    match number {
        Some(number) if number < MOST_PARAMETERS => Value::Parameter(number),
        _ => Value::Unknown,
    }
}

/// What the program holds at an address when it starts. Where the file holds nothing, a variable is yet to be set.
fn initial(place: Location, size: u8, setting: Setting<'_, '_>) -> Value {
    let Ok(address) = u64::try_from(place.at) else {
        return Value::Unknown;
    };
    let loaded = setting.loaded;
    if size == loaded.word {
        match loaded.slot(address) {
            Some(Slot::Import(_)) => return Value::Import(address),
            Some(Slot::Address(number)) => return Value::Number(number),
            None => {}
        }
    }
    let number = loaded.number(address, size);
    number.map_or(Value::Unknown, Value::Number)
}

fn truncated(value: Value, size: u8, abi: &Abi) -> Value {
    match value {
        Value::Number(number) => Value::Number(number & mask(size)),
        // What calls return and are given is often an `int`, whatever the width of a word.
        Value::Parameter(_) | Value::Result(_) if size >= 4 => value,
        _ if size < abi.word => Value::Unknown,
        other => other,
    }
}

fn extended(value: Value, size: u8, abi: &Abi) -> Value {
    match value {
        Value::Number(number) if size < 8 => {
            let bits = u32::from(size).saturating_mul(8);
            let sign = 1_u64 << bits.saturating_sub(1);
            let wide = (number ^ sign).wrapping_sub(sign);
            Value::Number(wide & mask(abi.word))
        }
        other => other,
    }
}

fn insert(into: Value, value: Value, at: u8, width: u8) -> Value {
    let (Value::Number(into), Value::Number(value)) = (into, value) else {
        return Value::Unknown;
    };
    let bits = 1_u64
        .checked_shl(width.into())
        .map_or(u64::MAX, |end| end.wrapping_sub(1));
    let Some(there) = bits.checked_shl(at.into()) else {
        return Value::Unknown;
    };
    let value = (value & bits).checked_shl(at.into()).unwrap_or(0);
    Value::Number(into & !there | value)
}

fn compute(arithmetic: Arithmetic, one: Value, other: Value, abi: &Abi) -> Value {
    let number = match (one, other) {
        (Value::Number(one), Value::Number(other)) => combine(arithmetic, one, other, abi),
        _ => return moved(arithmetic, one, other, abi),
    };
    number.map_or(Value::Unknown, |number| {
        Value::Number(number & mask(abi.word))
    })
}

fn combine(arithmetic: Arithmetic, one: u64, other: u64, abi: &Abi) -> Option<u64> {
    let by = u32::try_from(other).ok();
    Some(match arithmetic {
        Arithmetic::Add => one.wrapping_add(other),
        Arithmetic::Subtract => one.wrapping_sub(other),
        Arithmetic::And => one & other,
        Arithmetic::Or => one | other,
        Arithmetic::Xor => one ^ other,
        Arithmetic::Multiply => one.wrapping_mul(other),
        Arithmetic::Shift => one.checked_shl(by?).unwrap_or(0),
        Arithmetic::ShiftRight => one.checked_shr(by?).unwrap_or(0),
        Arithmetic::ShiftSigned => {
            let unused = 64_u32.saturating_sub(u32::from(abi.word).saturating_mul(8));
            let signed = one.checked_shl(unused)?.cast_signed();
            signed
                .checked_shr(unused.saturating_add(by?).min(63))?
                .cast_unsigned()
        }
        Arithmetic::Swap => return swapped(one, other),
    })
}

/// A number with the bytes of each group of so many in the opposite order.
fn swapped(number: u64, group: u64) -> Option<u64> {
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    match group {
        2 => Some((number & EVEN) << 8 | (number >> 8) & EVEN),
        4 => Some(number.swap_bytes().rotate_left(32)),
        8 => Some(number.swap_bytes()),
        _ => None,
    }
}

/// An address on the stack that is moved, and what changes nothing.
fn moved(arithmetic: Arithmetic, one: Value, other: Value, abi: &Abi) -> Value {
    let signed = |number: u64| {
        let unused = 64_u32.saturating_sub(u32::from(abi.word).saturating_mul(8));
        let wide = number.checked_shl(unused).map(u64::cast_signed);
        wide.and_then(|wide| wide.checked_shr(unused)).unwrap_or(0)
    };
    match (arithmetic, one, other) {
        (Arithmetic::Add, Value::Frame(at), Value::Number(number))
        | (Arithmetic::Add, Value::Number(number), Value::Frame(at)) => {
            Value::Frame(at.wrapping_add(signed(number)))
        }
        (Arithmetic::Subtract, Value::Frame(at), Value::Number(number)) => {
            Value::Frame(at.wrapping_sub(signed(number)))
        }
        // Alignment of the stack: where exactly the frame lies does not matter.
        (Arithmetic::And, Value::Frame(at), Value::Number(number)) => {
            Value::Frame(at & signed(number))
        }
        (
            Arithmetic::And,
            value @ (Value::Parameter(_) | Value::Result(_)),
            Value::Number(0xffff_ffff),
        )
        // Numbers of 32 bits are made wider by shifting them up and back; nothing else that matters here is shifted by as much.
        | (
            Arithmetic::Shift | Arithmetic::ShiftSigned,
            value @ (Value::Parameter(_) | Value::Result(_)),
            Value::Number(32),
        )
        | (Arithmetic::Add | Arithmetic::Or | Arithmetic::Subtract, value, Value::Number(0))
        | (Arithmetic::Add | Arithmetic::Or, Value::Number(0), value) => value,
        _ => Value::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::swapped;

    #[test]
    fn bytes_are_swapped_in_groups() {
        let number = 0x0102_0304_0506_0708;
        assert_eq!(swapped(number, 2), Some(0x0201_0403_0605_0807));
        assert_eq!(swapped(number, 4), Some(0x0403_0201_0807_0605));
        assert_eq!(swapped(number, 8), Some(0x0807_0605_0403_0201));
        assert_eq!(swapped(0x1122_3344, 4), Some(0x4433_2211));
        assert_eq!(swapped(number, 3), None);
    }
}
