//! Coprocessors, floating point and vectors: what they change in memory and in core registers. ARM and Thumb encode them alike.

use super::super::super::op::{Arithmetic, Op, Operand};
use super::effects::{COUNTER, Effects, bit, bits, constant, register};
use super::memory::Place;

impl Effects<'_> {
    /// An instruction whose bits 27 to 25 are 110, or 111 with bit 24 clear.
    pub(crate) fn coprocessor(&mut self, word: u32) {
        let load = bit(word, 20);
        if bit(word, 25) {
            // One core register; flags go where register 15 is named.
            if bit(word, 4) && load {
                self.forget(register(word, 12));
            }
        } else if bits(word, 21, 4) == 2 {
            if load {
                self.forget(register(word, 12));
                self.forget(register(word, 16));
            }
        } else if bits(word, 21, 4) != 0 {
            self.coprocessor_memory(word, load);
        }
    }

    fn coprocessor_memory(&mut self, word: u32, load: bool) {
        let [before, up, back] = [24, 23, 21].map(|at| bit(word, at));
        let other = word.wrapping_shr(28) == 15;
        let number = bits(word, 8, 4);
        // With the condition that is none, these are products of vectors.
        if other && (8..=13).contains(&number) {
            return;
        }
        // VFP has its registers in 10 and 11, halves of them in 9.
        let unit = if number == 9 { 2 } else { 4 };
        let distance = bits(word, 0, 8).wrapping_mul(unit);
        let base = register(word, 16);
        let length = match number {
            11 if before && !back => 8,
            9 | 10 if before && !back => unit,
            10 | 11 => distance,
            // Four registers of 12 bytes, at most.
            _ => 48,
        };
        let place = if before || back {
            Place::indexed(base, constant(distance), before, up, back)
        } else {
            Place::at(base)
        };
        if !load {
            let to = self.address(place);
            self.spoil(to, length);
        }
        // Others than these have distances of their own.
        if matches!(number, 1..=7 | 10 | 11) && !other {
            self.update(place);
        } else if back {
            self.forget(base);
        }
    }

    /// Elements of vectors and memory: bits 31 to 24 of ARM are f4, of Thumb f9.
    pub(crate) fn elements(&mut self, word: u32) {
        let length = if bit(word, 23) {
            let each = match bits(word, 10, 2) {
                3 => bits(word, 6, 2),
                size => size,
            };
            bits(word, 8, 2)
                .wrapping_add(1)
                .wrapping_mul(1_u32.wrapping_shl(each))
        } else {
            match bits(word, 8, 4) {
                7 => 8,
                8..=10 => 16,
                4..=6 => 24,
                _ => 32,
            }
        };
        let base = register(word, 16);
        if !bit(word, 21) {
            let to = self.address(Place::at(base));
            self.spoil(to, length);
        }
        let by = match bits(word, 0, 4) {
            15 => return,
            _ if base == COUNTER => return,
            13 => constant(length),
            _ => Operand::Register(register(word, 0)),
        };
        self.push(Op::Compute(base, Arithmetic::Add, base, by));
    }
}
