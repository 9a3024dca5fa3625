//! XPRESS, as \[MS-XCA\] specifies it: plain LZ77 (2.3, 2.4), and LZ77 with a Huffman code (2.1, 2.2).
//!
//! Neither says how much it becomes: whoever holds a block knows that. No kept crate has both, and none tells where its input ends.

#[cfg(test)]
mod tests;

use super::prefix_code::PrefixCode;
use crate::read::Fields;

/// A block, decoded.
pub(in crate::formats) struct Decoded {
    /// What it was.
    pub(in crate::formats) bytes: Vec<u8>,
    /// How many bytes of the input that took.
    pub(in crate::formats) used: usize,
}

/// So many bytes are coded by one Huffman code. Longer blocks bring another one, which is not read.
const CODED: usize = 65536;
/// Bytes of the table of a Huffman code: half a byte for the length of each of 512 words.
const TABLE: usize = 256;
/// What a match has in length at least, and which number says that more follows.
const SHORTEST: usize = 3;
const MORE: usize = 15;

/// Decodes a block of plain LZ77 that becomes `len` bytes; `None` when it is damaged.
pub(in crate::formats) fn plain(input: &[u8], len: usize) -> Option<Decoded> {
    let mut input = Input::new(input);
    let mut made = Vec::new();
    let (mut flags, mut left) = (0_u32, 0_u32);
    // Half a byte that an earlier match left for the next one.
    let mut half: Option<u8> = None;
    while made.len() < len {
        if left == 0 {
            (flags, left) = (input.u32()?, 32);
        }
        left = left.checked_sub(1)?;
        if flags.checked_shr(left)? & 1 == 0 {
            made.push(input.byte()?);
            continue;
        }
        let token = usize::from(input.u16()?);
        let mut more = token & 7;
        if more == 7 {
            let nibble = if let Some(high) = half.take() {
                high
            } else {
                let byte = input.byte()?;
                half = Some(byte >> 4);
                byte & 0xf
            };
            more = more.checked_add(nibble.into())?;
            if usize::from(nibble) == MORE {
                more = more.checked_add(input.length(22)?)?;
            }
        }
        let distance = (token >> 3).checked_add(1)?;
        copy(&mut made, distance, more.checked_add(SHORTEST)?, len)?;
    }
    Some(Decoded {
        bytes: made,
        used: input.at,
    })
}

/// Decodes a block with a Huffman code that becomes `len` bytes, at most 64 KiB; `None` when it is damaged.
pub(in crate::formats) fn huffman(input: &[u8], len: usize) -> Option<Decoded> {
    let table = input.get(..TABLE)?;
    let lengths: Vec<u8> = table
        .iter()
        .flat_map(|&pair| [pair & 0xf, pair >> 4])
        .collect();
    let code = PrefixCode::new(&lengths)?;
    let mut bits = Bits::new(Input {
        bytes: input,
        at: TABLE,
    });
    let mut made = Vec::new();
    while made.len() < len.min(CODED) {
        let symbol = code.read(|| bits.take(1))?;
        let Some(symbol) = usize::from(symbol).checked_sub(256) else {
            made.push(u8::try_from(symbol).ok()?);
            continue;
        };
        let mut more = symbol & MORE;
        if more == MORE {
            // These bytes stand where the words that are read ahead end.
            more = more.checked_add(bits.input.length(MORE)?)?;
        }
        let extra = u32::try_from(symbol >> 4).ok()?;
        let distance = usize::try_from(1_u32.checked_shl(extra)? | bits.take(extra)?).ok()?;
        copy(&mut made, distance, more.checked_add(SHORTEST)?, len)?;
    }
    (made.len() == len).then_some(Decoded {
        bytes: made,
        used: bits.input.at.min(input.len()),
    })
}

/// Appends what stands `distance` bytes back. The copy may reach into itself, and not past `len`.
fn copy(made: &mut Vec<u8>, distance: usize, count: usize, len: usize) -> Option<()> {
    let from = made.len().checked_sub(distance)?;
    if made.len().checked_add(count)? > len {
        return None;
    }
    for at in from..from.checked_add(count)? {
        made.push(*made.get(at)?);
    }
    Some(())
}

/// The bytes of a block.
struct Input<'a> {
    bytes: &'a [u8],
    /// The next one.
    at: usize,
}

impl<'a> Input<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at = self.at.checked_add(1)?;
        Some(byte)
    }

    fn u16(&mut self) -> Option<u16> {
        let number = Fields::little(self.bytes).u16(self.at)?;
        self.at = self.at.checked_add(2)?;
        Some(number)
    }

    fn u32(&mut self) -> Option<u32> {
        let number = Fields::little(self.bytes).u32(self.at)?;
        self.at = self.at.checked_add(4)?;
        Some(number)
    }

    /// What is to be added to a length of which `known` is known already: a byte, or behind 255 the whole of it in two bytes, or
    /// behind 0 in four.
    fn length(&mut self, known: usize) -> Option<usize> {
        let byte = self.byte()?;
        if byte < 255 {
            return Some(byte.into());
        }
        let whole = match self.u16()? {
            0 => usize::try_from(self.u32()?).ok()?,
            short => short.into(),
        };
        whole.checked_sub(known)
    }
}

/// The bits of a block: words of 16, little-endian, from the highest bit down. Two are read ahead, which decides where the bytes
/// between them stand.
struct Bits<'a> {
    input: Input<'a>,
    held: u32,
    /// How many bits are held beyond 16.
    ahead: u32,
}

impl<'a> Bits<'a> {
    fn new(mut input: Input<'a>) -> Self {
        let held = u32::from(Self::word(&mut input)) << 16;
        let held = held | u32::from(Self::word(&mut input));
        Self {
            input,
            held,
            ahead: 16,
        }
    }

    /// The next word; zeros behind the end, where the last bits are read ahead of what is there.
    fn word(input: &mut Input<'_>) -> u16 {
        if let Some(word) = input.u16() {
            return word;
        }
        input.at = input.at.saturating_add(2);
        0
    }

    /// The next `len` bits, at most 16.
    fn take(&mut self, len: u32) -> Option<u32> {
        if len == 0 {
            return Some(0);
        }
        let taken = self.held.checked_shr(32_u32.checked_sub(len)?)?;
        self.held = self.held.checked_shl(len)?;
        if let Some(ahead) = self.ahead.checked_sub(len) {
            self.ahead = ahead;
            return Some(taken);
        }
        // Nothing is made of more zeros behind the end than were read ahead.
        if self.input.at > self.input.bytes.len().saturating_add(4) {
            return None;
        }
        let short = len.checked_sub(self.ahead)?;
        self.held |= u32::from(Self::word(&mut self.input)).checked_shl(short)?;
        self.ahead = 16_u32.checked_sub(short)?;
        Some(taken)
    }
}
