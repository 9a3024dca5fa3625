//! The symbol table that an image of `VxWorks` may bring along: what is where in memory, and where the image is loaded.
//!
//! Records of one size that follow each other: a link, the address of a name, a value, then the group (2 bytes), the type and a zero;
//! `VxWorks` 6 has another word in front of the group. This is what vxhunter reads. No header says so: many records in a row of which
//! it holds are one table if at a single load address all their names are strings of the image. With none or with several such
//! addresses nothing is told.

mod names;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use self::names::Names;
use crate::image::map;
use crate::read::{Endian, Fields, length};

/// So few records may be anything.
const FEWEST: usize = 100;
/// So many of them may share a name with another, or point into one: a tenth.
const ODD: usize = FEWEST / 10;
/// So many places that look like tables are looked at in one content, in each size of record.
const MOST_TRIED: usize = 8;
/// So many names of a table are tried to find its load address by: one may point into a string.
const ANCHORS: usize = 3;

/// A symbol table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolTable {
    /// The series of `VxWorks` whose records it has: 5 or 6.
    pub series: u8,
    /// Where it stands, in bytes from the content's start.
    pub at: u64,
    /// How many symbols it has.
    pub count: u64,
    /// The byte order of the image.
    pub endian: Endian,
    /// Where it is loaded: the only address at which all names are strings.
    pub address: u64,
    /// Where the content's first byte is loaded, if all of it is one image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<u64>,
    /// The lowest and the highest address of a function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functions: Option<(u64, u64)>,
}

impl fmt::Display for SymbolTable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "VxWorks {} symbol table at {:#x}: {} symbols, {}-endian, loaded at {:#010x}",
            self.series,
            self.at,
            self.count,
            word(self.endian),
            self.address
        )?;
        if let Some(base) = self.base {
            write!(out, " (base {base:#010x})")?;
        }
        match self.functions {
            Some((low, high)) => write!(out, ", functions from {low:#010x} to {high:#010x}"),
            None => Ok(()),
        }
    }
}

fn word(endian: Endian) -> &'static str {
    match endian {
        Endian::Little => "little",
        Endian::Big => "big",
    }
}

/// The layout of records.
#[derive(Clone, Copy)]
struct Layout {
    series: u8,
    /// Bytes of a record; its last four are group, type and zero.
    size: usize,
    /// The types that are known of symbols with a value.
    types: &'static [u8],
}

const LAYOUTS: [Layout; 2] = [
    Layout {
        series: 5,
        size: 16,
        types: &[
            0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x12, 0x13, 0x40, 0x41, 0x80, 0x81,
        ],
    },
    Layout {
        series: 6,
        size: 20,
        types: &[
            0x03, 0x04, 0x05, 0x08, 0x09, 0x10, 0x11, 0x20, 0x21, 0x40, 0x41,
        ],
    },
];
/// The types of functions, in both.
const FUNCTIONS: [u8; 2] = [4, 5];

impl Layout {
    /// Whether a record may be one of these.
    fn fits(self, record: &[u8]) -> bool {
        let named = record.get(4..8).is_some_and(|name| name != [0; 4]);
        // A symbol of the older series has a value.
        let valued = self.series > 5 || record.get(8..12).is_some_and(|value| value != [0; 4]);
        let tail = record.last_chunk::<4>();
        named
            && valued
            && tail.is_some_and(|tail| matches!(tail, [0, 0, kind, 0] if self.types.contains(kind)))
    }

    /// The ranges in which so many records follow each other that they may be a table, the longest first.
    fn runs(self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut runs = Vec::new();
        let mut keep = |run: Range<usize>| {
            if run.len() >= FEWEST.saturating_mul(self.size) {
                runs.push(run);
            }
        };
        for residue in (0..self.size).step_by(4) {
            let rest = bytes.get(residue..).unwrap_or_default();
            let (mut start, mut at) = (residue, residue);
            for record in rest.chunks_exact(self.size) {
                let end = at.saturating_add(self.size);
                if !self.fits(record) {
                    keep(start..at);
                    start = end;
                }
                at = end;
            }
            keep(start..at);
            map::touched(length(rest));
        }
        runs.sort_by_key(|run| (std::cmp::Reverse(run.len()), run.start));
        runs.truncate(MOST_TRIED);
        runs
    }
}

/// The symbol table in some bytes that are loaded in one piece; the largest where there are several.
pub fn symbol_table(bytes: &[u8]) -> Option<SymbolTable> {
    let mut names = None;
    let mut tables = Vec::new();
    let fits = |layout: &Layout| bytes.len() >= layout.size.saturating_mul(FEWEST);
    for layout in LAYOUTS.into_iter().filter(fits) {
        for run in layout.runs(bytes) {
            let names = names.get_or_insert_with(|| Names::new(bytes));
            for endian in [Endian::Big, Endian::Little] {
                let records = bytes.get(run.clone()).unwrap_or_default();
                let records: Vec<&[u8]> = records.chunks_exact(layout.size).collect();
                tables.extend(table(layout, endian, &records, run.start, names));
            }
        }
    }
    tables.into_iter().max_by_key(|table| table.count)
}

/// The table that these records are, if they are one.
fn table(
    layout: Layout,
    endian: Endian,
    records: &[&[u8]],
    at: usize,
    names: &Names,
) -> Option<SymbolTable> {
    let field = |record: &[u8], at: usize| Fields::new(record, endian).u32(at).map(u64::from);
    // What stands before and behind a table may look like a record of it: the middle decides.
    let from = records.len().checked_sub(FEWEST)? / 2;
    let middle = records.get(from..from.checked_add(FEWEST)?)?;
    let pointers: Vec<u64> = middle
        .iter()
        .filter_map(|record| field(record, 4))
        .collect();
    let distinct: BTreeSet<u64> = pointers.iter().copied().collect();
    if distinct.len() < FEWEST.saturating_sub(ODD) {
        return None;
    }
    let mut bases: BTreeSet<i64> = BTreeSet::new();
    for &anchor in pointers.iter().take(ANCHORS) {
        bases.extend(names.bases(anchor, &pointers, ODD));
    }
    let base = bases.pop_first().filter(|_| bases.is_empty())?;
    let resolves = |record: &&&[u8]| {
        let pointer = field(record, 4);
        pointer.is_some_and(|pointer| names.holds(pointer, base))
    };
    let before = records
        .get(..from)?
        .iter()
        .rev()
        .take_while(resolves)
        .count();
    let behind = records.get(from..)?.iter().take_while(resolves).count();
    let first = from.checked_sub(before)?;
    let symbols = records.get(first..from.checked_add(behind)?)?;
    let functions = symbols.iter().filter(|record| {
        let tail = record.last_chunk::<2>();
        tail.is_some_and(|[kind, _]| FUNCTIONS.contains(kind))
    });
    let values: Vec<u64> = functions.filter_map(|record| field(record, 8)).collect();
    let (lowest, highest) = (values.iter().min().copied(), values.iter().max().copied());
    let at = at.checked_add(first.checked_mul(layout.size)?)?;
    let at = u64::try_from(at).ok()?;
    Some(SymbolTable {
        series: layout.series,
        at,
        count: u64::try_from(symbols.len()).ok()?,
        endian,
        address: at.checked_add_signed(base)?,
        base: u64::try_from(base).ok(),
        functions: lowest.zip(highest),
    })
}
