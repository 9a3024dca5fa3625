//! Instructions with a constant, rotations, and the opcodes of other units.

use super::super::super::op::{Address, Arithmetic, Op, Operand, Register};
use super::{SCRATCH, Word};

/// `ori r0, r0, 0`, which is written as `nop`.
const NOTHING: u32 = 0x6000_0000;

/// Tells what an instruction does.
pub(super) fn decode(word: Word, ops: &mut Vec<Op>) -> Option<()> {
    let (rd, ra) = (word.rd(), word.ra());
    let signed = Operand::Constant(word.signed().cast_unsigned());
    let raised = Operand::Constant(word.signed().wrapping_mul(0x1_0000).cast_unsigned());
    let low = word.unsigned();
    let high = low << 16;
    match word.opcode() {
        // `trap`.
        3 if rd.0 == 31 => ops.push(Op::Stop),
        4 => vector(word, ops),
        7 => ops.push(Op::Compute(rd, Arithmetic::Multiply, ra, signed)),
        8 => {
            let [scratch, _] = SCRATCH;
            ops.push(Op::Set(scratch, signed));
            let second = Operand::Register(ra);
            ops.push(Op::Compute(rd, Arithmetic::Subtract, scratch, second));
        }
        12 | 13 => ops.push(Op::Compute(rd, Arithmetic::Add, ra, signed)),
        14 => add(word, signed, ops),
        15 => add(word, raised, ops),
        20 => insert(word, ops),
        21 => rotate(word, ops),
        // Rotations by a register and of 64 bits.
        23 | 30 => ops.push(Op::Forget(ra)),
        24 => logic(word, Arithmetic::Or, low, ops),
        25 => logic(word, Arithmetic::Or, high, ops),
        26 => logic(word, Arithmetic::Xor, low, ops),
        27 => logic(word, Arithmetic::Xor, high, ops),
        28 => logic(word, Arithmetic::And, low, ops),
        29 => logic(word, Arithmetic::And, high, ops),
        32 | 33 => load(word, 4, false, ops)?,
        34 | 35 => load(word, 1, false, ops)?,
        40 | 41 => load(word, 2, false, ops)?,
        42 | 43 => load(word, 2, true, ops)?,
        36 | 37 => store(word, 4, ops),
        38 | 39 => store(word, 1, ops),
        44 | 45 => store(word, 2, ops),
        46 => load_many(word, ops),
        47 => store_many(word, ops),
        // Floating-point loads and stores.
        49 | 51 => update(word, word.place(), ops),
        52..=55 => {
            let size = if word.opcode() < 54 { 4 } else { 8 };
            ops.push(Op::Spoil {
                to: word.place(),
                size,
            });
            if word.opcode() & 1 == 1 {
                update(word, word.place(), ops);
            }
        }
        58 | 62 => double(word, ops)?,
        // Traps under a condition, floating-point loads, floating-point and vector arithmetic.
        3 | 48 | 50 | 57 | 59 | 60 | 63 => {}
        _ => return None,
    }
    Some(())
}

/// `addi`, `addis`: number 0 means no register.
fn add(word: Word, second: Operand, ops: &mut Vec<Op>) {
    ops.push(match word.base() {
        None => Op::Set(word.rd(), second),
        Some(base) if second == Operand::Constant(0) => Op::Set(word.rd(), Operand::Register(base)),
        Some(base) => Op::Compute(word.rd(), Arithmetic::Add, base, second),
    });
}

fn logic(word: Word, by: Arithmetic, second: u64, ops: &mut Vec<Op>) {
    if word.0 == NOTHING {
        return;
    }
    ops.push(if second == 0 && by != Arithmetic::And {
        Op::Set(word.ra(), Operand::Register(word.rd()))
    } else {
        Op::Compute(word.ra(), by, word.rd(), Operand::Constant(second))
    });
}

/// The bits from `first` to `last`, counted from the highest; around the end where `first` is behind `last`.
fn mask(first: u8, last: u8) -> u32 {
    let from = u32::MAX >> (first & 31);
    let to = u32::MAX << (31_u8.saturating_sub(last) & 31);
    if first <= last { from & to } else { from | to }
}

/// `rlwinm`: a rotation to the left and a mask.
fn rotate(word: Word, ops: &mut Vec<Op>) {
    let (into, from) = (word.ra(), word.rd());
    let amount = word.field(11);
    let mask = mask(word.field(6), word.field(1));
    let back = Operand::Constant(u64::from(32_u8.saturating_sub(amount)));
    let by = Operand::Constant(u64::from(amount));
    let low = (1_u32 << amount).wrapping_sub(1);
    // What is left to be masked, and which bits may be set before that.
    let (from, possible) = if amount == 0 {
        (from, u32::MAX)
    } else if mask & low == 0 {
        ops.push(Op::Compute(into, Arithmetic::Shift, from, by));
        (into, !low)
    } else if mask & !low == 0 {
        ops.push(Op::Compute(into, Arithmetic::ShiftRight, from, back));
        (into, low)
    } else {
        let [right, left] = SCRATCH;
        ops.push(Op::Compute(right, Arithmetic::ShiftRight, from, back));
        ops.push(Op::Compute(left, Arithmetic::Shift, from, by));
        let second = Operand::Register(left);
        ops.push(Op::Compute(into, Arithmetic::Or, right, second));
        (into, u32::MAX)
    };
    if mask != possible {
        let mask = Operand::Constant(u64::from(mask));
        ops.push(Op::Compute(into, Arithmetic::And, from, mask));
    } else if from != into {
        ops.push(Op::Set(into, Operand::Register(from)));
    }
}

/// `rlwimi`: bits of a rotated register replace those of another one.
fn insert(word: Word, ops: &mut Vec<Op>) {
    let (into, from) = (word.ra(), word.rd());
    let (first, last) = (word.field(6), word.field(1));
    let at = 31_u8.saturating_sub(last);
    let width = last.saturating_sub(first).saturating_add(1);
    // The rotation that is left when the bits have been moved to where they belong.
    let rotation = word.field(11).wrapping_sub(at) & 31;
    let value = if first > last || (rotation > 0 && width > rotation) {
        ops.push(Op::Forget(into));
        return;
    } else if rotation == 0 {
        from
    } else {
        let [scratch, _] = SCRATCH;
        let back = Operand::Constant(u64::from(32_u8.saturating_sub(rotation)));
        ops.push(Op::Compute(scratch, Arithmetic::ShiftRight, from, back));
        scratch
    };
    ops.push(Op::Insert {
        into,
        value: Operand::Register(value),
        at,
        width,
    });
}

/// A load; odd opcodes put the address into the base register.
fn load(word: Word, size: u8, signed: bool, ops: &mut Vec<Op>) -> Option<()> {
    let updates = word.opcode() & 1 == 1 && word.opcode() < 58;
    if updates && (word.base().is_none() || word.ra() == word.rd()) {
        return None;
    }
    let from = word.place();
    ops.push(Op::Load {
        into: word.rd(),
        from,
        size,
        signed,
    });
    if updates {
        update(word, from, ops);
    }
    Some(())
}

fn store(word: Word, size: u8, ops: &mut Vec<Op>) {
    let to = word.place();
    ops.push(Op::Store {
        value: Operand::Register(word.rd()),
        to,
        size,
    });
    if word.opcode() & 1 == 1 {
        update(word, to, ops);
    }
}

/// The base register becomes the address.
fn update(word: Word, place: Address, ops: &mut Vec<Op>) {
    let ra = word.ra();
    ops.push(Op::Compute(
        ra,
        Arithmetic::Add,
        ra,
        Operand::Constant(place.offset.cast_unsigned()),
    ));
}

/// The registers from the first one to the last of all, and how far from the start their places are, in bytes.
fn many(word: Word) -> impl Iterator<Item = (Register, i64)> {
    let first = word.rd().0;
    (first..32).map(move |number| {
        let index = number.saturating_sub(first);
        (Register(number), i64::from(index).wrapping_mul(4))
    })
}

fn load_many(word: Word, ops: &mut Vec<Op>) {
    let place = word.place();
    // A base register that is loaded too is not what the manual allows.
    let is_bad = place.base.is_some_and(|base| base >= word.rd());
    for (into, offset) in many(word) {
        ops.push(if is_bad {
            Op::Forget(into)
        } else {
            Op::Load {
                into,
                from: further(place, offset),
                size: 4,
                signed: false,
            }
        });
    }
}

fn store_many(word: Word, ops: &mut Vec<Op>) {
    let place = word.place();
    for (register, offset) in many(word) {
        ops.push(Op::Store {
            value: Operand::Register(register),
            to: further(place, offset),
            size: 4,
        });
    }
}

fn further(place: Address, bytes: i64) -> Address {
    Address {
        offset: place.offset.wrapping_add(bytes),
        ..place
    }
}

/// Opcodes 58 and 62: loads and stores of 64 bits, and `lwa`. The last two bits say which.
fn double(word: Word, ops: &mut Vec<Op>) -> Option<()> {
    let form = word.0 & 3;
    let word = Word(word.0 & !3);
    match (word.opcode(), form) {
        (58, 0) => load(word, 8, false, ops)?,
        (58, 2) => load(word, 4, true, ops)?,
        (58, 1) if word.base().is_some() && word.ra() != word.rd() => {
            load(word, 8, false, ops)?;
            update(word, word.place(), ops);
        }
        (62, 0) => store(word, 8, ops),
        (62, 1) if word.base().is_some() => {
            store(word, 8, ops);
            update(word, word.place(), ops);
        }
        _ => return None,
    }
    Some(())
}

/// Opcode 4: vectors of their own registers (`AltiVec`), or of the core registers (SPE). As the same bits mean one thing or the other,
/// both are told.
fn vector(word: Word, ops: &mut Vec<Op>) {
    ops.push(Op::Forget(word.rd()));
    let function = word.0 & 0x7ff;
    if matches!(function, 0x320..=0x33f) {
        let to = if function & 1 == 0 {
            word.indexed()
        } else {
            Address {
                base: word.base(),
                offset: i64::from(word.field(11)).wrapping_mul(8),
                index: None,
            }
        };
        ops.push(Op::Spoil { to, size: 8 });
    }
}
