//! Owners and groups: inodes hold places in tables of numbers.

use bytes::Bytes;

use crate::problem::Problem;
use crate::read::{Fields, cut};

use super::inode::Inode;
use super::metadata::{Metadata, Table};
use super::superblock::Superblock;

/// The tables of one image.
#[derive(Default)]
pub(super) struct Owners {
    owners: Vec<u32>,
    /// Version 4 has one table for both.
    groups: Option<Vec<u32>>,
}

impl Owners {
    /// Reads the tables, as far as they can be read, and what was wrong with the rest.
    pub(super) fn read(
        region: &Bytes,
        superblock: &Superblock,
        metadata: &mut Metadata<'_>,
    ) -> (Self, Option<Problem>) {
        let mut found = Self::default();
        let ids = superblock.ids;
        if superblock.edition.version < 4 {
            let mut list = |at, count| {
                let len = u64::from(count).saturating_mul(4);
                let bytes = cut(region, at, len).ok_or_else(|| {
                    Problem::corrupt("the owners lie behind the end of the image").at(at)
                })?;
                metadata.seen.add(at, len);
                let words = bytes.chunks_exact(4);
                let words =
                    words.filter_map(|word| Fields::new(word, superblock.edition.endian).u32(0));
                Ok(words.collect())
            };
            let mut read = || {
                found.owners = list(ids.at, ids.count)?;
                let groups = ids.groups.map(|(at, count)| list(at, count));
                found.groups = Some(groups.transpose()?.unwrap_or_default());
                Ok(())
            };
            let problem = read().err();
            return (found, problem);
        }
        let table = Table {
            index_at: ids.at,
            pointer: 8,
            entry: 4,
            count: u64::from(ids.count),
        };
        for number in 0..table.count {
            match table.entry(number, metadata) {
                Ok(bytes) => found.owners.extend(metadata.fields(&bytes).u32(0)),
                Err(problem) => return (found, Some(problem)),
            }
        }
        (found, None)
    }

    /// Whether nothing could be read.
    pub(super) fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Owner and group of an inode, where the tables hold them.
    pub(super) fn of(&self, inode: &Inode) -> (Option<u32>, Option<u32>) {
        let owner = self.owners.get(usize::from(inode.uid)).copied();
        let group = match inode.gid {
            Some(number) => {
                let groups = self.groups.as_ref().unwrap_or(&self.owners);
                groups.get(usize::from(number)).copied()
            }
            None => owner,
        };
        (owner, group)
    }
}
