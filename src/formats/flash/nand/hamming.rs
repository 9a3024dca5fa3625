//! The Hamming code of `SmartMedia` and of Linux's `ecc-sw-hamming.c`: three bytes for 256 or 512, one wrong bit corrected.

/// What the three bytes say, as a number: the parities of the lines (even and odd ones of each bit of the offset side by
/// side) above those of the columns, where 1 stands for an odd count.
fn parities(data: &[u8]) -> u32 {
    let mut columns = 0_u8;
    let mut lines = 0_usize;
    for (at, &byte) in data.iter().enumerate() {
        columns ^= byte;
        if byte.count_ones() & 1 == 1 {
            lines ^= at;
        }
    }
    let odd = columns.count_ones() & 1;
    let mut code = 0;
    for bit in (0..9).rev() {
        let one = u32::from(lines >> bit & 1 == 1);
        code = code << 2 | one << 1 | one ^ odd;
    }
    for mask in [0xf0_u8, 0x0f, 0xcc, 0x33, 0xaa, 0x55] {
        code = code << 1 | (columns & mask).count_ones() & 1;
    }
    code
}

/// How the three bytes are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hamming {
    /// Bytes of a step: 256 or 512.
    pub(super) step: usize,
    /// Whether the lower lines come first, as `SmartMedia` has it; Linux has the upper ones first.
    pub(super) smart_media: bool,
}

impl Hamming {
    /// The parities of two lines more are kept for a step of 512 bytes.
    fn mask(self) -> u32 {
        if self.step == 512 {
            0xff_ffff
        } else {
            0x3f_ffff
        }
    }

    /// The number that three stored bytes stand for.
    fn decode(self, code: [u8; 3]) -> u32 {
        let [first, second, third] = code.map(|byte| u32::from(!byte));
        let (upper, lower) = if self.smart_media {
            (second, first)
        } else {
            (first, second)
        };
        (third & 3) << 22 | upper << 14 | lower << 6 | third >> 2
    }

    /// Whether three bytes are the code of `data`.
    pub(super) fn holds(self, data: &[u8], code: [u8; 3]) -> bool {
        (self.decode(code) ^ parities(data)) & self.mask() == 0
    }

    /// Corrects one wrong bit of `data` or of its code; tells how many were wrong, `None` when they are more.
    pub(super) fn correct(self, data: &mut [u8], code: [u8; 3]) -> Option<usize> {
        let wrong = (self.decode(code) ^ parities(data)) & self.mask();
        if wrong.count_ones() <= 1 {
            // A wrong bit of the code itself.
            return usize::try_from(wrong.count_ones()).ok();
        }
        // One wrong bit of the data is wrong in exactly one parity of each pair; the odd ones spell its place.
        if (wrong ^ wrong >> 1) & 0x55_5555 & self.mask() != 0x55_5555 & self.mask() {
            return None;
        }
        let (mut place, mut pairs) = (0, wrong >> 1);
        for bit in 0..12 {
            place |= (pairs & 1) << bit;
            pairs >>= 2;
        }
        let byte = data.get_mut(usize::try_from(place >> 3).ok()?)?;
        *byte ^= 1 << (place & 7);
        Some(1)
    }
}
