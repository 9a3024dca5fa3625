//! Every magic number of a stream, in one pass.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use bytes::Bytes;
use rayon::prelude::*;

use crate::formats::{self, Format, Magic};
use crate::image::map;
use crate::read::{clip, index, is_all, length};

/// A place where a format may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    /// Bytes from the stream's start.
    pub(super) at: u64,
    /// Which format, as an index into [`formats::ALL`].
    pub(super) format: usize,
}

impl Hit {
    /// The format.
    pub(super) fn format(&self) -> Option<&'static dyn Format> {
        formats::ALL.get(self.format).copied()
    }
}

/// A stream may hold so many hits; the rest is not looked at, and that is told.
const MOST_HITS: usize = 4_000_000;
/// So many bytes of a pattern are searched for, its rarest; the rest is compared at each hit.
const FRAGMENT: usize = 3;
/// So many patterns are searched for at once. With more the vector instructions let through so many places where none of them
/// stands that a second pass is cheaper (`tests/slow/bench/run --only scan`).
const GROUP: usize = 24;
/// Bytes that are in memory at a time (4 MiB).
const SLAB: u64 = 4 << 20;
/// Bytes searched at a time by one thread (1 MiB).
const WINDOW: u64 = 1 << 20;
/// A window is looked at in blocks of so many bytes before it is searched.
const BLOCK: usize = 4096;
/// One window may hold so many hits: no honest one does, and together they must fit in memory.
const WINDOW_HITS: usize = 100_000;

struct Needles {
    /// Each finds some of the fragments.
    searchers: Vec<AhoCorasick>,
    /// The patterns, by the first byte of their fragments.
    owners: Vec<Vec<Owner>>,
    /// The bytes that some fragment holds and nothing else.
    uniform: BTreeSet<u8>,
    /// Length of the longest pattern.
    longest: u64,
}

/// A pattern that a fragment may belong to.
#[derive(Clone)]
struct Owner {
    format: usize,
    magic: &'static Magic,
    /// Where in the pattern its fragment stands.
    fragment: usize,
}

/// The part of a pattern that is the rarest in flash, and where it stands: code and tables are full of small numbers.
fn fragment(pattern: &'static [u8]) -> (usize, &'static [u8]) {
    let rarity = |bytes: &[u8]| {
        let of = |byte: &u8| match byte {
            0 => 0_u8,
            1 | 0xff => 1,
            _ => 2,
        };
        bytes.iter().map(of).fold(0, u8::saturating_add)
    };
    let all = pattern.windows(FRAGMENT).enumerate().rev();
    let rarest = all.max_by_key(|(_, bytes)| rarity(bytes));
    rarest.unwrap_or((0, pattern))
}

static NEEDLES: LazyLock<Needles> = LazyLock::new(|| {
    let mut owners = vec![Vec::new(); 256];
    let mut fragments = BTreeSet::new();
    let mut longest = 1;
    for (format, of) in formats::ALL.iter().enumerate() {
        for magic in of.magics() {
            let (at, bytes) = fragment(magic.bytes);
            fragments.insert(bytes);
            longest = longest.max(length(magic.bytes));
            let first = bytes.first().copied().map(usize::from);
            if let Some(owners) = first.and_then(|first| owners.get_mut(first)) {
                owners.push(Owner {
                    format,
                    magic,
                    fragment: at,
                });
            }
        }
    }
    let uniform = fragments
        .iter()
        .filter_map(|bytes| Some(*bytes.first()?).filter(|&first| is_all(bytes, first)));
    let uniform = uniform.collect();
    // Patterns of two bytes make a search less sharp, so the shortest share a group.
    let (short, long): (Vec<&[u8]>, Vec<&[u8]>) = fragments
        .into_iter()
        .partition(|bytes| bytes.len() < FRAGMENT);
    let searcher = |group: &[&[u8]]| {
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostFirst);
        builder.build(group)
    };
    Needles {
        // So few and short patterns always build; a test holds that every one is found.
        searchers: short
            .chunks(GROUP)
            .chain(long.chunks(GROUP))
            .flat_map(searcher)
            .collect(),
        owners,
        uniform,
        longest,
    }
});

/// All hits of `stream`, sorted and without duplicates, and whether there were too many to keep.
pub(super) fn search(stream: &Bytes) -> (Vec<Hit>, bool) {
    search_along(stream, |_| ())
}

/// The hits of [`search`], while `read` is given the same bytes slab by slab on another thread: they are brought into memory
/// once for both.
pub(super) fn search_along(stream: &Bytes, mut read: impl FnMut(&[u8]) + Send) -> (Vec<Hit>, bool) {
    let mut hits: Vec<Hit> = Vec::new();
    let mut too_many = false;
    for slab in 0..length(stream).div_ceil(SLAB) {
        let from = slab.saturating_mul(SLAB);
        let bytes = clip(stream, from, SLAB);
        let windows = length(&bytes).div_ceil(WINDOW);
        let at = |window: u64| from.saturating_add(window.saturating_mul(WINDOW));
        let search = || -> Vec<Vec<Hit>> {
            let windows = (0..windows).into_par_iter().filter(|_| !too_many);
            windows
                .map(|window| search_window(stream, at(window)))
                .collect()
        };
        let ((), found) = rayon::join(|| read(&bytes), search);
        map::touched(length(&bytes));
        for found in found {
            too_many |= found.len() >= WINDOW_HITS;
            hits.extend(found);
        }
        too_many |= hits.len() > MOST_HITS;
    }
    hits.sort_unstable();
    hits.dedup();
    hits.truncate(MOST_HITS);
    (hits, too_many)
}

/// The hits whose pattern has its fragment start in the window at `from`.
fn search_window(stream: &Bytes, from: u64) -> Vec<Hit> {
    let needles = &*NEEDLES;
    let overlap = needles.longest.saturating_sub(1);
    let window = clip(stream, from, WINDOW.saturating_add(overlap));
    let mut hits = Vec::new();
    for stretch in needles.stretches(&window) {
        let end = stretch.end.saturating_add(index(overlap)).min(window.len());
        for searcher in &needles.searchers {
            let mut next = stretch.start;
            while let Some(found) = searcher.find(Input::new(&window[..]).range(next..end)) {
                let start = found.start();
                next = start.saturating_add(1);
                if start >= stretch.end || hits.len() >= WINDOW_HITS {
                    break;
                }
                let at = from.saturating_add(u64::try_from(start).unwrap_or(u64::MAX));
                needles.verify(stream, at, &mut hits);
            }
        }
    }
    hits
}

impl Needles {
    /// Where in a window fragments may start: not in blocks of one byte value, such as erased flash.
    fn stretches(&self, window: &[u8]) -> Vec<Range<usize>> {
        let own = window.len().min(index(WINDOW));
        let mut stretches: Vec<Range<usize>> = Vec::new();
        for at in (0..own).step_by(BLOCK) {
            let end = at.saturating_add(BLOCK).min(own);
            // A fragment that starts at the end of the block reaches into the next one.
            let reach = end.saturating_add(FRAGMENT).min(window.len());
            if self.is_barren(window.get(at..reach).unwrap_or_default()) {
                continue;
            }
            match stretches.last_mut() {
                Some(last) if last.end == at => last.end = end,
                _ => stretches.push(at..end),
            }
        }
        stretches
    }

    fn is_barren(&self, block: &[u8]) -> bool {
        let first = block.first().copied().unwrap_or_default();
        !self.uniform.contains(&first) && is_all(block, first)
    }

    /// Adds every format whose whole pattern stands where a fragment was found, at `at` of the stream.
    fn verify(&self, stream: &Bytes, at: u64, hits: &mut Vec<Hit>) {
        let first = stream.get(index(at)).copied().map(usize::from);
        let owners = first.and_then(|first| self.owners.get(first));
        for owner in owners.into_iter().flatten() {
            let start = at.checked_sub(u64::try_from(owner.fragment).unwrap_or(u64::MAX));
            let found = start.filter(|&start| {
                let rest = stream.get(index(start)..).unwrap_or_default();
                rest.starts_with(owner.magic.bytes)
            });
            let format = formats::ALL.get(owner.format);
            let located = found
                .zip(format)
                .and_then(|(start, format)| format.locate(stream, owner.magic, start));
            hits.extend(located.map(|at| Hit {
                at,
                format: owner.format,
            }));
        }
    }
}

/// The formats that may start at the start of `head`: their magic stands there, or they have none.
pub(super) fn at_start(head: &[u8]) -> Vec<Hit> {
    let formats = formats::ALL.iter().enumerate();
    formats
        .filter(|(_, format)| {
            let magics = format.magics();
            format.is_asked_at_start() || magics.iter().any(|magic| stands(magic, head))
        })
        .map(|(format, _)| Hit { at: 0, format })
        .collect()
}

fn stands(magic: &Magic, head: &[u8]) -> bool {
    let from = index(magic.at);
    head.get(from..)
        .is_some_and(|rest| rest.starts_with(magic.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_found_across_windows() {
        let mut bytes = vec![0; usize::try_from(WINDOW).unwrap() * 2];
        let at = usize::try_from(WINDOW).unwrap() - 1;
        bytes[at..at + 3].copy_from_slice(&[0x1f, 0x8b, 8]);
        let (hits, too_many) = search(&Bytes::from(bytes));
        let gzip = hits
            .iter()
            .filter(|hit| hit.format().is_some_and(|format| format.doc().id == "gzip"));
        assert_eq!(gzip.map(|hit| hit.at).collect::<Vec<_>>(), [WINDOW - 1]);
        assert!(!too_many);
    }

    #[test]
    fn patterns_are_found_across_windows_and_beside_constant_blocks() {
        let window = usize::try_from(WINDOW).unwrap();
        for format in formats::ALL {
            for (magic, fill) in format
                .magics()
                .iter()
                .flat_map(|magic| [(magic, 0), (magic, 0xff)])
            {
                for at in [window - 1, window - 2, window - 4, window + BLOCK - 2] {
                    let mut stream = vec![fill; window + 16384];
                    stream[at..at + magic.bytes.len()].copy_from_slice(magic.bytes);
                    let stream = Bytes::from(stream);
                    let wanted = format.locate(&stream, magic, length(&stream[..at]));
                    let found = search(&stream).0;
                    let id = format.doc().id;
                    let stands = |at| {
                        let own = |hit: &Hit| hit.format().is_some_and(|it| it.doc().id == id);
                        found.iter().any(|hit| hit.at == at && own(hit))
                    };
                    assert!(wanted.is_none_or(stands), "{id}: {:x?}", magic.bytes);
                }
            }
        }
    }

    #[test]
    fn every_pattern_of_every_format_is_searched_for() {
        for (index, format) in formats::ALL.iter().enumerate() {
            for magic in format.magics() {
                let mut stream = vec![b'.'; 8192];
                stream[5000..5000 + magic.bytes.len()].copy_from_slice(magic.bytes);
                let stream = Bytes::from(stream);
                let Some(at) = format.locate(&stream, magic, 5000) else {
                    continue;
                };
                let hit = Hit { at, format: index };
                assert!(
                    search(&stream).0.contains(&hit),
                    "{}: {:x?}",
                    format.doc().id,
                    magic.bytes
                );
            }
        }
    }
}
