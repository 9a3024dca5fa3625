//! What linkers and assemblers put between functions: zeros and instructions that do nothing.

use crate::facts::code::program::Program;
use crate::facts::machine::Machine;
use crate::read::{Fields, index};

/// The first address from `from` on, and before `to`, at which there is no fill.
pub(super) fn skipped(program: &Program<'_>, from: u64, to: u64, mode: u64) -> u64 {
    let mut at = from;
    while at < to {
        let bytes = program.loaded.bytes(at);
        let room = index(to.saturating_sub(at));
        let bytes = bytes.get(..room).unwrap_or(bytes);
        let length = idle(program, bytes, mode == 1).unwrap_or(0);
        if length == 0 {
            return at;
        }
        at = at.saturating_add(u64::try_from(length).unwrap_or(1));
    }
    to
}

/// The byte behind the last one of `from..to` that is not zero.
pub(super) fn trimmed(program: &Program<'_>, from: u64, to: u64) -> u64 {
    let bytes = program.loaded.bytes(from);
    let bytes = bytes.get(..index(to.saturating_sub(from))).unwrap_or(bytes);
    let zeros = bytes.iter().rev().take_while(|&&byte| byte == 0).count();
    // An instruction may end with zeros.
    let kept = bytes
        .len()
        .saturating_sub(zeros)
        .next_multiple_of(4)
        .min(bytes.len());
    from.saturating_add(u64::try_from(kept).unwrap_or(0))
}

/// How many bytes of fill stand at the start of some bytes.
pub(super) fn idle(program: &Program<'_>, bytes: &[u8], is_thumb: bool) -> Option<usize> {
    let machine = program.loaded.machine;
    if matches!(machine, Machine::X86 | Machine::X86_64) {
        return x86(bytes);
    }
    let half = Fields::new(bytes, program.loaded.endian);
    if bytes.first_chunk::<4>() == Some(&[0; 4]) {
        return Some(4);
    }
    let word = half.u32(0);
    let little = Fields::little(bytes).u32(0);
    let words: &[u32] = match machine {
        Machine::Arm => &[0xe1a0_0000, 0xe320_f000],
        Machine::Aarch64 => &[0xd503_201f],
        Machine::Powerpc => &[0x6000_0000],
        _ => &[],
    };
    let is_idle = |number: Option<u32>| number.is_some_and(|number| words.contains(&number));
    if is_idle(word) || is_idle(little) {
        return Some(4);
    }
    let first = half.u16(0)?;
    let is_half =
        machine == Machine::Arm && (first == 0 || is_thumb && matches!(first, 0xbf00 | 0x46c0));
    let is_wide = is_thumb && first == 0xf3af && half.u16(2) == Some(0x8000);
    if is_wide {
        return Some(4);
    }
    is_half.then_some(2)
}

/// `nop` in all lengths, `int3`, zeros, and `lea` that changes nothing.
fn x86(bytes: &[u8]) -> Option<usize> {
    let prefixes = bytes
        .iter()
        .take_while(|&&byte| matches!(byte, 0x66 | 0x2e))
        .count();
    match bytes.get(prefixes..)? {
        [0x90 | 0xcc | 0, ..] => Some(prefixes.saturating_add(1)),
        [0x0f, 0x1f, form, ..] => {
            let operand = match form >> 6 {
                0 => 0,
                1 => 1,
                2 => 4,
                _ => return None,
            };
            let index = usize::from(form & 7 == 4);
            Some(
                prefixes
                    .saturating_add(3)
                    .saturating_add(operand)
                    .saturating_add(index),
            )
        }
        [0x89, 0xf6, ..] => Some(2),
        [0x8d, 0x76, 0, ..] => Some(3),
        [0x8d, 0x74, 0x26, 0, ..] => Some(4),
        [0x8d, 0xb6, 0, 0, 0, 0, ..] => Some(6),
        [0x8d, 0xb4, 0x26, 0, 0, 0, 0, ..] => Some(7),
        _ => None,
    }
}
