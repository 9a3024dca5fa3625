//! UF2: blocks of 512 bytes, each with an address, for boards that look like a USB stick.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::records::{loaded, piece};
use crate::budget::Budget;
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span,
};
use crate::problem::Problem;
use crate::read::{Fields, cut, length};

/// UF2.
pub(in crate::formats) struct Uf2;

/// Bytes of a block.
const BLOCK: u64 = 512;
/// Bytes in front of a block's data.
const HEADER: u64 = 32;
/// Bytes of a block's data area.
const AREA: u32 = 476;
const FIRST: u32 = 0x0a32_4655;
const SECOND: u32 = 0x9e5d_5157;
const LAST: u32 = 0x0ab1_6f30;
/// The block is not for the flash.
const NOT_MAIN: u32 = 1;
/// The block belongs to a file, not to a place in the flash.
const FILE: u32 = 0x1000;
/// The field behind the count of blocks names the processor.
const FAMILY: u32 = 0x2000;
/// The data area ends with the MD5 of a range of the flash.
const MD5: u32 = 0x4000;

impl Format for Uf2 {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "uf2",
            title: "UF2",
            kind: Kind::Memory,
            spec: "https://github.com/microsoft/uf2, README.md",
            reads: "blocks for the flash of one family of processors",
            verifies: "all three magics of each block; the numbers of the blocks; that no address has two contents",
            limits: &[
                "blocks of files, of a second family, and blocks that are not for the flash are told and not read",
                "the MD5 of what is in the flash already, and extension tags: they are left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"UF2\nWQ]\x9e",
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let first = Block::read(rest, 0).ok_or(Reject::Coincidence("no block"))?;
        if first.number != 0 {
            return Err(Reject::NearMiss("a block that is not the first"));
        }
        let mut at = 0;
        while Block::read(rest, at).is_some() {
            at = at.saturating_add(BLOCK);
        }
        Ok(Extent::known(at, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let mut reader = Reader::default();
        let mut at = 0;
        while let Some(block) = Block::read(&region, at) {
            reader.block(&region, at, &block);
            at = at.saturating_add(BLOCK);
        }
        reader.check_count(at);
        if let Err(problem) = budget.spend_decoded(at) {
            return Opened::unread(problem);
        }
        let memory = loaded(reader.pieces, |problem| reader.problems.push(problem));
        Opened {
            content: Content::Memory(memory),
            spans: reader.spans,
            problems: reader.problems.into_vec(),
            properties: reader.properties,
        }
    }
}

/// The header of a block.
struct Block {
    flags: u32,
    address: u32,
    len: u32,
    number: u32,
    count: u32,
    family: u32,
}

impl Block {
    fn read(region: &Bytes, at: u64) -> Option<Self> {
        let bytes = cut(region, at, BLOCK)?;
        let fields = Fields::little(&bytes);
        let magics = (fields.u32(0)?, fields.u32(4)?, fields.u32(508)?);
        let block = Self {
            flags: fields.u32(8)?,
            address: fields.u32(12)?,
            len: fields.u32(16)?,
            number: fields.u32(20)?,
            count: fields.u32(24)?,
            family: fields.u32(28)?,
        };
        (magics == (FIRST, SECOND, LAST) && block.len <= AREA).then_some(block)
    }
}

#[derive(Default)]
struct Reader {
    pieces: Vec<crate::memory::Run>,
    /// The family of the first block, where it states one.
    family: Option<u32>,
    spans: Vec<Span>,
    problems: Problems,
    properties: Properties,
    /// The number that the next block has to have, and how many there are to be.
    next: u32,
    count: u32,
}

impl Reader {
    fn block(&mut self, region: &Bytes, at: u64, block: &Block) {
        // Files for several families are put one after another; each counts from zero.
        if block.number == 0 && self.next == self.count {
            (self.next, self.count) = (0, block.count);
        }
        if block.number != self.next || block.count != self.count {
            let detail = format!(
                "block {} of {} where block {} of {} should be",
                block.number, block.count, self.next, self.count
            );
            self.problems.push(Problem::corrupt(detail).at(at));
        }
        self.next = block.number.saturating_add(1);
        self.count = block.count;
        let data = at.saturating_add(HEADER);
        let len = u64::from(block.len);
        let tail = at.saturating_add(BLOCK).saturating_sub(4);
        self.spans.push(Span::metadata(at, HEADER));
        self.spans.push(Span::metadata(tail, 4));
        let family = (block.flags & FAMILY != 0).then_some(block.family);
        if at == 0 {
            self.family = family;
            if let Some(family) = family {
                self.properties.set("family", format!("0x{family:08x}"));
            }
        }
        if block.flags & (NOT_MAIN | FILE) != 0 || family != self.family {
            let detail = "a block of a file, of another family, or not for the flash is not read";
            return self.problems.push(Problem::unsupported(detail).at(at));
        }
        if block.flags & MD5 != 0 {
            self.properties.set("md5", "stated, not verified");
        }
        self.spans.push(Span::content(data, len));
        let padding = data.saturating_add(len);
        self.spans.extend(zeros(region, padding, tail));
        if let Some(bytes) = cut(region, data, len) {
            self.pieces.push(piece(u64::from(block.address), bytes));
        }
    }

    fn check_count(&mut self, end: u64) {
        if self.next != self.count {
            let detail = format!("{} of {} blocks are there", self.next, self.count);
            self.problems.push(Problem::corrupt(detail).at(end));
        }
    }
}

/// The end of a data area, where it is zero; anything else stays a gap.
fn zeros(region: &Bytes, from: u64, to: u64) -> Option<Span> {
    let len = to.saturating_sub(from);
    let bytes = cut(region, from, len)?;
    let zero = crate::read::is_all(&bytes, 0);
    zero.then(|| Span::metadata(from, length(&bytes)))
}
