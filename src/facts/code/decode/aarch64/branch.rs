//! Branches, calls, exceptions and the system.

use super::super::super::op::{Op, Register, Target};
use super::{Effects, LINK, bit, bits, general, pointer, signed};

impl Effects<'_> {
    pub(super) fn branches(&mut self, word: u32) -> Option<()> {
        match bits(word, 29, 3) {
            0 | 4 => {
                let to = self.relative(signed(word, 0, 26).wrapping_mul(4));
                self.ops.push(if bit(word, 31) {
                    Op::Call(Target::At(to))
                } else {
                    Op::Jump(Target::At(to))
                });
            }
            1 | 5 if bit(word, 25) => {
                let to = self.relative(signed(word, 5, 14).wrapping_mul(4));
                self.ops.push(Op::Branch(to));
            }
            1 | 5 => {
                let to = self.relative(signed(word, 5, 19).wrapping_mul(4));
                // Of the lower half, too: what is compared is mostly an `int`, or a pointer.
                self.ops.push(match general(word, 0) {
                    Some(register) => Op::Test(register, !bit(word, 24), to),
                    None => Op::Branch(to),
                });
            }
            2 if bits(word, 24, 2) == 0 => {
                let to = self.relative(signed(word, 5, 19).wrapping_mul(4));
                self.ops.push(Op::Branch(to));
            }
            6 if bit(word, 25) => return self.indirect(word),
            6 if !bit(word, 24) => return self.exception(word),
            6 => return self.system(word),
            _ => return None,
        }
        Some(())
    }

    /// Jumps to registers, some with authentication.
    fn indirect(&mut self, word: u32) -> Option<()> {
        if bits(word, 16, 5) != 31 {
            return None;
        }
        let to = pointer(word, 5);
        self.ops.push(match bits(word, 21, 4) {
            0 | 8 if to == LINK => Op::Return,
            0 | 8 => Op::Jump(Target::Register(to)),
            1 | 9 => Op::Call(Target::Register(to)),
            2 | 4 => Op::Return,
            _ => return None,
        });
        Some(())
    }

    fn exception(&mut self, word: u32) -> Option<()> {
        const SEMIHOSTING: u32 = 0xf000;
        match (bits(word, 21, 3), bits(word, 0, 2)) {
            (0, 1) => self.ops.push(Op::SystemCall),
            // What is above the kernel answers in all registers that calls may change.
            (0, 2 | 3) => self.ops.extend((0..18).map(Register).map(Op::Forget)),
            // A debugger that gives files and a console answers in the first.
            (2, 0) if bits(word, 5, 16) == SEMIHOSTING => self.ops.push(Op::Forget(Register(0))),
            (1 | 2, 0) | (5, 1..=3) => self.ops.push(Op::Stop),
            _ => return None,
        }
        Some(())
    }

    fn system(&mut self, word: u32) -> Option<()> {
        if bits(word, 22, 2) != 0 {
            return None;
        }
        if bit(word, 21) {
            self.forget(general(word, 0));
        } else if word & 0xffff_ffe0 == 0xd50b_7420 {
            self.zero_block(word);
        } else if word & 0xffff_f01f == 0xd503_201f {
            match bits(word, 5, 7) {
                // Authentication of addresses in the link register, and in another.
                7 | 24..=31 => self.forget(Some(LINK)),
                8 | 10 | 12 | 14 => self.forget(Some(Register(17))),
                _ => {}
            }
        }
        Some(())
    }
}
