//! Operands of x86: parts of registers, places in memory, and what is put into them.

use iced_x86::{Instruction, OpKind, Register as Name, UsedMemory};

use super::super::super::op::{Address, Arithmetic, Op, Operand, Register, Target};
use super::STACK;

/// What an operand in memory holds.
pub(super) const HELD: Register = Register(Register::SPARE);
/// A value on its way.
pub(super) const SCRATCH: Register = Register(Register::SPARE + 1);
/// The upper part of `ax` and its like.
const UPPER: Register = Register(Register::SPARE + 2);

/// A register, or the part of it that an instruction names.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) register: Register,
    /// The lowest bit: 0, or 8 for `ah`.
    at: u8,
    /// In bits.
    pub(super) width: u8,
}

impl Part {
    /// The part that a name means; `None` for registers that are not general ones.
    pub(super) fn of(name: Name) -> Option<Self> {
        let register = general(name)?;
        let width = match name.size() {
            1 => 8,
            2 => 16,
            4 => 32,
            _ => 64,
        };
        let at = match name {
            Name::AH | Name::BH | Name::CH | Name::DH => 8,
            _ => 0,
        };
        Some(Self {
            register,
            at,
            width,
        })
    }

    /// As much of another register.
    pub(super) fn of_same_size(self, register: Register) -> Self {
        Self { register, ..self }
    }
}

/// The general register that a name belongs to.
pub(super) fn general(name: Name) -> Option<Register> {
    name.is_gpr()
        .then(|| u8::try_from(name.full_register().number()).ok())
        .flatten()
        .map(Register)
}

/// Takes effects.
pub(super) struct Effects<'a> {
    ops: &'a mut Vec<Op>,
    /// 32 or 64.
    pub(super) bits: u8,
}

impl<'a> Effects<'a> {
    pub(super) fn new(ops: &'a mut Vec<Op>, bits: u8) -> Self {
        Self { ops, bits }
    }

    pub(super) fn op(&mut self, op: Op) {
        self.ops.push(op);
    }

    pub(super) fn compute(
        &mut self,
        into: Register,
        by: Arithmetic,
        first: Register,
        second: Operand,
    ) {
        self.ops.push(Op::Compute(into, by, first, second));
    }

    /// Bytes of an address.
    pub(super) fn word(&self) -> u8 {
        self.bits / 8
    }

    /// The place that the memory operand names; `None` where a segment register or something unusual has a part in it.
    pub(super) fn place(&self, instruction: &Instruction) -> Option<Address> {
        if matches!(instruction.memory_segment(), Name::FS | Name::GS) {
            return None;
        }
        self.address(instruction)
    }

    /// What the memory operand adds up to, without a segment.
    pub(super) fn address(&self, instruction: &Instruction) -> Option<Address> {
        self.sum(
            instruction.memory_base(),
            instruction.memory_index(),
            instruction.memory_index_scale(),
            instruction.memory_displacement64(),
        )
    }

    /// The place that an instruction uses without or with naming it.
    pub(super) fn used(&self, memory: &UsedMemory) -> Option<Address> {
        if matches!(memory.segment(), Name::FS | Name::GS) {
            return None;
        }
        self.sum(
            memory.base(),
            memory.index(),
            memory.scale(),
            memory.displacement(),
        )
    }

    fn sum(&self, base: Name, index: Name, scale: u32, displacement: u64) -> Option<Address> {
        let is_narrow = base != Name::EIP && base.size() == 4 || index.size() == 4;
        let scale = match scale {
            2 => 1,
            4 => 2,
            8 => 3,
            _ => 0,
        };
        let index = match index {
            Name::None => None,
            name => Some((general(name)?, scale)),
        };
        let base = match base {
            // The displacement is the address already.
            Name::None | Name::RIP | Name::EIP => None,
            name => Some(general(name)?),
        };
        let [a, b, c, d, ..] = displacement.to_le_bytes();
        let offset = if self.bits == 32 || is_narrow {
            i64::from(i32::from_le_bytes([a, b, c, d]))
        } else {
            displacement.cast_signed()
        };
        Some(Address {
            base,
            offset,
            index,
        })
    }

    /// Where a jump or call by a register or by what is in memory goes.
    pub(super) fn target(&mut self, instruction: &Instruction) -> Option<Target> {
        match instruction.op0_kind() {
            OpKind::Register => {
                let part = Part::of(instruction.op0_register())?;
                (part.width == self.bits).then_some(Target::Register(part.register))
            }
            OpKind::Memory if instruction.memory_size().size() == usize::from(self.word()) => {
                if let Some(place) = self.place(instruction) {
                    return Some(Target::Memory(place));
                }
                self.op(Op::Forget(HELD));
                Some(Target::Register(HELD))
            }
            _ => None,
        }
    }

    /// Whether a call is `call gs:[0x10]`, through which 32-bit programs enter the kernel.
    pub(super) fn is_kernel_entry(&self, instruction: &Instruction) -> bool {
        self.bits == 32
            && instruction.op0_kind() == OpKind::Memory
            && instruction.memory_segment() == Name::GS
            && instruction.memory_base() == Name::None
            && instruction.memory_index() == Name::None
            && instruction.memory_displacement64() == 0x10
    }

    /// The value of an operand. Bits above its width mean nothing.
    pub(super) fn value(&mut self, instruction: &Instruction, operand: u32) -> Option<Operand> {
        match instruction.op_kind(operand) {
            OpKind::Register => {
                let part = Part::of(instruction.op_register(operand))?;
                if part.at == 0 {
                    return Some(Operand::Register(part.register));
                }
                self.compute(
                    UPPER,
                    Arithmetic::ShiftRight,
                    part.register,
                    Operand::Constant(8),
                );
                Some(Operand::Register(UPPER))
            }
            OpKind::Memory => {
                let size = u8::try_from(instruction.memory_size().size()).ok()?;
                self.load(HELD, self.place(instruction), size, false)?;
                Some(Operand::Register(HELD))
            }
            _ => instruction
                .try_immediate(operand)
                .ok()
                .map(Operand::Constant),
        }
    }

    /// Loads from a place, if it is known. `None` for sizes that no register has.
    pub(super) fn load(
        &mut self,
        into: Register,
        from: Option<Address>,
        size: u8,
        signed: bool,
    ) -> Option<()> {
        if !matches!(size, 1 | 2 | 4 | 8) || size > self.word() {
            return None;
        }
        self.op(match from {
            Some(from) => Op::Load {
                into,
                from,
                size,
                signed,
            },
            None => Op::Forget(into),
        });
        Some(())
    }

    /// Stores at a place. One that a segment register moves is not the place of anything that is followed.
    pub(super) fn store(&mut self, value: Operand, to: Option<Address>, size: u8) -> Option<()> {
        if !matches!(size, 1 | 2 | 4 | 8) || size > self.word() {
            return None;
        }
        if let Some(to) = to {
            self.op(Op::Store { value, to, size });
        }
        Some(())
    }

    /// So many bytes at a place become unknown.
    pub(super) fn spoil(&mut self, to: Address, bytes: usize) {
        const MOST: usize = 128;
        let (mut to, mut left) = (to, bytes);
        while left > 0 {
            let size = u8::try_from(left.min(MOST)).unwrap_or(u8::MAX);
            self.op(Op::Spoil { to, size });
            to.offset = to.offset.wrapping_add(i64::from(size));
            left = left.saturating_sub(usize::from(size));
        }
    }

    /// Puts a value on the stack.
    pub(super) fn push(&mut self, value: Operand) {
        let size = self.word();
        let value = if value == Operand::Register(STACK) {
            self.op(Op::Set(SCRATCH, value));
            Operand::Register(SCRATCH)
        } else {
            value
        };
        let bytes = Operand::Constant(u64::from(size));
        self.compute(STACK, Arithmetic::Subtract, STACK, bytes);
        self.op(Op::Store {
            value,
            to: at(STACK),
            size,
        });
    }

    /// Takes a value from the stack.
    pub(super) fn pop(&mut self, into: Register) {
        let size = self.word();
        self.op(Op::Load {
            into,
            from: at(STACK),
            size,
            signed: false,
        });
        let bytes = Operand::Constant(u64::from(size));
        if into != STACK {
            self.compute(STACK, Arithmetic::Add, STACK, bytes);
        }
    }

    /// Puts a value into a part of a register. 32 bits of 64 clear the others.
    pub(super) fn put(&mut self, part: Part, value: Operand) {
        let Part {
            register,
            at,
            width,
        } = part;
        self.op(match value {
            _ if width == self.bits => Op::Set(register, value),
            _ if width < 32 => Op::Insert {
                into: register,
                value,
                at,
                width,
            },
            Operand::Constant(value) => {
                Op::Set(register, Operand::Constant(value & u64::from(u32::MAX)))
            }
            Operand::Register(from) | Operand::Shifted(from, _) => Op::Compute(
                register,
                Arithmetic::And,
                from,
                Operand::Constant(u64::from(u32::MAX)),
            ),
        });
    }
}

/// The place that a register names.
pub(super) fn at(register: Register) -> Address {
    Address {
        base: Some(register),
        offset: 0,
        index: None,
    }
}
