//! Vectors and floating point. Some vector registers are followed, each as two registers of eight bytes, since compilers copy memory
//! through them: what is moved, and what `whole` has. Everything else forgets what it writes.

use super::super::super::op::{Arithmetic, Op, Operand, Register};
use super::{Effects, SHIFTED, bit, bits, general, low, value};
use crate::read::Endian;

/// Where the registers that vectors are followed as start.
const FIRST_HALF: u32 = 34;
/// 1 in each element of 1, 2, 4, 8 bytes.
pub(super) const EACH: [u64; 4] = [
    0x0101_0101_0101_0101,
    0x0001_0001_0001_0001,
    0x0000_0001_0000_0001,
    1,
];

/// The half of a register in which an element is, and its first bit there. Elements are counted by their size, a power of two of bytes.
pub(super) fn element(halves: [Register; 2], index: u32, scale: u32) -> (Register, u32) {
    let at = index.wrapping_shl(scale.wrapping_add(3));
    let [lower, upper] = halves;
    (if at < 64 { lower } else { upper }, at & 63)
}

/// All bits of an element.
fn ones(scale: u32) -> u64 {
    u64::MAX.wrapping_shr(64_u32.wrapping_sub(8_u32.wrapping_shl(scale)))
}

impl Effects<'_> {
    /// The registers that a vector is followed as, the lower half first: `v0` to `v6` and `v28` to `v31`, as compilers take the lowest
    /// ones or, newer ones, the highest. Of big-endian memory none is, as the halves are elsewhere then.
    pub(super) fn halves(&self, number: u32) -> Option<[Register; 2]> {
        let place = match number & 31 {
            _ if self.data == Endian::Big => return None,
            number @ 0..=6 => number,
            number @ 28..=31 => number.wrapping_sub(21),
            _ => return None,
        };
        let lower = place.wrapping_mul(2).wrapping_add(FIRST_HALF);
        Some([lower, lower.wrapping_add(1)].map(|number| Register(low(number))))
    }

    pub(super) fn forget_vector(&mut self, number: u32) {
        self.ops
            .extend(self.halves(number).into_iter().flatten().map(Op::Forget));
    }

    pub(super) fn put(&mut self, into: Register, value: Operand) {
        if value != Operand::Register(into) {
            self.ops.push(Op::Set(into, value));
        }
    }

    pub(super) fn clear(&mut self, into: Register) {
        self.put(into, Operand::Constant(0));
    }

    pub(super) fn vectors(&mut self, word: u32) {
        let told = match word {
            _ if word & 0x9fe0_8400 == 0x0e00_0400 => self.copy(word),
            _ if word & 0xffe0_fc00 == 0x5e00_0400 => self.scalar(word),
            _ if word & 0x7f20_fc00 == 0x1e20_0000 => self.between(word),
            _ if word & 0xffbf_fc00 == 0x1e20_4000 => self.float(word),
            _ if word & 0xffa0_1fe0 == 0x1e20_1000 => self.float_constant(word),
            _ if word & 0x9ff8_0c00 == 0x0f00_0400 => self.constant(word),
            _ if word & 0x9f20_fc00 == 0x0e20_1c00 => self.logic(word),
            _ if word & 0xdfe0_fc00 == 0x4ee0_8400 => self.sum(word),
            _ if word & 0xffe0_8c00 == 0x4ec0_0800 => self.interleave(word),
            _ if word & 0xffe0_fc00 == 0x6e00_4000 => self.middle(word),
            // Comparisons.
            _ if word & 0xff20_fc07 == 0x1e20_2000 || word & 0xff20_0c00 == 0x1e20_0400 => Some(()),
            _ => None,
        };
        if told.is_none() {
            self.forget_written(word);
        }
    }

    /// General registers are written by conversions, and where an element is moved.
    fn forget_written(&mut self, word: u32) {
        let converts = word & 0x5f20_0000 == 0x1e20_0000 && bits(word, 10, 6) == 0;
        let fixed = word & 0x5f20_0000 == 0x1e00_0000;
        let moved = word & 0xbfe0_8400 == 0x0e00_0400 && matches!(bits(word, 11, 4), 5 | 7);
        let writes = match bits(word, 16, 3) {
            2 | 3 | 7 => false,
            _ => converts || fixed,
        };
        if writes || moved {
            self.forget(general(word, 0));
        }
        // Other roundings than the usual one: some new conversions write a vector register.
        let plain = bits(word, 19, 2) == 0 || bits(word, 16, 3) < 2;
        if !(moved || writes && plain) {
            self.forget_vector(bits(word, 0, 5));
        }
    }

    /// `dup`, `ins`, `umov`, `smov`.
    fn copy(&mut self, word: u32) -> Option<()> {
        let five = bits(word, 16, 5);
        let scale = five.trailing_zeros();
        let index = five.wrapping_shr(scale.wrapping_add(1));
        let whole = bit(word, 30);
        let kind = bits(word, 11, 4);
        let [into, from] = [bits(word, 0, 5), bits(word, 5, 5)];
        if scale > 3 {
            return None;
        }
        if bit(word, 29) {
            let index_from = kind.wrapping_shr(scale);
            let (register, at) = element(self.halves(from)?, index_from, scale);
            let to = self.halves(into)?;
            let value = if at == 0 {
                Operand::Register(register)
            } else {
                let by = u64::from(at);
                self.compute(SHIFTED, Arithmetic::ShiftRight, register, by);
                Operand::Register(SHIFTED)
            };
            self.insert(element(to, index, scale), value, scale);
            return Some(());
        }
        match kind {
            0 => {
                let to = self.halves(into)?;
                let (register, at) = element(self.halves(from)?, index, scale);
                let register = self.lowered(to, register, at);
                self.repeat(into, Operand::Register(register), scale, whole);
            }
            1 => {
                self.halves(into)?;
                self.repeat(into, value(word, 5), scale, whole);
            }
            3 => {
                let to = self.halves(into)?;
                self.insert(element(to, index, scale), value(word, 5), scale);
            }
            5 | 7 => {
                let (register, at) = element(self.halves(from)?, index, scale);
                let Some(to) = general(word, 0) else {
                    return Some(());
                };
                let unused = 64_u32.wrapping_sub(8_u32.wrapping_shl(scale));
                if kind == 7 {
                    let register = self.lowered([to, to], register, at);
                    self.masked(to, register, scale);
                } else {
                    let left = u64::from(unused.wrapping_sub(at));
                    self.compute(to, Arithmetic::Shift, register, left);
                    let right = u64::from(unused);
                    self.compute(to, Arithmetic::ShiftSigned, to, right);
                    self.narrow(to, whole);
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Moves a register's bits down from a place, if they are not there: where they are then.
    fn lowered(&mut self, [into, _]: [Register; 2], from: Register, at: u32) -> Register {
        if at == 0 {
            return from;
        }
        self.compute(into, Arithmetic::ShiftRight, from, u64::from(at));
        into
    }

    /// The lowest element, zeros above it.
    fn masked(&mut self, into: Register, from: Register, scale: u32) {
        if scale == 3 {
            self.put(into, Operand::Register(from));
        } else {
            self.compute(into, Arithmetic::And, from, ones(scale));
        }
    }

    fn insert(&mut self, (into, at): (Register, u32), value: Operand, scale: u32) {
        if scale == 3 {
            return self.put(into, value);
        }
        self.ops.push(Op::Insert {
            into,
            value,
            at: low(at),
            width: low(8_u32.wrapping_shl(scale)),
        });
    }

    /// All elements of a vector, or of its lower half, become a value.
    pub(super) fn repeat(&mut self, number: u32, value: Operand, scale: u32, whole: bool) {
        let Some([into, upper]) = self.halves(number) else {
            return;
        };
        match (value, usize::try_from(scale).map(|scale| EACH.get(scale))) {
            (Operand::Register(from), Ok(Some(&each))) if scale < 3 => {
                self.masked(into, from, scale);
                self.compute(into, Arithmetic::Multiply, into, each);
            }
            _ => self.put(into, value),
        }
        self.put(
            upper,
            if whole {
                Operand::Register(into)
            } else {
                Operand::Constant(0)
            },
        );
    }

    /// One element; zeros above it.
    fn scalar(&mut self, word: u32) -> Option<()> {
        let five = bits(word, 16, 5);
        let scale = five.trailing_zeros();
        let to @ [into, upper] = self.halves(bits(word, 0, 5))?;
        let from = self.halves(bits(word, 5, 5))?;
        if scale > 3 {
            return None;
        }
        let (register, at) = element(from, five.wrapping_shr(scale.wrapping_add(1)), scale);
        let register = self.lowered(to, register, at);
        self.masked(into, register, scale);
        self.clear(upper);
        Some(())
    }

    /// `fmov` between general registers and others.
    fn between(&mut self, word: u32) -> Option<()> {
        let wide = bit(word, 31);
        let back = !bit(word, 16);
        let upper = match (wide, bits(word, 22, 2), bits(word, 17, 4)) {
            (false, 0, 3) | (true, 1, 3) => false,
            (true, 2, 7) => true,
            _ => return None,
        };
        let number = if back {
            bits(word, 5, 5)
        } else {
            bits(word, 0, 5)
        };
        let [first, second] = self.halves(number)?;
        let half = if upper { second } else { first };
        if back {
            self.set(general(word, 0), Operand::Register(half), wide);
            return Some(());
        }
        self.set(Some(half), value(word, 5), wide);
        if !upper {
            self.clear(second);
        }
        Some(())
    }

    /// `fmov` between two.
    fn float(&mut self, word: u32) -> Option<()> {
        let [into, upper] = self.halves(bits(word, 0, 5))?;
        let [from, _] = self.halves(bits(word, 5, 5))?;
        self.set(Some(into), Operand::Register(from), bit(word, 22));
        self.clear(upper);
        Some(())
    }
}
