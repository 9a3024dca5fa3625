//! What is asked of a baseline's text before it is parsed: TOML 1.0, and no more of it than a baseline needs.
//!
//! The TOML reader also takes what TOML 1.1 added. Readers of 1.0 refuse that, and a file that two readers disagree
//! on is no baseline. The limits are checked here because a parsed text takes many times its size in memory.

use super::malformed::Fault;

/// The most rows in one baseline.
pub(super) const MAX_ROWS: usize = 1_000_000;

/// The most values: keys and array elements. Eight for each row, which is more than rows in 64 MiB have.
const MAX_VALUES: usize = 8 * MAX_ROWS;

/// How deep brackets may be nested; a baseline needs four.
const MAX_DEPTH: usize = 16;

/// Checks the text.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    if text.starts_with('\u{feff}') {
        return Err(Fault::new(
            0,
            "it starts with a byte order mark; TOML 1.0 knows none",
        ));
    }
    Scan {
        text: text.as_bytes(),
        at: 0,
        open: Vec::new(),
        bare: true,
        rows: 0,
        values: 0,
    }
    .run()
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    /// The brackets that are open.
    open: Vec<u8>,
    /// Whether nothing but white space stands before, on the same line.
    bare: bool,
    rows: usize,
    values: usize,
}

impl Scan<'_> {
    fn run(mut self) -> Result<(), Fault> {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'"' | b'\'' => self.string(byte)?,
                b'#' => self.comment()?,
                b'\n' => self.newline()?,
                b'[' | b'{' => self.opened(byte)?,
                b']' | b'}' => {
                    self.open.pop();
                }
                b',' => self.comma()?,
                b'=' => self.value()?,
                _ => {}
            }
            self.bare = byte == b'\n' || (self.bare && matches!(byte, b' ' | b'\t'));
            self.at = self.at.saturating_add(1);
        }
        Ok(())
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(self.at, what)
    }

    fn inline(&self) -> bool {
        self.open.last() == Some(&b'{')
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn newline(&self) -> Result<(), Fault> {
        if self.inline() {
            return Err(self.fault(
                "a row must stand on one line; TOML 1.0 knows no line break between braces",
            ));
        }
        Ok(())
    }

    /// Leaves `at` on the last byte of the comment.
    fn comment(&mut self) -> Result<(), Fault> {
        if self.inline() {
            return Err(self.fault("TOML 1.0 knows no comment between braces"));
        }
        let len = memchr::memchr(b'\n', self.rest()).unwrap_or(self.rest().len());
        self.at = self.at.saturating_add(len).saturating_sub(1);
        Ok(())
    }

    fn opened(&mut self, bracket: u8) -> Result<(), Fault> {
        let header = self.bare && self.rest().starts_with(b"[[");
        if (self.open.is_empty() && header) || (self.open == b"[" && bracket == b'{') {
            self.rows = self.rows.saturating_add(1);
        }
        self.open.push(bracket);
        if self.open.len() > MAX_DEPTH {
            return Err(self.fault("brackets are nested too deep"));
        }
        if self.rows > MAX_ROWS {
            return Err(self.fault(format!("it has more than {MAX_ROWS} rows")));
        }
        Ok(())
    }

    fn comma(&mut self) -> Result<(), Fault> {
        if !self.inline() {
            return self.value();
        }
        let next = self
            .rest()
            .iter()
            .skip(1)
            .find(|byte| !matches!(byte, b' ' | b'\t'));
        if next == Some(&b'}') {
            return Err(self.fault("TOML 1.0 knows no comma before a closing brace"));
        }
        Ok(())
    }

    fn value(&mut self) -> Result<(), Fault> {
        self.values = self.values.saturating_add(1);
        if self.values > MAX_VALUES {
            return Err(self.fault(format!("it has more than {MAX_VALUES} values")));
        }
        Ok(())
    }

    /// Leaves `at` on the last byte of the string. What is no string at all is left to the TOML reader.
    fn string(&mut self, quote: u8) -> Result<(), Fault> {
        let triple = [quote; 3];
        let many = self.rest().starts_with(&triple);
        self.at = self.at.saturating_add(if many { 3 } else { 1 });
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\\' if quote == b'"' => self.escape()?,
                b'\n' if !many => return self.unclosed(),
                _ if byte == quote && !many => return Ok(()),
                _ if byte == quote && self.rest().starts_with(&triple) => {
                    // Up to two quotes may stand before the three that close.
                    let run = self
                        .rest()
                        .iter()
                        .take(5)
                        .take_while(|&&byte| byte == quote)
                        .count();
                    self.at = self.at.saturating_add(run).saturating_sub(1);
                    return Ok(());
                }
                _ => self.at = self.at.saturating_add(1),
            }
        }
        self.unclosed()
    }

    fn unclosed(&self) -> Result<(), Fault> {
        Err(self.fault("a string is not closed"))
    }

    fn escape(&mut self) -> Result<(), Fault> {
        if let Some(byte @ (b'e' | b'x')) = self.rest().get(1) {
            return Err(self.fault(format!(
                "TOML 1.0 knows no escape \\{}; write \\u00HH",
                char::from(*byte)
            )));
        }
        self.at = self.at.saturating_add(2);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            toml::de::DeTable::parse(text).unwrap();
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
            toml::de::DeTable::parse(text).unwrap();
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
    fn limits_hold_in_every_spelling() {
        let rows = |row: &str| check(&row.repeat(MAX_ROWS + 1));
        assert!(rows("[[file]]\n").unwrap_err().what.contains("rows"));
        assert!(rows(" [[a]]\n").unwrap_err().what.contains("rows"));
        assert!(
            check(&format!("a = [{}]", "{},".repeat(MAX_ROWS + 1)))
                .unwrap_err()
                .what
                .contains("rows")
        );
        assert!(
            check(&format!("a = [{}]", "0,".repeat(MAX_VALUES + 1)))
                .unwrap_err()
                .what
                .contains("values")
        );
        assert!(
            check(&format!("a = {}", "[".repeat(50_000)))
                .unwrap_err()
                .what
                .contains("deep")
        );
    }
}
