//! The file system of QNX 4: little-endian, blocks of 512 bytes, inodes inside directory entries.
//!
//! Block 2 (they count from 1) is the root block: it holds the inodes of `/`, `.inodes`, `.boot` and `.altboot`. The size of the
//! file `.bitmap` in the root directory tells how many blocks there are. A file is a list of extents; all but the first stand in
//! blocks of their own, which form a chain.

mod extents;
#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use self::extents::Inode;
use self::walk::Walk;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::problem::Problem;
use crate::read::{clip, cut, length};

/// The QNX4 file system.
pub(in crate::formats) struct Qnx4;

/// The length of a block, and of an inode or directory entry, in bytes.
const BLOCK: u64 = 512;
const ENTRY: u64 = 64;
/// Where the root block starts, in bytes, and so the root's inode.
const ROOT: u64 = 512;
/// So many blocks of the root directory are searched for the bitmap: it is made with the file system.
const SEARCHED: u64 = 64;

impl Format for Qnx4 {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "qnx4",
            title: "QNX4",
            kind: Kind::Filesystem,
            spec: "Linux include/uapi/linux/qnx4_fs.h, fs/qnx4; QNX 4 System Architecture; dissect.qnxfs for names longer than 48 bytes",
            reads: "files of any number of extents, hard links, names of 16, 48 and 505 bytes",
            verifies: "nothing: the format keeps no checksum; the marks of extent blocks, and that no block belongs to two files",
            limits: &[
                "device nodes, of which no document says where their numbers stand",
                "the bitmap is not compared with the tree; it counts blocks by the byte, so that up to seven behind the end may be taken in",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"/\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            at: ROOT,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let root = root(rest).ok_or(Reject::Coincidence("no root block"))?;
        let Some(blocks) = blocks(rest, &root) else {
            return Err(Reject::NearMiss(
                "a root block whose directory has no bitmap",
            ));
        };
        let len = blocks.saturating_mul(BLOCK);
        Ok(Extent::known(len, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let blocks = root(&region).and_then(|root| blocks(&region, &root));
        let Some(blocks) = blocks else {
            return Opened::unread(Problem::corrupt("no root block with a bitmap"));
        };
        let mut harvest = Harvest::new(budget);
        let len = blocks.saturating_mul(BLOCK);
        // The bitmap counts eight blocks a byte.
        if length(&region).saturating_add(BLOCK.saturating_mul(7)) < len {
            let detail = format!("{} of {len} bytes are there", region.len());
            harvest.tell(Problem::corrupt(detail).at(length(&region)));
        }
        let head = clip(&region, ROOT, BLOCK);
        harvest
            .account
            .padded(ROOT, &head, ENTRY.saturating_mul(4), 0);
        harvest.properties.set("blocks", blocks.to_string());
        Walk::new(region, blocks, harvest).run()
    }
}

/// The root's inode, if it is one.
fn root(bytes: &Bytes) -> Option<Inode> {
    let inode = Inode::parse(&cut(bytes, ROOT, ENTRY)?)?;
    let used = inode.extents > 0 && inode.first.0 > 1 && inode.first.1 > 0;
    (used && inode.mode & 0o170_000 == 0o040_000 && inode.status & 1 != 0).then_some(inode)
}

/// How many blocks there are: the bits of the bitmap, which is a file in the root directory.
fn blocks(bytes: &Bytes, root: &Inode) -> Option<u64> {
    let (first, count) = root.first;
    let at = u64::from(first).checked_sub(1)?.checked_mul(BLOCK)?;
    let start = clip(
        bytes,
        at,
        u64::from(count).min(SEARCHED).saturating_mul(BLOCK),
    );
    let (records, _) = start.as_chunks::<64>();
    let bitmap = records.iter().find(|record| {
        record.starts_with(b".bitmap\0") && record.last().is_some_and(|status| status & 9 == 1)
    })?;
    let inode = Inode::parse(bitmap)?;
    let blocks = u64::from(inode.size).checked_mul(8)?;
    // The root directory must be inside.
    let end = u64::from(first).checked_add(count.into())?.checked_sub(1)?;
    (blocks >= end && inode.first.0 > 1).then_some(blocks)
}
