//! Jumps by a table that stands behind them, as a `switch` is compiled to.

use super::super::super::op::{Op, Target};
use super::effects::{LANDING, bit, bits};
use super::{ALWAYS, Arm};

/// So many ways of one jump are told.
const MOST: u32 = 256;
/// Ways are not further from the jump, in bytes.
const FARTHEST: u32 = 0x10_0000;

impl Arm {
    /// Tells where a jump by a table goes: `add pc, pc, rN, lsl #2` to one of the branches behind the next instruction, `ldr pc, [pc, rN, lsl
    /// #2]` to what one of the words there says. `None` for other instructions, and where there is no such table.
    pub(super) fn table(self, word: u32, code: &[u8], here: u32, ops: &mut Vec<Op>) -> Option<()> {
        let loads = match word & 0x0fff_fff0 {
            0x008f_f100 => false,
            0x079f_f100 => true,
            _ => return None,
        };
        let from = ops.len();
        // Counted from the jump; what is behind the table is where the first of its ways goes.
        let (mut offset, mut end) = (8_u32, u32::MAX);
        while offset < end && offset < MOST.wrapping_mul(4) {
            let Some(word) = usize::try_from(offset)
                .ok()
                .and_then(|at| self.word(code, at))
            else {
                break;
            };
            let way = if loads {
                word.wrapping_sub(here)
            } else {
                offset
            };
            let is_way = if loads {
                way.trailing_zeros() >= 2 && way.wrapping_add(FARTHEST) < FARTHEST.wrapping_mul(2)
            } else {
                // An unconditional branch.
                word.wrapping_shr(24) == 0xea
            };
            if !is_way {
                break;
            }
            if loads && !bit(way, 31) {
                end = end.min(way);
            }
            ops.push(Op::Branch(u64::from(here.wrapping_add(way))));
            offset = offset.wrapping_add(4);
        }
        if ops.len() == from {
            return None;
        }
        if bits(word, 28, 4) == ALWAYS {
            ops.push(Op::Forget(LANDING));
            ops.push(Op::Jump(Target::Register(LANDING)));
        }
        Some(())
    }
}
