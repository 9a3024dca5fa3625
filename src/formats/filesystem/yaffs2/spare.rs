//! The spare bytes that YAFFS has no use for: the code over the data, which is the chip driver's or YAFFS1's own.

use super::geometry::{Layout, Page};
use super::object::holds;
use super::scan::{Pages, Scan};
use crate::formats::Span;
use crate::read::index;

/// So many pages with a header are looked at to learn whether YAFFS1's code over the data is kept.
const LOOKED_AT: usize = 32;

/// Whether the spare bytes hold YAFFS1's code over the data: it does for most of the first headers.
pub(super) fn is_code_kept(pages: &Pages, scan: &Scan) -> bool {
    if pages.geometry.layout != Layout::One || pages.geometry.page != 512 {
        return false;
    }
    let headers = scan.records.iter().filter(|record| record.number == 0);
    let (mut kept, mut seen) = (0_usize, 0_usize);
    for record in headers.take(LOOKED_AT) {
        seen = seen.saturating_add(1);
        kept = kept.saturating_add(usize::from(holds(pages, record.page)));
    }
    kept.saturating_mul(2) > seen
}

/// Names the spare bytes that hold something in most pages that are in use: a code of the chip's driver, not verified here.
/// What only some pages have stays unexplained. Says which bytes were named.
pub(super) fn explain(pages: &Pages, spans: &mut Vec<Span>) -> Option<String> {
    let places = pages.geometry.places();
    let own = |at: usize| places.iter().any(|place| place.contains(&at));
    let mut written = vec![0_usize; pages.geometry.spare];
    let mut used = Vec::new();
    for number in 0..u32::MAX {
        let at = index(pages.at(number));
        let Some(page) = pages.geometry.read(&pages.image, at) else {
            break;
        };
        if let Page::Used(_) = page {
            used.push(number);
            for (count, &byte) in written.iter_mut().zip(pages.spare(number)) {
                *count = count.saturating_add(usize::from(byte != 0xff));
            }
        }
    }
    let most = |count: usize| count.saturating_mul(2) > used.len() && used.len() > 1;
    let columns: Vec<bool> = (0..)
        .zip(&written)
        .map(|(at, &count)| most(count) && !own(at))
        .collect();
    let mut runs = Vec::new();
    let mut at = 0_usize;
    for run in columns.chunk_by(|a, b| a == b) {
        let end = at.saturating_add(run.len());
        if run.first() == Some(&true) {
            runs.push(at..end);
        }
        at = end;
    }
    for &number in &used {
        for run in &runs {
            let spare = pages.at(number).saturating_add(length(pages.geometry.page));
            spans.push(Span::metadata(
                spare.saturating_add(length(run.start)),
                length(run.len()),
            ));
        }
    }
    let named: Vec<String> = runs
        .iter()
        .map(|run| format!("{} to {}", run.start, run.end.saturating_sub(1)))
        .collect();
    (!named.is_empty()).then(|| named.join(", "))
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
