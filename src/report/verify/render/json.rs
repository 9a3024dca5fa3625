//! The record as it is: indented, one line feed at the end.

use serde::Serialize;

/// Writes a record.
///
/// # Errors
/// Those of the JSON writer.
pub fn render(record: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(record)?;
    text.push('\n');
    Ok(text)
}
