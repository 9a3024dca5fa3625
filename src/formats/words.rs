//! The sum of 32-bit words, which several formats use as a checksum.

use crate::read::Endian;

/// The sum of the whole words of `bytes`; what is left over behind them does not count.
pub(super) fn word_sum(bytes: &[u8], endian: Endian) -> u32 {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().fold(0_u32, |sum, &word| {
        sum.wrapping_add(match endian {
            Endian::Little => u32::from_le_bytes(word),
            Endian::Big => u32::from_be_bytes(word),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_follow_the_byte_order() {
        let bytes = [0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0, 9];
        assert_eq!(word_sum(&bytes, Endian::Little), 2);
        assert_eq!(word_sum(&bytes, Endian::Big), 0x02ff_ffff);
    }
}
