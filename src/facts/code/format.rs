//! What `printf` makes of a format, as far as its values are known.

use super::value::{LONGEST, Piece, Shared, Text, Value};

/// What a conversion wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    Text,
    Signed,
    Unsigned,
    Hexadecimal,
    Character,
    Other,
}

/// The text of a format. `value` tells what stands for its values: their number from 0, and what they are converted as.
pub(super) fn text(format: &[u8], value: impl Fn(u8, Conversion) -> Option<Text>) -> Text {
    let mut text = Text::default();
    let mut rest = format;
    let mut number = 0_u8;
    while let Some(percent) = memchr::memchr(b'%', rest) {
        let (plain, after) = rest.split_at_checked(percent).unwrap_or((rest, &[]));
        text.push(&Text::of(plain, None));
        let (conversion, widths, length) = conversion(after);
        rest = after.get(length..).unwrap_or_default();
        let Some(conversion) = conversion else {
            text.push(&Text::of(b"%", None));
            continue;
        };
        number = number.saturating_add(widths);
        let piece = value(number, conversion).unwrap_or_else(|| Text::piece(Piece::Unknown));
        text.push(&piece);
        number = number.saturating_add(1);
    }
    text.push(&Text::of(rest, None));
    text
}

/// One conversion: what it wants (`None` for `%%`), how many values its `*` take first, and its length in bytes.
fn conversion(text: &[u8]) -> (Option<Conversion>, u8, usize) {
    let mut widths = 0_u8;
    for (at, &byte) in text.iter().enumerate().skip(1).take(24) {
        let conversion = match byte {
            b'%' => return (None, 0, at.saturating_add(1)),
            b'*' => {
                widths = widths.saturating_add(1);
                continue;
            }
            b's' => Conversion::Text,
            b'd' | b'i' => Conversion::Signed,
            b'u' => Conversion::Unsigned,
            b'x' => Conversion::Hexadecimal,
            b'c' => Conversion::Character,
            b'a'..=b'g' | b'A' | b'E'..=b'G' | b'n'..=b'p' | b'X' => Conversion::Other,
            _ => continue,
        };
        return (Some(conversion), widths, at.saturating_add(1));
    }
    (None, 0, 1)
}

/// What a word becomes under a conversion.
pub(super) fn value(
    conversion: Conversion,
    value: Value,
    text: impl Fn(Value) -> Option<Shared>,
) -> Option<Text> {
    if conversion == Conversion::Text {
        return text(value).map(|text| (*text).clone());
    }
    let Value::Number(number) = value else {
        return None;
    };
    let low = u32::try_from(number & 0xffff_ffff).ok()?;
    let shown = match conversion {
        Conversion::Signed => low.cast_signed().to_string(),
        Conversion::Unsigned => low.to_string(),
        Conversion::Hexadecimal => format!("{low:x}"),
        Conversion::Character => char::from(u8::try_from(low & 0x7f).ok()?).to_string(),
        Conversion::Text | Conversion::Other => return None,
    };
    Some(Text::of(
        shown.get(..LONGEST).unwrap_or(&shown).as_bytes(),
        None,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_with_and_without_values() {
        let known = |number: u8, _| Some(Text::of(format!("<{number}>").as_bytes(), None));
        let made = text(b"mount -t nfs %s:%5.2d/%% %*lu%c", known);
        assert_eq!(made.bytes(), Some(&b"mount -t nfs <0>:<1>/% <3><4>"[..]));
        let unknown = text(b"%d.%d", |_, _| None);
        assert_eq!(unknown.shown(), "<...>.<...>");
        assert_eq!(text(b"100%", |_, _| None).bytes(), Some(&b"100%"[..]));
        let number = value(Conversion::Signed, Value::Number(0xffff_ffff), |_| None);
        assert_eq!(number.unwrap().bytes(), Some(&b"-1"[..]));
    }
}
