//! A document's text before it is parsed: TOML 1.0 and no more of it than a baseline needs, cut into rows.
//!
//! The TOML reader also takes what TOML 1.1 added. Readers of 1.0 refuse that, and a file that two readers disagree
//! on is no document. And a parsed text takes twenty times its size in memory, a hostile one two hundred times: so
//! rows are parsed one by one, and the limits are checked before anything is.

use std::cell::Cell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

mod scan;

use super::malformed::Fault;
use crate::place;

/// A text whose rows are known. A row is an inline table that is an element of an array on the top level.
pub(crate) struct Source<'i> {
    text: &'i str,
    /// The text, with nothing but spaces between the braces of its rows.
    skeleton: String,
    /// From where to where rows go, braces included, in order.
    rows: Vec<(usize, usize)>,
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
        let mut skeleton = text.as_bytes().to_vec();
        for &(start, end) in &rows {
            let inside = start.saturating_add(1)..end.saturating_sub(1);
            skeleton.get_mut(inside).unwrap_or_default().fill(b' ');
        }
        let skeleton = String::from_utf8(skeleton)
            .ok()
            .ok_or_else(|| Fault::new(0, "this is not UTF-8 text"))?;
        Ok(Self {
            text,
            skeleton,
            rows,
            parsed: Cell::new(0),
        })
    }

    /// Parses everything but the rows, which are empty tables there.
    pub(crate) fn table(&self) -> Result<Spanned<DeTable<'_>>, Fault> {
        DeTable::parse(&self.skeleton).map_err(|error| complaint(&error, 0))
    }

    /// Parses the row that starts at an offset; `None` where none does.
    pub(crate) fn row(&self, at: usize) -> Option<Result<DeTable<'i>, Fault>> {
        let index = self
            .rows
            .binary_search_by_key(&at, |&(start, _)| start)
            .ok()?;
        let (start, end) = *self.rows.get(index)?;
        self.parsed.set(self.parsed.get().saturating_add(1));
        Some(
            match DeValue::parse(self.text.get(start..end)?).map(Spanned::into_inner) {
                Ok(DeValue::Table(table)) => Ok(table),
                Ok(_) => Err(Fault::new(at, "this is not a table")),
                Err(error) => Err(complaint(&error, at)),
            },
        )
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

/// What the TOML reader has against a text that starts at `base`.
fn complaint(error: &toml::de::Error, base: usize) -> Fault {
    let at = error.span().map_or(0, |span| span.start);
    Fault::new(
        base.saturating_add(at),
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
        assert_eq!(source.skeleton.len(), text.len());
        assert!(source.table().is_ok() && source.row(0).is_none());
        let row = source.row(8).unwrap().unwrap();
        assert!(row.get("b").is_some());
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
