//! Checked reads: numbers and ranges of bytes that someone hostile may have written.
//!
//! Nothing here panics and nothing wraps: what is not there is `None`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The byte order of a structure on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// A structure on disk, read field by field at offsets from its own start.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    endian: Endian,
}

impl<'a> Fields<'a> {
    /// Reads `bytes` in the given byte order.
    pub fn new(bytes: &'a [u8], endian: Endian) -> Self {
        Self { bytes, endian }
    }

    /// Reads `bytes` as little-endian.
    pub fn little(bytes: &'a [u8]) -> Self {
        Self::new(bytes, Endian::Little)
    }

    /// Reads `bytes` as big-endian.
    pub fn big(bytes: &'a [u8]) -> Self {
        Self::new(bytes, Endian::Big)
    }

    /// The byte at `at`.
    pub fn u8(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The 2 bytes at `at`.
    pub fn u16(&self, at: usize) -> Option<u16> {
        let raw = self.array(at)?;
        Some(match self.endian {
            Endian::Little => u16::from_le_bytes(raw),
            Endian::Big => u16::from_be_bytes(raw),
        })
    }

    /// The 4 bytes at `at`.
    pub fn u32(&self, at: usize) -> Option<u32> {
        let raw = self.array(at)?;
        Some(match self.endian {
            Endian::Little => u32::from_le_bytes(raw),
            Endian::Big => u32::from_be_bytes(raw),
        })
    }

    /// The 8 bytes at `at`.
    pub fn u64(&self, at: usize) -> Option<u64> {
        let raw = self.array(at)?;
        Some(match self.endian {
            Endian::Little => u64::from_le_bytes(raw),
            Endian::Big => u64::from_be_bytes(raw),
        })
    }

    /// The `len` bytes at `at`.
    pub fn slice(&self, at: usize, len: usize) -> Option<&'a [u8]> {
        self.bytes.get(at..at.checked_add(len)?)
    }

    /// The bytes from `at` to the end.
    pub fn tail(&self, at: usize) -> Option<&'a [u8]> {
        self.bytes.get(at..)
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.slice(at, N)?.try_into().ok()
    }
}

/// The `len` bytes of `bytes` from `at`, shared and not copied; `None` where any of them is missing.
pub fn cut(bytes: &Bytes, at: u64, len: u64) -> Option<Bytes> {
    let end = at.checked_add(len)?;
    (end <= length(bytes)).then(|| bytes.slice(index(at)..index(end)))
}

/// The bytes from `at` to the end; empty where `at` is past it.
pub fn rest(bytes: &Bytes, at: u64) -> Bytes {
    bytes.slice(index(at.min(length(bytes)))..)
}

/// The `len` bytes of `bytes` from `at`, as many of them as are there.
pub fn clip(bytes: &Bytes, at: u64, len: u64) -> Bytes {
    let start = at.min(length(bytes));
    let end = at.saturating_add(len).min(length(bytes));
    bytes.slice(index(start)..index(end))
}

/// How many bytes there are, as the 64-bit number that formats count in.
pub fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// A 64-bit offset as an index. One that does not fit in memory becomes an index that no slice has.
pub fn index(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// Whether every one of `bytes` is `byte`. Fast: it compares many at a time.
pub fn is_all(bytes: &[u8], byte: u8) -> bool {
    let (blocks, rest) = bytes.as_chunks::<64>();
    // Put together without a branch, so that it becomes a few vector instructions.
    let equal = |block: &[u8; 64]| block.iter().fold(0, |other, one| other | (one ^ byte)) == 0;
    blocks.iter().all(equal) && rest.iter().all(|&other| other == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_follow_the_byte_order() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(Fields::little(&bytes).u16(0), Some(0x0201));
        assert_eq!(Fields::big(&bytes).u32(2), Some(0x0304_0506));
        assert_eq!(Fields::big(&bytes).u64(0), Some(0x0102_0304_0506_0708));
    }

    #[test]
    fn one_other_byte_is_seen_wherever_it_stands() {
        for len in [0, 1, 63, 64, 200] {
            let mut bytes = vec![7; len];
            assert!(is_all(&bytes, 7));
            for at in 0..len {
                bytes[at] = 8;
                assert!(!is_all(&bytes, 7));
                bytes[at] = 7;
            }
        }
    }

    #[test]
    fn what_is_not_there_is_none() {
        let bytes = Bytes::from_static(&[1, 2, 3]);
        assert_eq!(Fields::little(&bytes).u32(0), None);
        assert_eq!(Fields::little(&bytes).u16(usize::MAX), None);
        assert_eq!(cut(&bytes, u64::MAX, 2), None);
        assert_eq!(cut(&bytes, 1, 2).as_deref(), Some(&[2, 3][..]));
        assert_eq!(clip(&bytes, 2, u64::MAX).as_ref(), [3]);
        assert!(rest(&bytes, 9).is_empty());
    }
}
