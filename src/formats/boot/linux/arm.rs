//! The ARM zImage: a loader that unpacks the kernel behind it (`arch/arm/boot/compressed/head.S`).

use super::Kernel;
use crate::formats::Span;
use crate::read::{Endian, Fields, index};

/// Where the magic number stands, and the words behind it (bytes from the start).
const MAGIC: usize = 0x24;
const START: usize = 0x28;
const END: usize = 0x2c;
const ORDER: usize = 0x30;
const TABLE: usize = 0x34;

/// What the word at [`ORDER`] says in the right byte order, and that at [`TABLE`] where a table follows.
const IN_ORDER: u32 = 0x0403_0201;
const HAS_TABLE: u32 = 0x4545_4545;

/// `mov r0, r0`, with which nearly every zImage starts.
const NO_OPERATION: u32 = 0xe1a0_0000;

/// The shortest zImage that is believed: a loader and something (bytes).
const SHORTEST: u64 = 0x400;

/// The zImage at the start of `bytes`.
pub(super) fn read(bytes: &[u8]) -> Option<Kernel> {
    let is = |endian| Fields::new(bytes, endian).u32(MAGIC) == Some(0x016f_2818);
    let endian = [Endian::Little, Endian::Big]
        .into_iter()
        .find(|&endian| is(endian))?;
    let fields = Fields::new(bytes, endian);
    // Both are addresses, from where it is linked to run.
    let len = u64::from(fields.u32(END)?.checked_sub(fields.u32(START)?)?);
    let ordered = fields.u32(ORDER) == Some(IN_ORDER);
    // The instructions are little-endian in either case, save on the oldest machines.
    let nops = [Fields::little(bytes), fields].iter().any(|fields| {
        [0, 4, 8, 12]
            .iter()
            .all(|&at| fields.u32(at) == Some(NO_OPERATION))
    });
    if !(ordered || nops) || len < SHORTEST || !len.is_multiple_of(4) {
        return None;
    }
    let mut kernel = Kernel {
        kind: "ARM zImage",
        len,
        spans: Vec::new(),
        parts: Vec::new(),
        said: Vec::new(),
        crc: None,
    };
    let order: &[u8] = if endian == Endian::Big {
        b"big"
    } else {
        b"little"
    };
    kernel.said.push(("endian", order.to_vec()));
    let words: u64 = if ordered { 4 } else { 3 };
    kernel
        .spans
        .push(Span::metadata(0x24, words.saturating_mul(4)));
    if ordered && fields.u32(TABLE) == Some(HAS_TABLE) {
        kernel.spans.push(Span::metadata(0x34, 8));
        table(&fields, &mut kernel);
    }
    Some(kernel)
}

/// The table that says where the size of the unpacked kernel stands: a tag that Linux calls `KLSZ`.
fn table(fields: &Fields<'_>, kernel: &mut Kernel) -> Option<()> {
    let at = fields.u32(0x38)?;
    let (words, tag) = (
        fields.u32(index(at.into()))?,
        fields.u32(index(u64::from(at).checked_add(4)?))?,
    );
    if tag != 0x5a53_4c4b || !(3..=16).contains(&words) {
        return None;
    }
    let len = u64::from(words).checked_mul(4)?;
    kernel.spans.push(Span::metadata(at.into(), len));
    // The size is little-endian: it stands behind a packed stream.
    let size_at = fields.u32(index(u64::from(at).checked_add(8)?))?;
    let size = fields.slice(index(size_at.into()), 4)?;
    let size = Fields::little(size).u32(0)?;
    kernel
        .said
        .push(("unpacked-size", size.to_string().into_bytes()));
    Some(())
}
