//! `AArch64` instructions (A64): by the classes of the ARM Architecture Reference Manual (DDI 0487, chapter C4).
//!
//! Of vectors and floating point only moves, constants and logic are followed, and those of some registers. Division, carries and
//! conditional selection are not followed; scalable vectors forget the registers that they may write.

use super::super::op::{Abi, Arithmetic, Decode, Linked, Mode, Op, Operand, Register, RegisterSet};
use super::linked;
use crate::read::{Endian, Fields};

mod branch;
mod data;
mod memory;
mod shift;
mod structure;
#[cfg(test)]
mod tests;
mod vector;
mod whole;

/// `AArch64` code. Its instructions are little-endian whatever the data are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aarch64 {
    /// The byte order of data.
    pub(crate) data: Endian,
}

/// Register 31, where it is not zero.
const STACK: Register = Register(31);
const LINK: Register = Register(30);
/// The second value of an instruction, as it is after its shift.
const SHIFTED: Register = Register(Register::SPARE);
/// A first value that is no register.
const FIRST: Register = Register(Register::SPARE + 1);
/// The lower half of a register.
const HALF: u64 = 0xffff_ffff;

static ABI: Abi = Abi {
    word: 8,
    arguments: &[
        Register(0),
        Register(1),
        Register(2),
        Register(3),
        Register(4),
        Register(5),
        Register(6),
        Register(7),
    ],
    local_arguments: &[],
    stack_arguments: 0,
    result: Register(0),
    stack: STACK,
    pushed: 0,
    preserved: RegisterSet::of(&[
        Register(19),
        Register(20),
        Register(21),
        Register(22),
        Register(23),
        Register(24),
        Register(25),
        Register(26),
        Register(27),
        Register(28),
        Register(29),
        STACK,
    ]),
    own_address: None,
    table: None,
    carried: None,
    system_number: Register(8),
    system_arguments: &[
        Register(0),
        Register(1),
        Register(2),
        Register(3),
        Register(4),
        Register(5),
    ],
};

impl Decode for Aarch64 {
    fn decode(&self, code: &[u8], at: u64, _: &mut Mode, ops: &mut Vec<Op>) -> Option<usize> {
        let word = Fields::new(code, Endian::Little).u32(0)?;
        let from = ops.len();
        let mut effects = Effects {
            ops,
            at,
            data: self.data,
        };
        if effects.instruction(word).is_none() {
            ops.truncate(from);
            return None;
        }
        Some(4)
    }

    fn step(&self) -> usize {
        4
    }

    fn abi(&self) -> &'static Abi {
        &ABI
    }

    fn linked(&self, code: &[u8], at: u64) -> Linked {
        let word = Fields::little(code).u32(0);
        word.map_or([None; 2], |word| linked::aarch64(word, at))
    }

    fn is_prologue(&self, code: &[u8]) -> bool {
        let fields = Fields::new(code, Endian::Little);
        match fields.u32(0) {
            // paciasp, bti c, bti jc.
            Some(0xd503_233f | 0xd503_245f | 0xd503_24df) => true,
            // stp xn, xm, [sp, #-n]!; str xn, [sp, #-n]!.
            Some(word)
                if word & 0xffe0_03e0 == 0xa9a0_03e0 || word & 0xfff0_0fe0 == 0xf810_0fe0 =>
            {
                true
            }
            // sub sp, sp, #n before stp xn, xm, [sp, #m].
            Some(word) if word & 0xff80_03ff == 0xd100_03ff => fields
                .u32(4)
                .is_some_and(|next| next & 0xffc0_03e0 == 0xa900_03e0),
            _ => false,
        }
    }
}

/// `width` bits of a word from bit `low` on.
fn bits(word: u32, low: u32, width: u32) -> u32 {
    word.wrapping_shr(low) & 1_u32.wrapping_shl(width).wrapping_sub(1)
}

/// Whether a bit of a word is set.
fn bit(word: u32, at: u32) -> bool {
    bits(word, at, 1) == 1
}

/// The lower 8 bits.
fn low(value: u32) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

/// The number in `width` bits of a word, which have a sign.
fn signed(word: u32, at: u32, width: u32) -> i64 {
    let sign = 1_i64.wrapping_shl(width.wrapping_sub(1));
    (i64::from(bits(word, at, width)) ^ sign).wrapping_sub(sign)
}

/// The register whose number is in five bits from `at` on: 31 is the stack pointer.
fn pointer(word: u32, at: u32) -> Register {
    Register(low(bits(word, at, 5)))
}

/// The register whose number is in five bits from `at` on: 31 is none.
fn general(word: u32, at: u32) -> Option<Register> {
    let register = pointer(word, at);
    (register != STACK).then_some(register)
}

/// What that register holds: 31 is zero.
fn value(word: u32, at: u32) -> Operand {
    general(word, at).map_or(Operand::Constant(0), Operand::Register)
}

/// Where the effects of an instruction go to.
struct Effects<'a> {
    ops: &'a mut Vec<Op>,
    /// Where the instruction stands.
    at: u64,
    data: Endian,
}

impl Effects<'_> {
    fn instruction(&mut self, word: u32) -> Option<()> {
        match bits(word, 25, 4) {
            // The undefined instruction, by name.
            0 if word < 0x1_0000 => self.ops.push(Op::Stop),
            2 => self.scalable(word),
            8 | 9 => return self.constants(word),
            10 | 11 => return self.branches(word),
            4 | 6 | 12 | 14 => return self.memory(word),
            5 | 13 => self.registers(word),
            7 | 15 => self.vectors(word),
            _ => return None,
        }
        Some(())
    }

    fn forget(&mut self, register: Option<Register>) {
        self.ops.extend(register.map(Op::Forget));
    }

    /// An address so far from the instruction.
    fn relative(&self, distance: i64) -> u64 {
        self.at.wrapping_add_signed(distance)
    }

    /// A register becomes a value; the lower half of it where the instruction is not `wide`.
    fn set(&mut self, into: Option<Register>, value: Operand, wide: bool) {
        let Some(into) = into else {
            return;
        };
        match value {
            Operand::Constant(value) if !wide => {
                self.ops
                    .push(Op::Set(into, Operand::Constant(value & HALF)));
            }
            Operand::Register(from) if !wide => self.halve(into, from),
            _ => {
                self.ops.push(Op::Set(into, value));
                self.narrow(into, wide);
            }
        }
    }

    /// The upper half of a register becomes zero, unless the instruction is `wide`.
    fn narrow(&mut self, into: Register, wide: bool) {
        if !wide {
            self.halve(into, into);
        }
    }

    fn halve(&mut self, into: Register, from: Register) {
        self.compute(into, Arithmetic::And, from, HALF);
    }

    fn compute(&mut self, into: Register, arithmetic: Arithmetic, from: Register, by: u64) {
        let by = Operand::Constant(by);
        self.ops.push(Op::Compute(into, arithmetic, from, by));
    }

    /// A register becomes what two values make.
    fn combine(
        &mut self,
        into: Option<Register>,
        arithmetic: Arithmetic,
        first: Operand,
        second: Operand,
        wide: bool,
    ) {
        let Some(into) = into else {
            return;
        };
        let zero = Operand::Constant(0);
        let adds = !matches!(arithmetic, Arithmetic::And | Arithmetic::Multiply);
        if second == zero && adds {
            return self.set(Some(into), first, wide);
        }
        if first == zero && adds && arithmetic != Arithmetic::Subtract {
            return self.set(Some(into), second, wide);
        }
        let register = if let Operand::Register(first) = first {
            first
        } else {
            self.ops.push(Op::Set(FIRST, first));
            FIRST
        };
        self.ops
            .push(Op::Compute(into, arithmetic, register, second));
        // A mask that is no wider than the half leaves nothing above it.
        let masked = arithmetic == Arithmetic::And
            && matches!(second, Operand::Constant(mask) if mask <= HALF);
        self.narrow(into, wide || masked);
    }
}
