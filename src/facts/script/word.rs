//! Words: quotes, escapes and expansions.

use std::rc::Rc;

use super::reader::{Read, Reader, fail, is_meta};
use super::syntax::{Change, Part, Word};

/// A word of bytes that mean themselves.
pub(super) fn text(bytes: Vec<u8>) -> Word {
    Word {
        parts: vec![Part::Text {
            bytes,
            quoted: true,
        }],
    }
}

/// Gathers the parts of a word; neighbouring texts become one.
#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
}

impl Parts {
    fn text(&mut self, new: &[u8], is_quoted: bool) {
        if let Some(Part::Text { bytes, quoted }) = self.parts.last_mut()
            && *quoted == is_quoted
        {
            bytes.extend_from_slice(new);
            return;
        }
        let bytes = new.to_vec();
        self.parts.push(Part::Text {
            bytes,
            quoted: is_quoted,
        });
    }

    fn word(self) -> Word {
        Word { parts: self.parts }
    }
}

impl Reader<'_> {
    /// A word up to the next byte that ends one. Empty when such a byte is next.
    pub(super) fn word(&mut self) -> Read<Word> {
        let mut parts = Parts::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'<' | b'>' if self.peek_at(1) == Some(b'(') && parts.parts.is_empty() => {
                    let start = self.at;
                    self.skip(2);
                    let part = self.commands_until_paren(start, false)?;
                    parts.parts.push(part);
                }
                b'(' if self.extends_pattern(&parts) => {
                    let start = self.at;
                    self.skip_balanced()?;
                    parts.text(self.since(start), false);
                }
                _ if is_meta(byte) => break,
                _ => self.piece(&mut parts)?,
            }
        }
        Ok(parts.word())
    }

    /// bash reads `@(a|b)` and the like as one pattern.
    fn extends_pattern(&self, parts: &Parts) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.text.get(at));
        !parts.parts.is_empty() && matches!(before, Some(b'@' | b'?' | b'*' | b'+' | b'!'))
    }

    /// The next piece of an unquoted word.
    fn piece(&mut self, parts: &mut Parts) -> Read<()> {
        match self.peek() {
            Some(b'\'') => self.single(parts),
            Some(b'"') => {
                let start = self.at;
                self.skip(1);
                self.deeper(|reader| reader.double(parts, start))
            }
            Some(b'\\') => {
                match self.peek_at(1) {
                    Some(b'\n') | None => {}
                    Some(byte) => parts.text(&[byte], true),
                }
                self.skip(2);
                Ok(())
            }
            Some(b'$') => self.deeper(|reader| reader.dollar(parts, false)),
            Some(b'`') => self.deeper(|reader| reader.backquoted(parts, false)),
            Some(_) => {
                let rest = self.rest();
                let special = |&byte: &u8| {
                    is_meta(byte) || matches!(byte, b'\'' | b'"' | b'\\' | b'$' | b'`' | b'}')
                };
                let end = rest.iter().skip(1).position(special);
                let end = end.map_or(rest.len(), |end| end.saturating_add(1));
                parts.text(rest.get(..end).unwrap_or_default(), false);
                self.skip(end);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn single(&mut self, parts: &mut Parts) -> Read<()> {
        let start = self.at;
        self.skip(1);
        let rest = self.rest();
        let Some(end) = memchr::memchr(b'\'', rest) else {
            return fail(start, "a quote that opens here is not closed");
        };
        parts.text(rest.get(..end).unwrap_or_default(), true);
        self.skip(end.saturating_add(1));
        Ok(())
    }

    /// What stands between double quotes, behind the first of them.
    fn double(&mut self, parts: &mut Parts, start: usize) -> Read<()> {
        parts.text(b"", true);
        loop {
            match self.peek() {
                None => return fail(start, "a quote that opens here is not closed"),
                Some(b'"') => {
                    self.skip(1);
                    return Ok(());
                }
                Some(_) => self.quoted_piece(parts, b"$`\"\\")?,
            }
        }
    }

    /// The next piece where only `special` bytes mean more than themselves; such a byte behind a backslash means itself.
    fn quoted_piece(&mut self, parts: &mut Parts, special: &[u8]) -> Read<()> {
        match (self.peek(), self.peek_at(1)) {
            (Some(b'$'), _) => self.deeper(|reader| reader.dollar(parts, true)),
            (Some(b'`'), _) => self.deeper(|reader| reader.backquoted(parts, true)),
            (Some(b'\\'), Some(next)) if next == b'\n' || special.contains(&next) => {
                if next != b'\n' {
                    parts.text(&[next], true);
                }
                self.skip(2);
                Ok(())
            }
            _ => {
                let rest = self.rest();
                let more = |&byte: &u8| matches!(byte, b'$' | b'`' | b'"' | b'\\' | b'}');
                let end = rest.iter().skip(1).position(more);
                let end = end.map_or(rest.len(), |end| end.saturating_add(1));
                parts.text(rest.get(..end).unwrap_or_default(), true);
                self.skip(end);
                Ok(())
            }
        }
    }

    /// The text of a here-document.
    pub(super) fn here_text(&mut self) -> Read<Word> {
        let mut parts = Parts::default();
        while self.peek().is_some() {
            self.quoted_piece(&mut parts, b"$`\\")?;
        }
        Ok(parts.word())
    }

    fn backquoted(&mut self, parts: &mut Parts, quoted: bool) -> Read<()> {
        let start = self.at;
        self.skip(1);
        let mut inner = Vec::new();
        loop {
            match (self.peek(), self.peek_at(1)) {
                (None, _) => return fail(start, "a backquote that opens here is not closed"),
                (Some(b'`'), _) => break,
                (Some(b'\\'), Some(next @ (b'`' | b'\\' | b'$'))) => {
                    inner.push(next);
                    self.skip(2);
                }
                (Some(b'\\'), Some(b'"')) if quoted => {
                    inner.push(b'"');
                    self.skip(2);
                }
                (Some(byte), _) => {
                    inner.push(byte);
                    self.skip(1);
                }
            }
        }
        self.skip(1);
        let mut reader = Reader::new(&inner, self.line(start), self.depth);
        let body = reader.whole().map_err(|mut fail| {
            fail.at = start;
            fail
        })?;
        let source = self.since(start).to_vec();
        let body = Rc::new(body);
        parts.parts.push(Part::Commands {
            body,
            source,
            quoted,
        });
        Ok(())
    }

    /// What a `$` starts.
    fn dollar(&mut self, parts: &mut Parts, quoted: bool) -> Read<()> {
        let start = self.at;
        self.skip(1);
        match self.peek() {
            Some(b'(') if self.peek_at(1) == Some(b'(') && self.skip_arithmetic() => {
                let source = self.since(start).to_vec();
                parts.parts.push(Part::Opaque { source });
            }
            Some(b'(') => {
                self.skip(1);
                let part = self.commands_until_paren(start, quoted)?;
                parts.parts.push(part);
            }
            Some(b'{') => {
                self.skip(1);
                let part = self.braced(start, quoted)?;
                parts.parts.push(part);
            }
            Some(b'\'') if !quoted => {
                self.skip(1);
                self.ansi_c(parts, start)?;
            }
            Some(b'"') if !quoted => {}
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                let rest = self.rest();
                let more = |&byte: &u8| byte.is_ascii_alphanumeric() || byte == b'_';
                let end = rest.iter().position(|byte| !more(byte));
                let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                self.skip(name.len());
                parts.parts.push(plain(name, quoted));
            }
            Some(byte @ (b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-')) => {
                self.skip(1);
                parts.parts.push(plain(&[byte], quoted));
            }
            _ => parts.text(b"$", quoted),
        }
        Ok(())
    }

    /// Commands up to the `)` that closes them, behind the `(`.
    fn commands_until_paren(&mut self, start: usize, quoted: bool) -> Read<Part> {
        // What is awaited outside does not follow the lines inside.
        let outside = std::mem::take(&mut self.awaited);
        let body = self.deeper(|reader| reader.list(super::grammar::Until::Paren));
        self.awaited = outside;
        let body = body?;
        if !self.take(b")") {
            return fail(start, "a parenthesis that opens here is not closed");
        }
        Ok(Part::Commands {
            body: Rc::new(body),
            source: self.since(start).to_vec(),
            quoted,
        })
    }

    /// `${...}` behind its brace.
    fn braced(&mut self, start: usize, quoted: bool) -> Read<Part> {
        let is_length = self.peek() == Some(b'#') && self.peek_at(1) != Some(b'}');
        if is_length || self.peek() == Some(b'!') {
            self.skip(1);
        }
        let rest = self.rest();
        let in_name = |&byte: &u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let mut end = rest.iter().position(|byte| !in_name(byte)).unwrap_or(0);
        if end == 0 && matches!(self.peek(), Some(b'@' | b'*' | b'#' | b'?' | b'$' | b'-')) {
            end = 1;
        }
        let name = rest.get(..end).unwrap_or_default().to_vec();
        self.skip(end);
        let colon = self.peek() == Some(b':');
        let sign = self.peek_at(usize::from(colon));
        let is_default = matches!(sign, Some(b'-' | b'='));
        let is_word = is_default || matches!(sign, Some(b'+' | b'?'));
        if is_word {
            self.skip(usize::from(colon).saturating_add(1));
        }
        let word = self.until_brace(start, quoted && is_word)?;
        let is_plain = self.since(start).len() == name.len().saturating_add(3);
        let change = if is_default && !is_length {
            Change::Default(word)
        } else if is_plain {
            Change::None
        } else {
            Change::Other
        };
        Ok(Part::Parameter {
            name,
            change,
            quoted,
        })
    }

    /// A word that ends with the brace that closes `${`.
    fn until_brace(&mut self, start: usize, quoted: bool) -> Read<Word> {
        let mut parts = Parts::default();
        loop {
            match self.peek() {
                None => return fail(start, "a brace that opens here is not closed"),
                Some(b'}') => {
                    self.skip(1);
                    return Ok(parts.word());
                }
                Some(b'"') => {
                    let at = self.at;
                    self.skip(1);
                    self.deeper(|reader| reader.double(&mut parts, at))?;
                }
                Some(_) if quoted => self.quoted_piece(&mut parts, b"$`\"\\}")?,
                Some(byte) if is_meta(byte) => {
                    parts.text(&[byte], false);
                    self.skip(1);
                }
                Some(_) => self.piece(&mut parts)?,
            }
        }
    }

    /// `$'...'` behind its quote.
    fn ansi_c(&mut self, parts: &mut Parts, start: usize) -> Read<()> {
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None => return fail(start, "a quote that opens here is not closed"),
                Some(b'\'') => {
                    self.skip(1);
                    parts.text(&bytes, true);
                    return Ok(());
                }
                Some(b'\\') => {
                    let (byte, len) = super::escape::one(self.rest());
                    bytes.extend(byte);
                    self.skip(len);
                }
                Some(byte) => {
                    bytes.push(byte);
                    self.skip(1);
                }
            }
        }
    }

    /// Goes behind `((...))`, if that is what is next.
    pub(super) fn skip_arithmetic(&mut self) -> bool {
        let start = self.at;
        if self.skip_balanced().is_ok() && self.since(start).ends_with(b"))") {
            return true;
        }
        self.at = start;
        false
    }

    /// Goes behind the parenthesis that closes the one that is next.
    fn skip_balanced(&mut self) -> Read<()> {
        let start = self.at;
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            self.skip(1);
            match byte {
                b'(' => open = open.saturating_add(1),
                b')' if open <= 1 => return Ok(()),
                b')' => open = open.saturating_sub(1),
                _ => {}
            }
        }
        self.at = start;
        fail(start, "a parenthesis that opens here is not closed")
    }
}

fn plain(name: &[u8], quoted: bool) -> Part {
    Part::Parameter {
        name: name.to_vec(),
        change: Change::None,
        quoted,
    }
}
