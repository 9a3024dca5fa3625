//! Instructions that compute, with constants and with registers.

use super::super::super::op::{Arithmetic, Op, Operand};
use super::shift::ones;
use super::{Effects, HALF, SHIFTED, bit, bits, general, low, pointer, signed, value};

impl Effects<'_> {
    /// Data processing with a constant.
    pub(super) fn constants(&mut self, word: u32) -> Option<()> {
        let wide = bit(word, 31);
        let into = general(word, 0);
        match bits(word, 23, 3) {
            0 | 1 => {
                let distance = signed(word, 5, 19).wrapping_mul(4);
                let distance = distance | i64::from(bits(word, 29, 2));
                let to = if wide {
                    (self.at & !0xfff).wrapping_add_signed(distance.wrapping_mul(0x1000))
                } else {
                    self.relative(distance)
                };
                self.set(into, Operand::Constant(to), true);
            }
            2 => {
                let by = u64::from(bits(word, 10, 12));
                let by = if bit(word, 22) {
                    by.wrapping_mul(0x1000)
                } else {
                    by
                };
                let into = if bit(word, 29) {
                    into
                } else {
                    Some(pointer(word, 0))
                };
                let first = Operand::Register(pointer(word, 5));
                self.combine(into, sum(word), first, Operand::Constant(by), wide);
            }
            // With tags of memory; or the smaller and greater of two.
            3 if bit(word, 22) => self.forget(into),
            3 => self.forget(Some(pointer(word, 0))),
            4 => {
                let mask = Operand::Constant(mask(word)?);
                let into = if bits(word, 29, 2) == 3 {
                    into
                } else {
                    Some(pointer(word, 0))
                };
                self.combine(into, logic(word), value(word, 5), mask, wide);
            }
            5 => return self.moved(word, wide),
            6 => return self.field(word, wide),
            _ => return self.extracted(word, wide),
        }
        Some(())
    }

    /// `movn`, `movz`, `movk`.
    fn moved(&mut self, word: u32, wide: bool) -> Option<()> {
        let at = bits(word, 21, 2).wrapping_mul(16);
        let sixteen = u64::from(bits(word, 5, 16));
        let placed = sixteen.wrapping_shl(at);
        if at > 16 && !wide {
            return None;
        }
        let into = general(word, 0);
        match (bits(word, 29, 2), into) {
            (0, _) => self.set(into, Operand::Constant(!placed), wide),
            (2, _) => self.set(into, Operand::Constant(placed), wide),
            (3, Some(into)) => {
                self.ops.push(Op::Insert {
                    into,
                    value: Operand::Constant(sixteen),
                    at: low(at),
                    width: 16,
                });
                self.narrow(into, wide);
            }
            (3, None) => {}
            _ => return None,
        }
        Some(())
    }

    /// Data processing with registers.
    pub(super) fn registers(&mut self, word: u32) {
        let wide = bit(word, 31);
        let into = general(word, 0);
        match (bit(word, 28), bits(word, 21, 4)) {
            (false, 0..=7) => {
                let second = self.shifted(word, wide);
                let second = if bit(word, 21) {
                    self.not(second)
                } else {
                    second
                };
                self.combine(into, logic(word), value(word, 5), second, wide);
            }
            (false, kind) if kind & 1 == 0 => {
                let second = self.shifted(word, wide);
                self.combine(into, sum(word), value(word, 5), second, wide);
            }
            (false, _) => {
                let second = self.extended(word, 10);
                let into = if bit(word, 29) {
                    into
                } else {
                    Some(pointer(word, 0))
                };
                let first = Operand::Register(pointer(word, 5));
                self.combine(into, sum(word), first, second, wide);
            }
            // Comparisons under a condition.
            (true, 2) => {}
            (true, 6) if !bit(word, 30) && bits(word, 12, 4) == 2 => self.shift_by(word, wide),
            (true, 6) if bit(word, 30) && bits(word, 12, 9) == 0 => self.reverse(word, wide),
            // Multiplication alone.
            (true, 8) if bits(word, 10, 6) == 31 && bits(word, 29, 2) == 0 => {
                let first = value(word, 5);
                let second = value(word, 16);
                self.combine(into, Arithmetic::Multiply, first, second, wide);
            }
            _ => self.forget(into),
        }
    }

    fn not(&mut self, value: Operand) -> Operand {
        match value {
            Operand::Constant(value) => Operand::Constant(!value),
            Operand::Register(from) => {
                self.compute(SHIFTED, Arithmetic::Xor, from, u64::MAX);
                Operand::Register(SHIFTED)
            }
            Operand::Shifted(..) => {
                self.ops.push(Op::Set(SHIFTED, value));
                self.compute(SHIFTED, Arithmetic::Xor, SHIFTED, u64::MAX);
                Operand::Register(SHIFTED)
            }
        }
    }

    /// The second register, shifted by a constant. Bits above the lower half are anything where only that is worked on.
    fn shifted(&mut self, word: u32, wide: bool) -> Operand {
        let by = bits(word, 10, 6);
        let Operand::Register(from) = value(word, 16) else {
            return Operand::Constant(0);
        };
        match bits(word, 22, 2) {
            _ if by == 0 => return Operand::Register(from),
            0 => return Operand::Shifted(from, low(by)),
            1 if wide => self.shift(SHIFTED, Arithmetic::ShiftRight, from, by),
            1 => {
                self.halve(SHIFTED, from);
                self.shift(SHIFTED, Arithmetic::ShiftRight, SHIFTED, by);
            }
            2 if wide => self.shift(SHIFTED, Arithmetic::ShiftSigned, from, by),
            2 => {
                self.shift(SHIFTED, Arithmetic::Shift, from, 32);
                let by = by.wrapping_add(32);
                self.shift(SHIFTED, Arithmetic::ShiftSigned, SHIFTED, by);
            }
            _ => self.ops.push(Op::Forget(SHIFTED)),
        }
        Operand::Register(SHIFTED)
    }

    /// The second register, extended from a part of it and shifted to the left, by as much as the bits from `at` on say.
    pub(super) fn extended(&mut self, word: u32, at: u32) -> Operand {
        let by = low(bits(word, at, 3));
        self.extended_by(word, by)
    }

    /// The second register, extended from a part of it and shifted to the left.
    pub(super) fn extended_by(&mut self, word: u32, by: u8) -> Operand {
        let Operand::Register(from) = value(word, 16) else {
            return Operand::Constant(0);
        };
        let kind = bits(word, 13, 3);
        let left = match kind & 3 {
            0 => 56,
            1 => 48,
            2 => 32,
            _ if by == 0 => return Operand::Register(from),
            _ => return Operand::Shifted(from, by),
        };
        if kind < 4 {
            self.compute(SHIFTED, Arithmetic::And, from, u64::MAX.wrapping_shr(left));
        } else {
            self.shift(SHIFTED, Arithmetic::Shift, from, left);
            self.shift(SHIFTED, Arithmetic::ShiftSigned, SHIFTED, left);
        }
        if by == 0 {
            Operand::Register(SHIFTED)
        } else {
            Operand::Shifted(SHIFTED, by)
        }
    }
}

fn sum(word: u32) -> Arithmetic {
    if bit(word, 30) {
        Arithmetic::Subtract
    } else {
        Arithmetic::Add
    }
}

fn logic(word: u32) -> Arithmetic {
    match bits(word, 29, 2) {
        1 => Arithmetic::Or,
        2 => Arithmetic::Xor,
        _ => Arithmetic::And,
    }
}

/// The constant of a logical instruction: a run of ones, rotated in an element of 2 to 64 bits that is repeated.
fn mask(word: u32) -> Option<u64> {
    let last = bits(word, 10, 6);
    let sizes = bits(word, 22, 1).wrapping_shl(6) | (last ^ 0x3f);
    let size = 1_u32.wrapping_shl(sizes.checked_ilog2()?);
    let levels = size.wrapping_sub(1);
    let run = last & levels;
    if size < 2 || run == levels || (size == 64 && !bit(word, 31)) {
        return None;
    }
    let mut element = ones(run.wrapping_add(1));
    let turn = bits(word, 16, 6) & levels;
    if turn > 0 {
        element = (element.wrapping_shr(turn) | element.wrapping_shl(size.wrapping_sub(turn)))
            & ones(size);
    }
    // Doubled until it fills all 64 bits.
    let mut filled = size;
    while filled < 64 {
        element |= element.wrapping_shl(filled);
        filled = filled.wrapping_mul(2);
    }
    Some(if bit(word, 31) {
        element
    } else {
        element & HALF
    })
}
