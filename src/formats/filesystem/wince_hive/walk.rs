//! From the roots down: keys as directories, values as files.

use std::sync::Arc;

use super::heap::{Heap, NUMBER};
use super::record::Key;
use crate::entry::{Entry, EntryPath, File, Meta, Node};
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::filesystem::registry;
use crate::problem::Problem;

/// What the roots are called, in their order.
const NAMES: [&str; 8] = [
    "HKCR", "HKCU", "HKLM", "HKU", "%root-4", "%root-5", "%root-6", "%root-7",
];

/// The walk.
pub(super) struct Walk<'a, 'b> {
    heap: &'a mut Heap,
    harvest: &'a mut Harvest<'b>,
}

impl<'a, 'b> Walk<'a, 'b> {
    pub(super) fn new(heap: &'a mut Heap, harvest: &'a mut Harvest<'b>) -> Self {
        Self { heap, harvest }
    }

    /// Reads all keys that the record of the roots leads to.
    pub(super) fn run(&mut self, registry: u32) {
        let roots = self.heap.take(registry);
        let roots = roots.and_then(|record| record.roots(self.harvest));
        let Some(roots) = roots else {
            let detail = "the record of the roots is missing or none";
            self.harvest.tell(Problem::corrupt(detail));
            return;
        };
        // The first key of a list, and the key that it is in.
        let mut pending: Vec<(u32, Arc<EntryPath>)> = Vec::new();
        for (&handle, name) in roots.iter().zip(NAMES).rev() {
            if handle & NUMBER != 0 {
                let path = EntryPath::new(name.as_bytes());
                if !self.directory(&path) {
                    return;
                }
                pending.push((handle, Arc::new(path)));
            }
        }
        while let Some((handle, above)) = pending.pop() {
            let Some((key, path)) = self.key(handle, &above) else {
                continue;
            };
            if !self.directory(&path) || !self.values(&key, &path) {
                return;
            }
            for (handle, above) in [(key.next, above), (key.subkey, Arc::new(path))] {
                if handle & NUMBER != 0 {
                    pending.push((handle, above));
                }
            }
        }
    }

    fn key(&mut self, handle: u32, above: &EntryPath) -> Option<(Key, EntryPath)> {
        let record = self.heap.take(handle);
        let key = record.and_then(|record| record.key(self.harvest));
        if key.is_none() {
            self.missing(handle, "key", above);
        }
        let key = key?;
        let path = above.join(&registry::key(&key.name));
        Some((key, path))
    }

    fn missing(&mut self, handle: u32, what: &str, path: &EntryPath) {
        let detail =
            format!("record 0x{handle:x} should be a {what}: there is none, or it is used twice");
        self.harvest.tell(Problem::corrupt(detail).about(path));
    }

    /// Adds a directory; returns whether the walk may go on.
    fn directory(&mut self, path: &EntryPath) -> bool {
        self.harvest.add(Entry {
            path: path.clone(),
            node: Node::Dir,
            meta: Meta::default(),
        })
    }

    /// Reads the values of a key; returns whether the walk may go on.
    fn values(&mut self, key: &Key, path: &EntryPath) -> bool {
        let mut handle = key.value;
        while handle & NUMBER != 0 {
            let record = self.heap.take(handle);
            let value = record.and_then(|record| record.value(self.harvest));
            let Some(value) = value else {
                self.missing(handle, "value", path);
                return true;
            };
            let added = self.harvest.add(Entry {
                path: path.join(&registry::value(&value.name, value.kind)),
                node: Node::File(File::stored(value.data)),
                meta: Meta::default(),
            });
            if !added {
                return false;
            }
            handle = value.next;
        }
        true
    }
}
