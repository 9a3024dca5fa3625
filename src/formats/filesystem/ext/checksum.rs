//! The two checksums of ext, both without a final inversion: CRC-32C for `metadata_csum`, CRC-16 for `gdt_csum`.

pub(super) use crate::formats::crc32c::{START, crc32c};

/// CRC-16 (polynomial 0x8005, reflected) of `bytes`, continuing from `crc`.
pub(super) fn crc16(crc: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(crc, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xa001 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(crc16(0, b"123456789"), 0xbb3d);
    }
}
