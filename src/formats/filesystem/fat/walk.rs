//! From the root down: directories, their entries, and the chains of clusters these lead to.

use std::sync::Arc;

use super::super::clusters::{Chain, Claims, Clusters, Ended, Survey, survey};
use super::super::dos;
use super::super::harvest::Harvest;
use super::boot::{Boot, RECORD};
use super::directory::{Directory, Name, starts_with_dots};
use super::record::Short;
use crate::entry::{Entry, EntryPath, File, Meta, Node};
use crate::formats::Role;
use crate::problem::Problem;
use crate::read::{clip, index, length};

/// The longest directory: 65536 entries (bytes).
const LONGEST: u64 = RECORD << 16;

/// A walk over the tree.
pub(super) struct Walk<'a, 'b> {
    pub(super) boot: &'a Boot,
    pub(super) clusters: Arc<Clusters>,
    pub(super) claims: Claims,
    pub(super) harvest: &'a mut Harvest<'b>,
    /// The directories still to be read, the next one last.
    pending: Vec<Pending>,
    /// The deleted entries that make sense, with their paths.
    pub(super) deleted: Vec<(EntryPath, Short)>,
}

/// A directory that is still to be read.
struct Pending {
    path: EntryPath,
    survey: Survey,
    /// Its first cluster, and that of the directory above it as `..` should state it.
    own: u32,
    above: u32,
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
            pending: Vec::new(),
            deleted: Vec::new(),
        }
    }

    /// Reads the whole tree.
    pub(super) fn run(&mut self) {
        let root = EntryPath::root();
        let mut directory = Directory::default();
        let mut clusters = 0;
        if let Some(wide) = &self.boot.wide {
            let found = survey(&self.clusters, &mut self.claims, wide.root);
            self.tell_chain(&found, &root);
            self.take(&mut directory, &found);
            clusters = found.count;
        } else {
            let len = self.boot.heap_at().saturating_sub(self.boot.root_at());
            let bytes = clip(&self.clusters.region, self.boot.root_at(), len);
            directory.take(&bytes, self.boot.root_at(), false);
        }
        self.directory(&root, directory, clusters, 0);
        while let Some(next) = self.pending.pop() {
            if self.harvest.was_stopped() {
                break;
            }
            let before = self.pending.len();
            self.subdirectory(&next);
            // The stack hands out the last first; directories are read in the order they stand.
            if let Some(new) = self.pending.get_mut(before..) {
                new.reverse();
            }
        }
    }

    /// Takes in the clusters of a directory; nothing is read behind the longest that a system makes.
    fn take(&self, directory: &mut Directory, survey: &Survey) {
        let most = index(self.clusters.needed(LONGEST));
        for cluster in survey.clusters().take(most) {
            let bytes = self.clusters.bytes(cluster);
            directory.take(&bytes, self.clusters.at(cluster), self.boot.wide.is_some());
        }
    }

    fn subdirectory(&mut self, pending: &Pending) {
        let Pending {
            path,
            survey,
            own,
            above,
        } = pending;
        let wide = self.boot.wide.is_some();
        let first = survey.clusters().next();
        if let Some(cluster) = first
            && !starts_with_dots(&self.clusters.bytes(cluster), wide)
        {
            let detail = "the directory does not start with an entry for itself; what stands there is not read";
            let at = self.clusters.at(cluster);
            self.harvest
                .tell(Problem::corrupt(detail).at(at).about(path));
            return;
        }
        let mut directory = Directory::default();
        self.take(&mut directory, survey);
        for name in directory
            .names
            .iter()
            .filter(|name| name.short.is_dots())
            .take(2)
        {
            let wanted = if name.short.name.starts_with(b"..") {
                above
            } else {
                own
            };
            if name.short.cluster != *wanted {
                let shown = String::from_utf8_lossy(&name.short.shown()).into_owned();
                let detail = format!(
                    "the entry `{shown}` leads to cluster {}, not {wanted}",
                    name.short.cluster
                );
                self.harvest
                    .tell(Problem::corrupt(detail).at(name.at).about(path));
            }
        }
        self.directory(path, directory, survey.count, *own);
    }

    /// Takes in the entries of a directory of so many clusters, whose first is `own` (0: the root).
    fn directory(&mut self, path: &EntryPath, mut directory: Directory, clusters: u64, own: u32) {
        directory.end();
        if self.clusters.needed(LONGEST) < clusters {
            let detail = format!(
                "a directory of {clusters} clusters; only its first {LONGEST} bytes are read"
            );
            self.harvest.tell(Problem::limit(detail).about(path));
        }
        if let Some((at, count)) = directory.strays {
            let detail = format!("{count} parts of long names belong to no entry");
            self.harvest
                .tell(Problem::corrupt(detail).at(at).about(path));
        }
        if directory.behind > 0 {
            let detail = format!(
                "{} entries stand behind the end of the directory: Linux shows them, other systems do not",
                directory.behind
            );
            self.harvest.tell(Problem::corrupt(detail).about(path));
        }
        let is_root = own == 0;
        let mut dots = if is_root { 0 } else { 2 };
        for name in directory.names {
            if name.deleted {
                self.deleted(path, name);
                continue;
            }
            self.explain(&name);
            if name.short.is_dots() && dots > 0 {
                dots = u8::saturating_sub(dots, 1);
            } else if name.short.is_label() {
                self.label(&name, is_root);
            } else if !self.entry(path, &name, own) {
                return;
            }
        }
    }

    /// Names the bytes of an entry.
    pub(super) fn explain(&mut self, name: &Name) {
        for &at in &name.records {
            self.harvest.account.metadata(at, RECORD);
        }
    }

    /// Remembers an entry that was deleted from the directory `parent`, unless it makes no sense: then it stays unexplained.
    pub(super) fn deleted(&mut self, parent: &EntryPath, name: Name) {
        if !name.short.is_possible() || name.short.is_label() {
            return;
        }
        self.explain(&name);
        let path = parent.join(&name.shown());
        if self.harvest.has_room(length(path.as_bytes())) {
            self.deleted.push((path, name.short));
        }
    }

    fn label(&mut self, name: &Name, is_root: bool) {
        if is_root {
            let label = name.short.name.trim_ascii_end().to_vec();
            self.harvest.properties.set("label", label);
        }
    }

    /// Makes an entry of a name; returns whether the walk may go on.
    fn entry(&mut self, parent: &EntryPath, name: &Name, above: u32) -> bool {
        let short = &name.short;
        let path = self.harvest.path(parent, &name.shown());
        if name.torn {
            let detail = "the checksum of the long name is not that of the short one, which is shown instead";
            self.harvest
                .tell(Problem::checksum(detail).at(name.at).about(&path));
        }
        if !short.is_possible() {
            let detail = "the name or the attributes of the entry are none that a system writes";
            self.harvest
                .tell(Problem::corrupt(detail).at(name.at).about(&path));
        }
        let node = if short.is_dir() {
            let found = survey(&self.clusters, &mut self.claims, short.cluster);
            self.tell_chain(&found, &path);
            self.pending.push(Pending {
                path: path.clone(),
                survey: found,
                own: short.cluster,
                above,
            });
            Node::Dir
        } else {
            Node::File(self.file(short, &path))
        };
        self.harvest.add(Entry {
            path,
            node,
            meta: meta(short),
        })
    }

    fn file(&mut self, short: &Short, path: &EntryPath) -> File {
        let size = u64::from(short.size);
        if short.cluster == 0 && size == 0 {
            return File::stored(bytes::Bytes::new());
        }
        let found = survey(&self.clusters, &mut self.claims, short.cluster);
        for (at, len) in found.pieces(&self.clusters, size) {
            self.harvest.account.name(at, len, Role::Content);
        }
        let needed = self.clusters.needed(size);
        let too_long = found.ended == Ended::Whole && found.count > needed;
        if too_long {
            let more = found.count.saturating_sub(needed);
            let detail = format!("{more} more clusters belong to the file than its size needs");
            self.harvest.tell(Problem::corrupt(detail).about(path));
        } else if found.ended != Ended::Whole {
            self.tell_chain(&found, path);
        }
        let chain = Chain {
            clusters: Arc::clone(&self.clusters),
            first: short.cluster,
            linked: true,
            stored: size,
            size,
        };
        chain.into_file(&found)
    }

    /// Tells of a chain that does not end as it should.
    fn tell_chain(&mut self, found: &Survey, path: &EntryPath) {
        if let Some(problem) = found.problem(&self.claims) {
            self.harvest.tell(problem.about(path));
        }
    }
}

/// What an entry says about itself.
fn meta(short: &Short) -> Meta {
    Meta {
        mtime: short.mtime,
        xattrs: dos::attributes(short.attributes.into()),
        ..Meta::default()
    }
}
