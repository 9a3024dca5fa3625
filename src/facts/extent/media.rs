//! Where pictures and sounds end. Structure alone is followed: nothing is decoded and no checksum is verified.

use crate::read::{Fields, index, length};

/// PNG (W3C, section 5): chunks up to `IEND`.
pub(super) fn png(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::big(bytes);
    let mut at: u64 = 8;
    loop {
        let len = fields.u32(index(at))?;
        let kind = fields.slice(index(at.checked_add(4)?), 4)?;
        // A chunk is its length, its type, its data and a checksum.
        at = at.checked_add(12)?.checked_add(len.into())?;
        if kind == b"IEND" {
            return Some(at);
        }
    }
}

/// JPEG (ITU T.81, annex B): segments and scans up to the end-of-image marker.
pub(super) fn jpeg(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::big(bytes);
    let mut at = 2_usize;
    loop {
        let skipped = memchr::memchr(0xff, fields.tail(at)?)?;
        at = at.checked_add(skipped)?.checked_add(1)?;
        match fields.u8(at)? {
            0xd9 => return u64::try_from(at.checked_add(1)?).ok(),
            // Stuffing, fill bytes, restarts and a start marker carry no length.
            0x00 | 0x01 | 0xd0..=0xd8 => at = at.checked_add(1)?,
            0xff => {}
            _ => {
                let len = fields.u16(at.checked_add(1)?)?;
                at = at.checked_add(1)?.checked_add(len.into())?;
            }
        }
    }
}

/// `GIF89a`: blocks up to the trailer.
pub(super) fn gif(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::little(bytes);
    let mut at = 13_usize.checked_add(palette(fields.u8(10)?))?;
    loop {
        let kind = fields.u8(at)?;
        at = at.checked_add(match kind {
            0x3b => return u64::try_from(at.checked_add(1)?).ok(),
            0x21 => 2,
            // Position and size, a palette of its own, and the code size that opens the data.
            0x2c => 11_usize.checked_add(palette(fields.u8(at.checked_add(9)?)?))?,
            _ => return None,
        })?;
        loop {
            let len = usize::from(fields.u8(at)?);
            at = at.checked_add(len)?.checked_add(1)?;
            if len == 0 {
                break;
            }
        }
    }
}

fn palette(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        6 << (flags & 7)
    }
}

/// BMP: the pixels where the header puts them; the file size it states is not believed.
pub(super) fn bmp(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::little(bytes);
    let (pixels_at, header_len) = (fields.u32(10)?, fields.u32(14)?);
    let (width, height, depth, packed, packed_len) = if header_len == 12 {
        let (width, height) = (fields.u16(18)?, fields.u16(20)?);
        (width.into(), height.into(), fields.u16(24)?, 0, 0)
    } else {
        // A negative height means rows from the top.
        let signed = |value: u32| i32::from_le_bytes(value.to_le_bytes()).unsigned_abs();
        let (width, height) = (signed(fields.u32(18)?), signed(fields.u32(22)?));
        (
            width,
            height,
            fields.u16(28)?,
            fields.u32(30)?,
            fields.u32(34)?,
        )
    };
    let pixels = match packed {
        // Rows are padded to 32 bits.
        0 | 3 | 6 => u64::from(width)
            .checked_mul(depth.into())?
            .div_ceil(32)
            .checked_mul(4)?
            .checked_mul(height.into())?,
        _ => packed_len.into(),
    };
    u64::from(pixels_at).checked_add(pixels)
}

/// RIFF WAVE: the size of its outer chunk.
pub(super) fn wav(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::little(bytes);
    // Chunk by chunk, so that a size that is too large for what the chunks hold hides nothing.
    let end = u64::from(fields.u32(4)?).checked_add(8)?;
    let mut at: u64 = 12;
    while at < end {
        let Some(len) = fields.u32(index(at.checked_add(4)?)) else {
            break;
        };
        let next = at
            .checked_add(8)?
            .checked_add(len.into())?
            .checked_next_multiple_of(2)?;
        let known = fields
            .slice(index(at), 4)?
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~'));
        if !known || next > end.checked_next_multiple_of(2)? {
            break;
        }
        at = next;
    }
    // The padding of the last chunk may be missing at the end of the file.
    Some(at.min(length(bytes)))
}

/// Ogg (RFC 3533): page after page.
pub(super) fn ogg(bytes: &[u8]) -> Option<u64> {
    let fields = Fields::little(bytes);
    let mut at = 0_usize;
    while fields.slice(at, 5) == Some(b"OggS\0") {
        let Some(lacing_len) = fields.u8(at.checked_add(26)?) else {
            break;
        };
        let lacing_at = at.checked_add(27)?;
        let Some(lacing) = fields.slice(lacing_at, lacing_len.into()) else {
            break;
        };
        let body: usize = lacing.iter().copied().map(usize::from).sum();
        let next = lacing_at
            .checked_add(lacing_len.into())?
            .checked_add(body)?;
        if next > bytes.len() {
            break;
        }
        at = next;
    }
    u64::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found_and_tails_are_left() {
        let png_bytes = [
            &b"\x89PNG\r\n\x1a\n"[..],
            b"\0\0\0\x02tEXtabCRC!",
            b"\0\0\0\0IENDCRC!",
            b"tail",
        ]
        .concat();
        assert_eq!(png(&png_bytes), Some(34));
        let jpeg_bytes =
            b"\xff\xd8\xff\xe0\0\x05\xff\xd9!\xff\xda\0\x02ab\xff\0c\xff\xd0\xff\xff\xd9tail";
        assert_eq!(jpeg(jpeg_bytes), Some(jpeg_bytes.len() as u64 - 4));
        let gif_bytes = b"GIF89a\x01\0\x01\0\0\0\0\x21\xfe\x02hi\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x01D\0\x3btail";
        assert_eq!(gif(gif_bytes), Some(gif_bytes.len() as u64 - 4));
        let wav_bytes = b"RIFF\x0f\0\0\0WAVEdata\x03\0\0\0abc\0tail";
        assert_eq!(wav(wav_bytes), Some(24));
        let mut page = b"OggS\0".to_vec();
        page.resize(26, 0);
        page.extend_from_slice(b"\x02\x01\x02abctail");
        assert_eq!(ogg(&page), Some(page.len() as u64 - 4));
        let mut bitmap = vec![0; 54 + 8 + 4];
        bitmap[10] = 54;
        bitmap[14] = 40;
        (bitmap[18], bitmap[22], bitmap[28]) = (1, 2, 24);
        assert_eq!(bmp(&bitmap), Some(62));
    }

    #[test]
    fn a_stated_size_cannot_cover_a_tail() {
        let wav_bytes = b"RIFF\xff\0\0\0WAVEdata\x04\0\0\0abcdhsqs\xff\xff\xff\x7fhidden";
        assert_eq!(wav(wav_bytes), Some(24));
    }
}
