//! Thumb instructions of 32 bits: the first half word is in the upper bits.

use super::super::super::op::{Op, Operand, Target};
use super::super::arm::effects::{
    COUNTER, Effects, LANDING, Process, bit, bits, constant, register, signed,
};
use super::super::arm::memory::{Place, Transfer, WORD};

impl Effects<'_> {
    pub(super) fn wide(&mut self, word: u32) -> Option<()> {
        match bits(word, 25, 4) {
            4 if bit(word, 22) => self.double_or_exclusive(word),
            4 => self.wide_list(word),
            5 => {
                let amount = bits(word, 12, 3).wrapping_shl(2) | bits(word, 6, 2);
                let second = self.shifted(register(word, 0), bits(word, 4, 2), amount);
                self.wide_data(word, second)
            }
            8..=11 if bit(word, 15) => self.control(word),
            8 | 10 => self.wide_data(word, constant(expanded(word))),
            9 | 11 => self.plain_constant(word),
            12 if bits(word, 20, 5) & 0x11 == 0x10 => {
                self.elements(word);
                Some(())
            }
            12 => self.wide_single(word),
            13 if bit(word, 24) => {
                self.wide_multiply(word);
                Some(())
            }
            13 => self.wide_register(word),
            _ => {
                self.coprocessor(word);
                Some(())
            }
        }
    }

    fn wide_list(&mut self, word: u32) -> Option<()> {
        let up = bit(word, 23);
        // Both or none: returns from exceptions.
        if up == bit(word, 24) {
            return None;
        }
        let load = bit(word, 20);
        self.list(
            load,
            bits(word, 0, 16),
            register(word, 16),
            up,
            bit(word, 21),
        )
    }

    fn double_or_exclusive(&mut self, word: u32) -> Option<()> {
        let [first, second] = [register(word, 12), register(word, 8)];
        let load = bit(word, 20);
        let [before, up, back] = [24, 23, 21].map(|at| bit(word, at));
        let distance = bits(word, 0, 8).wrapping_mul(4);
        if before || back {
            let place = Place::indexed(register(word, 16), constant(distance), before, up, back);
            self.pair(load, [first, second], place);
            return Some(());
        }
        let base = register(word, 16);
        if !up {
            let place = Place::offset(base, distance);
            if load {
                self.transfer(WORD, first, place);
            } else {
                self.forget(second);
                let to = self.address(place);
                self.spoil(to, 4);
            }
            return (first != COUNTER).then_some(());
        }
        let size = match bits(word, 4, 2) {
            0 => 1_u8,
            1 => 2,
            2 => 4,
            _ => 8,
        };
        match (load, bits(word, 6, 2)) {
            (true, 0) if size < 4 => {
                // A table of distances, in bytes or half words, that has no comparison right in front of it.
                self.push(Op::Forget(LANDING));
                self.push(Op::Jump(Target::Register(LANDING)));
            }
            (true, _) if size == 8 => self.pair(true, [first, second], Place::at(base)),
            (true, _) if first == COUNTER => return None,
            (true, _) => self.transfer(Transfer { size, ..WORD }, first, Place::at(base)),
            (false, _) => {
                self.forget(register(word, 0));
                let to = self.address(Place::at(base));
                self.spoil(to, u32::from(size));
            }
        }
        Some(())
    }

    /// Data processing: the second value is a constant or a shifted register.
    fn wide_data(&mut self, word: u32, second: Operand) -> Option<()> {
        let [from, into] = [register(word, 16), register(word, 8)];
        let kind = bits(word, 21, 4);
        if into == COUNTER {
            // Comparisons.
            return (bit(word, 20) && matches!(kind, 0 | 4 | 8 | 13)).then_some(());
        }
        let process = match kind {
            0 => Process::And,
            1 => Process::Clear,
            2 if from == COUNTER => Process::Move,
            2 => Process::Or,
            3 if from == COUNTER => Process::Not,
            3 => Process::OrNot,
            4 => Process::Xor,
            8 => Process::Add,
            // Halves of two registers together, and what has a carry.
            6 | 10 | 11 => Process::Carry,
            13 => Process::Subtract,
            14 => Process::Reverse,
            _ => return None,
        };
        self.process(process, into, self.value(from), second);
        Some(())
    }

    /// Constants of 12 and 16 bits, bit fields, saturation.
    fn plain_constant(&mut self, word: u32) -> Option<()> {
        let twelve = bits(word, 26, 1).wrapping_shl(11)
            | bits(word, 12, 3).wrapping_shl(8)
            | bits(word, 0, 8);
        let sixteen = bits(word, 16, 4).wrapping_shl(12) | twelve;
        let [from, into] = [register(word, 16), register(word, 8)];
        if into == COUNTER {
            return None;
        }
        let at = bits(word, 12, 3).wrapping_shl(2) | bits(word, 6, 2);
        let last = bits(word, 0, 5);
        let base = if from == COUNTER {
            constant(self.counter & !3)
        } else {
            self.value(from)
        };
        match bits(word, 20, 5) {
            0 => self.process(Process::Add, into, base, constant(twelve)),
            4 => self.push(Op::Set(into, constant(sixteen))),
            10 => self.process(Process::Subtract, into, base, constant(twelve)),
            12 => self.push(Op::Insert {
                into,
                value: constant(sixteen),
                at: 16,
                width: 16,
            }),
            16 | 18 | 24 | 26 => self.forget(into),
            20 => self.extract(into, from, at, last.wrapping_add(1), true),
            28 => self.extract(into, from, at, last.wrapping_add(1), false),
            22 => self.insert(into, from, at, last),
            _ => return None,
        }
        Some(())
    }

    /// Branches, calls, and control of the processor.
    fn control(&mut self, word: u32) -> Option<()> {
        let sign = bits(word, 26, 1);
        let [first, second] = [bits(word, 13, 1), bits(word, 11, 1)];
        // Distances of 25 bits have two of theirs flipped by the sign.
        let far = sign.wrapping_shl(24)
            | (first ^ sign ^ 1).wrapping_shl(23)
            | (second ^ sign ^ 1).wrapping_shl(22)
            | bits(word, 16, 10).wrapping_shl(12)
            | bits(word, 0, 11).wrapping_shl(1);
        let to = self.counter.wrapping_add(signed(far, 25)) | 1;
        match (bit(word, 14), bit(word, 12)) {
            (true, true) => self.push(Op::Call(Target::At(u64::from(to)))),
            (true, false) if bit(word, 0) => return None,
            (true, false) => {
                let to = (self.counter & !3).wrapping_add(signed(far, 25));
                self.push(Op::Call(Target::At(u64::from(to))));
            }
            (false, true) => self.push(Op::Jump(Target::At(u64::from(to)))),
            (false, false) if bits(word, 23, 3) != 7 => {
                let near = sign.wrapping_shl(20)
                    | second.wrapping_shl(19)
                    | first.wrapping_shl(18)
                    | bits(word, 16, 6).wrapping_shl(12)
                    | bits(word, 0, 11).wrapping_shl(1);
                self.branch(signed(near, 21));
            }
            (false, false) => return self.system(word),
        }
        Some(())
    }

    fn system(&mut self, word: u32) -> Option<()> {
        match bits(word, 20, 7) {
            // Status registers, hints, barriers.
            0x38..=0x3b => {}
            0x3c => self.exchange(word, 16, false),
            0x3d => self.push(Op::Return),
            0x3e | 0x3f => self.forget(register(word, 8)),
            0x7f if bit(word, 13) => self.push(Op::Stop),
            0x7e | 0x7f => self.exception(2, 0),
            _ => return None,
        }
        Some(())
    }

    /// One register and memory.
    fn wide_single(&mut self, word: u32) -> Option<()> {
        let [base, one] = [register(word, 16), register(word, 12)];
        let transfer = Transfer {
            load: bit(word, 20),
            size: match bits(word, 21, 2) {
                0 => 1,
                1 => 2,
                2 => 4,
                _ => return None,
            },
            signed: bit(word, 24),
        };
        let twelve = constant(bits(word, 0, 12));
        let place = if base == COUNTER {
            Place::indexed(base, twelve, true, bit(word, 23), false)
        } else if bit(word, 23) {
            Place::indexed(base, twelve, true, true, false)
        } else if bit(word, 11) {
            let [before, up, back] = [10, 9, 8].map(|at| bit(word, at));
            if !before && !back {
                return None;
            }
            Place::indexed(base, constant(bits(word, 0, 8)), before, up, back)
        } else if bits(word, 6, 5) == 0 {
            let offset = self.shifted(register(word, 0), 0, bits(word, 4, 2));
            Place::indexed(base, offset, true, true, false)
        } else {
            return None;
        };
        match (transfer.load, base == COUNTER) {
            (false, true) => return None,
            // Preloads.
            (true, _) if one == COUNTER && transfer.size < 4 => {}
            _ => self.transfer(transfer, one, place),
        }
        Some(())
    }

    fn wide_multiply(&mut self, word: u32) {
        let into = register(word, 8);
        if bit(word, 23) {
            // Long ones have two registers; of divisions the first is none.
            self.forget(register(word, 12));
            self.forget(into);
        } else if word & 0x0070_f0f0 == 0x0000_f000 {
            self.times(into, register(word, 16), register(word, 0));
        } else {
            self.forget(into);
        }
    }

    /// Shifts by a register, extension, and arithmetic of parts.
    fn wide_register(&mut self, word: u32) -> Option<()> {
        let into = register(word, 8);
        if bits(word, 12, 4) != 15 || into == COUNTER {
            return None;
        }
        let kind = bits(word, 20, 4);
        match bits(word, 4, 4) {
            0 if kind < 8 => {
                let by = register(word, 0);
                let value = self.shifted_by(register(word, 16), bits(word, 21, 2), by);
                self.process(Process::Move, into, value, value);
            }
            8..=15 if matches!(kind, 0 | 1 | 4 | 5) && register(word, 16) == COUNTER => {
                let width = if kind < 4 { 16 } else { 8 };
                let turn = bits(word, 4, 2).wrapping_mul(8);
                self.extract(into, register(word, 0), turn, width, !bit(word, 20));
            }
            8..=11 if kind == 9 => self.reverse(into, register(word, 0), bits(word, 4, 2)),
            _ => self.forget(into),
        }
        Some(())
    }
}

/// The modified constant: 8 bits, repeated or rotated.
pub(super) fn expanded(word: u32) -> u32 {
    let eight = bits(word, 0, 8);
    let kind = bits(word, 26, 1).wrapping_shl(3) | bits(word, 12, 3);
    match kind {
        0 => eight,
        1 => eight.wrapping_mul(0x0001_0001),
        2 => eight.wrapping_mul(0x0100_0100),
        3 => eight.wrapping_mul(0x0101_0101),
        _ => {
            let turn = kind.wrapping_shl(1) | bits(word, 7, 1);
            (eight | 0x80).rotate_right(turn)
        }
    }
}
