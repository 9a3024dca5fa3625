//! Opening one region: its content goes on the work list, its bytes into the account.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use super::{Home, Payload, Unpacker, Work, whole};
use crate::entry::EntryPath;
use crate::extract::drain::{Drained, drain};
use crate::extract::gaps::{self, GapKind};
use crate::extract::inventory::{Gap, Region, State};
use crate::extract::ledger::{self, Coverage};
use crate::extract::search::Hit;
use crate::extract::settle::Claim;
use crate::facts::banner::banners;
use crate::facts::vxworks::symbol_table;
use crate::formats::{self, Opened, Part, PartBytes, Properties, Span, binary};
use crate::image::map;
use crate::place::escape;
use crate::problem::{Problem, ProblemKind};
use crate::read::clip;

/// Fill inside a region is listed as a gap from so many bytes on; less is only counted.
const LISTED_FILL: u64 = 4096;

/// What decoded bytes are of their region.
pub(super) enum Decoding {
    /// Its one payload.
    Payload,
    /// Its one payload, of which some is missing or wrong.
    DamagedPayload,
    /// One part of several.
    Part,
    /// What is loaded at an address, as an entry of this path.
    Loaded(EntryPath),
}

impl Unpacker<'_> {
    /// Opens one region and accounts for its bytes.
    pub(super) fn take(&mut self, stream: &Bytes, claim: Claim, hits: &[Hit], home: &Home) {
        let bytes = clip(stream, claim.at, claim.len);
        let doc = claim.format.doc();
        let region = self.found.regions.len();
        let place = home
            .place
            .region(doc.id, claim.at.saturating_sub(home.place_origin));
        self.found.regions.push(Region {
            place: place.clone(),
            format: doc,
            at: home.at(claim.at),
            len: claim.len,
            parent: home.parent,
            within: home.within,
            stored: home.stored,
            state: State::Read,
            proof: claim.proof,
            decoded: None,
            properties: BTreeMap::new(),
            bytes: bytes.clone(),
        });
        let inner = Home {
            place,
            parent: Some(region),
            within: None,
            depth: home.depth.saturating_add(1),
            ledger: home.ledger,
            at_origin: claim.at,
            at_base: 0,
            place_origin: claim.at,
            stored: false,
            except: Some((claim.at, doc.id)),
            leftover: false,
        };
        if claim.missing > 0 {
            let detail = format!("cut off: {} more bytes should follow", claim.missing);
            self.tell_region(region, vec![Problem::corrupt(detail)]);
        }
        let mut parts = Vec::new();
        let spans = if let Some(drained) = claim.drained {
            self.set_properties(region, &claim.properties);
            self.take_drained(drained, &inner)
        } else {
            let opened = claim
                .opened
                .unwrap_or_else(|| claim.format.open(bytes, self.budget));
            self.take_opened(opened, claim.len, stream, hits, &inner, &mut parts)
        };
        self.account(stream, claim.len, &spans, parts, hits, &inner);
    }

    /// Takes what a format opened; returns the spans, and in `parts` the ranges that other regions own.
    pub(super) fn take_opened(
        &mut self,
        opened: Opened,
        len: u64,
        stream: &Bytes,
        hits: &[Hit],
        inner: &Home,
        parts: &mut Vec<Range<u64>>,
    ) -> Vec<Span> {
        let region = inner.parent.unwrap_or_default();
        self.tell_region(region, opened.problems);
        self.set_properties(region, &opened.properties);
        match opened.content {
            formats::Content::Unread => {
                self.worsen(region, State::Unread);
            }
            formats::Content::Stream(decoder) => {
                let drained = drain(decoder, len, self.budget);
                let mut spans = self.take_drained(drained, inner);
                spans.extend(opened.spans);
                return spans;
            }
            formats::Content::Layout(layout) => {
                let mut spans = self.take_layout(layout, len, stream, hits, inner, parts);
                spans.extend(opened.spans);
                return spans;
            }
            formats::Content::Memory(memory) => {
                self.take_memory(memory, len, stream, hits, inner, parts);
            }
            formats::Content::Tree(tree) => {
                self.take_history(&tree.history, region, &inner.place);
                self.take_tree(tree.entries, Some(region), &inner.place, len, inner.depth);
            }
        }
        opened.spans
    }

    fn set_properties(&mut self, region: usize, properties: &Properties) {
        if let Some(region) = self.found.regions.get_mut(region) {
            let pairs = properties.iter();
            region.properties = pairs
                .map(|(name, value)| (escape(name), escape(value)))
                .collect();
        }
    }

    pub(super) fn take_drained(&mut self, drained: Drained, inner: &Home) -> Vec<Span> {
        let region = inner.parent.unwrap_or_default();
        let problems = drained.ending.problems;
        let whole = !problems.iter().any(|problem| problem.kind.hides_content());
        self.tell_region(region, problems);
        let as_what = if whole {
            Decoding::Payload
        } else {
            Decoding::DamagedPayload
        };
        self.take_decoded(drained.bytes, inner, as_what);
        drained.ending.spans
    }

    /// Queues decoded bytes as a stream with an account of their own.
    pub(super) fn take_decoded(&mut self, bytes: Bytes, inner: &Home, as_what: Decoding) {
        let region = inner.parent.unwrap_or_default();
        let ledger = self
            .decoded
            .get(&region)
            .map_or(self.ledgers.len(), |&(ledger, _)| ledger);
        if ledger == self.ledgers.len() {
            self.ledgers.push(Coverage::default());
        }
        let home = Home {
            ledger: Some(ledger),
            at_origin: 0,
            at_base: 0,
            place_origin: 0,
            stored: false,
            // Where it is loaded is known already; a vector table would only make it a guess.
            except: matches!(as_what, Decoding::Loaded(_)).then_some((0, binary::ID)),
            leftover: false,
            ..inner.clone()
        };
        let (digest, hits) = self.hash_and_search(&bytes, &home, |_| ());
        // The digest of what is not all there would pass for that of the whole.
        let sha256 = matches!(as_what, Decoding::Payload).then_some(digest);
        self.decoded.insert(region, (ledger, sha256));
        let payload = match as_what {
            Decoding::Payload | Decoding::DamagedPayload => Some(Payload {
                sha256,
                place: inner.place.clone(),
                path: EntryPath::root(),
            }),
            Decoding::Loaded(path) => Some(Payload {
                sha256: Some(digest),
                place: self.place_of(region),
                path,
            }),
            Decoding::Part => None,
        };
        self.work.push_back(Work {
            ranges: whole(&bytes),
            bytes,
            hits,
            home,
            payload,
        });
    }

    /// Explores the parts of a layout; returns the spans that the decoding of some brought.
    pub(super) fn take_layout(
        &mut self,
        layout: Vec<Part>,
        len: u64,
        stream: &Bytes,
        hits: &[Hit],
        inner: &Home,
        owned: &mut Vec<Range<u64>>,
    ) -> Vec<Span> {
        let (mut ranges, mut built) = (Vec::new(), Vec::new());
        for part in layout {
            match part.bytes {
                PartBytes::Range(range) => ranges.push((range, part.name)),
                bytes => built.push((bytes, part.name)),
            }
        }
        self.take_ranges(ranges, len, stream, hits, inner, owned);
        let mut spans = Vec::new();
        for (bytes, name) in built {
            let home = Home {
                place: inner.place.part(&name),
                ..inner.clone()
            };
            match bytes {
                PartBytes::Range(_) => {}
                PartBytes::Decoded(bytes) => self.take_decoded(bytes, &home, Decoding::Part),
                PartBytes::Stream(decoder) => {
                    let drained = drain(decoder, len, self.budget);
                    self.tell_region(inner.parent.unwrap_or_default(), drained.ending.problems);
                    spans.extend(drained.ending.spans);
                    self.take_decoded(drained.bytes, &home, Decoding::Part);
                }
            }
        }
        spans
    }

    /// Explores the parts that are plain ranges of the region.
    pub(super) fn take_ranges(
        &mut self,
        mut ranges: Vec<(Range<u64>, Vec<u8>)>,
        len: u64,
        stream: &Bytes,
        hits: &[Hit],
        inner: &Home,
        owned: &mut Vec<Range<u64>>,
    ) {
        let region = inner.parent.unwrap_or_default();
        ranges.sort_by_key(|(range, _)| (range.start, range.end));
        let mut free_from = 0;
        for (range, name) in ranges {
            let range = range.start.min(len)..range.end.min(len);
            if range.is_empty() {
                continue;
            }
            let own = range.start >= free_from;
            if own {
                free_from = range.end;
                owned.push(range.clone());
            } else {
                let detail = format!("the part {:?} overlaps the one before it", escape(&name));
                self.tell_region(
                    region,
                    vec![Problem::new(ProblemKind::Overlap, detail).at(range.start)],
                );
                // Bytes that are looked at again are spent, or parts over parts would cost without end.
                let again = range.end.saturating_sub(range.start);
                if let Err(problem) = self.budget.spend_decoded(again) {
                    self.tell_region(region, vec![problem]);
                    continue;
                }
            }
            let start = inner.at_origin.saturating_add(range.start);
            let home = Home {
                place: inner.place.part(&name),
                ledger: inner.ledger.filter(|_| own),
                place_origin: if name.is_empty() {
                    inner.place_origin
                } else {
                    start
                },
                ..inner.clone()
            };
            let end = inner.at_origin.saturating_add(range.end);
            self.explore(stream, start..end, hits, &home);
        }
    }

    /// Enters a region's bytes in the account: what its format explains, what parts own, and the gaps between.
    pub(super) fn account(
        &mut self,
        stream: &Bytes,
        len: u64,
        spans: &[Span],
        parts: Vec<Range<u64>>,
        hits: &[Hit],
        inner: &Home,
    ) {
        let decodes = inner
            .parent
            .is_some_and(|region| self.decoded.contains_key(&region));
        let inner = &Home {
            stored: decodes,
            leftover: true,
            ..inner.clone()
        };
        let parts = ledger::merge(parts);
        let painted = ledger::paint(spans, &parts, len);
        let mut taken = parts;
        for (range, role) in painted {
            self.count(inner.ledger, role, range.end.saturating_sub(range.start));
            taken.push(range);
        }
        let shift = |range: &Range<u64>| {
            inner.at_origin.saturating_add(range.start)..inner.at_origin.saturating_add(range.end)
        };
        for gap in ledger::complement(&ledger::merge(taken), 0..len) {
            let gap = shift(&gap);
            let any = hits.partition_point(|hit| hit.at < gap.start)
                < hits.partition_point(|hit| hit.at < gap.end);
            if any {
                self.explore(stream, gap, hits, inner);
            } else {
                self.add_gap(stream, gap, inner, false);
            }
        }
    }

    pub(super) fn add_gap(
        &mut self,
        stream: &Bytes,
        range: Range<u64>,
        home: &Home,
        list_all: bool,
    ) {
        let bytes = clip(stream, range.start, range.end.saturating_sub(range.start));
        let pieces = gaps::classify(&bytes);
        let taken = self.take_obscured(stream, &range, &pieces, home);
        let within = |piece: &Range<u64>| {
            let inside = |taken: &Range<u64>| taken.start <= piece.start && piece.end <= taken.end;
            taken.as_ref().is_some_and(inside)
        };
        for (piece, kind) in pieces {
            if within(&piece) {
                continue;
            }
            let len = piece.end.saturating_sub(piece.start);
            map::touched(len);
            if let Some(ledger) = home.ledger.and_then(|ledger| self.ledgers.get_mut(ledger)) {
                ledger.count_gap(kind, len);
            }
            let inside = home.except.is_some() && !list_all;
            if inside && len < LISTED_FILL && matches!(kind, GapKind::Fill { .. }) {
                continue;
            }
            let at = range.start.saturating_add(piece.start);
            let own = clip(&bytes, piece.start, len);
            let (banners, symbol_table) = if kind.is_unknown() {
                (banners(&own), symbol_table(&own))
            } else {
                (Vec::new(), None)
            };
            self.found.gaps.push(Gap {
                place: home.place.offset(at.saturating_sub(home.place_origin)),
                at: home.at(at),
                len,
                parent: home.parent,
                within: home.within,
                stored: home.stored,
                kind,
                banners,
                symbol_table,
                bytes: own,
            });
        }
    }
}
