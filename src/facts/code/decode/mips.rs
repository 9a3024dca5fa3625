//! MIPS: MIPS I to MIPS32 release 2, and what 64-bit ones add as far as it fits into 32 bits. MIPS16, microMIPS and release 6 are not read.
//!
//! The instruction behind a jump is read with it: it is executed before the jump goes anywhere. A "likely" branch executes it only when the
//! branch is taken, so that whatever it changes is not known.

mod plain;
#[cfg(test)]
mod tests;

use super::super::op::{Abi, Decode, Linked, Mode, Op, Operand, Register, RegisterSet, Target};
use super::linked;
use crate::read::Endian;

/// The bits of an address.
const ADDRESSES: u64 = 0xffff_ffff;
/// Always zero.
const ZERO: Register = Register(0);
const RESULT: Register = Register(2);
const GLOBAL: Register = Register(28);
const STACK: Register = Register(29);
/// The address that a call returns to.
const LINK: Register = Register(31);
/// The register of a jump, where the instruction behind the jump changes it.
const COPY: Register = Register(Register::SPARE);
/// The lower half of a product, or a quotient.
const LOW: Register = Register(Register::SPARE + 1);
/// Values on their way.
const SCRATCH: [Register; 2] = [Register(Register::SPARE + 2), Register(Register::SPARE + 3)];

/// The o32 convention (System V ABI, MIPS supplement).
static ABI: Abi = Abi {
    word: 4,
    arguments: &[Register(4), Register(5), Register(6), Register(7)],
    local_arguments: &[],
    stack_arguments: 16,
    result: RESULT,
    stack: STACK,
    pushed: 0,
    preserved: RegisterSet::of(&[
        Register(16),
        Register(17),
        Register(18),
        Register(19),
        Register(20),
        Register(21),
        Register(22),
        Register(23),
        STACK,
        Register(30),
    ]),
    own_address: Some(Register(25)),
    table: Some((GLOBAL, 0x7ff0)),
    carried: None,
    system_number: RESULT,
    system_arguments: &[Register(4), Register(5), Register(6), Register(7)],
};

/// Reads MIPS instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mips {
    /// The byte order of instructions, which is that of data too.
    pub(crate) endian: Endian,
}

impl Decode for Mips {
    fn decode(&self, code: &[u8], at: u64, _mode: &mut Mode, ops: &mut Vec<Op>) -> Option<usize> {
        let word = Word(self.word(code, 0)?);
        let flow = match Flow::of(word, at) {
            Kind::Plain => {
                plain::decode(*self, word, ops)?;
                return Some(4);
            }
            Kind::Unknown => return None,
            Kind::Flow(flow) => flow,
        };
        let slot = Word(self.word(code, 4)?);
        if !matches!(Flow::of(slot, at.wrapping_add(4)), Kind::Plain) {
            return None;
        }
        if flow.links {
            // The address of the next instruction but one: only where it is taken for its own sake is it worth knowing.
            ops.push(match flow.op {
                Some(Op::Call(_)) => Op::Forget(LINK),
                _ => Op::Set(LINK, Operand::Constant(at.wrapping_add(8) & ADDRESSES)),
            });
        }
        let first = ops.len();
        plain::decode(*self, slot, ops)?;
        if flow.likely {
            ops.iter_mut().skip(first).for_each(weaken);
        }
        if let Some(op) = flow.op {
            let changed = |register| {
                ops.iter()
                    .skip(first)
                    .any(|op| written(op) == Some(register))
            };
            match read(&op).filter(|&register| changed(register)) {
                Some(register) => {
                    ops.insert(first, Op::Set(COPY, Operand::Register(register)));
                    ops.push(copied(op));
                }
                None => ops.push(op),
            }
        }
        Some(8)
    }

    fn step(&self) -> usize {
        4
    }

    fn abi(&self) -> &'static Abi {
        &ABI
    }

    fn linked(&self, code: &[u8], at: u64) -> Linked {
        let word = self.word(code, 0);
        word.map_or([None; 2], |word| linked::mips(word, at, self.endian))
    }

    fn is_prologue(&self, code: &[u8]) -> bool {
        let Some(word) = self.word(code, 0) else {
            return false;
        };
        let next = self.word(code, 4).unwrap_or(0);
        // `addiu sp, sp, -n`, or `lui gp, n` and `addiu gp, gp, n`.
        word & 0xffff_8007 == 0x27bd_8000 || (word >> 16 == 0x3c1c && next >> 16 == 0x279c)
    }
}

impl Mips {
    /// The word at `at` bytes from the start.
    fn word(self, code: &[u8], at: usize) -> Option<u32> {
        let bytes = *code.get(at..)?.first_chunk()?;
        Some(match self.endian {
            Endian::Little => u32::from_le_bytes(bytes),
            Endian::Big => u32::from_be_bytes(bytes),
        })
    }
}

/// An instruction, and its fields under the names of the architecture's manual.
#[derive(Clone, Copy)]
struct Word(u32);

impl Word {
    fn opcode(self) -> u32 {
        self.0 >> 26
    }

    fn function(self) -> u32 {
        self.0 & 0x3f
    }

    fn rs(self) -> Register {
        self.register(21)
    }

    fn rt(self) -> Register {
        self.register(16)
    }

    fn rd(self) -> Register {
        self.register(11)
    }

    fn sa(self) -> u8 {
        self.register(6).0
    }

    fn register(self, at: u32) -> Register {
        let [low, ..] = (self.0 >> at).to_le_bytes();
        Register(low & 31)
    }

    /// The lower half, with its sign.
    fn signed(self) -> i64 {
        let [low, high, ..] = self.0.to_le_bytes();
        i64::from(i16::from_le_bytes([low, high]))
    }

    /// The lower half.
    fn unsigned(self) -> u64 {
        u64::from(self.0 & 0xffff)
    }

    /// Where a branch at `at` goes.
    fn branch(self, at: u64) -> u64 {
        let offset = self.signed().wrapping_mul(4).wrapping_add(4);
        at.wrapping_add_signed(offset) & ADDRESSES
    }
}

enum Kind {
    /// No jump.
    Plain,
    Flow(Flow),
    /// One of another release, or none.
    Unknown,
}

/// A jump, call or branch with the instruction behind it.
struct Flow {
    /// What it does; `None` where it never goes anywhere.
    op: Option<Op>,
    /// It puts the address of the instruction after the next one into `$ra`.
    links: bool,
    /// The instruction behind it is not executed where the branch is not taken.
    likely: bool,
}

impl Flow {
    fn of(word: Word, at: u64) -> Kind {
        let to = word.branch(at);
        let (rs, rt) = (word.rs(), word.rt());
        let likely = word.0 & 0x4000_0000 != 0;
        match word.opcode() {
            0 => Self::register(word),
            1 => Self::compared(word, at),
            2 => Self::always(Op::Jump(Target::At(absolute(word, at)))),
            3 => Self::call(Target::At(absolute(word, at))),
            // `jalx`: the code there is MIPS16 or microMIPS, as bit 0 says.
            29 => Self::call(Target::At(absolute(word, at) | 1)),
            4 | 20 if rs == rt => Self::always(Op::Jump(Target::At(to))),
            5 | 21 if rs == rt => Self::never(likely),
            4 | 20 if rt == ZERO => Self::branch(Op::Test(rs, true, to), likely),
            4 | 20 if rs == ZERO => Self::branch(Op::Test(rt, true, to), likely),
            5 | 21 if rt == ZERO => Self::branch(Op::Test(rs, false, to), likely),
            5 | 21 if rs == ZERO => Self::branch(Op::Test(rt, false, to), likely),
            // `blez`, `bgtz`; with a second register they are of release 6.
            6 | 7 | 22 | 23 if rt != ZERO => Kind::Unknown,
            6 | 22 if rs == ZERO => Self::always(Op::Jump(Target::At(to))),
            7 | 23 if rs == ZERO => Self::never(likely),
            4..=7 | 20..=23 => Self::branch(Op::Branch(to), likely),
            // Branches on a condition of a coprocessor, those of MIPS-3D and of vectors (MSA) among them.
            17 if matches!(rs.0, 9..=11 | 13 | 15 | 24..=31) => Self::branch(Op::Branch(to), false),
            17 | 18 if rs.0 == 8 => Self::branch(Op::Branch(to), word.0 & 0x2_0000 != 0),
            // Coprocessor 2 of release 6, of Octeon and of Loongson.
            18 if matches!(rs.0, 9..=15) => Kind::Unknown,
            _ => Kind::Plain,
        }
    }

    /// `jr` and `jalr`.
    fn register(word: Word) -> Kind {
        let (rs, rd) = (word.rs(), word.rd());
        match word.function() {
            8 if rs == LINK => Self::always(Op::Return),
            8 => Self::always(Op::Jump(Target::Register(rs))),
            9 if rd == ZERO && rs == LINK => Self::always(Op::Return),
            9 if rd == ZERO => Self::always(Op::Jump(Target::Register(rs))),
            9 if rd == LINK && rs != LINK => Self::call(Target::Register(rs)),
            // No compiler links to another register.
            9 => Kind::Unknown,
            _ => Kind::Plain,
        }
    }

    /// Comparisons of a register with zero, some of them calls.
    fn compared(word: Word, at: u64) -> Kind {
        let to = word.branch(at);
        let zero = word.rs() == ZERO;
        match word.rt().0 {
            1 | 3 if zero => Self::always(Op::Jump(Target::At(to))),
            likely @ (0 | 2) if zero => Self::never(likely == 2),
            likely @ 0..=3 => Self::branch(Op::Branch(to), likely > 1),
            // `bal` to the instruction after the next one, and `bltzal $zero`: the way to learn where the code is.
            17 | 19 if zero && to == at.wrapping_add(8) & ADDRESSES => Self::link(false),
            likely @ (16 | 18) if zero => Self::link(likely == 18),
            17 | 19 if zero => Self::call(Target::At(to)),
            likely @ 16..=19 => Kind::Flow(Self {
                op: Some(Op::Call(Target::At(to))),
                links: true,
                likely: likely > 17,
            }),
            28 | 29 => Self::branch(Op::Branch(to), false),
            // Traps, `synci`.
            8..=15 | 31 => Kind::Plain,
            _ => Kind::Unknown,
        }
    }

    fn always(op: Op) -> Kind {
        Self::branch(op, false)
    }

    fn branch(op: Op, likely: bool) -> Kind {
        Kind::Flow(Self {
            op: Some(op),
            links: false,
            likely,
        })
    }

    fn never(likely: bool) -> Kind {
        Kind::Flow(Self {
            op: None,
            links: false,
            likely,
        })
    }

    fn call(target: Target) -> Kind {
        Kind::Flow(Self {
            op: Some(Op::Call(target)),
            links: true,
            likely: false,
        })
    }

    fn link(likely: bool) -> Kind {
        Kind::Flow(Self {
            op: None,
            links: true,
            likely,
        })
    }
}

/// Where `j` and `jal` go: within the 256 MiB of the instruction behind them.
fn absolute(word: Word, at: u64) -> u64 {
    (at.wrapping_add(4) & 0xf000_0000) | u64::from((word.0 & 0x03ff_ffff) << 2)
}

/// What an effect is where it may not take place.
fn weaken(op: &mut Op) {
    *op = match *op {
        Op::Store { to, size, .. } => Op::Spoil { to, size },
        other => written(&other).map_or(other, Op::Forget),
    };
}

/// The register that an effect changes.
fn written(op: &Op) -> Option<Register> {
    match *op {
        Op::Set(into, _)
        | Op::Compute(into, ..)
        | Op::Insert { into, .. }
        | Op::Load { into, .. }
        | Op::Forget(into) => Some(into),
        _ => None,
    }
}

/// The register that a jump goes to or looks at.
fn read(op: &Op) -> Option<Register> {
    match *op {
        Op::Call(Target::Register(register))
        | Op::Jump(Target::Register(register))
        | Op::Test(register, ..) => Some(register),
        _ => None,
    }
}

/// A jump that uses the copy of its register.
fn copied(op: Op) -> Op {
    match op {
        Op::Call(_) => Op::Call(Target::Register(COPY)),
        Op::Jump(_) => Op::Jump(Target::Register(COPY)),
        Op::Test(_, zero, to) => Op::Test(COPY, zero, to),
        other => other,
    }
}
