//! UDF, the file system of writable discs and some sticks: recognised by its anchor, bounded, not read.
//!
//! Nothing states the length of a volume. It ends with the last of what its anchor leads to: the two sequences of
//! descriptors, the partition, and the anchors that stand again at the end.

use bytes::Bytes;

use super::bounded;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span};
use crate::problem::Problem;
use crate::read::{Fields, cut};

/// UDF.
pub(in crate::formats) struct Udf;

/// Where the volume recognition sequence stands (bytes). Its first descriptor opens the extended area.
const RECOGNITION: u64 = 0x8000;

/// The lengths of a block that exist (bytes), the usual ones first.
const BLOCKS: [u64; 4] = [2048, 512, 4096, 1024];

/// The anchor stands in this block.
const ANCHOR: u64 = 256;

/// So many descriptors of a sequence are looked at.
const MOST: u64 = 64;

impl Format for Udf {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "udf",
            title: "UDF",
            kind: Kind::Filesystem,
            spec: "ECMA-167, OSTA UDF 2.60",
            reads: "anchor, volume and partition descriptors: name and length",
            verifies: "checksum and CRC of these descriptors",
            limits: &[
                "files: the region is named and bounded only",
                "a UDF tree beside an ISO 9660 one on the same disc",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"\0BEA01\x01",
            at: RECOGNITION,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let volume = Volume::find(rest).ok_or(Reject::NearMiss("UDF without a sound anchor"))?;
        Ok(Extent::known(volume.len, Proof::Checksum))
    }

    fn open(&self, region: Bytes, _budget: &Budget) -> Opened {
        let Some(volume) = Volume::find(&region) else {
            return Opened::unread(Problem::corrupt("the anchor is cut off"));
        };
        let mut properties = Properties::new();
        bounded::say(&mut properties, "volume", &volume.name);
        let at = ANCHOR.saturating_mul(volume.block);
        bounded::unread("UDF", Span::metadata(at, 32), properties)
    }
}

struct Volume {
    /// The length of a block (bytes).
    block: u64,
    /// The length of the volume (bytes).
    len: u64,
    name: Vec<u8>,
}

impl Volume {
    fn find(bytes: &Bytes) -> Option<Self> {
        BLOCKS
            .iter()
            .find_map(|&block| Self::with_block(bytes, block))
    }

    fn with_block(bytes: &Bytes, block: u64) -> Option<Self> {
        let anchor = descriptor(bytes, ANCHOR, block).filter(|anchor| anchor.kind == 2)?;
        let fields = Fields::little(&anchor.bytes);
        let (main_len, main) = (fields.u32(16)?, fields.u32(20)?);
        let (reserve_len, reserve) = (fields.u32(24)?, fields.u32(28)?);
        let end =
            |first: u32, len: u32| u64::from(first).saturating_add(u64::from(len).div_ceil(block));
        let mut volume = Self {
            block,
            len: end(main, main_len)
                .max(end(reserve, reserve_len))
                .max(ANCHOR.saturating_add(1)),
            name: Vec::new(),
        };
        let count = u64::from(main_len).div_ceil(block).min(MOST);
        for number in 0..count {
            let at = u64::from(main).saturating_add(number);
            match descriptor(bytes, at, block) {
                Some(told) if told.kind == 8 => break,
                Some(told) => volume.take(&told)?,
                None => {}
            }
        }
        volume.add_last_anchors(bytes);
        volume.len = volume.len.checked_mul(block)?;
        Some(volume)
    }

    /// Takes a descriptor of the main sequence: 1 names the volume, 5 is a partition.
    fn take(&mut self, told: &Descriptor) -> Option<()> {
        let fields = Fields::little(&told.bytes);
        match told.kind {
            1 => {
                // A string of 8-bit characters says so in its first byte, and its length in the last.
                let field = fields.slice(24, 32)?;
                let used = usize::from(*field.last()?);
                if let (Some(8), Some(name)) = (field.first(), field.get(1..used.min(31))) {
                    self.name = name.to_vec();
                }
            }
            5 => {
                let (first, blocks) = (fields.u32(188)?, fields.u32(192)?);
                let end = u64::from(first).saturating_add(blocks.into());
                self.len = self.len.max(end);
            }
            _ => {}
        }
        Some(())
    }

    /// Anchors stand again within the 512 blocks that follow the last partition.
    fn add_last_anchors(&mut self, bytes: &Bytes) {
        let from = self.len;
        for number in from..from.saturating_add(512) {
            let anchor = descriptor(bytes, number, self.block);
            if anchor.is_some_and(|anchor| anchor.kind == 2) {
                self.len = number.saturating_add(1);
            }
        }
    }
}

/// A descriptor whose tag is sound.
struct Descriptor {
    /// What it is: 1 primary volume, 2 anchor, 5 partition, 8 terminator.
    kind: u16,
    bytes: Bytes,
}

/// The descriptor in a block, if its tag states that block and its checksum and CRC are right.
fn descriptor(bytes: &Bytes, number: u64, block: u64) -> Option<Descriptor> {
    let bytes = cut(bytes, number.checked_mul(block)?, 512)?;
    let fields = Fields::little(&bytes);
    let sum = fields.u8(4)?;
    let tag = bytes.get(..16)?.iter().enumerate();
    let computed = tag
        .filter(|&(at, _)| at != 4)
        .fold(0_u8, |sum, (_, &byte)| sum.wrapping_add(byte));
    let len = usize::from(fields.u16(10)?);
    let body = fields.slice(16, len)?;
    let sound = sum == computed
        && u64::from(fields.u32(12)?) == number
        && fields.u16(8)? == crc16(body)
        && len > 0;
    Some(Descriptor {
        kind: fields.u16(0).filter(|_| sound)?,
        bytes: bytes.clone(),
    })
}

/// CRC-16 of ECMA-167: polynomial 0x1021, not reflected, starting with 0.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc: u16, _| {
            (crc << 1) ^ if crc >> 15 == 1 { 0x1021 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::crc16;

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }
}
