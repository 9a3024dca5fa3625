//! From member to member, to the trailer.

use bytes::Bytes;

use crate::formats::Span;
use crate::formats::archive::cpio::header::{Member, Variant};
use crate::formats::stored::Ledger;
use crate::problem::Problem;
use crate::read::{index, length};

/// How far behind a damaged header the next sound one is looked for (16 MiB).
const RESYNC: u64 = 16 << 20;

/// A walk over the members of one archive.
pub(super) struct Walk<'a> {
    archive: &'a Bytes,
    variant: Option<Variant>,
    /// The next byte to read; at the end of the walk, the archive's end. Beyond the bytes that are there when
    /// the last body is cut off.
    pub(super) at: u64,
    /// How many members there were.
    pub(super) count: u64,
    /// Whether the walk ended with a trailer.
    pub(super) is_ended: bool,
    /// Bodies' bytes are not in it: what they are depends on the entry.
    pub(super) ledger: Ledger,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(archive: &'a Bytes) -> Self {
        Self {
            archive,
            variant: None,
            at: 0,
            count: 0,
            is_ended: false,
            ledger: Ledger::default(),
            problems: Vec::new(),
        }
    }

    /// Everything that was named and everything that was wrong.
    pub(super) fn into_parts(self) -> (Vec<Span>, Vec<Problem>) {
        (self.ledger.into_spans(), self.problems)
    }

    /// The next member; `None` behind the trailer, and where no member is found any more.
    pub(super) fn next(&mut self) -> Option<Member<'a>> {
        if self.is_ended {
            return None;
        }
        let member = self.member()?;
        self.variant = Some(member.header.variant);
        self.name_spans(&member);
        if member.is_trailer() {
            self.is_ended = true;
            if member.header.size != 0 {
                self.corrupt(
                    "the trailer states a body; it was not taken for one",
                    member.at,
                );
            }
            self.at = member.body_at.min(length(self.archive));
            return None;
        }
        self.count = self.count.saturating_add(1);
        self.at = member.next;
        Some(member)
    }

    fn member(&mut self) -> Option<Member<'a>> {
        if self.at >= length(self.archive) {
            self.corrupt("the archive ends without its trailer", self.at);
            return None;
        }
        match Member::parse(self.archive, self.at) {
            Ok(member) if self.fits(&member) => Some(member),
            Ok(_) => self.resync("a member of another variant where the next is due"),
            Err(why) => self.resync(why),
        }
    }

    /// The next sound member; `None` when there is none near.
    fn resync(&mut self, why: &'static str) -> Option<Member<'a>> {
        let start = self.at;
        self.corrupt(why, start);
        let alignment = self.variant.map_or(1, Variant::alignment);
        let window = start.saturating_add(RESYNC).min(length(self.archive));
        let mut at = start.saturating_add(alignment);
        while at < window {
            // Every magic starts with one of these; most bytes do not.
            let here = self.archive.get(index(at)..).unwrap_or_default();
            if matches!(here, [b'0', b'7', ..] | [0xc7, 0x71, ..] | [0x71, 0xc7, ..])
                && let Ok(member) = Member::parse(self.archive, at)
                && self.fits(&member)
                && is_followed(self.archive, &member)
            {
                return Some(member);
            }
            at = at.saturating_add(alignment);
        }
        self.corrupt("no further member and no trailer", start);
        None
    }

    fn fits(&self, member: &Member<'_>) -> bool {
        self.variant
            .is_none_or(|variant| variant == member.header.variant)
    }

    fn name_spans(&mut self, member: &Member<'_>) {
        let header_len = member.header.variant.header_len();
        self.ledger.metadata(member.at, header_len);
        let name_len = length(member.name);
        self.ledger.metadata(member.name_at, name_len);
        // The NUL, what a writer may have left behind it, and the padding.
        let rest_at = member.name_at.saturating_add(name_len);
        self.ledger.padding(self.archive, rest_at..member.body_at);
        if !member.is_trailer() {
            let body_end = member.body_at.saturating_add(member.header.size);
            self.ledger.padding(self.archive, body_end..member.next);
        }
    }

    fn corrupt(&mut self, detail: &str, at: u64) {
        self.problems.push(Problem::corrupt(detail).at(at));
    }
}

/// Whether `member` is the trailer, or a plausible one that is followed by another or by the archive's end.
pub(super) fn is_followed(archive: &[u8], member: &Member<'_>) -> bool {
    let next = |member: &Member<'_>| Member::parse(archive, member.next);
    member.is_trailer()
        || (member.is_plausible()
            && (member.next >= length(archive)
                || next(member).is_ok_and(|next| next.is_plausible())))
}
