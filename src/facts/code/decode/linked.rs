//! Which parts of an instruction a linker may write, for processors whose instructions are words: by the relocations that the processor supplements of
//! the System V ABI have for instructions.

use super::super::op::{Linked, Part, PartKind, Register};
use crate::read::{Endian, Fields};

const NOTHING: Linked = [None; 2];

/// One part of a word of 4 bytes.
fn part(kind: PartKind, bits: u32, endian: Endian) -> Linked {
    let bytes = match endian {
        Endian::Little => bits.to_le_bytes(),
        Endian::Big => bits.to_be_bytes(),
    };
    let mut mask = [0; 16];
    for (to, byte) in mask.iter_mut().zip(bytes) {
        *to = byte;
    }
    [Some(Part { kind, mask }), None]
}

/// Some bits of a word, from bit `at` on.
fn bits(word: u32, at: u32, width: u32) -> u32 {
    let all = 1_u32.wrapping_shl(width).wrapping_sub(1);
    word.wrapping_shr(at) & all
}

fn register(word: u32, at: u32) -> Register {
    Register(u8::try_from(bits(word, at, 5)).unwrap_or_default())
}

/// The lower 16 bits as a signed number.
fn signed(word: u32) -> i64 {
    let [low, high, ..] = word.to_le_bytes();
    i16::from_le_bytes([low, high]).into()
}

/// ARM: branches, `movw` and `movt`.
pub(super) fn arm(word: u32, _at: u64, endian: Endian) -> Linked {
    if bits(word, 25, 3) == 5 {
        // `blx` has one more bit of the distance where others have that they are calls.
        let more = if bits(word, 28, 4) == 15 { 1 << 24 } else { 0 };
        return part(PartKind::Distance, 0x00ff_ffff | more, endian);
    }
    if matches!(bits(word, 20, 8), 0x30 | 0x34) {
        return part(PartKind::Half, 0x000f_0fff, endian);
    }
    let uses_counter = match bits(word, 26, 2) {
        0 => bits(word, 16, 4) == 15 || bits(word, 25, 1) == 0 && bits(word, 0, 4) == 15,
        1 => bits(word, 25, 1) == 1 && bits(word, 16, 4) == 15,
        _ => false,
    };
    if uses_counter {
        part(PartKind::Counter, 0, endian)
    } else {
        NOTHING
    }
}

/// Thumb: the same, in halves of words.
pub(super) fn thumb(fields: Fields<'_>, _at: u64, endian: Endian) -> Linked {
    let Some(first) = fields.u16(0).map(u32::from) else {
        return NOTHING;
    };
    let halves = |kind, one: u16, other: u16| {
        let [one, other] = match endian {
            Endian::Little => [one.to_le_bytes(), other.to_le_bytes()],
            Endian::Big => [one.to_be_bytes(), other.to_be_bytes()],
        };
        let mut mask = [0; 16];
        let bytes = one.into_iter().chain(other);
        for (to, byte) in mask.iter_mut().zip(bytes) {
            *to = byte;
        }
        [Some(Part { kind, mask }), None]
    };
    if first < 0xe800 {
        return match first {
            0xe000..=0xe7ff => halves(PartKind::Distance, 0x07ff, 0),
            0xd000..=0xddff => halves(PartKind::Distance, 0x00ff, 0),
            // `add rd, pc`, `adr`.
            _ if first & 0xff78 == 0x4478 || first & 0xf800 == 0xa000 => {
                halves(PartKind::Counter, 0, 0)
            }
            _ => NOTHING,
        };
    }
    let Some(second) = fields.u16(2).map(u32::from) else {
        return NOTHING;
    };
    if first & 0xf800 == 0xf000 && second & 0x8000 != 0 {
        return match second & 0x5000 {
            // A branch under a condition, unless it is a system instruction.
            0 if first & 0x0380 != 0x0380 => halves(PartKind::Distance, 0x043f, 0x2fff),
            0 => NOTHING,
            // Whether a call changes to ARM code is bit 12.
            0x4000 | 0x5000 => halves(PartKind::Distance, 0x07ff, 0x3fff),
            _ => halves(PartKind::Distance, 0x07ff, 0x2fff),
        };
    }
    if matches!(first & 0xfbff, 0xf20f | 0xf2af) && second & 0x8000 == 0 {
        return halves(PartKind::Counter, 0, 0);
    }
    if matches!(first & 0xfbf0, 0xf240 | 0xf2c0) && second & 0x8000 == 0 {
        return halves(PartKind::Half, 0x040f, 0x70ff);
    }
    NOTHING
}

/// 64-bit ARM: branches, `adr`, `adrp`, and what adds the lower 12 bits of an address. Instructions are little-endian.
pub(super) fn aarch64(word: u32, at: u64) -> Linked {
    let one = |kind, mask| part(kind, mask, Endian::Little);
    let distance = |mask| one(PartKind::Distance, mask);
    if word & 0x7c00_0000 == 0x1400_0000 {
        return distance(0x03ff_ffff);
    }
    if word & 0xff00_0010 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 {
        return distance(0x00ff_ffe0);
    }
    if word & 0x7e00_0000 == 0x3600_0000 {
        return distance(0x0007_ffe0);
    }
    match word & 0x9f00_0000 {
        0x9000_0000 => return one(PartKind::High { page: true }, 0x60ff_ffe0),
        0x1000_0000 => {
            let far = bits(word, 5, 19).wrapping_shl(2) | bits(word, 29, 2);
            let far = far.wrapping_shl(11).cast_signed() >> 11;
            let to = at.wrapping_add_signed(far.into());
            return one(PartKind::Relative(to), 0x60ff_ffe0);
        }
        _ => {}
    }
    let base = register(word, 5);
    let number = bits(word, 10, 12);
    let low = |offset: u32| {
        let offset = offset.into();
        one(PartKind::Low { base, offset }, 0x003f_fc00)
    };
    if word & 0x7fc0_0000 == 0x1100_0000 {
        return low(number);
    }
    if word & 0x3b00_0000 == 0x3900_0000 {
        let is_long = word & 0x0480_0000 == 0x0480_0000 && bits(word, 30, 2) == 0;
        let scale = if is_long { 4 } else { bits(word, 30, 2) };
        return low(number.wrapping_shl(scale));
    }
    NOTHING
}

/// MIPS: jumps, `lui`, and what adds 16 bits to it.
pub(super) fn mips(word: u32, _at: u64, endian: Endian) -> Linked {
    let base = register(word, 21);
    let low = |offset| part(PartKind::Low { base, offset }, 0xffff, endian);
    match word >> 26 {
        2 | 3 => part(PartKind::Distance, 0x03ff_ffff, endian),
        1 | 4..=7 | 20..=23 => part(PartKind::Distance, 0xffff, endian),
        15 => part(PartKind::High { page: false }, 0xffff, endian),
        13 => low((word & 0xffff).into()),
        8 | 9 | 24 | 25 | 32..=46 | 48..=50 | 53..=58 | 61..=63 => low(signed(word)),
        _ => NOTHING,
    }
}

/// PowerPC: branches, `addis`, and what adds 16 bits to it.
pub(super) fn powerpc(word: u32, _at: u64) -> Linked {
    let one = |kind, mask| part(kind, mask, Endian::Big);
    let low = |base, offset| one(PartKind::Low { base, offset }, 0xffff);
    match word >> 26 {
        16 => one(PartKind::Distance, 0xfffc),
        18 => one(PartKind::Distance, 0x03ff_fffc),
        15 => one(PartKind::High { page: false }, 0xffff),
        12..=14 | 32..=55 => low(register(word, 16), signed(word)),
        24 => low(register(word, 21), (word & 0xffff).into()),
        _ => NOTHING,
    }
}

#[cfg(test)]
pub(super) mod tests;
