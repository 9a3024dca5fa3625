//! The content of a file: its blocks expanded one after another when they are wanted.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::live::Live;
use super::node::{self, BLOCK, Kind, Node};
use crate::entry::{Data, Fault};
use crate::formats::codec::Codec;
use crate::formats::stored::zeros;
use crate::problem::{Problem, ProblemKind};
use crate::read::{index, length};

/// What an extended block may come to (bytes), should it be longer than it says.
const LARGEST: usize = 4096;

/// A file as the current nodes make it.
pub(super) struct Blocks {
    pub(super) image: Bytes,
    pub(super) live: Arc<Live>,
    pub(super) inode: u32,
    pub(super) size: u64,
}

impl Data for Blocks {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let range = (self.inode, 0)..=(self.inode, u32::MAX);
        let blocks = self.live.data.range(range);
        let blocks = blocks.map(|(&(_, block), &at)| (block, at));
        copy(&self.image, self.inode, blocks, self.size, out)
    }
}

/// An older content, whose nodes are all there.
pub(super) struct Older {
    pub(super) image: Bytes,
    pub(super) inode: u32,
    /// Where the node of every block stands.
    pub(super) blocks: Vec<u64>,
    pub(super) size: u64,
}

impl Data for Older {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let blocks = (0..).zip(self.blocks.iter().copied());
        copy(&self.image, self.inode, blocks, self.size, out)
    }
}

/// A content that nobody can read without the key.
pub(super) struct Encrypted;

impl Data for Encrypted {
    fn copy_to(&self, _out: &mut dyn Write) -> Result<(), Fault> {
        let what = "the content is encrypted (fscrypt)";
        Err(Problem::new(ProblemKind::Encrypted, what).into())
    }
}

/// Writes `size` bytes: the blocks, and zeros where there is none.
fn copy(
    image: &Bytes,
    inode: u32,
    blocks: impl Iterator<Item = (u32, u64)>,
    size: u64,
    out: &mut dyn Write,
) -> Result<(), Fault> {
    let mut written = 0;
    let mut expanded = Vec::new();
    for (block, at) in blocks {
        let start = u64::from(block).saturating_mul(BLOCK);
        if start >= size {
            break;
        }
        zeros_until(out, &mut written, start)?;
        let bytes = expand(image, inode, block, at, &mut expanded)?;
        let room = index(size.saturating_sub(start));
        let bytes = bytes.get(..room).unwrap_or(bytes);
        out.write_all(bytes)?;
        written = start.saturating_add(length(bytes));
    }
    zeros_until(out, &mut written, size)
}

/// The bytes of one block, checked once more.
fn expand<'a>(
    image: &'a Bytes,
    inode: u32,
    block: u32,
    at: u64,
    out: &'a mut Vec<u8>,
) -> Result<&'a [u8], Problem> {
    let broken = |what: String| Problem::corrupt(format!("block {block} {what}")).at(at);
    let node = Node::read(image, at, length(image))
        .filter(|node| (node.kind, node.key.inode, node.key.block()) == (Kind::Data, inode, block));
    let node = node.ok_or_else(|| broken("has no sound node".into()))?;
    let bytes = node.bytes(image);
    let data = node::Data::parse(&bytes).ok_or_else(|| broken("has no sound node".into()))?;
    let size = index(data.size.into());
    if size > LARGEST {
        return Err(broken(format!("says that it holds {size} bytes")));
    }
    let done = match data.compression {
        0 => {
            let from = index(at.saturating_add(node::DATA));
            let stored = image.get(from..from.saturating_add(size));
            let there = stored.filter(|_| data.stored.len() == size);
            return there.ok_or_else(|| broken("stores another length than it says".into()));
        }
        1 => Codec::Lzo.decode(&data.stored, LARGEST, out),
        2 => Codec::Deflate.decode(&data.stored, LARGEST, out),
        3 => Codec::Zstd.decode(&data.stored, LARGEST, out),
        other => {
            let what = format!("block {block} has the unknown compression {other}");
            return Err(Problem::unsupported(what).at(at));
        }
    };
    done.map_err(|error| broken(format!("does not expand: {error}")))?;
    if out.len() == size {
        Ok(out)
    } else {
        Err(broken(format!(
            "expands to {} bytes, not {size}",
            out.len()
        )))
    }
}

fn zeros_until(out: &mut dyn Write, written: &mut u64, until: u64) -> Result<(), Fault> {
    zeros(out, until.saturating_sub(*written))?;
    *written = until.max(*written);
    Ok(())
}
