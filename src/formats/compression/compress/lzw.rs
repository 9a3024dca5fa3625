//! The codes of compress: how they are packed, and the strings that they stand for.

use super::pairs::Pairs;
use crate::read::index;

/// The width of the first codes in bits.
const FIRST_WIDTH: u32 = 9;

/// In block mode, the code that empties the table.
const CLEAR: u32 = 256;

/// So many bytes of a string lie together: most strings of programs are not longer, and cost one look into memory.
const BLOCK: usize = 8;

/// A string: that of another code, and one byte.
#[derive(Clone, Copy, Default)]
struct Text {
    /// Its bytes behind the last multiple of [`BLOCK`] that is less than its length.
    tail: [u8; BLOCK],
    /// The code whose string is the bytes before these.
    body: u16,
    /// The code whose string is all but the last byte.
    prefix: u16,
    /// Its length in bytes.
    len: u16,
    /// Its last byte.
    last: u8,
    /// Its first byte.
    first: u8,
}

impl Text {
    fn byte(byte: u8) -> Self {
        Self {
            tail: [byte, 0, 0, 0, 0, 0, 0, 0],
            body: 0,
            prefix: 0,
            len: 1,
            last: byte,
            first: byte,
        }
    }

    /// This string, which is that of `code`, and one byte more.
    fn followed_by(self, code: u16, last: u8) -> Self {
        let filled = usize::from(self.len) % BLOCK;
        let (mut tail, body) = match filled {
            0 => ([0; BLOCK], code),
            _ => (self.tail, self.body),
        };
        if let Some(slot) = tail.get_mut(filled) {
            *slot = last;
        }
        Self {
            tail,
            body,
            prefix: code,
            len: self.len.saturating_add(1),
            last,
            first: self.first,
        }
    }
}

/// What became of one code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Its string was made.
    Made,
    /// There are not enough bits for another code.
    End,
    /// A longer string would have been known: no encoder would have ended the code before it.
    Longer,
    /// It stands for nothing.
    Unknown,
}

/// A decoder.
pub(super) struct Lzw {
    /// The largest width of codes in bits.
    most: u32,
    block: bool,
    /// The width of the next code in bits.
    width: u32,
    /// The next code to get a meaning.
    free: u32,
    /// The last code and its string; none at the start.
    previous: Option<(u32, Text)>,
    texts: Vec<Text>,
    /// A code and a byte that are a string with a code of its own.
    pairs: Pairs,
    /// Where the next code stands, and where the first of this width stood: in bits from the region's start.
    at: u64,
    origin: u64,
    /// Where bits were passed between groups of codes that are not zero: in bits from the region's start.
    passed: Option<u64>,
}

impl Lzw {
    /// A decoder of the codes from byte `start` on.
    pub(super) fn new(most: u32, block: bool, start: u64) -> Self {
        let size = 1_usize << most;
        let mut texts = vec![Text::default(); size];
        for (byte, text) in (0..=u8::MAX).zip(&mut texts) {
            *text = Text::byte(byte);
        }
        let at = start.saturating_mul(8);
        Self {
            most,
            block,
            width: FIRST_WIDTH,
            free: if block { CLEAR + 1 } else { CLEAR },
            previous: None,
            texts,
            pairs: Pairs::new(most),
            at,
            origin: at,
            passed: None,
        }
    }

    /// Where something stands between groups of codes that no decoder reads (bits from the region's start).
    pub(super) fn passed(&self) -> Option<u64> {
        self.passed
    }

    /// Where the next code stands, in bits from the region's start.
    pub(super) fn at_bit(&self) -> u64 {
        self.at
    }

    /// Decodes the next code of `region` and appends its string to `out`.
    pub(super) fn step(&mut self, region: &[u8], out: &mut Vec<u8>) -> Step {
        if self.free > self.largest() {
            self.align(region);
            self.width = self.width.saturating_add(1);
        }
        let mut taken = self.take(region);
        // Of several in a row each empties the table; a hostile run of them ends with the input.
        while self.block && self.previous.is_some() && taken == Some(CLEAR) {
            self.clear(region);
            taken = self.take(region);
        }
        let Some(code) = taken else {
            return Step::End;
        };
        let Some((previous, before)) = self.previous else {
            if code >= CLEAR {
                return Step::Unknown;
            }
            let text = self.text(code);
            self.emit(text, out);
            self.previous = Some((code, text));
            return Step::Made;
        };
        if code > self.free || code == CLEAR && self.block {
            return Step::Unknown;
        }
        // A code that gets its meaning just now is the last string with its own first byte behind it.
        let is_new = code == self.free;
        let known = if is_new { before } else { self.text(code) };
        // Behind an emptied table the pair is none that the encoder saw.
        let is_seen = self.free != CLEAR || !self.block;
        if is_seen && self.pairs.contains(previous, known.first) {
            return Step::Longer;
        }
        self.add(previous, before, known.first, is_seen);
        self.emit(known, out);
        let mut text = known;
        if is_new {
            out.push(known.first);
            text = self.text(code);
        }
        self.previous = Some((code, text));
        Step::Made
    }

    /// The code from which on the next one is wider.
    fn largest(&self) -> u32 {
        if self.width == self.most {
            1 << self.most
        } else {
            (1_u32 << self.width).saturating_sub(1)
        }
    }

    /// Codes of one width are written in groups of eight; the rest of the last group is empty.
    fn align(&mut self, region: &[u8]) {
        let group = u64::from(self.width).saturating_mul(8);
        let used = self.at.saturating_sub(self.origin);
        let groups = used.div_ceil(group);
        let next = self.origin.saturating_add(groups.saturating_mul(group));
        while self.at < next {
            let odd = code(region, self.at, self.width).is_some_and(|code| code != 0);
            self.passed = self.passed.or(odd.then_some(self.at));
            self.at = self.at.saturating_add(u64::from(self.width));
        }
        self.at = next;
        self.origin = next;
    }

    fn take(&mut self, region: &[u8]) -> Option<u32> {
        let code = code(region, self.at, self.width)?;
        self.at = self.at.saturating_add(u64::from(self.width));
        Some(code)
    }

    fn clear(&mut self, region: &[u8]) {
        for code in CLEAR..self.free {
            let text = self.text(code);
            self.pairs.remove(text.prefix.into(), text.last);
        }
        self.align(region);
        self.width = FIRST_WIDTH;
        self.free = CLEAR;
    }

    fn text(&self, code: u32) -> Text {
        let at = usize::try_from(code).unwrap_or_default();
        self.texts.get(at).copied().unwrap_or_default()
    }

    /// Gives the next free code a meaning, if there is one left: the string `before`, which is that of `prefix`, and one byte more.
    fn add(&mut self, prefix: u32, before: Text, last: u8, is_seen: bool) {
        let at = usize::try_from(self.free).unwrap_or(usize::MAX);
        let Some(text) = self.texts.get_mut(at) else {
            return;
        };
        *text = before.followed_by(u16::try_from(prefix).unwrap_or_default(), last);
        self.free = self.free.saturating_add(1);
        if is_seen {
            self.pairs.insert(prefix, last);
        }
    }

    /// Appends a string, from its last block to its first.
    fn emit(&self, mut text: Text, out: &mut Vec<u8>) {
        let (start, len) = (out.len(), usize::from(text.len));
        if len <= BLOCK {
            out.extend_from_slice(&text.tail);
        } else {
            let blocks = len.div_ceil(BLOCK);
            out.resize(start.saturating_add(blocks.saturating_mul(BLOCK)), 0);
            for block in out.rchunks_exact_mut(BLOCK).take(blocks) {
                block.copy_from_slice(&text.tail);
                text = self.text(u32::from(text.body));
            }
        }
        out.truncate(start.saturating_add(len));
    }
}

/// How many codes are looked at before a stream is believed. Noise has no chance to pass so many.
const SAMPLE: u64 = 64;

/// Whether the first codes of `body` can be some: each has a meaning by the time it comes.
pub(super) fn could_start(body: &[u8]) -> bool {
    let mut at = 0;
    for number in 0..SAMPLE {
        let Some(code) = code(body, at, FIRST_WIDTH) else {
            return number > 0;
        };
        let known = match number {
            0 => CLEAR,
            _ => u64::from(CLEAR)
                .saturating_add(number)
                .try_into()
                .unwrap_or(CLEAR),
        };
        if number > 0 && code == CLEAR {
            return true;
        }
        if code > known || number == 0 && code >= CLEAR {
            return false;
        }
        at = at.saturating_add(FIRST_WIDTH.into());
    }
    true
}

/// The code of `width` bits that starts at bit `at`; `None` where it is not all there.
fn code(bytes: &[u8], at: u64, width: u32) -> Option<u32> {
    let from = bytes.get(index(at / 8)..)?;
    let shift = at % 8;
    let word = if let Some(bytes) = from.first_chunk::<4>() {
        u32::from_le_bytes(*bytes)
    } else {
        let here = u64::try_from(from.len()).unwrap_or_default();
        if shift.saturating_add(width.into()) > here.saturating_mul(8) {
            return None;
        }
        let bytes = from.iter().rev();
        bytes.fold(0, |word, &byte| word << 8 | u32::from(byte))
    };
    Some(word >> shift & (1_u32 << width).saturating_sub(1))
}
