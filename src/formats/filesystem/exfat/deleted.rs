//! The bitmap of used clusters against what the tree reaches; and deleted files, whose records stay until they are used again.

use std::cmp::Reverse;
use std::sync::Arc;

use bytes::Bytes;

use super::record::FileRecord;
use super::walk::Walk;
use crate::entry::{File, Superseded};
use crate::formats::filesystem::clusters::{Chain, Ended, FIRST, Link, Survey};
use crate::formats::stored::Damaged;
use crate::problem::Problem;

const RUN: &str = "deleted; its clusters are free, and its record says that they lie in one piece";
const CHAIN: &str = "deleted; its clusters are free, and their chain is still there";
const LOST: &str =
    "deleted; its clusters or their chain were used again, so that its content is lost";

impl Walk<'_, '_> {
    /// Whether the bitmap says that a cluster is in use.
    fn is_used(&self, cluster: u32) -> Option<bool> {
        let number = cluster.checked_sub(FIRST)?;
        let byte = usize::try_from(number / 8).ok()?;
        let byte = self.bitmap.as_ref()?.get(byte)?;
        Some(byte >> (number % 8) & 1 != 0)
    }

    /// Compares the bitmap with the clusters that the walk reached.
    pub(super) fn compare_bitmap(&mut self) {
        let (mut free, mut lost, mut unmarked) = (0_u32, (0_u32, None), (0_u32, None));
        for number in 0..self.clusters.present() {
            let cluster = number.saturating_add(FIRST);
            let odd = match (self.is_used(cluster), self.claims.has(cluster)) {
                (Some(true), false) => &mut lost,
                (Some(false), true) => &mut unmarked,
                (Some(false), false) => {
                    free = free.saturating_add(1);
                    continue;
                }
                _ => continue,
            };
            odd.0 = odd.0.saturating_add(1);
            odd.1 = odd.1.or(Some(cluster));
        }
        self.harvest
            .properties
            .set("free-clusters", free.to_string());
        let kinds = [
            (lost, "are marked as used and belong to no file"),
            (unmarked, "are marked as free and belong to a file"),
        ];
        for ((count, first), what) in kinds {
            if let Some(first) = first {
                let detail = format!("{count} clusters {what}, the first is {first}");
                let at = self.clusters.at(first);
                self.harvest.tell(Problem::corrupt(detail).at(at));
            }
        }
    }

    /// Tells of all deleted files, those in deleted directories too.
    pub(super) fn tell_deleted(&mut self) {
        let mut files = Vec::new();
        while let Some((path, record)) = self.deleted.pop() {
            if !record.is_dir() {
                files.push((path, record));
                continue;
            }
            if let Some(found) = self.free_clusters(&record) {
                self.deleted_directory(&found, &path);
            }
        }
        self.harvest
            .properties
            .set("deleted-files", files.len().to_string());
        // Of two deleted files in the same clusters, the later one was written over the other.
        files.sort_by_key(|(path, record)| (Reverse(record.mtime), path.clone()));
        for (path, record) in files {
            let content = self.free_content(&record);
            let why = match &content {
                Some(_) if record.contiguous || record.size == 0 => RUN,
                Some(_) => CHAIN,
                None => LOST,
            };
            let lost = || File {
                size: record.size,
                data: Arc::new(Damaged {
                    bytes: Bytes::new(),
                    problem: Problem::corrupt(LOST),
                }),
            };
            self.harvest.push_older(Superseded {
                path,
                mtime: record.mtime,
                why,
                file: content.unwrap_or_else(lost),
            });
        }
    }

    /// The clusters of something deleted, where all of them are free and none belongs to what was deleted later.
    fn free_clusters(&mut self, record: &FileRecord) -> Option<Survey> {
        let needed = self.clusters.needed(record.size);
        let mut found = Survey {
            runs: Vec::new(),
            count: 0,
            ended: Ended::Whole,
        };
        let mut next = Some(record.cluster);
        while let Some(cluster) = next.filter(|_| found.count < needed) {
            // What is only partly there has its clusters all the same: something older in them was overwritten by it.
            if self.is_used(cluster) != Some(false) || !self.claims.take(cluster) {
                return None;
            }
            found.add(cluster);
            next = match self.clusters.link(cluster) {
                _ if record.contiguous => cluster.checked_add(1),
                Link::Next(next) => Some(next),
                _ => None,
            };
        }
        (found.count == needed && needed > 0).then_some(found)
    }

    fn free_content(&mut self, record: &FileRecord) -> Option<File> {
        if record.size == 0 {
            return Some(File::stored(Bytes::new()));
        }
        let found = self.free_clusters(record)?;
        let chain = Chain {
            clusters: Arc::clone(&self.clusters),
            first: record.cluster,
            linked: !record.contiguous,
            stored: record.valid.min(record.size),
            size: record.size,
        };
        Some(chain.into_file(&found))
    }
}
