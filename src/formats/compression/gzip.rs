//! gzip, RFC 1952: one member or several, each with CRC-32 and size.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::{Crc, Decompress, FlushDecompress, Status};

use crate::budget::Budget;
use crate::formats::{
    Content, Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject, Span,
};
use crate::problem::Problem;
use crate::read::{Fields, index, length, rest};

/// gzip.
pub(in crate::formats) struct Gzip;

/// A member that broke off is kept when it had yielded so many bytes: fewer come out of noise by chance.
const CONVINCING: u64 = 16 << 10;

const FHCRC: u8 = 1 << 1;
const FEXTRA: u8 = 1 << 2;
const FNAME: u8 = 1 << 3;
const FCOMMENT: u8 = 1 << 4;

impl Format for Gzip {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "gzip",
            title: "gzip",
            kind: Kind::Compression,
            spec: "RFC 1952",
            reads: "any number of members one after another",
            verifies: "CRC-32 and size of each member; header CRC",
            limits: &[],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &[0x1f, 0x8b, 8],
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        Header::parse(rest).ok_or(Reject::Coincidence("no gzip header"))?;
        Ok(Extent {
            len: Length::Decoded,
            proof: Proof::Magic,
        })
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        Opened {
            content: Content::Stream(Box::new(Members::new(region))),
            spans: Vec::new(),
            problems: Vec::new(),
        }
    }
}

/// A member's header.
struct Header {
    /// Its length in bytes.
    len: u64,
    /// Where the extra field's data starts and how long it is: bytes that nothing reads, so nothing explains.
    extra: Option<(u64, u64)>,
    /// Whether the stored header CRC, if any, is right.
    sound: bool,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        let flags = fields.u8(3)?;
        // The three high bits are reserved and zero in every gzip file.
        if fields.slice(0, 3)? != [0x1f, 0x8b, 8] || flags & 0xe0 != 0 {
            return None;
        }
        let mut at: usize = 10;
        let mut extra = None;
        if flags & FEXTRA != 0 {
            let len = usize::from(fields.u16(at)?);
            at = at.checked_add(2)?;
            fields.slice(at, len)?;
            extra = Some((u64::try_from(at).ok()?, u64::try_from(len).ok()?));
            at = at.checked_add(len)?;
        }
        for text in [FNAME, FCOMMENT] {
            if flags & text != 0 {
                let end = memchr::memchr(0, fields.tail(at)?)?;
                at = at.checked_add(end)?.checked_add(1)?;
            }
        }
        let mut sound = true;
        if flags & FHCRC != 0 {
            let crc = crc32fast::hash(bytes.get(..at)?) & 0xffff;
            sound = crc == u32::from(fields.u16(at)?);
            at = at.checked_add(2)?;
        }
        Some(Self {
            len: u64::try_from(at).ok()?,
            extra,
            sound,
        })
    }
}

/// Decodes member after member.
struct Members {
    region: Bytes,
    /// The next byte to read, from the region's start.
    at: u64,
    /// Where the current member's compressed bytes start; `None` between members.
    body_at: Option<u64>,
    inflate: Decompress,
    crc: Crc,
    /// Where the last complete member ended.
    complete: u64,
    yielded: u64,
    broken: bool,
    spans: Vec<Span>,
    problems: Vec<Problem>,
}

impl Members {
    fn new(region: Bytes) -> Self {
        Self {
            region,
            at: 0,
            body_at: None,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            complete: 0,
            yielded: 0,
            broken: false,
            spans: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Starts the next member; `false` when there is none.
    fn begin(&mut self) -> bool {
        let Some(header) = Header::parse(&rest(&self.region, self.at)) else {
            return false;
        };
        let start = self.at;
        self.at = start.saturating_add(header.len);
        match header.extra {
            Some((extra_at, extra_len)) => {
                let data_at = start.saturating_add(extra_at);
                let after = data_at.saturating_add(extra_len);
                self.spans.push(Span::metadata(start, extra_at));
                self.spans
                    .push(Span::metadata(after, self.at.saturating_sub(after)));
            }
            None => self.spans.push(Span::metadata(start, header.len)),
        }
        if !header.sound {
            self.problems
                .push(Problem::checksum("the header's CRC-16 is not that of the header").at(start));
        }
        self.body_at = Some(self.at);
        self.inflate.reset(false);
        self.crc.reset();
        true
    }

    /// Ends the current member with its trailer.
    fn end(&mut self, body_at: u64) {
        self.spans
            .push(Span::content(body_at, self.at.saturating_sub(body_at)));
        self.body_at = None;
        let trailer = rest(&self.region, self.at);
        let trailer = Fields::little(&trailer);
        let (Some(crc), Some(size)) = (trailer.u32(0), trailer.u32(4)) else {
            self.stop("the stream ends within a member's trailer");
            return;
        };
        if crc != self.crc.sum() || size != self.crc.amount() {
            self.problems.push(
                Problem::checksum(format!(
                    "CRC-32 stored {crc:08x}, computed {:08x}; size stored {size}, computed {}",
                    self.crc.sum(),
                    self.crc.amount()
                ))
                .at(self.at),
            );
        }
        self.spans.push(Span::metadata(self.at, 8));
        self.at = self.at.saturating_add(8);
        self.complete = self.at;
    }

    fn stop(&mut self, detail: &str) {
        self.broken = true;
        self.problems.push(Problem::corrupt(detail).at(self.at));
    }
}

impl Read for Members {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.broken {
            let Some(body_at) = self.body_at else {
                if self.begin() {
                    continue;
                }
                return Ok(0);
            };
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let input = self.region.get(index(self.at)..).unwrap_or_default();
            let status = self.inflate.decompress(input, out, FlushDecompress::None);
            let read = self.inflate.total_in().saturating_sub(before_in);
            let made = self.inflate.total_out().saturating_sub(before_out);
            self.at = self.at.saturating_add(read);
            self.yielded = self.yielded.saturating_add(made);
            self.crc.update(out.get(..index(made)).unwrap_or_default());
            match status {
                Ok(Status::StreamEnd) => self.end(body_at),
                Ok(_) if read == 0 && made == 0 => self.stop("the compressed data ends too early"),
                Ok(_) => {}
                Err(_) => self.stop("the compressed data is damaged"),
            }
            if made > 0 {
                return Ok(index(made));
            }
        }
        Ok(0)
    }
}

impl Decode for Members {
    fn finish(mut self: Box<Self>) -> Ending {
        if let Some(body_at) = self.body_at {
            self.spans
                .push(Span::content(body_at, self.at.saturating_sub(body_at)));
        }
        let extent = if self.broken && self.complete == 0 && self.yielded < CONVINCING {
            Err(Reject::NearMiss(
                "a gzip header, but no deflate data behind it",
            ))
        } else if self.broken {
            Ok((self.at.min(length(&self.region)), Proof::Structure))
        } else if self.problems.is_empty() {
            Ok((self.complete, Proof::Checksum))
        } else {
            Ok((self.complete, Proof::Structure))
        };
        Ending {
            extent,
            spans: self.spans,
            problems: self.problems,
        }
    }
}
