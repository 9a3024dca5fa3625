//! The codes of compress: how they are packed, and the strings that they stand for.

use crate::read::index;

/// The width of the first codes in bits.
const FIRST_WIDTH: u32 = 9;

/// In block mode, the code that empties the table.
const CLEAR: u32 = 256;

/// A string: that of another code, and one byte.
#[derive(Clone, Copy, Default)]
struct Text {
    prefix: u16,
    /// Its last byte.
    last: u8,
    /// Its first byte.
    first: u8,
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
    /// The last code; none at the start.
    previous: Option<u32>,
    texts: Vec<Text>,
    /// The lengths of the strings in bytes.
    lens: Vec<u16>,
    /// One bit for each pair of a code and a byte: whether that is a string with a code of its own.
    pairs: Vec<u64>,
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
        let mut lens = vec![0; size];
        for (byte, (text, len)) in (0..=u8::MAX).zip(texts.iter_mut().zip(&mut lens)) {
            *text = Text {
                prefix: 0,
                last: byte,
                first: byte,
            };
            *len = 1;
        }
        let at = start.saturating_mul(8);
        Self {
            most,
            block,
            width: FIRST_WIDTH,
            free: if block { CLEAR + 1 } else { CLEAR },
            previous: None,
            texts,
            lens,
            pairs: vec![0; size << 2],
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
        let Some(previous) = self.previous else {
            if code >= CLEAR {
                return Step::Unknown;
            }
            self.emit(code, out);
            self.previous = Some(code);
            return Step::Made;
        };
        if code > self.free || code == CLEAR && self.block {
            return Step::Unknown;
        }
        // A code that gets its meaning just now is the last string with its own first byte behind it.
        let known = if code == self.free { previous } else { code };
        let first = self.text(known).first;
        // Behind an emptied table the pair is none that the encoder saw.
        let is_seen = self.free != CLEAR || !self.block;
        if is_seen && !self.is_new(previous, first) {
            return Step::Longer;
        }
        self.add(previous, first, is_seen);
        self.emit(known, out);
        if known != code {
            out.push(first);
        }
        self.previous = Some(code);
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
            let (word, bit) = pair(u32::from(text.prefix), text.last);
            if let Some(word) = self.pairs.get_mut(word) {
                *word &= !bit;
            }
        }
        self.align(region);
        self.width = FIRST_WIDTH;
        self.free = CLEAR;
    }

    fn text(&self, code: u32) -> Text {
        let at = usize::try_from(code).unwrap_or_default();
        self.texts.get(at).copied().unwrap_or_default()
    }

    fn is_new(&self, prefix: u32, last: u8) -> bool {
        let (word, bit) = pair(prefix, last);
        self.pairs.get(word).is_none_or(|word| word & bit == 0)
    }

    /// Gives the next free code a meaning, if there is one left.
    fn add(&mut self, prefix: u32, last: u8, is_seen: bool) {
        let at = usize::try_from(self.free).unwrap_or(usize::MAX);
        let before = usize::try_from(prefix).unwrap_or(usize::MAX);
        let len = self.lens.get(before).copied().unwrap_or_default();
        let first = self.text(prefix).first;
        let (Some(text), Some(slot)) = (self.texts.get_mut(at), self.lens.get_mut(at)) else {
            return;
        };
        *text = Text {
            prefix: u16::try_from(prefix).unwrap_or_default(),
            last,
            first,
        };
        *slot = len.saturating_add(1);
        self.free = self.free.saturating_add(1);
        let (word, bit) = pair(prefix, last);
        if is_seen && let Some(word) = self.pairs.get_mut(word) {
            *word |= bit;
        }
    }

    /// Appends the string of `code`, from its last byte to its first.
    fn emit(&self, code: u32, out: &mut Vec<u8>) {
        let at = usize::try_from(code).unwrap_or_default();
        let len = usize::from(self.lens.get(at).copied().unwrap_or_default());
        let start = out.len();
        out.resize(start.saturating_add(len), 0);
        let mut text = self.text(code);
        for byte in out.iter_mut().skip(start).rev() {
            *byte = text.last;
            text = self.text(u32::from(text.prefix));
        }
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

/// Where the bit of a pair stands: the word, and the bit in it.
fn pair(prefix: u32, last: u8) -> (usize, u64) {
    let word = usize::try_from(prefix << 2 | u32::from(last >> 6)).unwrap_or(usize::MAX);
    (word, 1 << (last & 63))
}
