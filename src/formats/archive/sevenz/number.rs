//! How 7z writes numbers, lists of bits, and lists of what may be absent.

use crate::read::{Fields, index, length};

/// The unread rest of a header.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(index(len))?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Fields::little(self.take(4)?).u32(0)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Fields::little(self.take(8)?).u64(0)
    }

    /// A number whose first byte tells by its leading ones how many bytes follow; the rest of it is the highest part.
    pub(super) fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let low = self.take(u64::from(more))?;
        let low = low
            .iter()
            .rev()
            .fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        let high = u64::from(first) & (0x7f_u64.checked_shr(more).unwrap_or_default());
        let high = high.checked_shl(more.saturating_mul(8)).unwrap_or_default();
        Some(high | low)
    }

    /// A number of things each of which takes up at least one byte of what follows, so that more than that are refused.
    pub(super) fn count(&mut self) -> Option<u64> {
        let count = self.number()?;
        (count <= length(self.0)).then_some(count)
    }

    /// Whether nothing is left but zeros.
    pub(super) fn is_spent(&self) -> bool {
        crate::read::is_all(self.0, 0)
    }

    /// `count` bits, the highest of each byte first.
    pub(super) fn bits(&mut self, count: u64) -> Option<Vec<bool>> {
        let bytes = self.take(count.div_ceil(8))?;
        let bits = bytes
            .iter()
            .flat_map(|byte| (0..8).map(move |shift| byte & (0x80 >> shift) != 0));
        Some(bits.take(index(count)).collect())
    }

    /// The same, behind a byte that may say that all are set.
    pub(super) fn optional_bits(&mut self, count: u64) -> Option<Vec<bool>> {
        match self.byte()? {
            0 => self.bits(count),
            _ => Some(vec![true; index(count)]),
        }
    }

    /// A CRC-32 for each of `count` things that has one.
    pub(super) fn digests(&mut self, count: u64) -> Option<Vec<Option<u32>>> {
        let stated = self.optional_bits(count)?;
        let digest = |stated: bool| -> Option<Option<u32>> {
            Some(if stated { Some(self.u32()?) } else { None })
        };
        stated.into_iter().map(digest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in 7zFormat.txt.
    #[test]
    fn numbers_are_as_long_as_their_first_byte_says() {
        for (bytes, number) in [
            (&[0x7f][..], 0x7f_u64),
            (&[0x80, 0x80], 0x80),
            (&[0xbf, 0xff], 0x3fff),
            (&[0xc1, 0x02, 0x03], 0x01_0302),
            (&[0xff, 1, 2, 3, 4, 5, 6, 7, 8], 0x0807_0605_0403_0201),
            (&[0xfe, 1, 2, 3, 4, 5, 6, 7], 0x07_0605_0403_0201),
        ] {
            assert_eq!(Reader::new(bytes).number(), Some(number), "{bytes:x?}");
        }
        assert_eq!(Reader::new(&[0xc0, 1]).number(), None);
    }
}
