//! Arithmetic of general registers.

use iced_x86::{Instruction, Mnemonic, OpKind};

use super::super::super::op::{Arithmetic, Mode, Op, Operand};
use super::effects::{Effects, HELD, Part, SCRATCH};
use super::moves::{copy, exchange, lea, pop, push, sign_extend, size, string, zero_extend};
use super::{AX, FRAME, STACK};

/// Tells what an instruction does if it is one of those that build values; `None`, and nothing told, if it is another one.
pub(super) fn decode(
    instruction: &Instruction,
    mode: &mut Mode,
    effects: &mut Effects<'_>,
) -> Option<()> {
    use Arithmetic::{Add, And, Multiply, Or, Shift, ShiftRight, ShiftSigned, Subtract, Xor};
    let one = Some(Operand::Constant(1));
    match instruction.mnemonic() {
        Mnemonic::Mov => copy(instruction, effects),
        Mnemonic::Lea => lea(instruction, effects),
        Mnemonic::Push => push(instruction, effects),
        Mnemonic::Pop => pop(instruction, effects),
        Mnemonic::Test | Mnemonic::Cmp => {
            *mode = compared(instruction);
            Some(())
        }
        Mnemonic::Nop | Mnemonic::Endbr32 | Mnemonic::Endbr64 => Some(()),
        Mnemonic::Xor | Mnemonic::Sub if is_twice(instruction) => {
            effects.put(Part::of(instruction.op0_register())?, Operand::Constant(0));
            Some(())
        }
        Mnemonic::Add => both(instruction, Add, None, effects),
        Mnemonic::Sub => both(instruction, Subtract, None, effects),
        Mnemonic::And => both(instruction, And, None, effects),
        Mnemonic::Or => both(instruction, Or, None, effects),
        Mnemonic::Xor => both(instruction, Xor, None, effects),
        Mnemonic::Inc => both(instruction, Add, one, effects),
        Mnemonic::Dec => both(instruction, Subtract, one, effects),
        Mnemonic::Not => both(instruction, Xor, Some(Operand::Constant(u64::MAX)), effects),
        Mnemonic::Shl | Mnemonic::Sal => shift(instruction, Shift, effects),
        Mnemonic::Shr => shift(instruction, ShiftRight, effects),
        Mnemonic::Sar => shift(instruction, ShiftSigned, effects),
        Mnemonic::Imul if instruction.op_count() == 2 => both(instruction, Multiply, None, effects),
        Mnemonic::Imul if instruction.op_count() == 3 => multiply(instruction, effects),
        Mnemonic::Movzx => zero_extend(instruction, effects),
        Mnemonic::Movsx | Mnemonic::Movsxd => sign_extend(instruction, effects),
        Mnemonic::Cdqe => {
            effects.compute(AX, Shift, AX, Operand::Constant(32));
            effects.compute(AX, ShiftSigned, AX, Operand::Constant(32));
            Some(())
        }
        Mnemonic::Neg => negate(instruction, effects),
        Mnemonic::Bswap => swap_bytes(instruction, effects),
        Mnemonic::Rol | Mnemonic::Ror => swap_two(instruction, effects),
        Mnemonic::Xchg => exchange(instruction, effects),
        Mnemonic::Leave => {
            effects.op(Op::Set(STACK, Operand::Register(FRAME)));
            effects.pop(FRAME);
            Some(())
        }
        Mnemonic::Pushfd | Mnemonic::Pushfq => {
            effects.op(Op::Forget(HELD));
            effects.push(Operand::Register(HELD));
            Some(())
        }
        Mnemonic::Popfd | Mnemonic::Popfq => {
            effects.pop(HELD);
            Some(())
        }
        _ if instruction.is_string_instruction() => string(instruction, effects),
        _ => None,
    }
}

/// Whether both operands are the same register.
fn is_twice(instruction: &Instruction) -> bool {
    instruction.op0_kind() == OpKind::Register
        && instruction.op1_kind() == OpKind::Register
        && instruction.op0_register() == instruction.op1_register()
}

/// One more than the register that `test` or `cmp` compares with zero; 0 if it does something else.
fn compared(instruction: &Instruction) -> Mode {
    let zero = instruction.mnemonic() == Mnemonic::Cmp
        && instruction.op0_kind() == OpKind::Register
        && matches!(instruction.try_immediate(1), Ok(0));
    let same = instruction.mnemonic() == Mnemonic::Test && is_twice(instruction);
    match Part::of(instruction.op0_register()) {
        Some(part) if (zero || same) && part.width >= 32 => part.register.0.saturating_add(1),
        _ => 0,
    }
}

/// The first operand becomes what it and the second one, or `second`, make together.
fn both(
    instruction: &Instruction,
    by: Arithmetic,
    second: Option<Operand>,
    effects: &mut Effects<'_>,
) -> Option<()> {
    if instruction.op0_kind() == OpKind::Memory {
        let (to, size) = (effects.place(instruction), size(instruction)?);
        if size > effects.word() {
            return None;
        }
        let second = match second {
            Some(second) => second,
            None => effects.value(instruction, 1)?,
        };
        effects.load(HELD, to, size, by == Arithmetic::ShiftSigned)?;
        effects.compute(HELD, by, HELD, second);
        return effects.store(Operand::Register(HELD), to, size);
    }
    let part = Part::of(instruction.op0_register())?;
    let second = match second {
        Some(second) => second,
        None => effects.value(instruction, 1)?,
    };
    together(instruction, part, by, second, effects)
}

/// A part of a register becomes what it and a value make together.
fn together(
    instruction: &Instruction,
    part: Part,
    by: Arithmetic,
    second: Operand,
    effects: &mut Effects<'_>,
) -> Option<()> {
    // How compilers for size write -1 and 0.
    if matches!(
        (by, second),
        (Arithmetic::Or, Operand::Constant(u64::MAX)) | (Arithmetic::And, Operand::Constant(0))
    ) {
        effects.put(part, second);
        return Some(());
    }
    if part.width == effects.bits {
        effects.compute(part.register, by, part.register, second);
        return Some(());
    }
    let Operand::Register(first) = effects.value(instruction, 0)? else {
        return None;
    };
    if part.width == 32 {
        effects.compute(part.register, by, first, second);
        effects.put(part, Operand::Register(part.register));
    } else {
        effects.compute(SCRATCH, by, first, second);
        effects.put(part, Operand::Register(SCRATCH));
    }
    Some(())
}

/// Shifts by a constant.
fn shift(instruction: &Instruction, by: Arithmetic, effects: &mut Effects<'_>) -> Option<()> {
    let amount = instruction.try_immediate(1).ok()?;
    if instruction.op0_kind() == OpKind::Memory {
        let most = if size(instruction)? == 8 { 63 } else { 31 };
        return both(
            instruction,
            by,
            Some(Operand::Constant(amount & most)),
            effects,
        );
    }
    let part = Part::of(instruction.op0_register()).filter(|part| part.width >= 32)?;
    let amount = amount & u64::from(part.width.saturating_sub(1));
    if part.width == effects.bits || by == Arithmetic::Shift {
        return together(instruction, part, by, Operand::Constant(amount), effects);
    }
    // What is above the part must not come in.
    let register = part.register;
    if by == Arithmetic::ShiftSigned {
        effects.compute(register, Arithmetic::Shift, register, Operand::Constant(32));
        let amount = Operand::Constant(amount.saturating_add(32));
        effects.compute(register, by, register, amount);
        effects.put(part, Operand::Register(register));
    } else {
        effects.put(part, Operand::Register(register));
        effects.compute(register, by, register, Operand::Constant(amount));
    }
    Some(())
}

/// `imul` by a constant.
fn multiply(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    let part = Part::of(instruction.op0_register()).filter(|part| part.width >= 32)?;
    let by = instruction.try_immediate(2).ok()?;
    let Operand::Register(first) = effects.value(instruction, 1)? else {
        return None;
    };
    let into = part.register;
    effects.compute(into, Arithmetic::Multiply, first, Operand::Constant(by));
    if part.width < effects.bits {
        effects.put(part, Operand::Register(into));
    }
    Some(())
}

fn negate(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    if instruction.op0_kind() != OpKind::Register {
        return None;
    }
    let part = Part::of(instruction.op0_register()).filter(|part| part.width >= 32)?;
    let register = part.register;
    effects.op(Op::Set(SCRATCH, Operand::Constant(0)));
    let second = Operand::Register(register);
    effects.compute(register, Arithmetic::Subtract, SCRATCH, second);
    if part.width < effects.bits {
        effects.put(part, second);
    }
    Some(())
}

fn swap_bytes(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    let part = Part::of(instruction.op0_register()).filter(|part| part.width >= 32)?;
    let register = part.register;
    let group = Operand::Constant(u64::from(part.width / 8));
    effects.compute(register, Arithmetic::Swap, register, group);
    if part.width < effects.bits {
        effects.put(part, Operand::Register(register));
    }
    Some(())
}

/// `rol` of 16 bits by 8: how the byte order of a port is changed.
fn swap_two(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    if instruction.op0_kind() != OpKind::Register || !matches!(instruction.try_immediate(1), Ok(8))
    {
        return None;
    }
    let part = Part::of(instruction.op0_register()).filter(|part| part.width == 16)?;
    effects.compute(
        SCRATCH,
        Arithmetic::Swap,
        part.register,
        Operand::Constant(2),
    );
    effects.put(part, Operand::Register(SCRATCH));
    Some(())
}
