//! One pass over a text before it is parsed: where its rows are, and whether it is too much of anything.

use crate::document::malformed::Fault;

/// The most rows in one document.
const MAX_ROWS: usize = 1_000_000;

/// The most tokens in one row: a hundred times what a row needs.
const MAX_ROW_TOKENS: usize = 4096;

/// The most tokens outside of rows, beside those that set rows apart.
const MAX_TOKENS: usize = 1 << 18;

/// The tokens that set two rows apart: line feed, indent, comma, and a comment.
const ROW_GAP: usize = 4;

/// The most keys, parts of keys and headers outside of rows.
const MAX_KEYS: usize = 1 << 16;

/// How deep brackets may be nested; a baseline needs four.
const MAX_DEPTH: usize = 16;

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    /// The brackets that are open.
    open: Vec<u8>,
    rows: Vec<(usize, usize)>,
    /// Where the row starts that is being read, and its tokens so far.
    row: Option<(usize, usize)>,
    tokens: usize,
    keys: usize,
}

/// From where to where the rows of a text go, once its syntax and its size are found to be fit.
pub(crate) fn rows(text: &str) -> Result<Vec<(usize, usize)>, Fault> {
    Scan::new(text).run()
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            open: Vec::new(),
            rows: Vec::new(),
            row: None,
            tokens: 0,
            keys: 0,
        }
    }

    fn run(mut self) -> Result<Vec<(usize, usize)>, Fault> {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'"' | b'\'' => self.string(byte)?,
                b'#' => self.comment()?,
                b'\n' => self.newline()?,
                b'[' | b'{' => self.opened(byte)?,
                b']' | b'}' => self.closed(byte)?,
                b',' => self.comma()?,
                b'=' | b'.' => self.key()?,
                _ => self.word(matches!(byte, b' ' | b'\t' | b'\r')),
            }
            self.at = self.at.saturating_add(1);
            self.token()?;
        }
        Ok(self.rows)
    }

    fn fault<T>(&self, what: impl Into<String>) -> Result<T, Fault> {
        Err(Fault::new(self.at, what))
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Counts one token, against the row it is in or against the text.
    fn token(&mut self) -> Result<(), Fault> {
        if let Some((_, tokens)) = &mut self.row {
            *tokens = tokens.saturating_add(1);
            return if *tokens > MAX_ROW_TOKENS {
                self.fault("a row holds too much")
            } else {
                Ok(())
            };
        }
        self.tokens = self.tokens.saturating_add(1);
        if self.tokens
            > self
                .rows
                .len()
                .saturating_mul(ROW_GAP)
                .saturating_add(MAX_TOKENS)
        {
            return self.fault(
                "too much stands outside of rows; a row is { ... } on one line of an array",
            );
        }
        Ok(())
    }

    /// Counts what may make a table, outside of rows.
    fn key(&mut self) -> Result<(), Fault> {
        if self.row.is_none() {
            self.keys = self.keys.saturating_add(1);
        }
        if self.keys > MAX_KEYS {
            return self.fault(
                "too many keys stand outside of rows; a row is { ... } on one line of an array",
            );
        }
        Ok(())
    }

    /// Leaves `at` on the last byte of a run of white space, or of anything without meaning here.
    fn word(&mut self, blank: bool) {
        let within = |byte: &&u8| match byte {
            b' ' | b'\t' | b'\r' => blank,
            b'"' | b'\'' | b'#' | b'\n' | b'[' | b'{' | b']' | b'}' | b',' | b'=' | b'.' => false,
            _ => !blank,
        };
        let len = self.rest().iter().take_while(within).count();
        self.at = self.at.saturating_add(len).saturating_sub(1);
    }

    fn inline(&self) -> bool {
        self.open.last() == Some(&b'{')
    }

    fn newline(&self) -> Result<(), Fault> {
        if self.inline() {
            return self.fault(
                "a row must stand on one line; TOML 1.0 knows no line break between braces",
            );
        }
        Ok(())
    }

    /// Leaves `at` on the last byte of the comment.
    fn comment(&mut self) -> Result<(), Fault> {
        if self.inline() {
            return self.fault("TOML 1.0 knows no comment between braces");
        }
        let len = memchr::memchr(b'\n', self.rest()).unwrap_or(self.rest().len());
        self.at = self.at.saturating_add(len).saturating_sub(1);
        Ok(())
    }

    fn opened(&mut self, bracket: u8) -> Result<(), Fault> {
        if bracket == b'{' && self.open == b"[" {
            self.row = Some((self.at, 0));
            if self.rows.len() >= MAX_ROWS {
                return self.fault(format!("it has more than {MAX_ROWS} rows"));
            }
        }
        self.open.push(bracket);
        if self.open.len() > MAX_DEPTH {
            return self.fault("brackets are nested too deep");
        }
        self.key()
    }

    fn closed(&mut self, bracket: u8) -> Result<(), Fault> {
        if self.open.pop() != Some(if bracket == b'}' { b'{' } else { b'[' }) {
            return self.fault("a bracket closes what is not open");
        }
        if self.open == b"["
            && let Some((start, _)) = self.row.take()
        {
            self.rows.push((start, self.at.saturating_add(1)));
        }
        Ok(())
    }

    fn comma(&self) -> Result<(), Fault> {
        let next = self
            .rest()
            .iter()
            .skip(1)
            .find(|byte| !matches!(byte, b' ' | b'\t'));
        if self.inline() && next == Some(&b'}') {
            return self.fault("TOML 1.0 knows no comma before a closing brace");
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
        self.fault("a string is not closed")
    }

    fn escape(&mut self) -> Result<(), Fault> {
        if let Some(byte @ (b'e' | b'x')) = self.rest().get(1) {
            return self.fault(format!(
                "TOML 1.0 knows no escape \\{}; write \\u00HH",
                char::from(*byte)
            ));
        }
        self.at = self.at.saturating_add(2);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), Fault> {
        rows(text).map(|_| ())
    }

    #[test]
    fn limits_hold_in_every_spelling() {
        let told = |text: String| check(&text).unwrap_err().what;
        assert!(told(format!("a = [{}]", "{},".repeat(MAX_ROWS + 1))).contains("1000000 rows"));
        assert!(told(format!("a = {}", "[".repeat(50_000))).contains("deep"));
        assert!(
            told(format!("a = [{{ a = [{}] }}]", "0,".repeat(MAX_ROW_TOKENS)))
                .contains("a row holds")
        );
        for many in ["[[file]]\n", "[a.b]\n", "a = 1\n", "a.", "{", "x=[{}]\n"] {
            assert!(check(&many.repeat(MAX_KEYS + 1)).is_err(), "{many}");
        }
        for many in ["0,", "\n", "#\n", " \n", "a ", "'' ", "\r\n"] {
            assert!(
                told(many.repeat(MAX_TOKENS + 1)).contains("outside"),
                "{many}"
            );
        }
        assert_eq!(
            check(&format!("a = [\n{}]\n", "  {}, # x\n".repeat(100_000))),
            Ok(())
        );
    }

    #[test]
    fn brackets_that_do_not_match_are_refused() {
        for text in ["]", "}", "a = [}", "a = [{]", "a = [{ b = [ } ]"] {
            assert!(check(text).unwrap_err().what.contains("bracket"), "{text}");
        }
    }
}
