//! rubin, the arithmetic coder of JFFS2, with fixed probabilities (rubinmips) or with eight of them in front (dynrubin).
//!
//! Linux registers the two under each other's numbers, other readers do not. The coder ends by writing out its low
//! register, so a stream that was read with the right probabilities ends where the data ends and with these very bits: that
//! tells the two apart, and is the only checksum of the expanded bytes.

/// The upper bit of the 16-bit registers.
const UPPER: u64 = 1 << 15;
const LOWER: u64 = UPPER - 1;

/// Of how many a fixed probability is, and the eight of them: that the bit of a byte, lowest first, is set.
const MIPS_OF: u64 = 1043;
const MIPS: [u64; 8] = [277, 249, 290, 267, 229, 341, 212, 241];
/// Of how many a stored probability is.
const DYNAMIC_OF: u64 = 256;

/// Expands `data` to `limit` bytes in `out`; `None` where neither kind of probabilities makes it end as the coder ends.
pub(super) fn expand(data: &[u8], limit: usize, out: &mut Vec<u8>) -> Option<()> {
    if let Some((stored, stream)) = data.split_at_checked(8) {
        let mut bits = [0; 8];
        for (bit, &stored) in bits.iter_mut().zip(stored) {
            *bit = u64::from(stored);
        }
        if decode(stream, DYNAMIC_OF, bits, limit, out) == Some(true) {
            return Some(());
        }
    }
    (decode(data, MIPS_OF, MIPS, limit, out)?).then_some(())
}

/// Decodes `limit` bytes; whether the stream then ends as the coder ends one.
fn decode(stream: &[u8], of: u64, bits: [u64; 8], limit: usize, out: &mut Vec<u8>) -> Option<bool> {
    out.clear();
    let mut coder = Decoder {
        stream,
        taken: 0,
        low: 0,
        range: 2 * UPPER,
        window: 0,
    };
    for _ in 0..16 {
        coder.shift_in();
    }
    while out.len() < limit {
        if coder.taken.checked_div(8)?.saturating_sub(2) > stream.len() {
            return Some(false);
        }
        let mut byte = 0;
        for (place, &set) in bits.iter().enumerate() {
            let bit = coder.bit(of.checked_sub(set)?, of)?;
            byte |= u8::from(bit).checked_shl(u32::try_from(place).ok()?)?;
        }
        out.push(byte);
    }
    Some(coder.window == coder.low && coder.taken.div_ceil(8) == stream.len())
}

struct Decoder<'a> {
    stream: &'a [u8],
    /// Bits read so far; past the end they read as zeros.
    taken: usize,
    low: u64,
    range: u64,
    /// The 16 bits of the stream that stand against `low`.
    window: u64,
}

impl Decoder<'_> {
    fn shift_in(&mut self) {
        let byte = self.stream.get(self.taken >> 3).copied().unwrap_or(0);
        let bit = byte.rotate_left(u32::try_from(self.taken & 7).unwrap_or(0)) >> 7;
        self.taken = self.taken.saturating_add(1);
        self.window = ((self.window & LOWER) << 1) | u64::from(bit);
    }

    /// The next bit, which is clear with a probability of `clear` in `of`.
    fn bit(&mut self, clear: u64, of: u64) -> Option<bool> {
        while self.low >= UPPER || self.range.checked_add(self.low)? <= UPPER {
            // A damaged stream may have left no range at all.
            if self.range == 0 {
                return None;
            }
            self.low = (self.low & LOWER) << 1;
            self.range = self.range.checked_mul(2)?;
            self.shift_in();
        }
        let split = clear.checked_mul(self.range)?.checked_div(of)?;
        let split = split.max(1).min(self.range.checked_sub(1)?);
        let set = self.window >= self.low.checked_add(split)?;
        if set {
            self.low = self.low.checked_add(split)?;
            self.range = self.range.checked_sub(split)?;
        } else {
            self.range = split;
        }
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The encoder as Linux has it (`fs/jffs2/compr_rubin.c`), written down for the test.
    fn encode(content: &[u8], of: u64, bits: [u64; 8]) -> Vec<u8> {
        let (mut low, mut range, mut pushed) = (0_u64, 2 * UPPER, Vec::new());
        for byte in content {
            for (place, set) in bits.iter().enumerate() {
                while low >= UPPER || low + range <= UPPER {
                    pushed.push(low & UPPER != 0);
                    low = (low & LOWER) << 1;
                    range <<= 1;
                }
                let mut split = (of - set) * range / of;
                if split == 0 {
                    split = 1;
                }
                if split >= range {
                    split = range - 1;
                }
                if byte >> place & 1 == 0 {
                    range = split;
                } else {
                    low += split;
                    range -= split;
                }
            }
        }
        for _ in 0..16 {
            pushed.push(low & UPPER != 0);
            low = (low & LOWER) << 1;
        }
        let mut out = vec![0; pushed.len().div_ceil(8)];
        for (at, bit) in pushed.iter().enumerate() {
            out[at / 8] |= u8::from(*bit) << (7 - at % 8);
        }
        out
    }

    fn dynamic(content: &[u8]) -> Vec<u8> {
        let mut bits = [0; 8];
        for (place, bit) in bits.iter_mut().enumerate() {
            let set = content
                .iter()
                .filter(|&&byte| byte >> place & 1 == 1)
                .count();
            *bit = (u64::try_from(set * 256 / content.len()).unwrap()).clamp(1, 255);
        }
        let mut out: Vec<u8> = bits.iter().map(|&bit| u8::try_from(bit).unwrap()).collect();
        out.extend(encode(content, 256, bits));
        out
    }

    fn contents() -> Vec<Vec<u8>> {
        let mut seed = 1_u32;
        let mut next = move || {
            seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12345);
            u8::try_from(seed >> 24).unwrap()
        };
        let mut contents = vec![vec![0; 4096], b"text of a page, text of a page".repeat(100)];
        contents.extend((1..200).map(|len| (0..len * 7).map(|_| next() & 0x5b).collect()));
        contents
    }

    #[test]
    fn what_linux_encodes_comes_back_under_either_number() {
        for content in contents() {
            for data in [dynamic(&content), encode(&content, MIPS_OF, MIPS)] {
                let mut out = Vec::new();
                expand(&data, content.len(), &mut out).unwrap();
                assert_eq!(out, content);
            }
        }
    }

    #[test]
    fn a_flipped_bit_or_a_missing_byte_is_seen() {
        let content = b"text of a page, text of a page".repeat(100);
        for data in [dynamic(&content), encode(&content, MIPS_OF, MIPS)] {
            let mut out = Vec::new();
            for at in (0..data.len()).step_by(97) {
                let mut damaged = data.clone();
                damaged[at] ^= 0x10;
                assert!(expand(&damaged, content.len(), &mut out).is_none() || out != content);
                assert!(expand(&data[..at], content.len(), &mut out).is_none());
            }
        }
    }
}
