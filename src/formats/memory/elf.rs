//! ELF files for bare processors: sections that are loaded at addresses, and the names of functions.

mod tables;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::tables::{Header, Section, Segment};
use super::records::{loaded, piece};
use super::vectors::Vectors;
use crate::budget::Budget;
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span,
};
use crate::memory::{Function, Memory, Run};
use crate::problem::Problem;
use crate::read::{clip, cut, length};

/// ELF, of programs that no operating system loads.
pub(in crate::formats) struct Elf;

/// Machines on which no operating system loads ELF files: H8/300, `TriCore`, V850, AVR, MSP430, 8051, RX, STM8, RL78.
const BARE: &[u16] = &[44, 46, 83, 87, 105, 165, 173, 186, 197];
const ARM: u16 = 40;
/// Of so many segments that are loaded sections may be part.
const MOST_SEGMENTS: usize = 64;
/// So many functions are named.
const MOST_FUNCTIONS: usize = 100_000;

impl Format for Elf {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "elf",
            title: "ELF file of a program for a bare processor",
            kind: Kind::Memory,
            spec: "System V Application Binary Interface, edition 4.1, chapters 4 and 5; BFD's rule for load addresses",
            reads: "executables at the start of an image or of a file in it, for microcontrollers in both byte orders, 32 and 64 bits: those for Cortex-M, told by their vector table, and those for machines that only bare programs are built for",
            verifies: "that sections lie inside the file and segments agree on where they are loaded; the format has no checksum",
            limits: &[
                "executables of an operating system are files, not memories",
                "programs for other bare processors, such as older ARM, PowerPC and MIPS, are not told from them",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::read(rest).ok_or(Reject::Coincidence("no executable"))?;
        let segments = header.segments(rest);
        let sections = header.sections(rest);
        if !is_bare(
            &header,
            &segments,
            &memory(rest, &segments, &sections, |_| ()),
        ) {
            return Err(Reject::Coincidence("not of a bare processor"));
        }
        let ends = sections.iter().filter(|section| section.is_stored());
        let ends = ends.map(|section| section.at.saturating_add(section.len));
        let ends = ends.chain(segments.iter().map(|it| it.at.saturating_add(it.len)));
        let len = ends.chain(header.tables().map(|table| table.end)).max();
        Ok(Extent::known(len.unwrap_or_default(), Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(header) = Header::read(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        if let Err(problem) = budget.spend_decoded(length(&region)) {
            return Opened::unread(problem);
        }
        let segments = header.segments(&region);
        let sections = header.sections(&region);
        let mut problems = Problems::default();
        let mut memory = memory(&region, &segments, &sections, |problem| {
            problems.push(problem);
        });
        memory.functions = functions(&header, &region, &sections);
        let mut properties = Properties::new();
        properties.set("start-address", format!("0x{:08x}", header.entry));
        properties.set("functions", memory.functions.len().to_string());
        let mut spans: Vec<Span> = header
            .tables()
            .map(|table| Span::metadata(table.start, table.end.saturating_sub(table.start)))
            .collect();
        for section in sections.iter().filter(|section| section.is_stored()) {
            spans.push(if section.is_loaded() {
                Span::content(section.at, section.len)
            } else {
                Span::metadata(section.at, section.len)
            });
        }
        if sections.is_empty() {
            spans.extend(segments.iter().map(|it| Span::content(it.at, it.len)));
        }
        Opened {
            content: Content::Memory(memory),
            spans,
            problems: problems.into_vec(),
            properties,
        }
    }
}

/// Whether no operating system loads this program.
fn is_bare(header: &Header, segments: &[Segment], memory: &Memory) -> bool {
    let loaded_by_system = segments.iter().any(Segment::is_for_system);
    let first = memory.runs.first();
    let cortex = || {
        first.is_some_and(|run| {
            let vectors = Vectors::read(&run.bytes);
            vectors.is_some_and(|vectors| vectors.fit(&run.bytes, run.address))
        })
    };
    !loaded_by_system && (BARE.contains(&header.machine) || header.machine == ARM && cortex())
}

/// What is loaded where: the sections that are, where their segments say, as `objcopy` has it; without sections the segments.
fn memory(
    region: &Bytes,
    segments: &[Segment],
    sections: &[Section],
    mut tell: impl FnMut(Problem),
) -> Memory {
    let mut pieces: Vec<Run> = Vec::new();
    let mut load = |address: u64, at: u64, len: u64| {
        if cut(region, at, len).is_none() {
            tell(Problem::corrupt("what is to be loaded reaches past the end").at(at));
        }
        pieces.push(piece(address, clip(region, at, len)));
    };
    if sections.is_empty() {
        for segment in segments.iter().filter(|segment| segment.is_loaded()) {
            load(segment.physical, segment.at, segment.len);
        }
    }
    for section in sections.iter().filter(|section| section.is_loaded()) {
        let shift = segments
            .iter()
            .filter(|segment| segment.is_loaded())
            .take(MOST_SEGMENTS)
            .find_map(|segment| segment.load_address(section));
        load(shift.unwrap_or(section.address), section.at, section.len);
    }
    loaded(pieces, tell)
}

/// The functions that the symbol table names, in a region that may hold a hostile one.
fn functions(header: &Header, region: &Bytes, sections: &[Section]) -> Vec<Function> {
    let tables = sections.iter().filter(|section| section.is_symbols());
    let mut found = Vec::new();
    for table in tables {
        let left = MOST_FUNCTIONS.saturating_sub(found.len());
        found.extend(header.functions(region, table, sections, left));
        if left == 0 {
            break;
        }
    }
    found.sort();
    found.dedup();
    found
}
