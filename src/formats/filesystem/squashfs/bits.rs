//! Bit fields as the compilers of versions 1 to 3 laid them out: from the lowest bit of a little-endian number, or from
//! the highest of a big-endian one.

use crate::read::Endian;

/// Reads the fields of one structure, one after another.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    endian: Endian,
    /// The next bit, from the structure's start.
    at: usize,
}

impl<'a> Bits<'a> {
    /// The fields of `bytes` in the given byte order.
    pub(super) fn new(bytes: &'a [u8], endian: Endian) -> Self {
        Self {
            bytes,
            endian,
            at: 0,
        }
    }

    /// The next field, of `len` bits: at most 32.
    pub(super) fn take(&mut self, len: usize) -> Option<u32> {
        let end = self.at.checked_add(len)?;
        let bytes = self.bytes.get(self.at >> 3..end.div_ceil(8))?;
        let push = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        let (number, below) = match self.endian {
            Endian::Little => (bytes.iter().rev().fold(0, push), self.at & 7),
            Endian::Big => (bytes.iter().fold(0, push), end.wrapping_neg() & 7),
        };
        self.at = end;
        let mask = u64::MAX >> 64_usize.checked_sub(len)?;
        u32::try_from(number >> below & mask).ok()
    }

    /// The next field, of 64 bits.
    pub(super) fn take_long(&mut self) -> Option<u64> {
        let (first, second) = (u64::from(self.take(32)?), u64::from(self.take(32)?));
        Some(match self.endian {
            Endian::Little => second << 32 | first,
            Endian::Big => first << 32 | second,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_run_from_the_low_end_or_from_the_high_end() {
        // 4 bits 0x2, 12 bits 0x1ed, 19 bits 0x40003, 13 bits 0x1555: written by hand for both orders.
        let number = 0x2_u64 | 0x1ed << 4 | 0x4_0003 << 16 | 0x1555 << 35;
        let little = number.to_le_bytes();
        let big = 0x2_u64 << 60 | 0x1ed << 48 | 0x4_0003 << 29 | 0x1555 << 16;
        let big = big.to_be_bytes();
        for (bytes, endian) in [(little, Endian::Little), (big, Endian::Big)] {
            let mut bits = Bits::new(&bytes, endian);
            let fields = [4, 12, 19, 13].map(|len| bits.take(len));
            assert_eq!(fields, [0x2, 0x1ed, 0x4_0003, 0x1555].map(Some));
            assert_eq!(bits.take(32), None);
        }
        let mut bits = Bits::new(&[1, 2, 3, 4, 5, 6, 7, 8], Endian::Big);
        assert_eq!(bits.take_long(), Some(0x0102_0304_0506_0708));
    }
}
