//! Writing documents: TOML 1.0, one row a line, one text for one document.

use std::collections::BTreeSet;

use crate::place;

/// Appends an array of rows; nothing when there are none.
pub(crate) fn array(out: &mut String, key: &str, rows: impl ExactSizeIterator<Item = Row>) {
    if rows.len() == 0 {
        return;
    }
    push(out, &[key, " = [\n"]);
    for row in rows {
        push(out, &["  { ", &row.0, " },\n"]);
    }
    out.push_str("]\n");
}

/// The inside of an inline table.
#[derive(Default)]
pub(crate) struct Row(String);

impl Row {
    /// As a value inside another row.
    pub(crate) fn inline(&self) -> String {
        format!("{{ {} }}", self.0)
    }

    pub(crate) fn raw(mut self, key: &str, value: &str) -> Self {
        let comma = if self.0.is_empty() { "" } else { ", " };
        push(&mut self.0, &[comma, key, " = ", value]);
        self
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        self.raw(key, &quoted(value))
    }

    pub(crate) fn bytes(self, key: &str, value: &[u8]) -> Self {
        self.raw(key, &quoted(&place::escape(value)))
    }

    pub(crate) fn maybe<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    pub(crate) fn number(self, key: &str, value: Option<impl Into<u64>>) -> Self {
        self.maybe(value, |row, value| row.raw(key, &value.into().to_string()))
    }

    pub(crate) fn digest(self, key: &str, value: Option<crate::digest::Digest>) -> Self {
        self.maybe(value, |row, value| row.text(key, &value.to_string()))
    }
}

/// A list of words.
pub(crate) fn words<T: Copy>(values: &BTreeSet<T>, word: impl Fn(T) -> &'static str) -> String {
    let words: Vec<String> = values.iter().map(|&value| quoted(word(value))).collect();
    format!("[{}]", words.join(", "))
}

/// A list of strings; `None` when there are none, so that it is left out.
pub(crate) fn strings(values: &[String]) -> Option<String> {
    let quoted: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    (!quoted.is_empty()).then(|| format!("[{}]", quoted.join(", ")))
}

/// A TOML string. Text with a backslash is put in single quotes where it can, so that it reads as it is.
pub(crate) fn quoted(text: &str) -> String {
    if !text.contains(['\\', '"']) {
        return ["\"", text, "\""].concat();
    }
    if !text.contains('\'') {
        return ["'", text, "'"].concat();
    }
    ["\"", &text.replace('\\', "\\\\").replace('"', "\\\""), "\""].concat()
}

/// Appends parts one after the other.
pub(crate) fn push(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
}
