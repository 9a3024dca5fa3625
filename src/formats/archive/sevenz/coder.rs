//! The coders of a folder, put together into one reader.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use bytes::{Buf, Bytes};
use liblzma::stream::{Filters, Stream as Decoder};
use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::bcj2::Bcj2Reader;
use lzma_rust2::filter::delta::DeltaReader;

use super::header::{Coder, Folder};
use crate::problem::{Problem, ProblemKind};
use crate::read::{Fields, index, length};

/// The largest dictionary and the largest model that are allocated (128 MiB).
const LARGEST: u32 = 128 << 20;

/// What yields the output of a coder, or a packed stream.
pub(super) type Source = Box<dyn BufRead>;

/// A packed stream, and how many of its bytes are still to be read.
struct Stream {
    rest: Bytes,
    left: Rc<Cell<u64>>,
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = Read::read(&mut &self.rest[..], out)?;
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for Stream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&self.rest)
    }

    fn consume(&mut self, len: usize) {
        self.rest.advance(len.min(self.rest.len()));
        self.left.set(length(&self.rest));
    }
}

/// The coders of one folder, put together.
pub(super) struct Coders<'a> {
    folder: &'a Folder,
    packed: &'a [Bytes],
    /// How many bytes of each packed stream are still to be read.
    left: Vec<Rc<Cell<u64>>>,
    /// How many coders are not used yet.
    unused: usize,
}

impl<'a> Coders<'a> {
    /// Those of `folder`; `packed` are its packed streams.
    pub(super) fn new(folder: &'a Folder, packed: &'a [Bytes]) -> Self {
        let left = packed
            .iter()
            .map(|stream| Rc::new(Cell::new(length(stream))));
        Self {
            folder,
            packed,
            left: left.collect(),
            unused: folder.coders.len(),
        }
    }

    /// What yields the content of the folder.
    pub(super) fn reader(&mut self) -> Result<Source, Problem> {
        let last = self
            .folder
            .last()
            .ok_or_else(|| Problem::corrupt("the coders of a folder form a ring"))?;
        self.output(last)
    }

    /// How many bytes of each packed stream no coder has read.
    pub(super) fn left(&self) -> Vec<u64> {
        self.left.iter().map(|left| left.get()).collect()
    }

    /// What yields the output of coder `number`. Each coder is used once.
    fn output(&mut self, number: u64) -> Result<Source, Problem> {
        let broken = || Problem::corrupt("the coders of a folder do not fit together");
        self.unused = self.unused.checked_sub(1).ok_or_else(broken)?;
        let folder = self.folder;
        let coder = folder.coders.get(index(number)).ok_or_else(broken)?;
        let before = folder.coders.get(..index(number)).unwrap_or_default();
        let first: u64 = before.iter().map(|coder| coder.inputs).sum();
        let mut inputs = Vec::new();
        for input in first..first.saturating_add(coder.inputs) {
            let bond = folder.bonds.iter().find(|(bound, _)| *bound == input);
            inputs.push(match bond {
                Some((_, coder)) => self.output(*coder)?,
                None => self.stream(input).ok_or_else(broken)?,
            });
        }
        let size = folder.sizes.get(index(number)).copied().unwrap_or_default();
        Ok(Box::new(decoder(coder, inputs, size)?.take(size)))
    }

    /// The packed stream that is the input of this number.
    fn stream(&self, input: u64) -> Option<Source> {
        let place = self
            .folder
            .packed
            .iter()
            .position(|&stream| stream == input)?;
        Some(Box::new(Stream {
            rest: self.packed.get(place)?.clone(),
            left: Rc::clone(self.left.get(place)?),
        }))
    }
}

fn decoder(coder: &Coder, mut inputs: Vec<Source>, size: u64) -> Result<Source, Problem> {
    let broken = || Problem::corrupt("the properties of a coder are none");
    let properties = &coder.properties[..];
    if coder.method == [3, 3, 1, 0x1b] && inputs.len() == 4 {
        return Ok(buffered(Bcj2Reader::new(inputs, size)));
    }
    let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
        return Err(broken());
    };
    // The old filters count from the start; the new ones may be given another start.
    let from = Fields::little(properties)
        .u32(0)
        .map_or(0, |start| index(start.into()));
    Ok(match coder.method[..] {
        [0] => input,
        [3, 1, 1] => {
            let mut given: [u8; 5] = properties.try_into().ok().ok_or_else(broken)?;
            let dictionary = Fields::little(properties).u32(1).unwrap_or_default();
            let needed = u32::try_from(size).unwrap_or(u32::MAX).max(4096);
            let enough = dictionary.min(needed);
            room(enough)?;
            if let Some(place) = given.get_mut(1..) {
                place.copy_from_slice(&enough.to_le_bytes());
            }
            lzma(Filters::new().lzma1_properties(&given), input)?
        }
        [0x21] => {
            let &[code] = properties else {
                return Err(broken());
            };
            let code = smallest(code, size);
            room(dictionary_of(code))?;
            lzma(Filters::new().lzma2_properties(&[code]), input)?
        }
        [3, 4, 1] => {
            let fields = Fields::little(properties);
            let order = fields.u8(0).map(u32::from).ok_or_else(broken)?;
            let memory = fields.u32(1).ok_or_else(broken)?;
            room(memory)?;
            let decoder = ppmd_rust::Ppmd7Decoder::new(input, order, memory);
            buffered(decoder.ok().ok_or_else(broken)?)
        }
        [4, 2, 2] => buffered(bzip2::bufread::MultiBzDecoder::new(input)),
        [4, 1, 8] => buffered(flate2::bufread::DeflateDecoder::new(input)),
        [4, 1, 9] => buffered(deflate64::Deflate64Decoder::with_buffer(input)),
        [4, 0xf7, 0x11, 1] => {
            let decoder = zstd::stream::read::Decoder::with_buffer(input);
            buffered(decoder.ok().ok_or_else(no_memory)?)
        }
        [3] => {
            let &[distance] = properties else {
                return Err(broken());
            };
            buffered(DeltaReader::new(
                input,
                usize::from(distance).saturating_add(1),
            ))
        }
        [4] | [3, 3, 1, 3] => buffered(BcjReader::new_x86(input, from)),
        [5] | [3, 3, 2, 5] => buffered(BcjReader::new_ppc(input, from)),
        [6] | [3, 3, 4, 1] => buffered(BcjReader::new_ia64(input, from)),
        [7] | [3, 3, 5, 1] => buffered(BcjReader::new_arm(input, from)),
        [8] | [3, 3, 7, 1] => buffered(BcjReader::new_arm_thumb(input, from)),
        [9] | [3, 3, 8, 5] => buffered(BcjReader::new_sparc(input, from)),
        [10] => buffered(BcjReader::new_arm64(input, from)),
        [11] => buffered(BcjReader::new_riscv(input, from)),
        [6, 0xf1, 7, 1] => {
            let detail = "encrypted with AES-256";
            return Err(Problem::new(ProblemKind::Encrypted, detail));
        }
        _ => {
            let method = crate::digest::hex(&coder.method);
            return Err(Problem::unsupported(format!("coder {method} is not read")));
        }
    })
}

fn buffered(reader: impl Read + 'static) -> Source {
    Box::new(BufReader::new(reader))
}

fn no_memory() -> Problem {
    Problem::limit("no memory for a decoder")
}

/// Refuses what needs too much memory.
fn room(memory: u32) -> Result<(), Problem> {
    if memory > LARGEST {
        let detail = format!("the decoder needs {memory} bytes of memory, of at most {LARGEST}");
        return Err(Problem::limit(detail));
    }
    Ok(())
}

/// The size of a dictionary of LZMA2, in bytes.
fn dictionary_of(code: u8) -> u32 {
    let base = 2 | u32::from(code & 1);
    let size = base.checked_shl(u32::from(code / 2).saturating_add(11));
    match code {
        0..40 => size.unwrap_or(u32::MAX),
        _ => u32::MAX,
    }
}

/// The smallest dictionary that is enough for `size` bytes, and no larger than that of `code`.
fn smallest(code: u8, size: u64) -> u8 {
    let enough = |&code: &u8| u64::from(dictionary_of(code)) >= size;
    (0..=40).find(enough).unwrap_or(40).min(code)
}

fn lzma(
    filters: Result<&mut Filters, liblzma::stream::Error>,
    input: Source,
) -> Result<Source, Problem> {
    let stream = filters.and_then(|filters| Decoder::new_raw_decoder(filters));
    let broken = || Problem::corrupt("the properties of a coder are none");
    let stream = stream.ok().ok_or_else(broken)?;
    // Without an end marker; the reader around this one stops once everything came out.
    Ok(buffered(liblzma::bufread::XzDecoder::new_stream(
        input, stream,
    )))
}
