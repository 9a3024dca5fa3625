//! The blocks of a folder, one behind another.

use std::io::{self, Read};
use std::ops::Range;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

use crate::formats::compression::deflate::inflate;
use crate::formats::compression::lzx::Lzx;
use crate::problem::Problem;
use crate::read::{Fields, clip, length};

/// The length of what stands in front of a block, without its reserved area (bytes).
pub(super) const HEAD: u64 = 8;

/// What a block holds at most (bytes).
const LARGEST: usize = 32 << 10;

/// So many bytes at the end of a block may stay unread once all of its content came out.
const UNREAD: usize = 8;

/// How the blocks of a folder are compressed.
pub(super) enum Compression {
    Stored,
    /// Deflate that goes on, with the bytes before as its window.
    MsZip(Decompress),
    Lzx(Box<Lzx>),
}

impl Compression {
    /// The one that a folder states.
    pub(super) fn of(code: u16) -> Result<Self, Problem> {
        match code & 15 {
            0 => Ok(Self::Stored),
            1 => Ok(Self::MsZip(inflate())),
            2 => Err(Problem::unsupported("a folder compressed with Quantum")),
            3 => match Lzx::new(u32::from(code >> 8 & 0x1f)) {
                Some(lzx) => Ok(Self::Lzx(Box::new(lzx))),
                None => Err(Problem::unsupported(
                    "a folder of LZX with an unknown window",
                )),
            },
            other => Err(Problem::unsupported(format!(
                "a folder compressed with method {other}"
            ))),
        }
    }
}

/// Decodes the blocks of a folder.
pub(super) struct Blocks<'a> {
    region: &'a Bytes,
    at: u64,
    left: u16,
    reserve: u64,
    compression: Compression,
    /// The last block, of which `given..` is still to be yielded.
    block: Vec<u8>,
    given: usize,
    /// Where heads and bodies stand.
    pub(super) places: Vec<(Range<u64>, Range<u64>)>,
    /// Sums that are wrong, and other oddities of single blocks.
    pub(super) wrong: Vec<Problem>,
    /// Why no more could be decoded.
    pub(super) problem: Option<Problem>,
}

/// One block.
struct Block {
    body: Bytes,
    at: u64,
    /// How many bytes it holds; none when it goes on in the next cabinet.
    made: usize,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(
        region: &'a Bytes,
        at: u64,
        left: u16,
        reserve: u64,
        compression: Compression,
    ) -> Self {
        Self {
            region,
            at,
            left,
            reserve,
            compression,
            block: Vec::new(),
            given: 0,
            places: Vec::new(),
            wrong: Vec::new(),
            problem: None,
        }
    }

    /// Goes through what blocks are left without decoding them.
    pub(super) fn pass(&mut self) {
        while self.take().is_some() {}
    }

    /// The next block, its sum verified.
    fn take(&mut self) -> Option<Block> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        let head = clip(self.region, at, HEAD);
        let fields = Fields::little(&head);
        let cut_off = || Problem::corrupt("the blocks of a folder are cut off").at(at);
        let (Some(sum), Some(len), Some(made)) = (fields.u32(0), fields.u16(4), fields.u16(6))
        else {
            self.problem.get_or_insert_with(cut_off);
            self.left = 0;
            return None;
        };
        let body_at = at.saturating_add(HEAD).saturating_add(self.reserve);
        let body = clip(self.region, body_at, u64::from(len));
        let body_end = body_at.saturating_add(length(&body));
        self.places
            .push((at..at.saturating_add(HEAD), body_at..body_end));
        if length(&body) < u64::from(len) {
            self.problem.get_or_insert_with(cut_off);
            self.left = 0;
            return None;
        }
        // The sum is over what stands behind it in the head, too; with the reserved area or without, as writers differ.
        let reserve = clip(self.region, at.saturating_add(HEAD), self.reserve);
        let sizes = head.get(4..).unwrap_or_default();
        let data = checksum(&body);
        let computed = data ^ checksum(sizes);
        let with_reserve = data ^ checksum(&[sizes, &reserve].concat());
        if sum != 0 && sum != computed && sum != with_reserve {
            let detail = format!("the sum of a block: stored {sum:08x}, computed {computed:08x}");
            self.wrong.push(Problem::checksum(detail).at(at));
        }
        self.at = body_end;
        Some(Block {
            body,
            at,
            made: usize::from(made),
        })
    }

    fn decode(&mut self, block: &Block) -> Option<()> {
        if block.made > LARGEST {
            return None;
        }
        match &mut self.compression {
            Compression::Stored => {
                self.block.clear();
                self.block.extend_from_slice(&block.body);
            }
            Compression::Lzx(lzx) => {
                self.block = lzx.chunk(&block.body, block.made)?;
            }
            Compression::MsZip(inflate) => {
                let data = block.body.strip_prefix(b"CK")?;
                let left;
                (self.block, left) = unzip(inflate, &self.block, data, block.made)?;
                if left > UNREAD {
                    let detail = format!("{left} bytes stand behind the end of a block");
                    self.wrong.push(Problem::corrupt(detail).at(block.at));
                }
            }
        }
        (self.block.len() == block.made).then_some(())
    }
}

/// Decodes one block of MSZIP; `before` is what the one before it held. A block of its own that is stored as it is brings that into
/// the decoder's window. Also tells how many bytes of `data` stand behind its end.
fn unzip(
    inflate: &mut Decompress,
    before: &[u8],
    data: &[u8],
    len: usize,
) -> Option<(Vec<u8>, usize)> {
    inflate.reset(false);
    let mut out = vec![0; before.len().checked_add(len)?];
    if !before.is_empty() {
        let stored = u16::try_from(before.len()).ok()?;
        let mut window = vec![0];
        window.extend_from_slice(&stored.to_le_bytes());
        window.extend_from_slice(&(!stored).to_le_bytes());
        window.extend_from_slice(before);
        feed(inflate, &window, &mut out)?;
    }
    let left = feed(inflate, data, &mut out)?;
    let made = usize::try_from(inflate.total_out()).ok()?;
    (made == out.len()).then(|| (out.split_off(before.len()), left))
}

/// Gives the decoder all of `input`, or as much as it takes; how many bytes it left.
fn feed(inflate: &mut Decompress, mut input: &[u8], out: &mut [u8]) -> Option<usize> {
    loop {
        let made = usize::try_from(inflate.total_out()).ok()?;
        let before = inflate.total_in();
        let room = out.get_mut(made..)?;
        let status = inflate
            .decompress(input, room, FlushDecompress::None)
            .ok()?;
        let read = usize::try_from(inflate.total_in().checked_sub(before)?).ok()?;
        input = input.get(read..)?;
        let stuck = read == 0 && usize::try_from(inflate.total_out()).ok()? == made;
        if status == Status::StreamEnd || input.is_empty() || stuck {
            return Some(input.len());
        }
    }
}

/// The sum over words of 4 bytes; of the last one to three bytes the first is the highest.
fn checksum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let sum = words
        .iter()
        .fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
    let last = rest
        .iter()
        .fold(0_u32, |last, &byte| last << 8 | u32::from(byte));
    sum ^ last
}

impl Read for Blocks<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.block.len() && self.problem.is_none() {
            let Some(block) = self.take() else {
                return Ok(0);
            };
            self.given = 0;
            if self.decode(&block).is_none() {
                self.block.clear();
                let problem = Problem::corrupt("a block of a folder is damaged");
                self.problem = Some(problem.at(block.at));
            }
        }
        let ready = self.block.get(self.given..).unwrap_or_default();
        let len = ready.len().min(out.len());
        if let (Some(out), Some(ready)) = (out.get_mut(..len), ready.get(..len)) {
            out.copy_from_slice(ready);
        }
        self.given = self.given.saturating_add(len);
        Ok(len)
    }
}
