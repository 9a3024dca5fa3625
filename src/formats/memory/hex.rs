//! Intel HEX: bytes and addresses in lines of hexadecimal digits, a checksum in each.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::records::{self, Collected, Line, Seen, lines, unhex};
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Reject};
use crate::problem::Problem;
use crate::read::{Fields, length};

/// Intel HEX.
pub(in crate::formats) struct Hex;

impl Format for Hex {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "hex",
            title: "Intel HEX",
            kind: Kind::Memory,
            spec: "Intel Hexadecimal Object File Format Specification, revision A (1988)",
            reads: "8, 16 and 32 bits of address, lines in any order, the address to start at",
            verifies: "the checksum of each line; that there is a last one; that no address has two contents",
            limits: &["files that start with a comment"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        records::measure(rest, |line| {
            let record = Record::read(line)?;
            Some(Seen {
                loads: record.kind == DATA && record.is_intact,
                ends: record.kind == END,
            })
        })
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let mut reader = Reader::default();
        for line in lines(&region, 0) {
            reader.line(&line);
        }
        reader.out.open(length(&region), reader.ended, budget)
    }
}

const DATA: u8 = 0;
const END: u8 = 1;
const SEGMENT: u8 = 2;
const START_SEGMENT: u8 = 3;
const LINEAR: u8 = 4;
const START_LINEAR: u8 = 5;

/// One line.
struct Record {
    /// 0 to 5.
    kind: u8,
    /// The low 16 bits of the address.
    address: u16,
    data: Vec<u8>,
    is_intact: bool,
}

impl Record {
    fn read(line: &[u8]) -> Option<Self> {
        let bytes = unhex(line.trim_ascii_end().strip_prefix(b":")?)?;
        let fields = Fields::big(&bytes);
        let len = usize::from(fields.u8(0)?);
        (bytes.len() == len.saturating_add(5)).then_some(())?;
        let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        Some(Self {
            kind: fields.u8(3).filter(|kind| *kind <= START_LINEAR)?,
            address: fields.u16(1)?,
            data: fields.slice(4, len)?.to_vec(),
            is_intact: sum == 0,
        })
    }
}

/// What the address of a line counts from.
#[derive(Clone, Copy)]
enum Base {
    /// Bits 16 to 31 are given.
    Linear(u64),
    /// A segment of 64 KiB starts here, and addresses wrap in it.
    Segment(u64),
}

struct Reader {
    base: Base,
    ended: bool,
    out: Collected,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            base: Base::Linear(0),
            ended: false,
            out: Collected::default(),
        }
    }
}

impl Reader {
    fn line(&mut self, line: &Line<'_>) {
        let at = u64::try_from(line.at).unwrap_or(u64::MAX);
        let Some(record) = Record::read(line.text) else {
            return self.out.problems.push(Problem::corrupt("no record").at(at));
        };
        if !record.is_intact {
            let problem = Problem::checksum("the checksum is not that of the line");
            self.out.problems.push(problem.at(at));
        }
        let fields = Fields::big(&record.data);
        match record.kind {
            DATA => self.load(record.address, &record.data),
            END => self.ended = true,
            SEGMENT => self.rebase(fields.u16(0), at, |value| Base::Segment(value << 4)),
            LINEAR => self.rebase(fields.u16(0), at, |value| Base::Linear(value << 16)),
            START_SEGMENT => self.start("start-segment", fields.u32(0)),
            _ => self.start("start-address", fields.u32(0)),
        }
    }

    fn rebase(&mut self, value: Option<u16>, at: u64, base: impl Fn(u64) -> Base) {
        if let Some(value) = value {
            self.base = base(u64::from(value));
        } else {
            let problem = Problem::corrupt("a line that states no address");
            self.out.problems.push(problem.at(at));
        }
    }

    fn start(&mut self, name: &str, value: Option<u32>) {
        if let Some(value) = value {
            self.out.properties.set(name, format!("0x{value:08x}"));
        }
    }

    fn load(&mut self, address: u16, data: &[u8]) {
        let address = u64::from(address);
        match self.base {
            Base::Linear(base) => self.out.load(base.saturating_add(address), data),
            Base::Segment(base) => {
                let left = 0x1_0000_u64.saturating_sub(address);
                let fits = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
                let (low, wrapped) = data.split_at(fits);
                self.out.load(base.saturating_add(address), low);
                if !wrapped.is_empty() {
                    self.out.load(base, wrapped);
                }
            }
        }
    }
}
