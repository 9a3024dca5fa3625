//! One volume, put together block by block while it is read.

use std::collections::BTreeMap;
use std::io::{self, Read};

use bytes::Bytes;

use super::blocks::Block;
use super::extent::Shape;
use crate::formats::told::Problems;
use crate::formats::{Decode, Ending, Proof};
use crate::problem::Problem;
use crate::read::{index, length};

/// A volume as programs see it. Blocks that are not mapped read as 0xFF, as Linux has it.
pub(super) struct Volume {
    pub(super) region: Bytes,
    pub(super) shape: Shape,
    /// Its blocks by number.
    pub(super) blocks: BTreeMap<u32, Block>,
    /// How many bytes of a block the volume uses.
    pub(super) leb: u64,
    /// Length of the volume, in bytes.
    pub(super) len: u64,
    /// How many bytes were read.
    pub(super) at: u64,
    pub(super) problems: Problems,
}

impl Volume {
    /// Checks a block that states a checksum, when its first byte is read.
    fn check(&mut self, block: &Block) {
        if block.id.has_data_crc() && !block.is_sound(&self.region, &self.shape) {
            let what = format!(
                "the checksum of block {} of volume {} does not hold",
                block.id.lnum, block.id.volume
            );
            self.problems
                .push(Problem::checksum(what).at(block.data_at));
        }
    }
}

impl Read for Volume {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (Some(number), Some(inside)) =
            (self.at.checked_div(self.leb), self.at.checked_rem(self.leb))
        else {
            return Ok(0);
        };
        let left = self.leb.saturating_sub(inside);
        let left = left.min(self.len.saturating_sub(self.at));
        let out_len = out.len();
        let out = out.get_mut(..index(left).min(out_len)).unwrap_or_default();
        if out.is_empty() {
            return Ok(0);
        }
        let block = u32::try_from(number)
            .ok()
            .and_then(|number| self.blocks.get(&number).copied());
        if let Some(block) = block.filter(|_| inside == 0) {
            self.check(&block);
        }
        let data = block.map(|block| block.data(&self.region, &self.shape));
        let data = data.as_deref().and_then(|data| data.get(index(inside)..));
        let data = data.unwrap_or_default();
        let there = data.get(..out.len()).unwrap_or(data);
        let (filled, erased) = out.split_at_mut(there.len().min(out.len()));
        filled.copy_from_slice(there);
        erased.fill(0xff);
        self.at = self.at.saturating_add(length(out));
        Ok(out.len())
    }
}

impl Decode for Volume {
    fn finish(self: Box<Self>) -> Ending {
        Ending {
            extent: Ok((0, Proof::Checksum)),
            spans: Vec::new(),
            problems: self.problems.into_vec(),
        }
    }
}
