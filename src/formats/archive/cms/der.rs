//! DER: tag, length and value, one element after another.

use crate::read::length;

/// Tags, as far as they are looked for.
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const IDENTIFIER: u8 = 0x06;
/// `[0]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;

/// One element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
    /// Its length with tag and length, in bytes.
    pub(super) len: u64,
}

impl<'a> Element<'a> {
    /// The element at the start of `bytes`, and what follows it.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&tag, rest) = bytes.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let count = usize::from(first & 0x7f);
        let (len, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // No length at all is BER's; more than four bytes of it are of no message.
            (1..=4).contains(&count).then_some(())?;
            let (digits, rest) = rest.split_at_checked(count)?;
            let len = digits
                .iter()
                .fold(0, |len, byte| len << 8 | usize::from(*byte));
            (len, rest)
        };
        let (body, behind) = rest.split_at_checked(len)?;
        let used = bytes.len().checked_sub(behind.len())?;
        let element = Self {
            tag,
            body,
            len: u64::try_from(used).ok()?,
        };
        Some((element, behind))
    }

    /// The elements inside, as many as can be read.
    pub(super) fn children(self) -> impl Iterator<Item = Element<'a>> {
        let mut left = self.body;
        std::iter::from_fn(move || {
            let (element, rest) = Element::read(left)?;
            left = rest;
            Some(element)
        })
    }

    /// The first element inside.
    pub(super) fn first(self) -> Option<Element<'a>> {
        self.children().next()
    }

    /// Itself, if it has this tag.
    pub(super) fn of(self, tag: u8) -> Option<Self> {
        (self.tag == tag).then_some(self)
    }

    /// Where its body starts in the bytes that it was read from.
    pub(super) fn offset_in(self, whole: &[u8]) -> u64 {
        let range = whole.as_ptr_range();
        let at = self.body.as_ptr().addr().saturating_sub(range.start.addr());
        u64::try_from(at).unwrap_or_default().min(length(whole))
    }
}
