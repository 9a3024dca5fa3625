//! Every magic number of a stream, in one pass.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aho_corasick::Span;
use aho_corasick::packed::Searcher;
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
/// So many first bytes of a pattern are searched for; the rest is compared at each hit.
const PREFIX: usize = 4;
/// Bytes searched at a time by one thread (1 MiB).
const WINDOW: u64 = 1 << 20;

struct Needles {
    /// Finds the first bytes of every pattern, several at a time.
    searcher: Searcher,
    /// For each first byte the formats and magics that start with it.
    owners: Vec<Vec<(usize, &'static Magic)>>,
    /// Length of the longest pattern.
    longest: u64,
}

static NEEDLES: LazyLock<Option<Needles>> = LazyLock::new(|| {
    let mut owners = vec![Vec::new(); 256];
    let mut prefixes = BTreeSet::new();
    let mut longest = 0;
    for (index, format) in formats::ALL.iter().enumerate() {
        for magic in format.magics() {
            let prefix = magic.bytes.get(..PREFIX).unwrap_or(magic.bytes);
            prefixes.insert(prefix);
            longest = longest.max(length(magic.bytes));
            let first = magic.bytes.first().copied().map(usize::from)?;
            owners.get_mut(first)?.push((index, magic));
        }
    }
    Some(Needles {
        searcher: Searcher::new(prefixes)?,
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
    let mut hits: Vec<Hit> = (0..windows)
        .into_par_iter()
        .flat_map_iter(|window| search_window(needles, stream, window.saturating_mul(WINDOW)))
        .collect();
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
    let mut hits = Vec::new();
    let mut from_here = 0;
    while let Some(found) = needles
        .searcher
        .find_in(&window, Span::from(from_here..window.len()))
    {
        let start = found.start();
        from_here = start.saturating_add(1);
        let at = u64::try_from(start).unwrap_or(u64::MAX);
        if at >= WINDOW || hits.len() > MOST_HITS {
            break;
        }
        let rest = window.get(start..).unwrap_or_default();
        let first = rest.first().copied().map(usize::from).unwrap_or_default();
        for (format, magic) in needles.owners.get(first).into_iter().flatten() {
            if !rest.starts_with(magic.bytes) {
                continue;
            }
            let located = formats::ALL
                .get(*format)
                .and_then(|format| format.locate(stream, magic, from.saturating_add(at)));
            hits.extend(located.map(|at| Hit {
                at,
                format: *format,
            }));
        }
    }
    hits
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
