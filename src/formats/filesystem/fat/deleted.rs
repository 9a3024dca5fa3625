//! Deleted files: what their entries still say, and their content where nothing has been written over it.
//!
//! A deleted entry keeps its first cluster and its size; the chain between them is gone. A file is taken to lie in one piece, as
//! most do on a volume that is not full, and only where all its clusters are free.

use std::cmp::Reverse;

use super::directory::{Directory, starts_with_dots};
use super::record::Short;
use super::walk::Walk;
use crate::entry::{EntryPath, File, Superseded};
use crate::formats::filesystem::clusters::{FIRST, Link};
use crate::formats::stored::Damaged;
use crate::problem::Problem;
use crate::read::cut;

const WHOLE: &str = "deleted; its clusters are free, and its content is taken to lie in one piece";
const LOST: &str = "deleted; its clusters were used again, so that its content is lost";

impl Walk<'_, '_> {
    /// Tells of all deleted files, those in deleted directories too.
    pub(super) fn tell_deleted(&mut self) {
        let mut files = Vec::new();
        while let Some((path, short)) = self.deleted.pop() {
            if short.is_dir() {
                self.deleted_directory(&path, &short);
            } else {
                files.push((path, short));
            }
        }
        let count = files.len().to_string();
        self.harvest.properties.set("deleted-files", count);
        // Of two deleted files in the same clusters, the later one was written over the other.
        files.sort_by_key(|(path, short)| (Reverse(short.mtime), path.clone()));
        for (path, short) in files {
            let content = self.free_content(&short);
            let why = if content.is_some() { WHOLE } else { LOST };
            let older = Superseded {
                path,
                mtime: short.mtime,
                why,
                file: content.unwrap_or_else(|| lost(&short)),
            };
            self.harvest.push_older(older);
        }
    }

    /// Reads what is left of a deleted directory: its first cluster, where that is free and still says it is one.
    fn deleted_directory(&mut self, path: &EntryPath, short: &Short) {
        let cluster = short.cluster;
        let bytes = self.clusters.bytes(cluster);
        let wide = self.boot.wide.is_some();
        let is_left = self.clusters.exists(cluster)
            && self.clusters.link(cluster) == Link::Free
            && starts_with_dots(&bytes, wide);
        if !is_left || !self.claims.take(cluster) {
            return;
        }
        let mut directory = Directory::default();
        directory.take(&bytes, self.clusters.at(cluster), wide);
        directory.end();
        for name in directory.names {
            if name.short.is_dots() {
                self.explain(&name);
            } else {
                self.deleted(path, name);
            }
        }
    }

    /// The content of a deleted file, where all its clusters are free and none belongs to a later one.
    fn free_content(&mut self, short: &Short) -> Option<File> {
        if short.size == 0 {
            return Some(File::stored(bytes::Bytes::new()));
        }
        let size = u64::from(short.size);
        let first = short.cluster.checked_sub(FIRST)?;
        let needed = u32::try_from(self.clusters.needed(size)).ok()?;
        let end = first
            .checked_add(needed)
            .filter(|end| *end <= self.clusters.count)?;
        let bytes = cut(&self.clusters.region, self.clusters.at(short.cluster), size)?;
        let mut all = (first..end).filter_map(|number| number.checked_add(FIRST));
        // A file that is only partly there has its clusters all the same: an older one in them was overwritten by it.
        all.all(|cluster| self.clusters.link(cluster) == Link::Free && self.claims.take(cluster))
            .then(|| File::stored(bytes))
    }
}

fn lost(short: &Short) -> File {
    File {
        size: u64::from(short.size),
        data: std::sync::Arc::new(Damaged {
            bytes: bytes::Bytes::new(),
            problem: Problem::corrupt(LOST),
        }),
    }
}
