//! Where functions start by the tables that unwinders use.
//!
//! Specifications: Linux Standard Base Core 5.0, `.eh_frame_hdr`; Exception Handling ABI for the Arm Architecture, section 5.

use crate::facts::elf::Loaded;
use crate::facts::machine::Machine;
use crate::read::{Fields, index};

/// So many functions one table tells of.
const MOST: usize = 100_000;
/// Encodings of pointers in `.eh_frame_hdr`: 4 bytes signed, from the table's start; and a count of 4 bytes.
const FROM_TABLE: u8 = 0x3b;
const COUNT: u8 = 0x03;

/// The starts that both tables tell.
pub(super) fn starts(loaded: &Loaded<'_>) -> Vec<u64> {
    let mut starts = frames(loaded).unwrap_or_default();
    if loaded.machine == Machine::Arm {
        starts.extend(exceptions(loaded).unwrap_or_default());
    }
    starts
}

/// The sorted table of `.eh_frame_hdr`.
fn frames(loaded: &Loaded<'_>) -> Option<Vec<u64>> {
    let (address, _) = loaded.frames?;
    let fields = Fields::new(loaded.bytes(address), loaded.endian);
    if fields.u8(0)? != 1 || fields.u8(2)? != COUNT || fields.u8(3)? != FROM_TABLE {
        return None;
    }
    let count = index(fields.u32(8)?.into()).min(MOST);
    let table = fields.tail(12)?.chunks_exact(8).take(count);
    let starts = table.filter_map(|row| {
        let offset = Fields::new(row, loaded.endian).u32(0)?.cast_signed();
        let start = address.wrapping_add_signed(offset.into());
        Some(if loaded.word == 4 {
            start & 0xffff_ffff
        } else {
            start
        })
    });
    Some(starts.collect())
}

/// The index table of Arm. It does not tell which functions are Thumb code.
fn exceptions(loaded: &Loaded<'_>) -> Option<Vec<u64>> {
    let (address, length) = loaded.exceptions?;
    let table = loaded.bytes(address);
    let table = table.get(..index(length)).unwrap_or(table);
    let rows = (0_u64..).step_by(8).zip(table.chunks_exact(8)).take(MOST);
    let starts = rows.filter_map(|(at, row)| {
        let offset = Fields::new(row, loaded.endian).u32(0)?;
        // 31 bits, signed, from the word itself.
        let offset = (offset << 1).cast_signed() >> 1;
        let place = address.wrapping_add(at).wrapping_add_signed(offset.into());
        Some((place & 0xffff_ffff) | loaded.entry & 1)
    });
    Some(starts.collect())
}
