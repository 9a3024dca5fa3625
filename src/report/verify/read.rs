//! From JSON back to a record. It is a file like any other: it proves nothing, and may be hostile.

use serde_json::Value;

use super::{Report, SCHEMA};
use crate::place::{escape, visible};

/// A record is at most so long (256 MiB).
pub const MAX_BYTES: usize = 256 << 20;

/// A file that is no record of a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no report that can be read: {0}")]
pub struct Malformed(String);

impl Report {
    /// Reads what `--format json` wrote. Keys that are not known are left out; hidden characters, which no record has, are shown
    /// as what they are.
    ///
    /// # Errors
    /// [`Malformed`]: no JSON, of another schema, or a key lacks or says something else.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let malformed = |error: serde_json::Error| Malformed(escape(error.to_string().as_bytes()));
        let mut value: Value = serde_json::from_slice(bytes).map_err(malformed)?;
        show(&mut value);
        match value.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => serde_json::from_value(value).map_err(malformed),
            Some(other) => Err(Malformed(format!("its schema is {other}, not {SCHEMA}"))),
            None => Err(Malformed("it says no schema".to_owned())),
        }
    }
}

/// Shows the hidden characters of every text and key. As deep as the JSON reader goes: 128.
pub fn show(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(shown) = visible(text) {
                *text = shown;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(show),
        Value::Object(fields) => {
            let hidden = fields
                .keys()
                .any(|key| matches!(visible(key), std::borrow::Cow::Owned(_)));
            if hidden {
                let all = std::mem::take(fields).into_iter();
                *fields = all
                    .map(|(key, value)| (visible(&key).into_owned(), value))
                    .collect();
            }
            fields.values_mut().for_each(show);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
