//! Shifts, rotation, bit fields, and the order of bytes.

use super::super::super::op::{Arithmetic, Op, Operand, Register};
use super::{Effects, FIRST, SHIFTED, bit, bits, general, low, value};

impl Effects<'_> {
    /// Bit fields, and with them shifts by constants and extension.
    pub(super) fn field(&mut self, word: u32, wide: bool) -> Option<()> {
        let size: u32 = if wide { 64 } else { 32 };
        let [first, last] = [bits(word, 16, 6), bits(word, 10, 6)];
        if first >= size || last >= size || bit(word, 22) != wide {
            return None;
        }
        let Some(into) = general(word, 0) else {
            return Some(());
        };
        let width = last.wrapping_add(1);
        // The field goes down to bit 0, or from there up to where it is put.
        let down = last >= first;
        let at = size.wrapping_sub(first);
        let source = value(word, 5);
        match (bits(word, 29, 2), source) {
            (0 | 2, Operand::Constant(_)) => self.set(Some(into), Operand::Constant(0), true),
            (0, Operand::Register(from)) => {
                let left = 64_u32.wrapping_sub(width);
                let right = if down {
                    left.wrapping_add(first)
                } else {
                    left.wrapping_sub(at)
                };
                let from = if left == 0 {
                    from
                } else {
                    self.shift(into, Arithmetic::Shift, from, left);
                    into
                };
                self.shift(into, Arithmetic::ShiftSigned, from, right);
                self.narrow(into, wide);
            }
            (2, Operand::Register(from)) if down => {
                let width = width.wrapping_sub(first);
                let mask = ones(width);
                if first == 0 {
                    self.compute(into, Arithmetic::And, from, mask);
                } else {
                    self.shift(into, Arithmetic::ShiftRight, from, first);
                    if first.wrapping_add(width) < 64 {
                        self.compute(into, Arithmetic::And, into, mask);
                    }
                }
            }
            (2, Operand::Register(from)) => {
                if width.wrapping_add(at) == size {
                    let value = Operand::Shifted(from, low(at));
                    self.set(Some(into), value, wide);
                } else {
                    self.compute(into, Arithmetic::And, from, ones(width));
                    self.shift(into, Arithmetic::Shift, into, at);
                }
            }
            (1, _) => {
                let (value, at, width) = match source {
                    Operand::Register(from) if down && first > 0 => {
                        self.shift(SHIFTED, Arithmetic::ShiftRight, from, first);
                        let width = width.wrapping_sub(first);
                        (Operand::Register(SHIFTED), 0, width)
                    }
                    _ if down => (source, 0, width.wrapping_sub(first)),
                    _ => (source, at, width),
                };
                self.ops.push(Op::Insert {
                    into,
                    value,
                    at: low(at),
                    width: low(width),
                });
                self.narrow(into, wide);
            }
            _ => return None,
        }
        Some(())
    }

    pub(super) fn shift(
        &mut self,
        into: Register,
        arithmetic: Arithmetic,
        from: Register,
        by: u32,
    ) {
        self.compute(into, arithmetic, from, u64::from(by));
    }

    /// `extr`: bits from a place on in two registers, one above the other; `ror` where they are the same.
    pub(super) fn extracted(&mut self, word: u32, wide: bool) -> Option<()> {
        let size: u32 = if wide { 64 } else { 32 };
        let at = bits(word, 10, 6);
        if at >= size || bit(word, 22) != wide || bit(word, 21) || bits(word, 29, 2) != 0 {
            return None;
        }
        let Some(into) = general(word, 0) else {
            return Some(());
        };
        let [upper, lower] = [value(word, 5), value(word, 16)];
        if at == 0 {
            self.set(Some(into), lower, wide);
            return Some(());
        }
        match lower {
            Operand::Register(lower) if wide => {
                self.shift(SHIFTED, Arithmetic::ShiftRight, lower, at);
            }
            _ => {
                self.set(Some(SHIFTED), lower, wide);
                self.shift(SHIFTED, Arithmetic::ShiftRight, SHIFTED, at);
            }
        }
        if let Operand::Register(upper) = upper {
            let upper = Operand::Shifted(upper, low(size.wrapping_sub(at)));
            self.ops
                .push(Op::Compute(into, Arithmetic::Or, SHIFTED, upper));
            self.narrow(into, wide);
        } else {
            self.set(Some(into), Operand::Register(SHIFTED), true);
        }
        Some(())
    }

    /// A register shifted by another, whose lower bits count.
    pub(super) fn shift_by(&mut self, word: u32, wide: bool) {
        let (Some(into), Operand::Register(from)) = (general(word, 0), value(word, 5)) else {
            return self.set(general(word, 0), Operand::Constant(0), true);
        };
        let Operand::Register(by) = value(word, 16) else {
            return self.set(Some(into), Operand::Register(from), wide);
        };
        let most = if wide { 63 } else { 31 };
        self.compute(SHIFTED, Arithmetic::And, by, most);
        let by = Operand::Register(SHIFTED);
        let kind = bits(word, 10, 2);
        let arithmetic = match kind {
            0 => Arithmetic::Shift,
            2 => Arithmetic::ShiftSigned,
            _ => Arithmetic::ShiftRight,
        };
        let from = match kind {
            1..=3 if !wide => {
                self.halve(FIRST, from);
                FIRST
            }
            _ => from,
        };
        match kind {
            3 if wide => {
                self.ops.push(Op::Compute(FIRST, arithmetic, from, by));
                // By the other bits of a word, in two steps as these may be all.
                self.compute(SHIFTED, Arithmetic::Xor, SHIFTED, most);
                self.ops
                    .push(Op::Compute(SHIFTED, Arithmetic::Shift, from, by));
                let left = Operand::Shifted(SHIFTED, 1);
                self.ops
                    .push(Op::Compute(into, Arithmetic::Or, FIRST, left));
            }
            // Twice the same, one above the other.
            3 => {
                let twice = Operand::Shifted(FIRST, 32);
                self.ops
                    .push(Op::Compute(FIRST, Arithmetic::Or, FIRST, twice));
                self.ops.push(Op::Compute(into, arithmetic, FIRST, by));
                self.narrow(into, false);
            }
            2 if !wide => {
                self.shift(FIRST, Arithmetic::Shift, FIRST, 32);
                self.shift(FIRST, Arithmetic::ShiftSigned, FIRST, 32);
                self.ops.push(Op::Compute(into, arithmetic, FIRST, by));
                self.narrow(into, false);
            }
            _ => {
                self.ops.push(Op::Compute(into, arithmetic, from, by));
                self.narrow(into, wide || kind == 1);
            }
        }
    }

    /// `rev16`, `rev32`, `rev`; the order of bits and how many are the same are not followed.
    pub(super) fn reverse(&mut self, word: u32, wide: bool) {
        let group = match bits(word, 10, 2) {
            1 => 2,
            2 => 4,
            3 if wide => 8,
            _ => return self.forget(general(word, 0)),
        };
        match (general(word, 0), value(word, 5)) {
            (Some(into), Operand::Register(from)) => {
                self.compute(into, Arithmetic::Swap, from, group);
                self.narrow(into, wide);
            }
            (into, zero) => self.set(into, zero, true),
        }
    }
}

/// So many bits from bit 0 on; at least one.
pub(super) fn ones(width: u32) -> u64 {
    u64::MAX.wrapping_shr(64_u32.wrapping_sub(width))
}
