//! Moves of vector registers. Each of the first ones is followed as so many registers of an address's width, the lowest first.

use iced_x86::{Instruction, Mnemonic, OpKind, Register as Name};

use super::super::super::op::{Address, Op, Operand, Register};
use super::effects::{Effects, Part};

/// Bytes of a vector register that are followed.
const WIDTH: u8 = 16;

/// The registers that a vector register is followed as: none for the last vector registers.
pub(super) fn lanes(name: Name, bits: u8) -> impl Iterator<Item = Register> + Clone + use<> {
    // Numbers that the general registers leave free.
    let (first, each) = if bits == 64 { (16, 2) } else { (8, 4) };
    let start = u8::try_from(name.number())
        .ok()
        .filter(|_| name.is_vector_register())
        .and_then(|number| number.checked_mul(each))
        .and_then(|number| number.checked_add(first))
        .filter(|&start| start <= Register::SPARE.saturating_sub(each))
        .unwrap_or(Register::SPARE);
    (start..start.saturating_add(each))
        .take_while(|&number| number < Register::SPARE)
        .map(Register)
}

/// Tells what a move does if both of its ends are followed; `None`, and nothing told, otherwise.
pub(super) fn decode(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    match instruction.mnemonic() {
        Mnemonic::Movaps
        | Mnemonic::Movapd
        | Mnemonic::Movups
        | Mnemonic::Movupd
        | Mnemonic::Movdqa
        | Mnemonic::Movdqu
        | Mnemonic::Lddqu
        | Mnemonic::Vmovaps
        | Mnemonic::Vmovapd
        | Mnemonic::Vmovups
        | Mnemonic::Vmovupd
        | Mnemonic::Vmovdqa
        | Mnemonic::Vmovdqu => whole(instruction, WIDTH, effects),
        Mnemonic::Movq | Mnemonic::Vmovq => whole(instruction, 8, effects),
        Mnemonic::Movd | Mnemonic::Vmovd => whole(instruction, 4, effects),
        // Between registers they leave the upper part as it was.
        Mnemonic::Movsd | Mnemonic::Vmovsd if has_memory(instruction) => {
            whole(instruction, 8, effects)
        }
        Mnemonic::Movss | Mnemonic::Vmovss if has_memory(instruction) => {
            whole(instruction, 4, effects)
        }
        Mnemonic::Movlps | Mnemonic::Movlpd => half(instruction, false, effects),
        Mnemonic::Movhps | Mnemonic::Movhpd => half(instruction, true, effects),
        Mnemonic::Punpcklqdq | Mnemonic::Movlhps if !has_memory(instruction) => {
            let into = followed(instruction.op0_register(), effects)?;
            let from = followed(instruction.op1_register(), effects)?;
            for (into, from) in into.skip(upper(effects)).zip(from) {
                effects.op(Op::Set(into, Operand::Register(from)));
            }
            Some(())
        }
        Mnemonic::Pxor | Mnemonic::Xorps | Mnemonic::Xorpd
            if instruction.op0_register() == instruction.op1_register() =>
        {
            clear(instruction, effects)
        }
        Mnemonic::Vpxor | Mnemonic::Vxorps | Mnemonic::Vxorpd
            if instruction.op_count() == 3
                && instruction.op1_register() == instruction.op2_register() =>
        {
            clear(instruction, effects)
        }
        _ => None,
    }
}

fn has_memory(instruction: &Instruction) -> bool {
    instruction.op0_kind() == OpKind::Memory || instruction.op1_kind() == OpKind::Memory
}

/// The parts of a vector register that is followed, and is no wider than that.
fn followed(
    name: Name,
    effects: &Effects<'_>,
) -> Option<impl Iterator<Item = Register> + Clone + use<>> {
    let lanes = lanes(name, effects.bits);
    (name.is_xmm() && lanes.clone().next().is_some()).then_some(lanes)
}

/// How many parts the lower half of a vector register has.
fn upper(effects: &Effects<'_>) -> usize {
    if effects.bits == 64 { 1 } else { 2 }
}

fn clear(instruction: &Instruction, effects: &mut Effects<'_>) -> Option<()> {
    for lane in followed(instruction.op0_register(), effects)? {
        effects.op(Op::Set(lane, Operand::Constant(0)));
    }
    Some(())
}

/// Moves the lowest bytes; the others of a vector register become zero.
fn whole(instruction: &Instruction, size: u8, effects: &mut Effects<'_>) -> Option<()> {
    if instruction.op_count() != 2 {
        return None;
    }
    if instruction.op0_kind() == OpKind::Memory {
        let lanes = followed(instruction.op1_register(), effects)?;
        return store(lanes, instruction, size, effects);
    }
    if instruction.op1_kind() == OpKind::Memory {
        let lanes = followed(instruction.op0_register(), effects)?;
        return load(lanes, instruction, size, true, effects);
    }
    let (to, from) = (instruction.op0_register(), instruction.op1_register());
    if let Some(part) = Part::of(to) {
        let lane = followed(from, effects)?.next()?;
        effects.put(part, Operand::Register(lane));
        return Some(());
    }
    let lanes = followed(to, effects)?;
    if let Some(part) = Part::of(from) {
        for (index, lane) in lanes.enumerate() {
            if index == 0 {
                effects.put(part.of_same_size(lane), Operand::Register(part.register));
            } else {
                effects.op(Op::Set(lane, Operand::Constant(0)));
            }
        }
        return Some(());
    }
    let words = usize::from(size.div_ceil(effects.word()));
    for (index, (into, from)) in lanes.zip(followed(from, effects)?).enumerate() {
        effects.op(Op::Set(
            into,
            if index < words {
                Operand::Register(from)
            } else {
                Operand::Constant(0)
            },
        ));
    }
    Some(())
}

/// Moves eight bytes, the lower or the upper ones of a vector register, and leaves the others.
fn half(instruction: &Instruction, is_upper: bool, effects: &mut Effects<'_>) -> Option<()> {
    let skipped = if is_upper { upper(effects) } else { 0 };
    if instruction.op0_kind() == OpKind::Memory {
        let lanes = followed(instruction.op1_register(), effects)?.skip(skipped);
        return store(lanes, instruction, 8, effects);
    }
    if instruction.op1_kind() == OpKind::Memory {
        let lanes = followed(instruction.op0_register(), effects)?.skip(skipped);
        return load(lanes, instruction, 8, false, effects);
    }
    None
}

fn load(
    lanes: impl Iterator<Item = Register>,
    instruction: &Instruction,
    size: u8,
    clears: bool,
    effects: &mut Effects<'_>,
) -> Option<()> {
    let place = effects.place(instruction);
    let mut done = 0_u8;
    for lane in lanes {
        let part = size.saturating_sub(done).min(effects.word());
        if part > 0 {
            effects.load(lane, place.map(|place| further(place, done)), part, false)?;
        } else if clears {
            effects.op(Op::Set(lane, Operand::Constant(0)));
        }
        done = done.saturating_add(effects.word());
    }
    Some(())
}

fn store(
    lanes: impl Iterator<Item = Register>,
    instruction: &Instruction,
    size: u8,
    effects: &mut Effects<'_>,
) -> Option<()> {
    let place = effects.place(instruction);
    let mut done = 0_u8;
    for lane in lanes {
        let part = size.saturating_sub(done).min(effects.word());
        if part > 0 {
            let to = place.map(|place| further(place, done));
            effects.store(Operand::Register(lane), to, part)?;
        }
        done = done.saturating_add(effects.word());
    }
    Some(())
}

fn further(place: Address, bytes: u8) -> Address {
    Address {
        offset: place.offset.wrapping_add(i64::from(bytes)),
        ..place
    }
}
