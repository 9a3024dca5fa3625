//! What an object is at one point of the log: its header, its size and the pages that hold its content.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use super::geometry::Layout;
use super::header::{Header, Kind};
use super::scan::{Pages, Record};
use super::tags::code_256;
use crate::entry::{Data, Fault, File};
use crate::formats::Span;
use crate::formats::stored::zeros;
use crate::problem::Problem;
use crate::read::index;

/// A file of a region, as it is or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// The page of the newest header; none where pieces of a file have no header.
    pub(super) header: Option<u32>,
    /// The length in bytes.
    pub(super) size: u64,
    /// Page and bytes used of it, by the number of the piece from 1.
    pub(super) pieces: BTreeMap<u32, (u32, u32)>,
    /// From this byte on the log tells of holes.
    holes_from: u64,
}

/// What an object is after the last of `log`, its pages from old to new. Follows the driver's scan, which goes from new
/// to old and lets a header cut off what is older and lies behind its size.
pub(super) fn replay(pages: &Pages, log: &[Record]) -> State {
    let piece = u64::try_from(pages.geometry.page).unwrap_or(u64::MAX);
    let one = pages.geometry.layout == Layout::One;
    let mut state = State {
        header: None,
        size: 0,
        pieces: BTreeMap::new(),
        holes_from: u64::MAX,
    };
    let mut cut = u64::MAX;
    for record in log.iter().rev().filter(|record| !one || record.age > 0) {
        let Some(before) = record.number.checked_sub(1) else {
            let Some(header) = pages.header(record.page) else {
                continue;
            };
            let shrink = header.shrink || record.shrink;
            let size = if header.is_gone() { 0 } else { header.size };
            if shrink {
                state.holes_from = state.holes_from.min(size);
            }
            if state.header.is_none() {
                state.header = Some(record.page);
                if header.kind == Kind::File {
                    state.size = state.size.max(size);
                }
                cut = if one { cut } else { cut.min(size) };
            } else if shrink || header.is_gone() {
                cut = cut.min(size);
            }
            continue;
        };
        let start = u64::from(before).saturating_mul(piece);
        if start >= cut {
            continue;
        }
        state
            .pieces
            .entry(record.number)
            .or_insert((record.page, record.bytes));
        if state.header.is_none() || one {
            let end = start.saturating_add(record.bytes.into());
            state.size = state.size.max(end);
        }
    }
    state
}

impl State {
    /// The header.
    pub(super) fn header<'a>(&self, pages: &'a Pages) -> Option<Header<'a>> {
        pages.header(self.header?)
    }

    /// The first bytes that no page holds and no hole explains.
    pub(super) fn missing(&self, piece: u64) -> Option<(u64, u64)> {
        let mut next = 0;
        let ends = u32::try_from(self.size.div_ceil(piece).saturating_add(1)).unwrap_or(u32::MAX);
        for number in self.pieces.keys().copied().chain([ends]) {
            let start = u64::from(number.saturating_sub(1)).saturating_mul(piece);
            let start = start.min(self.size);
            if start > next && next < self.holes_from {
                return Some((next, start));
            }
            next = start.saturating_add(piece);
        }
        None
    }

    /// Names the pages that hold the content.
    pub(super) fn spans(&self, pages: &Pages, spans: &mut Vec<Span>) {
        let piece = length_of(pages);
        for (&number, &(page, bytes)) in &self.pieces {
            let start = u64::from(number.saturating_sub(1)).saturating_mul(piece);
            let used = self.size.saturating_sub(start).min(piece);
            spans.push(Span::content(pages.at(page), used.min(bytes.into())));
            if pages.geometry.layout == Layout::One {
                // The code over the data.
                let spare = pages.at(page).saturating_add(piece);
                spans.push(Span::metadata(spare.saturating_add(8), 3));
                spans.push(Span::metadata(spare.saturating_add(13), 3));
            }
        }
    }

    /// Names older copies of the pages that hold the content, as far as they are the same: what was appended to, or moved
    /// when garbage was collected.
    pub(super) fn copies(&self, pages: &Pages, log: &[Record], spans: &mut Vec<Span>) {
        for record in log {
            let Some(&(page, _)) = self.pieces.get(&record.number) else {
                continue;
            };
            let range = ..index(record.bytes.into());
            let same = pages.data(page).get(range) == pages.data(record.page).get(range);
            if page != record.page && same {
                spans.push(Span::content(pages.at(record.page), record.bytes.into()));
            }
        }
    }

    /// The content.
    pub(super) fn file(self, pages: &Pages, checked: bool) -> File {
        File {
            size: self.size,
            data: Arc::new(Content {
                pages: pages.clone(),
                state: self,
                checked,
            }),
        }
    }
}

/// The data of a page in bytes.
pub(super) fn length_of(pages: &Pages) -> u64 {
    u64::try_from(pages.geometry.page).unwrap_or(u64::MAX)
}

/// The content of a file.
struct Content {
    pages: Pages,
    state: State,
    /// Whether the spare bytes hold a code over the data.
    checked: bool,
}

impl Data for Content {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let piece = length_of(&self.pages);
        let size = self.state.size;
        let mut wrong = self.state.missing(piece).map(|(from, to)| {
            Problem::corrupt(format!(
                "no page holds bytes {from} to {to} of {size}, and no header tells of a hole; YAFFS reads zeros there"
            ))
        });
        let mut done = 0;
        for (&number, &(page, bytes)) in &self.state.pieces {
            let start = u64::from(number.saturating_sub(1)).saturating_mul(piece);
            if start >= size {
                break;
            }
            zeros(out, start.saturating_sub(done))?;
            let data = self.pages.data(page);
            let wanted = size.saturating_sub(start).min(piece);
            // Before a hole the driver reads the rest of the page, too.
            let ends = start.saturating_add(bytes.into());
            if u64::from(bytes) < wanted && ends < self.state.holes_from {
                wrong.get_or_insert_with(|| {
                    let detail =
                        format!("a page holds {bytes} bytes where the size wants {wanted}");
                    Problem::corrupt(detail).at(self.pages.at(page))
                });
            }
            if self.checked && !holds(&self.pages, page) {
                wrong.get_or_insert_with(|| {
                    let detail = "the code over a page's data does not hold";
                    Problem::checksum(detail).at(self.pages.at(page))
                });
            }
            out.write_all(data.get(..index(wanted)).unwrap_or(data))?;
            done = start.saturating_add(wanted);
        }
        zeros(out, size.saturating_sub(done))?;
        wrong.map_or(Ok(()), |problem| Err(problem.into()))
    }
}

/// Whether the code of YAFFS1 over a page's data holds. Some drivers swap its first two bytes.
pub(super) fn holds(pages: &Pages, page: u32) -> bool {
    let (data, spare) = (pages.data(page), pages.spare(page));
    let half = |from: usize, at: usize| {
        let stored = spare.get(at..at.saturating_add(3));
        let Some(bytes) = data.get(from..from.saturating_add(256)) else {
            return false;
        };
        let [a, b, c] = code_256(bytes);
        stored == Some(&[a, b, c]) || stored == Some(&[b, a, c])
    };
    half(0, 8) && half(256, 13)
}
