//! Which of the formats that a stream's magics betray really are there.
//!
//! A region inside another that is at least structurally proven belongs to it. Of two that overlap in part, the
//! stronger proof wins, then the longer one.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use super::drain::{Drained, drain};
use super::search::Hit;
use crate::budget::Budget;
use crate::formats::{self, Extent, Format, Length, Opened, Proof, Properties, Reject};
use crate::image::map;
use crate::problem::{Problem, ProblemKind};
use crate::read::{clip, length};

/// So many near misses or lost overlaps are told, each for one format and one stream; more are one problem of their own.
const MOST_TOLD: usize = 64;

/// A region with its gaps, its payload and its problems takes the memory of so many entries.
const REGION_COST: u64 = 16;

/// Bytes of a stream that a format claims and keeps.
pub(super) struct Claim {
    /// The format.
    pub(super) format: &'static dyn Format,
    /// First byte, from the stream's start.
    pub(super) at: u64,
    /// Length in bytes, as far as the stream reaches.
    pub(super) len: u64,
    /// How many bytes the format says are missing behind the stream's end.
    pub(super) missing: u64,
    /// How strongly it is proven.
    pub(super) proof: Proof,
    /// What it decoded to, when only decoding could measure it.
    pub(super) drained: Option<Drained>,
    /// What it says about itself, when it was opened to be measured.
    pub(super) properties: Properties,
    /// What it holds, when somebody stated what it is and no format was asked.
    pub(super) opened: Option<Opened>,
}

impl Claim {
    fn end(&self) -> u64 {
        self.at.saturating_add(self.len)
    }

    /// Whether it starts in what the region of `outer` leaves over, is of the same format and does not end there: journals and
    /// free blocks keep copies of how a file system starts.
    fn copies(&self, outer: (u64, &'static str)) -> bool {
        self.missing > 0 && self.format.doc().id == outer.1
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.at < other.end() && other.at < self.end()
    }

    /// Whether all of `other` lies inside, and this is proven well enough to answer for it.
    fn holds(&self, other: &Self) -> bool {
        let inside = self.at <= other.at && other.end() <= self.end();
        let larger = self.len > other.len || self.proof >= other.proof;
        inside && larger && self.proof >= Proof::Structure
    }
}

/// What was decided about a range of a stream.
#[derive(Default)]
pub(super) struct Settled {
    /// The claims that stand, in order and without overlap.
    pub(super) claims: Vec<Claim>,
    /// Near misses and lost overlaps, with offsets in bytes from the stream's start.
    pub(super) problems: Vec<Problem>,
}

/// Settles who owns what of `range`; `hits` are those that start in it. `outer` is the claim, by its first byte and format, whose
/// format does not explain these bytes.
pub(super) fn settle(
    stream: &Bytes,
    range: Range<u64>,
    hits: &[Hit],
    outer: Option<(u64, &'static str)>,
    budget: &Budget,
) -> Settled {
    let mut settling = Settling {
        stream,
        end: range.end,
        outer,
        budget,
        told: vec![0; formats::ALL.len()],
        standing: BTreeMap::new(),
        refused: false,
        problems: Vec::new(),
    };
    let decoding = settling.measure(hits);
    for (hit, format, proof) in decoding {
        settling.decode(hit, format, proof);
    }
    Settled {
        claims: settling.standing.into_values().collect(),
        problems: settling.problems,
    }
}

struct Settling<'a> {
    stream: &'a Bytes,
    end: u64,
    outer: Option<(u64, &'static str)>,
    budget: &'a Budget,
    /// How many rejected claims were told, by format.
    told: Vec<usize>,
    /// The claims that stand, by their first byte. None is empty and no two overlap, so that the rivals of another are
    /// neighbours here: a stream may hold a million.
    standing: BTreeMap<u64, Claim>,
    /// Whether the budget refused a claim; no more are made then.
    refused: bool,
    problems: Vec<Problem>,
}

impl Settling<'_> {
    /// Settles the formats that state their length; returns the hits that only decoding can measure.
    fn measure(&mut self, hits: &[Hit]) -> Vec<(Hit, &'static dyn Format, Proof)> {
        let mut known: Vec<Claim> = Vec::new();
        let mut decoding = Vec::new();
        // Inside a region of one format its own magics are parts of it (the nodes of a log, say).
        let mut own_end = vec![0; formats::ALL.len()];
        for hit in hits {
            let (Some(format), Some(own_end)) = (hit.format(), own_end.get_mut(hit.format)) else {
                continue;
            };
            if hit.at < *own_end || self.is_tired(hit.format) {
                continue;
            }
            let rest = self.rest(hit.at);
            map::visited();
            match format.measure(&rest) {
                Ok(Extent {
                    len: Length::Known(len),
                    proof,
                }) if len > 0 => {
                    let here = len.min(length(&rest));
                    let claim = Claim {
                        format,
                        at: hit.at,
                        len: here,
                        missing: len.saturating_sub(here),
                        proof,
                        drained: None,
                        properties: Properties::new(),
                        opened: None,
                    };
                    if let Some((at, id)) = self.outer.filter(|&outer| claim.copies(outer)) {
                        self.lose(&claim, (Proof::Checksum, id, at));
                        continue;
                    }
                    *own_end = hit.at.saturating_add(here);
                    known.push(claim);
                }
                Ok(Extent { proof, .. }) => decoding.push((*hit, format, proof)),
                Err(reject) => self.reject(*hit, format, reject),
            }
        }
        self.keep_strongest(known);
        decoding
    }

    fn keep_strongest(&mut self, mut known: Vec<Claim>) {
        known.sort_by_key(|claim| (claim.at, u64::MAX.saturating_sub(claim.len)));
        let mut outer: Vec<Claim> = Vec::new();
        let mut widest: Option<usize> = None;
        for claim in known {
            let held = widest
                .and_then(|index| outer.get(index))
                .is_some_and(|wide| wide.holds(&claim));
            if held {
                continue;
            }
            let reaches = widest
                .and_then(|index| outer.get(index))
                .map_or(0, Claim::end);
            if claim.end() >= reaches && claim.proof >= Proof::Structure {
                widest = Some(outer.len());
            }
            outer.push(claim);
        }
        outer.sort_by(|a, b| (b.proof, b.len, a.at).cmp(&(a.proof, a.len, b.at)));
        for claim in outer {
            match self.rival_of(&claim) {
                Some(rival) => self.lose(&claim, rival),
                None => self.stand(claim),
            }
        }
    }

    /// Decodes a stream to learn its length, unless somebody owns its start.
    fn decode(&mut self, hit: Hit, format: &'static dyn Format, proof: Proof) {
        let before = self.standing.range(..=hit.at).next_back();
        let owned = before
            .is_some_and(|(_, claim)| hit.at < claim.end() && claim.proof >= Proof::Structure);
        if owned || self.refused || self.is_tired(hit.format) {
            return;
        }
        let rest = self.rest(hit.at);
        let opened = format.open(rest.clone(), self.budget);
        let formats::Content::Stream(decoder) = opened.content else {
            return;
        };
        let mut drained = drain(decoder, length(&rest), self.budget);
        drained.ending.problems.extend(opened.problems);
        drained.ending.spans.extend(opened.spans);
        let (len, proof) = match &drained.ending.extent {
            _ if drained.stopped => {
                // Where it ends is not known: it keeps what it has read.
                let spans = drained.ending.spans.iter();
                let read = spans.map(|span| span.at.saturating_add(span.len)).max();
                (read.unwrap_or(1), proof)
            }
            Ok((len, proof)) => (*len, *proof),
            Err(reject) => {
                let reject = *reject;
                return self.reject(hit, format, reject);
            }
        };
        let claim = Claim {
            format,
            at: hit.at,
            len: len.clamp(1, length(&rest).max(1)),
            missing: 0,
            proof,
            drained: Some(drained),
            properties: opened.properties,
            opened: None,
        };
        self.place(claim);
    }

    /// Gives a decoded claim its bytes if its proof is stronger than that of everyone it overlaps. What lies inside a stream whose
    /// checksum holds is a part of it: some compressors store what they cannot make smaller.
    fn place(&mut self, claim: Claim) {
        let sealed = claim.proof == Proof::Checksum;
        let is_part = |other: &Claim| sealed && claim.holds(other);
        let rivals = self.rivals(&claim).filter(|other| !is_part(other));
        match strongest(rivals) {
            Some(rival) if rival.0 >= claim.proof => self.lose(&claim, rival),
            _ => {
                let lost: Vec<u64> = self.rivals(&claim).map(|other| other.at).collect();
                for other in lost
                    .iter()
                    .filter_map(|at| self.standing.remove(at))
                    .filter(|other| !is_part(other))
                    .collect::<Vec<_>>()
                {
                    self.lose(&other, (claim.proof, claim.format.doc().id, claim.at));
                }
                self.stand(claim);
            }
        }
    }

    /// The strongest claim that stands and overlaps this one.
    fn rival_of(&self, claim: &Claim) -> Option<(Proof, &'static str, u64)> {
        strongest(self.rivals(claim))
    }

    /// The claims that stand and overlap this one: from the last that starts before its end, backwards.
    fn rivals<'s>(&'s self, claim: &'s Claim) -> impl Iterator<Item = &'s Claim> {
        let before = self.standing.range(..claim.end()).rev();
        before
            .map(|(_, other)| other)
            .take_while(|other| other.overlaps(claim))
    }

    /// Lets a claim stand. A region is spent like several entries: it costs as much to keep.
    fn stand(&mut self, claim: Claim) {
        if self.refused {
            return;
        }
        match self.budget.spend_entries(REGION_COST) {
            Ok(()) => {
                self.standing.insert(claim.at, claim);
            }
            Err(problem) => {
                self.refused = true;
                self.problems.push(problem.at(claim.at));
            }
        }
    }

    fn lose(&mut self, claim: &Claim, (_, winner, winner_at): (Proof, &'static str, u64)) {
        let index = formats::ALL
            .iter()
            .position(|format| format.doc().id == claim.format.doc().id);
        let detail = format!(
            "{} of {} bytes here would overlap {winner} at {winner_at:#x}, whose proof is stronger",
            claim.format.doc().id,
            claim.len
        );
        let problem = Problem::new(ProblemKind::Overlap, detail).at(claim.at);
        self.tell(index.unwrap_or_default(), problem);
    }

    fn reject(&mut self, hit: Hit, format: &'static dyn Format, reject: Reject) {
        if let Reject::NearMiss(why) = reject {
            let detail = format!("{}: {why}", format.doc().id);
            self.tell(
                hit.format,
                Problem::new(ProblemKind::NearMiss, detail).at(hit.at),
            );
        }
    }

    fn tell(&mut self, format: usize, problem: Problem) {
        let Some(told) = self.told.get_mut(format) else {
            return;
        };
        *told = told.saturating_add(1);
        if *told < MOST_TOLD {
            self.problems.push(problem);
        } else if *told == MOST_TOLD {
            let id = formats::ALL
                .get(format)
                .map_or("", |format| format.doc().id);
            let detail = format!(
                "more than {MOST_TOLD} damaged or overlapping {id} regions; no more were looked at"
            );
            self.problems.push(Problem::limit(detail));
        }
    }

    /// Whether so many claims of a format failed that no more of them are looked at.
    fn is_tired(&self, format: usize) -> bool {
        self.told.get(format).is_some_and(|&told| told >= MOST_TOLD)
    }

    fn rest(&self, at: u64) -> Bytes {
        clip(self.stream, at, self.end.saturating_sub(at))
    }
}

/// The strongest of some claims: its proof, its format and where it starts.
fn strongest<'s>(claims: impl Iterator<Item = &'s Claim>) -> Option<(Proof, &'static str, u64)> {
    claims
        .map(|claim| (claim.proof, claim.format.doc().id, claim.at))
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Limits;

    fn claim(at: u64, len: u64, proof: Proof) -> Option<Claim> {
        Some(Claim {
            format: *formats::ALL.first()?,
            at,
            len,
            missing: 0,
            proof,
            drained: None,
            properties: Properties::new(),
            opened: None,
        })
    }

    fn settling(budget: &Budget) -> Settling<'_> {
        static NOTHING: Bytes = Bytes::new();
        Settling {
            stream: &NOTHING,
            end: 1000,
            outer: None,
            budget,
            told: vec![0; formats::ALL.len()],
            standing: BTreeMap::new(),
            refused: false,
            problems: Vec::new(),
        }
    }

    /// What stands of some claims, and how many problems were told.
    fn standing(claims: &[(u64, u64, Proof)], limits: Limits) -> (Vec<(u64, u64)>, usize) {
        let budget = Budget::new(limits);
        let mut settling = settling(&budget);
        let claims = claims
            .iter()
            .filter_map(|&(at, len, proof)| claim(at, len, proof));
        settling.keep_strongest(claims.collect());
        let standing = settling.standing.values();
        let standing = standing.map(|claim| (claim.at, claim.len)).collect();
        (standing, settling.problems.len())
    }

    #[test]
    fn overlaps_are_settled_by_proof_then_length_and_told() {
        use Proof::{Checksum, Magic, Structure};
        let settled = |claims: &[_]| standing(claims, Limits::default());
        let (weak, strong) = ((0, 50, Structure), (40, 20, Checksum));
        assert_eq!(settled(&[weak, strong]), (vec![(40, 20)], 1));
        let (short, long) = ((0, 50, Structure), (40, 60, Structure));
        assert_eq!(settled(&[short, long]), (vec![(40, 60)], 1));
        // What lies inside a proven region belongs to it, and is nothing to tell.
        assert_eq!(
            settled(&[(0, 50, Structure), (10, 20, Checksum)]),
            (vec![(0, 50)], 0)
        );
        assert_eq!(
            settled(&[(0, 50, Magic), (10, 20, Structure)]),
            (vec![(10, 20)], 1)
        );
        let beside = [(0, 10, Magic), (10, 10, Magic), (30, 5, Checksum)];
        assert_eq!(settled(&beside), (vec![(0, 10), (10, 10), (30, 5)], 0));
    }

    #[test]
    fn what_lies_inside_a_stream_whose_checksum_holds_is_a_part_of_it() {
        use Proof::{Checksum, Structure};
        let placed = |decoded: Proof, known: (u64, u64, Proof)| {
            let budget = Budget::new(Limits::default());
            let mut settling = settling(&budget);
            settling.keep_strongest(claim(known.0, known.1, known.2).into_iter().collect());
            if let Some(claim) = claim(0, 100, decoded) {
                settling.place(claim);
            }
            let standing = settling.standing.values().map(|claim| claim.at);
            (standing.collect::<Vec<_>>(), settling.problems.len())
        };
        assert_eq!(placed(Checksum, (10, 50, Checksum)), (vec![0], 0));
        assert_eq!(placed(Structure, (10, 50, Checksum)), (vec![10], 1));
        assert_eq!(placed(Structure, (10, 50, Structure)), (vec![10], 1));
        assert_eq!(placed(Checksum, (10, 95, Checksum)), (vec![10], 1));
    }

    #[test]
    fn damaged_claims_are_told_up_to_a_number_and_regions_up_to_the_budget() {
        let mut claims = vec![(0, 900, Proof::Checksum)];
        claims.extend((0..200).map(|at| (800 + at, 150, Proof::Magic)));
        let (stand, told) = standing(&claims, Limits::default());
        assert_eq!((stand.first(), told), (Some(&(0, 900)), MOST_TOLD));
        let limits = Limits {
            entries: REGION_COST,
            ..Limits::default()
        };
        let two = [(0, 10, Proof::Checksum), (10, 5, Proof::Checksum)];
        assert_eq!(standing(&two, limits), (vec![(0, 10)], 1));
    }
}
