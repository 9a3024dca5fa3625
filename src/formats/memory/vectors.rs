//! The vector table of a Cortex-M: what a program for one starts with, and what tells where it is loaded.

use std::ops::Range;

use crate::read::{Fields, length};

/// The vectors that every Cortex-M has, the initial stack pointer first.
const ALL: usize = 16;
/// Where the flash of common families starts; a base that is one of these wins over one that fits as well.
const FLASHES: [u64; 6] = [
    0x0800_0000,
    0,
    0x0040_0000,
    0x1000_0000,
    0x0c00_0000,
    0x6000_0000,
];
/// Bases are multiples of this: tables are aligned to their size, and no table is smaller.
const ALIGNED: u64 = 128;
/// Data RAM, and the RAM beside the code that some families have.
const RAM: Range<u32> = 0x1000_0000..0x4000_0000;

/// A vector table that holds together.
pub(super) struct Vectors {
    pub(super) stack: u32,
    pub(super) reset: u32,
    /// Where the handlers start, each once, without the bit that says Thumb.
    handlers: Vec<u64>,
}

impl Vectors {
    /// Reads the table at the start of a program.
    pub(super) fn read(program: &[u8]) -> Option<Self> {
        let fields = Fields::little(program);
        let table: Vec<u32> = (0..ALL)
            .map(|number| fields.u32(number.saturating_mul(4)))
            .collect::<Option<_>>()?;
        let (stack, reset) = (*table.first()?, *table.get(1)?);
        // Reset, NMI and HardFault are always there; of the others only those between the reserved ones are looked at.
        let needed = table.get(1..4)?;
        let others = [4, 5, 6, 11, 12, 14, 15];
        let others = others.iter().filter_map(|&number| table.get(number));
        let others: Vec<u32> = others.copied().filter(|&vector| vector != 0).collect();
        let mut handlers: Vec<u64> = needed
            .iter()
            .chain(&others)
            .map(|&vector| u64::from(vector & !1))
            .collect();
        let thumb = needed.iter().chain(&others).all(|vector| vector & 1 == 1);
        handlers.sort_unstable();
        handlers.dedup();
        (RAM.contains(&stack) && stack.is_multiple_of(4) && thumb && reset > 1).then_some(Self {
            stack,
            reset,
            handlers,
        })
    }

    /// Whether all handlers lie in a program that is loaded at `base`, and start like functions.
    pub(super) fn fit(&self, program: &[u8], base: u64) -> bool {
        let start = |&handler: &u64| {
            let at = usize::try_from(handler.checked_sub(base)?).ok()?;
            Fields::little(program).u16(at)
        };
        let mut starts = self.handlers.iter().map(start);
        starts.all(|start| start.is_some_and(is_start))
    }

    /// Where a program with this table is loaded; `None` when nothing tells one base from the others.
    pub(super) fn base(&self, program: &[u8]) -> Option<u64> {
        let lowest = *self.handlers.first()?;
        let highest = *self.handlers.last()?;
        let known = FLASHES.into_iter().find(|&base| self.fit(program, base));
        let from = highest.saturating_sub(length(program)) / ALIGNED;
        let mut fitting = (from..=lowest / ALIGNED)
            .map(|step| step.saturating_mul(ALIGNED))
            .filter(|&base| self.fit(program, base));
        match (known, fitting.next(), fitting.next()) {
            (Some(known), ..) => Some(known),
            (None, Some(only), None) => Some(only),
            _ => None,
        }
    }
}

/// Whether a Thumb function may start with this instruction: pushes, loads of constants, moves, branches and returns.
fn is_start(instruction: u16) -> bool {
    matches!(instruction >> 8, 0xb4 | 0xb5 | 0x20..=0x27 | 0x46 | 0x48..=0x4f | 0xe7 | 0xf0..=0xf8)
        || matches!(
            instruction,
            0xe92d | 0x4770 | 0xb672 | 0xbf00 | 0xb082..=0xb08f
        )
}
