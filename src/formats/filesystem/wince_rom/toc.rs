//! The tables of a ROM: its modules, and its files.

use std::sync::Arc;

use bytes::Bytes;

use super::super::account::Account;
use super::super::ce_module::SECTIONS;
use super::super::dos;
use super::Header;
use super::module::Module;
use super::packed::Packed;
use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node, name_problem};
use crate::formats::Role;
use crate::formats::stored::damaged;
use crate::formats::told::Problems;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, length};

/// Bytes of the record of a module, and of a file.
pub(super) const MODULE: u64 = 32;
pub(super) const FILE: u64 = 28;
/// No name is longer (bytes), as the kernel has it.
const LONGEST: u64 = 260;

/// The tables as they are read.
pub(super) struct Toc<'a> {
    pub(super) region: &'a Bytes,
    pub(super) header: &'a Header,
    pub(super) budget: &'a Budget,
    pub(super) account: Account,
    pub(super) problems: Problems,
    pub(super) entries: Vec<Entry>,
}

impl Toc<'_> {
    /// Reads all entries, as many as the budget allows.
    pub(super) fn read(&mut self) {
        let tables = [
            (self.header.modules_at(), self.header.modules, MODULE),
            (self.header.files_at(), self.header.files, FILE),
        ];
        for (from, count, size) in tables {
            for number in 0..count {
                let at = from.saturating_add(number.saturating_mul(size));
                let Some(record) = cut(self.region, at, size) else {
                    let detail = "the tables of modules and files are cut off";
                    self.problems.push(Problem::corrupt(detail).at(at));
                    return;
                };
                if let Err(problem) = self.budget.spend_entries(1) {
                    self.problems.push(problem.at(at));
                    return;
                }
                self.account.metadata(at, size);
                let fields = Fields::little(&record);
                let done = if size == MODULE {
                    self.module(fields, at)
                } else {
                    self.file(fields, at)
                };
                if done.is_none() {
                    return;
                }
            }
        }
    }

    /// Reads the record of a module; `None` when the budget is spent.
    fn module(&mut self, fields: Fields<'_>, at: u64) -> Option<()> {
        let path = self.path(fields.u32(16)?, at);
        let mut meta = meta(fields)?;
        let read = Module::read(
            self.region,
            self.header,
            fields.u32(20)?,
            fields.u32(24)?,
            self.budget,
            &mut self.account,
        );
        let file = match read {
            Ok(module) => {
                meta.xattrs.insert(SECTIONS.to_vec(), module.load_addresses);
                module.file
            }
            Err(problem) if problem.kind == crate::problem::ProblemKind::Limit => {
                self.problems.push(problem.at(at));
                return None;
            }
            Err(problem) => damaged(fields.u32(12)?.into(), Bytes::new(), problem.at(at)),
        };
        self.push(path, meta, file);
        Some(())
    }

    fn file(&mut self, fields: Fields<'_>, at: u64) -> Option<()> {
        let path = self.path(fields.u32(20)?, at);
        let meta = meta(fields)?;
        let (size, stored) = (u64::from(fields.u32(12)?), u64::from(fields.u32(16)?));
        let place = self.header.place(fields.u32(24)?);
        let content = place.and_then(|place| cut(self.region, place, stored));
        if let (Some(place), Some(_)) = (place, &content) {
            self.account.name(place, stored, Role::Content);
        }
        let file = match content {
            Some(content) if size == stored => File::stored(content),
            Some(content) => unpacked(&content, size, at),
            // An empty file need not lie anywhere.
            None if size == 0 && stored == 0 => File::stored(Bytes::new()),
            None => {
                let here = place.map(|place| clip(self.region, place, stored));
                let here = here.filter(|_| size == stored).unwrap_or_default();
                let problem = Problem::corrupt("its content does not lie in the ROM").at(at);
                damaged(size, here, problem)
            }
        };
        self.push(path, meta, file);
        Some(())
    }

    /// The path of an entry whose name has this address.
    fn path(&mut self, address: u32, at: u64) -> EntryPath {
        let place = self.header.place(address);
        let found = place.and_then(|place| Some((place, name(self.region, place)?)));
        let Some((place, name)) = found.filter(|(_, name)| !name.is_empty()) else {
            let problem = Problem::corrupt("an entry without a name").at(at);
            self.problems.push(problem);
            return EntryPath::new(format!("nameless-{at:x}").as_bytes());
        };
        self.account
            .metadata(place, length(&name).saturating_add(1));
        let path = EntryPath::new(&name);
        if let Some(problem) = name_problem(&name, &path) {
            self.problems.push(problem.at(at));
        }
        path
    }

    fn push(&mut self, path: EntryPath, meta: Meta, file: File) {
        self.entries.push(Entry {
            path,
            node: Node::File(file),
            meta,
        });
    }
}

/// A compressed file.
fn unpacked(content: &Bytes, size: u64, at: u64) -> File {
    let stored = length(content);
    match Packed::new(content) {
        Ok(packed) if packed.size() == size => File {
            size,
            data: Arc::new(packed),
        },
        Ok(packed) => {
            let detail = format!(
                "its record states {size} bytes, its content {}",
                packed.size()
            );
            damaged(size, Bytes::new(), Problem::corrupt(detail).at(at))
        }
        Err(problem) => {
            let detail = format!("{}: {stored} bytes for {size}", problem.detail);
            damaged(size, Bytes::new(), Problem::unsupported(detail).at(at))
        }
    }
}

/// The name at `place`: bytes that a zero ends.
pub(super) fn name(region: &Bytes, place: u64) -> Option<Bytes> {
    let room = clip(region, place, LONGEST.saturating_add(1));
    let end = memchr::memchr(0, &room)?;
    Some(room.slice(..end))
}

/// Attributes and time, which both records start with.
fn meta(fields: Fields<'_>) -> Option<Meta> {
    let ticks = u64::from(fields.u32(8)?) << 32 | u64::from(fields.u32(4)?);
    Some(Meta {
        mtime: dos::filetime(ticks),
        xattrs: dos::attributes(fields.u32(0)?),
        ..Meta::default()
    })
}
