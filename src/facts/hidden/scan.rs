//! One pass over a file for all keys.

use std::ops::Range;

use super::key::Key;
use super::token::{STREAMS, Stream, Table, Token};
use super::{Hidden, HiddenText, Hiding, is_text, quad};
use crate::read::length;

/// A text goes on so far to each side of the token, in bytes.
const REACH: usize = 1024;
/// So many of the last texts are asked whether they hold a token already.
const NEAR: usize = 8;
/// Places that look like a token or an address are looked at in depth so often, for each KiB of the file and at least.
const LOOKS_A_KIB: usize = 192;
const LOOKS: usize = 1 << 18;

struct Scan<'a> {
    bytes: &'a [u8],
    table: &'static Table,
    hidden: Hidden,
    /// What of the file the last texts are, with their keys.
    last: Vec<(Range<usize>, Key)>,
    /// Looks in depth that are left.
    looks: usize,
}

/// Looks for texts under keys.
pub(super) fn scan(bytes: &[u8]) -> Hidden {
    let share = (bytes.len() >> 10).saturating_mul(LOOKS_A_KIB);
    let mut scan = Scan {
        bytes,
        table: Table::get(),
        hidden: Hidden::default(),
        last: Vec::new(),
        looks: LOOKS.saturating_add(share),
    };
    for (at, window) in bytes.windows(8).enumerate() {
        if let Ok(window) = <[u8; 8]>::try_from(window) {
            scan.place(at, u64::from_le_bytes(window));
        }
    }
    // The last bytes make no whole window: nothing but what is there counts in what they are compared with.
    for at in bytes.len().saturating_sub(7)..bytes.len() {
        let mut window = [0; 8];
        for (to, &byte) in window.iter_mut().zip(bytes.get(at..).unwrap_or_default()) {
            *to = byte;
        }
        scan.place(at, u64::from_le_bytes(window));
    }
    scan.hidden
}

/// The lower half.
#[inline]
fn low(bytes: u64) -> u32 {
    u32::try_from(bytes & 0xffff_ffff).unwrap_or(0)
}

/// What is added to each of four bytes to come to the next one.
#[inline]
fn steps(window: u64) -> u32 {
    const HIGH: u32 = 0x8080_8080;
    let (one, next) = (low(window), low(window >> 8));
    (next | HIGH).wrapping_sub(one & !HIGH) ^ ((next ^ !one) & HIGH)
}

impl Scan<'_> {
    /// Looks at the eight bytes from `at` on, the first one lowest.
    #[inline]
    fn place(&mut self, at: usize, window: u64) {
        if window == 0 {
            return;
        }
        let apart = [
            low(window ^ window >> 8),
            low(window ^ window >> 16),
            low(window ^ window >> 24),
            low(window ^ window >> 32),
            steps(window),
        ];
        for (stream, apart) in STREAMS.into_iter().zip(apart) {
            if self.table.has(stream, apart) {
                self.tokens(at, stream, apart);
            }
            if quad::looks_like(stream, apart) {
                self.quad(at, stream);
            }
        }
    }

    /// Whether one more look is left.
    fn look(&mut self) -> bool {
        match self.looks.checked_sub(1) {
            Some(left) => self.looks = left,
            None => self.hidden.cut = true,
        }
        !self.hidden.cut
    }

    #[cold]
    fn tokens(&mut self, at: usize, stream: Stream, apart: u32) {
        for token in self.table.tokens(stream, apart) {
            if !self.look() {
                return;
            }
            let key = Key::under(stream.how, stream.lag, self.bytes, at, token.stored());
            let Some(key) = key.map(|key| key.backwards(token.backwards)) else {
                continue;
            };
            if !key.is_idle() && !self.is_known(at, &key) {
                self.keep_around(at, token, key);
            }
        }
    }

    /// Whether a token is part of a text that was found already.
    fn is_known(&self, at: usize, key: &Key) -> bool {
        let mut near = self.last.iter().rev().take(NEAR);
        near.any(|(range, known)| range.contains(&at) && *key == known.from(at))
    }

    fn remember(&mut self, range: Range<usize>, key: Key) {
        if self.last.len() > NEAR {
            self.last.remove(0);
        }
        self.last.push((range, key));
    }

    /// Keeps the text that a token stands in.
    fn keep_around(&mut self, at: usize, token: Token, key: Key) {
        let bytes = self.bytes;
        let end = at.saturating_add(token.text.len());
        let is_part = |at: &usize| key.clear(bytes, *at).is_some_and(is_text);
        let from = at.saturating_sub((0..at).rev().take(REACH).take_while(is_part).count());
        let to = end.saturating_add((end..).take(REACH).take_while(is_part).count());
        let text: Vec<u8> = (from..to).filter_map(|at| key.clear(bytes, at)).collect();
        self.remember(from..to, key);
        // Zeros that stand before and behind in clear look like letters under many keys.
        let is_zero = |at: &usize| bytes.get(*at) == Some(&0);
        let after_zero = (from..at).rev().find(is_zero);
        let starts = [
            Some(from),
            after_zero.map(|at| at.saturating_add(1)),
            (token.begins && !token.backwards).then_some(at),
        ];
        let ends = [
            Some(to),
            (end..to).find(is_zero),
            (token.begins && token.backwards).then_some(end),
        ];
        let mut parts = Vec::new();
        for start in starts.into_iter().flatten() {
            for stop in ends.into_iter().flatten() {
                let part = start.saturating_sub(from)..stop.saturating_sub(from);
                let part = if token.backwards {
                    text.len().saturating_sub(part.end)..text.len().saturating_sub(part.start)
                } else {
                    part
                };
                if !part.is_empty() && !parts.contains(&part) {
                    parts.push(part);
                }
            }
        }
        let text = if token.backwards {
            text.into_iter().rev().collect()
        } else {
            text
        };
        self.hidden.keep(HiddenText {
            offset: length(bytes.get(..from).unwrap_or_default()),
            hiding: Hiding::Key(key.from(from)),
            text,
            is_address: false,
            parts,
        });
    }

    #[cold]
    fn quad(&mut self, at: usize, stream: Stream) {
        if !self.look() {
            return;
        }
        let found = match stream.lag {
            1 => quad::under_one(self.bytes, at, stream.how),
            lag => quad::under_several(self.bytes, at, lag),
        };
        let Some(found) = found else {
            return;
        };
        let start = found.range.start;
        if self
            .last
            .iter()
            .any(|(range, _)| range.contains(&start) || found.range.contains(&range.start))
        {
            return;
        }
        self.remember(found.range.clone(), found.key);
        self.hidden.keep(HiddenText {
            offset: length(self.bytes.get(..start).unwrap_or_default()),
            hiding: Hiding::Key(found.key),
            parts: std::iter::once(0..found.text.len()).collect(),
            text: found.text,
            is_address: true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::hidden::key::How;

    #[test]
    fn steps_are_those_of_each_byte() {
        let bytes: [u8; 8] = [0, 255, 3, 3, 128, 1, 2, 3];
        let expected: [u8; 4] = [255, 4, 0, 125];
        assert_eq!(
            steps(u64::from_le_bytes(bytes)),
            u32::from_le_bytes(expected)
        );
        assert_eq!(How::Add.undo(4, 255), 5);
    }
}
