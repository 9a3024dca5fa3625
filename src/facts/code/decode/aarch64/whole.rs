//! Whole vectors: constants, logic, and halves that are put together.

use super::super::super::op::{Arithmetic, Op, Operand};
use super::vector::EACH;
use super::{Effects, SHIFTED, bit, bits};

impl Effects<'_> {
    pub(super) fn float_constant(&mut self, word: u32) -> Option<()> {
        let [into, upper] = self.halves(bits(word, 0, 5))?;
        let eight = bits(word, 13, 8);
        let value = if bit(word, 22) {
            double(eight)
        } else {
            u64::from(float(eight))
        };
        self.put(into, Operand::Constant(value));
        self.clear(upper);
        Some(())
    }

    /// `movi`, `mvni`, `fmov`; `orr` and `bic` with a constant.
    pub(super) fn constant(&mut self, word: u32) -> Option<()> {
        let [into, upper] = self.halves(bits(word, 0, 5))?;
        let eight = bits(word, 16, 3).wrapping_shl(5) | bits(word, 5, 5);
        let kind = bits(word, 12, 4);
        let value = expanded(kind, bit(word, 29), eight);
        let inverts = bit(word, 29) && kind < 14;
        let value = if inverts { !value } else { value };
        let changes = kind < 12 && kind & 1 == 1;
        for half in [into, upper] {
            if half == upper && !bit(word, 30) {
                self.clear(upper);
            } else if changes && inverts {
                self.compute(half, Arithmetic::And, half, value);
            } else if changes {
                self.compute(half, Arithmetic::Or, half, value);
            } else {
                self.put(half, Operand::Constant(value));
            }
        }
        Some(())
    }

    /// Logic of whole vectors.
    pub(super) fn logic(&mut self, word: u32) -> Option<()> {
        let [into, first, second] = [0, 5, 16].map(|at| bits(word, at, 5));
        let arithmetic = match (bit(word, 29), bits(word, 22, 2)) {
            (false, 0) => Arithmetic::And,
            (false, 2) => Arithmetic::Or,
            (true, 0) => Arithmetic::Xor,
            _ => return None,
        };
        let [lower, upper] = self.halves(into)?;
        let whole = bit(word, 30);
        if first == second && arithmetic == Arithmetic::Xor {
            self.clear(lower);
            self.clear(upper);
            return Some(());
        }
        let (first, other) = (self.halves(first)?, self.halves(second)?);
        for ((into, one), other) in [lower, upper].into_iter().zip(first).zip(other) {
            if into == upper && !whole {
                self.clear(upper);
            } else if one == other {
                self.put(into, Operand::Register(one));
            } else {
                let other = Operand::Register(other);
                self.ops.push(Op::Compute(into, arithmetic, one, other));
            }
        }
        Some(())
    }

    /// Addition and subtraction of elements of 8 bytes.
    pub(super) fn sum(&mut self, word: u32) -> Option<()> {
        let into = self.halves(bits(word, 0, 5))?;
        let first = self.halves(bits(word, 5, 5))?;
        let second = self.halves(bits(word, 16, 5))?;
        let arithmetic = if bit(word, 29) {
            Arithmetic::Subtract
        } else {
            Arithmetic::Add
        };
        for ((into, one), other) in into.into_iter().zip(first).zip(second) {
            let other = Operand::Register(other);
            self.ops.push(Op::Compute(into, arithmetic, one, other));
        }
        Some(())
    }

    /// The lower halves of two vectors, or the upper ones: `zip`, `uzp` and `trn` of elements of 8 bytes.
    pub(super) fn interleave(&mut self, word: u32) -> Option<()> {
        let [lower, upper] = self.halves(bits(word, 0, 5))?;
        let [first, first_upper] = self.halves(bits(word, 5, 5))?;
        let [second, second_upper] = self.halves(bits(word, 16, 5))?;
        match bits(word, 12, 3) {
            1..=3 => {
                self.put(upper, Operand::Register(second));
                self.put(lower, Operand::Register(first));
            }
            5..=7 => {
                self.put(lower, Operand::Register(first_upper));
                self.put(upper, Operand::Register(second_upper));
            }
            _ => return None,
        }
        Some(())
    }

    /// `ext` by 8 bytes: the upper half of a vector and the lower one of another.
    pub(super) fn middle(&mut self, word: u32) -> Option<()> {
        let [lower, upper] = self.halves(bits(word, 0, 5))?;
        let [_, first] = self.halves(bits(word, 5, 5))?;
        let [second, _] = self.halves(bits(word, 16, 5))?;
        self.put(SHIFTED, Operand::Register(first));
        self.put(upper, Operand::Register(second));
        self.put(lower, Operand::Register(SHIFTED));
        Some(())
    }
}

/// A float of 32 bits whose sign, exponent and fraction are in eight.
fn float(eight: u32) -> u32 {
    let exponent = if bit(eight, 6) { 0x1f } else { 0x20 };
    bits(eight, 7, 1).wrapping_shl(31)
        | u32::wrapping_shl(exponent, 25)
        | bits(eight, 0, 6).wrapping_shl(19)
}

/// A float of 64 bits.
fn double(eight: u32) -> u64 {
    let exponent = if bit(eight, 6) { 0xff } else { 0x100 };
    let upper = bits(eight, 7, 1).wrapping_shl(31)
        | u32::wrapping_shl(exponent, 22)
        | bits(eight, 0, 6).wrapping_shl(16);
    u64::from(upper).wrapping_shl(32)
}

/// Eight bytes of a constant that is in eight bits, before it is inverted.
fn expanded(kind: u32, other: bool, eight: u32) -> u64 {
    let [bytes, halves, words, _] = EACH;
    let value = u64::from(eight);
    let left = bits(kind, 1, 2).wrapping_mul(8);
    match (kind, other) {
        (0..=7, _) => value.wrapping_shl(left).wrapping_mul(words),
        (8..=11, _) => value.wrapping_shl(left & 8).wrapping_mul(halves),
        (12, _) => (value.wrapping_shl(8) | 0xff).wrapping_mul(words),
        (13, _) => (value.wrapping_shl(16) | 0xffff).wrapping_mul(words),
        (14, false) => value.wrapping_mul(bytes),
        // Each bit is a byte.
        (14, true) => (0..8)
            .filter(|&at| bit(eight, at))
            .map(|at| 0xff_u64.wrapping_shl(at.wrapping_mul(8)))
            .sum(),
        (_, false) => u64::from(float(eight)).wrapping_mul(words),
        (_, true) => double(eight),
    }
}
