//! What commands print whose output their arguments and input tell.

use base64::Engine as _;

use super::Argument;

pub(super) fn has(words: &[Argument], option: &[u8]) -> bool {
    words.iter().any(|word| word.text == option)
}

/// Whether a word is an option with `c` in it, such as `-c` or `-lc`.
pub(super) fn is_command_option(word: &[u8]) -> bool {
    word.starts_with(b"-") && !word.starts_with(b"--") && word.contains(&b'c')
}

/// Whether a shell has no script but its input.
pub(super) fn reads_input(words: &[Argument]) -> bool {
    words.iter().all(|word| word.text.starts_with(b"-"))
}

pub(super) fn joined(words: &[Argument]) -> Vec<u8> {
    let texts: Vec<&[u8]> = words.iter().map(|word| word.text.as_slice()).collect();
    texts.join(&b' ')
}

pub(super) fn echo(words: &[Argument]) -> Option<Vec<u8>> {
    let options = words.iter().take_while(|word| {
        matches!(
            word.text.as_slice(),
            b"-n" | b"-e" | b"-ne" | b"-en" | b"-E"
        )
    });
    let options = options.count();
    let rest = words.get(options..)?;
    if !rest.iter().all(|word| word.known) {
        return None;
    }
    let mut text = joined(rest);
    let option = |letter: u8| {
        words
            .iter()
            .take(options)
            .any(|word| word.text.contains(&letter))
    };
    if option(b'e') {
        text = super::escape::all(&text);
    }
    if !option(b'n') {
        text.push(b'\n');
    }
    Some(text)
}

/// `printf` with plain text, or with `%s` and `%b` alone.
pub(super) fn printf(words: &[Argument]) -> Option<Vec<u8>> {
    let (format, values) = words.split_first()?;
    if !words.iter().all(|word| word.known) {
        return None;
    }
    let mut values = values.iter();
    let mut text = Vec::new();
    let mut pieces = format.text.split(|&byte| byte == b'%');
    text.extend(super::escape::all(pieces.next()?));
    while let Some(piece) = pieces.next() {
        match piece.split_first() {
            None => {
                text.push(b'%');
                text.extend(super::escape::all(pieces.next().unwrap_or_default()));
            }
            Some((b's', rest)) => {
                text.extend_from_slice(values.next().map_or(b"", |word| &word.text));
                text.extend(super::escape::all(rest));
            }
            Some((b'b', rest)) => {
                text.extend(super::escape::all(
                    values.next().map_or(b"", |word| &word.text),
                ));
                text.extend(super::escape::all(rest));
            }
            Some(_) => return None,
        }
    }
    Some(text)
}

/// What `base64` makes of a text.
pub(super) fn decode(words: &[Argument], input: &[u8]) -> Option<Vec<u8>> {
    if !has(words, b"-d") && !has(words, b"-D") && !has(words, b"--decode") {
        return None;
    }
    let text: Vec<u8> = input
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

pub(super) fn unhex(input: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = input
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let text = String::from_utf8(text).ok()?;
    crate::digest::unhex(&text.to_ascii_lowercase())
}
