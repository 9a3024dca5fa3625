//! LZX as cabinets and Windows CE have it: \[MS-CAB\] and "LZX Data Format" (Microsoft, 1997). That of \[MS-PATCH\] is another: there a
//! match of 257 bytes is followed by more bits.
//!
//! Words of 16 bits, little-endian, from the highest bit down. Matches and literals are coded by trees that each block brings as
//! the difference to those of the block before.

#[cfg(test)]
mod tests;

use super::prefix_code::PrefixCode;
use crate::read::Fields;

/// A decoder, which goes on over the chunks of one stream.
pub(in crate::formats) struct Lzx {
    /// How far back matches reach (bytes).
    window: usize,
    /// What was decoded, at least as far back as matches reach.
    made: Vec<u8>,
    /// The last three distances of matches.
    recent: [usize; 3],
    main: Vec<u8>,
    lengths: Vec<u8>,
    block: Block,
    /// How many bytes of the block are to come.
    left: usize,
    /// Up to which address calls of x86 code were made absolute; `None` before the first chunk.
    calls: Option<i32>,
    /// How many bytes were decoded before this chunk.
    done: usize,
}

/// How a block is coded.
enum Block {
    Stored {
        odd: bool,
    },
    Coded {
        main: PrefixCode,
        lengths: PrefixCode,
        aligned: Option<PrefixCode>,
    },
}

/// Literals, and the lengths and distances that are coded together with them.
const LITERALS: usize = 256;
/// How many lengths have a code of their own.
const LENGTHS: usize = 249;
/// Calls are made relative again in so many first bytes of a stream (1 GiB).
const CALLS_END: usize = 1 << 30;

impl Lzx {
    /// A decoder for a window of `2^bits` bytes, of which there are 15 to 21.
    pub(in crate::formats) fn new(bits: u32) -> Option<Self> {
        let slots: usize = match bits {
            15..=19 => usize::try_from(bits).ok()?.checked_mul(2)?,
            20 => 42,
            21 => 50,
            _ => return None,
        };
        Some(Self {
            window: 1 << bits,
            made: Vec::new(),
            recent: [1; 3],
            main: vec![0; slots.checked_mul(8)?.checked_add(LITERALS)?],
            lengths: vec![0; LENGTHS],
            block: Block::Stored { odd: false },
            left: 0,
            calls: None,
            done: 0,
        })
    }

    /// Decodes one chunk of `len` bytes; `None` when it is damaged.
    pub(in crate::formats) fn chunk(&mut self, input: &[u8], len: usize) -> Option<Vec<u8>> {
        let mut bits = Bits::new(input);
        if self.calls.is_none() {
            let calls = match bits.take(1)? {
                0 => 0,
                _ => bits.take(16)? << 16 | bits.take(16)?,
            };
            self.calls = Some(i32::from_ne_bytes(calls.to_ne_bytes()));
        }
        let old = self.made.len().saturating_sub(self.window);
        self.made.drain(..old);
        let start = self.made.len();
        let end = start.checked_add(len)?;
        while self.made.len() < end {
            if self.left == 0 {
                self.next_block(&mut bits)?;
            }
            let room = end.checked_sub(self.made.len())?.min(self.left);
            let before = self.made.len();
            self.fill(&mut bits, room)?;
            let count = self.made.len().checked_sub(before)?;
            // A match does not go on in the next block.
            self.left = self.left.checked_sub(count)?;
        }
        if self.made.len() > end {
            return None;
        }
        let mut out = self.made.get(start..)?.to_vec();
        if let Some(calls) = self.calls.filter(|&calls| calls > 0)
            && self.done < CALLS_END
        {
            relative(&mut out, self.done, calls);
        }
        self.done = self.done.checked_add(len)?;
        Some(out)
    }

    fn next_block(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        if let Block::Stored { odd: true } = self.block {
            bits.skip_byte();
        }
        let kind = bits.take(3)?;
        self.left = usize::try_from(bits.take(24)?).ok()?;
        if self.left == 0 {
            return None;
        }
        if kind == 3 {
            bits.align();
            for recent in &mut self.recent {
                *recent = usize::try_from(Fields::little(bits.bytes(4)?).u32(0)?).ok()?;
            }
            self.block = Block::Stored {
                odd: self.left % 2 == 1,
            };
            return Some(());
        }
        let aligned = match kind {
            1 => None,
            2 => {
                let mut lengths = [0; 8];
                for length in &mut lengths {
                    *length = u8::try_from(bits.take(3)?).ok()?;
                }
                Some(PrefixCode::new(&lengths)?)
            }
            _ => return None,
        };
        let (literals, matches) = self.main.split_at_mut_checked(LITERALS)?;
        bits.differences(literals)?;
        bits.differences(matches)?;
        bits.differences(&mut self.lengths)?;
        self.block = Block::Coded {
            main: PrefixCode::new(&self.main)?,
            lengths: PrefixCode::new(&self.lengths)?,
            aligned,
        };
        Some(())
    }

    /// Decodes at least `room` bytes of the block.
    fn fill(&mut self, bits: &mut Bits<'_>, room: usize) -> Option<()> {
        let Block::Coded {
            main,
            lengths,
            aligned,
        } = &self.block
        else {
            self.made.extend_from_slice(bits.bytes(room)?);
            return Some(());
        };
        let end = self.made.len().checked_add(room)?;
        while self.made.len() < end {
            let symbol = usize::from(main.read(|| bits.take(1))?);
            let Some(code) = symbol.checked_sub(LITERALS) else {
                self.made.push(u8::try_from(symbol).ok()?);
                continue;
            };
            let mut len = (code & 7).saturating_add(2);
            if code & 7 == 7 {
                len = len.checked_add(usize::from(lengths.read(|| bits.take(1))?))?;
            }
            let distance = match code >> 3 {
                slot @ 0..=2 => {
                    let distance = *self.recent.get(slot)?;
                    self.recent.swap(0, slot);
                    distance
                }
                slot => {
                    let distance = distance(slot, bits, aligned.as_ref())?;
                    self.recent = [distance, self.recent[0], self.recent[1]];
                    distance
                }
            };
            if distance == 0 || distance > self.window {
                return None;
            }
            let from = self.made.len().checked_sub(distance)?;
            for at in from..from.checked_add(len)? {
                self.made.push(*self.made.get(at)?);
            }
        }
        Some(())
    }
}

/// The distance of a slot, of which it states the upper bits.
fn distance(slot: usize, bits: &mut Bits<'_>, aligned: Option<&PrefixCode>) -> Option<usize> {
    let extra = match slot {
        0..=3 => 0,
        4..=35 => (slot >> 1).checked_sub(1)?,
        _ => 17,
    };
    let base = match slot {
        0..=3 => slot,
        4..=35 => (2 | slot & 1) << extra,
        _ => slot.checked_sub(34)?.checked_shl(17)?,
    };
    let extra = u32::try_from(extra).ok()?;
    let low = match aligned {
        Some(tree) if extra >= 3 => {
            bits.take(extra.checked_sub(3)?)? << 3 | u32::from(tree.read(|| bits.take(1))?)
        }
        _ => bits.take(extra)?,
    };
    base.checked_add(usize::try_from(low).ok()?)?.checked_sub(2)
}

/// Makes the calls of x86 code relative again, which a writer made absolute. `at`: where the bytes stand in the stream.
fn relative(bytes: &mut [u8], at: usize, size: i32) {
    let Some(last) = bytes.len().checked_sub(10) else {
        return;
    };
    let mut next = 0_usize;
    while next < last {
        let Some(found) = bytes
            .get(next..last)
            .and_then(|part| memchr::memchr(0xe8, part))
        else {
            return;
        };
        let call = next.saturating_add(found);
        next = call.saturating_add(5);
        let place = i32::try_from(at.saturating_add(call)).unwrap_or(i32::MAX);
        let Some(target) = bytes
            .get_mut(call.saturating_add(1)..next)
            .and_then(|target| <&mut [u8; 4]>::try_from(target).ok())
        else {
            return;
        };
        let absolute = i32::from_le_bytes(*target);
        if absolute >= 0 && absolute < size {
            *target = absolute.wrapping_sub(place).to_le_bytes();
        } else if absolute < 0 && absolute >= place.wrapping_neg() {
            *target = absolute.wrapping_add(size).to_le_bytes();
        }
    }
}

/// The bits of a chunk.
struct Bits<'a> {
    input: &'a [u8],
    /// The next byte.
    at: usize,
    /// The bits that were read from the input and not taken, and how many.
    held: u32,
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            held: 0,
            count: 0,
        }
    }

    /// The next `len` bits, at most 24.
    fn take(&mut self, len: u32) -> Option<u32> {
        if len > 16 {
            let high = self.take(len.checked_sub(16)?)?;
            return Some(high << 16 | self.take(16)?);
        }
        if self.count < len {
            let low = *self.input.get(self.at)?;
            let high = self.input.get(self.at.checked_add(1)?).copied();
            self.at = self.at.checked_add(2)?;
            let word = u16::from_le_bytes([low, high.unwrap_or_default()]);
            self.held = self.held << 16 | u32::from(word);
            self.count = self.count.checked_add(16)?;
        }
        self.count = self.count.checked_sub(len)?;
        let taken = self.held.checked_shr(self.count)?;
        self.held &= (1_u32 << self.count).wrapping_sub(1);
        Some(taken)
    }

    /// Goes to the next word: 1 to 16 bits further.
    fn align(&mut self) {
        if self.count == 0 {
            self.at = self.at.saturating_add(2);
        }
        (self.held, self.count) = (0, 0);
    }

    /// The next bytes, where a word starts.
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len)?;
        let bytes = self.input.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn skip_byte(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// Changes the lengths of a code by the differences that follow.
    fn differences(&mut self, lengths: &mut [u8]) -> Option<()> {
        let mut own = [0; 20];
        for length in &mut own {
            *length = u8::try_from(self.take(4)?).ok()?;
        }
        let tree = PrefixCode::new(&own)?;
        let mut at = 0_usize;
        while at < lengths.len() {
            let symbol = tree.read(|| self.take(1))?;
            let (run, symbol) = match symbol {
                17 => (self.take(4)?.checked_add(4)?, None),
                18 => (self.take(5)?.checked_add(20)?, None),
                19 => (
                    self.take(1)?.checked_add(4)?,
                    Some(tree.read(|| self.take(1))?),
                ),
                symbol => (1, Some(symbol)),
            };
            let old = u16::from(*lengths.get(at)?);
            let new = match symbol {
                None => 0,
                Some(symbol) if symbol <= 16 => {
                    u8::try_from(old.checked_add(17)?.checked_sub(symbol)?.checked_rem(17)?).ok()?
                }
                Some(_) => return None,
            };
            let end = at.checked_add(usize::try_from(run).ok()?)?;
            lengths.get_mut(at..end)?.fill(new);
            at = end;
        }
        Some(())
    }
}
