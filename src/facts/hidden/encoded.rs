//! Texts as base64 or hexadecimal digits.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::{Hidden, HiddenText, Hiding, is_text, quad};
use crate::read::length;

/// Fewer letters hide nothing of note.
const FEWEST: usize = 10;
/// So many letters of one run are decoded.
const MOST: usize = 2048;
/// With or without `=` behind, and with bits left over: whoever hides a text need not be careful.
const LOOSE: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LOOSE);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LOOSE);

/// Looks for runs of letters that are texts in an encoding.
pub(super) fn scan(bytes: &[u8], hidden: &mut Hidden) {
    let is_letter =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let mut at = 0_usize;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let run = rest.iter().take_while(|byte| is_letter(byte)).count();
        if run >= FEWEST
            && let Some(letters) = rest.get(..run)
        {
            keep(letters, at, bytes, hidden);
        }
        at = at.saturating_add(run).saturating_add(1);
    }
}

fn keep(letters: &[u8], at: usize, bytes: &[u8], hidden: &mut Hidden) {
    let is_whole = letters.len() <= MOST;
    let letters = letters.get(..MOST).unwrap_or(letters);
    let decoded = digits(letters).map(|text| (Hiding::Digits, text));
    let Some((hiding, mut text)) = decoded.or_else(|| Some((Hiding::Base64, base64(letters)?)))
    else {
        return;
    };
    // What ends the text where it is used may be encoded with it.
    while matches!(text.last(), Some(0 | b'\n' | b'\r')) {
        text.pop();
    }
    if !is_whole {
        text.truncate(text.len() & !3);
    }
    if text.len() < 7 || !text.iter().all(|&byte| is_text(byte)) {
        return;
    }
    hidden.keep(HiddenText {
        offset: length(bytes.get(..at).unwrap_or_default()),
        hiding,
        is_address: quad::is_address(&text) == Some(true),
        parts: std::iter::once(0..text.len()).collect(),
        text,
    });
}

/// What hexadecimal digits say; `None` for other letters.
fn digits(letters: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let (pairs, []) = letters.as_chunks::<2>() else {
        return None;
    };
    let pair =
        |&[high, low]: &[u8; 2]| Some(digit(high)?.checked_mul(16)?.saturating_add(digit(low)?));
    pairs.iter().map(pair).collect()
}

/// What base64 says, if it begins with a text.
fn base64(letters: &[u8]) -> Option<Vec<u8>> {
    let is_for_urls = letters.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = if is_for_urls { FOR_URLS } else { PLAIN };
    let head = engine.decode(letters.get(..4)?).ok()?;
    if !head.iter().all(|&byte| is_text(byte)) {
        return None;
    }
    engine.decode(letters).ok()
}
