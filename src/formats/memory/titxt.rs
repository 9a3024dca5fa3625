//! TI-TXT: bytes in hexadecimal digits behind lines that state an address, for MSP430 and its kin.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use super::records::{self, Collected, after, lines, unhex};
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::problem::Problem;
use crate::read::length;

/// TI-TXT.
pub(in crate::formats) struct Titxt;

impl Format for Titxt {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "titxt",
            title: "TI-TXT",
            kind: Kind::Memory,
            spec: "TI SLAU131, ARM and MSP430 Assembly Language Tools, hex conversion utility: TI-TXT object format",
            reads: "sections of any number, up to 16 bytes a line",
            verifies: "that there is a last line and that no address has two contents; the format has no checksum",
            limits: &[],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let (mut end, mut bytes) = (0, 0_usize);
        for line in lines(rest, 0) {
            let read = Line::read(line.text);
            match &read {
                Some(Line::Address(_)) if bytes == 0 && line.at > 0 => break,
                Some(Line::Bytes(data)) if line.at > 0 => bytes = bytes.saturating_add(data.len()),
                Some(Line::Address(_) | Line::End) => {}
                _ => break,
            }
            end = after(rest, line.at.saturating_add(line.text.len()));
            if matches!(read, Some(Line::End)) {
                break;
            }
        }
        if bytes == 0 {
            return Err(Reject::Coincidence("no bytes behind an address"));
        }
        Ok(records::extent(end, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let mut out = Collected::default();
        let (mut address, mut ended) = (0, false);
        for line in lines(&region, 0) {
            match Line::read(line.text) {
                Some(Line::Address(value)) => address = value,
                Some(Line::Bytes(data)) => {
                    out.load(address, &data);
                    address = address.saturating_add(length(&data));
                }
                Some(Line::End) => ended = true,
                None => {
                    let at = u64::try_from(line.at).unwrap_or(u64::MAX);
                    out.problems
                        .push(Problem::corrupt("no line of TI-TXT").at(at));
                }
            }
        }
        out.open(length(&region), ended, budget)
    }
}

/// What a line says.
enum Line {
    Address(u64),
    Bytes(Vec<u8>),
    End,
}

impl Line {
    fn read(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii_end();
        if let Some(digits) = line.strip_prefix(b"@") {
            let digits = str::from_utf8(digits).ok()?;
            let sound = (1..=8).contains(&digits.len());
            let address = u64::from_str_radix(digits, 16).ok();
            return address.filter(|_| sound).map(Self::Address);
        }
        if matches!(line, b"q" | b"Q") {
            return Some(Self::End);
        }
        let pairs = line.split(|&byte| byte == b' ');
        let mut bytes = Vec::new();
        for pair in pairs {
            (pair.len() == 2).then_some(())?;
            bytes.extend(unhex(pair)?);
        }
        (bytes.len() <= 16).then_some(Self::Bytes(bytes))
    }
}
