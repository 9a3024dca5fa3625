//! Commands that contain others: choices, loops, cases and tests.

use super::grammar::Until;
use super::reader::{Read, Reader, fail, is_meta};
use super::syntax::{Node, Simple};

impl Reader<'_> {
    pub(super) fn choice_if(&mut self) -> Read<Node> {
        let start = self.at;
        self.skip(2);
        let mut conditions = self.list(Until::Word(&[b"then"]))?;
        self.reserved(b"then", start)?;
        let mut branches = Vec::new();
        loop {
            branches.push(self.list(Until::Word(&[b"elif", b"else", b"fi"]))?);
            match self.plain_word() {
                b"elif" => {
                    self.skip(4);
                    conditions.extend(self.list(Until::Word(&[b"then"]))?);
                    self.reserved(b"then", start)?;
                }
                b"else" => {
                    self.skip(4);
                    branches.push(self.list(Until::Word(&[b"fi"]))?);
                    self.reserved(b"fi", start)?;
                    break;
                }
                _ => {
                    self.reserved(b"fi", start)?;
                    break;
                }
            }
        }
        let redirects = self.redirects()?;
        Ok(Node::Choice {
            conditions,
            branches,
            redirects,
        })
    }

    pub(super) fn for_loop(&mut self) -> Read<Node> {
        let start = self.at;
        self.skip(self.plain_word().len());
        self.skip_blanks();
        let mut variable = Vec::new();
        let mut values = Vec::new();
        if !(self.starts(b"((") && self.skip_arithmetic()) {
            variable = self.plain_word().to_vec();
            self.skip(variable.len());
            self.skip_lines()?;
            if self.plain_word() == b"in" {
                self.skip(2);
                loop {
                    self.skip_blanks();
                    match self.peek() {
                        Some(byte) if !is_meta(byte) => values.push(self.word()?),
                        _ => break,
                    }
                }
            }
        }
        self.skip_blanks();
        let _ = self.take(b";");
        self.reserved(b"do", start)?;
        let body = self.list(Until::Word(&[b"done"]))?;
        self.reserved(b"done", start)?;
        let redirects = self.redirects()?;
        Ok(Node::Loop {
            variable,
            values,
            body,
            redirects,
        })
    }

    pub(super) fn case(&mut self) -> Read<Node> {
        let start = self.at;
        self.skip(4);
        self.skip_blanks();
        self.word()?;
        self.reserved(b"in", start)?;
        let mut branches = Vec::new();
        loop {
            self.skip_lines()?;
            if self.plain_word() == b"esac" {
                self.skip(4);
                break;
            }
            let _ = self.take(b"(");
            loop {
                self.skip_blanks();
                let at = self.at;
                self.word()?;
                self.skip_blanks();
                if self.take(b"|") {
                    continue;
                }
                if self.at == at || !self.take(b")") {
                    return fail(start, "a case that starts here is not ended");
                }
                break;
            }
            branches.push(self.list(Until::Case)?);
            let _ = self.take(b";;&") || self.take(b";;") || self.take(b";&");
        }
        let (conditions, redirects) = (Vec::new(), self.redirects()?);
        Ok(Node::Choice {
            conditions,
            branches,
            redirects,
        })
    }

    /// `[[ ... ]]`, in which operators are words.
    pub(super) fn test(&mut self) -> Read<Node> {
        let start = self.at;
        self.skip(2);
        let mut words = vec![super::word::text(b"[[".to_vec())];
        loop {
            self.skip_lines()?;
            if self.plain_word() == b"]]" {
                self.skip(2);
                break;
            }
            match self.peek() {
                None => return fail(start, "a test that starts here is not ended"),
                Some(byte) if is_meta(byte) => self.skip(1),
                Some(_) => words.push(self.word()?),
            }
        }
        Ok(Node::Simple(Simple {
            spot: self.spot(start),
            assignments: Vec::new(),
            words,
            redirects: self.redirects()?,
        }))
    }
}
