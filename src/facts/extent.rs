//! How far a content of known type reaches by its own structure, so that what lies behind or between is seen.

mod media;
mod tables;

use std::ops::Range;

use super::filetype::{self, FileType};
use super::{elf, pe};
use crate::read::{index, length};

impl FileType {
    /// Where a content of this type ends by its own structure, in bytes from its start; `None` when its structure
    /// does not tell or is broken. What follows is nobody's: a gap.
    pub fn end_of(self, bytes: &[u8]) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Elf => elf::explained(bytes).map(|explained| explained.end()),
            Self::Pe => pe::explained(bytes).map(|explained| explained.end()),
            Self::Script | Self::Text | Self::Pem => Some(filetype::text_end(bytes)),
            Self::Png => media::png(bytes),
            Self::Jpeg => media::jpeg(bytes),
            Self::Gif => media::gif(bytes),
            Self::Bmp => media::bmp(bytes),
            Self::Wav => media::wav(bytes),
            Self::Ogg => media::ogg(bytes),
            Self::Font => tables::font(bytes),
            Self::Dex => tables::dex(bytes),
            Self::Sqlite => tables::sqlite(bytes),
            Self::GettextMo => tables::gettext_mo(bytes),
            Self::LinuxKernel
            | Self::JavaClass
            | Self::PythonBytecode
            | Self::LuaBytecode
            | Self::LocaleArchive
            | Self::Unknown => None,
        }
        .filter(|&end| end <= length(bytes))
    }

    /// The ranges of a content that its structure does not explain: holes between the parts of an ELF or PE file
    /// that hold anything but zeros, and the tail behind any content. In bytes from the content's start, in order.
    /// The whole content where the structure is broken or does not tell.
    pub fn holes(self, bytes: &[u8]) -> Vec<Range<u64>> {
        let explained = match self {
            Self::Elf => elf::explained(bytes),
            Self::Pe => pe::explained(bytes),
            _ => None,
        };
        if let Some(explained) = explained {
            return explained.holes();
        }
        let tail = self.end_of(bytes).unwrap_or(0)..length(bytes);
        (!tail.is_empty()).then_some(tail).into_iter().collect()
    }
}

/// The ranges of a content that its tables name.
pub(super) struct Explained<'a> {
    bytes: &'a [u8],
    ranges: Vec<(u64, u64)>,
}

impl<'a> Explained<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            ranges: Vec::new(),
        }
    }

    /// Names `len` bytes at `at`; ignored when they are not all there.
    pub(super) fn add(&mut self, at: u64, len: u64) {
        if let Some(end) = at.checked_add(len)
            && len > 0
            && end <= length(self.bytes)
        {
            self.ranges.push((at, end));
        }
    }

    /// Where the last range ends.
    pub(super) fn end(&self) -> u64 {
        self.ranges.iter().map(|range| range.1).max().unwrap_or(0)
    }

    /// What lies between the ranges and is not all zero, and what lies behind them.
    fn holes(mut self) -> Vec<Range<u64>> {
        self.ranges.sort_unstable();
        let mut holes = Vec::new();
        let mut reached = 0;
        for &(at, end) in &self.ranges {
            if at > reached && self.holds_something(reached..at) {
                holes.push(reached..at);
            }
            reached = end.max(reached);
        }
        if reached < length(self.bytes) {
            holes.push(reached..length(self.bytes));
        }
        holes
    }

    fn holds_something(&self, hole: Range<u64>) -> bool {
        let bytes = self.bytes.get(index(hole.start)..index(hole.end));
        bytes.is_some_and(|bytes| bytes.iter().any(|&byte| byte != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_what_no_range_names() {
        let mut bytes = [0; 20];
        bytes[6] = 1;
        let mut explained = Explained::new(&bytes);
        explained.add(8, 4);
        explained.add(0, 2);
        explained.add(1, 1);
        explained.add(12, 9);
        explained.add(u64::MAX, 2);
        assert_eq!(explained.end(), 12);
        assert_eq!(explained.holes(), [2..8, 12..20]);
        bytes[6] = 0;
        let mut explained = Explained::new(&bytes);
        explained.add(8, 12);
        explained.add(0, 2);
        assert_eq!(explained.holes(), [], "zeros are padding");
    }
}
