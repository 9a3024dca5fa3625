//! The compressed image: a gzip stream, or blocks of LZO or UCL with their lengths in front.

use std::io::{self, Read};

use bytes::Bytes;

use super::ucl;
use crate::formats::codec::Codec;
use crate::formats::compression::notes::Notes;
use crate::formats::{Decode, Ending, Proof};
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length, rest};

/// The most bytes that a block may hold (64 KiB).
const BLOCK: usize = 1 << 16;

/// How an image is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// One gzip stream.
    Gzip,
    /// Blocks of LZO1X.
    Lzo,
    /// Blocks of UCL's NRV2B.
    Ucl,
}

impl Method {
    /// Its name in reports.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Gzip => "zlib",
            Self::Lzo => "lzo",
            Self::Ucl => "ucl",
        }
    }
}

/// Decodes an image.
pub(super) struct Payload {
    stored: Bytes,
    method: Method,
    /// Where the compressed bytes start, in bytes from the region's start.
    origin: u64,
    /// The next byte to read, from the start of the compressed bytes.
    at: u64,
    /// How many bytes the header says that there are.
    promised: u64,
    made: u64,
    /// The decoded block, of which `given..` is still to be yielded.
    block: Vec<u8>,
    given: usize,
    gzip: Option<flate2::bufread::GzDecoder<io::Cursor<Bytes>>>,
    over: bool,
    notes: Notes,
}

impl Payload {
    /// Decodes `stored`, which starts at `origin` of the region and should make `promised` bytes.
    pub(super) fn new(stored: Bytes, method: Method, origin: u64, promised: u64) -> Self {
        let gzip = (method == Method::Gzip)
            .then(|| flate2::bufread::GzDecoder::new(io::Cursor::new(stored.clone())));
        Self {
            stored,
            method,
            origin,
            at: 0,
            promised,
            made: 0,
            block: Vec::new(),
            given: 0,
            gzip,
            over: false,
            notes: Notes::default(),
        }
    }

    /// Makes the next bytes, or ends.
    fn advance(&mut self) {
        self.given = 0;
        self.block.clear();
        if self.gzip.is_some() {
            self.inflate();
        } else {
            self.unpack();
        }
        self.made = self.made.saturating_add(length(&self.block));
        if self.made > self.promised {
            let most = self.made.saturating_sub(self.promised);
            let kept = length(&self.block).saturating_sub(most);
            self.block.truncate(index(kept));
            self.made = self.promised;
            self.stop("the image holds more bytes than the header says");
        }
    }

    fn inflate(&mut self) {
        let Some(gzip) = &mut self.gzip else { return };
        self.block.resize(BLOCK, 0);
        match gzip.read(&mut self.block) {
            Ok(made) => {
                self.block.truncate(made);
                let read = gzip.get_ref().position();
                self.notes.content(
                    self.origin.saturating_add(self.at),
                    read.saturating_sub(self.at),
                );
                self.at = read;
                self.over = made == 0;
            }
            Err(error) => {
                self.block.clear();
                self.stop(&format!("the gzip stream is damaged: {error}"));
            }
        }
    }

    fn unpack(&mut self) {
        let left = rest(&self.stored, self.at);
        let Some(len) = Fields::big(&left).u16(0) else {
            return self.stop("the blocks end without an end mark");
        };
        let here = self.origin.saturating_add(self.at);
        let stored = clip(&left, 2, len.into());
        if len == 0 {
            self.notes.metadata(here, 2);
            self.at = self.at.saturating_add(2);
            self.over = true;
            return;
        }
        if length(&stored) < u64::from(len) {
            return self.stop("a block is cut off");
        }
        let decoded = match self.method {
            Method::Ucl => ucl::decode(&stored, BLOCK, &mut self.block).is_ok(),
            Method::Lzo | Method::Gzip => {
                Codec::Lzo.decode(&stored, BLOCK, &mut self.block).is_ok()
            }
        };
        if !decoded {
            self.block.clear();
            return self.stop("a block is damaged");
        }
        self.notes.metadata(here, 2);
        self.notes.content(here.saturating_add(2), len.into());
        self.at = self.at.saturating_add(2).saturating_add(len.into());
    }

    fn stop(&mut self, detail: &str) {
        let at = self.origin.saturating_add(self.at);
        self.notes.problem(Problem::corrupt(detail).at(at));
        self.over = true;
    }
}

impl Read for Payload {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            let mut ready = self.block.get(self.given..).unwrap_or_default();
            if !ready.is_empty() {
                let len = ready.read(out)?;
                self.given = self.given.saturating_add(len);
                return Ok(len);
            }
            if self.over {
                break;
            }
            self.advance();
        }
        Ok(0)
    }
}

impl Decode for Payload {
    fn finish(mut self: Box<Self>) -> Ending {
        if self.over && self.notes.sound() && self.made < self.promised {
            let detail = format!("the image holds {} of {} bytes", self.made, self.promised);
            self.notes
                .problem(Problem::corrupt(detail).at(self.origin.saturating_add(self.at)));
        }
        // What pads the blocks to a whole word.
        let padding = rest(&self.stored, self.at);
        if padding.len() < 4 && padding.iter().all(|&byte| byte == 0) {
            self.notes
                .metadata(self.origin.saturating_add(self.at), length(&padding));
        }
        let len = self.origin.saturating_add(length(&self.stored));
        self.notes.ending(Ok((len, Proof::Structure)))
    }
}
