//! Loads and stores; those of vectors are continued in `structure`.

use super::super::super::op::{Address, Arithmetic, Op, Operand, Register};
use super::{Effects, bit, bits, general, low, pointer, signed, value};

/// What is between memory and a register.
#[derive(Clone, Copy)]
struct Transfer {
    load: bool,
    /// The binary logarithm of the size in bytes.
    scale: u32,
    sign: Sign,
    vector: bool,
}

/// What is above a number that is loaded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Zeros.
    None,
    /// Its sign up to bit 31, then zeros.
    Half,
    /// Its sign.
    Full,
}

/// Where the base register moves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    No,
    Before,
    After,
}

impl Effects<'_> {
    pub(super) fn memory(&mut self, word: u32) -> Option<()> {
        match (bits(word, 28, 2), bit(word, 26)) {
            (0, true) => self.structures(word),
            (0, false) if bit(word, 24) => return None,
            (0, false) => self.exclusive(word),
            (1, _) if !bit(word, 24) => self.literal(word),
            (1, false) if bit(word, 21) || bits(word, 10, 2) != 0 => self.tagged(word),
            (1, false) => return self.single(word),
            (1, true) if bit(word, 21) || bits(word, 10, 2) != 1 => return None,
            (1, true) => self.tagged(word),
            (2, _) => return self.pair(word),
            _ if bit(word, 24) || !bit(word, 21) => return self.single(word),
            _ if bits(word, 10, 2) == 2 => return self.single(word),
            _ if bit(word, 26) => return None,
            _ if bits(word, 10, 2) == 0 => self.atomic(word),
            _ => {
                // Through an authenticated pointer.
                self.forget(general(word, 0));
                if bit(word, 11) {
                    self.forget(Some(pointer(word, 5)));
                }
            }
        }
        Some(())
    }

    /// One register and memory.
    fn one(&mut self, transfer: Transfer, register: u32, at: Address) {
        let size = 1_u8.wrapping_shl(transfer.scale);
        match general(register, 0) {
            _ if transfer.vector && transfer.load => self.load_vector(register, at, size),
            _ if transfer.vector => self.store_vector(register, at, size),
            Some(into) if transfer.load => {
                self.ops.push(Op::Load {
                    into,
                    from: at,
                    size,
                    signed: transfer.sign != Sign::None,
                });
                self.narrow(into, transfer.sign != Sign::Half);
            }
            None if transfer.load => {}
            _ => self.ops.push(Op::Store {
                value: value(register, 0),
                to: at,
                size,
            }),
        }
    }

    pub(super) fn advance(&mut self, base: Register, by: Operand) {
        self.ops.push(Op::Compute(base, Arithmetic::Add, base, by));
    }

    fn literal(&mut self, word: u32) {
        let at = Address {
            base: None,
            // The bits of an address, whatever their sign.
            offset: i64::from_ne_bytes(
                self.relative(signed(word, 5, 19).wrapping_mul(4))
                    .to_ne_bytes(),
            ),
            index: None,
        };
        let kind = bits(word, 30, 2);
        let vector = bit(word, 26);
        if kind == 3 {
            return;
        }
        let transfer = Transfer {
            load: true,
            scale: match kind {
                _ if vector => kind.wrapping_add(2),
                1 => 3,
                _ => 2,
            },
            sign: if kind == 2 { Sign::Full } else { Sign::None },
            vector,
        };
        self.one(transfer, bits(word, 0, 5), at);
    }

    fn single(&mut self, word: u32) -> Option<()> {
        let vector = bit(word, 26);
        let kind = bits(word, 22, 2);
        let scale = bits(word, 30, 2)
            | if vector {
                (kind & 2).wrapping_shl(1)
            } else {
                0
            };
        let transfer = Transfer {
            load: if vector { kind & 1 == 1 } else { kind != 0 },
            scale,
            sign: match kind {
                2 => Sign::Full,
                3 => Sign::Half,
                _ => Sign::None,
            },
            vector,
        };
        if scale > 4 {
            return None;
        }
        if !vector && kind >= 2 && scale >= 2 && (kind, scale) != (2, 2) {
            // Preloads move nothing.
            return (kind == 2).then_some(());
        }
        let base = pointer(word, 5);
        let mut at = Address {
            base: Some(base),
            offset: 0,
            index: None,
        };
        let mut moves = Move::No;
        let nine = signed(word, 12, 9);
        if bits(word, 28, 2) == 3 && bit(word, 24) {
            at.offset = i64::from(bits(word, 10, 12).wrapping_shl(scale));
        } else if bit(word, 21) {
            if !bit(word, 14) {
                return None;
            }
            let by = if bit(word, 12) { low(scale) } else { 0 };
            at.index = match self.extended_by(word, by) {
                Operand::Register(index) => Some((index, 0)),
                Operand::Shifted(index, by) => Some((index, by)),
                Operand::Constant(_) => None,
            };
        } else {
            moves = match bits(word, 10, 2) {
                1 => Move::After,
                3 => Move::Before,
                _ => Move::No,
            };
            if moves != Move::After {
                at.offset = nine;
            }
        }
        self.one(transfer, bits(word, 0, 5), at);
        if moves == Move::No {
            return Some(());
        }
        if !vector && transfer.load && general(word, 0) == Some(base) {
            self.forget(Some(base));
        } else {
            self.advance(base, offset(nine));
        }
        Some(())
    }

    fn pair(&mut self, word: u32) -> Option<()> {
        let vector = bit(word, 26);
        let load = bit(word, 22);
        let kind = bits(word, 30, 2);
        // Of 01 loads have a sign; stores set tags of memory.
        let scale = match (vector, kind) {
            (_, 3) => return None,
            (true, _) => kind.wrapping_add(2),
            (false, 0) => 2,
            (false, 1) if load => 2,
            (false, 1) => 4,
            (false, _) => 3,
        };
        let transfer = Transfer {
            load,
            scale: if vector { scale } else { scale.min(3) },
            sign: if kind == 1 { Sign::Full } else { Sign::None },
            vector,
        };
        let distance = signed(word, 15, 7).wrapping_shl(scale);
        let size = 1_i64.wrapping_shl(transfer.scale);
        let (moves, start) = match bits(word, 23, 2) {
            1 => (Move::After, 0),
            3 => (Move::Before, distance),
            _ => (Move::No, distance),
        };
        let base = pointer(word, 5);
        let at = Address {
            base: Some(base),
            offset: start,
            index: None,
        };
        let next = Address {
            offset: start.wrapping_add(size),
            ..at
        };
        let [first, second] = [bits(word, 0, 5), bits(word, 10, 5)];
        let loads = |register| !vector && load && general(register, 0) == Some(base);
        // The base, if it is one of them, is loaded last.
        if load && !vector && first == second {
            self.forget(general(first, 0));
        } else if loads(first) {
            self.one(transfer, second, next);
            self.one(transfer, first, at);
        } else {
            self.one(transfer, first, at);
            self.one(transfer, second, next);
        }
        if moves == Move::No {
            return Some(());
        }
        if loads(first) || loads(second) {
            self.forget(Some(base));
        } else {
            self.advance(base, offset(distance));
        }
        Some(())
    }

    /// Loads and stores of other threads' words: the status, and what is exchanged, are forgotten.
    fn exclusive(&mut self, word: u32) {
        let at = Address {
            base: Some(pointer(word, 5)),
            offset: 0,
            index: None,
        };
        let scale = bits(word, 30, 2);
        let [ordered, load, two] = [23, 22, 21].map(|at| bit(word, at));
        let transfer = Transfer {
            load,
            scale,
            sign: Sign::None,
            vector: false,
        };
        let double = u32::from(two && !ordered);
        let size = 1_u8.wrapping_shl(scale.wrapping_add(double));
        let next = |register: u32| general(register.wrapping_add(1) & 31, 0);
        match (ordered, two) {
            (true, false) => self.one(transfer, bits(word, 0, 5), at),
            (false, true) if !bit(word, 31) => {
                let size = if bit(word, 30) { 16 } else { 8 };
                self.ops.push(Op::Spoil { to: at, size });
                self.forget(general(word, 16));
                self.forget(next(bits(word, 16, 5)));
            }
            (false, _) if load => {
                self.forget(general(word, 0));
                if two {
                    self.forget(general(word, 10));
                }
            }
            // Compare and swap, or store.
            _ => {
                self.ops.push(Op::Spoil { to: at, size });
                self.forget(general(word, 16));
            }
        }
    }

    /// Arithmetic in memory, and loads that are ordered.
    fn atomic(&mut self, word: u32) {
        let at = Address {
            base: Some(pointer(word, 5)),
            offset: 0,
            index: None,
        };
        let size = 1_u8.wrapping_shl(bits(word, 30, 2));
        match (bit(word, 15), bits(word, 12, 3)) {
            // 64 bytes at once.
            (true, 1..=3) => {
                self.forget(general(word, 16));
                self.ops.push(Op::Spoil { to: at, size: 64 });
            }
            (true, 5) => {
                let first = bits(word, 0, 5);
                for register in first..first.wrapping_add(8).min(31) {
                    self.forget(general(register, 0));
                }
            }
            (true, 4) => self.forget(general(word, 0)),
            _ => {
                self.ops.push(Op::Spoil { to: at, size });
                self.forget(general(word, 0));
            }
        }
    }

    /// Tags of memory, and copies and fills of memory, which count three registers.
    fn tagged(&mut self, word: u32) {
        let base = pointer(word, 5);
        let at = Address {
            base: Some(base),
            offset: 0,
            index: None,
        };
        self.ops.push(Op::Spoil { to: at, size: 255 });
        self.forget(general(word, 0));
        self.forget(Some(base));
        if !bit(word, 21) {
            let to = Address {
                base: Some(pointer(word, 0)),
                ..at
            };
            self.ops.push(Op::Spoil { to, size: 255 });
            self.forget(general(word, 16));
        }
    }

    /// A block of the cache becomes zeros: mostly 64 bytes, among which the address is.
    pub(super) fn zero_block(&mut self, word: u32) {
        let to = Address {
            base: Some(pointer(word, 0)),
            offset: -63,
            index: None,
        };
        self.ops.push(Op::Spoil { to, size: 127 });
    }

    /// Scalable vectors: their lower parts are the vector registers. The size of what is stored is not known.
    pub(super) fn scalable(&mut self, word: u32) {
        // `addvl` and `addpl` may write the stack pointer.
        let stack = word & 0xffa0_f800 == 0x0420_5000;
        let into = stack.then_some(pointer(word, 0));
        self.forget(into.or(general(word, 0)));
        // Up to four registers, from any on or from a multiple of four.
        let first = bits(word, 0, 5);
        for number in first & !3..first.wrapping_add(4) {
            self.forget_vector(number);
        }
        if bits(word, 29, 3) == 7 {
            let to = Address {
                base: Some(pointer(word, 5)),
                offset: 0,
                index: None,
            };
            self.ops.push(Op::Spoil { to, size: 255 });
        }
    }
}

/// A distance as a constant: a negative one has all its upper bits set.
fn offset(distance: i64) -> Operand {
    Operand::Constant(u64::from_ne_bytes(distance.to_ne_bytes()))
}
