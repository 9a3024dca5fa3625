//! TRX, the image that Broadcom's boot loader writes to flash: a header with a CRC-32 and up to four parts.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties, Reject,
    Span,
};
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, length, rest};

/// TRX.
pub(in crate::formats) struct Trx;

/// Where the bytes start that the CRC-32 covers.
const COVERED: u64 = 12;

impl Format for Trx {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "trx",
            title: "TRX",
            kind: Kind::Boot,
            spec: "Linux drivers/mtd/parsers/parser_trx.c; OpenWrt tools/firmware-utils, trx.c",
            reads: "versions 1 and 2",
            verifies: "CRC-32 of all behind it",
            limits: &["signatures and headers that vendors put behind or before it"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"HDR0",
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::read(rest).ok_or(Reject::Coincidence("no TRX header"))?;
        Ok(Extent::known(header.len, Proof::Structure))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(header) = Header::read(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut properties = Properties::new();
        properties.set("version", header.version.to_string());
        let mut problems = Vec::new();
        if length(&region) >= header.len {
            let mut hasher = crc32fast::Hasher::new();
            for chunk in rest(&region, COVERED).chunks(1 << 20) {
                hasher.update(chunk);
                map::touched(length(chunk));
            }
            // The sum is kept without its last inversion.
            if hasher.finalize() != !header.crc {
                let problem = Problem::checksum("the CRC-32 is not that of the image");
                problems.push(problem.at(8));
            }
        }
        let ends = header.starts.iter().skip(1).chain([&header.len]);
        let parts = header.starts.iter().zip(ends).enumerate();
        let parts = parts.map(|(number, (&start, &end))| Part {
            name: format!("part{number}").into_bytes(),
            bytes: PartBytes::Range(start..end),
        });
        Opened {
            content: Content::Layout(parts.collect()),
            spans: vec![Span::metadata(0, header.own_len)],
            problems,
            properties,
        }
    }
}

/// The header.
struct Header {
    /// The length of it all in bytes.
    len: u64,
    crc: u32,
    version: u16,
    /// Its own length in bytes.
    own_len: u64,
    /// Where the parts start, in order.
    starts: Vec<u64>,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let len = u64::from(fields.u32(4)?);
        let version = fields.u16(14)?;
        let (own_len, offsets) = match version {
            1 => (28, [16, 20, 24].as_slice()),
            2 => (32, [16, 20, 24, 28].as_slice()),
            _ => return None,
        };
        let mut starts = Vec::new();
        for &at in offsets {
            let start = u64::from(fields.u32(at)?);
            if start != 0 {
                starts.push(start);
            }
        }
        let first = starts.first().copied()?;
        let ordered = starts.is_sorted_by(|a, b| a < b);
        let inside = starts.last().is_some_and(|&last| last < len);
        (first >= own_len && ordered && inside).then_some(Self {
            len,
            crc: fields.u32(8)?,
            version,
            own_len,
            starts,
        })
    }
}
