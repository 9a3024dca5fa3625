//! Instructions that are no jumps.

use super::super::super::op::{Address, Arithmetic, Op, Operand, Register};
use super::{LOW, Mips, SCRATCH, Word, ZERO};
use crate::read::Endian;

/// Tells what an instruction does.
pub(super) fn decode(mips: Mips, word: Word, ops: &mut Vec<Op>) -> Option<()> {
    let mut effects = Effects(ops);
    let (rs, rt) = (word.rs(), word.rt());
    let signed = Operand::Constant(word.signed().cast_unsigned());
    let unsigned = Operand::Constant(word.unsigned());
    let high = Operand::Constant(word.signed().wrapping_mul(0x1_0000).cast_unsigned());
    match word.opcode() {
        0 => special(word, &mut effects)?,
        8 | 9 | 24 | 25 => effects.compute(rt, Arithmetic::Add, rs, signed),
        // Comparisons, both halves of an unaligned double word.
        10 | 11 | 26 | 27 => effects.forget(rt),
        12 => effects.compute(rt, Arithmetic::And, rs, unsigned),
        13 => effects.compute(rt, Arithmetic::Or, rs, unsigned),
        14 => effects.compute(rt, Arithmetic::Xor, rs, unsigned),
        15 => effects.compute(rt, Arithmetic::Add, rs, high),
        16 => system(word, &mut effects),
        // Moves from a coprocessor; all else stays among its own registers.
        17 | 18 if rs.0 < 4 => effects.forget(rt),
        19 => indexed(word, &mut effects),
        28 => special2(word, &mut effects),
        30 => vector(word, &mut effects),
        31 => special3(word, &mut effects)?,
        34 | 38 | 42 | 46 => word_half(mips, word, &mut effects),
        44 | 45 => {
            let left = (word.opcode() == 44) == (mips.endian == Endian::Little);
            effects.spoil(moved(word, if left { -7 } else { 0 }), 8);
        }
        32 => effects.load(word, 1, true),
        33 => effects.load(word, 2, true),
        35 | 48 => effects.load(word, 4, true),
        36 => effects.load(word, 1, false),
        37 => effects.load(word, 2, false),
        39 => effects.load(word, 4, false),
        52 | 55 => effects.load(word, 8, false),
        40 => effects.store(word, 1),
        41 => effects.store(word, 2),
        43 => effects.store(word, 4),
        63 => effects.store(word, 8),
        56 | 60 => {
            effects.spoil(moved(word, 0), if word.opcode() == 56 { 4 } else { 8 });
            effects.forget(rt);
        }
        57 => effects.spoil(moved(word, 0), 4),
        61 => effects.spoil(moved(word, 0), 8),
        // `cache`, `pref`, traps and `synci`, loads into and arithmetic of the floating-point unit.
        1 | 17 | 18 | 47 | 49 | 51 | 53 => {}
        _ => return None,
    }
    Some(())
}

/// Opcode 0: arithmetic of three registers.
fn special(word: Word, effects: &mut Effects<'_>) -> Option<()> {
    let (rs, rt, rd) = (word.rs(), word.rt(), word.rd());
    let amount = Operand::Constant(u64::from(word.sa()));
    match word.function() {
        0 if word.rs() == ZERO => effects.compute(rd, Arithmetic::Shift, rt, amount),
        2 if word.rs() == ZERO => effects.compute(rd, Arithmetic::ShiftRight, rt, amount),
        3 if word.rs() == ZERO => effects.compute(rd, Arithmetic::ShiftSigned, rt, amount),
        // `rotr`.
        2 if rs.0 == 1 && word.sa() > 0 => effects.rotate(rd, rt, word.sa()),
        12 => effects.0.push(Op::SystemCall),
        13 | 14 => effects.0.push(Op::Stop),
        // `mflo` of the first accumulator, `mtlo` to it.
        18 if rs == ZERO => effects.set(rd, Operand::Register(LOW)),
        19 if rd == ZERO => effects.set(LOW, value(rs)),
        24 | 25 if rd == ZERO && word.sa() == 0 => {
            effects.compute(LOW, Arithmetic::Multiply, rs, value(rt));
        }
        // Other products, quotients and accumulators.
        19 | 24..=31 => {
            effects.forget(LOW);
            effects.forget(rd);
        }
        32 | 33 | 44 | 45 => effects.compute(rd, Arithmetic::Add, rs, value(rt)),
        34 | 35 | 46 | 47 => effects.compute(rd, Arithmetic::Subtract, rs, value(rt)),
        36 => effects.compute(rd, Arithmetic::And, rs, value(rt)),
        37 => effects.compute(rd, Arithmetic::Or, rs, value(rt)),
        38 => effects.compute(rd, Arithmetic::Xor, rs, value(rt)),
        39 if rt == ZERO && rs != ZERO => {
            effects.compute(rd, Arithmetic::Xor, rs, Operand::Constant(u64::MAX));
        }
        39 if rs == ZERO => effects.compute(rd, Arithmetic::Xor, rt, Operand::Constant(u64::MAX)),
        // `teq $zero, $zero`.
        52 if rs == rt => effects.0.push(Op::Stop),
        // Traps under a condition, `sync`, `mthi`.
        15 | 17 | 48..=52 | 54 => {}
        // Shifts by a register and of 64 bits, rotations, moves under a condition, comparisons.
        0..=7 | 10 | 11 | 16 | 18 | 20 | 22 | 23 | 39 | 42 | 43 | 53 | 55..=63 => {
            effects.forget(rd);
        }
        _ => return None,
    }
    Some(())
}

/// Opcode 16: the processor's own registers.
fn system(word: Word, effects: &mut Effects<'_>) {
    match word.rs().0 {
        // `mfc0`, `mfhc0`, `di`, `ei`.
        0..=3 | 9 | 11 => effects.forget(word.rt()),
        // `mftr`, `rdpgpr`.
        8 | 10 => effects.forget(word.rd()),
        // `eret`, `deret`.
        16.. if matches!(word.function(), 0x18 | 0x1f) => effects.0.push(Op::Stop),
        _ => {}
    }
}

/// Opcode 19: floating-point loads and stores with two registers, and arithmetic.
fn indexed(word: Word, effects: &mut Effects<'_>) {
    let to = Address {
        base: base(word.rs()),
        offset: 0,
        index: base(word.rt()).map(|register| (register, 0)),
    };
    match word.function() {
        8 => effects.spoil(to, 4),
        9 | 13 => effects.spoil(to, 8),
        _ => {}
    }
}

/// Opcode 28: products that are added up, `mul`, and what vendors put there.
fn special2(word: Word, effects: &mut Effects<'_>) {
    let (rs, rt, rd) = (word.rs(), word.rt(), word.rd());
    match word.function() {
        2 if rs == ZERO => effects.set(rd, Operand::Constant(0)),
        2 => {
            effects.compute(rd, Arithmetic::Multiply, rs, value(rt));
            effects.forget(LOW);
        }
        0x3f => effects.0.push(Op::Stop),
        // `madd` and its like.
        0 | 1 | 4 | 5 => {
            effects.forget(LOW);
            effects.forget(rd);
        }
        0x20 | 0x21 | 0x24 | 0x25 => effects.forget(rd),
        _ => {
            effects.forget(LOW);
            effects.forget(rd);
            effects.forget(rt);
            effects.forget(rs);
        }
    }
}

/// Opcode 30: vectors (MSA).
fn vector(word: Word, effects: &mut Effects<'_>) {
    match word.function() {
        // From an element, or from a control register, to a core register.
        0x19 => effects.forget(word.register(6)),
        function @ 0x24..=0x27 => {
            let [_, _, low, high] = word.0.to_le_bytes();
            // Ten bits with a sign, in elements.
            let elements = i64::from(i16::from_le_bytes([low, high]).wrapping_shl(6) >> 6);
            let to = Address {
                base: base(word.rd()),
                offset: elements.wrapping_shl(function & 3),
                index: None,
            };
            effects.spoil(to, 16);
        }
        _ => {}
    }
}

/// Opcode 31: bit fields, and the vectors in core registers (DSP).
fn special3(word: Word, effects: &mut Effects<'_>) -> Option<()> {
    let (rs, rt, rd) = (word.rs(), word.rt(), word.rd());
    let (first, last) = (word.sa(), rd.0);
    match word.function() {
        // `ext`: here `rd` holds one less than the width.
        0 => {
            let mask = 0xffff_ffff >> 31_u8.saturating_sub(last);
            effects.compute(
                rt,
                Arithmetic::ShiftRight,
                rs,
                Operand::Constant(u64::from(first)),
            );
            effects.compute(rt, Arithmetic::And, rt, Operand::Constant(mask));
        }
        // `ins`: here `rd` holds the last bit.
        4 if last >= first => effects.insert(rt, value(rs), first, last),
        1..=7 | 0x3b => effects.forget(rt),
        // `wsbh`: the bytes of each half change places.
        0x20 if first == 2 => effects.swap(rd, rt),
        // `seb`, `seh`.
        0x20 if matches!(first, 16 | 24) => {
            let amount = Operand::Constant(if first == 16 { 24 } else { 16 });
            effects.compute(rd, Arithmetic::Shift, rt, amount);
            effects.compute(rd, Arithmetic::ShiftSigned, rd, amount);
        }
        0x20 | 0x24 => effects.forget(rd),
        // Loads and stores of a kernel to the memory of programs, and those of release 6.
        0x19..=0x1f | 0x21..=0x23 | 0x25..=0x2f | 0x35..=0x37 => return None,
        _ => {
            effects.forget(LOW);
            effects.forget(rd);
            effects.forget(rt);
        }
    }
    Some(())
}

/// One half of an unaligned word: `lwl`, `lwr`, `swl`, `swr`. Compilers move a whole one by two of them, which may name its ends by different
/// registers and stand far from each other, so that the whole is told of either.
fn word_half(mips: Mips, word: Word, effects: &mut Effects<'_>) {
    let place = moved(word, half_offset(mips, word));
    let size = 4;
    if word.opcode() >= 40 {
        effects.0.push(Op::Store {
            value: value(word.rt()),
            to: place,
            size,
        });
    } else if word.rs() == word.rt() {
        // The second half needs the place too.
        effects.forget(word.rt());
    } else {
        effects.load_from(word.rt(), place, size, true);
    }
}

/// How far the start of the word is from the address that one half names.
fn half_offset(mips: Mips, word: Word) -> i64 {
    let left = matches!(word.opcode(), 34 | 42);
    if left == (mips.endian == Endian::Little) {
        -3
    } else {
        0
    }
}

/// The place that a load or store names, and so many bytes further.
fn moved(word: Word, by: i64) -> Address {
    Address {
        base: base(word.rs()),
        offset: word.signed().wrapping_add(by),
        index: None,
    }
}

fn base(register: Register) -> Option<Register> {
    (register != ZERO).then_some(register)
}

fn value(register: Register) -> Operand {
    base(register).map_or(Operand::Constant(0), Operand::Register)
}

/// Takes effects, in which `$zero` is neither read nor written.
struct Effects<'a>(&'a mut Vec<Op>);

impl Effects<'_> {
    fn set(&mut self, into: Register, value: Operand) {
        if into != ZERO {
            self.0.push(Op::Set(into, value));
        }
    }

    fn forget(&mut self, into: Register) {
        if into != ZERO {
            self.0.push(Op::Forget(into));
        }
    }

    fn compute(&mut self, into: Register, by: Arithmetic, first: Register, second: Operand) {
        use Arithmetic::{Add, And, Multiply, Or, Subtract, Xor};
        let nothing = second == Operand::Constant(0);
        match by {
            _ if into == ZERO => {}
            Add | Or | Xor if first == ZERO => self.set(into, second),
            Subtract if first == ZERO && !nothing => {
                let [scratch, _] = SCRATCH;
                self.set(scratch, Operand::Constant(0));
                self.0.push(Op::Compute(into, by, scratch, second));
            }
            _ if first == ZERO => self.set(into, Operand::Constant(0)),
            And | Multiply if nothing => self.set(into, Operand::Constant(0)),
            _ if nothing => self.set(into, Operand::Register(first)),
            _ => self.0.push(Op::Compute(into, by, first, second)),
        }
    }

    /// Rotates to the right.
    fn rotate(&mut self, into: Register, from: Register, by: u8) {
        let [right, left] = SCRATCH;
        let back = Operand::Constant(u64::from(32_u8.saturating_sub(by)));
        let by = Operand::Constant(u64::from(by));
        self.compute(right, Arithmetic::ShiftRight, from, by);
        self.compute(left, Arithmetic::Shift, from, back);
        self.compute(into, Arithmetic::Or, right, Operand::Register(left));
    }

    /// Lets the two bytes of each half change places.
    fn swap(&mut self, into: Register, from: Register) {
        let [right, left] = SCRATCH;
        let (by, mask) = (Operand::Constant(8), Operand::Constant(0x00ff_00ff));
        self.compute(right, Arithmetic::ShiftRight, from, by);
        self.compute(right, Arithmetic::And, right, mask);
        self.compute(left, Arithmetic::And, from, mask);
        self.compute(left, Arithmetic::Shift, left, by);
        self.compute(into, Arithmetic::Or, right, Operand::Register(left));
    }

    /// Replaces the bits from `first` to `last`.
    fn insert(&mut self, into: Register, value: Operand, first: u8, last: u8) {
        if into != ZERO {
            self.0.push(Op::Insert {
                into,
                value,
                at: first,
                width: last.saturating_sub(first).saturating_add(1),
            });
        }
    }

    fn load(&mut self, word: Word, size: u8, signed: bool) {
        self.load_from(word.rt(), moved(word, 0), size, signed);
    }

    fn load_from(&mut self, into: Register, from: Address, size: u8, signed: bool) {
        if into != ZERO {
            self.0.push(Op::Load {
                into,
                from,
                size,
                signed,
            });
        }
    }

    fn store(&mut self, word: Word, size: u8) {
        self.0.push(Op::Store {
            value: value(word.rt()),
            to: moved(word, 0),
            size,
        });
    }

    fn spoil(&mut self, to: Address, size: u8) {
        self.0.push(Op::Spoil { to, size });
    }
}
