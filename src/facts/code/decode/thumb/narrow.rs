//! Thumb instructions of 16 bits.

use super::super::super::op::{Op, Operand, Register, Target};
use super::super::arm::effects::{
    COUNTER, Effects, Process, STACK, bit, bits, constant, register, signed,
};
use super::super::arm::memory::{Multiple, Place, Transfer};

/// One of the lower registers, whose number is in three bits from `at` on.
fn low(word: u32, at: u32) -> Register {
    register(bits(word, at, 3), 0)
}

impl Effects<'_> {
    pub(super) fn narrow(&mut self, word: u32) -> Option<()> {
        match bits(word, 11, 5) {
            0..=2 => {
                let value = self.shifted(low(word, 3), bits(word, 11, 2), bits(word, 6, 5));
                self.process(Process::Move, low(word, 0), value, value);
            }
            3..=7 => self.add_or_constant(word),
            8 if bit(word, 10) => return self.upper(word),
            8 => self.two(word),
            9 => {
                let place = Place::offset(COUNTER, bits(word, 0, 8).wrapping_mul(4));
                self.transfer(transfer(true, 4), low(word, 8), place);
            }
            10..=19 => self.memory(word),
            20 => {
                let base = constant(self.counter & !3);
                self.add(low(word, 8), base, bits(word, 0, 8).wrapping_mul(4));
            }
            21 => {
                let offset = bits(word, 0, 8).wrapping_mul(4);
                self.add(low(word, 8), self.value(STACK), offset);
            }
            22 | 23 => return self.various(word),
            24 | 25 => {
                let base = low(word, 8);
                let load = bit(word, 11);
                let back = !load || !bit(word, bits(word, 8, 3));
                return self.list(load, bits(word, 0, 8), base, true, back);
            }
            26 | 27 => match bits(word, 8, 4) {
                14 => self.push(Op::Stop),
                15 => self.push(Op::SystemCall),
                _ => {
                    let distance = signed(bits(word, 0, 8), 8).wrapping_mul(2);
                    self.branch(distance);
                }
            },
            28 => {
                let distance = signed(bits(word, 0, 11), 11).wrapping_mul(2);
                let to = self.counter.wrapping_add(distance) | 1;
                self.push(Op::Jump(Target::At(u64::from(to))));
            }
            _ => return None,
        }
        Some(())
    }

    /// A branch under a condition, so far from the program counter.
    pub(super) fn branch(&mut self, distance: u32) {
        let to = self.counter.wrapping_add(distance);
        self.push(Op::Branch(u64::from(to)));
    }

    fn add(&mut self, into: Register, first: Operand, second: u32) {
        self.process(Process::Add, into, first, constant(second));
    }

    /// Addition of three registers or a small constant; `mov`, `cmp`, `add` and `sub` with a constant of 8 bits.
    fn add_or_constant(&mut self, word: u32) {
        let eight = constant(bits(word, 0, 8));
        let both = self.value(low(word, 8));
        match bits(word, 11, 3) {
            4 => self.process(Process::Move, low(word, 8), eight, eight),
            5 => {}
            6 => self.process(Process::Add, low(word, 8), both, eight),
            7 => self.process(Process::Subtract, low(word, 8), both, eight),
            _ => {
                let second = if bit(word, 10) {
                    constant(bits(word, 6, 3))
                } else {
                    self.value(low(word, 6))
                };
                let process = if bit(word, 9) {
                    Process::Subtract
                } else {
                    Process::Add
                };
                self.process(process, low(word, 0), self.value(low(word, 3)), second);
            }
        }
    }

    /// Data processing of two lower registers.
    fn two(&mut self, word: u32) {
        let [into, other] = [low(word, 0), low(word, 3)];
        let first = self.value(into);
        let second = self.value(other);
        let process = match bits(word, 6, 4) {
            0 => Process::And,
            1 => Process::Xor,
            kind @ (2..=4 | 7) => {
                let kind = if kind == 7 { 3 } else { kind.wrapping_sub(2) };
                let value = self.shifted_by(into, kind, other);
                return self.process(Process::Move, into, value, value);
            }
            5 | 6 => Process::Carry,
            9 => {
                let zero = constant(0);
                return self.process(Process::Subtract, into, zero, second);
            }
            12 => Process::Or,
            13 => return self.times(into, into, other),
            14 => Process::Clear,
            15 => Process::Not,
            _ => return,
        };
        self.process(process, into, first, second);
    }

    /// `add`, `cmp`, `mov` of all registers; jumps to registers.
    fn upper(&mut self, word: u32) -> Option<()> {
        let into = register(bits(word, 7, 1).wrapping_shl(3) | bits(word, 0, 3), 0);
        let from = register(word, 3);
        let second = self.value(from);
        match bits(word, 8, 2) {
            0 => self.process(Process::Add, into, self.value(into), second),
            1 => {}
            2 => self.process(Process::Move, into, second, second),
            _ if bit(word, 7) && from == COUNTER => return None,
            _ => self.exchange(word, 3, bit(word, 7)),
        }
        Some(())
    }

    /// One register and memory.
    fn memory(&mut self, word: u32) {
        let five = bits(word, 6, 5);
        let load = bit(word, 11);
        let base = low(word, 3);
        let (transfer, register, place) = match bits(word, 12, 4) {
            5 => {
                let transfer = match bits(word, 9, 3) {
                    0 => transfer(false, 4),
                    1 => transfer(false, 2),
                    2 => transfer(false, 1),
                    4 => transfer(true, 4),
                    5 => transfer(true, 2),
                    6 => transfer(true, 1),
                    kind => Transfer {
                        load: true,
                        size: if kind == 3 { 1 } else { 2 },
                        signed: true,
                    },
                };
                let place = Place {
                    offset: self.value(low(word, 6)),
                    ..Place::at(base)
                };
                (transfer, low(word, 0), place)
            }
            6 => {
                let place = Place::offset(base, five.wrapping_mul(4));
                (transfer(load, 4), low(word, 0), place)
            }
            7 => (transfer(load, 1), low(word, 0), Place::offset(base, five)),
            8 => {
                let place = Place::offset(base, five.wrapping_mul(2));
                (transfer(load, 2), low(word, 0), place)
            }
            _ => {
                let place = Place::offset(STACK, bits(word, 0, 8).wrapping_mul(4));
                (transfer(load, 4), low(word, 8), place)
            }
        };
        self.transfer(transfer, register, place);
    }

    /// The stack pointer, pushes and pops, branches on zero, extension.
    fn various(&mut self, word: u32) -> Option<()> {
        match bits(word, 8, 4) {
            0 => {
                let process = if bit(word, 7) {
                    Process::Subtract
                } else {
                    Process::Add
                };
                let by = constant(bits(word, 0, 7).wrapping_mul(4));
                self.process(process, STACK, self.value(STACK), by);
            }
            1 | 3 | 9 | 11 => {
                let distance = bits(word, 9, 1).wrapping_shl(6) | bits(word, 3, 5).wrapping_shl(1);
                let to = u64::from(self.counter.wrapping_add(distance));
                self.push(Op::Test(low(word, 0), !bit(word, 11), to));
            }
            2 => {
                let width = if bit(word, 6) { 8 } else { 16 };
                self.extract(low(word, 0), low(word, 3), 0, width, !bit(word, 7));
            }
            4 | 5 => {
                let list = bits(word, 0, 8) | bits(word, 8, 1).wrapping_shl(14);
                return self.list(false, list, STACK, false, true);
            }
            12 | 13 => {
                let list = bits(word, 0, 8) | bits(word, 8, 1).wrapping_shl(15);
                return self.list(true, list, STACK, true, true);
            }
            10 if bits(word, 6, 2) != 2 => {
                self.reverse(low(word, 0), low(word, 3), bits(word, 6, 2));
            }
            10 => self.exception(0, bits(word, 0, 6)),
            14 => self.exception(0, bits(word, 0, 8)),
            // Processor state and hints.
            6 | 15 => {}
            _ => return None,
        }
        Some(())
    }

    /// Many registers and memory.
    pub(super) fn list(
        &mut self,
        load: bool,
        list: u32,
        base: Register,
        up: bool,
        back: bool,
    ) -> Option<()> {
        if list == 0 || base == COUNTER {
            return None;
        }
        let place = Multiple {
            base,
            up,
            before: !up,
            back,
        };
        self.multiple(load, list, place);
        Some(())
    }
}

fn transfer(load: bool, size: u8) -> Transfer {
    Transfer {
        load,
        size,
        signed: false,
    }
}
