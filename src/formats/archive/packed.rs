//! Members of archives that are compressed one by one: decoded when they are asked for, and held against their size and
//! checksum.

use std::io::{self, BufRead, Read, Write};

use bytes::Bytes;
use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};
use liblzma::stream::Stream;
use md5::Md5;
use ppmd_rust::{Ppmd8Decoder, RestoreMethod};
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha512};

use crate::digest::hex;
use crate::entry::{Data, Fault};
use crate::formats::compression::deflate::{give_back, inflate};
use crate::image::map;
use crate::problem::Problem;
use crate::read::{index, length};

/// How much memory a decoder of LZMA may take (128 MiB).
const MEMORY: u64 = 128 << 20;

/// The largest dictionary of LZMA and the largest model of `PPMd` that are allocated (64 MiB).
const LARGEST: u32 = 64 << 20;

/// Bytes decoded, or looked at, at a time.
const PIECE: usize = 64 << 10;

/// So many bytes at the end of `PPMd` data may stay unread: an end marker, and what the encoder flushed.
const FLUSHED: usize = 4;

/// How a member is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Raw deflate.
    Deflate,
    /// Deflate with a window of 64 KiB.
    Deflate64,
    /// Deflate with a zlib header.
    Zlib,
    /// One stream of bzip2.
    Bzip2,
    /// LZMA with the 13-byte header of the `lzma` tool.
    LzmaAlone,
    /// LZMA: its 5 bytes of properties, and whether it ends with a marker.
    Lzma([u8; 5], bool),
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// `PPMd`, variant I: order, memory in bytes, what happens when that is used up.
    Ppmd(u32, u32, Restore),
}

/// What `PPMd` does when its memory is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restore {
    /// It starts anew.
    Restart,
    /// It forgets a part.
    CutOff,
}

/// A compressed member.
pub(super) struct Packed {
    /// Its bytes as stored.
    pub(super) body: Bytes,
    pub(super) method: Method,
    /// How many bytes it holds.
    pub(super) size: u64,
    /// What the archive states of those.
    pub(super) check: Check,
}

/// A checksum of content; those of more than 32 bits in hexadecimal.
pub(super) enum Check {
    None,
    Crc32(u32),
    Sha1(Vec<u8>),
    Sha256(Vec<u8>),
    Sha512(Vec<u8>),
    Md5(Vec<u8>),
}

/// A checksum that is being computed.
enum Summing {
    None,
    Crc32(Hasher),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
    Md5(Md5),
}

impl Check {
    fn start(&self) -> Summing {
        match self {
            Self::None => Summing::None,
            Self::Crc32(_) => Summing::Crc32(Hasher::new()),
            Self::Sha1(_) => Summing::Sha1(Sha1::new()),
            Self::Sha256(_) => Summing::Sha256(Sha256::new()),
            Self::Sha512(_) => Summing::Sha512(Sha512::new()),
            Self::Md5(_) => Summing::Md5(Md5::new()),
        }
    }

    /// The problem when it is another than the one that was computed.
    fn differs(&self, computed: Summing) -> Option<Problem> {
        let named = |name: &str, stored: &[u8], computed: &[u8]| {
            let detail = format!("the {name} of the content is another");
            (hex(computed).as_bytes() != stored).then(|| Problem::checksum(detail))
        };
        match (self, computed) {
            (Self::Crc32(stored), Summing::Crc32(computed)) => {
                let computed = computed.finalize();
                (*stored != computed).then(|| wrong_crc(*stored, computed))
            }
            (Self::Sha1(stored), Summing::Sha1(computed)) => {
                named("SHA-1", stored, &computed.finalize())
            }
            (Self::Sha256(stored), Summing::Sha256(computed)) => {
                named("SHA-256", stored, &computed.finalize())
            }
            (Self::Sha512(stored), Summing::Sha512(computed)) => {
                named("SHA-512", stored, &computed.finalize())
            }
            (Self::Md5(stored), Summing::Md5(computed)) => {
                named("MD5", stored, &computed.finalize())
            }
            _ => None,
        }
    }
}

impl Summing {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::None => {}
            Self::Crc32(sum) => sum.update(bytes),
            Self::Sha1(sum) => sum.update(bytes),
            Self::Sha256(sum) => sum.update(bytes),
            Self::Sha512(sum) => sum.update(bytes),
            Self::Md5(sum) => sum.update(bytes),
        }
    }
}

impl Data for Packed {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let mut sink = Sink {
            out,
            left: self.size,
            sum: self.check.start(),
        };
        let unread = self.decode(&mut sink)?;
        if sink.left > 0 {
            let made = self.size.saturating_sub(sink.left);
            let detail = format!("{made} of {} bytes could be decoded", self.size);
            return Err(Problem::corrupt(detail).into());
        }
        if let Some(problem) = self.check.differs(sink.sum) {
            return Err(problem.into());
        }
        if unread > 0 {
            let detail = format!("{unread} bytes stand behind the end of the compressed data");
            return Err(Problem::corrupt(detail).into());
        }
        Ok(())
    }
}

impl Packed {
    /// Decodes everything into `sink`; returns how many stored bytes were not needed.
    fn decode(&self, sink: &mut Sink<'_>) -> Result<usize, Fault> {
        let body = &self.body[..];
        match self.method {
            Method::Deflate => {
                let mut reader = Inflater {
                    body,
                    inflate: Some(inflate()),
                };
                pump(&mut reader, sink)?;
                Ok(reader.body.len())
            }
            Method::Deflate64 => {
                let mut reader = deflate64::Deflate64Decoder::with_buffer(body);
                pump(&mut reader, sink)?;
                Ok(reader.get_ref().len())
            }
            Method::Zlib => {
                let mut reader = flate2::bufread::ZlibDecoder::new(body);
                pump(&mut reader, sink)?;
                Ok(reader.get_ref().len())
            }
            Method::LzmaAlone => {
                let stream = Stream::new_lzma_decoder(MEMORY)
                    .ok()
                    .ok_or_else(no_memory)?;
                let mut reader = liblzma::bufread::XzDecoder::new_stream(body, stream);
                pump(&mut reader, sink)?;
                Ok(reader.get_ref().len())
            }
            Method::Bzip2 => {
                let mut reader = bzip2::bufread::BzDecoder::new(body);
                pump(&mut reader, sink)?;
                Ok(reader.get_ref().len())
            }
            Method::Lzma(properties, marked) => self.lzma(properties, marked, sink),
            Method::Xz => {
                let stream = Stream::new_stream_decoder(MEMORY, 0)
                    .ok()
                    .ok_or_else(no_memory)?;
                let mut reader = liblzma::bufread::XzDecoder::new_stream(body, stream);
                pump(&mut reader, sink)?;
                Ok(reader.get_ref().len())
            }
            Method::Zstd => {
                // Frames that are skipped would hide what is in them.
                let reader = zstd::stream::read::Decoder::with_buffer(body);
                let mut reader = reader.ok().ok_or_else(no_memory)?.single_frame();
                pump(&mut reader, sink)?;
                Ok(reader.get_ref().len())
            }
            Method::Ppmd(order, memory, restore) => {
                if memory > LARGEST {
                    let detail = format!("PPMd needs {memory} bytes of memory");
                    return Err(Problem::limit(detail).into());
                }
                let restore = match restore {
                    Restore::Restart => RestoreMethod::Restart,
                    Restore::CutOff => RestoreMethod::CutOff,
                };
                let mut rest = body;
                let reader = Ppmd8Decoder::new(&mut rest, order, memory, restore);
                let broken = || Problem::corrupt("the parameters of PPMd are none");
                let reader = reader.ok().ok_or_else(broken)?;
                pump(&mut reader.take(self.size), sink)?;
                Ok(if rest.len() > FLUSHED { rest.len() } else { 0 })
            }
        }
    }

    fn lzma(&self, properties: [u8; 5], marked: bool, sink: &mut Sink<'_>) -> Result<usize, Fault> {
        let [code, stated @ ..] = properties;
        let most = u32::try_from(self.size).unwrap_or(LARGEST);
        let dictionary = u32::from_le_bytes(stated).min(most.clamp(4096, LARGEST));
        let size = if marked { u64::MAX } else { self.size };
        let mut header = vec![code];
        header.extend_from_slice(&dictionary.to_le_bytes());
        header.extend_from_slice(&size.to_le_bytes());
        let stream = Stream::new_lzma_decoder(MEMORY)
            .ok()
            .ok_or_else(no_memory)?;
        let source = Read::chain(&header[..], &self.body[..]);
        let mut reader = liblzma::bufread::XzDecoder::new_stream(source, stream);
        pump(&mut reader, sink)?;
        Ok(reader.get_ref().get_ref().1.len())
    }
}

fn no_memory() -> Fault {
    Fault::Problem(Problem::limit("no memory for a decoder"))
}

/// The problem with content whose CRC-32 is another.
pub(super) fn wrong_crc(stored: u32, computed: u32) -> Problem {
    Problem::checksum(format!(
        "CRC-32 stored {stored:08x}, computed {computed:08x}"
    ))
}

/// The CRC-32 of bytes that lie in the image.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Hasher::new();
    for piece in bytes.chunks(1 << 20) {
        crc.update(piece);
        map::touched(length(piece));
    }
    crc.finalize()
}

/// Takes what a member should hold and no more.
struct Sink<'a> {
    out: &'a mut dyn Write,
    /// How many bytes are missing.
    left: u64,
    sum: Summing,
}

impl Sink<'_> {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let fits = bytes.get(..index(self.left)).unwrap_or(bytes);
        self.out.write_all(fits)?;
        self.sum.update(fits);
        self.left = self.left.saturating_sub(length(fits));
        if fits.len() < bytes.len() {
            return Err(Problem::corrupt("the member holds more than its size").into());
        }
        Ok(())
    }
}

fn pump(reader: &mut impl Read, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let mut buffer = vec![0; PIECE];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => sink.take(buffer.get(..count).unwrap_or_default())?,
            Err(_) => return Err(Problem::corrupt("the compressed data is damaged").into()),
        }
    }
}

/// Decodes raw deflate with a decoder that is used again.
struct Inflater<'a> {
    body: &'a [u8],
    inflate: Option<Decompress>,
}

impl Read for Inflater<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(inflate) = &mut self.inflate else {
            return Ok(0);
        };
        loop {
            let (read, made) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(self.body, out, FlushDecompress::None)?;
            let read = inflate.total_in().saturating_sub(read);
            let made = inflate.total_out().saturating_sub(made);
            self.body.consume(index(read));
            if status == Status::StreamEnd {
                give_back(self.inflate.take());
                return Ok(index(made));
            }
            if made > 0 {
                return Ok(index(made));
            }
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

impl Drop for Inflater<'_> {
    fn drop(&mut self) {
        give_back(self.inflate.take());
    }
}
