//! One physical cluster to the extent that it holds.

use std::io::Read;

use super::cluster::{Extent, Form};
use super::{Volume, ZERO_PADDING};
use crate::read::{Fields, index};

const LZ4: u8 = 0;
const LZMA: u8 = 1;
const DEFLATE: u8 = 2;
const ZSTD: u8 = 3;

/// How much memory an LZMA or zstd window may take: Linux allows dictionaries of 8 MiB.
const MEMORY: u64 = 64 << 20;
const WINDOW_LOG: u32 = 24;

/// Decodes `stored` into `out` (emptied first), which becomes as long as the extent, or as far as it could be read.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub(super) fn decode(
    volume: &Volume,
    extent: &Extent,
    stored: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), String> {
    out.clear();
    let len = index(extent.len);
    match extent.form {
        Form::Plain => out.extend_from_slice(stored.get(..len).unwrap_or(stored)),
        // Its bytes are those of another content.
        Form::Fragment => return Err("has no bytes of its own".to_owned()),
        Form::Interlaced => {
            let offset = index(extent.from.checked_rem(volume.block()).unwrap_or_default());
            let (before, after) = stored.split_at(offset.min(stored.len()));
            out.extend(after.iter().chain(before).take(len));
        }
        Form::Compressed(algorithm) => {
            // Data stand at the end of their blocks, so that they can be decoded in place.
            let padded = volume.features & ZERO_PADDING != 0;
            let zeros = stored.iter().take_while(|&&byte| byte == 0).count();
            let data = stored.get(if padded { zeros } else { 0 }..);
            compressed(volume, algorithm, data.unwrap_or_default(), len, out)?;
        }
    }
    if out.len() == len {
        Ok(())
    } else {
        Err("does not decode to its length".to_owned())
    }
}

fn compressed(
    volume: &Volume,
    algorithm: u8,
    data: &[u8],
    len: usize,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    match algorithm {
        LZ4 => {
            // Nearly every block is whole; the library is several times as fast as what reads a part of one.
            out.resize(len, 0);
            if lz4_flex::block::decompress_into(data, out).is_ok_and(|made| made == len) {
                return Ok(());
            }
            out.clear();
            lz4(data, len, out).ok_or_else(|| "is no LZ4".to_owned())
        }
        LZMA => {
            let parameters = volume.parameters(LZMA.into());
            let dictionary = parameters.and_then(|bytes| Fields::little(&bytes).u32(0));
            let alone = lzma_alone(data, dictionary.unwrap_or(1 << 20)).ok_or("is empty")?;
            let stream = liblzma::stream::Stream::new_lzma_decoder(MEMORY);
            let stream = stream.map_err(|error| error.to_string())?;
            let decoder = liblzma::read::XzDecoder::new_stream(alone.as_slice(), stream);
            read(decoder, len, out)
        }
        DEFLATE => read(flate2::read::DeflateDecoder::new(data), len, out),
        ZSTD => {
            let decoder = zstd::stream::read::Decoder::new(data);
            let mut decoder = decoder.map_err(|error| error.to_string())?.single_frame();
            decoder
                .window_log_max(WINDOW_LOG)
                .map_err(|error| error.to_string())?;
            read(decoder, len, out)
        }
        other => Err(format!("uses the unknown algorithm {other}")),
    }
}

fn read(decoder: impl Read, len: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let most = u64::try_from(len).unwrap_or(u64::MAX);
    let done = decoder.take(most).read_to_end(out);
    match done {
        Ok(_) => Ok(()),
        Err(_) if out.len() == len => Ok(()),
        Err(error) => Err(format!("does not decode: {error}")),
    }
}

/// A `MicroLZMA` stream as the `lzma` tool would write it: its first byte is the complement of the properties, and stands where a zero
/// belongs. The length stays open, since the reader takes as much as it needs.
fn lzma_alone(data: &[u8], dictionary: u32) -> Option<Vec<u8>> {
    let (first, rest) = data.split_first()?;
    let mut alone = vec![!first];
    alone.extend(dictionary.to_le_bytes());
    alone.extend(u64::MAX.to_le_bytes());
    alone.push(0);
    alone.extend_from_slice(rest);
    Some(alone)
}

/// An LZ4 block, read until `len` bytes came out: what follows is padding of images without padding in front, or the rest of a block
/// that several contents share.
fn lz4(data: &[u8], len: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut rest = data.iter();
    while out.len() < len {
        let token = *rest.next()?;
        let literals = lz4_length(usize::from(token >> 4), &mut rest)?;
        let literals = literals.min(len.saturating_sub(out.len()));
        let bytes = rest.as_slice().get(..literals)?;
        out.extend_from_slice(bytes);
        rest = rest.as_slice().get(literals..)?.iter();
        if out.len() >= len {
            break;
        }
        let distance = usize::from(*rest.next()?) | usize::from(*rest.next()?) << 8;
        let matched = lz4_length(usize::from(token & 15), &mut rest)?.checked_add(4)?;
        let mut left = matched.min(len.saturating_sub(out.len()));
        let mut from = out.len().checked_sub(distance).filter(|_| distance > 0)?;
        // A match may reach into what it writes: it is copied in pieces of the distance.
        while left > 0 {
            let piece = left.min(out.len().saturating_sub(from));
            out.extend_from_within(from..from.checked_add(piece)?);
            from = from.checked_add(piece)?;
            left = left.saturating_sub(piece);
        }
    }
    Some(())
}

/// A length of 15 goes on in the bytes that follow, as long as they are 255.
fn lz4_length(start: usize, rest: &mut std::slice::Iter<'_, u8>) -> Option<usize> {
    let mut len = start;
    if start == 15 {
        loop {
            let byte = *rest.next()?;
            len = len.checked_add(byte.into())?;
            if byte != 255 {
                break;
            }
        }
    }
    Some(len)
}
