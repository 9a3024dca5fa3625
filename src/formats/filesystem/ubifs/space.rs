//! The space table (LPT): how much of every erase block is free and dirty, in nodes of bit fields with a CRC-16.
//!
//! It says nothing about files, so it is not followed: every node in its erase blocks whose checksum holds is named.

use bytes::Bytes;

use super::superblock::Superblock;
use crate::formats::stored::Ledger;
use crate::read::{clip, index, is_all, length};

/// The bits of checksum and type that every node starts with.
const HEAD: u64 = 20;
/// So many children or erase blocks a node describes.
const FANOUT: u64 = 4;

/// The lengths of the four kinds of node, by type, in bytes.
fn lengths(superblock: &Superblock) -> [u64; 4] {
    let bits = |number: u64| u64::from(u64::BITS.saturating_sub(number.leading_zeros()));
    let leb = superblock.leb;
    let space = bits(leb).saturating_sub(3);
    let nodes = superblock.leb_most.div_ceil(FANOUT);
    let number = if superblock.has_big_lpt() {
        bits(nodes.saturating_sub(1))
    } else {
        0
    };
    let child = bits(superblock.lpt_lebs).saturating_add(bits(leb.saturating_sub(1)));
    let own = superblock.lpt_lebs.saturating_mul(bits(leb));
    [
        number.saturating_add(
            space
                .saturating_mul(2)
                .saturating_add(1)
                .saturating_mul(FANOUT),
        ),
        number.saturating_add(child.saturating_mul(FANOUT)),
        own.saturating_mul(2),
        bits(superblock.leb_most.saturating_sub(1)).saturating_mul(superblock.saved),
    ]
    .map(|bits| bits.saturating_add(HEAD).div_ceil(8))
}

/// Names the nodes of the table.
pub(super) fn explain(image: &Bytes, superblock: &Superblock, ledger: &mut Ledger) {
    let lengths = lengths(superblock);
    for number in 0..superblock.lpt_lebs {
        let start = superblock.lpt().saturating_add(number);
        let start = start.saturating_mul(superblock.leb);
        let leb = clip(image, start, superblock.leb);
        let mut at = 0;
        while at < length(&leb) {
            let left = leb.get(index(at)..).unwrap_or_default();
            let kind = left.get(2).map(|byte| usize::from(byte & 0xf));
            let len = kind.and_then(|kind| lengths.get(kind)).copied();
            if let Some(len) = len.filter(|&len| is_node(left, len)) {
                ledger.metadata(start.saturating_add(at), len);
                at = at.saturating_add(len);
                continue;
            }
            // The rest of a page is erased behind what one commit wrote.
            let page = superblock.min_io.max(8);
            let next = at.saturating_add(1).next_multiple_of(page);
            at = if is_all(left, 0xff) {
                length(&leb)
            } else {
                next
            };
        }
    }
}

fn is_node(bytes: &[u8], len: u64) -> bool {
    let node = bytes.get(..index(len));
    node.and_then(|node| node.split_first_chunk::<2>())
        .is_some_and(|(sum, body)| u16::from_le_bytes(*sum) == crc16(body))
}

/// CRC-16 with the reflected polynomial 0xA001, starting at all ones.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |sum, &byte| {
        (0..8).fold(sum ^ u16::from(byte), |sum, _| {
            let carry = if sum & 1 == 1 { 0xa001 } else { 0 };
            (sum >> 1) ^ carry
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_its_specification() {
        // The check value of CRC-16/MODBUS.
        assert_eq!(crc16(b"123456789"), 0x4b37);
    }
}
