//! The compression of Windows CE 3, which a page is a block of. Its maker described it nowhere; this is what a tool reads that
//! starts such ROMs in an emulator (`ce_rom_decompress` of the CERF project).
//!
//! A byte of eight flags, from the lowest bit up, stands in front of eight tokens: a byte as it is, or a match. A match names where
//! in the page it copies from (12 bits), or in its shortest form how far back.

/// What a byte says besides its match, at most: a block ends with it.
const FLAGS: usize = 8;

/// Decodes a block that becomes `len` bytes; `None` when it is damaged or another's.
pub(super) fn decode(input: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut input = input.iter().copied();
    let mut made = Vec::with_capacity(len.min(4096));
    while made.len() < len {
        let flags = input.next()?;
        for bit in 0..FLAGS {
            if made.len() == len {
                break;
            }
            let token = input.next()?;
            if flags >> bit & 1 == 0 {
                made.push(token);
                continue;
            }
            let (low, high) = (usize::from(token & 0xf), usize::from(token >> 4));
            let (from, count) = if low == 1 {
                (made.len().checked_sub(high.checked_add(2)?)?, 2)
            } else {
                let from = usize::from(input.next()?) << 4 | high;
                let count = match low {
                    0 => usize::from(input.next()?).checked_add(17)?,
                    _ => low.checked_add(1)?,
                };
                (from, count)
            };
            if made.len().checked_add(count)? > len {
                return None;
            }
            for at in from..from.checked_add(count)? {
                made.push(*made.get(at)?);
            }
        }
    }
    input.next().is_none().then_some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_a_match_is_read() {
        // Four bytes as they are; 2 from 3 back; 4 from the start; 20 from place 1.
        let block = [
            0b0111_0000,
            b'a',
            b'b',
            b'c',
            b'd',
            0x11,
            0x03,
            0x00,
            0x10,
            0,
            3,
        ];
        let made = decode(&block, 30).unwrap();
        assert_eq!(made, b"abcdbcabcdbcdbcabcdbcdbcabcdbc");
        for cut in 0..block.len() {
            assert!(decode(&block[..cut], 30).is_none());
        }
        // A match out of the page, from what is not made yet, and bytes that nothing uses.
        assert!(decode(&block, 29).is_none());
        assert!(decode(&[1, 0x02, 0x00], 4).is_none());
        assert!(decode(&[1, 0x11], 4).is_none());
        assert!(decode(&[block.to_vec(), vec![0]].concat(), 30).is_none());
        assert_eq!(decode(&[], 0).unwrap(), b"");
    }
}
