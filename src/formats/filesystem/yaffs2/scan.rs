//! The pass over a whole region: every page's tags and every object's header are read and checked.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use super::geometry::{Geometry, Layout, Page};
use super::header::{self, Header, Kind};
use super::tags::{Tags, Use};
use crate::formats::Span;
use crate::formats::told::Problems;
use crate::problem::Problem;
use crate::read::{index, length};

/// A page that belongs to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    /// The object.
    pub(super) object: u32,
    /// How new it is: the sequence number of its block in YAFFS2; 1 for what counts in YAFFS1, 0 for the rest.
    pub(super) age: u32,
    /// Which page of the region. Of equal age the later one is the newer.
    pub(super) page: u32,
    /// Which piece of the object: 0 for its header, then from 1.
    pub(super) number: u32,
    /// How many bytes of the page count.
    pub(super) bytes: u32,
    /// The tags say that the header cuts the file down.
    pub(super) shrink: bool,
}

/// What stands in a region.
pub(super) struct Scan {
    /// Every page of an object whose header, if it is one, holds together; sorted by object, then from old to new.
    pub(super) records: Vec<Record>,
    /// Objects that a newer one took the name of: by the object, when (age and page).
    pub(super) shadowed: BTreeMap<u32, (u32, u32)>,
    pub(super) spans: Vec<Span>,
    pub(super) problems: Problems,
    pub(super) tally: Tally,
}

/// How many pages there are of each sort.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) used: u64,
    pub(super) erased: u64,
    pub(super) junk: u64,
    pub(super) checkpoint: u64,
    pub(super) summary: u64,
    pub(super) corrected: u64,
}

/// A region and how it is divided into pages.
#[derive(Clone)]
pub(super) struct Pages {
    pub(super) image: Bytes,
    pub(super) geometry: Geometry,
}

impl Pages {
    /// Where a page starts, in bytes from the region's start.
    pub(super) fn at(&self, page: u32) -> u64 {
        let stride = u64::try_from(self.geometry.stride()).unwrap_or(u64::MAX);
        u64::from(page).saturating_mul(stride)
    }

    /// The data of a page.
    pub(super) fn data(&self, page: u32) -> &[u8] {
        let split = self.geometry.split(&self.image, index(self.at(page)));
        split.map_or(&[], |(data, _)| data)
    }

    /// The spare bytes of a page.
    pub(super) fn spare(&self, page: u32) -> &[u8] {
        let split = self.geometry.split(&self.image, index(self.at(page)));
        split.map_or(&[], |(_, spare)| spare)
    }

    /// The header in a page.
    pub(super) fn header(&self, page: u32) -> Option<Header<'_>> {
        let inband = self.geometry.layout == Layout::Inband;
        Header::parse(self.data(page), self.geometry.endian, inband)
    }
}

impl Scan {
    /// Scans a region.
    pub(super) fn new(pages: &Pages) -> Self {
        let mut scan = Self {
            records: Vec::new(),
            shadowed: BTreeMap::new(),
            spans: Vec::new(),
            problems: Problems::default(),
            tally: Tally::default(),
        };
        // What YAFFS1 marks as deleted, and the two-bit counters of the rest, before one is chosen.
        let mut serials = Vec::new();
        let mut junk: Option<Range<u32>> = None;
        let mut borders = Borders::default();
        let places = pages.geometry.places();
        for number in 0..u32::MAX {
            let at = index(pages.at(number));
            let Some(page) = pages.geometry.read(&pages.image, at) else {
                scan.rest(pages, number, &borders);
                break;
            };
            match page {
                Page::Erased => scan.tally.erased = scan.tally.erased.saturating_add(1),
                Page::Junk => {
                    let start = junk.take().map_or(number, |run| run.start);
                    junk = Some(start..number.saturating_add(1));
                    continue;
                }
                Page::Used(tags) => {
                    borders.learn(number, tags.sequence);
                    for place in &places {
                        let from = at
                            .saturating_add(pages.geometry.page)
                            .saturating_add(place.start);
                        scan.metadata(from, place.len());
                    }
                    if let Some(record) = scan.used(pages, number, tags) {
                        scan.records.push(record);
                        serials.push((tags.deleted, tags.sequence));
                    }
                }
            }
            scan.tell_junk(pages, junk.take());
        }
        scan.tell_junk(pages, junk);
        if pages.geometry.layout == Layout::One {
            choose(&mut scan.records, &serials);
        }
        scan.records.sort_unstable();
        scan
    }

    /// A page that has tags.
    fn used(&mut self, pages: &Pages, number: u32, tags: Tags) -> Option<Record> {
        let at = pages.at(number);
        let data = pages.data(number);
        self.tally.used = self.tally.used.saturating_add(1);
        if tags.corrected {
            self.tally.corrected = self.tally.corrected.saturating_add(1);
        }
        let one = pages.geometry.layout == Layout::One;
        match tags.purpose() {
            Use::Checkpoint if !one => {
                self.tally.checkpoint = self.tally.checkpoint.saturating_add(1);
                self.spans.push(Span::metadata(at, length(data)));
                return None;
            }
            Use::Summary if !one => {
                self.tally.summary = self.tally.summary.saturating_add(1);
                self.spans.push(Span::metadata(at, tags.bytes.into()));
                return None;
            }
            _ => {}
        }
        let record = Record {
            object: tags.object,
            age: tags.sequence,
            page: number,
            number: tags.number,
            bytes: tags.bytes,
            shrink: tags.shrink,
        };
        if tags.number > 0 {
            return Some(record);
        }
        let header = pages.header(number);
        let agrees = |header: &&Header<'_>| {
            tags.extra.is_none_or(|(parent, kind)| {
                header.parent == parent && Kind::of(kind) == Some(header.kind)
            })
        };
        let Some(header) = header.as_ref().filter(agrees) else {
            let detail = format!(
                "the header of object {} does not hold together, or is not what its tags say",
                tags.object
            );
            self.problems.push(Problem::corrupt(detail).at(at));
            return None;
        };
        if let Some(object) = header.shadows {
            let when = self.shadowed.entry(object).or_default();
            *when = (*when).max((record.age, record.page));
        }
        let (_, taken) = header::attributes(data, pages.geometry.endian);
        let end = header::LENGTH.saturating_add(taken).min(data.len());
        self.metadata(index(at), end);
        Some(record)
    }

    fn metadata(&mut self, at: usize, len: usize) {
        let at = u64::try_from(at).unwrap_or(u64::MAX);
        let len = u64::try_from(len).unwrap_or_default();
        self.spans.push(Span::metadata(at, len));
    }

    /// Tells of a part of a page, or of an erase block, at the end.
    fn rest(&mut self, pages: &Pages, number: u32, borders: &Borders) {
        let at = pages.at(number);
        let detail = if at < length(&pages.image) {
            "the region ends within a page"
        } else if pages.geometry.layout != Layout::One && borders.cuts(number) {
            "the region ends within an erase block"
        } else {
            return;
        };
        self.problems.push(Problem::corrupt(detail).at(at));
    }

    fn tell_junk(&mut self, pages: &Pages, run: Option<Range<u32>>) {
        let Some(run) = run else {
            return;
        };
        let count = run.end.saturating_sub(run.start);
        self.tally.junk = self.tally.junk.saturating_add(count.into());
        let detail = format!(
            "{count} pages have no tags that hold, and are not erased: a bad block, or damage"
        );
        let problem = Problem::checksum(detail);
        self.problems.push(problem.at(pages.at(run.start)));
    }
}

/// Where erase blocks start, as far as changes of the sequence number betray them.
#[derive(Default)]
struct Borders {
    sequence: Option<u32>,
    /// The bits of all page numbers at which another block was seen to start.
    starts: u32,
}

impl Borders {
    fn learn(&mut self, page: u32, sequence: u32) {
        if self.sequence.is_some_and(|before| before != sequence) {
            self.starts |= page;
        }
        self.sequence = Some(sequence);
    }

    /// Whether a region of so many pages does not consist of whole blocks.
    fn cuts(&self, pages: u32) -> bool {
        // Blocks have 32 or 64 pages, or twice as many and more, of which the half is told as well.
        let block = 1_u32.checked_shl(self.starts.trailing_zeros().min(6));
        let block = block.filter(|&block| block >= 32 && self.starts != 0);
        block.is_some_and(|block| pages.checked_rem(block) != Some(0))
    }
}

/// Chooses, for each piece of each object of YAFFS1, the page that counts: of two that are not marked as deleted, the
/// one whose counter is by one higher, as the driver does when it mounts.
fn choose(records: &mut [Record], serials: &[(bool, u32)]) {
    let mut chosen: BTreeMap<(u32, u32), (usize, u32)> = BTreeMap::new();
    for (index, (record, &(deleted, serial))) in records.iter().zip(serials).enumerate() {
        if deleted {
            continue;
        }
        let holder = chosen
            .entry((record.object, record.number))
            .or_insert((index, serial));
        if holder.1.wrapping_add(1) & 3 == serial {
            *holder = (index, serial);
        }
    }
    for record in records.iter_mut() {
        record.age = 0;
    }
    for (index, _) in chosen.into_values() {
        if let Some(record) = records.get_mut(index) {
            record.age = 1;
        }
    }
}
