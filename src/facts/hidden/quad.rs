//! Addresses on the Internet under keys: four decimal numbers with dots, and nothing else.

use std::collections::BTreeSet;
use std::ops::Range;

use super::is_text;
use super::key::{How, Key};
use super::token::Stream;
use crate::facts::address;

/// Letters of the shortest address that is told, and of the longest: shorter ones are made by chance in tables of small numbers.
const SHORTEST: usize = 9;
const LONGEST: usize = 15;
/// An address whose key is longer than one byte, or is added, has at least so many letters.
const SHORTEST_LESS_SURE: usize = 11;
/// An address under a key that makes letters of zeros has at least so many.
const SHORTEST_AMONG_ZEROS: usize = 13;
/// The letters of addresses.
const LETTERS: [u8; 11] = *b".0123456789";
/// So many different ones an address has at least, and one among zeros that are letters.
const DIFFERENT: u32 = 4;
const DIFFERENT_AMONG_ZEROS: u32 = 6;
/// So many readings of one address may be open.
const MOST_READINGS: usize = 16;
/// So many combinations of keys are tried for one place.
const MOST_TRIES: usize = 256;

/// An address and the key that it stands under.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) range: Range<usize>,
    pub(super) key: Key,
    pub(super) text: Vec<u8>,
}

/// Whether four differences may be those of digits and at least one dot.
#[inline]
pub(super) fn looks_like(stream: Stream, apart: u32) -> bool {
    match stream.how {
        How::Xor => apart & 0xe0e0_e0e0 == 0 && apart & 0x1010_1010 != 0,
        How::Add => {
            let small = |byte: u8| byte.wrapping_add(11) <= 22;
            apart != 0 && apart.to_le_bytes().into_iter().all(small)
        }
    }
}

/// An address around `at` under a key of one byte.
pub(super) fn under_one(bytes: &[u8], at: usize, how: How) -> Option<Found> {
    let window = bytes.get(at..at.checked_add(5)?)?;
    let mut tried = None;
    for &dot in window {
        let key = how.undo(dot, b'.');
        let is_one = |&byte: &u8| is_letter(how.undo(byte, key));
        if key == 0 || tried == Some(key) || !window.iter().all(is_one) {
            continue;
        }
        tried = Some(key);
        let key = Key::repeating(how, &[key], at)?;
        if let Some(found) = around(bytes, at, key, how) {
            return Some(found);
        }
    }
    None
}

/// Whether a byte can stand in an address.
#[inline]
fn is_letter(byte: u8) -> bool {
    matches!(byte, b'.' | b'0'..=b'9')
}

fn around(bytes: &[u8], at: usize, key: Key, how: How) -> Option<Found> {
    let is_part = |at: &usize| key.clear(bytes, *at).is_some_and(is_letter);
    let after = (at..)
        .take(LONGEST.saturating_add(1))
        .take_while(is_part)
        .count();
    let before = (0..at).rev().take(LONGEST).take_while(is_part).count();
    let (first, last) = (at.checked_sub(before)?, at.checked_add(after)?);
    let (shortest, variety) = match how {
        How::Xor if is_letter(key.at(at)) => (SHORTEST_AMONG_ZEROS, DIFFERENT_AMONG_ZEROS),
        How::Xor => (SHORTEST, DIFFERENT),
        How::Add => (SHORTEST_LESS_SURE, DIFFERENT),
    };
    if before.saturating_add(after) < shortest || different(bytes.get(first..last)?) < variety {
        return None;
    }
    // What stands in clear around it may be digits or dots under the key.
    for start in (first..=at).filter(|&start| stands_alone(bytes, start, &key)) {
        let sizes = (shortest..=LONGEST).rev();
        let stops = sizes.filter_map(|size| start.checked_add(size));
        for end in stops.filter(|&end| end <= last && key.clear(bytes, end) == Some(0)) {
            let text: Vec<u8> = (start..end).filter_map(|at| key.clear(bytes, at)).collect();
            if different(&text) >= variety && is_address(&text) == Some(true) {
                return Some(Found {
                    range: start..end,
                    key: key.from(start),
                    text,
                });
            }
        }
    }
    None
}

/// Whether nothing that is text under the key stands before an address.
fn stands_alone(bytes: &[u8], start: usize, key: &Key) -> bool {
    let Some(before) = start.checked_sub(1) else {
        return true;
    };
    bytes.get(before) == Some(&0) || !key.clear(bytes, before).is_some_and(is_text)
}

/// How many different bytes there are among letters, which may stand under a key of one byte.
fn different(letters: &[u8]) -> u32 {
    let all = letters.iter().fold(0_u128, |all, byte| {
        all | 1_u128.checked_shl(u32::from(byte & 0x7f)).unwrap_or(0)
    });
    all.count_ones()
}

/// Whether a text is an address, and if so a public one.
pub(super) fn is_address(text: &[u8]) -> Option<bool> {
    let numbers = text.split(|&byte| byte == b'.').count();
    let parsed = address::parse(text).filter(|_| numbers == 4)?;
    Some(address::is_public(parsed))
}

/// Whether a machine may have an address: those that begin with 224 and more are for groups, or for nobody.
fn may_be_peer(text: &[u8]) -> bool {
    !matches!(
        text,
        [b'2', b'2', b'4'..=b'9', b'.', ..] | [b'2', b'3'..=b'5', _, b'.', ..]
    )
}

/// An address that begins at `at` under a key of several bytes, with its NUL.
pub(super) fn under_several(bytes: &[u8], at: usize, lag: usize) -> Option<Found> {
    let stored = bytes.get(at..)?;
    // A zero that stands before an address in clear may look like its first digit.
    if stored.first() == Some(&0) {
        return None;
    }
    let pairs = stored.iter().zip(stored.get(lag..)?);
    let mut differences = pairs
        .take(SHORTEST_LESS_SURE.saturating_sub(lag))
        .map(|(one, next)| one ^ next);
    if !differences.all(|difference| matches!(difference, 0..=0x0f | 0x16..=0x1f)) {
        return None;
    }
    for size in SHORTEST_LESS_SURE..=LONGEST {
        let (text, rest) = stored.split_at_checked(size)?;
        let nul = *rest.first()?;
        let class = size.checked_rem(lag)?;
        let letters = |place: usize| text.iter().skip(place).step_by(lag);
        // Three or four bytes of which some make letters of zeros fit too much.
        let may_be = |key: u8| key != 0 && (lag == 2 || !is_letter(key));
        let fits =
            |place: usize, key: u8| may_be(key) && letters(place).all(|byte| is_letter(byte ^ key));
        if !fits(class, nul) {
            continue;
        }
        let mut keys = Vec::with_capacity(lag);
        for place in 0..lag {
            let first = letters(place).next()?;
            let all = LETTERS
                .into_iter()
                .map(|letter| first ^ letter)
                .filter(|&key| fits(place, key));
            keys.push(if place == class {
                vec![nul]
            } else {
                all.collect()
            });
        }
        if let Some(found) = readings(bytes, at, size, &keys) {
            return Some(found);
        }
    }
    None
}

/// Whether a key is text itself: texts that stand in clear are texts under such keys.
fn is_plain(key: &[u8]) -> bool {
    key.iter().all(|&byte| byte < 0x80)
}

/// The address of `size` letters that some combination of keys shows. All combinations that show one must show a public one.
fn readings(bytes: &[u8], at: usize, size: usize, keys: &[Vec<u8>]) -> Option<Found> {
    let tries = keys
        .iter()
        .map(Vec::len)
        .try_fold(1_usize, usize::checked_mul)?;
    if tries > MOST_TRIES {
        return None;
    }
    let range = at..at.checked_add(size)?;
    let mut texts = BTreeSet::new();
    let mut known = None;
    for nth in 0..tries {
        let mut left = nth;
        let mut bytes_of_key = Vec::new();
        for of_place in keys {
            bytes_of_key.push(*of_place.get(left.checked_rem(of_place.len())?)?);
            left = left.checked_div(of_place.len())?;
        }
        let key = Key::repeating(How::Xor, &bytes_of_key, at)?;
        let text: Vec<u8> = range
            .clone()
            .filter_map(|at| key.clear(bytes, at))
            .collect();
        match is_address(&text) {
            Some(true)
                if !key.is_idle() && !is_plain(&bytes_of_key) && stands_alone(bytes, at, &key) =>
            {
                texts.insert(text);
                known = known.or(Some(key));
            }
            Some(_) if may_be_peer(&text) => return None,
            Some(_) | None => {}
        }
    }
    let most = if keys.len() == 2 { MOST_READINGS } else { 1 };
    let key = known.filter(|_| {
        texts.len() <= most
            && texts
                .first()
                .is_some_and(|text| different(text) >= DIFFERENT)
    })?;
    let mut texts = texts.into_iter();
    let mut text = texts.next()?;
    for other in texts {
        for (byte, other) in text.iter_mut().zip(other) {
            if *byte != other {
                *byte = b'?';
            }
        }
    }
    Some(Found { range, key, text })
}
