//! A document's text before it is parsed: TOML 1.0 and no more of it than a baseline needs, cut into rows.
//!
//! The TOML reader also takes what TOML 1.1 added. Readers of 1.0 refuse that, and a file that two readers disagree
//! on is no document. And a parsed text takes twenty times its size in memory, a hostile one two hundred times: so
//! rows are parsed one by one, and the limits are checked before anything is.

use std::cell::Cell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

mod plain;
mod scan;

use super::field::{Entry, entries};
use super::malformed::Fault;
use crate::place;

/// What a row leaves behind in the skeleton.
const EMPTY: &str = "{}";

/// A text whose rows are known. A row is an inline table that is an element of an array on the top level.
pub(crate) struct Source<'i> {
    text: &'i str,
    /// The text, with nothing between the braces of its rows.
    skeleton: String,
    /// From where to where rows go, braces included, in order.
    rows: Vec<(usize, usize)>,
    /// Where in the skeleton the rows start.
    cuts: Vec<usize>,
    /// How many of them were parsed.
    parsed: Cell<usize>,
}

impl<'i> Source<'i> {
    /// Checks a text and finds its rows.
    pub(crate) fn new(text: &'i str) -> Result<Self, Fault> {
        if text.starts_with('\u{feff}') {
            return Err(Fault::new(
                0,
                "it starts with a byte order mark; TOML 1.0 knows none",
            ));
        }
        let rows = scan::rows(text)?;
        let mut skeleton = String::new();
        let mut cuts = Vec::with_capacity(rows.len());
        let mut kept = 0;
        for &(start, end) in &rows {
            skeleton.push_str(text.get(kept..start).unwrap_or_default());
            cuts.push(skeleton.len());
            skeleton.push_str(EMPTY);
            kept = end;
        }
        skeleton.push_str(text.get(kept..).unwrap_or_default());
        Ok(Self {
            text,
            skeleton,
            rows,
            cuts,
            parsed: Cell::new(0),
        })
    }

    /// Where in the text a byte of the skeleton stands, in bytes from its start.
    pub(crate) fn place(&self, at: usize) -> usize {
        let passed = self.cuts.partition_point(|&cut| cut < at);
        let cut = passed.checked_sub(1).and_then(|last| {
            let (_, end) = self.rows.get(last)?;
            let left = self.cuts.get(last)?.saturating_add(EMPTY.len());
            Some((left, *end))
        });
        let (left, end) = cut.unwrap_or_default();
        // Inside of the braces there is nothing to point at.
        end.saturating_add(at.saturating_sub(left))
    }

    /// Parses everything but the rows, which are empty tables there.
    pub(crate) fn table(&self) -> Result<Spanned<DeTable<'_>>, Fault> {
        DeTable::parse(&self.skeleton).map_err(|error| complaint(&error, |at| self.place(at)))
    }

    /// The entries of the row that starts at an offset; `None` where none does.
    pub(super) fn row(&self, at: usize) -> Option<Result<Vec<Entry<'i>>, Fault>> {
        let index = self
            .rows
            .binary_search_by_key(&at, |&(start, _)| start)
            .ok()?;
        let (start, end) = *self.rows.get(index)?;
        self.parsed.set(self.parsed.get().saturating_add(1));
        let text = self.text.get(start..end)?;
        if let Some(entries) = plain::row(text) {
            return Some(Ok(entries));
        }
        Some(match DeValue::parse(text).map(Spanned::into_inner) {
            Ok(DeValue::Table(table)) => Ok(entries(table)),
            Ok(_) => Err(Fault::new(at, "this is not a table")),
            Err(error) => Err(complaint(&error, |inside| at.saturating_add(inside))),
        })
    }

    /// Refuses a text of which a row was passed over. None is, unless rows were looked for where the TOML reader
    /// sees a string or a comment, and then the skeleton is another text.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.parsed.get() == self.rows.len() {
            return Ok(());
        }
        Err(Fault::new(0, "its rows cannot be told from the rest"))
    }
}

/// What the TOML reader has against a text, and `place` tells where in the whole.
fn complaint(error: &toml::de::Error, place: impl Fn(usize) -> usize) -> Fault {
    let at = error.span().map_or(0, |span| span.start);
    Fault::new(
        place(at),
        place::escape(error.message().replace('\\', "/").as_bytes()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), Fault> {
        Source::new(text).map(|_| ())
    }

    #[test]
    fn toml_1_0_passes() {
        for text in [
            "",
            "a = \"\\u001b \\\\e \\\\x41 \\\" # { \" # \"\"\" {\nb = 'C:\\e\\x' # '",
            "a = \"\"\"\n\\\n  \"\"x\"\"\"\"\"\nb = '''\n''\\e'''''\nc = ''\nd = \"\"",
            "a = [\n  { b = 1 }, # note\n  { c = [\n 1,\n 2,\n] },\n]",
            "[a]\n[[b]]\n c = {}\n",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
            DeTable::parse(text).unwrap();
        }
    }

    #[test]
    fn what_toml_1_1_added_is_refused_although_the_reader_takes_it() {
        for text in [
            "\u{feff}a = 1",
            "a = \"\\e\"",
            "a = \"\\x41\"",
            "a = \"\"\"\n\\e\"\"\"",
            "\"\\e\" = 1",
            "a = { b = 1,\n c = 2 }",
            "a = {\n}",
            "a = { b = 1, }",
            "a = { b = 1 ,\t}",
            "a = { b = 1 # note\n}",
            "a = [ { b = [ { c = 1,\n} ] } ]",
        ] {
            assert!(check(text).is_err(), "{text}");
            DeTable::parse(text).unwrap();
        }
    }

    #[test]
    fn what_ends_early_is_refused() {
        for text in [
            "a = \"",
            "a = \"\\",
            "a = '\n'",
            "a = \"\"\"\"\"",
            "a = '''''",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rows_are_cut_out_and_parsed_where_they_stand() {
        let text = "a = [\n  { b = [ { c = '}' } ] }, # {\n {},\n]\nd = { e = [{}] }\n[[f]]\ng = [ [ {} ] ]\n";
        let source = Source::new(text).unwrap();
        let rows: Vec<&str> = source
            .rows
            .iter()
            .map(|&(start, end)| text.get(start..end).unwrap())
            .collect();
        assert_eq!(rows, ["{ b = [ { c = '}' } ] }", "{}"]);
        assert_eq!(
            source.skeleton,
            "a = [\n  {}, # {\n {},\n]\nd = { e = [{}] }\n[[f]]\ng = [ [ {} ] ]\n"
        );
        for (at, byte) in source.skeleton.bytes().enumerate() {
            let there = text.as_bytes().get(source.place(at));
            assert!(there == Some(&byte) || byte == b'}', "{at}");
        }
        assert!(source.table().is_ok() && source.row(0).is_none());
        let row = source.row(8).unwrap().unwrap();
        assert!(row.iter().any(|entry| entry.key == "b"));
    }

    #[test]
    fn faults_in_rows_stand_where_the_row_stands() {
        let source = Source::new("a = [\n  { b = 1, b = 2 },\n]\n").unwrap();
        assert!(source.table().is_ok());
        let fault = source.row(8).unwrap().unwrap_err();
        assert!(
            (8..24).contains(&fault.at) && fault.what.contains("duplicate"),
            "{fault:?}"
        );
    }
}
