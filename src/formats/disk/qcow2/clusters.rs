//! Where the clusters of a disk are.

use bytes::Bytes;

use super::header::{EXTENDED, Header};
use super::{OFFSET, entry_bits};
use crate::formats::compression::notes::Notes;
use crate::formats::disk::assemble::{Blocks, Piece};
use crate::formats::disk::packed::Packing;
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

/// An entry that means a compressed cluster.
const COMPRESSED: u64 = 1 << 62;

/// Subclusters of a cluster, where there are any.
const SUBCLUSTERS: u64 = 32;

pub(super) struct Clusters {
    region: Bytes,
    cluster_bits: u32,
    /// Whether bit 0 of an entry means zeros.
    has_zeros: bool,
    extended: bool,
    packing: Packing,
    /// Where the first-level table stands, and how many entries it has.
    l1: (u64, u64),
    /// The length of a second-level table's entry, as a power of two.
    entry_bits: u32,
    /// The second-level table at hand: which one, and where it stands (0: nowhere).
    l2: Option<(u64, u64)>,
}

impl Clusters {
    /// The clusters that the first-level table at `l1.0`, of `l1.1` entries, leads to.
    pub(super) fn new(region: Bytes, header: &Header, l1: (u64, u64)) -> Self {
        Self {
            region,
            cluster_bits: header.cluster_bits,
            has_zeros: header.version >= 3,
            extended: header.features & EXTENDED != 0,
            packing: header.packing.unwrap_or(Packing::Deflate),
            l1,
            entry_bits: entry_bits(header.features),
            l2: None,
        }
    }

    fn cluster(&self) -> u64 {
        1 << self.cluster_bits
    }

    fn word(&self, at: u64) -> Option<u64> {
        Fields::big(&self.region).u64(index(at))
    }

    /// Where the second-level table stands that covers a cluster; 0 where there is none.
    fn table(&mut self, number: u64, notes: &mut Notes) -> u64 {
        match self.l2 {
            Some((known, at)) if known == number => return at,
            _ => {}
        }
        let (l1_at, l1_len) = self.l1;
        let entry = (number < l1_len)
            .then(|| self.word(l1_at.saturating_add(number.saturating_mul(8))))
            .flatten();
        let at = entry.unwrap_or_default() & OFFSET;
        if entry.is_none() {
            let detail = "the first-level table is cut off; the disk is read as zeros there";
            notes.problem(Problem::corrupt(detail).at(l1_at));
        } else if at != 0 && at.saturating_add(self.cluster()) > length(&self.region) {
            let detail = "a second-level table lies past the end";
            notes.problem(Problem::corrupt(detail).at(at));
        }
        if at != 0 {
            notes.metadata(at, self.cluster());
        }
        self.l2 = Some((number, at));
        at
    }

    fn unpack(&self, entry: u64, notes: &mut Notes) -> Piece {
        // How many bits hold the place follows from the cluster's size.
        let bits = 70_u32.saturating_sub(self.cluster_bits);
        let place = entry & (COMPRESSED - 1);
        let at = place & (1_u64 << bits).saturating_sub(1);
        let sectors = (place >> bits).saturating_add(1);
        let most = sectors.saturating_mul(512).saturating_sub(at & 511);
        let stored = clip(&self.region, at, most);
        map::touched(length(&stored));
        match self.packing.unpack(&stored, index(self.cluster())) {
            Ok((bytes, used)) => {
                notes.content(at, u64::try_from(used).unwrap_or_default());
                Piece::Made(bytes)
            }
            Err(error) => {
                let detail = format!("a compressed cluster, read as zeros: {error}");
                notes.problem(Problem::corrupt(detail).at(at));
                Piece::hole(self.cluster())
            }
        }
    }

    /// A cluster of which some subclusters are stored and others are zeros.
    fn mixed(&self, at: u64, bitmap: u64, notes: &mut Notes) -> Piece {
        let part = self.cluster() / SUBCLUSTERS;
        let stored = bitmap & 0xffff_ffff;
        if stored == 0xffff_ffff {
            return self.stored(at);
        }
        if stored == 0 {
            return Piece::hole(self.cluster());
        }
        let mut cluster = Vec::new();
        for number in 0..SUBCLUSTERS {
            let start = number.saturating_mul(part);
            if stored >> number & 1 == 1 {
                let here = clip(&self.region, at.saturating_add(start), part);
                if length(&here) < part {
                    let detail = "a subcluster lies past the end; it is read as zeros";
                    notes.problem(Problem::corrupt(detail).at(at.saturating_add(start)));
                }
                notes.content(at.saturating_add(start), length(&here));
                cluster.extend_from_slice(&here);
            }
            cluster.resize(index(start.saturating_add(part)), 0);
        }
        Piece::Made(cluster)
    }

    fn stored(&self, at: u64) -> Piece {
        Piece::Stored {
            at,
            len: self.cluster(),
        }
    }
}

impl Blocks for Clusters {
    fn block(&mut self, number: u64, notes: &mut Notes) -> Piece {
        let bits = self.cluster_bits.saturating_sub(self.entry_bits);
        let table = self.table(number >> bits, notes);
        let slot = number & (1_u64 << bits).saturating_sub(1);
        let at = table.saturating_add(slot << self.entry_bits);
        let entry = if table == 0 { Some(0) } else { self.word(at) };
        let entry = entry.unwrap_or_default();
        if entry & COMPRESSED != 0 {
            return self.unpack(entry, notes);
        }
        let place = entry & OFFSET;
        if place == 0 || (!self.extended && self.has_zeros && entry & 1 == 1) {
            return Piece::hole(self.cluster());
        }
        if self.extended {
            let bitmap = self.word(at.saturating_add(8)).unwrap_or_default();
            return self.mixed(place, bitmap, notes);
        }
        self.stored(place)
    }
}
