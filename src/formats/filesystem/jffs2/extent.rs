//! Where one file system ends: behind its last node, with the erased rest of that node's erase block.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::body::identity;
use super::node::{Dialect, HEADER, Header, Kind};
use super::walk::{Blocks, Piece, Walk};
use crate::formats::{Extent, Proof, Reject};
use crate::read::{Fields, index, length};

/// So many bytes that are neither nodes nor erased flash end the file system: one wholly damaged erase block is bridged.
const BRIDGED: u64 = 64 << 10;

/// No more bytes than this hold one node that bears nothing.
const LONE: u64 = 64;

/// Measures the file system at the start of `rest`.
///
/// It goes on over erased flash, over damage up to 64 KiB, and to the last node of the same byte order. It stops where
/// a second file system starts behind it: at nodes that claim an inode, version and place that another node has taken.
pub(super) fn measure(rest: &Bytes) -> Result<Extent, Reject> {
    let dialect = Dialect::of(rest).ok_or(Reject::Coincidence("no JFFS2 magic"))?;
    if Header::read(rest, 0, dialect).is_none() {
        return Err(near_miss(rest, dialect));
    }
    let mut found = Found::default();
    for piece in Walk::new(rest, dialect) {
        if !found.take(rest, piece, dialect) {
            break;
        }
    }
    // A lone cleanmarker may stand in a program that formats flash; an empty file system is erased behind it.
    if !found.bears && !erased_behind(rest, found.end) {
        // Many of them are none by chance: told, and so limited, for each is walked to its end.
        return Err(if found.end > LONE {
            Reject::NearMiss("JFFS2 nodes, but none that bears a file system")
        } else {
            Reject::Coincidence("a cleanmarker without erased flash behind it")
        });
    }
    let block = found.blocks.size().unwrap_or(BRIDGED);
    let start = found
        .blocks
        .start(found.end.saturating_sub(1))
        .unwrap_or_default();
    let most = start.saturating_add(block).max(found.end);
    let tail = rest
        .get(index(found.end)..index(most.min(length(rest))))
        .unwrap_or_default();
    let fill = tail
        .iter()
        .position(|&byte| byte != 0xff)
        .unwrap_or(tail.len());
    let len = found.end.saturating_add(u64::try_from(fill).unwrap_or(0));
    Ok(Extent::known(len, Proof::Checksum))
}

fn near_miss(rest: &Bytes, dialect: Dialect) -> Reject {
    let fields = Fields::new(rest, dialect.endian);
    let len = fields.u32(4).map_or(0, u64::from);
    let fits = |at: usize, fixed: u64| {
        fields
            .u32(at)
            .is_some_and(|data| len == fixed.saturating_add(data.into()))
    };
    let real = match fields.u16(2).map(Kind::of) {
        Some(Kind::Inode) => fits(48, 68),
        Some(Kind::Dirent) => fields
            .u8(28)
            .is_some_and(|name| len == u64::from(name).saturating_add(40)),
        Some(Kind::Cleanmarker) => len == HEADER,
        _ => false,
    };
    if real {
        Reject::NearMiss("a JFFS2 node whose header checksum does not hold")
    } else {
        Reject::Coincidence("no JFFS2 node behind the magic")
    }
}

fn erased_behind(rest: &Bytes, end: u64) -> bool {
    let behind = rest.get(index(end)..).unwrap_or_default();
    behind.len() >= 64 && behind.iter().take(64).all(|&byte| byte == 0xff)
}

#[derive(Default)]
struct Found {
    blocks: Blocks,
    /// Whether there is more than cleanmarkers and padding.
    bears: bool,
    /// Where the last node ends.
    end: u64,
    /// Where the last node ended before the current run of nodes, which a cleanmarker or a gap starts.
    before_run: Option<u64>,
    /// Bytes since the last node that are neither nodes nor erased.
    junk: u64,
    taken: BTreeMap<(Kind, (u32, u32, Bytes)), u32>,
    in_gap: bool,
}

impl Found {
    /// Takes one piece; `false` when the file system has ended before it.
    fn take(&mut self, rest: &Bytes, piece: Piece, dialect: Dialect) -> bool {
        let header = match piece {
            Piece::Node(header) => header,
            Piece::Erased(..) => {
                self.in_gap = true;
                return true;
            }
            Piece::Junk(start, end, _) => {
                self.in_gap = true;
                self.junk = self.junk.saturating_add(end.saturating_sub(start));
                return self.junk <= BRIDGED;
            }
        };
        let marker = header.kind == Kind::Cleanmarker;
        if (marker || self.in_gap) && self.end > 0 {
            self.before_run = Some(self.end);
        }
        self.in_gap = false;
        if let Some((key, sum)) = identity(rest, &header, dialect.endian)
            && let Some(before) = self.taken.insert((header.kind, key), sum)
            && before != sum
            && let Some(end) = self.before_run
        {
            self.end = end;
            return false;
        }
        self.bears |= !matches!(header.kind, Kind::Cleanmarker | Kind::Padding);
        self.blocks.learn(&header);
        // A node that the stream cuts off makes the region longer than the stream.
        self.end = header.end().max(header.next().min(length(rest)));
        self.junk = 0;
        true
    }
}
