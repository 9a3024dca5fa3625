//! Inodes, and the nodes that list the blocks of their contents.

use bytes::Bytes;

use super::volume::Volume;
use super::{BLOCK, Super, crc};
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// Where in an inode its addresses start, in bytes, and how many there is room for.
const ADDRESSES: usize = 360;
const ROOM: usize = 923;
/// Where in an inode the five nodes that list more blocks stand, in bytes.
const NODES: usize = 4052;
/// Where in a node its footer starts, in bytes; a node that lists something has as many words before it.
const FOOTER: usize = 4072;
const PER_NODE: usize = 1018;

/// What stands inside of an inode.
const INLINE_XATTR: u8 = 1;
const INLINE_DATA: u8 = 2;
const INLINE_DENTRY: u8 = 4;
const EXTRA: u8 = 0x20;
/// The flag of a compressed file, and the mark of an encrypted one.
const COMPRESSED: u32 = 4;
const ENCRYPTED: u8 = 4;

/// A hole, a reserved block, and the start of a compressed cluster.
pub(super) const HOLE: u32 = 0;
pub(super) const RESERVED: u32 = u32::MAX;
pub(super) const CLUSTER: u32 = u32::MAX - 1;

/// How the clusters of a file are compressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compression {
    pub(super) algorithm: u8,
    /// The blocks of a cluster.
    pub(super) blocks: usize,
    /// Whether each cluster has a checksum.
    pub(super) checked: bool,
}

/// An inode.
#[derive(Clone)]
pub(super) struct Inode {
    raw: Bytes,
    /// The block it stands in.
    pub(super) block: u32,
    pub(super) number: u32,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    pub(super) mtime: u64,
    inline: u8,
    pub(super) encrypted: bool,
    /// The node that holds more extended attributes.
    pub(super) xattrs: u32,
    pub(super) compression: Option<Compression>,
    /// The words before the addresses that hold more fields, and those after them that hold attributes.
    extra: usize,
    reserved: usize,
}

impl Volume {
    /// A node and the block it stands in.
    pub(super) fn node(&self, node: u32, owner: u32) -> Result<(Bytes, u32), Problem> {
        let gone = || Problem::corrupt(format!("node {node} is nowhere"));
        let (address, _) = self.node_at(node).ok_or_else(gone)?;
        if !self.is_main(address) {
            return Err(gone());
        }
        let raw = self.block(address.into()).ok_or_else(|| {
            Problem::corrupt(format!("node {node} is behind the end of the image"))
        })?;
        let fields = Fields::little(&raw);
        if fields.u32(FOOTER) != Some(node) || fields.u32(FOOTER.saturating_add(4)) != Some(owner) {
            let detail = format!("the block of node {node} belongs to another");
            let at = u64::from(address).saturating_mul(BLOCK);
            return Err(Problem::corrupt(detail).at(at));
        }
        Ok((raw, address))
    }

    /// An inode, and what is wrong with its checksum.
    pub(super) fn inode(&self, number: u32) -> Result<(Inode, Option<Problem>), Problem> {
        let (raw, block) = self.node(number, number)?;
        let at = u64::from(block).saturating_mul(BLOCK);
        let inode = Inode::parse(&raw, block, number, &self.head);
        let inode = inode
            .ok_or_else(|| Problem::corrupt(format!("inode {number} contradicts itself")).at(at))?;
        let wrong = (!inode.is_sealed(&self.head)).then(|| {
            let detail = format!("the checksum of inode {number} does not hold");
            Problem::checksum(detail).at(at)
        });
        Ok((inode, wrong))
    }
}

impl Inode {
    fn parse(raw: &Bytes, block: u32, number: u32, head: &Super) -> Option<Self> {
        let fields = Fields::little(raw);
        let inline = fields.u8(3)?;
        let has_extra = inline & EXTRA != 0;
        let extra = if has_extra {
            usize::from(fields.u16(ADDRESSES)?) / 4
        } else {
            0
        };
        let flags = fields.u32(80)?;
        // The fields of compression stand in the last 12 of 36 bytes.
        let compression = (has_extra && extra >= 9 && flags & COMPRESSED != 0)
            .then(|| {
                let blocks = 1_usize.checked_shl(fields.u8(393)?.into())?;
                (4..=256).contains(&blocks).then_some(Compression {
                    algorithm: fields.u8(392)?,
                    blocks,
                    checked: fields.u16(394)? & 1 == 1,
                })
            })
            .flatten();
        let reserved = if has_extra && head.features & Super::FLEXIBLE_XATTRS != 0 {
            usize::from(fields.u16(362)?)
        } else if inline & (INLINE_XATTR | INLINE_DENTRY) != 0 {
            50
        } else {
            0
        };
        let inode = Self {
            block,
            number,
            mode: fields.u16(0)?.into(),
            uid: fields.u32(4)?,
            gid: fields.u32(8)?,
            size: fields.u64(16)?,
            mtime: fields.u64(48)?,
            inline,
            encrypted: fields.u8(2)? & ENCRYPTED != 0,
            xattrs: fields.u32(76)?,
            compression,
            extra,
            reserved,
            raw: raw.clone(),
        };
        (extra.checked_add(reserved)? < ROOM).then_some(inode)
    }

    /// Whether the inode has no checksum, or one that holds.
    fn is_sealed(&self, head: &Super) -> bool {
        if head.features & Super::INODE_CHECKSUM == 0 || self.extra < 3 {
            return true;
        }
        let fields = Fields::little(&self.raw);
        let sum = || {
            let mut sum = crc(u32::MAX, &head.uuid);
            sum = crc(sum, &self.number.to_le_bytes());
            sum = crc(sum, fields.slice(68, 4)?);
            sum = crc(sum, fields.slice(0, 368)?);
            sum = crc(sum, &[0; 4]);
            Some(crc(sum, fields.tail(372)?))
        };
        sum() == fields.u32(368)
    }

    fn addresses(&self) -> usize {
        let there = ROOM
            .saturating_sub(self.extra)
            .saturating_sub(self.reserved);
        self.whole(there)
    }

    /// Compressed files use as many addresses of a node as make whole clusters.
    fn whole(&self, addresses: usize) -> usize {
        let blocks = self.compression.map_or(1, |compression| compression.blocks);
        addresses.saturating_sub(addresses.checked_rem(blocks).unwrap_or_default())
    }

    fn first(&self) -> usize {
        ADDRESSES.saturating_add(self.extra.saturating_mul(4))
    }

    /// The room in the inode for a content or a directory: behind the first address, which stays unused.
    pub(super) fn inline(&self) -> Option<Bytes> {
        let at = self.first().saturating_add(4);
        let end = ADDRESSES
            .saturating_add(ROOM.saturating_mul(4))
            .saturating_sub(self.reserved.saturating_mul(4));
        let inline = self.inline & (INLINE_DATA | INLINE_DENTRY) != 0;
        (inline && at <= end).then(|| self.raw.slice(at..end))
    }

    /// Where that room starts, in bytes from the region's start.
    pub(super) fn inline_at(&self) -> u64 {
        let at = length_of(self.first().saturating_add(4));
        u64::from(self.block)
            .saturating_mul(BLOCK)
            .saturating_add(at)
    }

    /// The extended attributes in the inode.
    pub(super) fn inline_xattrs(&self) -> &[u8] {
        let end = ADDRESSES.saturating_add(ROOM.saturating_mul(4));
        let at = end.saturating_sub(self.reserved.saturating_mul(4));
        let there = self.inline & INLINE_XATTR != 0;
        let bytes = self.raw.get(at..end).filter(|_| there);
        bytes.unwrap_or_default()
    }

    /// The length of the fields before the addresses, in bytes, and of the addresses that the size needs.
    pub(super) fn used(&self) -> usize {
        let needed = index(self.size.div_ceil(BLOCK)).min(self.addresses());
        self.first().saturating_add(needed.saturating_mul(4))
    }

    /// The device number: the first address in its old form of 16 bits, or else the second in the newer one.
    pub(super) fn device(&self) -> (u32, u32) {
        let fields = Fields::little(&self.raw);
        let word = |at: usize| fields.u32(at).unwrap_or_default();
        let (old, new) = (word(self.first()), word(self.first().saturating_add(4)));
        if old != 0 {
            return (old >> 8 & 0xff, old & 0xff);
        }
        (
            (new & 0x000f_ff00) >> 8,
            new & 0xff | new >> 12 & 0x000f_ff00,
        )
    }

    /// Visits the addresses of the content's blocks in order, and the nodes that list them.
    ///
    /// # Errors
    /// What `visit` makes of it, and nodes that are not there.
    pub(super) fn visit<E: From<Problem>>(
        &self,
        volume: &Volume,
        visit: &mut dyn FnMut(Seen<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let own = words(&self.raw, self.first(), self.addresses());
        visit(Seen::Addresses(0, &own))?;
        let mut next = length_of(own.len());
        let lists = words(&self.raw, NODES, 5);
        for (&list, depth) in lists.iter().zip([0, 0, 1, 1, 2]) {
            self.below(volume, list, depth, &mut next, visit)?;
        }
        Ok(())
    }

    /// Visits what a node lists, `depth` lists deep; `next` is the number of the first block of it.
    fn below<E: From<Problem>>(
        &self,
        volume: &Volume,
        list: u32,
        depth: u32,
        next: &mut u64,
        visit: &mut dyn FnMut(Seen<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let each = length_of(self.whole(PER_NODE));
        let step = each.saturating_mul(length_of(PER_NODE).saturating_pow(depth));
        if list == 0 || *next >= self.size.div_ceil(BLOCK) {
            *next = next.saturating_add(step);
            return Ok(());
        }
        let (raw, address) = volume.node(list, self.number)?;
        visit(Seen::Node(address))?;
        let listed = words(&raw, 0, PER_NODE);
        let Some(above) = depth.checked_sub(1) else {
            let there = listed.get(..index(each)).unwrap_or(&listed);
            visit(Seen::Addresses(*next, there))?;
            *next = next.saturating_add(step);
            return Ok(());
        };
        for &list in &listed {
            self.below(volume, list, above, next, visit)?;
        }
        Ok(())
    }
}

/// What a visit of an inode comes upon.
pub(super) enum Seen<'a> {
    /// A node that lists addresses or nodes, by the block it stands in.
    Node(u32),
    /// The number of a block of the content, and the addresses of it and of those behind it.
    Addresses(u64, &'a [u32]),
}

fn words(raw: &[u8], at: usize, count: usize) -> Vec<u32> {
    let bytes = raw.get(at..).unwrap_or_default();
    let (words, _) = bytes.as_chunks::<4>();
    let words = words.iter().take(count);
    words.map(|word| u32::from_le_bytes(*word)).collect()
}

fn length_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The bytes of an attribute node without its footer.
pub(super) fn without_footer(raw: &Bytes) -> &[u8] {
    let end = FOOTER.min(index(length(raw)));
    raw.get(..end).unwrap_or_default()
}
