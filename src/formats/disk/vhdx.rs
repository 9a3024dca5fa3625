//! Hyper-V disks: two headers, two tables of regions, and a table of blocks.

mod layout;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::layout::{Layout, newest_header, regions};
use super::assemble::{Blocks, Disk, Even, Piece};
use crate::budget::Budget;
use crate::formats::compression::notes::Notes;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span,
};
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// Hyper-V disks.
pub(in crate::formats) struct Vhdx;

const MIB: u64 = 1 << 20;

impl Format for Vhdx {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "vhdx",
            title: "Hyper-V disk image (VHDX)",
            kind: Kind::Disk,
            spec: "MS-VHDX",
            reads: "fixed and dynamic disks",
            verifies: "CRC-32C of both headers and both region tables",
            limits: &[
                "differencing disks: what only the parent holds is read as zeros",
                "a log that must be replayed is told, not replayed",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"vhdxfile",
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let layout = newest_header(rest).and_then(|_| Layout::parse(rest));
        let layout = layout.ok_or(Reject::NearMiss(
            "a VHDX file without a sound header or region table",
        ))?;
        Ok(Extent::known(layout.end(rest), Proof::Checksum))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(layout) = Layout::parse(&region) else {
            return Opened::unread(Problem::corrupt("no sound region table"));
        };
        let mut opened = Opened {
            content: Content::Unread,
            spans: vec![Span::metadata(0, 8)],
            problems: Vec::new(),
            properties: Properties::new(),
        };
        layout.explain(&region, &mut opened);
        if newest_header(&region).is_some_and(|header| header.has_log) {
            let detail = "the log must be replayed before the disk is current; it is read as it is";
            opened
                .problems
                .push(Problem::unsupported(detail).at(layout::HEADERS[0]));
        }
        let entries = regions(&region).map_or(0, |(_, count)| count);
        opened.properties.set("regions", entries.to_string());
        if layout.has_parent {
            let detail = "a differencing disk: what only its parent holds is read as zeros";
            opened.problems.push(Problem::unsupported(detail));
        }
        let (block, size) = (layout.block, layout.size);
        let table = Table {
            region: region.clone(),
            layout,
        };
        let disk = Disk::new(region, Even::new(table, block, size));
        opened.content = Content::Stream(Box::new(disk));
        opened
    }
}

struct Table {
    region: Bytes,
    layout: Layout,
}

impl Blocks for Table {
    fn block(&mut self, number: u64, notes: &mut Notes) -> Piece {
        let at = self.layout.entry_at(number);
        let hole = Piece::hole(self.layout.block);
        let Some(entry) = Fields::little(&self.region).u64(index(at)) else {
            notes.problem(Problem::corrupt("the table of blocks is cut off").at(at));
            return hole;
        };
        match entry & 7 {
            6 => Piece::Stored {
                at: (entry >> 20).saturating_mul(MIB),
                len: self.layout.block,
            },
            0..=3 => hole,
            7 if self.layout.has_parent => {
                let detail = "a block of which the parent holds some; it is read as zeros";
                notes.problem(Problem::unsupported(detail).at(at));
                hole
            }
            state => {
                let detail = format!("a block has the state {state}; it is read as zeros");
                notes.problem(Problem::corrupt(detail).at(at));
                hole
            }
        }
    }
}

/// Where the last stored block ends.
fn blocks_end(layout: &Layout, bytes: &Bytes) -> u64 {
    let fields = Fields::little(bytes);
    let mut end = 0_u64;
    for number in 0..layout.entries() {
        let at = layout.table_at.saturating_add(number.saturating_mul(8));
        let Some(entry) = fields.u64(index(at)) else {
            break;
        };
        if entry & 7 >= 6 {
            // The bitmaps of differencing disks stand between the blocks, and have one size.
            let is_bitmap = layout.is_bitmap(number);
            let len = if is_bitmap { MIB } else { layout.block };
            end = end.max((entry >> 20).saturating_mul(MIB).saturating_add(len));
        }
    }
    crate::image::map::touched(layout.entries().saturating_mul(8).min(length(bytes)));
    end
}
