//! Which bytes of an x86 instruction a linker may write: distances, and numbers of 4 or 8 bytes.

use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind};

use super::super::super::op::{Linked, Part, PartKind};
use super::effects::general;
use super::near;

/// The parts of the instruction at the start of `code`.
pub(super) fn linked(code: &[u8], at: u64, bits: u8) -> Linked {
    let decoder = Decoder::try_with_ip(u32::from(bits), code, at, DecoderOptions::NONE);
    let Ok(mut decoder) = decoder else {
        return [None; 2];
    };
    let mut instruction = Instruction::default();
    decoder.decode_out(&mut instruction);
    if instruction.is_invalid() {
        return [None; 2];
    }
    let places = decoder.get_constant_offsets(&instruction);
    let displacement = places.has_displacement().then(|| Part {
        kind: if instruction.is_ip_rel_memory_operand() {
            PartKind::Relative(instruction.ip_rel_memory_address())
        } else {
            PartKind::Whole {
                base: general(instruction.memory_base()),
                number: instruction.memory_displacement64(),
            }
        },
        mask: mask(places.displacement_offset(), places.displacement_size()),
    });
    let immediate = places.has_immediate().then(|| Part {
        kind: if near(&instruction) || instruction.is_jcc_short_or_near() {
            PartKind::Distance
        } else {
            PartKind::Whole {
                base: None,
                number: number(&instruction),
            }
        },
        mask: mask(places.immediate_offset(), places.immediate_size()),
    });
    // Numbers that are shorter than an address are none.
    let is_long = |part: &Part| !matches!(part.kind, PartKind::Whole { .. }) || count(part) >= 4;
    [displacement.filter(is_long), immediate.filter(is_long)]
}

/// How many bytes a part has.
fn count(part: &Part) -> usize {
    part.mask.iter().filter(|&&byte| byte != 0).count()
}

fn mask(at: usize, size: usize) -> [u8; 16] {
    let mut mask = [0; 16];
    for byte in mask.iter_mut().skip(at).take(size) {
        *byte = 0xff;
    }
    mask
}

/// The number that an instruction holds.
fn number(instruction: &Instruction) -> u64 {
    let mut operands = 0..instruction.op_count();
    let number = operands.find(|&operand| {
        matches!(
            instruction.op_kind(operand),
            OpKind::Immediate32 | OpKind::Immediate64 | OpKind::Immediate32to64
        )
    });
    number.map_or(0, |operand| instruction.immediate(operand))
}
