//! Older contents that are still there, beside what stands at their paths now and what the baseline states: the evidence of an
//! overwrite that nobody verified.

use std::fmt::{self, Write};

use crate::report::text;
use crate::report::verify::History;

/// Writes what was overwritten or deleted: in full what the baseline states, then the rest, `most` rows of each.
pub(super) fn render(history: &[History], most: usize, out: &mut String) -> fmt::Result {
    if history.is_empty() {
        return Ok(());
    }
    let (lost, others): (Vec<_>, Vec<_>) = history.iter().partition(|older| older.is_lost);
    writeln!(out, "\nOVERWRITTEN OR DELETED, AND STILL THERE")?;
    for older in lost.iter().take(most) {
        writeln!(out, "  {}", older.row.place)?;
        text::wrap(out, "      ", 8, &older.story())?;
    }
    text::fold(lost.len(), most, out)?;
    if !others.is_empty() {
        let what = if lost.is_empty() {
            "older content"
        } else {
            "other older content"
        };
        writeln!(out, "  {}", text::count(others.len(), what))?;
    }
    for older in others.iter().take(most) {
        writeln!(out, "  {}", older.row.place)?;
        let mut line = format!("{}, {}", older.row.why, text::size(older.row.size));
        if let Some(time) = older.row.mtime.and_then(date) {
            write!(line, ", dated {time}")?;
        }
        text::wrap(out, "      ", 8, &line)?;
    }
    text::fold(others.len(), most, out)?;
    let caution =
        "Dates are those that the file system stores; whoever wrote the file could set them.";
    text::wrap(out, "  ", 2, caution)
}

impl History {
    /// What became of a content that the baseline states.
    fn story(&self) -> String {
        let dated = |seconds: Option<i64>| {
            let time = seconds.and_then(date);
            time.map_or_else(String::new, |time| format!(", dated {time}"))
        };
        let (what, now) = if self.is_present {
            let now =
                dated(self.current_mtime).replace(", dated", "; what stands there now is dated");
            ("overwritten", now)
        } else {
            ("deleted", String::new())
        };
        let then = dated(self.row.mtime);
        format!("{what}; the content that the baseline states is still in the image{then}{now}")
    }
}

/// A time that a file system stores, as people read it.
fn date(seconds: i64) -> Option<String> {
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.to_string())
}
