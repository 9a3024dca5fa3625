//! The data of one node, expanded.

use super::{rtime, rubin};
use crate::formats::codec::Codec;
use crate::problem::Problem;

/// The data is the content.
pub(super) const STORED: u8 = 0;
/// The content is zeros; there is no data.
pub(super) const ZERO: u8 = 1;
const RTIME: u8 = 2;
const RUBINMIPS: u8 = 3;
const DYNRUBIN: u8 = 5;
const ZLIB: u8 = 6;
const LZO: u8 = 7;
/// LZMA as `OpenWrt` writes it: the bare stream, properties 0, dictionary 8 KiB.
const LZMA: u8 = 8;
/// LZMA behind its five bytes of properties and dictionary size.
const LZMA_PROPERTIES: u8 = 0x15;

/// What a compressed node may hold (1 MiB): Linux reads a page of memory at a time, which is at most 64 KiB.
pub(super) const LARGEST: u32 = 1 << 20;

/// Expands `data` into `out` (emptied first), which must come out at exactly `size` bytes.
///
/// # Errors
/// The data is damaged, or its compression is not read.
pub(super) fn expand(method: u8, data: &[u8], size: u32, out: &mut Vec<u8>) -> Result<(), Problem> {
    out.clear();
    if size > LARGEST {
        return Err(Problem::limit(format!(
            "a compressed node of {size} bytes; at most {LARGEST} are read"
        )));
    }
    let limit = usize::try_from(size).unwrap_or(usize::MAX);
    let codec = |codec: Codec, data: &[u8], out: &mut Vec<u8>| {
        codec
            .decode(data, limit, out)
            .map_err(|error| error.to_string())
    };
    let done = match method {
        RTIME => rtime::expand(data, limit, out).ok_or_else(|| "rtime".into()),
        RUBINMIPS | DYNRUBIN => {
            rubin::expand(data, limit, out).ok_or_else(|| "rubin: its end does not fit".into())
        }
        ZLIB => codec(Codec::Zlib, data, out),
        LZO => codec(Codec::Lzo, data, out),
        LZMA | LZMA_PROPERTIES => codec(Codec::LzmaAlone, &lzma_alone(method, data, size), out),
        other => {
            return Err(Problem::unsupported(format!(
                "node compression {other} is not known"
            )));
        }
    };
    match done {
        Ok(()) if out.len() == limit => Ok(()),
        Ok(()) => Err(Problem::corrupt(format!(
            "a node of {limit} bytes expands to {}",
            out.len()
        ))),
        Err(why) => Err(Problem::corrupt(format!(
            "a node's data does not expand: {why}"
        ))),
    }
}

/// The stream with the header of the `lzma` tool. A bare stream starts with a zero byte, so that properties in front of
/// one betray themselves whatever the number of the compression.
fn lzma_alone(method: u8, data: &[u8], size: u32) -> Vec<u8> {
    const BARE: [u8; 5] = [0, 0, 0x20, 0, 0];
    let (properties, stream) = match data.split_at_checked(5) {
        Some(parts) if method == LZMA_PROPERTIES || parts.0.first() != Some(&0) => parts,
        _ => (&BARE[..], data),
    };
    let mut alone = properties.to_vec();
    alone.extend_from_slice(&u64::from(size).to_le_bytes());
    alone.extend_from_slice(stream);
    alone
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn back(method: u8, data: &[u8], content: &[u8]) {
        let mut out = Vec::new();
        let size = u32::try_from(content.len()).unwrap();
        expand(method, data, size, &mut out).unwrap();
        assert_eq!(out, content);
        assert!(expand(method, data, size - 1, &mut out).is_err());
        assert!(expand(method, data, size + 1, &mut out).is_err());
    }

    fn lzma(properties: [u32; 3]) -> Vec<u8> {
        let [lc, lp, pb] = properties;
        let mut options = liblzma::stream::LzmaOptions::new_preset(9).unwrap();
        options
            .dict_size(8192)
            .literal_context_bits(lc)
            .literal_position_bits(lp)
            .position_bits(pb);
        let mut filters = liblzma::stream::Filters::new();
        filters.lzma1(&options);
        let stream = liblzma::stream::Stream::new_raw_encoder(&filters).unwrap();
        let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
        encoder.write_all(CONTENT).unwrap();
        encoder.finish().unwrap()
    }

    const CONTENT: &[u8] = b"one node, one page; one node, one page; one node, one page";

    #[test]
    fn zlib_is_exact_in_length() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(CONTENT).unwrap();
        back(ZLIB, &encoder.finish().unwrap(), CONTENT);
    }

    #[test]
    fn both_forms_of_lzma_are_told_apart() {
        let mut out = Vec::new();
        let size = u32::try_from(CONTENT.len()).unwrap();
        let bare = lzma([0, 0, 0]);
        expand(LZMA, &bare, size, &mut out).unwrap();
        assert_eq!(out, CONTENT);
        let stream = lzma([3, 0, 2]);
        let headed = [&[0x5d, 0, 0x20, 0, 0][..], &stream].concat();
        for method in [LZMA, LZMA_PROPERTIES] {
            expand(method, &headed, size, &mut out).unwrap();
            assert_eq!(out, CONTENT);
        }
    }

    #[test]
    fn an_unknown_method_and_a_huge_node_are_refused() {
        let mut out = Vec::new();
        assert!(expand(4, b"copied", 6, &mut out).is_err());
        assert!(expand(ZLIB, b"", LARGEST + 1, &mut out).is_err());
    }
}
