//! What formats share that lay their members out one after another: the spans of a walk, content that is not all there, and
//! holes.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::entry::{Data, Fault, File};
use crate::formats::{Role, Span};
use crate::problem::Problem;
use crate::read::index;

/// Zeros, as many as are written at a time.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Writes so many zeros: what a hole reads as.
pub(super) fn zeros(out: &mut dyn Write, count: u64) -> Result<(), Fault> {
    let mut left = count;
    while left > 0 {
        let piece = ZEROS.get(..index(left)).unwrap_or(&ZEROS);
        out.write_all(piece)?;
        left = left.saturating_sub(crate::read::length(piece));
    }
    Ok(())
}

/// The spans that a walk from front to back leaves behind. Neighbours of one role become one span, so that a
/// hundred thousand empty files do not cost a hundred thousand spans.
#[derive(Default)]
pub(super) struct Ledger(Vec<Span>);

impl Ledger {
    /// Names `len` bytes from `at` as content.
    pub(super) fn content(&mut self, at: u64, len: u64) {
        self.push(Span::content(at, len));
    }

    /// Names `len` bytes from `at` as metadata.
    pub(super) fn metadata(&mut self, at: u64, len: u64) {
        self.push(Span::metadata(at, len));
    }

    /// Names `len` bytes from `at` as metadata, save for the `holes`: ascending ranges, counted from `at`.
    pub(super) fn metadata_but(
        &mut self,
        at: u64,
        len: u64,
        holes: impl IntoIterator<Item = Range<u64>>,
    ) {
        let mut done = 0;
        for hole in holes {
            let named = hole.start.min(len).saturating_sub(done);
            self.metadata(at.saturating_add(done), named);
            done = hole.end.max(done);
        }
        self.metadata(at.saturating_add(done), len.saturating_sub(done));
    }

    /// Names a structure at `at` as metadata. Bytes that are reserved (ascending ranges from its start) and yet not zero stay
    /// open: no reader looks at them.
    pub(super) fn structure(&mut self, at: u64, bytes: &[u8], reserved: &[Range<u64>]) {
        let used = |range: &&Range<u64>| {
            let bytes = bytes.get(index(range.start)..index(range.end));
            bytes.is_none_or(|bytes| !crate::read::is_all(bytes, 0))
        };
        let open = reserved.iter().filter(used).cloned();
        self.metadata_but(at, crate::read::length(bytes), open);
    }

    /// Names padding as metadata where it is zero, as its writer left it. Other padding stays a gap: bytes
    /// that no reader looks at are where something can hide.
    pub(super) fn padding(&mut self, region: &[u8], range: Range<u64>) {
        let end = range.end.min(crate::read::length(region));
        let len = end.saturating_sub(range.start);
        let bytes = region.get(index(range.start)..index(end));
        if bytes.is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0)) {
            self.metadata(range.start, len);
        }
    }

    /// Names what another ledger names too.
    pub(super) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Everything that was named.
    pub(super) fn into_spans(self) -> Vec<Span> {
        self.0
    }

    fn push(&mut self, span: Span) {
        if span.len == 0 {
            return;
        }
        match self.0.last_mut() {
            Some(last)
                if last.role == Role::Metadata
                    && span.role == last.role
                    && last.at.checked_add(last.len) == Some(span.at) =>
            {
                last.len = last.len.saturating_add(span.len);
            }
            _ => self.0.push(span),
        }
    }
}

/// Content that is not all there, or not what it should be: what there is of it, and why.
pub(super) struct Damaged {
    /// The first bytes of the content, as far as they could be read.
    pub(super) bytes: Bytes,
    /// Why the rest is missing.
    pub(super) problem: Problem,
}

impl Data for Damaged {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        out.write_all(&self.bytes)?;
        Err(Fault::Problem(self.problem.clone()))
    }
}

/// A file of which only some bytes are there.
pub(super) fn damaged(size: u64, bytes: Bytes, problem: Problem) -> File {
    File {
        size,
        data: Arc::new(Damaged { bytes, problem }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_metadata_is_one_span_and_holes_stay_open() {
        let mut ledger = Ledger::default();
        ledger.metadata(0, 512);
        ledger.padding(&[0; 1024], 512..600);
        ledger.metadata_but(600, 100, [10..20, 90..100]);
        ledger.padding(&[7; 1024], 700..800);
        ledger.structure(700, &[0; 20], &[5..10, 30..40]);
        ledger.structure(720, &[1; 20], &[5..8, 8..10]);
        assert_eq!(
            ledger.into_spans(),
            [
                Span::metadata(0, 610),
                Span::metadata(620, 70),
                Span::metadata(700, 25),
                Span::metadata(730, 10)
            ]
        );
    }
}
