//! Jumps by a table of distances that stands behind them (`tbb`, `tbh`), as a `switch` is compiled to. How long the table is says the
//! comparison in front of it, since what is greater is sent elsewhere: `cmp rN, #last`, `bhi`, `tbb [pc, rN]`, one behind the other.

use super::super::super::op::{Mode, Op, Target};
use super::COMPARED;
use super::wide::expanded;
use crate::read::Fields;

/// The mode behind an instruction of 16 or 32 bits, where a comparison with the number `compared` may be in front of it.
pub(super) fn bound(word: u32, compared: Option<Mode>) -> Mode {
    let last = match word {
        _ if word & 0xffff_f800 == 0x2800 => Some(word & 0xff),
        _ if word & 0xfbf0_8f00 == 0xf1b0_0f00 => Some(expanded(word)),
        // `bhi`.
        _ if word & 0xffff_ff00 == 0xd800 || word & 0xfbc0_d000 == 0xf200_8000 => {
            compared.map(u32::from)
        }
        _ => None,
    };
    last.and_then(|last| Mode::try_from(last).ok()?.checked_add(COMPARED))
        .unwrap_or(0)
}

/// Tells where a `tbb` or `tbh` at an address goes, whose table has entries up to the number `last`; `None` for other instructions.
pub(super) fn ways(
    word: u32,
    last: Mode,
    fields: Fields<'_>,
    here: u32,
    ops: &mut Vec<Op>,
) -> Option<()> {
    // In front of the table, in bytes.
    const LENGTH: u32 = 4;
    if word & 0xffff_ffe0 != 0xe8df_f000 {
        return None;
    }
    let has_halves = word & 0x10 != 0;
    let from = ops.len();
    for index in 0..=u32::from(last) {
        let distance = if has_halves {
            let at = LENGTH.wrapping_add(index.wrapping_mul(2));
            fields.u16(usize::try_from(at).ok()?).map(u32::from)
        } else {
            let at = LENGTH.wrapping_add(index);
            fields.u8(usize::try_from(at).ok()?).map(u32::from)
        };
        let Some(distance) = distance else {
            ops.truncate(from);
            return None;
        };
        let to = here
            .wrapping_add(LENGTH)
            .wrapping_add(distance.wrapping_mul(2));
        let way = Op::Branch(u64::from(to));
        if ops.len() == from || ops.last() != Some(&way) {
            ops.push(way);
        }
    }
    // One of them is taken in any case.
    if let Some(Op::Branch(to)) = ops.pop() {
        ops.push(Op::Jump(Target::At(to | 1)));
    }
    Some(())
}
