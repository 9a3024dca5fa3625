//! lzop: LZO1X blocks with the checksums that the header chooses. Several files one after another are read as one.

mod header;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use bytes::Bytes;

use self::header::{Header, MAGIC, Sums};
use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length, rest};

/// lzop.
pub(in crate::formats) struct Lzop;

/// The most bytes that a block may hold (64 MiB).
const LARGEST: u64 = 64 << 20;

/// What one stored byte can become, more or less: a match grows by 255 bytes for each byte of its length.
const RATIO: u64 = 256;

impl Format for Lzop {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "lzop",
            title: "lzop",
            kind: Kind::Compression,
            spec: "lzop 1.04, lzop.c and filter.c",
            reads: "LZO1X blocks of all levels; filters 1 to 16; any number of files one after another, read as one",
            verifies: "Adler-32 or CRC-32 of the header, of blocks as stored and of what they hold",
            limits: &[
                "methods other than LZO1X",
                "the extra field, which is left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &MAGIC,
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no lzop header"))?;
        if !header.sound {
            return Err(Reject::NearMiss("an lzop header whose checksum is wrong"));
        }
        Ok(Extent {
            len: Length::Decoded,
            proof: Proof::Checksum,
        })
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let properties = Header::parse(&region).map(|header| header.properties());
        Opened {
            properties: properties.unwrap_or_default(),
            ..Opened::stream(Files::new(region))
        }
    }
}

/// Decodes file after file.
struct Files {
    region: Bytes,
    current: Option<Header>,
    /// The next byte to read, from the region's start.
    at: u64,
    /// Where the last complete file ended.
    complete: u64,
    /// The decoded block, of which `given..` is still to be yielded.
    block: Vec<u8>,
    given: usize,
    /// Whether every file so far has a checksum of what its blocks hold.
    checked: bool,
    over: bool,
    notes: Notes,
}

impl Files {
    fn new(region: Bytes) -> Self {
        Self {
            region,
            current: None,
            at: 0,
            complete: 0,
            block: Vec::new(),
            given: 0,
            checked: true,
            over: false,
            notes: Notes::default(),
        }
    }

    /// Starts the next file; `false` when there is none.
    fn begin(&mut self) -> bool {
        let bytes = rest(&self.region, self.at);
        let Some(header) = Header::parse(&bytes).filter(|header| header.sound) else {
            return false;
        };
        self.notes.metadata(self.at, header.len);
        self.at = self.at.saturating_add(header.len);
        if let Some(extra) = header.extra {
            // Its length in front of it, its checksum behind it; nothing reads what is between.
            self.notes.metadata(self.at, 4);
            let behind = self.at.saturating_add(4).saturating_add(extra);
            self.notes.metadata(behind, 4);
            self.at = behind.saturating_add(4);
        }
        self.checked &= header.sums.of_content();
        if header.is_read() {
            self.current = Some(header);
        } else {
            let detail = format!(
                "method {} with filter {} is not read",
                header.method, header.filter
            );
            self.stop(header.sums, Problem::unsupported(detail));
        }
        true
    }

    /// Decodes the next block, or ends the file.
    fn block(&mut self, header: Header) {
        let bytes = rest(&self.region, self.at);
        let Some(block) = Block::parse(&bytes, header.sums) else {
            return self.stop(header.sums, short());
        };
        if block.made == 0 {
            self.notes.metadata(self.at, 4);
            self.at = self.at.saturating_add(4);
            self.complete = self.at;
            return;
        }
        if !block.is_plausible() {
            let detail = format!("a block of {} bytes holds {}", block.stored, block.made);
            return self.stop(header.sums, Problem::corrupt(detail));
        }
        let stored = clip(&bytes, block.head, block.stored);
        if length(&stored) < block.stored {
            return self.stop(header.sums, short());
        }
        if block
            .stored_sums
            .as_ref()
            .is_some_and(|sums| !sums.fit(&stored))
        {
            let detail = "the checksum of a block is not that of its stored bytes";
            self.notes.problem(Problem::checksum(detail).at(self.at));
        }
        if !self.decode(&stored, &block, &header) {
            return self.stop(header.sums, Problem::corrupt("a block is damaged"));
        }
        if !block.content_sums.fit(&self.block) {
            let detail = "the checksum of a block is not that of its content";
            self.notes.problem(Problem::checksum(detail).at(self.at));
        }
        self.notes.metadata(self.at, block.head);
        self.at = self.at.saturating_add(block.head);
        self.notes.content(self.at, block.stored);
        self.at = self.at.saturating_add(block.stored);
        self.current = Some(header);
    }

    fn decode(&mut self, stored: &[u8], block: &Block, header: &Header) -> bool {
        self.given = 0;
        if block.made == block.stored {
            self.block.clear();
            self.block.extend_from_slice(stored);
        } else {
            self.block.resize(index(block.made), 0);
            let made = lzokay::decompress::decompress(stored, &mut self.block);
            if made != Ok(index(block.made)) {
                self.block.clear();
                return false;
            }
        }
        header.restore(&mut self.block);
        true
    }

    /// A file that cannot be decoded to its end: its blocks' sizes tell where that is.
    fn stop(&mut self, sums: Sums, problem: Problem) {
        self.notes.problem(problem.at(self.at));
        let end = length(&self.region);
        loop {
            let bytes = rest(&self.region, self.at);
            let Some(block) = Block::parse(&bytes, sums) else {
                break;
            };
            if block.made == 0 {
                self.notes.metadata(self.at, 4);
                self.at = self.at.saturating_add(4);
                break;
            }
            if !block.is_plausible() {
                break;
            }
            self.notes.metadata(self.at, block.head);
            let body = self.at.saturating_add(block.head);
            let len = block.stored.min(end.saturating_sub(body));
            self.notes.content(body, len);
            self.at = body.saturating_add(len);
        }
        self.complete = self.at;
        self.over = true;
    }
}

/// What stands in front of a block's bytes.
struct Block {
    /// How many bytes it holds; none for the mark at the end of a file.
    made: u64,
    /// How many bytes are stored.
    stored: u64,
    /// How many bytes stand in front of those.
    head: u64,
    content_sums: header::Stored,
    stored_sums: Option<header::Stored>,
}

impl Block {
    fn parse(bytes: &[u8], sums: Sums) -> Option<Self> {
        let fields = Fields::big(bytes);
        let made = u64::from(fields.u32(0)?);
        if made == 0 {
            return Some(Self {
                made,
                stored: 0,
                head: 4,
                content_sums: header::Stored::default(),
                stored_sums: None,
            });
        }
        let stored = u64::from(fields.u32(4)?);
        let mut at = 8;
        let content_sums = sums.content(&fields, &mut at)?;
        // Of what could not be made smaller there is one checksum only.
        let stored_sums = if stored < made {
            Some(sums.stored(&fields, &mut at)?)
        } else {
            None
        };
        Some(Self {
            made,
            stored,
            head: u64::try_from(at).ok()?,
            content_sums,
            stored_sums,
        })
    }

    fn is_plausible(&self) -> bool {
        (1..=self.made).contains(&self.stored)
            && self.made <= LARGEST
            && self.made <= self.stored.saturating_mul(RATIO).saturating_add(RATIO)
    }
}

fn short() -> Problem {
    Problem::corrupt("the compressed data ends too early")
}

impl Read for Files {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            let ready = self.block.get(self.given..).unwrap_or_default();
            if !ready.is_empty() {
                let len = ready.len().min(out.len());
                if let (Some(out), Some(ready)) = (out.get_mut(..len), ready.get(..len)) {
                    out.copy_from_slice(ready);
                }
                self.given = self.given.saturating_add(len);
                return Ok(len);
            }
            match self.current.take() {
                _ if self.over => break,
                Some(header) => self.block(header),
                None => self.over = !self.begin(),
            }
        }
        Ok(0)
    }
}

impl Decode for Files {
    fn finish(self: Box<Self>) -> Ending {
        let end = if self.current.is_some() {
            self.at
        } else {
            self.complete
        };
        let proof = if self.notes.sound() && self.checked {
            Proof::Checksum
        } else {
            Proof::Structure
        };
        self.notes.ending(Ok((end, proof)))
    }
}
