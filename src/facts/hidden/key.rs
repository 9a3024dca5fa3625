//! Keys, and what becomes of bytes under them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A key that is combined with each byte of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    how: How,
    /// Its bytes, from `anchor` on, over and over.
    bytes: [u8; 4],
    /// How many of them there are: 1 to 4.
    period: usize,
    /// What is added to it for each byte; only where there is one.
    step: u8,
    /// The offset in the file of the byte that the first byte of the key is for.
    anchor: usize,
    /// Whether the text stands backwards.
    backwards: bool,
}

/// What is done with a byte and its byte of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum How {
    Xor,
    Add,
}

impl How {
    /// The byte of the key under which `clear` becomes `stored`; also what `stored` is under that byte.
    pub(super) fn undo(self, stored: u8, clear: u8) -> u8 {
        match self {
            Self::Xor => stored ^ clear,
            Self::Add => stored.wrapping_sub(clear),
        }
    }
}

impl Key {
    /// A key of one to four bytes for what stands at `anchor` and behind; `None` for no bytes or too many.
    pub(super) fn repeating(how: How, bytes: &[u8], anchor: usize) -> Option<Self> {
        let mut all = [0; 4];
        all.get_mut(..bytes.len())?.copy_from_slice(bytes);
        (!bytes.is_empty()).then_some(Self {
            how,
            bytes: all,
            period: bytes.len(),
            step: 0,
            anchor,
            backwards: false,
        })
    }

    /// A key that counts up or down.
    pub(super) fn counting(how: How, first: u8, step: u8, anchor: usize) -> Self {
        Self {
            how,
            bytes: [first, 0, 0, 0],
            period: 1,
            step,
            anchor,
            backwards: false,
        }
    }

    /// The key under which `clear` stands at `at`, if one of this sort does that; `period` counts its bytes.
    pub(super) fn under(
        how: How,
        period: usize,
        bytes: &[u8],
        at: usize,
        clear: impl Iterator<Item = u8>,
    ) -> Option<Self> {
        let stored = bytes.get(at..)?;
        let mut keys = [0; 32];
        let mut count = 0_usize;
        for clear in clear {
            let key = how.undo(*stored.get(count)?, clear);
            *keys.get_mut(count)? = key;
            count = count.checked_add(1)?;
        }
        let keys = keys.get(..count)?;
        let first = keys.get(..period)?;
        let again = keys.get(period..)?;
        if again.iter().zip(keys).all(|(one, other)| one == other) {
            return Self::repeating(how, first, at);
        }
        let (&[first, second, ..], 1) = (keys, period) else {
            return None;
        };
        let step = second.wrapping_sub(first);
        let mut pairs = keys.iter().zip(keys.get(1..)?);
        let counts =
            matches!(step, 1 | 0xff) && pairs.all(|(one, next)| next.wrapping_sub(*one) == step);
        counts.then(|| Self::counting(how, first, step, at))
    }

    /// The same key for a text that stands backwards.
    pub(super) fn backwards(self, backwards: bool) -> Self {
        Self { backwards, ..self }
    }

    /// Whether it is one of XOR that does not count.
    pub(super) fn is_sure(&self) -> bool {
        self.how == How::Xor && self.step == 0
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> usize {
        self.period
    }

    pub(super) fn is_backwards(&self) -> bool {
        self.backwards
    }

    /// Whether it hides nothing: the text stands in clear or in letters of the other size, some bytes do not change, or a shorter key
    /// does the same.
    pub(super) fn is_idle(&self) -> bool {
        let Some(bytes) = self.bytes.get(..self.period) else {
            return true;
        };
        let is_case = |&byte: &u8| byte & !0x20 == 0 || self.how == How::Add && byte == 0xe0;
        let is_plain = self.step == 0 && bytes.iter().all(is_case);
        let is_shorter = match bytes {
            [a, b] => a == b,
            [a, b, c] => a == b && b == c,
            [a, b, c, d] => a == c && b == d,
            _ => false,
        };
        let is_partly = bytes.len() > 1 && bytes.contains(&0);
        is_shorter
            || is_partly
            || is_plain && !(self.backwards && bytes.iter().all(|&byte| byte == 0))
    }

    /// What a byte of the file is under the key.
    pub(super) fn clear(&self, bytes: &[u8], at: usize) -> Option<u8> {
        Some(self.how.undo(*bytes.get(at)?, self.at(at)))
    }

    /// The byte of the key for the byte at an offset.
    pub(super) fn at(&self, at: usize) -> u8 {
        if self.period == 1 {
            let [low, ..] = at.wrapping_sub(self.anchor).to_le_bytes();
            let [first, ..] = self.bytes;
            return first.wrapping_add(self.step.wrapping_mul(low));
        }
        let place = if let Some(after) = at.checked_sub(self.anchor) {
            after.checked_rem(self.period)
        } else {
            let before = self.anchor.saturating_sub(at).checked_rem(self.period);
            before.and_then(|before| self.period.saturating_sub(before).checked_rem(self.period))
        };
        let byte = place.and_then(|place| self.bytes.get(place));
        byte.copied().unwrap_or(0)
    }

    /// The same key, told from another offset on.
    pub(super) fn from(self, anchor: usize) -> Self {
        let mut bytes = [0; 4];
        for (place, byte) in bytes.iter_mut().take(self.period).enumerate() {
            *byte = self.at(anchor.saturating_add(place));
        }
        Self {
            bytes,
            anchor,
            ..self
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes.get(..self.period).unwrap_or_default();
        if !bytes.iter().all(|&byte| byte == 0) || self.step != 0 {
            out.write_str(match self.how {
                How::Xor => "XOR with",
                How::Add => "added:",
            })?;
            if self.step != 0 {
                let way = if self.step == 1 { "up" } else { "down" };
                write!(out, " a counter {way} from")?;
            }
            for byte in bytes {
                write!(out, " {byte:#04x}")?;
            }
            if self.backwards {
                out.write_str(", ")?;
            }
        }
        if self.backwards {
            out.write_str("backwards")?;
        }
        Ok(())
    }
}
