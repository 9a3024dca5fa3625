//! The coders of a folder, put together into one reader.

use std::io::Read;

use bytes::{Buf, Bytes};
use liblzma::stream::{Filters, Stream};
use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::bcj2::Bcj2Reader;
use lzma_rust2::filter::delta::DeltaReader;

use super::header::{Coder, Folder};
use crate::problem::{Problem, ProblemKind};
use crate::read::{Fields, index};

/// The largest dictionary and the largest model that are allocated (128 MiB).
const LARGEST: u32 = 128 << 20;

/// What yields the output of a coder.
pub(super) type Source = Box<dyn Read>;

/// What yields the content of `folder`; `packed` are its packed streams.
pub(super) fn reader(folder: &Folder, packed: &[Bytes]) -> Result<Source, Problem> {
    let last = folder
        .last()
        .ok_or_else(|| Problem::corrupt("the coders of a folder form a ring"))?;
    let mut left = folder.coders.len();
    output(folder, packed, last, &mut left)
}

/// What yields the output of coder `number`. Each coder is used once: `left` counts those that are not used yet.
fn output(
    folder: &Folder,
    packed: &[Bytes],
    number: u64,
    left: &mut usize,
) -> Result<Source, Problem> {
    let broken = || Problem::corrupt("the coders of a folder do not fit together");
    *left = left.checked_sub(1).ok_or_else(broken)?;
    let coder = folder.coders.get(index(number)).ok_or_else(broken)?;
    let before = folder.coders.get(..index(number)).unwrap_or_default();
    let first: u64 = before.iter().map(|coder| coder.inputs).sum();
    let mut inputs = Vec::new();
    for input in first..first.saturating_add(coder.inputs) {
        let bond = folder.bonds.iter().find(|(bound, _)| *bound == input);
        inputs.push(if let Some((_, coder)) = bond {
            output(folder, packed, *coder, left)?
        } else {
            let place = folder.packed.iter().position(|&stream| stream == input);
            let stream = place.and_then(|place| packed.get(place));
            Box::new(stream.cloned().ok_or_else(broken)?.reader())
        });
    }
    let size = folder.sizes.get(index(number)).copied().unwrap_or_default();
    Ok(Box::new(decoder(coder, inputs, size)?.take(size)))
}

fn decoder(coder: &Coder, mut inputs: Vec<Source>, size: u64) -> Result<Source, Problem> {
    let broken = || Problem::corrupt("the properties of a coder are none");
    let properties = &coder.properties[..];
    if coder.method == [3, 3, 1, 0x1b] && inputs.len() == 4 {
        return Ok(Box::new(Bcj2Reader::new(inputs, size)));
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
            Box::new(decoder.ok().ok_or_else(broken)?)
        }
        [4, 2, 2] => Box::new(bzip2::read::MultiBzDecoder::new(input)),
        [4, 1, 8] => Box::new(flate2::read::DeflateDecoder::new(input)),
        [4, 1, 9] => Box::new(deflate64::Deflate64Decoder::new(input)),
        [4, 0xf7, 0x11, 1] => {
            let decoder = zstd::stream::read::Decoder::new(input);
            Box::new(decoder.ok().ok_or_else(no_memory)?)
        }
        [3] => {
            let &[distance] = properties else {
                return Err(broken());
            };
            Box::new(DeltaReader::new(
                input,
                usize::from(distance).saturating_add(1),
            ))
        }
        [4] | [3, 3, 1, 3] => Box::new(BcjReader::new_x86(input, from)),
        [5] | [3, 3, 2, 5] => Box::new(BcjReader::new_ppc(input, from)),
        [6] | [3, 3, 4, 1] => Box::new(BcjReader::new_ia64(input, from)),
        [7] | [3, 3, 5, 1] => Box::new(BcjReader::new_arm(input, from)),
        [8] | [3, 3, 7, 1] => Box::new(BcjReader::new_arm_thumb(input, from)),
        [9] | [3, 3, 8, 5] => Box::new(BcjReader::new_sparc(input, from)),
        [10] => Box::new(BcjReader::new_arm64(input, from)),
        [11] => Box::new(BcjReader::new_riscv(input, from)),
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
    let stream = filters.and_then(|filters| Stream::new_raw_decoder(filters));
    let broken = || Problem::corrupt("the properties of a coder are none");
    let stream = stream.ok().ok_or_else(broken)?;
    // Without an end marker; the reader around this one stops once everything came out.
    Ok(Box::new(liblzma::read::XzDecoder::new_stream(
        input, stream,
    )))
}
