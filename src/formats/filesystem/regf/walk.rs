//! From the root key down: keys as directories, values as files.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::base::Base;
use super::cells::{Cell, Cells, NONE};
use super::key::{Key, Listed, subkeys};
use super::value::Value;
use crate::entry::{Entry, EntryPath, File, Meta, Node};
use crate::formats::filesystem::harvest::Harvest;
use crate::formats::filesystem::{dos, registry};
use crate::formats::stored::Damaged;
use crate::problem::Problem;
use crate::read::{Fields, cut, length};

/// The extended attributes under which a key's class and security descriptor are told.
const CLASS: &[u8] = b"registry.class";
const SECURITY: &[u8] = b"registry.security";
/// Bytes in front of a security descriptor.
const DESCRIPTOR: u64 = 20;

/// What is still to be read.
struct Pending {
    listed: Listed,
    /// The cell and the path of the key above; `None` for the root.
    parent: Option<(u32, Arc<EntryPath>)>,
    /// The security descriptor of the key above.
    security: Bytes,
}

/// The walk.
pub(super) struct Walk<'a, 'b, 'c> {
    base: &'a Base,
    cells: &'a mut Cells<'b>,
    harvest: &'a mut Harvest<'c>,
    /// The security descriptors so far, by their cells: keys share them.
    descriptors: BTreeMap<u32, Bytes>,
}

impl<'a, 'b, 'c> Walk<'a, 'b, 'c> {
    pub(super) fn new(
        base: &'a Base,
        cells: &'a mut Cells<'b>,
        harvest: &'a mut Harvest<'c>,
    ) -> Self {
        Self {
            base,
            cells,
            harvest,
            descriptors: BTreeMap::new(),
        }
    }

    /// Reads all keys that the root leads to.
    pub(super) fn run(&mut self) {
        let mut pending = vec![Pending {
            listed: Listed {
                cell: self.base.root,
                hash: None,
            },
            parent: None,
            security: Bytes::new(),
        }];
        while let Some(next) = pending.pop() {
            if self.harvest.was_stopped() {
                return;
            }
            self.key(&next, &mut pending);
        }
    }

    /// Tells what is wrong with a key.
    fn wrong(&mut self, path: &EntryPath, detail: impl Into<String>) {
        self.harvest.tell(Problem::corrupt(detail).about(path));
    }

    fn key(&mut self, next: &Pending, pending: &mut Vec<Pending>) {
        let above = next.parent.as_ref().map(|(_, path)| &**path);
        let root = EntryPath::root();
        let number = next.listed.cell;
        let Some(cell) = self.cells.take(number) else {
            let detail = format!("cell 0x{number:x} should be a key, and is free or used twice");
            self.wrong(above.unwrap_or(&root), detail);
            return;
        };
        let Some(key) = Key::parse(&cell.bytes) else {
            let detail = format!("cell 0x{number:x} should be a key, and is none");
            self.wrong(above.unwrap_or(&root), detail);
            return;
        };
        cell.is_record(key.len, self.harvest);
        let path = if let Some(above) = above {
            above.join(&registry::key(&key.name))
        } else {
            self.harvest.properties.set("root-key", key.name.clone());
            root
        };
        let path = Arc::new(path);
        if let Some(parent) = next.parent.as_ref().map(|&(cell, _)| cell)
            && parent != key.parent
        {
            self.wrong(&path, "the key names another key above it");
        }
        if let (Some(stated), Some(hash)) = (next.listed.hash, key.hash)
            && stated != hash
        {
            let detail = "the hash of the name is wrong: Windows lists the key, and cannot open it";
            self.wrong(&path, detail);
        }
        let security = self.security(&key, &path);
        let mut meta = Meta {
            mtime: dos::filetime(key.written),
            ..Meta::default()
        };
        if security != next.security {
            meta.xattrs.insert(SECURITY.to_vec(), security.to_vec());
        }
        if let Some(class) = self.class(&key, &path) {
            meta.xattrs.insert(CLASS.to_vec(), class);
        }
        let attributes = meta.xattrs.values().map(|value| length(value)).sum();
        let entry = Entry {
            path: (*path).clone(),
            node: Node::Dir,
            meta,
        };
        if !self.harvest.hold(attributes) || !self.harvest.add(entry) {
            return;
        }
        self.values(&key, &path);
        let listed = match subkeys(key.subkeys, self.cells, self.harvest) {
            Ok(listed) => listed,
            // A key without subkeys may still name a list that it once had.
            Err(_) if key.subkey_count == 0 => Vec::new(),
            Err(detail) => {
                self.wrong(&path, detail);
                Vec::new()
            }
        };
        if u64::from(key.subkey_count) != listed_len(&listed) {
            let detail = format!(
                "{} subkeys stated, {} listed",
                key.subkey_count,
                listed.len()
            );
            self.wrong(&path, detail);
        }
        for listed in listed.into_iter().rev() {
            pending.push(Pending {
                listed,
                parent: Some((number, Arc::clone(&path))),
                security: security.clone(),
            });
        }
    }

    /// The security descriptor of a key; empty where it has none.
    fn security(&mut self, key: &Key, path: &EntryPath) -> Bytes {
        if key.security == NONE {
            return Bytes::new();
        }
        if let Some(known) = self.descriptors.get(&key.security) {
            return known.clone();
        }
        let found = self.cells.take(key.security).and_then(|cell| {
            let fields = Fields::little(&cell.bytes);
            let len = u64::from(fields.u32(16)?);
            let sound = cell.bytes.starts_with(b"sk");
            let descriptor = cut(&cell.bytes, DESCRIPTOR, len).filter(|_| sound)?;
            cell.is_record(DESCRIPTOR.saturating_add(len), self.harvest);
            Some(descriptor)
        });
        if found.is_none() {
            self.wrong(path, "the security descriptor is missing or none");
        }
        let descriptor = found.unwrap_or_default();
        self.descriptors.insert(key.security, descriptor.clone());
        descriptor
    }

    /// The name of a key's class, as UTF-8.
    fn class(&mut self, key: &Key, path: &EntryPath) -> Option<Vec<u8>> {
        if key.class == NONE || key.class_len == 0 {
            return None;
        }
        let cell = self.cells.take(key.class);
        let stored = cell.as_ref().and_then(|cell| {
            let stored = cut(&cell.bytes, 0, key.class_len.into())?;
            cell.is_record(length(&stored), self.harvest);
            Some(stored)
        });
        if stored.is_none() {
            self.wrong(path, "the name of its class is missing or too short");
        }
        stored.map(|stored| dos::utf8(dos::units(&stored)))
    }

    fn values(&mut self, key: &Key, path: &EntryPath) {
        if key.value_count == 0 {
            return;
        }
        let wanted = u64::from(key.value_count).saturating_mul(4);
        let list = self.cells.take(key.values).and_then(|cell| {
            let list = cut(&cell.bytes, 0, wanted)?;
            cell.is_record(wanted, self.harvest);
            Some(list)
        });
        let Some(list) = list else {
            let detail = format!(
                "the list of {} values is missing or too short",
                key.value_count
            );
            self.wrong(path, detail);
            return;
        };
        let (words, _) = list.as_chunks::<4>();
        for &word in words {
            let number = u32::from_le_bytes(word);
            let Some(cell) = self.cells.take(number) else {
                let detail =
                    format!("cell 0x{number:x} should be a value, and is free or used twice");
                self.wrong(path, detail);
                continue;
            };
            if !self.value(&cell, path) {
                return;
            }
        }
    }

    /// Reads a value; returns whether the walk may go on.
    fn value(&mut self, cell: &Cell, key: &EntryPath) -> bool {
        let Some(value) = Value::parse(cell, self.harvest) else {
            self.wrong(key, "a cell that should be a value is none");
            return true;
        };
        let path = key.join(&registry::value(&value.name, value.kind));
        let data = value.data(cell, self.base.minor, self.cells, self.harvest);
        let file = data.unwrap_or_else(|(bytes, detail)| {
            let problem = Problem::corrupt(detail).about(&path);
            self.harvest.tell(problem.clone());
            File {
                size: value.size(),
                data: Arc::new(Damaged { bytes, problem }),
            }
        });
        self.harvest.add(Entry {
            path,
            node: Node::File(file),
            meta: Meta::default(),
        })
    }
}

fn listed_len(listed: &[Listed]) -> u64 {
    u64::try_from(listed.len()).unwrap_or(u64::MAX)
}
