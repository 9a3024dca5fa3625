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

/// As those of `decode/linked/tests.rs` were made.
#[cfg(test)]
mod tests {
    use super::super::super::linked::tests::hold;
    use super::linked;

    const WIDE: &str = "
        410000 e873560900 810000 e8cbbc1e00 call
        410005 e96e560900 810005 e9c6bc1e00 jmp
        41000a 0f8468560900 81000a 0f84c0bc1e00 je
        410010 488d0519121900 810010 488d05a9ed2500 lea
        410017 8b0d13121900 810017 8b0da3ed2500 mov
        41001d bf30125a00 81001d bfc0eda600 mov
        410022 c7050412190005000000 810022 c70594ed250005000000 movl
        41002c 803dfd11190000 81002c 803d8ded250000 cmpb
        410033 48b830125a0000000000 810033 48b8c0eda60000000000 movabs";
    const NARROW: &str = "
        410000 e873560900 810000 e8cbbc1e00 call
        410005 e96e560900 810005 e9c6bc1e00 jmp
        41000a 0f8568560900 81000a 0f85c0bc1e00 jne
        410010 b830125a00 810010 b8c0eda600 mov
        410015 8b0d30125a00 810015 8b0dc0eda600 mov
        41001b 6830125a00 81001b 68c0eda600 push
        410020 c744240430125a00 810020 c7442404c0eda600 movl
        410028 8b148530125a00 810028 8b1485c0eda600 mov
        41002f c70530125a0030125a00 81002f c705c0eda600c0eda600 movl";

    #[test]
    fn all_that_a_linker_writes_is_masked_and_nothing_else() {
        hold(WIDE, |code, at| linked(code, at, 64));
        hold(NARROW, |code, at| linked(code, at, 32));
    }
}
