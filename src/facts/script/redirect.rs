//! Redirections and here-documents.

use std::cell::OnceCell;
use std::rc::Rc;

use super::grammar::plain_text;
use super::reader::{Awaited, Read, Reader, fail};
use super::syntax::{Part, Redirect, RedirectKind, Target};

impl Reader<'_> {
    pub(super) fn redirects(&mut self) -> Read<Vec<Redirect>> {
        let mut redirects = Vec::new();
        loop {
            self.skip_blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(redirects),
            }
        }
    }

    /// A redirection, if one is next.
    pub(super) fn redirect(&mut self) -> Read<Option<Redirect>> {
        const SIGNS: &[(&[u8], RedirectKind)] = &[
            (b"<<<", RedirectKind::Here),
            (b"<<", RedirectKind::Here),
            (b"<&", RedirectKind::Duplicate),
            (b"<>", RedirectKind::Both),
            (b"<", RedirectKind::Read),
            (b"&>>", RedirectKind::Append),
            (b"&>", RedirectKind::Write),
            (b">>", RedirectKind::Append),
            (b">&", RedirectKind::Duplicate),
            (b">|", RedirectKind::Write),
            (b">", RedirectKind::Write),
        ];
        let start = self.at;
        let rest = self.rest();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.skip(digits);
        let is_process = matches!(self.peek(), Some(b'<' | b'>')) && self.peek_at(1) == Some(b'(');
        let sign = SIGNS.iter().find(|(sign, _)| self.starts(sign));
        let Some(&(sign, mut kind)) = sign.filter(|_| !is_process) else {
            self.at = start;
            return Ok(None);
        };
        self.skip(sign.len());
        if sign == b"<<" {
            return self.here().map(Some);
        }
        self.skip_blanks();
        let word = self.word()?;
        if word.parts.is_empty() {
            return fail(start, "a redirection leads nowhere");
        }
        // bash takes `>&file` for output to a file.
        let number = |text: &[u8]| {
            text.iter()
                .all(|byte| byte.is_ascii_digit() || *byte == b'-')
        };
        if sign == b">&" && plain_text(&word).is_some_and(|text| !number(&text)) {
            kind = RedirectKind::Write;
        }
        Ok(Some(Redirect {
            kind,
            target: Target::Word(word),
        }))
    }

    /// A here-document, behind its sign.
    fn here(&mut self) -> Read<Redirect> {
        let without_tabs = self.take(b"-");
        self.skip_blanks();
        let word = self.word()?;
        let quoted = word
            .parts
            .iter()
            .any(|part| matches!(part, Part::Text { quoted: true, .. }));
        let text = Rc::new(OnceCell::new());
        self.awaited.push(Awaited {
            delimiter: plain_text(&word).unwrap_or_default(),
            quoted,
            without_tabs,
            text: Rc::clone(&text),
        });
        Ok(Redirect {
            kind: RedirectKind::Here,
            target: Target::Here(text),
        })
    }
}
