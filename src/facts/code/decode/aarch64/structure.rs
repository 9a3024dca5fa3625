//! Loads and stores of vectors: whole ones, the elements of one, and structures of several.

use super::super::super::op::{Address, Arithmetic, Op, Operand, Register};
use super::{Effects, SHIFTED, bit, bits, general, low, pointer};

impl Effects<'_> {
    /// So many bytes, 16 at most; those above them become zero.
    pub(super) fn load_vector(&mut self, number: u32, from: Address, size: u8) {
        let Some([into, upper]) = self.halves(number) else {
            return;
        };
        self.load_part(into, from, size.min(8));
        if size > 8 {
            self.load_part(upper, further(from, 8), 8);
        } else {
            self.ops.push(Op::Set(upper, Operand::Constant(0)));
        }
    }

    pub(super) fn store_vector(&mut self, number: u32, to: Address, size: u8) {
        let Some([from, upper]) = self.halves(number) else {
            self.ops.push(Op::Spoil { to, size });
            return;
        };
        self.store_part(from, to, size.min(8));
        if size > 8 {
            self.store_part(upper, further(to, 8), 8);
        }
    }

    fn load_part(&mut self, into: Register, from: Address, size: u8) {
        self.ops.push(Op::Load {
            into,
            from,
            size,
            signed: false,
        });
    }

    fn store_part(&mut self, from: Register, to: Address, size: u8) {
        self.ops.push(Op::Store {
            value: Operand::Register(from),
            to,
            size,
        });
    }

    /// `ld1` to `ld4`, `st1` to `st4`.
    pub(super) fn structures(&mut self, word: u32) {
        let base = pointer(word, 5);
        let at = Address {
            base: Some(base),
            offset: 0,
            index: None,
        };
        let size = if bit(word, 24) {
            self.elements(word, at)
        } else {
            self.whole(word, at)
        };
        if bit(word, 23) {
            let by = match general(word, 16) {
                None => Operand::Constant(u64::from(size)),
                Some(by) => Operand::Register(by),
            };
            self.advance(base, by);
        }
    }

    /// One to four registers; their bytes in all.
    fn whole(&mut self, word: u32, at: Address) -> u8 {
        let kind = bits(word, 12, 4);
        let count: u32 = match kind {
            7 => 1,
            8 | 10 => 2,
            4 | 6 => 3,
            _ => 4,
        };
        let one = if bit(word, 30) { 16 } else { 8 };
        // Those that are no structures come one behind the other.
        let plain = matches!(kind, 2 | 6 | 7 | 10);
        let load = bit(word, 22);
        let size = low(count).wrapping_mul(one);
        let first = bits(word, 0, 5);
        let mut from = at;
        for number in first..first.wrapping_add(count) {
            match (load, plain) {
                (true, true) => self.load_vector(number, from, one),
                (true, false) => self.forget_vector(number),
                (false, true) => self.store_vector(number, from, one),
                (false, false) => {}
            }
            from = further(from, one);
        }
        if !load && !plain {
            self.ops.push(Op::Spoil { to: at, size });
        }
        size
    }

    /// The same element of one to four registers, or all elements; the bytes in memory.
    fn elements(&mut self, word: u32, at: Address) -> u8 {
        let count = (bits(word, 13, 1).wrapping_shl(1) | bits(word, 21, 1)).wrapping_add(1);
        let load = bit(word, 22);
        let all = bits(word, 14, 2) == 3;
        let scale = match bits(word, 14, 2) {
            3 => bits(word, 10, 2),
            2 if bit(word, 10) => 3,
            scale => scale,
        };
        let one = 1_u8.wrapping_shl(scale);
        let size = low(count).wrapping_mul(one);
        // Counted in elements of this size.
        let index = (bits(word, 30, 1).wrapping_shl(3) | bits(word, 10, 3)).wrapping_shr(scale);
        let number = bits(word, 0, 5);
        match self.halves(number).filter(|_| count == 1) {
            Some([into, _]) if load && all => {
                self.load_part(into, at, one);
                self.repeat(number, Operand::Register(into), scale, bit(word, 30));
            }
            Some(halves) => {
                let (half, place) = super::vector::element(halves, index, scale);
                if load && scale == 3 {
                    self.load_part(half, at, one);
                } else if load {
                    self.load_part(SHIFTED, at, one);
                    self.ops.push(Op::Insert {
                        into: half,
                        value: Operand::Register(SHIFTED),
                        at: low(place),
                        width: one.wrapping_mul(8),
                    });
                } else if place == 0 {
                    self.store_part(half, at, one);
                } else {
                    let by = u64::from(place);
                    self.compute(SHIFTED, Arithmetic::ShiftRight, half, by);
                    self.store_part(SHIFTED, at, one);
                }
            }
            None if load => {
                for number in number..number.wrapping_add(count) {
                    self.forget_vector(number);
                }
            }
            None => self.ops.push(Op::Spoil { to: at, size }),
        }
        size
    }
}

fn further(place: Address, bytes: u8) -> Address {
    Address {
        offset: place.offset.wrapping_add(i64::from(bytes)),
        ..place
    }
}
