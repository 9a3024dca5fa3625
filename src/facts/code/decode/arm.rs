//! ARM instructions (A32), from `ARMv4` to `ARMv8`: by the classes of the ARM Architecture Reference Manual (DDI 0406C, chapter A5).
//!
//! Of coprocessors and vectors only what they change in memory and in core registers is told. Carries, saturation, rotation and division
//! are not followed.

use super::super::op::{Abi, Decode, Linked, Mode, Op, Operand, Register, RegisterSet, Target};
use super::linked;
use crate::read::{Endian, Fields};

mod data;
pub(crate) mod effects;
pub(crate) mod memory;
mod table;
#[cfg(test)]
mod tests;
mod vector;

use effects::{Effects, KEPT, bit, bits, constant, register, signed};
use memory::{Multiple, Place, Transfer};

/// ARM code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arm {
    /// The byte order of instructions: big only in old big-endian files, which have no BE8 flag.
    pub(crate) endian: Endian,
}

/// Functions follow the AAPCS, in ARM as in Thumb code.
pub(crate) static ABI: Abi = Abi {
    word: 4,
    arguments: &[Register(0), Register(1), Register(2), Register(3)],
    local_arguments: &[],
    stack_arguments: 0,
    result: Register(0),
    stack: effects::STACK,
    pushed: 0,
    preserved: RegisterSet::of(&[
        Register(4),
        Register(5),
        Register(6),
        Register(7),
        Register(8),
        Register(9),
        Register(10),
        Register(11),
        effects::STACK,
    ]),
    own_address: None,
    table: None,
    carried: None,
    system_number: SYSTEM_NUMBER,
    system_arguments: &[
        Register(0),
        Register(1),
        Register(2),
        Register(3),
        Register(4),
        Register(5),
        Register(6),
    ],
};
const SYSTEM_NUMBER: Register = Register(7);

/// The condition that always holds.
const ALWAYS: u32 = 14;
/// The mode behind `mov lr, pc`: a jump is a call, as old processors have no other to a register.
const LINKED: Mode = 1;

impl Decode for Arm {
    fn decode(&self, code: &[u8], at: u64, mode: &mut Mode, ops: &mut Vec<Op>) -> Option<usize> {
        let linked = std::mem::take(mode) == LINKED;
        let word = self.word(code, 0)?;
        let here = u32::try_from(at).ok()?;
        let from = ops.len();
        let mut effects = Effects::new(ops, here.wrapping_add(8));
        let condition = word.wrapping_shr(28);
        if condition > ALWAYS {
            if effects.unconditional(word).is_none() {
                ops.truncate(from);
                return None;
            }
            return Some(4);
        }
        if self.table(word, code, here, effects.told()).is_some() {
            return Some(4);
        }
        if effects.conditional(word).is_none() {
            ops.truncate(from);
            return None;
        }
        ops.extend(self.compared(word, code, here));
        if linked {
            link(ops);
        }
        if condition != ALWAYS {
            predicate(ops, from);
        }
        if word & 0x0fff_ffff == 0x01a0_e00f {
            *mode = LINKED;
        }
        Some(4)
    }

    fn step(&self) -> usize {
        4
    }

    fn abi(&self) -> &'static Abi {
        &ABI
    }

    fn linked(&self, code: &[u8], at: u64) -> Linked {
        let word = self.word(code, 0);
        word.map_or([None; 2], |word| linked::arm(word, at, self.endian))
    }

    fn is_prologue(&self, code: &[u8]) -> bool {
        // push {..., lr}; push {lr}; mov ip, sp.
        self.word(code, 0).is_some_and(|word| {
            word & 0xffff_4000 == 0xe92d_4000 || matches!(word, 0xe52d_e004 | 0xe1a0_c00d)
        })
    }
}

impl Arm {
    fn word(self, code: &[u8], at: usize) -> Option<u32> {
        Fields::new(code, self.endian).u32(at)
    }

    /// `cmp rN, #0`, `subs rN, rM, #0` or `movs rN, rM` with `beq` or `bne` behind it: what the branch tells of the register.
    fn compared(self, word: u32, code: &[u8], here: u32) -> Option<Op> {
        let branch = self.word(code, 4)?;
        let is_zero = match branch >> 24 {
            0x0a => true,
            0x1a => false,
            _ => return None,
        };
        let at = match word {
            _ if word & 0xfff0_ffff == 0xe350_0000 => 16,
            _ if word & 0xfff0_0fff == 0xe250_0000 || word & 0xffff_0ff0 == 0xe1b0_0000 => 12,
            _ => return None,
        };
        let [register, ..] = bits(word, at, 4).to_le_bytes();
        // 24 bits with a sign, in words, from two instructions further.
        let distance = (branch << 8).cast_signed().wrapping_shr(6);
        let to = here.wrapping_add(12).wrapping_add_signed(distance);
        Some(Op::Test(Register(register), is_zero, to.into()))
    }
}

/// A jump is a call.
fn link(ops: &mut [Op]) {
    if let Some(last) = ops.last_mut()
        && let &mut Op::Jump(target) = last
    {
        *last = Op::Call(target);
    }
}

/// What was read from `from` on may be executed or not: what registers and memory become is not known. Where control goes elsewhere, they
/// are as they were if it does not.
pub(crate) fn predicate(ops: &mut Vec<Op>, from: usize) {
    match ops.last() {
        Some(&Op::Jump(Target::At(to))) => {
            ops.truncate(from);
            ops.push(Op::Branch(to & !1));
        }
        Some(Op::Jump(_) | Op::Return | Op::Stop) => ops.truncate(from),
        _ => {
            for op in ops.iter_mut().skip(from) {
                soften(op);
            }
        }
    }
}

fn soften(op: &mut Op) {
    match *op {
        // What a decoder needs besides is nobody else's.
        Op::Set(into, _) | Op::Compute(into, ..) | Op::Load { into, .. }
            if into.0 >= Register::SPARE => {}
        Op::Set(into, _)
        | Op::Compute(into, ..)
        | Op::Insert { into, .. }
        | Op::Load { into, .. } => *op = Op::Forget(into),
        Op::Store { to, size, .. } => *op = Op::Spoil { to, size },
        _ => {}
    }
}

impl Effects<'_> {
    fn conditional(&mut self, word: u32) -> Option<()> {
        // Bits 24, 23 and 20: comparisons that set no flags are other instructions.
        let other = word & 0x0190_0000 == 0x0100_0000;
        match bits(word, 25, 3) {
            0 if word & 0xf0 == 0x90 => self.multiply_or_exclusive(word),
            0 if word & 0x90 == 0x90 => self.transfer_extra(word),
            0 if other => self.miscellaneous(word),
            1 if other => self.sixteen(word),
            3 if bit(word, 4) => self.media(word),
            4 => self.transfer_multiple(word),
            0 | 1 => {
                self.data(word);
                Some(())
            }
            2 | 3 => {
                self.transfer_single(word);
                Some(())
            }
            5 => {
                self.near(word);
                Some(())
            }
            _ if word & 0x0f00_0000 == 0x0f00_0000 => {
                self.system_call(bits(word, 0, 24));
                Some(())
            }
            _ => {
                self.coprocessor(word);
                Some(())
            }
        }
    }

    fn unconditional(&mut self, word: u32) -> Option<()> {
        match bits(word, 24, 4) {
            // Branch with a change to Thumb.
            0xa | 0xb => {
                let half = bits(word, 24, 1).wrapping_shl(1);
                let to = signed(bits(word, 0, 24), 24).wrapping_shl(2) | half | 1;
                let to = self.counter.wrapping_add(to);
                self.push(Op::Call(Target::At(u64::from(to))));
            }
            4 if !bit(word, 20) => self.elements(word),
            // Preloads, barriers, the byte order; arithmetic of vectors.
            1..=5 | 7 => {}
            0xc..=0xe => self.coprocessor(word),
            6 if bit(word, 20) => {}
            _ => return None,
        }
        Some(())
    }

    fn near(&mut self, word: u32) {
        let distance = signed(bits(word, 0, 24), 24).wrapping_shl(2);
        let to = Target::At(u64::from(self.counter.wrapping_add(distance)));
        self.push(if bit(word, 24) {
            Op::Call(to)
        } else {
            Op::Jump(to)
        });
    }

    /// `svc`: old programs have the number of the call in it, counted from 0x900000, where new ones have it in a register.
    fn system_call(&mut self, number: u32) {
        match number {
            0x0090_0000..=0x009f_ffff => {
                let number = number.wrapping_sub(0x0090_0000);
                self.push(Op::Set(KEPT, self.value(SYSTEM_NUMBER)));
                self.push(Op::Set(SYSTEM_NUMBER, constant(number)));
                self.push(Op::SystemCall);
                self.push(Op::Set(SYSTEM_NUMBER, self.value(KEPT)));
            }
            _ => self.push(Op::SystemCall),
        }
    }

    fn transfer_single(&mut self, word: u32) {
        let offset = if bit(word, 25) {
            self.shifted(register(word, 0), bits(word, 5, 2), bits(word, 7, 5))
        } else {
            constant(bits(word, 0, 12))
        };
        let transfer = Transfer {
            load: bit(word, 20),
            size: if bit(word, 22) { 1 } else { 4 },
            signed: false,
        };
        self.transfer(transfer, register(word, 12), place(word, offset));
    }

    /// Half words, signed bytes, double words.
    fn transfer_extra(&mut self, word: u32) -> Option<()> {
        let offset = if bit(word, 22) {
            constant(bits(word, 8, 4).wrapping_shl(4) | bits(word, 0, 4))
        } else {
            self.value(register(word, 0))
        };
        let place = place(word, offset);
        let [low, high] = [bits(word, 12, 4), bits(word, 12, 4) | 1].map(|at| register(at, 0));
        let transfer = |load, size, signed| Transfer { load, size, signed };
        match (bit(word, 20), bits(word, 5, 2)) {
            (load, 1) => self.transfer(transfer(load, 2, false), low, place),
            (false, _) if low == high || high == effects::COUNTER => return None,
            (false, kind) => self.pair(kind == 2, [low, high], place),
            (true, 2) => self.transfer(transfer(true, 1, true), low, place),
            (true, _) => self.transfer(transfer(true, 2, true), low, place),
        }
        Some(())
    }

    fn transfer_multiple(&mut self, word: u32) -> Option<()> {
        let place = Multiple {
            base: register(word, 16),
            before: bit(word, 24),
            up: bit(word, 23),
            back: bit(word, 21),
        };
        if bits(word, 0, 16) == 0 || place.base == effects::COUNTER {
            return None;
        }
        self.multiple(bit(word, 20), bits(word, 0, 16), place);
        Some(())
    }

    /// A jump to a register, in ARM or Thumb code: to the link register it is a return.
    pub(crate) fn exchange(&mut self, word: u32, at: u32, link: bool) {
        let to = register(word, at);
        if link {
            self.push(Op::Call(Target::Register(to)));
        } else {
            self.go(to);
        }
    }
}

/// Where a transfer goes: the P, U and W bits are 24, 23 and 21.
fn place(word: u32, offset: Operand) -> Place {
    let [before, up, back] = [24, 23, 21].map(|at| bit(word, at));
    Place::indexed(register(word, 16), offset, before, up, back)
}
