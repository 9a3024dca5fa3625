//! What the registries of Windows share: how keys and values are named as paths, and the types of values.
//!
//! A key is a directory and a value a file in it: `/Select/Current%dword` holds the 4 bytes of the value `Current`. A name of the registry may
//! hold a `/`, and a key may have a value and a subkey of one name. So `/` and `%` are written as `%2f` and `%25` (as reglookup does), and
//! the type of a value follows a `%` behind its name, which no key has.

use super::dos;

/// The word for the type of a value.
fn word(kind: u32) -> Option<&'static str> {
    Some(match kind {
        0 => "none",
        1 => "sz",
        2 => "expand-sz",
        3 => "binary",
        4 => "dword",
        5 => "dword-big-endian",
        6 => "link",
        7 => "multi-sz",
        8 => "resource-list",
        9 => "full-resource-descriptor",
        10 => "resource-requirements-list",
        11 => "qword",
        21 => "mui-sz",
        _ => return None,
    })
}

/// The part of a path that a key's name (UTF-8) becomes.
pub(in crate::formats) fn key(name: &[u8]) -> Vec<u8> {
    match name {
        b"" => b"%".to_vec(),
        b"." => b"%2e".to_vec(),
        b".." => b"%2e%2e".to_vec(),
        _ => escape(name),
    }
}

/// The part of a path that a value's name (UTF-8, empty for the default value of its key) and type become.
pub(in crate::formats) fn value(name: &[u8], kind: u32) -> Vec<u8> {
    let mut part = escape(name);
    part.push(b'%');
    match word(kind) {
        Some(word) => part.extend_from_slice(word.as_bytes()),
        None => part.extend_from_slice(format!("type-0x{kind:x}").as_bytes()),
    }
    part
}

fn escape(name: &[u8]) -> Vec<u8> {
    let mut part = Vec::with_capacity(name.len());
    for &byte in name {
        match byte {
            b'/' => part.extend_from_slice(b"%2f"),
            b'%' => part.extend_from_slice(b"%25"),
            _ => part.push(byte),
        }
    }
    part
}

/// A name that is stored as UTF-16, or with one byte for each character below 256; as UTF-8.
pub(in crate::formats) fn name(stored: &[u8], is_narrow: bool) -> Vec<u8> {
    if is_narrow {
        dos::utf8(stored.iter().copied().map(u16::from))
    } else {
        dos::utf8(dos::units(stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_become_one_path() {
        for (name, part) in [
            (&b"audio/mp4"[..], &b"audio%2fmp4"[..]),
            (b"%2f", b"%252f"),
            (b"..", b"%2e%2e"),
            (b".", b"%2e"),
            (b"", b"%"),
            (b"nul\0", b"nul\0"),
        ] {
            assert_eq!(key(name), part);
        }
        assert_eq!(value(b"", 1), b"%sz");
        assert_eq!(value(b"C:\\a/b", 4), b"C:\\a%2fb%dword");
        assert_eq!(value(b"..", 0x1_0000), b"..%type-0x10000");
        // Behind the `%` of an escape stand two hexadecimal digits, and no type starts with two.
        let is_hex = |byte: &u8| byte.is_ascii_hexdigit();
        for kind in 0..=64 {
            let part = value(b"", kind);
            assert!(!part[1..3].iter().all(is_hex), "{kind}");
        }
    }

    #[test]
    fn narrow_names_are_latin() {
        assert_eq!(name(b"g\xfc", true), "gü".as_bytes());
        assert_eq!(name(b"g\0\xfc\0", false), "gü".as_bytes());
    }
}
