//! Numbers and lines as people read them.

use std::fmt::{self, Write};

use crate::baseline::change::Value;

/// No line is wider, in characters, unless one word of it is: a digest or a place is never broken.
const WIDTH: usize = 80;

/// Writes `head`, then `body` broken at spaces, its further lines set in by `indent` spaces.
///
/// # Errors
/// Those of `out`.
pub fn wrap(out: &mut String, head: &str, indent: usize, body: &str) -> fmt::Result {
    out.write_str(head)?;
    let mut column = head.chars().count();
    let mut at_start = true;
    for word in body.split(' ') {
        let width = word.chars().count();
        if at_start {
            at_start = false;
        } else if column.saturating_add(width) >= WIDTH {
            out.truncate(out.trim_end_matches(' ').len());
            write!(out, "\n{:indent$}", "")?;
            column = indent;
        } else {
            out.write_char(' ')?;
            column = column.saturating_add(1);
        }
        out.write_str(word)?;
        column = column.saturating_add(width);
    }
    out.write_char('\n')
}

/// A size in bytes, to three digits: `16.0 MiB`.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "three digits are shown"
)]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    while value >= 1024.0
        && let Some(next) = units.next()
    {
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// Says how many of `rows` were not shown when `most` are.
///
/// # Errors
/// Those of `out`.
pub fn fold(rows: usize, most: usize, out: &mut String) -> fmt::Result {
    match rows.checked_sub(most) {
        Some(more) if more > 0 => writeln!(out, "  ... and {more} more; --format json has all"),
        _ => Ok(()),
    }
}

/// A count with its noun: `1 file`, `2 files`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The value of a field; of a digest, the first 16 digits.
pub fn value(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Device([major, minor]) => format!("{major}:{minor}"),
        Value::Text(text)
            if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            text.get(..16)
                .map(|head| format!("{head}..."))
                .unwrap_or_default()
        }
        Value::Text(text) => text.clone(),
        Value::Attributes(all) => {
            let all: Vec<String> = all
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            all.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(16 << 20), "16.0 MiB");
        assert_eq!(size(u64::MAX), "16777216.0 TiB");
    }

    #[test]
    fn lines_break_at_words_and_never_within() {
        let mut out = String::new();
        let word = "x".repeat(90);
        wrap(
            &mut out,
            "HEAD  ",
            6,
            &format!("a b {word} c {}", "word ".repeat(20)),
        )
        .unwrap();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "HEAD  a b");
        assert_eq!(lines[1], format!("      {word}"));
        assert!(lines[2].starts_with("      c word word"));
        assert!(lines[2..].iter().all(|line| line.len() <= WIDTH));
        let mut exact = String::new();
        wrap(
            &mut exact,
            "",
            2,
            &format!("{} {}", "y".repeat(40), "z".repeat(39)),
        )
        .unwrap();
        assert_eq!(exact.lines().count(), 1);
    }
}
