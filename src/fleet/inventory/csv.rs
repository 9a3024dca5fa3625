//! Inventories as spreadsheets and databases of assets export them.

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::{Device, MOST, Malformed, is_known, set, unknown};
use crate::place::escape;

/// The devices of a table. A column name may have any case.
pub(super) fn read(text: &[u8]) -> Result<Vec<Device>, Malformed> {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(text))
        .trim(Trim::All)
        .from_reader(text);
    let names = names(reader.byte_headers().map_err(|error| malformed(&error))?)?;
    let mut devices = Vec::new();
    let mut row = ByteRecord::new();
    while reader
        .read_byte_record(&mut row)
        .map_err(|error| malformed(&error))?
    {
        let line = row.position().map_or(0, csv::Position::line);
        let mut device = Device {
            line,
            ..Device::default()
        };
        for (name, value) in names.iter().zip(&row) {
            let value = std::str::from_utf8(value);
            let value = value.map_err(|_not| {
                Malformed::line(line, format!("{name} is not UTF-8; export it as UTF-8"))
            })?;
            set(&mut device, name, value).map_err(|what| Malformed::line(line, what))?;
        }
        if device.image.is_empty() {
            return Err(Malformed::line(line, "it has no image"));
        }
        devices.push(device);
        if devices.len() > MOST {
            break;
        }
    }
    Ok(devices)
}

/// The names of the columns, each known and there once.
fn names(header: &ByteRecord) -> Result<Vec<String>, Malformed> {
    let mut names: Vec<String> = Vec::new();
    for name in header {
        let name = std::str::from_utf8(name)
            .unwrap_or("?")
            .to_ascii_lowercase();
        if !is_known(&name) {
            return Err(Malformed::line(1, format!("the column {}", unknown(&name))));
        }
        if names.contains(&name) && !name.starts_with('#') {
            return Err(Malformed::line(
                1,
                format!("the column {name} is there twice"),
            ));
        }
        names.push(name);
    }
    if names.iter().any(|name| name == "image") {
        Ok(names)
    } else {
        let what = "its first line names the columns; one of them must be image";
        Err(Malformed::line(1, what))
    }
}

/// What stands between two columns: a comma, else a semicolon or a tab, as spreadsheets of some countries write them.
fn delimiter(text: &[u8]) -> u8 {
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    *b",;\t"
        .iter()
        .find(|delimiter| first.contains(delimiter))
        .unwrap_or(&b',')
}

fn malformed(error: &csv::Error) -> Malformed {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => Malformed::line(
            line,
            format!("it has {len} values, and the first line {expected_len}"),
        ),
        _ => Malformed::Whole(escape(error.to_string().as_bytes())),
    }
}
