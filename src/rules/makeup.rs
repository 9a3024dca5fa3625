//! What fixtures write of a program besides its calls: one thing a line.
//!
//! `interpreter PATH`, `needed PATH`, `search LIST`, `odd SORT` with the word of a trait, `xor KEY TEXT` with the key in hexadecimal digits,
//! `base64 TEXT`: a text that is hidden so.

use base64::Engine as _;

use crate::behaviour::Makeup;
use crate::facts::Name;
use crate::facts::elf::{Oddity, OddityKind};
use crate::facts::hidden::Hidden;

/// A program of which a text tells these things.
///
/// # Errors
/// The line that cannot be read.
pub(super) fn makeup(text: &str) -> Result<Makeup, String> {
    let mut makeup = Makeup::default();
    let mut stored = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        add(line, &mut makeup, &mut stored).ok_or_else(|| line.to_owned())?;
    }
    makeup.hidden = Hidden::of(&stored);
    Ok(makeup)
}

fn add(line: &str, makeup: &mut Makeup, stored: &mut Vec<u8>) -> Option<()> {
    let (word, rest) = line.split_once(' ')?;
    let structure = &mut makeup.structure;
    match word {
        "interpreter" => structure.interpreter = Some(Name::new(rest)),
        "needed" => structure.needed.push(Name::new(rest)),
        "search" => structure.search.push(Name::new(rest)),
        "odd" => structure.oddities.push(Oddity {
            kind: match rest {
                "outside-sections" => OddityKind::CodeOutside,
                "added-segment" => OddityKind::SegmentAdded,
                "writable-code" => OddityKind::WritableCode,
                "appended" => OddityKind::Appended,
                _ => return None,
            },
            address: 0x1000,
            offset: 0x1000,
            detail: rest.to_owned(),
        }),
        "xor" => {
            let (key, text) = rest.split_once(' ')?;
            let (pairs, []) = key.as_bytes().as_chunks::<2>() else {
                return None;
            };
            let byte =
                |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            let key: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
            let clear = text.bytes().chain([0]);
            stored.extend(clear.zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
            stored.push(0);
        }
        "base64" => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(rest);
            stored.extend_from_slice(encoded.as_bytes());
            stored.push(0);
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let made = makeup("interpreter /tmp/ld.so\n\nodd appended\nxor 91 telnetd -l /bin/sh\nbase64 202.114.4.119").unwrap();
        assert_eq!(made.structure.interpreter, Some(Name::new("/tmp/ld.so")));
        assert_eq!(made.structure.oddities.len(), 1);
        assert!(made.hidden.texts.iter().any(|text| text.is_address));
        for line in ["interpreter", "odd x", "xor zz y", "xor 9 y", "what else"] {
            assert_eq!(makeup(line).unwrap_err(), line);
        }
    }
}
