//! Rows in the form in which they are written, read without the TOML reader: of a large baseline nearly all are.
//!
//! What is taken is a part of TOML 1.0 that leaves nothing to interpret. Whatever is written in any other way, the TOML reader reads, or
//! refuses with its reason.

use crate::document::field::{Entry, Value};

/// Rows have fewer keys than this; whether one stands there twice is found by looking at all.
const MOST_KEYS: usize = 24;

/// The entries of `{ key = "text", key = 12 }`, where a row has exactly this form: bare keys, each once; one space where one stands here
/// and none elsewhere; texts without backslash or control character; numbers of up to 18 decimal digits.
pub(super) fn row(text: &str) -> Option<Vec<Entry<'_>>> {
    let mut reader = Reader { text, at: 0 };
    let mut entries: Vec<Entry<'_>> = Vec::with_capacity(8);
    reader.take("{ ")?;
    loop {
        let key_at = reader.at;
        let key = reader.run(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))?;
        reader.take(" = ")?;
        let at = reader.at;
        let value = reader.value()?;
        if entries.len() >= MOST_KEYS || entries.iter().any(|entry| entry.key == key) {
            return None;
        }
        entries.push(Entry {
            key: key.into(),
            key_at,
            value,
            at,
        });
        if reader.take(", ").is_none() {
            reader.take(" }")?;
            return reader.left().is_empty().then_some(entries);
        }
    }
}

struct Reader<'i> {
    text: &'i str,
    at: usize,
}

impl<'i> Reader<'i> {
    fn left(&self) -> &'i str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, what: &str) -> Option<()> {
        self.left().starts_with(what).then(|| {
            self.at = self.at.saturating_add(what.len());
        })
    }

    /// One or more bytes of a kind; all of ASCII, so that they end where a character does.
    fn run(&mut self, kind: impl Fn(u8) -> bool) -> Option<&'i str> {
        let left = self.left();
        let end = left.bytes().position(|byte| !kind(byte))?;
        self.at = self.at.saturating_add(end);
        left.get(..end).filter(|run| !run.is_empty())
    }

    fn value(&mut self) -> Option<Value<'i>> {
        if self.take("\"").is_some() {
            let left = self.left();
            let hidden = |byte: u8| byte < 0x20 || matches!(byte, b'"' | b'\\' | 0x7f);
            let end = left.bytes().position(hidden)?;
            self.at = self.at.saturating_add(end);
            self.take("\"")?;
            return left.get(..end).map(Value::Text);
        }
        let digits = self.run(|byte| byte.is_ascii_digit())?;
        let plain = digits.len() <= 18 && (digits == "0" || !digits.starts_with('0'));
        plain.then_some(Value::Digits(digits))
    }
}

#[cfg(test)]
mod tests {
    use toml::de::{DeTable, DeValue};

    use super::*;

    /// What the TOML reader makes of a text, in the form that [`row`] gives.
    fn by_toml(text: &str) -> Option<Vec<(String, usize, String, usize)>> {
        let whole = format!("r = {text}");
        let table = DeTable::parse(&whole).ok()?.into_inner();
        let row = table.get("r")?.get_ref().as_table()?.clone();
        let entries = row.iter().map(|(key, value)| {
            let shown = match value.get_ref() {
                DeValue::String(text) => format!("\"{text}\""),
                DeValue::Integer(digits) => digits.to_string(),
                other => panic!("{other:?} is not plain"),
            };
            let at = |span: std::ops::Range<usize>| span.start - "r = ".len();
            (
                key.get_ref().to_string(),
                at(key.span()),
                shown,
                at(value.span()),
            )
        });
        Some(entries.collect())
    }

    fn by_us(text: &str) -> Option<Vec<(String, usize, String, usize)>> {
        let mut entries: Vec<_> = row(text)?
            .into_iter()
            .map(|entry| {
                let shown = match entry.value {
                    Value::Text(text) => format!("\"{text}\""),
                    Value::Digits(digits) => digits.to_owned(),
                    Value::Toml(other) => panic!("{other:?} is not plain"),
                };
                (entry.key.into_owned(), entry.key_at, shown, entry.at)
            })
            .collect();
        entries.sort();
        Some(entries)
    }

    #[test]
    fn what_is_taken_the_toml_reader_reads_alike() {
        let rows = [
            r#"{ in = "rootfs", path = "/bin/busybox", type = "file", mode = "0755", uid = 0, gid = 12, size = 911148 }"#,
            r#"{ a-b_C9 = "é # } , ß", x = 999999999999999999 }"#,
            r#"{ a = "" }"#,
        ];
        let with = *b"\"\\ {}=,.'#\t\n\r_-+0x9aE\x7f\x00[";
        for text in rows {
            assert!(by_us(text).is_some(), "{text}");
            assert_eq!(by_us(text), by_toml(text), "{text}");
            for at in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
                let (left, right) = text.split_at(at);
                let rest = right
                    .chars()
                    .next()
                    .map_or("", |first| right.split_at(first.len_utf8()).1);
                for byte in with.map(char::from) {
                    for changed in [
                        format!("{left}{byte}{right}"),
                        format!("{left}{byte}{rest}"),
                        format!("{left}{rest}"),
                    ] {
                        if let Some(ours) = by_us(&changed) {
                            assert_eq!(Some(ours), by_toml(&changed), "{changed:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_written_in_another_way_is_left_to_the_toml_reader() {
        for text in [
            "{}",
            "{ }",
            "{a = 1}",
            "{ a = 01 }",
            "{ a = +1 }",
            "{ a = 1_0 }",
            "{ a = 1, a = 2 }",
            "{ a.b = 1 }",
            "{ \"a\" = 1 }",
            "{ a = 'x' }",
            "{ a = \"\\n\" }",
            "{ a = \"\"\"x\"\"\" }",
            "{ a = 1, }",
            "{ a = true }",
            "{ a = 1 } ",
            "{ a = [1] }",
            "{ a = 1 # }",
        ] {
            assert!(row(text).is_none(), "{text}");
        }
    }
}
