//! The six compressors of version 4, as decoders that are kept from block to block.

use flate2::{Decompress, FlushDecompress};
use liblzma::stream::{Action, Status, Stream};

use crate::read::{Fields, index, length};

/// How the blocks of an image are compressed, by the superblock's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// 1: deflate with a zlib header.
    Gzip,
    /// 2: LZMA as the `lzma` tool writes it, or with the five bytes of properties alone.
    Lzma,
    /// 3: LZO1X.
    Lzo,
    /// 4: an xz stream, with or without a branch filter.
    Xz,
    /// 5: an lz4 block without a frame.
    Lz4,
    /// 6: a zstd frame.
    Zstd,
}

impl Compression {
    /// The compressor with the superblock's number `id`.
    pub(super) fn from_id(id: u16) -> Option<Self> {
        Some(match id {
            1 => Self::Gzip,
            2 => Self::Lzma,
            3 => Self::Lzo,
            4 => Self::Xz,
            5 => Self::Lz4,
            6 => Self::Zstd,
            _ => return None,
        })
    }
}

/// How much memory one xz decoder may take (17 MiB): a dictionary of 16 MiB, sixteen times the largest block.
const XZ_MEMORY: u64 = 17 << 20;

/// The smallest dictionary that LZMA knows, in bytes.
const SMALLEST_DICTIONARY: usize = 4096;

/// How much of a block was read and how much came out of it, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// How long the compressed data is; what the block holds behind it means nothing.
    pub(super) read: usize,
    /// How many bytes it became.
    pub(super) made: usize,
}

/// A decoder for one thread.
pub(super) struct Decoder {
    compression: Compression,
    inflate: Decompress,
    zstd: Option<zstd::bulk::Decompressor<'static>>,
}

impl Decoder {
    /// A decoder for blocks of this compression.
    pub(super) fn new(compression: Compression) -> Self {
        Self {
            compression,
            inflate: Decompress::new(true),
            zstd: None,
        }
    }

    /// Decodes `block` to the start of `out`, which is as long as the decoded block may be.
    ///
    /// # Errors
    /// The block is damaged, or holds more than `out` can take; the text is a clause for a problem.
    pub(super) fn decode(&mut self, block: &[u8], out: &mut [u8]) -> Result<Decoded, String> {
        let read = block.len();
        match self.compression {
            Compression::Gzip => self.inflate(block, out),
            Compression::Lzma => lzma(block, out),
            Compression::Xz => {
                let mut stream = Stream::new_stream_decoder(XZ_MEMORY, 0)
                    .map_err(|error| format!("no xz decoder: {error}"))?;
                run(&mut stream, block, out)
            }
            Compression::Lzo => lzokay::decompress::decompress(block, out)
                .map(|made| Decoded { read, made })
                .map_err(|error| format!("the LZO data is damaged: {error}")),
            Compression::Lz4 => lz4_flex::block::decompress_into(block, out)
                .map(|made| Decoded { read, made })
                .map_err(|error| format!("the lz4 data is damaged: {error}")),
            Compression::Zstd => self.zstd(block, out),
        }
    }

    fn inflate(&mut self, block: &[u8], out: &mut [u8]) -> Result<Decoded, String> {
        self.inflate.reset(true);
        let status = self.inflate.decompress(block, out, FlushDecompress::Finish);
        match status {
            Ok(flate2::Status::StreamEnd) => Ok(Decoded {
                read: index(self.inflate.total_in()),
                made: index(self.inflate.total_out()),
            }),
            Ok(_) if index(self.inflate.total_out()) == out.len() => Err(TOO_LONG.into()),
            Ok(_) => Err("the deflate data ends too early".into()),
            Err(error) => Err(format!("the deflate data is damaged: {error}")),
        }
    }

    fn zstd(&mut self, block: &[u8], out: &mut [u8]) -> Result<Decoded, String> {
        // One frame: the one-shot decoder would go on through frames that follow, and skip those that say so.
        let read = zstd::zstd_safe::find_frame_compressed_size(block).map_err(|code| {
            let name = zstd::zstd_safe::get_error_name(code);
            format!("the zstd data is damaged: {name}")
        })?;
        let frame = block.get(..read).unwrap_or(block);
        let decoder = match &mut self.zstd {
            Some(decoder) => decoder,
            none => {
                let fresh = zstd::bulk::Decompressor::new();
                none.insert(fresh.map_err(|error| format!("no zstd decoder: {error}"))?)
            }
        };
        let made = decoder
            .decompress_to_buffer(frame, out)
            .map_err(|error| format!("the zstd data is damaged: {error}"))?;
        Ok(Decoded { read, made })
    }
}

/// Damage makes a block too long as often as intent does.
const TOO_LONG: &str = "the compressed data does not end where the block is full";

/// Decodes LZMA. Its header is 13 bytes with the size, or, by the builders of some vendors, 5 bytes without it.
fn lzma(block: &[u8], out: &mut [u8]) -> Result<Decoded, String> {
    let short = "the block is too short for an LZMA header";
    let fields = Fields::little(block);
    let properties = fields.u8(0).ok_or(short)?;
    let dictionary = fields.u32(1).ok_or(short)?;
    let size = fields
        .u64(5)
        .filter(|&size| size == u64::MAX || size <= length(out));
    // Compressed data starts with a zero byte and never looks like a size that fits a block.
    let body_at = if size.is_some() { 13 } else { 5 };
    // A distance never exceeds what was decoded, so that a dictionary larger than the block is memory wasted.
    let most = u32::try_from(out.len().max(SMALLEST_DICTIONARY)).unwrap_or(u32::MAX);
    let mut header = Vec::with_capacity(13);
    header.push(properties);
    header.extend_from_slice(&dictionary.min(most).to_le_bytes());
    header.extend_from_slice(&size.unwrap_or(u64::MAX).to_le_bytes());
    let mut stream =
        Stream::new_lzma_decoder(XZ_MEMORY).map_err(|error| format!("no LZMA decoder: {error}"))?;
    // The decoder takes nothing in while it may put nothing out; the header itself becomes no bytes.
    stream
        .process(&header, out, Action::Run)
        .map_err(|error| format!("the LZMA header is damaged: {error}"))?;
    let body = fields.tail(body_at).ok_or(short)?;
    let mut decoded = run(&mut stream, body, out)?;
    decoded.read = decoded.read.saturating_add(body_at);
    Ok(decoded)
}

/// Runs a fresh decoder over all of `block`.
fn run(stream: &mut Stream, block: &[u8], out: &mut [u8]) -> Result<Decoded, String> {
    let (mut read, mut made) = (0, 0);
    let before = stream.total_in();
    loop {
        let input = block.get(read..).unwrap_or_default();
        let space = out.get_mut(made..).unwrap_or_default();
        let status = stream.process(input, space, Action::Run);
        let progress = (read, made);
        read = index(stream.total_in().saturating_sub(before));
        made = index(stream.total_out());
        match status {
            Ok(Status::StreamEnd) => return Ok(Decoded { read, made }),
            Ok(_) if progress != (read, made) => {}
            Err(liblzma::stream::Error::MemLimit) => {
                return Err("its dictionary is larger than 16 MiB, which is not read".into());
            }
            Ok(_) if made == out.len() => return Err(TOO_LONG.into()),
            Ok(_) => return Err("the LZMA data ends too early".into()),
            Err(error) => return Err(format!("the LZMA data is damaged: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_compressed_data_is_not_read() {
        for (compression, mut block) in [
            (
                Compression::Zstd,
                zstd::bulk::compress(&[7; 100], 1).unwrap(),
            ),
            (Compression::Xz, xz(&[7; 100])),
        ] {
            let len = block.len();
            block.extend_from_slice(b"hidden");
            let mut decoder = Decoder::new(compression);
            let mut out = [0; 100];
            let whole = Decoded {
                read: len,
                made: 100,
            };
            assert_eq!(decoder.decode(&block, &mut out), Ok(whole));
            assert_eq!(out, [7; 100]);
            assert!(decoder.decode(&block, &mut out[..99]).is_err());
        }
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = liblzma::read::XzEncoder::new(bytes, 1);
        std::io::Read::read_to_end(&mut encoder, &mut out).unwrap();
        out
    }
}
