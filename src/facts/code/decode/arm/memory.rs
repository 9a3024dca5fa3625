//! How ARM and Thumb instructions get at memory: one register, two or many, the base moved before or after.

use super::super::super::op::{Address, Arithmetic, Op, Operand, Register, Target};
use super::effects::{COUNTER, Effects, KEPT, LANDING, PLACE, STACK, bit, constant, low, register};

/// Where the base register of a transfer moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    No,
    Before,
    After,
}

/// What is between memory and a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
    pub(crate) load: bool,
    pub(crate) size: u8,
    pub(crate) signed: bool,
}

/// Where memory is accessed: at a register plus or minus a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) base: Register,
    pub(crate) offset: Operand,
    pub(crate) up: bool,
    pub(crate) moves: Move,
}

impl Place {
    /// At a register.
    pub(crate) fn at(base: Register) -> Self {
        Self::offset(base, 0)
    }

    /// At a register plus a constant.
    pub(crate) fn offset(base: Register, offset: u32) -> Self {
        Self {
            base,
            offset: constant(offset),
            up: true,
            moves: Move::No,
        }
    }

    /// The P, U and W bits of an instruction.
    pub(crate) fn indexed(
        base: Register,
        offset: Operand,
        before: bool,
        up: bool,
        back: bool,
    ) -> Self {
        let moves = match (before, back) {
            (false, _) => Move::After,
            (true, true) => Move::Before,
            (true, false) => Move::No,
        };
        Self {
            base,
            offset,
            up,
            moves,
        }
    }
}

/// Where many registers are stored or loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Multiple {
    pub(crate) base: Register,
    /// Towards higher addresses.
    pub(crate) up: bool,
    /// The base moves before each of them.
    pub(crate) before: bool,
    /// The base stays where it moved to.
    pub(crate) back: bool,
}

/// A word is loaded.
pub(crate) const WORD: Transfer = Transfer {
    load: true,
    size: 4,
    signed: false,
};

/// The place that a register points to.
pub(crate) fn plain(base: Register) -> Address {
    Address {
        base: Some(base),
        offset: 0,
        index: None,
    }
}

impl Effects<'_> {
    /// Where memory is accessed, before the base moves or after.
    pub(crate) fn address(&mut self, place: Place) -> Address {
        let Place { base, up, .. } = place;
        let offset = match place.moves {
            Move::After => constant(0),
            Move::No | Move::Before => place.offset,
        };
        // Literals are relative to the word that the program counter is in.
        let (register, start) = if base == COUNTER {
            (None, self.counter & !3)
        } else {
            (Some(base), 0)
        };
        let index = match offset {
            Operand::Constant(offset) => {
                let offset = u32::try_from(offset).unwrap_or(0);
                let offset = match (register, up) {
                    (None, true) => i64::from(start.wrapping_add(offset)),
                    (None, false) => i64::from(start.wrapping_sub(offset)),
                    (Some(_), true) => i64::from(offset),
                    (Some(_), false) => i64::from(offset).wrapping_neg(),
                };
                return Address {
                    base: register,
                    offset,
                    index: None,
                };
            }
            Operand::Register(index) if up => (index, 0),
            Operand::Shifted(index, by) if up => (index, by),
            _ => {
                let first = register.map_or(constant(start), Operand::Register);
                self.combine(PLACE, Arithmetic::Subtract, first, offset);
                return plain(PLACE);
            }
        };
        Address {
            base: register,
            offset: i64::from(start),
            index: Some(index),
        }
    }

    /// The base register moves, if it does.
    pub(crate) fn update(&mut self, place: Place) {
        if place.moves == Move::No || place.base == COUNTER {
            return;
        }
        let arithmetic = if place.up {
            Arithmetic::Add
        } else {
            Arithmetic::Subtract
        };
        let base = Operand::Register(place.base);
        self.combine(place.base, arithmetic, base, place.offset);
    }

    /// One register and memory.
    pub(crate) fn transfer(&mut self, transfer: Transfer, register: Register, place: Place) {
        let place = if transfer.load && place.moves != Move::No {
            self.kept(register, place)
        } else {
            place
        };
        let at = self.address(place);
        if !transfer.load {
            self.store(register, at, transfer.size);
            self.update(place);
        } else if register == COUNTER {
            self.load_counter(at, place);
        } else {
            self.load(transfer, register, at);
            if place.moves != Move::No && place.base == register {
                self.forget(register);
            } else {
                self.update(place);
            }
        }
    }

    /// The base moves by what a register holds before it is loaded.
    fn kept(&mut self, register: Register, place: Place) -> Place {
        let offset = match place.offset {
            Operand::Register(by) if by == register => Operand::Register(KEPT),
            Operand::Shifted(by, left) if by == register => Operand::Shifted(KEPT, left),
            _ => return place,
        };
        self.push(Op::Set(KEPT, Operand::Register(register)));
        Place { offset, ..place }
    }

    pub(crate) fn store(&mut self, register: Register, to: Address, size: u8) {
        self.push(if register == COUNTER {
            Op::Spoil { to, size }
        } else {
            Op::Store {
                value: Operand::Register(register),
                to,
                size,
            }
        });
    }

    pub(crate) fn load(&mut self, transfer: Transfer, into: Register, from: Address) {
        if into != COUNTER {
            self.push(Op::Load {
                into,
                from,
                size: transfer.size,
                signed: transfer.signed,
            });
        }
    }

    fn load_counter(&mut self, from: Address, place: Place) {
        match place.moves {
            Move::No => self.push(Op::Jump(Target::Memory(from))),
            Move::Before => {
                self.update(place);
                self.push(Op::Jump(Target::Memory(plain(place.base))));
            }
            Move::After if place.base == STACK => {
                self.update(place);
                self.push(Op::Return);
            }
            Move::After => {
                self.load(WORD, LANDING, from);
                self.update(place);
                self.push(Op::Jump(Target::Register(LANDING)));
            }
        }
    }

    /// Two registers and memory: a double word.
    pub(crate) fn pair(&mut self, load: bool, registers: [Register; 2], place: Place) {
        let at = self.address(place);
        let next = Address {
            offset: at.offset.wrapping_add(4),
            ..at
        };
        let [first, second] = registers;
        if !load {
            self.store(first, at, 4);
            self.store(second, next, 4);
            self.update(place);
            return;
        }
        // The base, if it is one of them, is loaded last.
        if at.base == Some(first) {
            self.load(WORD, second, next);
            self.load(WORD, first, at);
        } else {
            self.load(WORD, first, at);
            self.load(WORD, second, next);
        }
        if place.moves != Move::No && registers.contains(&place.base) {
            self.forget(place.base);
        } else {
            self.update(place);
        }
    }

    /// Many registers, in the order of their numbers, and memory.
    pub(crate) fn multiple(&mut self, load: bool, list: u32, place: Multiple) {
        let Multiple {
            base,
            up,
            before,
            back,
        } = place;
        let length = (list & 0xffff).count_ones().wrapping_mul(4);
        let mut offset = match (up, before) {
            (true, false) => 0,
            (true, true) => 4,
            (false, false) => 4_i64.wrapping_sub(i64::from(length)),
            (false, true) => i64::from(length).wrapping_neg(),
        };
        let mut base_from = None;
        let mut first = true;
        for number in 0..15 {
            if !bit(list, number) {
                continue;
            }
            let register = register(number, 0);
            let at = Address {
                offset,
                ..plain(base)
            };
            if !load && back && !first && register == base {
                self.push(Op::Spoil { to: at, size: 4 });
            } else if !load {
                self.store(register, at, 4);
            } else if register == base {
                base_from = Some(at);
            } else {
                self.load(WORD, register, at);
            }
            first = false;
            offset = offset.wrapping_add(4);
        }
        if !load && bit(list, 15) {
            self.store(
                COUNTER,
                Address {
                    offset,
                    ..plain(base)
                },
                4,
            );
        }
        match base_from {
            Some(_) if back => self.forget(base),
            Some(at) => self.load(WORD, base, at),
            None if back => {
                let arithmetic = if up {
                    Arithmetic::Add
                } else {
                    Arithmetic::Subtract
                };
                self.push(Op::Compute(base, arithmetic, base, constant(length)));
            }
            None => {}
        }
        if load && bit(list, 15) {
            self.push(Op::Return);
        }
    }

    /// So many bytes become unknown.
    pub(crate) fn spoil(&mut self, to: Address, length: u32) {
        const PIECE: u32 = 128;
        let mut done = 0_u32;
        while done < length {
            let piece = length.wrapping_sub(done).min(PIECE);
            self.push(Op::Spoil {
                to: Address {
                    offset: to.offset.wrapping_add(i64::from(done)),
                    ..to
                },
                size: low(piece),
            });
            done = done.wrapping_add(piece);
        }
    }
}
