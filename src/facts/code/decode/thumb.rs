//! Thumb instructions (T16 and T32), from `ARMv4T` to `ARMv8`: by the classes of the ARM Architecture Reference Manual (DDI 0406C, chapter
//! A6).
//!
//! What is not told of ARM instructions is not told of these.

use super::super::op::{Abi, Decode, Linked, Mode, Op, Register};
use super::arm::effects::Effects;
use super::arm::{ABI, predicate};
use super::linked;
use crate::read::{Endian, Fields};

mod narrow;
mod table;
#[cfg(test)]
mod tests;
mod wide;

/// An IT instruction has no more instructions under its condition.
const MOST_CONDITIONAL: Mode = 4;
/// The mode behind a comparison with a small number: this and the number.
const COMPARED: Mode = MOST_CONDITIONAL + 1;

/// Thumb code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thumb {
    /// The byte order of instructions: big only in old big-endian files, which have no BE8 flag.
    pub(crate) endian: Endian,
}

impl Decode for Thumb {
    fn decode(&self, code: &[u8], at: u64, mode: &mut Mode, ops: &mut Vec<Op>) -> Option<usize> {
        let (left, compared) = match std::mem::take(mode) {
            // So many instructions, this one among them, stand under the condition of an IT instruction.
            left @ 0..=MOST_CONDITIONAL => (left, None),
            compared => (0, compared.checked_sub(COMPARED)),
        };
        *mode = left.saturating_sub(1);
        let fields = Fields::new(code, self.endian);
        let first = u32::from(fields.u16(0)?);
        let here = u32::try_from(at).ok()?;
        let from = ops.len();
        let mut effects = Effects::new(ops, here.wrapping_add(4));
        let (known, length) = if first < 0xe800 {
            if let Some(count) = condition(first) {
                *mode = count;
                return Some(2);
            }
            if left == 0 {
                *mode = table::bound(first, compared);
            }
            (effects.narrow(first), 2)
        } else {
            let word = first.wrapping_shl(16) | u32::from(fields.u16(2)?);
            if left == 0 {
                *mode = table::bound(word, compared);
            }
            if let Some(last) = compared
                && table::ways(word, last, fields, here, effects.told()).is_some()
            {
                return Some(4);
            }
            (effects.wide(word), 4)
        };
        if known.is_none() {
            ops.truncate(from);
            return None;
        }
        ops.extend(tested(first, fields, here));
        if left > 0 {
            predicate(ops, from);
        }
        Some(length)
    }

    fn step(&self) -> usize {
        2
    }

    fn abi(&self) -> &'static Abi {
        &ABI
    }

    fn linked(&self, code: &[u8], at: u64) -> Linked {
        linked::thumb(Fields::new(code, self.endian), at, self.endian)
    }

    fn is_prologue(&self, code: &[u8]) -> bool {
        let fields = Fields::new(code, self.endian);
        match fields.u16(0) {
            // push {..., lr}, narrow and wide; str lr, [sp, #-n]!.
            Some(0xb500..=0xb5ff) => true,
            Some(0xe92d) => fields.u16(2).is_some_and(|list| list & 0x4000 != 0),
            Some(0xf84d) => matches!(fields.u16(2), Some(0xed04 | 0xed08)),
            _ => false,
        }
    }
}

/// How many instructions an IT instruction puts under its condition.
fn condition(word: u32) -> Option<Mode> {
    let mask = word & 0xf;
    if word & 0xff00 != 0xbf00 || mask == 0 {
        return None;
    }
    Mode::try_from(4_u32.saturating_sub(mask.trailing_zeros())).ok()
}

/// `cmp rN, #0`, `subs rN, rM, #0` or `movs rN, rM` with `beq` or `bne` behind it: what the branch tells of the register.
fn tested(first: u32, fields: Fields<'_>, here: u32) -> Option<Op> {
    let [distance, branch] = fields.u16(2)?.to_le_bytes();
    let register = match first {
        _ if first & 0xf8ff == 0x2800 => first >> 8,
        _ if first & 0xffc0 == 0x1e00 || first & 0xffc0 == 0 => first,
        _ => return None,
    };
    if branch & 0xfe != 0xd0 {
        return None;
    }
    let [register, ..] = register.to_le_bytes();
    let distance = i32::from(i8::from_le_bytes([distance])).wrapping_mul(2);
    let to = here.wrapping_add(6).wrapping_add_signed(distance);
    Some(Op::Test(Register(register & 7), branch == 0xd0, to.into()))
}
