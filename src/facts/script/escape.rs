//! Escapes that programs undo, not the shell's own grammar: those of `$'...'`, of `printf` and of `echo -e`.

/// The byte that an escape means, and how long the escape is; it starts with the backslash.
pub(super) fn one(text: &[u8]) -> (Option<u8>, usize) {
    let Some(&letter) = text.get(1) else {
        return (Some(b'\\'), 1);
    };
    let plain = match letter {
        b'a' => 7,
        b'b' => 8,
        b'e' | b'E' => 27,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'x' => return digits(text, 2, 2, 16),
        // `\0NNN` has a digit more than `\NNN`.
        b'0' => return digits(text, 1, 4, 8),
        b'1'..=b'7' => return digits(text, 1, 3, 8),
        other => other,
    };
    (Some(plain), 2)
}

fn digits(text: &[u8], from: usize, most: usize, base: u32) -> (Option<u8>, usize) {
    let mut value = 0_u32;
    let mut len = from;
    for &byte in text.iter().skip(from).take(most) {
        let Some(digit) = char::from(byte).to_digit(base) else {
            break;
        };
        value = value.saturating_mul(base).saturating_add(digit);
        len = len.saturating_add(1);
    }
    let byte = value.to_le_bytes().first().copied();
    (byte.filter(|_| len > from), len)
}

/// A text with its escapes undone.
pub(super) fn all(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        if first == b'\\' {
            let (byte, len) = one(rest);
            bytes.extend(byte);
            rest = rest.get(len..).unwrap_or_default();
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_what_printf_prints() {
        assert_eq!(all(b"a\\nb\\x41\\101\\0101\\\\c\\"), b"a\nbAAA\\c\\");
        assert_eq!(all(b"\\x2fbin\\x2Fsh"), b"/bin/sh");
        assert_eq!(all(b"\\xzz"), b"zz");
    }
}
