//! compress (.Z): LZW with codes of 9 to 16 bits, without a length, an end mark or a checksum.
//!
//! Where a stream ends in a larger one, its codes tell: an encoder takes the longest string it knows, so that a code which
//! goes on where a longer one would have done was not written by it. What follows a stream (padding, say) betrays
//! itself so within a few codes. Those few are held back until it is clear that they belong to the stream.

mod held;
mod lzw;
mod pairs;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use bytes::Bytes;

use self::held::{Held, Start};
use self::lzw::{Lzw, Step};
use super::notes::Notes;
use crate::budget::Budget;
use crate::formats::{
    Decode, Doc, Ending, Extent, Format, Kind, Length, Magic, Opened, Proof, Reject,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

/// compress.
pub(in crate::formats) struct Compress;

const MAGIC: [u8; 2] = [0x1f, 0x9d];

/// The length of the header: magic, and the largest width of codes with the flag of block mode (bytes).
const HEADER: u64 = 3;

/// From so many equal bytes on, what follows a stream is taken for padding.
const PADDING: usize = 16;

/// The same where the codes do not object: once all codes have a meaning, few of them do.
const LONG_PADDING: u64 = 64;

/// A stream that is followed by something must have so many codes: fewer come out of padding behind the magic.
const CONVINCING: u64 = 32;

impl Format for Compress {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "compress",
            title: "compress (.Z)",
            kind: Kind::Compression,
            spec: "ncompress 4.2.4, compress42.c",
            reads: "codes of up to 9 to 16 bits, with and without block mode",
            verifies: "each code against those before it; the format has no checksum",
            limits: &[
                "streams of less than 16 bits or without block mode are found at the start of a stream only",
                "the end of a stream that is followed by anything but padding is known to a few bytes only",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &[0x1f, 0x9d, 0x90],
            at: 0,
        }]
    }

    fn is_asked_at_start(&self) -> bool {
        true
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        header(rest).ok_or(Reject::Coincidence("no compress header"))?;
        if !lzw::could_start(rest.get(index(HEADER)..).unwrap_or_default()) {
            return Err(Reject::Coincidence("no LZW codes behind the header"));
        }
        Ok(Extent {
            len: Length::Decoded,
            proof: Proof::Magic,
        })
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some((width, block)) = header(&region) else {
            return Opened::unread(Problem::corrupt("no compress header"));
        };
        Opened::stream(Stream {
            input: clip(&region, 0, without_padding(&region)),
            region,
            lzw: Lzw::new(width, block, HEADER),
            made: Vec::new(),
            given: 0,
            held: Held::default(),
            codes: 0,
            over: None,
        })
    }
}

/// The largest width of codes and whether there is block mode, as the header at the start of `bytes` has it; `None` where there is no
/// header.
fn header(bytes: &[u8]) -> Option<(u32, bool)> {
    let fields = Fields::little(bytes);
    let flags = fields.u8(2)?;
    let (width, reserved, block) = (flags & 0x1f, flags & 0x60, flags & 0x80 != 0);
    let is_header = fields.slice(0, 2)? == MAGIC && reserved == 0 && (9..=16).contains(&width);
    is_header.then_some((u32::from(width), block))
}

/// How many bytes there are to read: all but long padding at the end, of which some is left for the last code.
fn without_padding(bytes: &[u8]) -> u64 {
    let fill = bytes.last().copied().unwrap_or_default();
    let content = bytes.iter().rposition(|&byte| byte != fill);
    let end = content.map_or(0, |last| {
        u64::try_from(last).unwrap_or_default().saturating_add(1)
    });
    let len = length(bytes);
    if len.saturating_sub(end) < LONG_PADDING {
        return len;
    }
    end.saturating_add(4)
}

/// How a stream ended.
#[derive(Clone, Copy)]
struct Over {
    /// The bytes of the region that belong to it.
    end: u64,
    /// Whether it ends where its bytes do, or where padding starts.
    certain: bool,
    /// Whether nothing follows it.
    last: bool,
}

/// Decodes one stream.
struct Stream {
    region: Bytes,
    /// What of the region is read.
    input: Bytes,
    lzw: Lzw,
    /// What was decoded, of which `given..` is still to be yielded.
    made: Vec<u8>,
    given: usize,
    held: Held,
    codes: u64,
    over: Option<Over>,
}

impl Stream {
    /// How much of what was made may be yielded.
    fn ready(&self) -> usize {
        match self.over {
            None => self.held.oldest().made,
            Some(_) => self.made.len(),
        }
    }

    /// Decodes until there is something to yield.
    fn fill(&mut self) {
        self.made.drain(..self.given);
        self.held.give(self.given);
        self.given = 0;
        while self.over.is_none() && self.ready() < 64 << 10 {
            let start = Start {
                bit: self.lzw.at_bit(),
                made: self.made.len(),
            };
            match self.lzw.step(&self.input, &mut self.made) {
                Step::Made => {
                    self.codes = self.codes.saturating_add(1);
                    self.held.push(start);
                }
                Step::End if self.input.len() < self.region.len() => self.cut(start.bit),
                Step::End => {
                    self.over = Some(Over {
                        end: length(&self.region),
                        certain: true,
                        last: true,
                    });
                }
                Step::Longer | Step::Unknown => self.cut(start.bit),
            }
        }
    }

    /// Something else starts at or a little before bit `stop`. Where it is padding, the codes in it are taken back.
    fn cut(&mut self, stop: u64) {
        let next = stop.div_ceil(8);
        let here = index(next);
        let fill = self.region.get(here).copied().unwrap_or_default();
        let (before, behind) = self.region.split_at_checked(here).unwrap_or_default();
        let run = behind
            .iter()
            .take_while(|&&byte| byte == fill)
            .take(PADDING);
        if run.count() < PADDING && behind.iter().any(|&byte| byte != fill) {
            self.over = Some(Over {
                end: next.min(length(&self.region)),
                certain: false,
                last: false,
            });
            return;
        }
        let padding = before.iter().rev().take_while(|&&byte| byte == fill);
        let from = next.saturating_sub(u64::try_from(padding.count()).unwrap_or_default());
        // The last code ends within the byte in front of the padding, whose unused bits are zero.
        let is_padding = |bit: u64| {
            let last = from
                .checked_sub(1)
                .and_then(|last| self.region.get(index(last)));
            let rest = last.map_or(0, |byte| byte >> (bit % 8));
            bit >= from.saturating_mul(8) || bit / 8 == from.saturating_sub(1) && rest == 0
        };
        let first = self.held.find(|start| is_padding(start.bit));
        let Start { bit, made } = first.unwrap_or(Start {
            bit: stop,
            made: self.made.len(),
        });
        self.made.truncate(made);
        self.over = Some(Over {
            end: bit.div_ceil(8).min(length(&self.region)),
            certain: true,
            last: false,
        });
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given >= self.ready() && self.over.is_none() {
            self.fill();
        }
        let ready = self.made.get(self.given..self.ready()).unwrap_or_default();
        let len = ready.len().min(out.len());
        if let (Some(out), Some(ready)) = (out.get_mut(..len), ready.get(..len)) {
            out.copy_from_slice(ready);
        }
        self.given = self.given.saturating_add(len);
        Ok(len)
    }
}

impl Decode for Stream {
    fn finish(self: Box<Self>) -> Ending {
        let over = self.over.unwrap_or(Over {
            end: self.lzw.at_bit().div_ceil(8).min(length(&self.region)),
            certain: true,
            last: true,
        });
        let mut notes = Notes::default();
        notes.metadata(0, HEADER.min(over.end));
        notes.content(HEADER, over.end.saturating_sub(HEADER));
        if !over.certain {
            let detail = "no encoder writes the code that stands here: damage, or what follows the stream, whose end is not marked";
            notes.problem(Problem::corrupt(detail).at(over.end));
        }
        let inside = |&bit: &u64| bit < over.end.saturating_mul(8);
        if let Some(bit) = self.lzw.passed().filter(inside) {
            let detail = "bits between two groups of codes, which no decoder reads, are not zero";
            notes.problem(Problem::corrupt(detail).at(bit / 8));
        }
        let extent = if !over.last && self.codes < CONVINCING {
            Err(Reject::Coincidence("no LZW codes behind the header"))
        } else {
            Ok((over.end, Proof::Structure))
        };
        notes.ending(extent)
    }
}
