//! The compressors of all versions, as decoders that are kept from block to block.

use crate::read::index;
use flate2::{Decompress, FlushDecompress};

use super::lzma::{self, Form};

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
    /// Deflate or some vendor's LZMA, as each block shows; and the form that the first block showed. Before version 4 no number
    /// tells, and builders that changed the magic changed more than that.
    Vendor(Option<Form>),
}

impl Compression {
    /// The compressor with the superblock's number `id`, in an image with the standard magic or with another.
    pub(super) fn from_id(id: u16, standard: bool) -> Option<Self> {
        Some(match id {
            1 | 2 if !standard => Self::Vendor(None),
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
            Compression::Lzma => lzma::plain(block, out),
            Compression::Xz => lzma::xz(block, out),
            Compression::Lzo => lzokay::decompress::decompress(block, out)
                .map(|made| Decoded { read, made })
                .map_err(|error| format!("the LZO data is damaged: {error}")),
            Compression::Lz4 => lz4_flex::block::decompress_into(block, out)
                .map(|made| Decoded { read, made })
                .map_err(|error| format!("the lz4 data is damaged: {error}")),
            Compression::Zstd => self.zstd(block, out),
            Compression::Vendor(hint) => self.vendor(block, out, hint),
        }
    }

    /// Decodes `block` to all of `out`, which is as long as the decoded block is, when it is of a form that does not mark its end.
    pub(super) fn fill(&mut self, block: &[u8], out: &mut [u8]) -> Option<Decoded> {
        match self.compression {
            Compression::Vendor(hint) => lzma::any(block, out, true, hint),
            _ => None,
        }
    }

    fn vendor(
        &mut self,
        block: &[u8],
        out: &mut [u8],
        hint: Option<Form>,
    ) -> Result<Decoded, String> {
        self.inflate(block, out)
            .or_else(|why| lzma::any(block, out, false, hint).ok_or(why))
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
pub(super) const TOO_LONG: &str = "the compressed data does not end where the block is full";

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
