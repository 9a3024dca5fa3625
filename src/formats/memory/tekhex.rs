//! Extended Tektronix hex: bytes and addresses in lines of hexadecimal digits, a checksum in each, and symbols.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::records::{self, Collected, Line, Seen, lines, unhex};
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Reject};
use crate::problem::Problem;
use crate::read::length;

/// Extended Tektronix hex.
pub(in crate::formats) struct Tekhex;

impl Format for Tekhex {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "tekhex",
            title: "Tektronix extended hexadecimal",
            kind: Kind::Memory,
            spec: "srec_tektronix_extended(5); binutils bfd/tekhex.c",
            reads: "addresses of up to 64 bits, the address to start at",
            verifies: "the checksum and the length of each line; that there is a last one; that no address has two contents",
            limits: &["symbols are accounted for, not shown; the older form of 16 bits of address"],
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
        let mut out = Collected::default();
        let mut ended = false;
        for line in lines(&region, 0) {
            ended |= take(&line, &mut out);
        }
        out.open(length(&region), ended, budget)
    }
}

const SYMBOLS: u8 = b'3';
const DATA: u8 = b'6';
const END: u8 = b'8';

/// One line.
struct Record<'a> {
    kind: u8,
    /// The digits behind the checksum.
    body: &'a [u8],
    is_intact: bool,
}

impl<'a> Record<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        let digits = line.trim_ascii_end().strip_prefix(b"%")?;
        let (head, body) = digits.split_at_checked(5)?;
        let (len, kind) = (number(head.get(..2)?)?, *head.get(2)?);
        let stated = number(head.get(3..)?)?;
        let counted = head.iter().take(3).chain(body);
        let sum: u64 = counted.map(|&digit| value(digit)).sum::<Option<u64>>()?;
        let known = matches!(kind, SYMBOLS | DATA | END);
        let sound = known && usize::try_from(len) == Ok(digits.len());
        sound.then_some(Self {
            kind,
            body,
            is_intact: sum & 0xff == stated,
        })
    }

    /// The address that the line starts with, and the digits behind it: one digit says how many it has, 0 for 16.
    fn address(&self) -> Option<(u64, &'a [u8])> {
        let (&len, behind) = self.body.split_first()?;
        let len = match value(len)? {
            0 => 16,
            len @ 1..=15 => usize::try_from(len).ok()?,
            _ => return None,
        };
        let (digits, rest) = behind.split_at_checked(len)?;
        Some((number(digits)?, rest))
    }
}

/// What a character counts in a checksum.
fn value(character: u8) -> Option<u64> {
    let offset =
        |from: u8, value: u64| Some(value.saturating_add(u64::from(character.wrapping_sub(from))));
    match character {
        b'0'..=b'9' => offset(b'0', 0),
        b'A'..=b'Z' => offset(b'A', 10),
        b'$' => Some(36),
        b'%' => Some(37),
        b'.' => Some(38),
        b'_' => Some(39),
        b'a'..=b'z' => offset(b'a', 40),
        // The specification has no other characters; BFD writes some in names, and counts nothing for them.
        b'!'..=b'~' => Some(0),
        _ => None,
    }
}

/// The number that hexadecimal digits stand for.
fn number(digits: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(digits).ok()?;
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| plain)
}

/// Takes one line; tells whether it is the last.
fn take(line: &Line<'_>, out: &mut Collected) -> bool {
    let at = u64::try_from(line.at).unwrap_or(u64::MAX);
    let Some(record) = Record::read(line.text) else {
        out.problems.push(Problem::corrupt("no record").at(at));
        return false;
    };
    if !record.is_intact {
        let problem = Problem::checksum("the checksum is not that of the line");
        out.problems.push(problem.at(at));
    }
    match (record.kind, record.address()) {
        (SYMBOLS, _) => {}
        (END, Some((address, _))) => {
            out.properties
                .set("start-address", format!("0x{address:08x}"));
        }
        (_, Some((address, digits))) => match unhex(digits) {
            Some(bytes) => out.load(address, &bytes),
            None => out.problems.push(Problem::corrupt("no bytes").at(at)),
        },
        (_, None) => out.problems.push(Problem::corrupt("no address").at(at)),
    }
    record.kind == END
}
