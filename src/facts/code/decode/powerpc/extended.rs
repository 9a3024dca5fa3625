//! Opcode 31: instructions of three registers.

use super::super::super::op::{Address, Arithmetic, Op, Operand, Register};
use super::{COUNT, LINK, SCRATCH, Word};

/// The numbers of the special registers for the link and the count.
const LINK_NUMBER: u16 = 8;
const COUNT_NUMBER: u16 = 9;

/// Tells what an instruction does.
pub(super) fn decode(word: Word, ops: &mut Vec<Op>) -> Option<()> {
    let rd = word.rd();
    let function = (word.0 >> 1) & 0x3ff;
    match function & 31 {
        // `setb`.
        0 if function == 128 => ops.push(Op::Forget(rd)),
        // `trap`.
        4 if rd.0 == 31 => ops.push(Op::Stop),
        // Comparisons and traps under a condition.
        0 | 4 => {}
        8..=11 => arithmetic(word, function, ops),
        // `isel`.
        15 => ops.push(Op::Forget(rd)),
        24 | 26..=28 => logic(word, function, ops),
        19 => special(word, function, ops)?,
        20..=23 => return memory(word, function, ops),
        _ => match function {
            // Stores of vector registers.
            135 | 167 | 199 | 231 | 487 | 140 | 396 | 652 | 716 | 908 | 972 => {
                ops.push(Op::Spoil {
                    to: word.indexed(),
                    size: 16,
                });
            }
            // `mfdcr`, `mfdcrx`, `mfpmr`, and `tlbsx` and `tlbre` of embedded processors.
            259 | 291 | 323 | 334 | 914 | 946 => ops.push(Op::Forget(rd)),
            // Loads of vector registers; fields of condition registers, the machine's state, translation, performance counters,
            // transactions, hints.
            6 | 7 | 12 | 30 | 38 | 39 | 62 | 71 | 76 | 103 | 131 | 134 | 144 | 146 | 163 | 166
            | 178 | 210 | 230 | 242 | 268 | 306 | 332 | 359 | 370 | 387 | 390 | 402 | 419 | 434
            | 451 | 462 | 486 | 498 | 524 | 588 | 654 | 686 | 718 | 750 | 780 | 782 | 786 | 814
            | 844 | 846 | 878 | 910 | 942 | 978 | 1006 => {}
            _ => return None,
        },
    }
    Some(())
}

/// Sums, differences, products and quotients. The tenth bit of the function asks for the overflow, which is not followed.
fn arithmetic(word: Word, function: u32, ops: &mut Vec<Op>) {
    let (rd, ra, rb) = (word.rd(), word.ra(), word.rb());
    let second = Operand::Register(rb);
    match function & 0x1ff {
        10 | 266 => ops.push(Op::Compute(rd, Arithmetic::Add, ra, second)),
        8 | 40 => {
            let second = Operand::Register(ra);
            ops.push(Op::Compute(rd, Arithmetic::Subtract, rb, second));
        }
        235 => ops.push(Op::Compute(rd, Arithmetic::Multiply, ra, second)),
        104 => {
            let [scratch, _] = SCRATCH;
            ops.push(Op::Set(scratch, Operand::Constant(0)));
            let second = Operand::Register(ra);
            ops.push(Op::Compute(rd, Arithmetic::Subtract, scratch, second));
        }
        _ => ops.push(Op::Forget(rd)),
    }
}

/// Logic, shifts and extensions, which write the second register.
fn logic(word: Word, function: u32, ops: &mut Vec<Op>) {
    let (into, from) = (word.ra(), word.rd());
    let second = Operand::Register(word.rb());
    let amount = Operand::Constant(u64::from(word.field(11)));
    let is_twice = word.rb() == from;
    let mut extend = |by: u64| {
        let by = Operand::Constant(by);
        ops.push(Op::Compute(into, Arithmetic::Shift, from, by));
        ops.push(Op::Compute(into, Arithmetic::ShiftSigned, into, by));
    };
    match function {
        28 => ops.push(Op::Compute(into, Arithmetic::And, from, second)),
        316 => ops.push(Op::Compute(into, Arithmetic::Xor, from, second)),
        444 if is_twice => ops.push(Op::Set(into, Operand::Register(from))),
        444 => ops.push(Op::Compute(into, Arithmetic::Or, from, second)),
        // `not`.
        124 if is_twice => ops.push(Op::Compute(
            into,
            Arithmetic::Xor,
            from,
            Operand::Constant(u64::MAX),
        )),
        824 => ops.push(Op::Compute(into, Arithmetic::ShiftSigned, from, amount)),
        922 => extend(16),
        954 => extend(24),
        _ => ops.push(Op::Forget(into)),
    }
}

/// Moves from and to special registers.
fn special(word: Word, function: u32, ops: &mut Vec<Op>) -> Option<()> {
    let rd = word.rd();
    let number = u16::from(word.field(11)) << 5 | u16::from(word.field(16));
    let register = match number {
        LINK_NUMBER => Some(LINK),
        COUNT_NUMBER => Some(COUNT),
        _ => None,
    };
    match function {
        339 => ops.push(match register {
            Some(register) => Op::Set(rd, Operand::Register(register)),
            None => Op::Forget(rd),
        }),
        467 => ops.extend(register.map(|register| Op::Set(register, Operand::Register(rd)))),
        // `mfcr`, `mfmsr`, the time base, segments.
        19 | 83 | 371 | 595 | 659 | 755 | 851 | 915 => ops.push(Op::Forget(rd)),
        // From vector registers, to vector registers.
        51 | 115 | 307 => ops.push(Op::Forget(word.ra())),
        179 | 211 | 243 | 403 | 435 => {}
        _ => return None,
    }
    Some(())
}

/// Loads and stores, with what belongs to caches.
fn memory(word: Word, function: u32, ops: &mut Vec<Op>) -> Option<()> {
    let updates = function & 32 != 0;
    let load = |size, signed, ops: &mut Vec<Op>| load(word, size, signed, updates, ops);
    match function {
        23 | 55 => load(4, false, ops)?,
        87 | 119 => load(1, false, ops)?,
        279 | 311 => load(2, false, ops)?,
        343 | 375 => load(2, true, ops)?,
        341 | 373 => load(4, true, ops)?,
        21 | 53 => load(8, false, ops)?,
        // Loads that reserve: these do not write the base register.
        20 => self::load(word, 4, false, false, ops)?,
        52 => self::load(word, 1, false, false, ops)?,
        116 => self::load(word, 2, false, false, ops)?,
        84 => self::load(word, 8, false, false, ops)?,
        151 | 183 => store(word, 4, updates, ops),
        215 | 247 => store(word, 1, updates, ops),
        407 | 439 => store(word, 2, updates, ops),
        149 | 181 => store(word, 8, updates, ops),
        // With the bytes in the other order, and stores that depend on a reservation.
        534 | 790 | 532 | 310 => ops.push(Op::Forget(word.rd())),
        662 | 150 => spoil(word, 4, ops),
        918 | 726 => spoil(word, 2, ops),
        660 | 214 => spoil(word, 8, ops),
        694 => spoil(word, 1, ops),
        // Of the floating-point unit.
        567 | 631 => update(word, ops),
        663 | 695 | 983 => {
            spoil(word, 4, ops);
            if function == 695 {
                update(word, ops);
            }
        }
        727 | 759 => {
            spoil(word, 8, ops);
            if updates {
                update(word, ops);
            }
        }
        919 => spoil(word, 16, ops),
        597 => load_string(word, ops),
        725 => ops.push(Op::Spoil {
            to: Address {
                offset: 0,
                ..word.place()
            },
            size: string_bytes(word),
        }),
        661 => spoil(word, 128, ops),
        1014 => clear_line(word, ops),
        // Loads of the floating-point unit; caches, order, translation.
        22 | 54 | 86 | 246 | 278 | 342 | 374 | 438 | 470 | 535 | 566 | 598 | 599 | 758 | 791
        | 822 | 854 | 855 | 887 | 982 => {}
        _ => return None,
    }
    Some(())
}

fn load(word: Word, size: u8, signed: bool, updates: bool, ops: &mut Vec<Op>) -> Option<()> {
    let mut from = word.indexed();
    if updates {
        if word.base().is_none() || word.ra() == word.rd() {
            return None;
        }
        // First, as what is loaded may replace the index.
        update(word, ops);
        from.index = None;
    }
    ops.push(Op::Load {
        into: word.rd(),
        from,
        size,
        signed,
    });
    Some(())
}

fn store(word: Word, size: u8, updates: bool, ops: &mut Vec<Op>) {
    ops.push(Op::Store {
        value: Operand::Register(word.rd()),
        to: word.indexed(),
        size,
    });
    if updates {
        update(word, ops);
    }
}

fn spoil(word: Word, size: u8, ops: &mut Vec<Op>) {
    ops.push(Op::Spoil {
        to: word.indexed(),
        size,
    });
}

/// The base register becomes the address.
fn update(word: Word, ops: &mut Vec<Op>) {
    let (ra, rb) = (word.ra(), Operand::Register(word.rb()));
    ops.push(Op::Compute(ra, Arithmetic::Add, ra, rb));
}

/// How many bytes `lswi` and `stswi` move.
fn string_bytes(word: Word) -> u8 {
    match word.field(11) {
        0 => 32,
        bytes => bytes,
    }
}

/// `lswi`: so many bytes into so many registers, around the end.
fn load_string(word: Word, ops: &mut Vec<Op>) {
    for index in 0..string_bytes(word).div_ceil(4) {
        ops.push(Op::Forget(Register(word.rd().0.wrapping_add(index) & 31)));
    }
}

/// `dcbz`: a line of the cache, of 128 bytes at most, becomes zero.
fn clear_line(word: Word, ops: &mut Vec<Op>) {
    let to = Address {
        offset: -127,
        ..word.indexed()
    };
    ops.push(Op::Spoil { to, size: 255 });
}
