//! ARM instructions that compute: data processing, multiplication, media, and what hides among them.

use super::super::super::op::{Arithmetic, Op, Operand, Register, Target};
use super::effects::{COUNTER, Effects, Process, bit, bits, constant, register};
use super::memory::{Place, Transfer, WORD, plain};

impl Effects<'_> {
    /// Data processing with a constant or a shifted register.
    pub(super) fn data(&mut self, word: u32) {
        let process = match bits(word, 21, 4) {
            0 => Process::And,
            1 => Process::Xor,
            2 => Process::Subtract,
            3 => Process::Reverse,
            4 => Process::Add,
            5..=7 => Process::Carry,
            12 => Process::Or,
            13 => Process::Move,
            14 => Process::Clear,
            15 => Process::Not,
            // Comparisons.
            _ => return,
        };
        let into = register(word, 12);
        if into == COUNTER && bit(word, 20) {
            self.push(Op::Return);
            return;
        }
        let second = if bit(word, 25) {
            constant(rotated(word))
        } else if bit(word, 4) {
            self.shifted_by(register(word, 0), bits(word, 5, 2), register(word, 8))
        } else {
            self.shifted(register(word, 0), bits(word, 5, 2), bits(word, 7, 5))
        };
        let first = self.value(register(word, 16));
        self.process(process, into, first, second);
    }

    /// Constants of 16 bits, and hints.
    pub(super) fn sixteen(&mut self, word: u32) -> Option<()> {
        let value = bits(word, 16, 4).wrapping_shl(12) | bits(word, 0, 12);
        let into = register(word, 12);
        match bits(word, 21, 2) {
            _ if bit(word, 21) => {}
            _ if into == COUNTER => return None,
            0 => self.push(Op::Set(into, constant(value))),
            _ => self.push(Op::Insert {
                into,
                value: constant(value),
                at: 16,
                width: 16,
            }),
        }
        Some(())
    }

    pub(super) fn multiply_or_exclusive(&mut self, word: u32) -> Option<()> {
        let [high, low] = [register(word, 16), register(word, 12)];
        match bits(word, 20, 5) {
            // The multiplication alone is followed.
            0 | 1 => self.times(high, register(word, 0), register(word, 8)),
            2 | 3 | 6 => self.forget(high),
            4 | 8..=15 => {
                self.forget(low);
                self.forget(high);
            }
            16 | 20 => {
                self.spoil(plain(high), 4);
                self.forget(low);
            }
            24..=31 => self.exclusive(word),
            _ => return None,
        }
        Some(())
    }

    /// Two registers are multiplied.
    pub(crate) fn times(&mut self, into: Register, first: Register, second: Register) {
        if [into, first, second].contains(&COUNTER) {
            self.forget(into);
        } else {
            let second = Operand::Register(second);
            self.push(Op::Compute(into, Arithmetic::Multiply, first, second));
        }
    }

    /// Loads and stores of other threads' words.
    fn exclusive(&mut self, word: u32) {
        let size = match bits(word, 21, 2) {
            2 => 1,
            3 => 2,
            _ => 4,
        };
        let at = Place::at(register(word, 16));
        let into = register(word, 12);
        let double = bits(word, 21, 2) == 1;
        if !bit(word, 20) {
            let to = self.address(at);
            self.spoil(to, if double { 8 } else { size });
            self.forget(into);
        } else if double {
            self.pair(true, [into, register(bits(word, 12, 4) | 1, 0)], at);
        } else if into != COUNTER {
            let size = super::effects::low(size);
            self.transfer(Transfer { size, ..WORD }, into, at);
        }
    }

    pub(super) fn miscellaneous(&mut self, word: u32) -> Option<()> {
        let into = register(word, 12);
        let kind = bits(word, 21, 2);
        if bit(word, 7) {
            // Products of half words: a long one has two registers.
            self.forget(register(word, 16));
            if kind == 2 {
                self.forget(into);
            }
            return Some(());
        }
        match (bits(word, 4, 3), kind) {
            // Status registers.
            (0, _) if bit(word, 21) => {}
            (1 | 2, 1) => self.exchange(word, 0, false),
            (3, 1) => self.push(Op::Call(Target::Register(register(word, 0)))),
            (0 | 4 | 5, _) | (1, 3) => self.forget(into),
            (6, 3) => self.push(Op::Return),
            (7, _) => self.exception(kind, bits(word, 8, 12).wrapping_shl(4) | bits(word, 0, 4)),
            _ => return None,
        }
        Some(())
    }

    /// Calls of debuggers and of what is above the kernel. A debugger that gives files and a console to the program answers in a register.
    pub(crate) fn exception(&mut self, kind: u32, number: u32) {
        const SEMIHOSTING: [u32; 2] = [0xab, 0xf000];
        match kind {
            0 | 1 if SEMIHOSTING.contains(&number) => self.forget(Register(0)),
            0 | 1 => self.push(Op::Stop),
            _ => (0..4).for_each(|number| self.forget(Register(number))),
        }
    }

    pub(super) fn media(&mut self, word: u32) -> Option<()> {
        let into = register(word, 12);
        match bits(word, 20, 5) {
            // The undefined instruction, by name.
            31 if bits(word, 5, 3) == 7 => self.push(Op::Stop),
            8..=15 if bits(word, 4, 4) == 7 => self.extended(word),
            11 | 15 if bits(word, 4, 3) == 3 => {
                let kind = bits(word, 22, 1).wrapping_shl(1) | bits(word, 7, 1);
                self.reverse(into, register(word, 0), kind);
            }
            0..=15 => self.forget(into),
            // Products of halves: into two registers, or one.
            20 => {
                self.forget(into);
                self.forget(register(word, 16));
            }
            16..=24 => self.forget(register(word, 16)),
            26 | 27 | 30 | 31 if bits(word, 5, 2) == 2 => {
                let width = bits(word, 16, 5).wrapping_add(1);
                let sign = !bit(word, 22);
                self.extract(into, register(word, 0), bits(word, 7, 5), width, sign);
            }
            28 | 29 if bits(word, 5, 2) == 0 => {
                self.insert(into, register(word, 0), bits(word, 7, 5), bits(word, 16, 5));
            }
            _ => return None,
        }
        Some(())
    }

    /// The lower bits of a register, or zeros, become some of another.
    pub(crate) fn insert(&mut self, into: Register, from: Register, at: u32, last: u32) {
        if last < at || into == COUNTER {
            self.forget(into);
            return;
        }
        let width = last.wrapping_sub(at).wrapping_add(1);
        let value = if from == COUNTER {
            constant(0)
        } else {
            Operand::Register(from)
        };
        self.push(Op::Insert {
            into,
            value,
            at: super::effects::low(at),
            width: super::effects::low(width),
        });
    }

    /// `rev`, `rev16`, `rbit`, `revsh`.
    pub(crate) fn reverse(&mut self, into: Register, from: Register, kind: u32) {
        let group = if kind == 0 { 4 } else { 2 };
        if kind == 2 || [into, from].contains(&COUNTER) {
            return self.forget(into);
        }
        self.push(Op::Compute(into, Arithmetic::Swap, from, constant(group)));
        if kind == 3 {
            self.extract(into, into, 0, 16, true);
        }
    }

    /// Bytes and half words become words.
    fn extended(&mut self, word: u32) {
        let into = register(word, 12);
        let width = match bits(word, 20, 2) {
            2 => 8,
            3 => 16,
            _ => return self.forget(into),
        };
        // Bits 19 to 16: nothing is added.
        if bits(word, 16, 4) != 15 {
            return self.forget(into);
        }
        let turn = bits(word, 10, 2).wrapping_mul(8);
        self.extract(into, register(word, 0), turn, width, !bit(word, 22));
    }
}

/// A constant of 8 bits, rotated to the right by twice the number in bits 11 to 8.
fn rotated(word: u32) -> u32 {
    bits(word, 0, 8).rotate_right(bits(word, 8, 4).wrapping_mul(2))
}
