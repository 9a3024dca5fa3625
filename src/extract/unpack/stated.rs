//! Regions that no magic tells: the whole image is what somebody said it is, or unknown bytes show what they are when a key is undone.

use std::ops::Range;

use bytes::Bytes;

use super::{Home, Unpacker};
use crate::digest::hex;
use crate::extract::gaps::GapKind;
use crate::extract::obscured::{self, Recognised};
use crate::extract::search::Hit;
use crate::extract::settle::Claim;
use crate::formats::nand::{self, Choice};
use crate::formats::{self, Format, Opened, Proof, Properties, binary, xor};
use crate::problem::{Problem, ProblemKind};
use crate::read::{clip, length};

/// So many gaps of one image are tried for a key.
const MOST_TRIED: usize = 64;

impl Unpacker<'_> {
    /// An image opened as what somebody said it is: which format, how much of it, and what it holds.
    pub(super) fn open_as_stated(&self, bytes: &Bytes) -> Option<(&'static str, u64, Opened)> {
        match (self.nand, self.base) {
            (&Choice::Stated(geometry, ecc), _) => {
                let (len, opened) = nand::open_as(bytes, geometry, ecc);
                Some((nand::ID, len, opened))
            }
            (_, Some(base)) => {
                let opened = binary::open_at(bytes.clone(), base);
                Some((binary::ID, length(bytes), opened))
            }
            _ => None,
        }
    }

    /// Takes a range of a stream as a region of the format with this name.
    pub(super) fn take_stated(
        &mut self,
        stream: &Bytes,
        id: &str,
        range: Range<u64>,
        opened: Opened,
        hits: &[Hit],
        home: &Home,
    ) {
        let stated = |format: &&&'static dyn Format| format.doc().id == id;
        if let Some(format) = formats::ALL.iter().find(stated)
            && !range.is_empty()
        {
            let claim = Claim {
                format: *format,
                at: range.start,
                len: range.end.saturating_sub(range.start),
                missing: 0,
                proof: Proof::Magic,
                drained: None,
                properties: Properties::new(),
                opened: Some(opened),
            };
            self.take(stream, claim, hits, home);
        }
    }

    /// Takes the unknown bytes between the fill at both ends of a gap as a region, if a short key hides a known format in them and
    /// that is to be undone; else tells it. Returns what was taken, as a range of the gap.
    pub(super) fn take_obscured(
        &mut self,
        stream: &Bytes,
        gap: &Range<u64>,
        pieces: &[(Range<u64>, GapKind)],
        home: &Home,
    ) -> Option<Range<u64>> {
        let mut unknown = pieces.iter().filter(|(_, kind)| kind.is_unknown());
        let first = unknown.next()?.0.clone();
        let last = unknown
            .next_back()
            .map_or(first.end, |(range, _)| range.end);
        let len = last.saturating_sub(first.start);
        if len < obscured::LEAST || self.tried >= MOST_TRIED {
            return None;
        }
        self.tried = self.tried.saturating_add(1);
        let start = gap.start.saturating_add(first.start);
        let bytes = clip(stream, start, len);
        let Recognised { key, format, at } = obscured::recognise(&bytes)?;
        if self.undoes_xor {
            let range = start..start.saturating_add(len);
            let opened = xor::open_with(bytes, key);
            self.take_stated(stream, xor::ID, range, opened, &[], home);
            return Some(first.start..last);
        }
        let detail = format!(
            "XORed with the repeating key {}: undone, {format} shows {at} bytes behind; read it with --xor",
            hex(&key)
        );
        let place = home.place.offset(start.saturating_sub(home.place_origin));
        let problem = Problem::new(ProblemKind::Encrypted, detail);
        self.tell(&place, home.owner(), vec![problem]);
        None
    }
}
