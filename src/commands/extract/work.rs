//! The work: every entry is written or told.
//!
//! Files come first and links last, when nothing is written through a path any more; then folders get their modes and times, which what is
//! written into them would change, the deepest first.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use super::metadata::{self, Wish};
use super::names::{Names, Slot, Written};
use super::tree::Tree;
use crate::budget::Budget;
use crate::commands::talk;
use crate::entry::{self, EntryPath, Fault, Meta, Node};
use crate::extract::{Found, Inventory};
use crate::place::Place;
use crate::report::extracted::{Extracted, Lost, Row};

/// The file that says what was written.
pub(super) const INVENTORY: &str = "inventory.json";

/// An extraction on its way.
pub(super) struct Work<'i> {
    found: &'i Inventory,
    budget: Budget,
    wish: Wish,
    names: Names,
    /// The region that a folder was named after first.
    places: BTreeMap<String, usize>,
    tree: Tree,
    /// The first file that was written of each content that has several names, by its tree.
    first: BTreeMap<(Option<usize>, usize), Vec<String>>,
    links: Vec<(Vec<String>, &'i [u8], &'i Meta, usize)>,
    folders: Vec<(Vec<String>, &'i Meta, usize)>,
    told: Extracted,
    written: usize,
    /// How many entries are not there, or not as it was asked for.
    pub(super) lacking: usize,
}

impl<'i> Work<'i> {
    /// Of everything in an image, to a folder that is empty.
    pub(super) fn new(
        found: &'i Inventory,
        output: &Path,
        budget: Budget,
        wish: Wish,
    ) -> io::Result<Self> {
        Ok(Self {
            found,
            budget,
            wish,
            names: Names::new(INVENTORY),
            places: BTreeMap::new(),
            tree: Tree::open(output)?,
            first: BTreeMap::new(),
            links: Vec::new(),
            folders: Vec::new(),
            told: Extracted::new(&found.image, wish.not_kept()),
            written: 0,
            lacking: 0,
        })
    }

    /// Writes every entry.
    pub(super) fn entries(&mut self) {
        for entry in &self.found.entries {
            let path = self.path_of(entry);
            let row = self.row(&entry.place, entry.entry.node.word(), &path);
            let done = self.entry(entry, path.path, row);
            self.note(row, done);
        }
    }

    /// Writes older contents, each version of a path with its number, beside the tree that they were overwritten in.
    pub(super) fn history(&mut self) {
        let mut versions: BTreeMap<_, u32> = BTreeMap::new();
        for older in &self.found.history {
            let version = versions.entry((older.region, &older.path)).or_default();
            let folder = format!("{}.history", self.folder(older.region));
            let parts = std::iter::once(folder.as_bytes()).chain(older.path.components());
            let path = self.names.give(parts, Slot::Other(*version));
            *version = version.saturating_add(1);
            let row = self.row(&older.place, "file", &path);
            let meta = Meta {
                mtime: older.mtime,
                ..Meta::default()
            };
            let done = self.afford(older.region, &older.file);
            let done = done.and_then(|()| self.file(&path.path, &older.file, &meta));
            self.note(row, done);
        }
    }

    /// Makes the links, and gives folders what is stored about them; yields what is to be told of all.
    pub(super) fn finish(mut self) -> (Extracted, usize) {
        for (path, target, meta, row) in std::mem::take(&mut self.links) {
            let done = self.link(&path, target, meta);
            self.note(row, done);
        }
        let mut folders = std::mem::take(&mut self.folders);
        folders.sort_by_key(|(path, ..)| std::cmp::Reverse(path.len()));
        for (path, meta, row) in folders {
            let done = self.tree.folder(&path);
            let lost =
                done.map(|folder| metadata::give(&File::from(folder), meta, true, self.wish));
            self.note(row, lost.map(Some));
        }
        talk::say(&format!(
            "{} written, {} not written or not as they are stored; {INVENTORY} says what and why",
            self.written, self.lacking
        ));
        (self.told, self.lacking)
    }

    /// The path of an entry below the folder of its tree: a payload has none of its own.
    fn path_of(&mut self, found: &Found) -> Written {
        let folder = self.folder(found.region);
        let (path, node) = (&found.entry.path, &found.entry.node);
        let slot = match node {
            Node::Dir => Slot::Folder,
            _ => Slot::Other(found.ordinal),
        };
        let payload: &[u8] = b"payload";
        let is_payload = *path == EntryPath::root() && !matches!(node, Node::Dir);
        let parts = std::iter::once(folder.as_bytes()).chain(path.components());
        self.names
            .give(parts.chain(is_payload.then_some(payload)), slot)
    }

    /// The folder of the tree of a region. Places need not differ; folders do.
    fn folder(&mut self, region: Option<usize>) -> String {
        let Some(index) = region else {
            return "root".to_owned();
        };
        let place = self.found.regions.get(index).map(|region| &region.place);
        let text = place.map(Place::to_string).unwrap_or_default();
        let first = *self.places.entry(text.clone()).or_insert(index);
        if first == index {
            text
        } else {
            format!("{text}#{index}")
        }
    }

    /// Begins the row of an entry; yields its index.
    fn row(&mut self, place: &Place, kind: &'static str, path: &Written) -> usize {
        self.told.entries.push(Row {
            place: place.clone(),
            kind,
            file: Some(path.path.join("/")),
            renamed: !path.is_reversible,
            lost: Vec::new(),
        });
        self.told.entries.len().saturating_sub(1)
    }

    /// Writes one entry, or puts it off; yields what is lost of it, or nothing as long as that is not known.
    fn entry(
        &mut self,
        found: &'i Found,
        path: Vec<String>,
        row: usize,
    ) -> io::Result<Option<Vec<Lost>>> {
        let meta = &found.entry.meta;
        match &found.entry.node {
            Node::Dir => {
                self.tree.folder(&path)?;
                self.folders.push((path, meta, row));
                Ok(None)
            }
            Node::Symlink(target) => {
                // Its folder is made now, so that nothing is left to be made once there are links.
                self.tree.above(&path)?;
                self.links.push((path, target, meta, row));
                Ok(None)
            }
            Node::File(file) => {
                let key = (found.region, Arc::as_ptr(&file.data).cast::<()>().addr());
                let first = self.first.get(&key).filter(|_| self.wish.preserve);
                if let Some(first) = first.cloned() {
                    self.tree.name_again(&first, &path)?;
                    return Ok(Some(Vec::new()));
                }
                self.afford(found.region, file)?;
                let lost = self.file(&path, file, meta)?;
                self.first.insert(key, path);
                Ok(lost)
            }
            node if self.wish.devices => {
                let (above, name) = self.tree.above(&path)?;
                metadata::make(above, name, node, meta)?;
                Ok(Some(metadata::give_unopened(above, name, meta, self.wish)))
            }
            _ => Err(io::Error::other(
                "device nodes, pipes and sockets are made only with --devices",
            )),
        }
    }

    fn link(
        &mut self,
        path: &[String],
        target: &[u8],
        meta: &Meta,
    ) -> io::Result<Option<Vec<Lost>>> {
        self.tree.link_to(path, target)?;
        let (above, name) = self.tree.above(path)?;
        Ok(Some(metadata::give_unopened(above, name, meta, self.wish)))
    }

    /// Writes a file. One that cannot be written to its end is taken away.
    fn file(
        &mut self,
        path: &[String],
        file: &entry::File,
        meta: &Meta,
    ) -> io::Result<Option<Vec<Lost>>> {
        let (out, _unfinished) = self.tree.create(path)?;
        let mut out = BufWriter::with_capacity(256 << 10, out);
        let copied = file.data.copy_to(&mut out).map_err(|fault| match fault {
            Fault::Problem(problem) => io::Error::other(problem.detail),
            Fault::Sink(error) => error,
        });
        let flushed = out.flush();
        match copied.and(flushed) {
            Ok(()) => Ok(Some(metadata::give(out.get_ref(), meta, false, self.wish))),
            Err(error) => {
                self.tree.remove(path);
                Err(error)
            }
        }
    }

    /// Spends what a file will take on the disk, by the rules by which contents are read: a sparse file may say any size.
    fn afford(&self, region: Option<usize>, file: &entry::File) -> io::Result<()> {
        let region = region.and_then(|index| self.found.regions.get(index));
        let stored = region.map_or(u64::MAX, |region| region.len);
        self.budget
            .spend_decoded(file.size)
            .and_then(|()| self.budget.check_ratio(stored, file.size))
            .map_err(|problem| io::Error::other(problem.detail))
    }

    /// Notes what came of an entry: nothing yet, what is lost of it, or that it is not there.
    fn note(&mut self, row: usize, done: io::Result<Option<Vec<Lost>>>) {
        let Some(row) = self.told.entries.get_mut(row) else {
            return;
        };
        match done {
            Ok(None) => return,
            Ok(Some(lost)) => row.lost = lost,
            Err(error) => {
                row.file = None;
                row.lost = vec![Lost {
                    what: "all",
                    why: error.to_string(),
                }];
                talk::say(&format!("not written: {}: {error}", row.place));
                self.lacking = self.lacking.saturating_add(1);
                return;
            }
        }
        self.written = self.written.saturating_add(1);
        let failed = row.lost.iter().filter(|lost| !lost.was_not_asked_for());
        let mut count = 0_usize;
        for lost in failed {
            talk::say(&format!(
                "not kept: {}: {}: {}",
                row.place, lost.what, lost.why
            ));
            count = 1;
        }
        self.lacking = self.lacking.saturating_add(count);
    }
}
