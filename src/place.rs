//! Where something is, as text that a person can read and a program can read back.

/// Whether a character would be invisible or would change how the text around it looks.
///
/// Control characters, soft hyphen, bidirectional controls, zero-width characters and the byte order mark.
fn hidden(char: char) -> bool {
    matches!(
        char,
        '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    )
}

/// Bytes as text: a backslash becomes `\\`, and every byte that is not valid UTF-8 or belongs to a hidden
/// character becomes `\xHH`. Two different byte strings never give the same text.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            if char == '\\' {
                text.push_str("\\\\");
            } else if hidden(char) {
                push_hex(&mut text, char.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(char);
            }
        }
        push_hex(&mut text, chunk.invalid());
    }
    text
}

/// The bytes that [`escape`] turned into `text`; `None` for any text that it would not have written.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    if text
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\')
    {
        return Some(text.as_bytes().to_vec());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('\\');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    while let Some(part) = parts.next() {
        if part.is_empty() {
            bytes.push(b'\\');
            bytes.extend_from_slice(parts.next()?.as_bytes());
        } else {
            let (digits, plain) = part.strip_prefix('x')?.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            bytes.extend_from_slice(plain.as_bytes());
        }
    }
    // One way to write each byte string: upper-case digits, needless escapes and bare hidden characters end here.
    (escape(&bytes) == text).then_some(bytes)
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str("\\x");
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(nibble.into(), 16));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_text_stays_and_the_rest_is_spelled_out() {
        for (bytes, text) in [
            (&b"/bin/busybox"[..], "/bin/busybox"),
            ("/städte/日本".as_bytes(), "/städte/日本"),
            (b"a\\b", "a\\\\b"),
            (b"\\x41", "\\\\x41"),
            (b"a\nb\x1b[31m\x7f\0", "a\\x0ab\\x1b[31m\\x7f\\x00"),
            ("\u{85}\u{ad}".as_bytes(), "\\xc2\\x85\\xc2\\xad"),
            ("x\u{202e}y".as_bytes(), "x\\xe2\\x80\\xaey"),
            (
                "\u{feff}\u{200b}".as_bytes(),
                "\\xef\\xbb\\xbf\\xe2\\x80\\x8b",
            ),
            (b"\xff\xe2\x82/", "\\xff\\xe2\\x82/"),
            (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
            (b"", ""),
        ] {
            assert_eq!(escape(bytes), text);
            assert_eq!(unescape(text).as_deref(), Some(bytes), "{text}");
        }
    }

    #[test]
    fn text_that_escape_would_not_write_is_refused() {
        for text in [
            "\\",
            "a\\",
            "\\x",
            "\\x4",
            "\\x0A",
            "\\x41",
            "\\n",
            "\\x5c",
            "\\x+1",
            "\\xé",
            "a\nb",
            "\u{202e}",
            "\u{7f}",
            "\\xc3\\xa9",
            "\\\\\\",
            "\\xe2\\x80\u{feff}",
        ] {
            assert_eq!(unescape(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_short_byte_string_comes_back() {
        let alphabet = [
            b'\\', b'x', b'0', b'a', b'/', 0, 0x80, 0xc2, 0xe2, 0xad, 0xff, b' ',
        ];
        let mut strings: Vec<Vec<u8>> = vec![Vec::new()];
        for _ in 0..4 {
            strings = strings
                .iter()
                .flat_map(|head| alphabet.map(|byte| [&head[..], &[byte]].concat()))
                .collect();
            for bytes in &strings {
                let text = escape(bytes);
                assert!(!text.chars().any(hidden));
                assert_eq!(unescape(&text).as_ref(), Some(bytes), "{text}");
            }
        }
    }

    #[test]
    fn exactly_the_listed_characters_are_hidden() {
        let count = ('\0'..=char::MAX).filter(|&char| hidden(char)).count();
        assert_eq!(count, 32 + 33 + 4 + 5 + 7 + 16);
    }
}
