//! Indexes of compressed content: which extent of the file each physical cluster decodes to.
//!
//! The file is cut into logical clusters. The index of each says whether an extent starts in it (a head, at an offset), or whether
//! it belongs to an earlier one. A full index has 8 bytes a cluster; a compact one packs 2 of them into 8 bytes or 16 into 32, with the
//! first block of the pack at its end.

use std::cell::Cell;

use super::inode::{Inode, Layout};
use super::walk::bytes;
use super::{FRAGMENTS, PARAMETERS, TAILS, Volume};
use crate::problem::Problem;
use crate::read::{Fields, clip, index};

/// What the header in front of the indexes says of them.
const PACKS_OF_16: u16 = 1;
const BIG_FIRST: u16 = 2;
const BIG_SECOND: u16 = 4;
const INLINE_TAIL: u16 = 8;
const INTERLACED: u16 = 16;
const FRAGMENT: u16 = 32;

/// In the index of the first cluster behind a head: the number is how many blocks the physical cluster has.
const COUNTS_BLOCKS: u32 = 1 << 11;

/// The largest physical cluster and the longest extent that Linux reads (bytes).
const MOST_STORED: u64 = 1 << 20;
const MOST_DECODED: u64 = 12 << 20;

/// How an extent is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Plain,
    /// As it is, turned so that it starts at its offset within a block.
    Interlaced,
    /// Compressed with the algorithm of this number.
    Compressed(u8),
    /// In the packed inode.
    Fragment,
}

/// An extent of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Where it starts in the file, and its length there (bytes).
    pub(super) from: u64,
    pub(super) len: u64,
    /// Where it is stored (bytes from the region's start, or from that of the packed inode's content), and the length of that (bytes).
    pub(super) at: u64,
    pub(super) stored: u64,
    pub(super) form: Form,
}

/// The index of one logical cluster.
#[derive(Clone, Copy)]
enum Row {
    Head {
        /// 0: plain; 1 and 3: the first and the second algorithm.
        kind: u32,
        /// Where in the cluster the extent starts (bytes).
        offset: u64,
        /// The first block of the physical cluster.
        block: u64,
    },
    /// Belongs to an earlier head; the blocks of its physical cluster, where this says so.
    Tail { blocks: Option<u64> },
}

/// The indexes of one inode.
pub(super) struct Clusters<'a> {
    volume: &'a Volume,
    inode: &'a Inode,
    /// Where the indexes start (bytes from the region's start).
    start: u64,
    advise: u16,
    algorithms: u8,
    /// The length of the tail behind the indexes, when it stands there (bytes).
    tail: u64,
    /// The length of a logical cluster, as a power of two.
    shift: u32,
    /// Whether the whole file is in the packed inode.
    is_fragment: bool,
    /// Where in the packed inode's content the file or its end is (bytes).
    fragment: u64,
    /// Where the last index that was read ends (bytes from the region's start).
    end: Cell<u64>,
}

impl<'a> Clusters<'a> {
    pub(super) fn new(volume: &'a Volume, inode: &'a Inode) -> Self {
        let at = inode.end.saturating_add(7) & !7;
        let header = clip(&volume.region, at, 8);
        let fields = Fields::little(&header);
        let bits = fields.u8(7).unwrap_or_default();
        let mut clusters = Self {
            volume,
            inode,
            start: at.saturating_add(8),
            advise: fields.u16(4).unwrap_or_default(),
            algorithms: fields.u8(6).unwrap_or_default(),
            tail: u64::from(fields.u16(2).unwrap_or_default()),
            shift: volume.shift.saturating_add(u32::from(bits & 7)),
            is_fragment: bits & 0x80 != 0,
            fragment: fields.u32(0).unwrap_or_default().into(),
            end: Cell::new(at),
        };
        if clusters.is_fragment {
            // The header is one number then, with this bit as its highest.
            clusters.fragment = fields.u64(0).unwrap_or_default() & !(1 << 63);
            clusters.end.set(at.saturating_add(8));
        }
        if inode.layout == Layout::Full {
            // Full indexes have 8 more bytes in front of them; the first images had nothing in the header.
            clusters.start = at.saturating_add(16);
            if volume.features & (PARAMETERS | TAILS | FRAGMENTS) == 0 {
                clusters.advise = 0;
                clusters.algorithms = 0;
                clusters.shift = volume.shift;
                clusters.is_fragment = false;
            }
        }
        clusters
    }

    /// Where the indexes that were read so far end (bytes from the region's start).
    pub(super) fn index_end(&self) -> u64 {
        self.end.get()
    }

    fn count(&self) -> u64 {
        let cluster = 1_u64.checked_shl(self.shift).unwrap_or(1);
        self.inode.size.div_ceil(cluster)
    }

    /// The extents of the file, in order; nothing follows an error.
    pub(super) fn extents(&self) -> impl Iterator<Item = Result<Extent, Problem>> {
        let mut next = Some(0);
        std::iter::from_fn(move || self.following(&mut next))
    }

    /// The same, with the indexes in the iterator.
    pub(super) fn into_extents(self) -> impl Iterator<Item = Result<Extent, Problem>> + use<'a> {
        let mut next = Some(0);
        std::iter::from_fn(move || self.following(&mut next))
    }

    fn following(&self, next: &mut Option<u64>) -> Option<Result<Extent, Problem>> {
        let number = next.take().filter(|&number| number < self.count())?;
        match self.extent(number) {
            // The last index may be a head at the very end, which starts nothing.
            Ok((extent, _)) if extent.from >= self.inode.size => None,
            Ok((extent, following)) => {
                *next = Some(following);
                Some(Ok(extent))
            }
            Err(problem) => Some(Err(problem)),
        }
    }

    /// The extent whose head is in cluster `number`, and the cluster with the next head.
    fn extent(&self, number: u64) -> Result<(Extent, u64), Problem> {
        if self.is_fragment {
            let extent = Extent {
                from: 0,
                len: self.inode.size,
                at: self.fragment,
                stored: 0,
                form: Form::Fragment,
            };
            return Ok((extent, self.count()));
        }
        let Row::Head {
            kind,
            offset,
            block,
        } = self.row(number)?
        else {
            return Err(damaged("a cluster belongs to no extent"));
        };
        let mut blocks = 1_u64.checked_shl(self.shift.saturating_sub(self.volume.shift));
        let mut following = number.saturating_add(1);
        let end = loop {
            if following >= self.count() {
                break self.inode.size;
            }
            match self.row(following)? {
                Row::Head { offset, .. } => break self.logical(following).saturating_add(offset),
                Row::Tail { blocks: stated } => {
                    if following == number.saturating_add(1) && stated.is_some() {
                        blocks = stated;
                    }
                }
            }
            following = following.saturating_add(1);
            if self.logical(following.saturating_sub(number)) > MOST_DECODED {
                return Err(damaged("an extent has an impossible length"));
            }
        };
        let from = self.logical(number).saturating_add(offset);
        let len = end.checked_sub(from).filter(|&len| len <= MOST_DECODED);
        let mut extent = Extent {
            from,
            len: len.ok_or_else(|| damaged("an extent has an impossible length"))?,
            at: self.volume.block_at(block),
            stored: self.volume.block_at(blocks.unwrap_or(1)).min(MOST_STORED),
            form: self.form(kind),
        };
        let is_last = extent.from.saturating_add(extent.len) >= self.inode.size;
        if is_last && self.advise & FRAGMENT != 0 {
            // A full index has room for the upper half of the offset in place of a block.
            let high = if self.inode.layout == Layout::Full {
                block
            } else {
                0
            };
            extent.at = high << 32 | self.fragment;
            extent.stored = 0;
            extent.form = Form::Fragment;
        } else if is_last && self.advise & INLINE_TAIL != 0 {
            // It stands behind the index of the last cluster.
            self.row(self.count().saturating_sub(1))?;
            extent.at = self.end.get();
            extent.stored = self.tail;
            self.end.set(extent.at.saturating_add(self.tail));
        }
        Ok((extent, following))
    }

    fn logical(&self, number: u64) -> u64 {
        number.checked_shl(self.shift).unwrap_or(u64::MAX)
    }

    fn form(&self, kind: u32) -> Form {
        match kind {
            0 if self.advise & INTERLACED != 0 => Form::Interlaced,
            0 => Form::Plain,
            3 => Form::Compressed(self.algorithms >> 4),
            _ => Form::Compressed(self.algorithms & 15),
        }
    }

    fn row(&self, number: u64) -> Result<Row, Problem> {
        match self.inode.layout {
            Layout::Full => self.full(number),
            _ => self.compact(number),
        }
    }

    fn full(&self, number: u64) -> Result<Row, Problem> {
        let at = self.start.saturating_add(number.saturating_mul(8));
        let row = bytes(&self.volume.region, at, 8)?;
        self.end.set(at.saturating_add(8));
        let fields = Fields::little(&row);
        let read = || {
            Some((
                fields.u16(0)?,
                fields.u16(2)?,
                fields.u16(4)?,
                fields.u32(4)?,
            ))
        };
        let (advise, offset, first, block) =
            read().ok_or_else(|| damaged("an index is cut off"))?;
        // The highest bit says that the cluster is another extent's as well, and decodes to more than this one.
        let kind = u32::from(advise & 3);
        self.check(kind, offset.into(), first.into(), block.into())
    }

    fn check(&self, kind: u32, offset: u64, first: u32, block: u64) -> Result<Row, Problem> {
        let is_big = self.advise & (BIG_FIRST | BIG_SECOND) != 0;
        match kind {
            2 if first & COUNTS_BLOCKS != 0 && !is_big => {
                Err(damaged("a cluster counts blocks that it cannot have"))
            }
            2 => Ok(Row::Tail {
                blocks: (first & COUNTS_BLOCKS != 0).then(|| u64::from(first & !COUNTS_BLOCKS)),
            }),
            _ if offset >> self.shift != 0 => Err(damaged("an extent starts outside its cluster")),
            kind => Ok(Row::Head {
                kind,
                offset,
                block,
            }),
        }
    }

    /// Where the pack with a cluster starts (bytes from the region's start), how many clusters it has and which of them it is.
    fn pack(&self, number: u64) -> (u64, u64, u64) {
        let first = (32_u64.saturating_sub(self.start % 32) / 4) % 8;
        let count = self.count();
        let packed = if self.advise & PACKS_OF_16 != 0 && first < count {
            let left = count.saturating_sub(first);
            left.saturating_sub(left % 16)
        } else {
            0
        };
        let pair = |start: u64, number: u64| {
            (
                start.saturating_add((number / 2).saturating_mul(8)),
                2,
                number % 2,
            )
        };
        let Some(behind) = number.checked_sub(first) else {
            return pair(self.start, number);
        };
        let start = self.start.saturating_add(first.saturating_mul(4));
        match behind.checked_sub(packed) {
            None => (
                start.saturating_add((behind / 16).saturating_mul(32)),
                16,
                behind % 16,
            ),
            Some(behind) => pair(start.saturating_add(packed.saturating_mul(2)), behind),
        }
    }

    fn compact(&self, number: u64) -> Result<Row, Problem> {
        let (at, count, own) = self.pack(number);
        let len = if count == 2 { 8 } else { 32 };
        if (count == 2 && self.shift > 14) || (count == 16 && self.shift > 12) {
            return Err(Problem::unsupported("packed indexes of large clusters").at(at));
        }
        // The last pack of a file may be cut where its indexes end, so that what is missing reads as zeros.
        let mut pack = [0; 32];
        let there = bytes(&self.volume.region, at, len)?;
        if let Some(space) = pack.get_mut(..there.len()) {
            space.copy_from_slice(&there);
        }
        self.end.set(at.saturating_add(len));
        // Bits of one index: 4 or 2 bytes each, less its share of the 4 bytes at the end.
        let width = if count == 2 { 16 } else { 14 };
        let low = self.shift.max(12);
        let mask = !(u32::MAX << low);
        let field = |number: u64| {
            let bit = number.saturating_mul(width);
            let word = pack_word(&pack, bit);
            (word & mask, word >> low & 3)
        };
        let is_tail = |number: u64| number < count && field(number).1 == 2;
        let counted = |number: u64| {
            let (value, kind) = field(number);
            (number < count && kind == 2 && value & COUNTS_BLOCKS != 0)
                .then(|| u64::from(value & !COUNTS_BLOCKS))
        };
        let (value, kind) = field(own);
        if is_tail(own) {
            return self.check(2, 0, value, 0);
        }
        let is_big = self.advise & BIG_FIRST != 0;
        let before = (0..own).fold(0_u64, |sum, number| {
            let blocks = match (counted(number), is_tail(number)) {
                (Some(blocks), _) if is_big => blocks,
                (_, true) => 0,
                (_, false) if is_big && counted(number.saturating_add(1)).is_some() => 0,
                (_, false) => 1,
            };
            sum.saturating_add(blocks)
        });
        let base = Fields::little(&pack)
            .u32(index(len.saturating_sub(4)))
            .unwrap_or_default();
        let first = u64::from(!is_big);
        let block = u64::from(base).saturating_add(before).saturating_add(first);
        self.check(kind, value.into(), 0, block)
    }
}

/// The 32 bits from bit `bit` on, in little-endian order.
fn pack_word(pack: &[u8; 32], bit: u64) -> u32 {
    let at = index(bit / 8);
    let mut word = [0; 8];
    for (byte, stored) in word.iter_mut().zip(pack.iter().skip(at)) {
        *byte = *stored;
    }
    let word = u64::from_le_bytes(word) >> (bit % 8);
    u32::try_from(word & u64::from(u32::MAX)).unwrap_or_default()
}

fn damaged(what: &str) -> Problem {
    Problem::corrupt(what)
}
