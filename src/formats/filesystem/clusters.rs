//! Clusters and the table that links them, as FAT and exFAT have them.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;

use crate::entry::{Data, Fault, File};
use crate::formats::stored::zeros;
use crate::image::map;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length};

/// The number of the first cluster.
pub(super) const FIRST: u32 = 2;
/// A run is written in pieces of about so many bytes.
const PIECE: u64 = 1 << 20;

/// How many bits an entry of the table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// FAT12.
    Twelve,
    /// FAT16.
    Sixteen,
    /// FAT32: the highest four of 32 bits mean nothing.
    TwentyEight,
    /// exFAT.
    ThirtyTwo,
}

/// What the table says of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// It is free.
    Free,
    /// That one follows.
    Next(u32),
    /// It must not be used.
    Bad,
    /// It is the last of its chain.
    End,
    /// A value that means nothing, or a cluster that does not exist.
    Wrong,
}

/// Where the clusters of a file system and its table are.
pub(super) struct Clusters {
    /// The file system's bytes, which may end before it does.
    pub(super) region: Bytes,
    /// Where the table in use starts (bytes from the region's start).
    pub(super) table_at: u64,
    /// The size of the table's entries.
    pub(super) width: Width,
    /// Where the first cluster starts (bytes from the region's start).
    pub(super) heap_at: u64,
    /// The length of a cluster in bytes; not 0.
    pub(super) cluster_len: u64,
    /// How many clusters there are.
    pub(super) count: u32,
}

impl Width {
    /// The bytes that the first `entries` entries of a table take.
    pub(super) fn bytes(self, entries: u64) -> u64 {
        match self {
            Self::Twelve => entries.saturating_mul(3).div_ceil(2),
            Self::Sixteen => entries.saturating_mul(2),
            Self::TwentyEight | Self::ThirtyTwo => entries.saturating_mul(4),
        }
    }

    /// The entry `number` of `table`.
    pub(super) fn entry(self, table: &[u8], number: u32) -> Option<u32> {
        let fields = Fields::little(table);
        let number = usize::try_from(number).ok()?;
        Some(match self {
            Self::Twelve => {
                let pair = fields.u16(number.checked_mul(3)? / 2)?;
                u32::from(if number % 2 == 0 {
                    pair & 0xfff
                } else {
                    pair >> 4
                })
            }
            Self::Sixteen => u32::from(fields.u16(number.checked_mul(2)?)?),
            Self::TwentyEight => fields.u32(number.checked_mul(4)?)? & 0x0fff_ffff,
            Self::ThirtyTwo => fields.u32(number.checked_mul(4)?)?,
        })
    }

    /// The largest value of an entry: all its bits are set.
    pub(super) fn ones(self) -> u32 {
        match self {
            Self::Twelve => 0xfff,
            Self::Sixteen => 0xffff,
            Self::TwentyEight => 0x0fff_ffff,
            Self::ThirtyTwo => u32::MAX,
        }
    }
}

impl Clusters {
    /// Whether there is such a cluster.
    pub(super) fn exists(&self, cluster: u32) -> bool {
        cluster
            .checked_sub(FIRST)
            .is_some_and(|number| number < self.count)
    }

    /// Where a cluster starts, in bytes from the region's start.
    pub(super) fn at(&self, cluster: u32) -> u64 {
        let number = u64::from(cluster.saturating_sub(FIRST));
        self.heap_at
            .saturating_add(number.saturating_mul(self.cluster_len))
    }

    /// The bytes of a cluster, as many as are there.
    pub(super) fn bytes(&self, cluster: u32) -> Bytes {
        clip(&self.region, self.at(cluster), self.cluster_len)
    }

    /// What the table says of a cluster.
    pub(super) fn link(&self, cluster: u32) -> Link {
        let table = self.region.get(index(self.table_at)..).unwrap_or_default();
        let Some(value) = self.width.entry(table, cluster) else {
            return Link::Wrong;
        };
        let (end, bad) = (self.width.ones() & !7, self.width.ones() & !8);
        match value {
            0 => Link::Free,
            next if self.exists(next) => Link::Next(next),
            value if value >= end => Link::End,
            value if value == bad => Link::Bad,
            _ => Link::Wrong,
        }
    }

    /// How many clusters `bytes` bytes take.
    pub(super) fn needed(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.cluster_len.max(1))
    }

    /// How many clusters lie inside the region, at least in part. Not more than these are ever looked at.
    pub(super) fn present(&self) -> u32 {
        let bytes = length(&self.region).saturating_sub(self.heap_at);
        u32::try_from(self.needed(bytes))
            .unwrap_or(u32::MAX)
            .min(self.count)
    }
}

/// Which clusters are spoken for, a bit each.
pub(super) struct Claims {
    bits: Vec<u64>,
    /// How many clusters there are bits for.
    count: u32,
}

impl Claims {
    /// None of the clusters.
    pub(super) fn new(clusters: &Clusters) -> Self {
        let count = clusters.present();
        let words = u64::from(count).div_ceil(64);
        Self {
            bits: vec![0; index(words)],
            count,
        }
    }

    /// Claims a cluster; `false` where it was claimed before or lies behind the region's end.
    pub(super) fn take(&mut self, cluster: u32) -> bool {
        let number = cluster.saturating_sub(FIRST);
        let (word, bit) = (index(u64::from(number / 64)), 1_u64 << (number % 64));
        match self.bits.get_mut(word).filter(|_| number < self.count) {
            Some(word) => {
                let new = *word & bit == 0;
                *word |= bit;
                new
            }
            None => false,
        }
    }

    /// Whether a cluster was claimed.
    pub(super) fn has(&self, cluster: u32) -> bool {
        let number = cluster.saturating_sub(FIRST);
        let word = self.bits.get(index(u64::from(number / 64)));
        word.is_some_and(|word| word >> (number % 64) & 1 != 0)
    }
}

/// How a chain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// As it should.
    Whole,
    /// At a cluster that somebody else's chain or this one itself has already, or that is not in the image.
    Taken(u32),
    /// The table calls this cluster free, bad, or says nothing that makes sense.
    Broken(u32),
}

/// What a first walk along a chain found.
pub(super) struct Survey {
    /// Its clusters that nobody had claimed, as runs of a first cluster and how many follow one another.
    pub(super) runs: Vec<(u32, u32)>,
    /// How many clusters these are.
    pub(super) count: u64,
    /// How it ended.
    pub(super) ended: Ended,
}

/// Walks a chain for the first time, and claims its clusters.
pub(super) fn survey(clusters: &Clusters, claims: &mut Claims, first: u32) -> Survey {
    let mut found = Survey {
        runs: Vec::new(),
        count: 0,
        ended: Ended::Broken(first),
    };
    let mut cluster = first;
    while clusters.exists(cluster) {
        if !claims.take(cluster) {
            found.ended = Ended::Taken(cluster);
            break;
        }
        found.add(cluster);
        match clusters.link(cluster) {
            Link::Next(next) => cluster = next,
            link => {
                let whole = link == Link::End;
                found.ended = if whole {
                    Ended::Whole
                } else {
                    Ended::Broken(cluster)
                };
                break;
            }
        }
    }
    found
}

/// Claims the clusters of `size` bytes that follow one another.
pub(super) fn survey_run(
    clusters: &Clusters,
    claims: &mut Claims,
    first: u32,
    size: u64,
) -> Survey {
    let mut found = Survey {
        runs: Vec::new(),
        count: 0,
        ended: Ended::Whole,
    };
    let mut cluster = first;
    while found.count < clusters.needed(size) {
        if !clusters.exists(cluster) {
            found.ended = Ended::Broken(cluster);
            break;
        }
        if !claims.take(cluster) {
            found.ended = Ended::Taken(cluster);
            break;
        }
        found.add(cluster);
        cluster = cluster.saturating_add(1);
    }
    found
}

impl Survey {
    /// What is wrong with how the chain ended.
    pub(super) fn problem(&self, claims: &Claims) -> Option<Problem> {
        Some(Problem::corrupt(match self.ended {
            Ended::Whole => return None,
            Ended::Taken(cluster) if claims.has(cluster) => format!(
                "the chain leads to cluster {cluster}, which belongs to another one or to itself already"
            ),
            Ended::Taken(cluster) => format!("cluster {cluster} of the chain is not in the image"),
            Ended::Broken(cluster) => format!("the chain is broken at cluster {cluster}"),
        }))
    }

    /// Adds a cluster at the end.
    pub(super) fn add(&mut self, cluster: u32) {
        self.count = self.count.saturating_add(1);
        match self.runs.last_mut() {
            Some((first, count)) if first.checked_add(*count) == Some(cluster) => {
                *count = count.saturating_add(1);
            }
            _ => self.runs.push((cluster, 1)),
        }
    }

    /// Where the content lies in bytes of the region, piece by piece, as far as `size` bytes reach.
    pub(super) fn pieces(&self, clusters: &Clusters, size: u64) -> Vec<(u64, u64)> {
        let mut left = size;
        let mut pieces = Vec::new();
        for &(first, count) in &self.runs {
            let len = u64::from(count)
                .saturating_mul(clusters.cluster_len)
                .min(left);
            if len > 0 {
                pieces.push((clusters.at(first), len));
            }
            left = left.saturating_sub(len);
        }
        pieces
    }

    /// Every cluster.
    pub(super) fn clusters(&self) -> impl Iterator<Item = u32> {
        let runs = self.runs.iter();
        runs.flat_map(|&(first, count)| first..first.saturating_add(count))
    }
}

/// The content of a chain, read when it is wanted.
pub(super) struct Chain {
    /// Where its clusters are.
    pub(super) clusters: Arc<Clusters>,
    /// Its first cluster.
    pub(super) first: u32,
    /// Whether the table links its clusters; else they follow one another.
    pub(super) linked: bool,
    /// So many bytes are stored; those behind them are zeros.
    pub(super) stored: u64,
    /// The size in bytes.
    pub(super) size: u64,
}

impl Chain {
    /// A file with this content, as one piece where `survey` found it so.
    pub(super) fn into_file(self, survey: &Survey) -> File {
        if let [(at, len)] = survey.pieces(&self.clusters, self.size)[..]
            && len == self.size
            && self.stored == self.size
            && let Some(bytes) = cut(&self.clusters.region, at, len)
        {
            return File::stored(bytes);
        }
        File {
            size: self.size,
            data: Arc::new(self),
        }
    }

    /// The run that starts with `cluster`, of about a piece at most: its length in bytes, and what follows it.
    fn run(&self, cluster: u32, left: u64) -> (u64, Link) {
        let mut len = self.clusters.cluster_len;
        let mut last = cluster;
        loop {
            let link = if self.linked {
                self.clusters.link(last)
            } else {
                Link::Next(last.saturating_add(1))
            };
            let follows = link == Link::Next(last.saturating_add(1));
            if !follows || len >= left || len >= PIECE {
                return (len.min(left), link);
            }
            last = last.saturating_add(1);
            len = len.saturating_add(self.clusters.cluster_len);
        }
    }
}

impl Data for Chain {
    fn copy_to(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let mut left = self.stored.min(self.size);
        let mut link = Link::Next(self.first);
        while left > 0 {
            let cluster = match link {
                Link::Next(cluster) if self.clusters.exists(cluster) => cluster,
                _ => return Err(self.short(left)),
            };
            let len;
            (len, link) = self.run(cluster, left);
            map::visited();
            let bytes = clip(&self.clusters.region, self.clusters.at(cluster), len);
            out.write_all(&bytes)?;
            left = left.saturating_sub(length(&bytes));
            if length(&bytes) < len {
                return Err(self.short(left));
            }
        }
        zeros(out, self.size.saturating_sub(self.stored))
    }
}

impl Chain {
    fn short(&self, left: u64) -> Fault {
        let found = self.stored.saturating_sub(left);
        let size = self.size;
        Problem::corrupt(format!(
            "the chain of clusters ends after {found} of {size} bytes"
        ))
        .into()
    }
}
