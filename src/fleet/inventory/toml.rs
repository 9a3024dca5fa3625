//! Inventories in TOML: `[[device]]` for each, `with = { NAME = "FILE" }`.

use toml::{Spanned, Value};

use super::{Device, Malformed, is_known, set, unknown};
use crate::place::escape;

/// The only key of the document.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    device: Vec<Spanned<toml::Table>>,
}

pub(super) fn read(text: &[u8]) -> Result<Vec<Device>, Malformed> {
    let document: Document = toml::from_slice(text).map_err(|error| {
        let what = escape(error.message().as_bytes());
        match error.span() {
            Some(span) => Malformed::line(line(text, span.start), what),
            None => Malformed::Whole(what),
        }
    })?;
    let device = |row: Spanned<toml::Table>| {
        let line = line(text, row.span().start);
        device(row.into_inner(), line).map_err(|what| Malformed::line(line, what))
    };
    document.device.into_iter().map(device).collect()
}

fn device(row: toml::Table, line: u64) -> Result<Device, String> {
    let mut device = Device {
        line,
        ..Device::default()
    };
    for (name, value) in row {
        match value {
            Value::String(value) if is_known(&name) => set(&mut device, &name, &value)?,
            Value::Table(parts) if name == "with" => {
                for (part, file) in parts {
                    let name = format!("with.{part}");
                    match file {
                        Value::String(file) => set(&mut device, &name, &file)?,
                        _ => return Err(format!("{} is no text", escape(name.as_bytes()))),
                    }
                }
            }
            _ if is_known(&name) => return Err(format!("{name} is no text")),
            _ => return Err(format!("the key {}", unknown(&name))),
        }
    }
    if device.image.is_empty() {
        return Err("it has no image".to_owned());
    }
    Ok(device)
}

/// The line that an offset stands in, from 1.
fn line(text: &[u8], at: usize) -> u64 {
    let before = text.get(..at).unwrap_or(text);
    let breaks = memchr::memchr_iter(b'\n', before).count();
    u64::try_from(breaks).unwrap_or(u64::MAX).saturating_add(1)
}
