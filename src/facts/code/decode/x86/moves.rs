//! Moves between registers and memory, and what only adds up an address.

use iced_x86::{Instruction, Mnemonic, OpKind, Register as Name};

use super::super::super::op::{Address, Arithmetic, Op, Operand};
use super::effects::{Effects, HELD, Part, SCRATCH, at};
use super::{AX, DI, SI};

pub(super) fn copy(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    if instruction.op0_kind() == OpKind::Memory {
        let value = effects.value(instruction, 1)?;
        return effects.store(value, effects.place(instruction), size(instruction)?);
    }
    let part = Part::of(instruction.op0_register())?;
    if instruction.op1_kind() == OpKind::Memory && part.width >= 32 {
        let from = effects.place(instruction);
        return effects.load(part.register, from, size(instruction)?, false);
    }
    let value = effects.value(instruction, 1)?;
    effects.put(part, value);
    Some(())
}

pub(super) fn lea(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    let part = Part::of(instruction.op0_register()).filter(|part| part.width >= 32)?;
    let Address {
        base,
        offset,
        index,
    } = effects.address(instruction)?;
    let offset = Operand::Constant(offset.cast_unsigned());
    let into = part.register;
    match (base, index) {
        (None, None) => {
            effects.put(part, offset);
            return Some(());
        }
        (Some(base), None) if offset == Operand::Constant(0) => {
            effects.put(part, Operand::Register(base));
            return Some(());
        }
        (Some(base), None) => effects.compute(into, Arithmetic::Add, base, offset),
        (base, Some((index, by))) => {
            match base {
                Some(base) => {
                    effects.compute(into, Arithmetic::Add, base, Operand::Shifted(index, by));
                }
                None => effects.compute(
                    into,
                    Arithmetic::Shift,
                    index,
                    Operand::Constant(u64::from(by)),
                ),
            }
            if offset != Operand::Constant(0) {
                effects.compute(into, Arithmetic::Add, into, offset);
            }
        }
    }
    if part.width < effects.bits {
        effects.put(part, Operand::Register(into));
    }
    Some(())
}

pub(super) fn push(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    match instruction.op0_kind() {
        OpKind::Memory if size(instruction)? != effects.word() => return None,
        OpKind::Immediate16 | OpKind::Immediate8to16 => return None,
        OpKind::Register => match Part::of(instruction.op0_register()) {
            Some(part) if part.width != effects.bits => return None,
            Some(_) => {}
            None => {
                effects.op(Op::Forget(HELD));
                effects.push(Operand::Register(HELD));
                return Some(());
            }
        },
        _ => {}
    }
    let value = effects.value(instruction, 0)?;
    effects.push(value);
    Some(())
}

pub(super) fn pop(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    if instruction.op0_kind() == OpKind::Memory {
        let word = effects.word();
        if size(instruction)? != word {
            return None;
        }
        effects.pop(HELD);
        return effects.store(Operand::Register(HELD), effects.place(instruction), word);
    }
    let part = Part::of(instruction.op0_register()).filter(|part| part.width == effects.bits)?;
    effects.pop(part.register);
    Some(())
}

pub(super) fn zero_extend(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    let part = Part::of(instruction.op0_register()).filter(|part| part.width >= 32)?;
    if instruction.op1_kind() == OpKind::Memory {
        let from = effects.place(instruction);
        return effects.load(part.register, from, size(instruction)?, false);
    }
    let mask = if instruction.op1_register().size() == 1 {
        0xff
    } else {
        0xffff
    };
    let Operand::Register(from) = effects.value(instruction, 1)? else {
        return None;
    };
    effects.compute(
        part.register,
        Arithmetic::And,
        from,
        Operand::Constant(mask),
    );
    Some(())
}

pub(super) fn sign_extend(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    let part = Part::of(instruction.op0_register()).filter(|part| part.width >= 32)?;
    let into = part.register;
    if instruction.op1_kind() == OpKind::Memory {
        let from = effects.place(instruction);
        effects.load(into, from, size(instruction)?, true)?;
    } else {
        let width = Part::of(instruction.op1_register())?.width;
        let Operand::Register(from) = effects.value(instruction, 1)? else {
            return None;
        };
        let amount = Operand::Constant(u64::from(effects.bits.saturating_sub(width)));
        effects.compute(into, Arithmetic::Shift, from, amount);
        effects.compute(into, Arithmetic::ShiftSigned, into, amount);
    }
    if part.width < effects.bits {
        effects.put(part, Operand::Register(into));
    }
    Some(())
}

pub(super) fn exchange(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    let wide = |operand| Part::of(instruction.op_register(operand)).filter(|part| part.width >= 32);
    match (instruction.op0_kind(), instruction.op1_kind()) {
        (OpKind::Register, OpKind::Register) => {
            let (first, second) = (wide(0)?, wide(1)?);
            effects.op(Op::Set(SCRATCH, Operand::Register(first.register)));
            effects.put(first, Operand::Register(second.register));
            effects.put(second, Operand::Register(SCRATCH));
        }
        (OpKind::Memory, OpKind::Register) => {
            let (part, place, size) = (wide(1)?, effects.place(instruction), size(instruction)?);
            effects.load(HELD, place, size, false)?;
            effects.store(Operand::Register(part.register), place, size)?;
            effects.put(part, Operand::Register(HELD));
        }
        _ => return None,
    }
    Some(())
}

/// `movs`, `stos` and `lods` that are not repeated.
pub(super) fn string(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    let repeated = instruction.has_rep_prefix() || instruction.has_repne_prefix();
    let size = size(instruction)?;
    let segment = instruction.memory_segment();
    let step = Operand::Constant(u64::from(size));
    let (from, to) = match instruction.mnemonic() {
        _ if repeated || matches!(segment, Name::FS | Name::GS) => return None,
        Mnemonic::Movsb | Mnemonic::Movsw | Mnemonic::Movsd | Mnemonic::Movsq => (true, true),
        Mnemonic::Stosb | Mnemonic::Stosw | Mnemonic::Stosd | Mnemonic::Stosq => (false, true),
        Mnemonic::Lodsd | Mnemonic::Lodsq => (true, false),
        _ => return None,
    };
    let value = match (from, to) {
        (true, true) => HELD,
        _ => AX,
    };
    if from {
        effects.load(value, Some(at(SI)), size, false)?;
        effects.compute(SI, Arithmetic::Add, SI, step);
    }
    if to {
        effects.store(Operand::Register(value), Some(at(DI)), size)?;
        effects.compute(DI, Arithmetic::Add, DI, step);
    }
    Some(())
}

/// The bytes of the memory operand.
pub(super) fn size(instruction: &Instruction) -> Option<u8> {
    u8::try_from(instruction.memory_size().size()).ok()
}
