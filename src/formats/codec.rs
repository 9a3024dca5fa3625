//! Block decoders that several formats share: one stored block in, at most `limit` bytes out.

use std::io::{self, Read};

/// How one stored block is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Codec {
    /// Deflate with a zlib header.
    Zlib,
    /// Deflate without a header.
    Deflate,
    /// LZMA with the 13-byte header of the `lzma` tool.
    LzmaAlone,
    /// LZO1X.
    Lzo,
    /// One zstd frame.
    Zstd,
}

/// How much memory an LZMA dictionary may take (128 MiB).
const LZMA_MEMORY: u64 = 128 << 20;

impl Codec {
    /// Decodes `block` into `out` (emptied first), which may not become longer than `limit` bytes.
    ///
    /// # Errors
    /// The block is damaged, or holds more than `limit` bytes.
    pub(super) fn decode(self, block: &[u8], limit: usize, out: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        match self {
            Self::Zlib => drain(flate2::read::ZlibDecoder::new(block), limit, out),
            Self::Deflate => drain(flate2::read::DeflateDecoder::new(block), limit, out),
            Self::LzmaAlone => {
                let stream = liblzma::stream::Stream::new_lzma_decoder(LZMA_MEMORY)?;
                drain(
                    liblzma::read::XzDecoder::new_stream(block, stream),
                    limit,
                    out,
                )
            }
            Self::Lzo => {
                out.resize(limit, 0);
                let len =
                    lzokay::decompress::decompress(block, out).map_err(|error| invalid(&error))?;
                out.truncate(len);
                Ok(())
            }
            Self::Zstd => {
                out.reserve(limit);
                zstd::bulk::Decompressor::new()?.decompress_to_buffer(block, out)?;
                if out.len() > limit {
                    out.truncate(limit);
                    return Err(too_long(limit));
                }
                Ok(())
            }
        }
    }
}

fn drain(decoder: impl Read, limit: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut decoder = decoder.take(most.saturating_add(1));
    decoder.read_to_end(out)?;
    if out.len() > limit {
        out.truncate(limit);
        return Err(too_long(limit));
    }
    Ok(())
}

fn too_long(limit: usize) -> io::Error {
    invalid(&format!("the block holds more than {limit} bytes"))
}

fn invalid(error: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_is_too_long_is_refused_and_not_cut_in_silence() {
        // Python: zlib.compress(bytes([7] * 100))
        let block = [
            0x78, 0x9c, 0x63, 0x67, 0xa7, 0x3d, 0, 0, 0x8a, 0x7a, 0x02, 0xbd,
        ];
        let mut out = Vec::new();
        assert!(Codec::Zlib.decode(&block, 100, &mut out).is_ok());
        assert_eq!(out, [7; 100]);
        assert!(Codec::Zlib.decode(&block, 99, &mut out).is_err());
    }
}
