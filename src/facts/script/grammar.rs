//! Commands, as POSIX sh, BusyBox ash and dash read them, with what bash adds in common use.

use std::rc::Rc;

use super::reader::{Fail, Read, Reader, fail, is_meta, is_name};
use super::syntax::{Node, Part, Simple, Word};

/// What ends a list of commands.
#[derive(Clone, Copy)]
pub(super) enum Until {
    /// The end of the text.
    End,
    /// A parenthesis that closes.
    Paren,
    /// One of some reserved words.
    Word(&'static [&'static [u8]]),
    /// The end of one case, or of all.
    Case,
}

/// Words that end something, and so start no command.
const CLOSING: &[&[u8]] = &[
    b"then", b"else", b"elif", b"fi", b"do", b"done", b"esac", b"}",
];

/// Lines of one script that are told as not understood.
const TOLD: usize = 8;

impl Reader<'_> {
    /// All of a text; fails with the first thing that is wrong.
    pub(super) fn whole(&mut self) -> Read<Vec<Node>> {
        let nodes = self.deeper(|reader| reader.list(Until::End))?;
        self.end()?;
        Ok(nodes)
    }

    /// All of a text, line by line: what is wrong is told, and reading goes on with the next line.
    pub(super) fn program(&mut self) -> (Vec<Node>, Vec<Fail>) {
        let mut nodes = Vec::new();
        let mut fails: Vec<Fail> = Vec::new();
        // A line that is wrong may have been read to the text's end: that must not happen at every line.
        let mut fuel = self.text.len().saturating_mul(16).saturating_add(1 << 16);
        while self.at < self.text.len() {
            let start = self.at;
            let failed = match self.item(Until::End) {
                Ok(Some(node)) => {
                    nodes.push(node);
                    None
                }
                Ok(None) if self.at < self.text.len() => Some(Fail {
                    at: self.at,
                    what: "this ends something that was not started",
                    is_limit: false,
                }),
                Ok(None) => None,
                Err(fail) => Some(fail),
            };
            let Some(mut fail) = failed else {
                continue;
            };
            self.awaited.clear();
            fuel = fuel.saturating_sub(self.at.saturating_sub(start).saturating_add(64));
            if fuel == 0 {
                fail.is_limit = true;
                fail.what = "too many of its lines were not understood; the rest was not read";
            }
            if fails.len() < TOLD || fail.is_limit {
                fails.push(fail);
            }
            if fuel == 0 {
                break;
            }
            // The line on which the command starts, not the one where it went wrong.
            self.at = start;
            self.skip_blank_lines();
            let rest = self.rest();
            self.skip(memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1)));
        }
        (nodes, fails)
    }

    fn skip_blank_lines(&mut self) {
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'\n') {
                return;
            }
            self.skip(1);
        }
    }

    fn end(&mut self) -> Read<()> {
        if self.at < self.text.len() {
            return fail(self.at, "this ends something that was not started");
        }
        Ok(())
    }

    /// Commands up to what ends them, which is left.
    pub(super) fn list(&mut self, until: Until) -> Read<Vec<Node>> {
        let mut nodes = Vec::new();
        while let Some(node) = self.item(until)? {
            nodes.push(node);
        }
        Ok(nodes)
    }

    /// The next command of a list with what follows it; `None` at the list's end.
    fn item(&mut self, until: Until) -> Read<Option<Node>> {
        loop {
            self.skip_lines()?;
            if self.is_end(until) {
                return Ok(None);
            }
            if self.peek() == Some(b';') && self.peek_at(1) != Some(b';') {
                self.skip(1);
                continue;
            }
            break;
        }
        let node = self.chain()?;
        self.skip_blanks();
        if self.peek() == Some(b'&') && self.peek_at(1) != Some(b'&') {
            self.skip(1);
            return Ok(Some(Node::Background(Box::new(node))));
        }
        if self.peek() == Some(b';')
            && self.peek_at(1) != Some(b';')
            && self.peek_at(1) != Some(b'&')
        {
            self.skip(1);
        }
        Ok(Some(node))
    }

    /// Whether a list ends here; at the end of the text every list does.
    fn is_end(&self, until: Until) -> bool {
        match self.peek() {
            None | Some(b')') => return true,
            Some(b';') if matches!(self.peek_at(1), Some(b';' | b'&')) => return true,
            Some(_) => {}
        }
        let word = self.plain_word();
        match until {
            Until::Word(words) if words.contains(&word) => true,
            Until::Case if word == b"esac" => true,
            _ => CLOSING.contains(&word),
        }
    }

    fn chain(&mut self) -> Read<Node> {
        let first = self.pipeline()?;
        let mut nodes = vec![first];
        loop {
            self.skip_blanks();
            if !self.take(b"&&") && !self.take(b"||") {
                break;
            }
            self.skip_lines()?;
            nodes.push(self.pipeline()?);
        }
        Ok(one_or(nodes, Node::Chain))
    }

    fn pipeline(&mut self) -> Read<Node> {
        loop {
            self.skip_blanks();
            match self.plain_word() {
                b"!" | b"time" => self.skip(self.plain_word().len()),
                _ => break,
            }
        }
        let mut nodes = vec![self.deeper(Self::command)?];
        loop {
            self.skip_blanks();
            if self.starts(b"||") || !(self.take(b"|&") || self.take(b"|")) {
                break;
            }
            self.skip_lines()?;
            nodes.push(self.deeper(Self::command)?);
        }
        Ok(one_or(nodes, Node::Pipe))
    }

    fn command(&mut self) -> Read<Node> {
        self.skip_blanks();
        let start = self.at;
        if self.starts(b"((") && self.skip_arithmetic() {
            return Ok(Node::Group(Vec::new(), self.redirects()?));
        }
        if self.take(b"(") {
            let body = self.list(Until::Paren)?;
            if !self.take(b")") {
                return fail(start, "a parenthesis that opens here is not closed");
            }
            return Ok(Node::Group(body, self.redirects()?));
        }
        let word = self.plain_word();
        match word {
            b"{" => {
                self.skip(1);
                let body = self.list(Until::Word(&[b"}"]))?;
                self.reserved(b"}", start)?;
                Ok(Node::Group(body, self.redirects()?))
            }
            b"if" => self.choice_if(),
            b"while" | b"until" => {
                self.skip(word.len());
                let conditions = self.list(Until::Word(&[b"do"]))?;
                self.reserved(b"do", start)?;
                let body = self.list(Until::Word(&[b"done"]))?;
                self.reserved(b"done", start)?;
                let (branches, redirects) = (vec![body], self.redirects()?);
                Ok(Node::Choice {
                    conditions,
                    branches,
                    redirects,
                })
            }
            b"for" | b"select" => self.for_loop(),
            b"case" => self.case(),
            b"function" => {
                self.skip(word.len());
                self.skip_blanks();
                let name = self.plain_word().to_vec();
                self.skip(name.len());
                self.skip_blanks();
                let _ = self.take(b"()");
                self.function(name)
            }
            b"[[" => self.test(),
            _ => self.simple(),
        }
    }

    /// A reserved word that must be next.
    pub(super) fn reserved(&mut self, word: &'static [u8], start: usize) -> Read<()> {
        self.skip_lines()?;
        if self.plain_word() != word {
            return fail(start, "a command that starts here is not ended");
        }
        self.skip(word.len());
        Ok(())
    }

    fn function(&mut self, name: Vec<u8>) -> Read<Node> {
        self.skip_lines()?;
        let body = self.deeper(Self::command)?;
        let body = Rc::new(vec![body]);
        Ok(Node::Function { name, body })
    }

    fn simple(&mut self) -> Read<Node> {
        let start = self.at;
        let mut simple = Simple {
            spot: self.spot(start),
            assignments: Vec::new(),
            words: Vec::new(),
            redirects: Vec::new(),
        };
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
                continue;
            }
            let Some(byte) = self.peek() else { break };
            if byte == b'(' && simple.words.len() == 1 && simple.assignments.is_empty() {
                self.skip(1);
                self.skip_blanks();
                if self.take(b")") {
                    let name = simple.words.first().and_then(plain_text);
                    return self.function(name.unwrap_or_default());
                }
                return fail(start, "a parenthesis stands where none can");
            }
            if is_meta(byte) && !self.starts(b"<(") && !self.starts(b">(") {
                break;
            }
            if simple.words.is_empty()
                && let Some(name) = self.assigned()
            {
                simple.assignments.push((name, self.value()?));
                continue;
            }
            simple.words.push(self.word()?);
        }
        if self.at == start {
            return fail(start, "a command is missing");
        }
        Ok(Node::Simple(simple))
    }

    /// The name before `=`, `+=` or `[...]=`, if an assignment is next; goes behind the sign.
    fn assigned(&mut self) -> Option<Vec<u8>> {
        let rest = self.plain_word();
        let sign = memchr::memchr(b'=', rest)?;
        let left = rest.get(..sign)?;
        let left = left.strip_suffix(b"+").unwrap_or(left);
        let name = left.split(|&byte| byte == b'[').next()?;
        let is_element = left.len() == name.len() || left.ends_with(b"]");
        if !is_name(name) || !is_element {
            return None;
        }
        self.skip(sign.saturating_add(1));
        Some(name.to_vec())
    }

    /// The right side of an assignment; of an array its elements with blanks between them.
    fn value(&mut self) -> Read<Word> {
        if self.peek() != Some(b'(') {
            return self.word();
        }
        let start = self.at;
        self.skip(1);
        let mut all = Word::default();
        loop {
            self.skip_lines()?;
            match self.peek() {
                Some(b')') => {
                    self.skip(1);
                    return Ok(all);
                }
                None => return fail(start, "a parenthesis that opens here is not closed"),
                Some(byte) if is_meta(byte) => self.skip(1),
                Some(_) => {
                    if !all.parts.is_empty() {
                        let bytes = b" ".to_vec();
                        all.parts.push(Part::Text {
                            bytes,
                            quoted: false,
                        });
                    }
                    all.parts.extend(self.word()?.parts);
                }
            }
        }
    }
}

fn one_or(mut nodes: Vec<Node>, many: impl FnOnce(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(node) if nodes.is_empty() => node,
        Some(node) => {
            nodes.push(node);
            many(nodes)
        }
        None => many(nodes),
    }
}

/// The bytes of a word in which nothing is expanded.
pub(super) fn plain_text(word: &Word) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for part in &word.parts {
        match part {
            Part::Text { bytes, .. } => text.extend_from_slice(bytes),
            _ => return None,
        }
    }
    Some(text)
}
