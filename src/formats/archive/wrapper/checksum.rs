//! The checksums that vendors' headers have.

use std::ops::Range;

use bytes::Bytes;
use crc::{CRC_16_ARC, CRC_16_IBM_3740, CRC_16_MODBUS, CRC_16_XMODEM, Crc};
use serde::Deserialize;
use sha2::digest::DynDigest;

use super::description::{Number, Over};
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Endian, clip, cut, length};

static ARC: Crc<u16> = Crc::<u16>::new(&CRC_16_ARC);
static CCITT: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);
static XMODEM: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);
static MODBUS: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);

/// A checksum in the header.
#[derive(Clone, Debug)]
pub(super) struct Checksum {
    pub(super) at: u64,
    pub(super) kind: Kind,
    pub(super) over: Over,
}

/// How it is computed. Sums wrap; those of more than one byte stand in the header's byte order, digests as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// The sum of all bytes.
    Sum8,
    Sum16,
    Sum32,
    /// All bytes, exclusive-or.
    Xor8,
    /// CRC-16 of ARC, which starts from 0.
    #[serde(rename = "crc16-arc")]
    Crc16Arc,
    /// CRC-16 of the CCITT's polynomial from 0xffff, often called CCITT-FALSE.
    #[serde(rename = "crc16-ccitt")]
    Crc16Ccitt,
    /// The same from 0.
    #[serde(rename = "crc16-xmodem")]
    Crc16Xmodem,
    #[serde(rename = "crc16-modbus")]
    Crc16Modbus,
    /// CRC-32 of Ethernet and zip.
    Crc32,
    Adler32,
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Kind {
    /// The word that descriptions use.
    fn word(self) -> &'static str {
        match self {
            Self::Sum8 => "sum8",
            Self::Sum16 => "sum16",
            Self::Sum32 => "sum32",
            Self::Xor8 => "xor8",
            Self::Crc16Arc => "crc16-arc",
            Self::Crc16Ccitt => "crc16-ccitt",
            Self::Crc16Xmodem => "crc16-xmodem",
            Self::Crc16Modbus => "crc16-modbus",
            Self::Crc32 => "crc32",
            Self::Adler32 => "adler32",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Its length in bytes.
    pub(super) fn size(self) -> u64 {
        match self {
            Self::Sum8 | Self::Xor8 => 1,
            Self::Sum16
            | Self::Crc16Arc
            | Self::Crc16Ccitt
            | Self::Crc16Xmodem
            | Self::Crc16Modbus => 2,
            Self::Sum32 | Self::Crc32 | Self::Adler32 => 4,
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Checksum {
    /// Verifies it over a range of the file.
    pub(super) fn verify(
        &self,
        file: &Bytes,
        covered: &Range<u64>,
        endian: Endian,
    ) -> Option<Problem> {
        let size = self.kind.size();
        let Some(stored) = cut(file, self.at, size) else {
            return Some(Problem::corrupt("a checksum of the header is cut off").at(self.at));
        };
        // Its own bytes count as zeros.
        let from = self.at.clamp(covered.start, covered.end);
        let to = self.at.saturating_add(size).clamp(from, covered.end);
        let zeros = Bytes::from_static(&[0; 64]);
        let mut sum = Sum::new(self.kind);
        for piece in [
            clip(file, covered.start, from.saturating_sub(covered.start)),
            clip(&zeros, 0, to.saturating_sub(from)),
            clip(file, to, covered.end.saturating_sub(to)),
        ] {
            for chunk in piece.chunks(1 << 20) {
                sum.add(chunk);
                map::touched(length(chunk));
            }
        }
        let number = Number { at: self.at, size };
        let holds = match sum {
            Sum::Digest(digest) => *digest.finalize() == *stored,
            sum => number.read(file, endian) == Some(sum.number(size)),
        };
        let name = self.kind.word();
        let detail = format!("the {name} in the header is not that of what it covers");
        (!holds).then(|| Problem::checksum(detail).at(self.at))
    }
}

/// A checksum while it is computed.
enum Sum {
    Add(u64),
    Xor(u8),
    Crc16(crc::Digest<'static, u16>),
    Crc32(crc32fast::Hasher),
    Adler32(simd_adler32::Adler32),
    Digest(Box<dyn DynDigest>),
}

impl Sum {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Sum8 | Kind::Sum16 | Kind::Sum32 => Self::Add(0),
            Kind::Xor8 => Self::Xor(0),
            Kind::Crc16Arc => Self::Crc16(ARC.digest()),
            Kind::Crc16Ccitt => Self::Crc16(CCITT.digest()),
            Kind::Crc16Xmodem => Self::Crc16(XMODEM.digest()),
            Kind::Crc16Modbus => Self::Crc16(MODBUS.digest()),
            Kind::Crc32 => Self::Crc32(crc32fast::Hasher::new()),
            Kind::Adler32 => Self::Adler32(simd_adler32::Adler32::new()),
            Kind::Md5 => Self::Digest(Box::new(md5::Md5::default())),
            Kind::Sha1 => Self::Digest(Box::new(sha1::Sha1::default())),
            Kind::Sha256 => Self::Digest(Box::new(sha2::Sha256::default())),
            Kind::Sha512 => Self::Digest(Box::new(sha2::Sha512::default())),
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        match self {
            Self::Add(sum) => {
                *sum = bytes
                    .iter()
                    .fold(*sum, |sum, byte| sum.wrapping_add(u64::from(*byte)));
            }
            Self::Xor(sum) => *sum = bytes.iter().fold(*sum, |sum, byte| sum ^ byte),
            Self::Crc16(sum) => sum.update(bytes),
            Self::Crc32(sum) => sum.update(bytes),
            Self::Adler32(sum) => sum.write(bytes),
            Self::Digest(digest) => digest.update(bytes),
        }
    }

    /// The low `size` bytes of it as a number.
    fn number(self, size: u64) -> u64 {
        let sum = match self {
            Self::Add(sum) => sum,
            Self::Xor(sum) => sum.into(),
            Self::Crc16(sum) => sum.finalize().into(),
            Self::Crc32(sum) => sum.finalize().into(),
            Self::Adler32(sum) => sum.finish().into(),
            Self::Digest(_) => 0,
        };
        match size {
            1 => sum & 0xff,
            2 => sum & 0xffff,
            _ => sum & 0xffff_ffff,
        }
    }
}
