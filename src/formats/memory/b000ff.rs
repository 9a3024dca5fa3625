//! B000FF, the `NK.BIN` that Windows CE's `romimage` writes: records of an address, a length, a sum and bytes.
//!
//! It is a layout of one part, the image as it lies in memory, and no [`Memory`](crate::memory::Memory): what `romimage` leaves out
//! between the records are parts of modules and pages of the ROM's file system, so that only the whole image can be read as the
//! tree it is (`wince-rom`). A baseline then states files and modules, and the same baseline holds for the `.nb0` and for a copy
//! of the flash. What stands in no file of the ROM stays a gap of the part.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::compression::notes::Notes;
use crate::formats::disk::assemble::{Disk, Map, Piece};
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, length};

/// B000FF.
pub(in crate::formats) struct B000ff;

const MAGIC: &[u8; 7] = b"B000FF\n";
/// Bytes of the header: the magic, and where the image starts and how long it is.
const HEADER: u64 = 15;
/// Bytes of the head of a record.
const HEAD: u64 = 12;

impl Format for B000ff {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "b000ff",
            title: "Windows CE image (NK.BIN)",
            kind: Kind::Memory,
            spec: "Windows CE Platform Builder, .bin image data format",
            reads: "one image; records in any order",
            verifies: "the sum of each record; that records lie in the image that the header states and do not overlap; that there is a last one",
            limits: &[
                "what no record holds is read as zeros",
                "signed images (S000FF)",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: MAGIC,
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::read(rest).ok_or(Reject::Coincidence("no image behind the magic"))?;
        let walk = Walk::new(rest, &header);
        let Some(first) = walk.records.first() else {
            return Err(Reject::NearMiss("no record in the image behind the magic"));
        };
        let proof = if first.sum(rest) == Some(first.stated) {
            Proof::Checksum
        } else {
            Proof::Structure
        };
        Ok(Extent::known(walk.end, proof))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(header) = Header::read(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut problems = Problems::default();
        let walk = Walk::new(&region, &header);
        let mut spans = vec![Span::metadata(0, HEADER)];
        let mut records = Vec::new();
        for record in walk.records {
            if let Err(problem) = budget.spend_entries(1) {
                problems.push(problem);
                break;
            }
            spans.push(Span::metadata(record.at.saturating_sub(HEAD), HEAD));
            if record.sum(&region) != Some(record.stated) {
                let detail = format!(
                    "the sum of the record for {:#x} is not that of its bytes",
                    record.address
                );
                problems.push(Problem::checksum(detail).at(record.at));
            }
            records.push(record);
        }
        let mut properties = Properties::new();
        properties.set("start", format!("{:#010x}", header.start));
        properties.set("size", header.len.to_string());
        if let Some(entry) = walk.entry {
            spans.push(Span::metadata(walk.end.saturating_sub(HEAD), HEAD));
            properties.set("entry", format!("{entry:#010x}"));
        } else {
            let problem = Problem::corrupt("the record that ends the file is missing");
            problems.push(problem.at(length(&region)));
        }
        records.sort_by_key(|record| record.address);
        for overlap in Pieces::overlaps(&records) {
            let detail = format!("two records hold the bytes at {overlap:#x}");
            problems.push(Problem::corrupt(detail));
        }
        let pieces = Pieces {
            records,
            next: 0,
            at: header.start,
            end: header.end(),
        };
        Opened {
            content: Content::Layout(vec![Part {
                name: format!("{:#010x}", header.start).into_bytes(),
                bytes: PartBytes::Stream(Box::new(Disk::new(region, pieces))),
            }]),
            spans,
            problems: problems.into_vec(),
            properties,
        }
    }
}

/// What the header states: the addresses of the image.
struct Header {
    start: u64,
    len: u64,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let header = Self {
            start: fields.u32(7)?.into(),
            len: fields.u32(11)?.into(),
        };
        let fits = header.end() <= 1 << 32 && header.len > 0;
        (fits && bytes.starts_with(MAGIC)).then_some(header)
    }

    fn end(&self) -> u64 {
        self.start.saturating_add(self.len)
    }

    fn holds(&self, record: &Record) -> bool {
        self.start <= record.address && record.end() <= self.end()
    }
}

/// One record.
#[derive(Clone, Copy)]
struct Record {
    /// Where its bytes are loaded.
    address: u64,
    len: u64,
    /// The sum of its bytes, as stated.
    stated: u32,
    /// Where its bytes stand, from the region's start.
    at: u64,
}

impl Record {
    fn end(&self) -> u64 {
        self.address.saturating_add(self.len)
    }

    /// The sum of its bytes, modulo 2^32; `None` where they are not all there.
    fn sum(&self, region: &Bytes) -> Option<u32> {
        let mut sum = 0_u32;
        for chunk in cut(region, self.at, self.len)?.chunks(1 << 20) {
            sum = chunk
                .iter()
                .fold(sum, |sum, &byte| sum.wrapping_add(byte.into()));
            map::touched(length(chunk));
        }
        Some(sum)
    }
}

/// The records in the order of the file.
struct Walk {
    records: Vec<Record>,
    /// Where the file ends, in bytes from the region's start; past its end when it is cut off.
    end: u64,
    /// Where execution starts, which the last record states.
    entry: Option<u32>,
}

impl Walk {
    /// Walks to the record that ends the file, or to the first that is none of the image.
    fn new(region: &Bytes, header: &Header) -> Self {
        let mut walk = Self {
            records: Vec::new(),
            end: HEADER,
            entry: None,
        };
        loop {
            let at = walk.end.saturating_add(HEAD);
            let Some(head) = cut(region, walk.end, HEAD) else {
                walk.end = at;
                return walk;
            };
            let fields = Fields::little(&head);
            let (Some(address), Some(len), Some(stated)) =
                (fields.u32(0), fields.u32(4), fields.u32(8))
            else {
                return walk;
            };
            if address == 0 && stated == 0 {
                walk.entry = Some(len);
                walk.end = at;
                return walk;
            }
            let record = Record {
                address: address.into(),
                len: len.into(),
                stated,
                at,
            };
            if !header.holds(&record) {
                return walk;
            }
            walk.end = at.saturating_add(record.len);
            walk.records.push(record);
        }
    }
}

/// The image from its first address to its last.
struct Pieces {
    /// By address.
    records: Vec<Record>,
    next: usize,
    at: u64,
    end: u64,
}

impl Pieces {
    /// The addresses from which on two records hold the same; `records` are in order.
    fn overlaps(records: &[Record]) -> Vec<u64> {
        let mut reached = 0;
        let mut twice = Vec::new();
        for record in records.iter().filter(|record| record.len > 0) {
            if record.address < reached {
                twice.push(record.address);
            }
            reached = record.end().max(reached);
        }
        twice
    }
}

impl Map for Pieces {
    fn next(&mut self, _notes: &mut Notes) -> Option<Piece> {
        while let Some(record) = self.records.get(self.next) {
            if record.address > self.at {
                let hole = record.address.saturating_sub(self.at);
                self.at = record.address;
                return Some(Piece::hole(hole));
            }
            self.next = self.next.saturating_add(1);
            let known = self.at.saturating_sub(record.address);
            let len = record.len.saturating_sub(known);
            if len > 0 {
                self.at = record.end();
                return Some(Piece::Stored {
                    at: record.at.saturating_add(known),
                    len,
                });
            }
        }
        let hole = self.end.saturating_sub(self.at);
        self.at = self.end;
        (hole > 0).then(|| Piece::hole(hole))
    }
}

/// Where an image at the start of these bytes says that it lies in memory: its first address and its length.
pub(super) fn states(bytes: &[u8]) -> Option<(u32, u32)> {
    let fields = Fields::little(bytes);
    Some((fields.u32(7)?, fields.u32(11)?)).filter(|_| bytes.starts_with(MAGIC))
}

/// How long an image at the start of these bytes is; more than are there when it is cut off.
pub(super) fn extent(bytes: &Bytes) -> Option<u64> {
    Some(Walk::new(bytes, &Header::read(bytes)?).end)
}

/// Whether the bytes at `at` of a stream are those of a record, and no region of their own: a file of these starts with the image's.
pub(in crate::formats) fn is_record(stream: &Bytes, at: u64) -> bool {
    let first = at
        .checked_sub(HEADER.saturating_add(HEAD))
        .is_some_and(|start| clip(stream, start, 7).starts_with(MAGIC));
    let record = || {
        let head = cut(stream, at.checked_sub(HEAD)?, HEAD)?;
        let fields = Fields::little(&head);
        let record = Record {
            address: fields.u32(0)?.into(),
            len: fields.u32(4)?.into(),
            stated: fields.u32(8)?,
            at,
        };
        // That of the signature is no longer; others would cost too much at every place that looks like one.
        Some((8..=64).contains(&record.len) && record.sum(stream)? == record.stated)
    };
    first || record().unwrap_or(false)
}
