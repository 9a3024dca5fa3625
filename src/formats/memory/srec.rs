//! Motorola S-records: bytes and addresses in lines of hexadecimal digits, a checksum in each.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::records::{self, Collected, Line, Seen, lines, unhex};
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Reject};
use crate::problem::Problem;
use crate::read::length;

/// Motorola S-records.
pub(in crate::formats) struct Srec;

impl Format for Srec {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "srec",
            title: "Motorola S-record",
            kind: Kind::Memory,
            spec: "M68000 Family Programmer's Reference Manual, appendix C",
            reads: "16, 24 and 32 bits of address, with and without a header, lines in any order, the address to start at",
            verifies: "the checksum of each line; the count of lines; that there is a last one; that no address has two contents",
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
                loads: matches!(record.kind, b'1'..=b'3') && record.is_intact,
                ends: is_last(record.kind),
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

/// Whether a line of this type ends a file.
fn is_last(kind: u8) -> bool {
    matches!(kind, b'7'..=b'9')
}

/// One line.
struct Record {
    /// The digit of its type.
    kind: u8,
    address: u64,
    data: Vec<u8>,
    is_intact: bool,
}

impl Record {
    fn read(line: &[u8]) -> Option<Self> {
        let (&kind, digits) = line.trim_ascii_end().strip_prefix(b"S")?.split_first()?;
        let address_len: usize = match kind {
            b'0' | b'1' | b'5' | b'9' => 2,
            b'2' | b'6' | b'8' => 3,
            b'3' | b'7' => 4,
            _ => return None,
        };
        let bytes = unhex(digits)?;
        let (&len, behind) = bytes.split_first()?;
        (behind.len() == usize::from(len)).then_some(())?;
        let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        let (address, data) = behind.split_last()?.1.split_at_checked(address_len)?;
        Some(Self {
            kind,
            address: address
                .iter()
                .fold(0, |address, byte| address << 8 | u64::from(*byte)),
            data: data.to_vec(),
            is_intact: sum == 0xff,
        })
    }
}

#[derive(Default)]
struct Reader {
    count: u64,
    ended: bool,
    out: Collected,
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
        match record.kind {
            b'0' => self.out.properties.set("header", record.data),
            b'1'..=b'3' => {
                self.count = self.count.saturating_add(1);
                self.out.load(record.address, &record.data);
            }
            b'5' | b'6' => {
                let most = if record.kind == b'5' {
                    0xffff
                } else {
                    0xff_ffff
                };
                if record.address != self.count & most {
                    let detail = format!(
                        "{} lines of data are counted, {} are there",
                        record.address, self.count
                    );
                    self.out.problems.push(Problem::corrupt(detail).at(at));
                }
            }
            _ => {
                self.ended = true;
                let address = format!("0x{:08x}", record.address);
                self.out.properties.set("start-address", address);
            }
        }
    }
}
