//! CRC-32C (Castagnoli), without a final inversion: the checksum of ext, btrfs, XFS and others.

use std::sync::LazyLock;

/// The value that a chain of checksums starts with.
pub(in crate::formats) const START: u32 = u32::MAX;

/// Eight tables: table `n` advances a byte over `n` more bytes, so that eight bytes are taken at a time.
static TABLES: LazyLock<[[u32; 256]; 8]> = LazyLock::new(|| {
    let mut row: [u32; 256] = std::array::from_fn(|byte| {
        (0..8).fold(u32::try_from(byte).unwrap_or(0), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    });
    let first = row;
    std::array::from_fn(|_| {
        let done = row;
        for crc in &mut row {
            *crc = (*crc >> 8) ^ pick(&first, *crc);
        }
        done
    })
});

/// CRC-32C (Castagnoli) of `bytes`, continuing from `crc`.
pub(in crate::formats) fn crc32c(crc: u32, bytes: &[u8]) -> u32 {
    let [t0, t1, t2, t3, t4, t5, t6, t7] = &*TABLES;
    let (words, tail) = bytes.as_chunks::<8>();
    let crc = words.iter().fold(crc, |crc, &word| {
        let word = u64::from_le_bytes(word) ^ u64::from(crc);
        let [b0, b1, b2, b3, b4, b5, b6, b7] = word.to_le_bytes().map(u32::from);
        pick(t7, b0)
            ^ pick(t6, b1)
            ^ pick(t5, b2)
            ^ pick(t4, b3)
            ^ pick(t3, b4)
            ^ pick(t2, b5)
            ^ pick(t1, b6)
            ^ pick(t0, b7)
    });
    tail.iter().fold(crc, |crc, &byte| {
        (crc >> 8) ^ pick(t0, crc ^ u32::from(byte))
    })
}

/// The table's value for the low byte of `crc`.
fn pick(table: &[u32; 256], crc: u32) -> u32 {
    let [low, ..] = crc.to_le_bytes();
    table.get(usize::from(low)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(!crc32c(START, b"123456789"), 0xe306_9283);
        let long: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let halves = crc32c(crc32c(START, &long[..333]), &long[333..]);
        assert_eq!(crc32c(START, &long), halves);
    }
}
