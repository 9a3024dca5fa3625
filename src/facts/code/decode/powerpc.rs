//! PowerPC, 32 bits, big-endian: the user instructions of the Power ISA up to 2.07, of which 64-bit ones as far as they fit into 32 bits,
//! and the signal-processing extension of the e500. VLE code is not read.
//!
//! Not followed are condition registers, except that a register is compared with zero right in front of a branch.

mod extended;
mod plain;
#[cfg(test)]
mod tests;

use super::super::op::{
    Abi, Address, Arithmetic, Decode, Linked, Mode, Op, Operand, Register, RegisterSet, Target,
};
use super::linked;

const RESULT: Register = Register(3);
const STACK: Register = Register(1);
/// The link register.
const LINK: Register = Register(Register::SPARE);
/// The count register.
const COUNT: Register = Register(Register::SPARE + 1);
/// Values on their way.
const SCRATCH: [Register; 2] = [Register(Register::SPARE + 2), Register(Register::SPARE + 3)];

/// System V ABI, PowerPC supplement.
static ABI: Abi = Abi {
    word: 4,
    arguments: &[
        RESULT,
        Register(4),
        Register(5),
        Register(6),
        Register(7),
        Register(8),
        Register(9),
        Register(10),
    ],
    local_arguments: &[],
    stack_arguments: 8,
    result: RESULT,
    stack: STACK,
    pushed: 0,
    preserved: RegisterSet::of(&[
        STACK,
        Register(2),
        Register(13),
        Register(14),
        Register(15),
        Register(16),
        Register(17),
        Register(18),
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
        Register(30),
        Register(31),
    ]),
    own_address: None,
    table: None,
    carried: Some(Register(30)),
    system_number: Register(0),
    system_arguments: &[
        RESULT,
        Register(4),
        Register(5),
        Register(6),
        Register(7),
        Register(8),
    ],
};

/// Reads PowerPC instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Powerpc;

impl Decode for Powerpc {
    fn decode(&self, code: &[u8], at: u64, mode: &mut Mode, ops: &mut Vec<Op>) -> Option<usize> {
        let word = Word(word_at(code, 0)?);
        let compared = std::mem::take(mode);
        match word.opcode() {
            16 => conditional(word, at, compared, ops),
            18 => always(word, at, code, ops),
            17 if word.0 & 2 != 0 => ops.push(Op::SystemCall),
            19 => register(word, ops)?,
            31 => extended::decode(word, ops)?,
            10 | 11 => *mode = word.compared(),
            _ => plain::decode(word, ops)?,
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
        word_at(code, 0).map_or([None; 2], |word| linked::powerpc(word, at))
    }

    fn is_prologue(&self, code: &[u8]) -> bool {
        // `stwu r1, -n(r1)`, `mflr r0`.
        word_at(code, 0)
            .is_some_and(|word| word & 0xffff_800f == 0x9421_8000 || word == 0x7c08_02a6)
    }
}

fn word_at(code: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*code.get(at..)?.first_chunk()?))
}

/// An instruction, and its fields under the names of the architecture's manual.
#[derive(Clone, Copy)]
struct Word(u32);

impl Word {
    fn opcode(self) -> u32 {
        self.0 >> 26
    }

    /// The first register, which loads and arithmetic write.
    fn rd(self) -> Register {
        self.register(21)
    }

    /// The second register, which logic writes.
    fn ra(self) -> Register {
        self.register(16)
    }

    fn rb(self) -> Register {
        self.register(11)
    }

    fn register(self, at: u32) -> Register {
        Register(self.field(at))
    }

    /// Five bits.
    fn field(self, at: u32) -> u8 {
        let [low, ..] = (self.0 >> at).to_le_bytes();
        low & 31
    }

    /// The lower half, with its sign.
    fn signed(self) -> i64 {
        let [low, high, ..] = self.0.to_le_bytes();
        i64::from(i16::from_le_bytes([low, high]))
    }

    /// The lower half.
    fn unsigned(self) -> u64 {
        u64::from(self.0 & 0xffff)
    }

    /// The base register: number 0 means that there is none.
    fn base(self) -> Option<Register> {
        Some(self.ra()).filter(|&register| register != Register(0))
    }

    /// The place of a load or store with a constant.
    fn place(self) -> Address {
        Address {
            base: self.base(),
            offset: self.signed(),
            index: None,
        }
    }

    /// The place of a load or store with two registers.
    fn indexed(self) -> Address {
        let base = self.base();
        Address {
            base: base.or(Some(self.rb())),
            offset: 0,
            index: base.map(|_| (self.rb(), 0)),
        }
    }

    /// Condition register and register that a comparison with zero names, in one number; 0 for other comparisons.
    fn compared(self) -> Mode {
        let fields = (self.field(23) & 7) << 5 | self.ra().0;
        if self.unsigned() == 0 { fields } else { 0 }
    }

    /// Where a branch at `at` goes that holds `offset`.
    fn target(self, at: u64, offset: i64) -> u64 {
        let to = if self.0 & 2 == 0 {
            at.wrapping_add_signed(offset)
        } else {
            offset.cast_unsigned()
        };
        to & u64::from(u32::MAX)
    }

    fn links(self) -> bool {
        self.0 & 1 != 0
    }
}

/// `b`, `bl`.
fn always(word: Word, at: u64, code: &[u8], ops: &mut Vec<Op>) {
    /// As far behind a call as there are constants that are read by way of its link register, in bytes.
    const NEAR: u64 = 12;
    let offset = i64::from((word.0 << 6).cast_signed() >> 6 & !3);
    let to = word.target(at, offset);
    let next = at.wrapping_add(4) & u64::from(u32::MAX);
    let is_read = |at| word_at(code, at).is_some_and(|word| word & 0xfc1f_ffff == 0x7c08_02a6);
    let distance = to.wrapping_sub(at);
    if !word.links() {
        ops.push(Op::Jump(Target::At(to)));
    } else if to == next {
        ops.push(Op::Set(LINK, Operand::Constant(next)));
    } else if is_read(4) {
        // The link register holds something else than the next address: it was a call of the `blrl` in front of the offset table.
        ops.push(Op::Set(
            LINK,
            Operand::Constant(to.wrapping_add(4) & u64::from(u32::MAX)),
        ));
    } else if distance <= NEAR && usize::try_from(distance).is_ok_and(is_read) {
        ops.push(Op::Set(LINK, Operand::Constant(next)));
        ops.push(Op::Jump(Target::At(to)));
    } else {
        ops.push(Op::Call(Target::At(to)));
    }
}

/// `bc`: branches under a condition, which may be that the count register reaches zero. `compared` is what [`Word::compared`] has told of
/// the instruction in front of this one.
fn conditional(word: Word, at: u64, compared: Mode, ops: &mut Vec<Op>) {
    let offset = word.signed() & !3;
    let to = word.target(at, offset);
    let next = at.wrapping_add(4) & u64::from(u32::MAX);
    let condition = Condition::of(word);
    condition.count(ops);
    match (condition.always, word.links()) {
        // `bcl 20, 31`: the way to learn where the code is.
        (true, true) => {
            ops.push(Op::Set(LINK, Operand::Constant(next)));
            if to != next {
                ops.push(Op::Jump(Target::At(to)));
            }
        }
        (true, false) => ops.push(Op::Jump(Target::At(to))),
        (false, true) => ops.push(Op::Call(Target::At(to))),
        (false, false) if compared > 0 && condition.is_equal(compared >> 5) => {
            ops.push(Op::Test(Register(compared & 31), condition.wanted, to));
        }
        (false, false) => ops.push(Op::Branch(to)),
    }
}

/// Opcode 19: jumps to registers, and what changes condition registers.
fn register(word: Word, ops: &mut Vec<Op>) -> Option<()> {
    let condition = Condition::of(word);
    match (word.0 >> 1) & 0x3ff {
        16 => {
            condition.count(ops);
            match (condition.always, word.links()) {
                (true, false) => ops.push(Op::Return),
                (false, false) => {}
                (_, true) => ops.push(Op::Call(Target::Register(LINK))),
            }
        }
        528 => match (condition.always, word.links()) {
            (true, false) => ops.push(Op::Jump(Target::Register(COUNT))),
            (false, false) => {}
            (_, true) => ops.push(Op::Call(Target::Register(COUNT))),
        },
        // Returns from interrupts.
        18 | 38 | 39 | 50 | 51 => ops.push(Op::Stop),
        0 | 33 | 129 | 150 | 193 | 225 | 257 | 289 | 417 | 449 => {}
        _ => return None,
    }
    Some(())
}

/// Under which condition a branch is taken.
#[derive(Clone, Copy)]
struct Condition {
    always: bool,
    /// The count register is lowered by one.
    counts: bool,
    /// Whether the bit of the condition register is to be set.
    wanted: bool,
    bit: u8,
}

impl Condition {
    fn of(word: Word) -> Self {
        let options = word.field(21);
        Self {
            always: options & 0x14 == 0x14,
            counts: options & 4 == 0,
            wanted: options & 8 != 0,
            bit: word.field(16),
        }
    }

    /// Whether it is nothing but that two values are equal, or are not, as a field of the condition register says.
    fn is_equal(self, field: u8) -> bool {
        !self.counts && !self.always && self.bit == field << 2 | 2
    }

    fn count(self, ops: &mut Vec<Op>) {
        if self.counts {
            let one = Operand::Constant(1);
            ops.push(Op::Compute(COUNT, Arithmetic::Subtract, COUNT, one));
        }
    }
}
