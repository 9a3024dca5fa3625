//! The checksums of ext, all without a final inversion: CRC-32C for `metadata_csum`, CRC-16 for `gdt_csum`, and CRC-32 with the
//! highest bit first for transactions of journals with the first kind of checksums.

pub(super) use crate::formats::crc32c::{START, crc32c};

/// CRC-16 (polynomial 0x8005, reflected) of `bytes`, continuing from `crc`.
pub(super) fn crc16(crc: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(crc, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xa001 } else { 0 }
        })
    })
}

/// CRC-32 (polynomial 0x04c11db7, not reflected) of `bytes`, continuing from `crc`.
pub(super) fn crc32_be(crc: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(crc, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte) << 24, |crc, _| {
            (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(crc16(0, b"123456789"), 0xbb3d);
        // Named CRC-32/MPEG-2 there.
        assert_eq!(crc32_be(u32::MAX, b"123456789"), 0x0376_e6e7);
    }
}
