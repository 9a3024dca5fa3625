//! What the formats share that hold deflate data: a decoder that is used again, and a look at the first block.

use std::cell::RefCell;

use flate2::Decompress;

use crate::read::Fields;

thread_local! {
    /// A decoder that is used again: its memory is large and aligned, and made anew for each of many small streams it
    /// would leave a hole each time.
    static SPARE: RefCell<Option<Decompress>> = const { RefCell::new(None) };
}

/// A decoder of raw deflate; its owner gives it back with [`give_back`].
pub(in crate::formats) fn inflate() -> Decompress {
    let mut inflate = SPARE.take().unwrap_or_else(|| Decompress::new(false));
    inflate.reset(false);
    inflate
}

/// Keeps a decoder for the next stream.
pub(in crate::formats) fn give_back(inflate: impl Into<Option<Decompress>>) {
    if let Some(inflate) = inflate.into() {
        SPARE.set(Some(inflate));
    }
}

/// Whether the first block's header could be one. It spares most coincidences a decoder.
pub(super) fn could_deflate(body: &[u8]) -> bool {
    let Some(&first) = body.first() else {
        return false;
    };
    match first >> 1 & 3 {
        // Stored: the length, and its complement.
        0 => {
            let fields = Fields::little(body);
            let lens = fields.u16(1).zip(fields.u16(3));
            lens.is_none_or(|(len, complement)| len == !complement)
        }
        1 => true,
        // Dynamic codes: at most 286 of literals and lengths, 30 of distances.
        2 => first >> 3 <= 29 && body.get(1).is_none_or(|second| second & 0x1f <= 29),
        _ => false,
    }
}
