//! The content of a file, block by block, and cluster by cluster where it is compressed.

use std::io::Write;

use super::BLOCK;
use super::crc;
use super::node::{CLUSTER, Compression, HOLE, Inode, RESERVED, Seen};
use super::volume::Volume;
use crate::entry::{Data, Fault};
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// The length of the header of a compressed cluster in bytes.
const HEADER: usize = 24;

/// The content of a file.
pub(super) struct Content {
    pub(super) volume: Volume,
    pub(super) inode: Inode,
    /// Why it cannot be right, if that is known.
    pub(super) problem: Option<Problem>,
}

impl Data for Content {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone().into());
        }
        let mut done = 0;
        self.inode.visit(&self.volume, &mut |seen| {
            let Seen::Addresses(first, addresses) = seen else {
                return Ok(());
            };
            let start = first.saturating_mul(BLOCK);
            if start >= self.inode.size {
                return Ok(());
            }
            self.zeros(out, start.saturating_sub(done), &mut done)?;
            let step = self.inode.compression.map_or(1, |how| how.blocks);
            for blocks in addresses.chunks(step) {
                match (blocks.first(), self.inode.compression) {
                    (Some(&CLUSTER), Some(how)) => {
                        let bytes = self.cluster(blocks, how)?;
                        self.put(out, &bytes, &mut done)?;
                    }
                    _ => {
                        for &address in blocks {
                            self.block(out, address, &mut done)?;
                        }
                    }
                }
                if done >= self.inode.size {
                    break;
                }
            }
            Ok::<(), Fault>(())
        })?;
        let left = self.inode.size.saturating_sub(done);
        self.zeros(out, left, &mut done)
    }
}

impl Content {
    fn block(&self, out: &mut dyn Write, address: u32, done: &mut u64) -> Result<(), Fault> {
        if matches!(address, HOLE | RESERVED) {
            return self.zeros(out, BLOCK, done);
        }
        let bytes = self.read(address)?;
        self.put(out, &bytes, done)
    }

    fn read(&self, address: u32) -> Result<bytes::Bytes, Problem> {
        let bytes = self.volume.block(address.into());
        let bytes = bytes.filter(|_| self.volume.is_main(address));
        bytes.ok_or_else(|| {
            Problem::corrupt(format!(
                "block {address:#x} is none of the volume's contents"
            ))
        })
    }

    /// Writes as much as still belongs to the content.
    fn put(&self, out: &mut dyn Write, bytes: &[u8], done: &mut u64) -> Result<(), Fault> {
        let left = index(self.inode.size.saturating_sub(*done));
        let bytes = bytes.get(..left).unwrap_or(bytes);
        out.write_all(bytes)?;
        *done = done.saturating_add(length(bytes));
        Ok(())
    }

    fn zeros(&self, out: &mut dyn Write, len: u64, done: &mut u64) -> Result<(), Fault> {
        let block = [0; 4096];
        let mut left = len.min(self.inode.size.saturating_sub(*done));
        while left > 0 {
            let now = left.min(BLOCK);
            self.put(out, block.get(..index(now)).unwrap_or_default(), done)?;
            left = left.saturating_sub(now);
        }
        Ok(())
    }

    /// Decompresses a cluster: the blocks behind the mark hold a header and the compressed bytes.
    fn cluster(&self, blocks: &[u32], how: Compression) -> Result<Vec<u8>, Problem> {
        let mut stored = Vec::new();
        let behind = blocks.iter().skip(1);
        for &address in behind.take_while(|&&address| !matches!(address, HOLE | RESERVED)) {
            stored.extend_from_slice(&self.read(address)?);
        }
        let at = blocks.get(1).map_or(0, |&address| u64::from(address));
        let wrong = |detail: &str| {
            Problem::corrupt(format!("a compressed cluster {detail}")).at(at.saturating_mul(BLOCK))
        };
        let fields = Fields::little(&stored);
        let packed = || {
            let len = usize::try_from(fields.u32(0)?).ok()?;
            fields.slice(HEADER, len)
        };
        let packed = packed().ok_or_else(|| wrong("is cut off"))?;
        let needed = packed.len().saturating_add(HEADER).div_ceil(index(BLOCK));
        if stored.len() > needed.saturating_mul(index(BLOCK)) {
            return Err(wrong("has more blocks than it takes"));
        }
        if how.checked && fields.u32(4) != Some(crc(super::MAGIC, packed)) {
            let detail = "the checksum of a compressed cluster does not hold";
            return Err(Problem::checksum(detail).at(at.saturating_mul(BLOCK)));
        }
        let size = how.blocks.saturating_mul(index(BLOCK));
        let mut out = vec![0; size];
        let done = match how.algorithm {
            0 => lzokay::decompress::decompress(packed, &mut out).ok(),
            1 => lz4_flex::block::decompress_into(packed, &mut out).ok(),
            2 => zstd::bulk::decompress_to_buffer(packed, &mut out).ok(),
            other => {
                let detail = format!("clusters compressed with algorithm {other} are not read");
                return Err(Problem::unsupported(detail));
            }
        };
        match done {
            Some(len) if len == size => Ok(out),
            _ => Err(wrong("does not decompress to its length")),
        }
    }
}
