//! From node to node through a region, over erased flash and over what is neither.

use bytes::Bytes;

use super::node::{Dialect, Header, Kind};
use crate::read::{Fields, index, length};

/// One stretch of a region. All of them together tile it, but for the bytes that pad a node to 4.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    /// A node whose header holds.
    Node(Header),
    /// Erased flash: 0xFF throughout. Start and end in bytes from the region's start.
    Erased(u64, u64),
    /// Anything else; `true` where it starts with a node header that does not hold.
    Junk(u64, u64, bool),
}

/// The pieces of a region, in order.
pub(super) struct Walk<'a> {
    image: &'a Bytes,
    dialect: Dialect,
    at: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(image: &'a Bytes, dialect: Dialect) -> Self {
        Self {
            image,
            dialect,
            at: 0,
        }
    }

    /// Whether `at` holds the magic and a known type, whatever the checksum says.
    fn looks_like_node(&self, at: u64) -> bool {
        let fields = Fields::new(
            self.image.get(index(at)..).unwrap_or_default(),
            self.dialect.endian,
        );
        fields.u16(0) == Some(self.dialect.magic)
            && fields
                .u16(2)
                .is_some_and(|kind| !matches!(Kind::of(kind), Kind::Unknown(..)))
    }

    fn junk(&self, start: u64) -> Piece {
        let headed = self.looks_like_node(start);
        let end = length(self.image);
        let mut at = start.saturating_add(4);
        while at < end {
            let word = self.image.get(index(at)..index(at.saturating_add(4)));
            if word == Some(&[0xff; 4])
                || self.looks_like_node(at)
                || Header::read(self.image, at, self.dialect).is_some()
            {
                break;
            }
            at = at.saturating_add(4);
        }
        Piece::Junk(start, at.min(end), headed)
    }
}

impl Iterator for Walk<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let left = self
            .image
            .get(index(self.at)..)
            .filter(|left| !left.is_empty())?;
        if let Some(header) = Header::read(self.image, self.at, self.dialect) {
            self.at = header.next();
            return Some(Piece::Node(header));
        }
        let start = self.at;
        let run = left
            .iter()
            .position(|&byte| byte != 0xff)
            .unwrap_or(left.len());
        let piece = if run == left.len() {
            Piece::Erased(start, length(self.image))
        } else if run >= 4 {
            let run = u64::try_from(run & !3).unwrap_or(u64::MAX);
            Piece::Erased(start, start.saturating_add(run))
        } else {
            self.junk(start)
        };
        self.at = match piece {
            Piece::Erased(_, end) | Piece::Junk(_, end, _) => end,
            Piece::Node(header) => header.next(),
        };
        Some(piece)
    }
}

/// The erase blocks of a region, as far as its nodes betray them: no node crosses the border of a block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blocks {
    /// Where a block starts, in bytes from the region's start.
    phase: u64,
    marked: bool,
    /// The bits in which the first and last byte of any node differ.
    crossed: u64,
}

/// The smallest and the largest erase block that is believed, in bytes.
const SMALLEST: u64 = 4 << 10;
const LARGEST: u64 = 4 << 20;

impl Blocks {
    /// Learns from one node.
    pub(super) fn learn(&mut self, header: &Header) {
        if header.kind == Kind::Cleanmarker && !self.marked {
            *self = Self {
                phase: header.at,
                marked: true,
                crossed: 0,
            };
        }
        let first = header.at.saturating_sub(self.phase);
        let last = header.end().saturating_sub(1).saturating_sub(self.phase);
        self.crossed |= first ^ last;
    }

    /// The size of an erase block in bytes: the smallest power of two whose borders no node crosses.
    pub(super) fn size(&self) -> Option<u64> {
        let free = u64::BITS.saturating_sub(self.crossed.leading_zeros());
        let size = 1_u64.checked_shl(free)?.max(SMALLEST);
        (size <= LARGEST).then_some(size)
    }

    /// Where the block that holds `at` starts.
    pub(super) fn start(&self, at: u64) -> Option<u64> {
        let into = at.checked_sub(self.phase)?.checked_rem(self.size()?)?;
        at.checked_sub(into)
    }
}
