//! Bytes that were XORed with a short key again and again: no encryption, but enough to hide a file system from those who look for one.

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use bytes::Bytes;

use crate::budget::Budget;
use crate::digest::hex;
use crate::formats::{
    Content, Decode, Doc, Ending, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject,
    Span,
};
use crate::image::map;
use crate::problem::Problem;
use crate::read::length;

/// XORed bytes.
pub(in crate::formats) struct Xor;

/// Its name.
pub const ID: &str = "xor";
/// So many bytes of a stream are looked at to find a key.
const SAMPLE: usize = 256 << 10;
/// The longest key that is looked for, in bytes.
const LONGEST_KEY: usize = 64;
/// One byte of so many must equal the one a key's length before it: of noise one of 256 does.
const OFTEN: usize = 20;

impl Format for Xor {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: ID,
            title: "Bytes XORed with a repeating key",
            kind: Kind::Compression,
            spec: "none: told by the key, which shows where the plain bytes are fill, and by the format that is found with it",
            reads: "unknown bytes in which a known format shows with a key of up to 64 bytes; undone with --xor, told without",
            verifies: "the structure of what is found",
            limits: &[
                "keys that no fill shows; keys that change from one repetition to the next; ciphers",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[]
    }

    fn measure(&self, _rest: &Bytes) -> Result<Extent, Reject> {
        Err(Reject::Coincidence("only what is left unknown is tried"))
    }

    fn open(&self, _region: Bytes, _budget: &Budget) -> Opened {
        Opened::unread(Problem::corrupt("nothing tells the key"))
    }
}

/// The keys with which the fill of some bytes would be zeros, or 0xff, if any byte pattern repeats in them as a key would.
pub fn keys(bytes: &[u8]) -> Vec<Vec<u8>> {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    let repeats = |len: usize| {
        let behind = sample.get(len..).unwrap_or_default();
        let equal = sample
            .iter()
            .zip(behind)
            .filter(|(one, other)| one == other);
        equal.count()
    };
    let best: Vec<(usize, usize)> = (1..=LONGEST_KEY).map(|len| (repeats(len), len)).collect();
    // Of lengths that repeat about as often the shortest: a key repeats at its multiples too.
    let most = best
        .iter()
        .map(|(count, _)| *count)
        .max()
        .unwrap_or_default();
    if most.saturating_mul(OFTEN) < sample.len() || most == 0 {
        return Vec::new();
    }
    let enough = most.saturating_sub(most >> 3);
    let Some(&(_, len)) = best.iter().find(|(count, _)| *count >= enough) else {
        return Vec::new();
    };
    let zero = commonest(sample, len);
    let ones: Vec<u8> = zero.iter().map(|byte| !byte).collect();
    let plain = |key: &Vec<u8>| key.iter().any(|&byte| byte != 0);
    [zero, ones].into_iter().filter(plain).collect()
}

/// The commonest byte of each column, when bytes are written in lines of `len`.
fn commonest(sample: &[u8], len: usize) -> Vec<u8> {
    let column = |first: usize| {
        let mut counts = [0_usize; 256];
        for &byte in sample.iter().skip(first).step_by(len) {
            if let Some(count) = counts.get_mut(usize::from(byte)) {
                *count = count.saturating_add(1);
            }
        }
        let counts = (0..=u8::MAX).zip(counts);
        counts
            .max_by_key(|(_, count)| *count)
            .map_or(0, |(byte, _)| byte)
    };
    (0..len).map(column).collect()
}

/// Bytes as they were before they were XORed.
pub fn plain(bytes: &[u8], key: &[u8]) -> Vec<u8> {
    let key = key.iter().cycle();
    bytes
        .iter()
        .zip(key)
        .map(|(byte, key)| byte ^ key)
        .collect()
}

/// Opens bytes that are XORed with a key.
pub fn open_with(region: Bytes, key: Vec<u8>) -> Opened {
    let mut properties = Properties::new();
    properties.set("key", hex(&key));
    Opened {
        content: Content::Stream(Box::new(Plain {
            region,
            key,
            done: 0,
        })),
        spans: Vec::new(),
        problems: Vec::new(),
        properties,
    }
}

/// The plain bytes, as they are read.
struct Plain {
    region: Bytes,
    key: Vec<u8>,
    done: usize,
}

impl Read for Plain {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.region.get(self.done..).unwrap_or_default();
        let phase = self.done.checked_rem(self.key.len()).unwrap_or_default();
        let key = self.key.iter().cycle().skip(phase);
        for ((to, from), key) in out.iter_mut().zip(left).zip(key) {
            *to = from ^ key;
        }
        let count = out.len().min(left.len());
        map::touched(length(left.get(..count).unwrap_or_default()));
        self.done = self.done.saturating_add(count);
        Ok(count)
    }
}

impl Decode for Plain {
    fn finish(self: Box<Self>) -> Ending {
        let len = length(&self.region);
        Ending {
            extent: Ok((len, Proof::Structure)),
            spans: vec![Span::content(0, len)],
            problems: Vec::new(),
        }
    }
}
