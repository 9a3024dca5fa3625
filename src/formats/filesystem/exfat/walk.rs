//! From the root down: directories, the sets of records in them, and the clusters these lead to.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::boot::Boot;
use super::names::{UpperCase, checksum};
use super::record::{FileRecord, Item, RECORD, Reader, Set, Special};
use crate::entry::{Entry, EntryPath, File, Meta, Node};
use crate::formats::Role;
use crate::formats::filesystem::clusters::{
    Chain, Claims, Clusters, Ended, Survey, survey, survey_run,
};
use crate::formats::filesystem::dos;
use crate::formats::filesystem::harvest::Harvest;
use crate::problem::Problem;
use crate::read::{index, length};

/// The longest directory (bytes).
const LONGEST: u64 = 256 << 20;
/// What the table of upper case counts as among the volume's own structures; bitmaps are 0 and 1.
const UPPER: u8 = 2;
/// The longest table of upper case (bytes): one unit for each of 65536.
const LONGEST_TABLE: u64 = 128 << 10;

/// A walk over the tree.
pub(super) struct Walk<'a, 'b> {
    pub(super) boot: &'a Boot,
    pub(super) clusters: Arc<Clusters>,
    pub(super) claims: Claims,
    pub(super) harvest: &'a mut Harvest<'b>,
    /// The bitmap of used clusters, as far as it could be read.
    pub(super) bitmap: Option<Vec<u8>>,
    /// The deleted files and directories that were seen.
    pub(super) deleted: Vec<(EntryPath, FileRecord)>,
    upper: Option<UpperCase>,
    /// The volume's own structures that were met: bitmaps by their number, and the table of upper case.
    met: BTreeSet<u8>,
    /// The directories still to be read, the next one last.
    pending: Vec<(EntryPath, Survey)>,
}

impl<'a, 'b> Walk<'a, 'b> {
    /// A walk that has not begun.
    pub(super) fn new(
        boot: &'a Boot,
        clusters: Arc<Clusters>,
        harvest: &'a mut Harvest<'b>,
    ) -> Self {
        Self {
            boot,
            claims: Claims::new(&clusters),
            clusters,
            harvest,
            bitmap: None,
            deleted: Vec::new(),
            upper: None,
            met: BTreeSet::new(),
            pending: Vec::new(),
        }
    }

    /// Reads the whole tree.
    pub(super) fn run(&mut self) {
        let root = EntryPath::root();
        let found = self.chain(self.boot.root, &root);
        // The names of files can be checked once the table of upper case is known.
        let is_single = |item: &Item| matches!(item, Item::Single(..));
        self.directory(&found, &root, is_single);
        if self.bitmap.is_none() {
            let detail = "no bitmap of used clusters was found";
            self.harvest.tell(Problem::corrupt(detail));
        }
        if self.upper.is_none() {
            let detail = "no table of upper case was found; the hashes of names are not verified";
            self.harvest.tell(Problem::corrupt(detail));
        }
        self.directory(&found, &root, |item| !is_single(item));
        while let Some((path, found)) = self.pending.pop() {
            if self.harvest.was_stopped() {
                break;
            }
            let before = self.pending.len();
            self.directory(&found, &path, |_| true);
            // The stack hands out the last first; directories are read in the order they stand.
            if let Some(new) = self.pending.get_mut(before..) {
                new.reverse();
            }
        }
    }

    /// Takes in what is wanted of a directory.
    fn directory(&mut self, found: &Survey, path: &EntryPath, wanted: impl Fn(&Item) -> bool) {
        let most = self.clusters.needed(LONGEST);
        if found.count > most {
            let detail = format!(
                "a directory of {} clusters, of which {most} are read",
                found.count
            );
            self.harvest.tell(Problem::limit(detail).about(path));
        }
        let (mut reader, mut items) = (Reader::default(), Vec::new());
        for cluster in found.clusters().take(index(most)) {
            let bytes = self.clusters.bytes(cluster);
            reader.take(&bytes, self.clusters.at(cluster), &mut items);
            for item in items.drain(..).filter(&wanted) {
                self.item(path, item);
            }
            if self.harvest.was_stopped() {
                return;
            }
        }
        reader.end(&mut items);
        for item in items.into_iter().filter(wanted) {
            self.item(path, item);
        }
    }

    /// Takes in what stands in a deleted directory.
    pub(super) fn deleted_directory(&mut self, found: &Survey, path: &EntryPath) {
        let (mut reader, mut items) = (Reader::default(), Vec::new());
        for cluster in found.clusters() {
            let bytes = self.clusters.bytes(cluster);
            reader.take(&bytes, self.clusters.at(cluster), &mut items);
            for item in items.drain(..) {
                match item {
                    Item::Set(set) if set.sound => self.deleted(path, set),
                    _ => {}
                }
            }
        }
    }

    /// Claims a chain that the table links, and names what the table says of it.
    fn chain(&mut self, first: u32, path: &EntryPath) -> Survey {
        let found = survey(&self.clusters, &mut self.claims, first);
        for &(cluster, count) in &found.runs {
            let at = u64::from(cluster).saturating_mul(4);
            let at = self.clusters.table_at.saturating_add(at);
            self.harvest
                .account
                .metadata(at, u64::from(count).saturating_mul(4));
        }
        self.tell_chain(&found, path);
        found
    }

    fn tell_chain(&mut self, found: &Survey, path: &EntryPath) {
        if let Some(problem) = found.problem(&self.claims) {
            self.harvest.tell(problem.about(path));
        }
    }

    fn item(&mut self, path: &EntryPath, item: Item) {
        match item {
            Item::Set(set) if set.deleted => self.deleted(path, set),
            Item::Set(set) => self.entry(path, &set),
            Item::Single(at, record) => self.special(path, at, &record),
            Item::Stray(at) => {
                let detail = "a record that belongs to no complete set";
                self.harvest
                    .tell(Problem::corrupt(detail).at(at).about(path));
            }
        }
    }

    /// Names the bytes of a set.
    fn explain(&mut self, set: &Set) {
        for &at in &set.records {
            self.harvest.account.metadata(at, RECORD);
        }
    }

    /// Remembers what was deleted from a directory.
    pub(super) fn deleted(&mut self, parent: &EntryPath, set: Set) {
        self.explain(&set);
        let path = parent.join(&set.file.shown());
        if self.harvest.has_room(length(path.as_bytes())) {
            self.deleted.push((path, set.file));
        }
    }

    fn special(&mut self, path: &EntryPath, at: u64, record: &[u8; 32]) {
        self.harvest.account.metadata(at, RECORD);
        let special = Special::parse(record);
        let own = match special {
            Some(Special::Bitmap(number, ..)) => Some(number),
            Some(Special::UpperCase(..)) => Some(UPPER),
            _ => None,
        };
        if let Some(own) = own
            && (*path != EntryPath::root() || !self.met.insert(own))
        {
            let detail = "a second bitmap or table of upper case, which no reader looks at";
            let problem = Problem::corrupt(detail).at(at);
            return self.harvest.tell(problem.about(path));
        }
        match special {
            Some(Special::Bitmap(number, cluster, size)) => {
                let wanted = u64::from(self.boot.count).div_ceil(8);
                let present = u64::from(self.clusters.present()).div_ceil(8);
                let what = "bitmap of used clusters";
                let bitmap = self.metadata(cluster, size, wanted, present, what);
                if u64::from(number) == self.boot.active() {
                    self.bitmap = bitmap.or(self.bitmap.take());
                }
            }
            Some(Special::UpperCase(sum, cluster, size)) => {
                let what = "table of upper case";
                let table = self.metadata(cluster, size, 2, size, what);
                let table = table.unwrap_or_default();
                if checksum(&table) != sum {
                    let detail = "the checksum of the table of upper case does not hold";
                    self.harvest.tell(Problem::checksum(detail).at(at));
                }
                self.upper = Some(UpperCase::parse(&table));
            }
            Some(Special::Label(label)) => self.harvest.properties.set("label", label),
            Some(Special::Unknown(true)) => {
                let detail = "a record of a kind that is not known, which must be understood";
                self.harvest
                    .tell(Problem::unsupported(detail).at(at).about(path));
            }
            _ => {}
        }
    }

    /// The first `read` bytes of one of the volume's own structures, which should have `wanted` bytes at least.
    fn metadata(
        &mut self,
        cluster: u32,
        size: u64,
        wanted: u64,
        read: u64,
        what: &str,
    ) -> Option<Vec<u8>> {
        let found = self.chain(cluster, &EntryPath::root());
        for (at, len) in found.pieces(&self.clusters, read.min(size)) {
            self.harvest.account.metadata(at, len);
        }
        let there = found.count.saturating_mul(self.clusters.cluster_len);
        if size < wanted || size > there || size > wanted.max(LONGEST_TABLE) {
            let detail = format!("the {what} has {size} bytes");
            self.harvest.tell(Problem::corrupt(detail));
            return None;
        }
        let mut bytes = Vec::new();
        for (at, len) in found.pieces(&self.clusters, read.min(size)) {
            let end = index(at.saturating_add(len));
            bytes.extend_from_slice(self.clusters.region.get(index(at)..end)?);
        }
        Some(bytes)
    }

    /// Makes an entry of a set.
    fn entry(&mut self, parent: &EntryPath, set: &Set) {
        self.explain(set);
        let record = &set.file;
        let path = self.harvest.path(parent, &record.shown());
        let at = set.records.first().copied().unwrap_or_default();
        if !set.sound {
            let detail = "the checksum of the set of records does not hold";
            self.harvest
                .tell(Problem::checksum(detail).at(at).about(&path));
        } else if self
            .upper
            .as_ref()
            .is_some_and(|upper| upper.hash(&record.name) != record.hash)
        {
            let detail = "the hash of the name is not that of the name";
            self.harvest
                .tell(Problem::checksum(detail).at(at).about(&path));
        }
        let node = if record.is_dir() {
            let found = self.clusters_of(record, &path);
            self.pending.push((path.clone(), found));
            Node::Dir
        } else {
            Node::File(self.file(record, &path))
        };
        self.harvest.add(Entry {
            path,
            node,
            meta: Meta {
                mtime: record.mtime,
                xattrs: dos::attributes(record.attributes.into()),
                ..Meta::default()
            },
        });
    }

    /// Claims the clusters of a file or a directory, and tells where they do not fit its size.
    fn clusters_of(&mut self, record: &FileRecord, path: &EntryPath) -> Survey {
        if record.contiguous || record.size == 0 && record.cluster == 0 {
            let (first, size) = (record.cluster, record.size);
            let found = survey_run(&self.clusters, &mut self.claims, first, size);
            self.tell_chain(&found, path);
            return found;
        }
        let found = self.chain(record.cluster, path);
        let needed = self.clusters.needed(record.size);
        if found.ended == Ended::Whole && found.count != needed {
            let detail = format!(
                "{} clusters belong to it, and its size needs {needed}",
                found.count
            );
            self.harvest.tell(Problem::corrupt(detail).about(path));
        }
        found
    }

    fn file(&mut self, record: &FileRecord, path: &EntryPath) -> File {
        let found = self.clusters_of(record, path);
        if record.valid > record.size {
            let detail = format!(
                "{} of {} bytes are said to be written",
                record.valid, record.size
            );
            self.harvest.tell(Problem::corrupt(detail).about(path));
        }
        let stored = record.valid.min(record.size);
        for (at, len) in found.pieces(&self.clusters, stored) {
            self.harvest.account.name(at, len, Role::Content);
        }
        if record.size == 0 {
            return File::stored(Bytes::new());
        }
        let chain = Chain {
            clusters: Arc::clone(&self.clusters),
            first: record.cluster,
            linked: !record.contiguous,
            stored,
            size: record.size,
        };
        chain.into_file(&found)
    }
}
