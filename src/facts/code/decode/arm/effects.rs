//! What ARM and Thumb instructions do alike: values, arithmetic, transfers, and jumps by writing the program counter.

use super::super::super::op::{Arithmetic, Op, Operand, Register, Target};

pub(crate) const STACK: Register = Register(13);
pub(crate) const LINK: Register = Register(14);
pub(crate) const COUNTER: Register = Register(15);

// Scratch: the second value of an instruction after its shift, a first value that is a constant, what the program counter becomes, where
// memory is accessed, and a register that is put back.
const SHIFTED: Register = Register(Register::SPARE);
const FIRST: Register = Register(Register::SPARE + 1);
pub(crate) const LANDING: Register = Register(Register::SPARE + 2);
pub(super) const PLACE: Register = Register(Register::SPARE + 3);
pub(crate) const KEPT: Register = Register(Register::SPARE + 4);

/// `width` bits of a word from bit `low` on.
pub(crate) fn bits(word: u32, low: u32, width: u32) -> u32 {
    word.wrapping_shr(low) & 1_u32.wrapping_shl(width).wrapping_sub(1)
}

/// Whether a bit of a word is set.
pub(crate) fn bit(word: u32, at: u32) -> bool {
    bits(word, at, 1) == 1
}

/// The lower 8 bits.
pub(crate) fn low(value: u32) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

/// The register whose number is in four bits from `at` on.
pub(crate) fn register(word: u32, at: u32) -> Register {
    Register(low(bits(word, at, 4)))
}

/// A number of `width` bits with a sign, as 32 bits.
pub(crate) fn signed(value: u32, width: u32) -> u32 {
    let sign = 1_u32.wrapping_shl(width.wrapping_sub(1));
    (value ^ sign).wrapping_sub(sign)
}

pub(crate) fn constant(value: u32) -> Operand {
    Operand::Constant(u64::from(value))
}

/// What a data-processing instruction does with its two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    And,
    Xor,
    Subtract,
    /// The first from the second.
    Reverse,
    Add,
    /// With the carry, which is not followed.
    Carry,
    Or,
    Move,
    /// The bits of the second are cleared.
    Clear,
    Not,
    OrNot,
}

/// Where the effects of an instruction go to.
pub(crate) struct Effects<'a> {
    ops: &'a mut Vec<Op>,
    /// What the program counter reads as.
    pub(crate) counter: u32,
}

impl<'a> Effects<'a> {
    pub(crate) fn new(ops: &'a mut Vec<Op>, counter: u32) -> Self {
        Self { ops, counter }
    }

    pub(crate) fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    pub(crate) fn told(&mut self) -> &mut Vec<Op> {
        self.ops
    }

    pub(crate) fn forget(&mut self, register: Register) {
        if register != COUNTER {
            self.push(Op::Forget(register));
        }
    }

    /// A register as a value: the program counter is known.
    pub(crate) fn value(&self, register: Register) -> Operand {
        if register == COUNTER {
            constant(self.counter)
        } else {
            Operand::Register(register)
        }
    }

    /// A register shifted by a constant, as instructions encode it: left, right, right with the sign, rotated.
    pub(crate) fn shifted(&mut self, register: Register, kind: u32, amount: u32) -> Operand {
        if amount == 0 && kind == 0 {
            return self.value(register);
        }
        if register == COUNTER {
            self.push(Op::Forget(SHIFTED));
            return Operand::Register(SHIFTED);
        }
        if kind == 0 {
            return Operand::Shifted(register, low(amount));
        }
        match (kind, amount) {
            (1, 0) => return constant(0),
            (1, _) => self.right(SHIFTED, Arithmetic::ShiftRight, register, amount),
            (2, 0) => self.right(SHIFTED, Arithmetic::ShiftSigned, register, 31),
            (2, _) => self.right(SHIFTED, Arithmetic::ShiftSigned, register, amount),
            _ => self.push(Op::Forget(SHIFTED)),
        }
        Operand::Register(SHIFTED)
    }

    /// A register shifted by another.
    pub(crate) fn shifted_by(&mut self, register: Register, kind: u32, by: Register) -> Operand {
        let by = Operand::Register(by);
        self.push(match kind {
            0 => Op::Compute(SHIFTED, Arithmetic::Shift, register, by),
            1 => Op::Compute(SHIFTED, Arithmetic::ShiftRight, register, by),
            2 => Op::Compute(SHIFTED, Arithmetic::ShiftSigned, register, by),
            _ => Op::Forget(SHIFTED),
        });
        Operand::Register(SHIFTED)
    }

    fn right(&mut self, into: Register, arithmetic: Arithmetic, register: Register, amount: u32) {
        self.push(Op::Compute(into, arithmetic, register, constant(amount)));
    }

    /// Bits of a register as a number.
    pub(crate) fn extract(
        &mut self,
        into: Register,
        from: Register,
        at: u32,
        width: u32,
        sign: bool,
    ) {
        if into == COUNTER {
            return;
        }
        let upper = 32_u32.wrapping_sub(width);
        let left = upper.wrapping_sub(at);
        let mask = u32::MAX.wrapping_shr(upper);
        match (sign, at) {
            _ if at.saturating_add(width) > 32 || width == 0 || from == COUNTER => {
                self.forget(into);
            }
            (true, _) => {
                self.push(Op::Set(into, Operand::Shifted(from, low(left))));
                self.right(into, Arithmetic::ShiftSigned, into, upper);
            }
            (false, 0) => self.push(Op::Compute(into, Arithmetic::And, from, constant(mask))),
            (false, _) => {
                self.right(into, Arithmetic::ShiftRight, from, at);
                self.push(Op::Compute(into, Arithmetic::And, into, constant(mask)));
            }
        }
    }

    fn set(&mut self, into: Register, value: Operand) {
        // A shift was just put into scratch: it can go where it is wanted.
        if value == Operand::Register(SHIFTED) {
            match self.ops.last_mut() {
                Some(Op::Compute(to, ..) | Op::Forget(to)) if *to == SHIFTED => {
                    *to = into;
                    return;
                }
                _ => {}
            }
        }
        self.push(Op::Set(into, value));
    }

    fn not(&mut self, value: Operand) -> Operand {
        let from = match value {
            Operand::Constant(value) => {
                return Operand::Constant(!value & u64::from(u32::MAX));
            }
            Operand::Register(register) => register,
            Operand::Shifted(..) => {
                self.push(Op::Set(SHIFTED, value));
                SHIFTED
            }
        };
        let ones = constant(u32::MAX);
        self.push(Op::Compute(SHIFTED, Arithmetic::Xor, from, ones));
        Operand::Register(SHIFTED)
    }

    pub(super) fn combine(
        &mut self,
        into: Register,
        arithmetic: Arithmetic,
        first: Operand,
        second: Operand,
    ) {
        let adds = !matches!(arithmetic, Arithmetic::And | Arithmetic::Multiply);
        let op = match (first, second) {
            // `subs` of nothing is a copy that is tested.
            (_, Operand::Constant(0)) if adds => Op::Set(into, first),
            (Operand::Register(first), _) => Op::Compute(into, arithmetic, first, second),
            (Operand::Constant(_), Operand::Register(second))
                if arithmetic != Arithmetic::Subtract =>
            {
                Op::Compute(into, arithmetic, second, first)
            }
            (Operand::Constant(one), Operand::Constant(other)) if arithmetic == Arithmetic::Add => {
                Op::Set(
                    into,
                    Operand::Constant(one.wrapping_add(other) & u64::from(u32::MAX)),
                )
            }
            (Operand::Constant(one), Operand::Constant(other))
                if arithmetic == Arithmetic::Subtract =>
            {
                Op::Set(
                    into,
                    Operand::Constant(one.wrapping_sub(other) & u64::from(u32::MAX)),
                )
            }
            _ => {
                self.push(Op::Set(FIRST, first));
                Op::Compute(into, arithmetic, FIRST, second)
            }
        };
        self.push(op);
    }

    /// A data-processing instruction.
    pub(crate) fn process(
        &mut self,
        process: Process,
        into: Register,
        first: Operand,
        second: Operand,
    ) {
        let landing = into == COUNTER;
        let into = if landing { LANDING } else { into };
        match process {
            Process::And => self.combine(into, Arithmetic::And, first, second),
            Process::Xor => self.combine(into, Arithmetic::Xor, first, second),
            Process::Subtract => self.combine(into, Arithmetic::Subtract, first, second),
            Process::Reverse => self.combine(into, Arithmetic::Subtract, second, first),
            Process::Add => self.combine(into, Arithmetic::Add, first, second),
            Process::Or => self.combine(into, Arithmetic::Or, first, second),
            Process::Move => self.set(into, second),
            Process::Carry => self.push(Op::Forget(into)),
            Process::Clear => {
                let mask = self.not(second);
                self.combine(into, Arithmetic::And, first, mask);
            }
            Process::Not => {
                let value = self.not(second);
                self.set(into, value);
            }
            Process::OrNot => {
                let value = self.not(second);
                self.combine(into, Arithmetic::Or, first, value);
            }
        }
        if landing {
            self.land();
        }
    }

    /// The program counter becomes what was put into its scratch register.
    fn land(&mut self) {
        match self.ops.last() {
            Some(&Op::Set(LANDING, Operand::Constant(to))) => {
                self.ops.pop();
                self.push(Op::Jump(Target::At(to)));
            }
            Some(&Op::Set(LANDING, Operand::Register(to))) => {
                self.ops.pop();
                self.go(to);
            }
            _ => self.push(Op::Jump(Target::Register(LANDING))),
        }
    }

    /// A jump to what a register holds.
    pub(crate) fn go(&mut self, to: Register) {
        self.push(if to == LINK {
            Op::Return
        } else {
            match self.value(to) {
                Operand::Constant(at) => Op::Jump(Target::At(at)),
                _ => Op::Jump(Target::Register(to)),
            }
        });
    }
}
