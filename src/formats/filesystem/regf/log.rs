//! Transaction logs (`.LOG`, `.LOG1`, `.LOG2`): pages that are to be written to a hive. They are named and bounded.

use bytes::Bytes;

use super::base::{self, Base};
use crate::formats::stored::Ledger;
use crate::formats::{Content, Opened, Properties};
use crate::read::{Fields, clip, cut, length};

/// Bytes of a page of the old form.
const PAGE: u64 = 512;
/// Bytes that stand in front of the pages of an entry of the new form, without the list of them.
const ENTRY: u64 = 40;

/// The parts of a log.
struct Parts {
    /// Which form it is of, and how many entries or pages it has.
    form: &'static str,
    count: u64,
    /// Where it ends.
    end: u64,
    /// What stands in front of pages: where, and how many bytes.
    heads: Vec<(u64, u64)>,
}

/// How long a log is; `None` where there is none behind the base block.
pub(super) fn measure(rest: &Bytes, base: &Base) -> Option<u64> {
    base.is_sound.then(|| parts(rest, base).end)
}

/// What it says about itself.
pub(super) fn open(region: &Bytes, base: &Base) -> Opened {
    let parts = parts(region, base);
    let mut properties = Properties::new();
    base.describe(region, &mut properties);
    properties.set("log", format!("{}: {}", parts.form, parts.count));
    let mut ledger = Ledger::default();
    ledger.structure(0, &clip(region, 0, 512), &[base::UNUSED]);
    for &(at, len) in &parts.heads {
        ledger.metadata(at, len);
    }
    Opened {
        content: Content::Layout(Vec::new()),
        spans: ledger.into_spans(),
        problems: Vec::new(),
        properties,
    }
}

fn parts(bytes: &Bytes, base: &Base) -> Parts {
    dirty(bytes, base).unwrap_or_else(|| entries(bytes, base))
}

/// The old form: a bit for each page of the hive, then those pages whose bit is set.
fn dirty(bytes: &Bytes, base: &Base) -> Option<Parts> {
    if cut(bytes, base.sector, 4)?.as_ref() != b"DIRT" {
        return None;
    }
    let map = u64::from(base.bins) / PAGE / 8;
    let head = map.checked_add(4)?;
    let bits = cut(bytes, base.sector.checked_add(4)?, map)?;
    let count = bits.iter().map(|byte| u64::from(byte.count_ones())).sum();
    let pages = base
        .sector
        .checked_add(head)?
        .checked_next_multiple_of(base.sector)?;
    Some(Parts {
        form: "pages",
        count,
        end: pages.checked_add(PAGE.checked_mul(count)?)?,
        heads: vec![(base.sector, head)],
    })
}

/// The new form: entries that state their length, as far as they go on.
fn entries(bytes: &Bytes, base: &Base) -> Parts {
    let mut parts = Parts {
        form: "entries",
        count: 0,
        end: base.sector,
        heads: Vec::new(),
    };
    while let Some((head, len)) = entry(bytes, parts.end) {
        parts.heads.push((parts.end, head));
        parts.count = parts.count.saturating_add(1);
        parts.end = parts.end.saturating_add(len);
    }
    parts
}

/// How many bytes stand in front of an entry's pages, and how many it has.
fn entry(bytes: &Bytes, at: u64) -> Option<(u64, u64)> {
    let raw = cut(bytes, at, ENTRY)?;
    let fields = Fields::little(&raw);
    let len = u64::from(fields.u32(4)?);
    let pages = u64::from(fields.u32(20)?);
    let head = ENTRY.checked_add(pages.checked_mul(8)?)?;
    let sound = raw.starts_with(b"HvLE")
        && len.is_multiple_of(PAGE)
        && len >= head
        && at.checked_add(len)? <= length(bytes);
    sound.then_some((head, len))
}
