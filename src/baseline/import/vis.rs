//! Names as `vis(3)` writes them for mtree, and as libarchive does: with octal escapes.

/// The bytes that a name stands for; `None` for an escape that nobody writes.
pub(super) fn unvis(name: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, after @ ..] = rest {
        if *first == b'\\' {
            let (byte, after) = escape(after)?;
            plain.push(byte);
            rest = after;
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    Some(plain)
}

/// What stands behind a backslash, and the rest.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let simple = |byte: u8| {
        Some(match byte {
            b'\\' | b'#' => byte,
            b'a' => 0x07,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 0x0b,
            b'f' => 0x0c,
            b'r' => b'\r',
            b'E' => 0x1b,
            b's' => b' ',
            _ => return None,
        })
    };
    match text {
        [b'M', b'-', byte, rest @ ..] => Some((byte | 0x80, rest)),
        [b'M', b'^', byte, rest @ ..] => Some((control(*byte) | 0x80, rest)),
        [b'^', byte, rest @ ..] => Some((control(*byte), rest)),
        [b'0'..=b'7', ..] => octal(text),
        [byte, rest @ ..] => Some((simple(*byte)?, rest)),
        [] => None,
    }
}

/// `?` is DEL, every other character the control character on its key.
fn control(byte: u8) -> u8 {
    if byte == b'?' { 0x7f } else { byte & 0x1f }
}

/// Up to three octal digits.
fn octal(text: &[u8]) -> Option<(u8, &[u8])> {
    let digits = text.iter().take(3);
    let digits = digits.take_while(|byte| matches!(byte, b'0'..=b'7'));
    let (digits, rest) = text.split_at_checked(digits.count())?;
    let byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok()?;
    Some((byte, rest))
}

/// A name in the form that both NetBSD's mtree and libarchive read: what is not printable ASCII, and what means something in a
/// specification, as a backslash and three octal digits.
pub(in crate::baseline) fn vis(name: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(name.len());
    for &byte in name {
        if byte.is_ascii_graphic() && !b"\\#*?[=".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "\\{byte:03o}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tools_write_is_read() {
        for (written, name) in [
            ("back\\\\slash", &b"back\\slash"[..]),
            ("blank\\sname", b"blank name"),
            ("escape\\^[[31m", b"escape\x1b[31m"),
            ("gr\\M-C\\M-<\\M-C\\M^_", "gr\u{fc}\u{df}".as_bytes()),
            ("new\\nline", b"new\nline"),
            ("new\\012line", b"new\nline"),
            ("\\342\\200\\256rtl", b"\xe2\x80\xaertl"),
            ("\\^?", b"\x7f"),
            ("\\0x", b"\0x"),
        ] {
            assert_eq!(
                unvis(written.as_bytes()).as_deref(),
                Some(name),
                "{written}"
            );
        }
        for wrong in ["a\\", "\\M", "\\M-", "\\^", "\\q", "\\777", "\\x41"] {
            assert_eq!(unvis(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(unvis(vis(&all).as_bytes()), Some(all));
    }
}
