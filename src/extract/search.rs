//! Every magic number of a stream, in one pass.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use bytes::Bytes;
use rayon::prelude::*;

use crate::formats::{self, Format, Magic};
use crate::image::map;
use crate::read::{clip, length};

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
/// Bytes searched at a time by one thread (1 MiB).
const WINDOW: u64 = 1 << 20;
/// Windows searched before their hits are counted.
const BATCH: u64 = 32;

struct Needles {
    automaton: AhoCorasick,
    /// For each pattern the format's index and the magic.
    owners: Vec<(usize, &'static Magic)>,
    /// Length of the longest pattern.
    longest: u64,
}

static NEEDLES: LazyLock<Option<Needles>> = LazyLock::new(|| {
    let magics = formats::ALL.iter().enumerate();
    let owners: Vec<_> = magics
        .flat_map(|(index, format)| format.magics().iter().map(move |magic| (index, magic)))
        .collect();
    let longest = owners.iter().map(|(_, magic)| length(magic.bytes)).max()?;
    let automaton = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(owners.iter().map(|(_, magic)| magic.bytes))
        .ok()?;
    Some(Needles {
        automaton,
        owners,
        longest,
    })
});

/// All hits of `stream`, sorted and without duplicates, and whether there were too many to keep.
pub(super) fn search(stream: &Bytes) -> (Vec<Hit>, bool) {
    let Some(needles) = NEEDLES.as_ref() else {
        return (Vec::new(), false);
    };
    let windows = length(stream).div_ceil(WINDOW);
    let mut hits: Vec<Hit> = Vec::new();
    let mut window = 0;
    // Some windows at a time, so that a stream of nothing but magics is left before its hits fill the memory.
    while window < windows && hits.len() <= MOST_HITS {
        let end = window.saturating_add(BATCH).min(windows);
        hits.par_extend(
            (window..end).into_par_iter().flat_map_iter(|window| {
                search_window(needles, stream, window.saturating_mul(WINDOW))
            }),
        );
        window = end;
    }
    let too_many = hits.len() > MOST_HITS;
    hits.sort_unstable();
    hits.dedup();
    hits.truncate(MOST_HITS);
    (hits, too_many)
}

/// The hits whose pattern starts in the window at `from`.
fn search_window(needles: &Needles, stream: &Bytes, from: u64) -> Vec<Hit> {
    let window = clip(
        stream,
        from,
        WINDOW.saturating_add(needles.longest).saturating_sub(1),
    );
    map::touched(length(&window));
    let found = needles.automaton.find_overlapping_iter(&window[..]);
    found
        .filter_map(|found| {
            let (format, magic) = *needles.owners.get(found.pattern().as_usize())?;
            let start = u64::try_from(found.start())
                .ok()
                .filter(|&start| start < WINDOW)?;
            let at = formats::ALL
                .get(format)?
                .locate(stream, magic, from.saturating_add(start))?;
            Some(Hit { at, format })
        })
        .take(MOST_HITS)
        .collect()
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
    let from = crate::read::index(magic.at);
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
}
