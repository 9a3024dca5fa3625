//! LZNT1, the compression of NTFS: chunks of 4096 bytes, each for itself.

/// Bytes that a chunk yields at most.
const CHUNK: usize = 4096;

/// Decodes `stored` into at most `most` bytes, and tells how many bytes that took; `None` where it makes no sense.
pub(super) fn decode(stored: &[u8], most: usize) -> Option<(Vec<u8>, usize)> {
    let mut out = Vec::with_capacity(most.min(1 << 20));
    let mut rest = stored;
    while out.len() < most {
        let Some((head, after)) = rest.split_first_chunk::<2>() else {
            break;
        };
        let head = u16::from_le_bytes(*head);
        if head == 0 {
            break;
        }
        if head & 0x7000 != 0x3000 {
            return None;
        }
        let len = usize::from(head & 0xfff).checked_add(1)?;
        let (chunk, after) = after.split_at_checked(len)?;
        if head & 0x8000 == 0 {
            out.extend_from_slice(chunk);
        } else {
            // A chunk that yields less is followed by zeros up to the next.
            if out.len() % CHUNK != 0 {
                out.resize(out.len().next_multiple_of(CHUNK), 0);
            }
            decode_chunk(chunk, &mut out)?;
        }
        rest = after;
    }
    out.truncate(most);
    Some((out, stored.len().saturating_sub(rest.len())))
}

fn decode_chunk(chunk: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    let end = start.checked_add(CHUNK)?;
    let mut rest = chunk;
    while let Some((&flags, after)) = rest.split_first() {
        rest = after;
        for bit in 0..8 {
            if rest.is_empty() {
                return Some(());
            }
            if flags >> bit & 1 == 0 {
                let (&byte, after) = rest.split_first()?;
                out.push(byte);
                rest = after;
            } else {
                let (pair, after) = rest.split_first_chunk::<2>()?;
                copy(u16::from_le_bytes(*pair), start, out)?;
                rest = after;
            }
            if out.len() > end {
                return None;
            }
        }
    }
    Some(())
}

/// Repeats what a pair of distance and length means: the further the chunk has come, the more bits the distance has.
fn copy(pair: u16, start: usize, out: &mut Vec<u8>) -> Option<()> {
    let done = out.len().checked_sub(start)?;
    let mut bits = 4_u32;
    while done.checked_sub(1)? >= 1 << bits {
        bits = bits.checked_add(1)?;
    }
    let shift = 16_u32.checked_sub(bits)?;
    let distance = usize::from(pair >> shift).checked_add(1)?;
    let len = usize::from(pair & (1_u16 << shift).checked_sub(1)?).checked_add(3)?;
    let mut from = out
        .len()
        .checked_sub(distance)
        .filter(|&from| from >= start)?;
    for _ in 0..len {
        let byte = *out.get(from)?;
        out.push(byte);
        from = from.checked_add(1)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of [MS-XCA] 3.3.
    #[test]
    fn the_example_of_the_specification_decodes() {
        let text = b"F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\0";
        let stored = [
            0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xa2,
            0x47, 0x01, 0xa0, 0x45, 0x20, 0x44, 0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xc0,
            0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xb4, 0x02, 0x4a, 0x44, 0xef, 0x03, 0x58,
            0x02, 0x8c, 0x09, 0x16, 0x01, 0x48, 0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00, 0x04, 0x01,
            0x18, 0x90, 0x00,
        ];
        assert_eq!(decode(&stored, 4096), Some((text.to_vec(), stored.len())));
        assert_eq!(decode(&stored[..30], 4096), None);
    }

    #[test]
    fn a_distance_behind_the_start_is_refused() {
        assert_eq!(decode(&[0x03, 0xb0, 0x02, b'a', 0xff, 0xff], 4096), None);
        let behind = [0x00, 0x30, b'a', 0, 0, b'b'];
        assert_eq!(decode(&behind, 4096), Some((b"a".to_vec(), 3)));
    }
}
