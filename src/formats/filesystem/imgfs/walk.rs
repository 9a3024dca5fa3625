//! The walk over the records: what becomes an entry, and which bytes that explains.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::super::ce_module::{self, Kept, O32, SECTIONS, Section};
use super::super::dos;
use super::super::harvest::Harvest;
use super::Header;
use super::blocks::{Blocks, ROW, Table, padding};
use super::directory::{Directory, HEAD, Name, RECORD, Record, Use};
use crate::entry::{Entry, EntryPath, File, Meta, Node};
use crate::formats::Role;
use crate::problem::Problem;
use crate::read::{clip, cut, index, is_all, length};

/// Where the headers of sections stand behind `e32_rom`, which is of the layout of Windows CE 5 and later and padded.
const SECTIONS_AT: u64 = 112;
/// The headers of a module with 2700 sections; no program has more.
const MOST_HEADERS: u64 = 64 << 10;
/// No file system says for which processor its modules are.
const NO_MACHINE: u16 = 0;

/// Walks over the whole directory.
pub(super) fn walk(region: &Bytes, header: &Header, harvest: &mut Harvest<'_>) {
    let directory = Directory::new(region, header);
    let mut walk = Walk {
        region,
        header,
        directory: &directory,
        harvest,
        taken: BTreeSet::new(),
    };
    let mut unknown = 0_u64;
    for &block in directory.blocks() {
        walk.block(block);
        for record in directory.records(block) {
            let going_on = match record.purpose {
                Use::File => walk.file(&record),
                Use::Unknown => {
                    unknown = unknown.saturating_add(1);
                    true
                }
                _ => true,
            };
            if !going_on {
                return;
            }
        }
    }
    if let Some(at) = directory.broken {
        let detail = "the chain of directory blocks leads to none, or to one that it had before";
        walk.harvest.tell(Problem::corrupt(detail).at(at));
    }
    if unknown > 0 {
        let detail = format!("{unknown} records of the directory are of a kind that is not known");
        walk.harvest.tell(Problem::unsupported(detail));
    }
    walk.settle();
}

struct Walk<'a, 'b> {
    region: &'a Bytes,
    header: &'a Header,
    directory: &'a Directory<'a>,
    harvest: &'a mut Harvest<'b>,
    /// The records of sections and names that something uses.
    taken: BTreeSet<u64>,
}

/// A section, by its name.
type Named = (Vec<u8>, Blocks);

impl Walk<'_, '_> {
    /// Accounts for what a directory block holds besides its records, and for those that are free.
    fn block(&mut self, at: u64) {
        self.harvest.account.metadata(at, HEAD);
        let records = self.directory.records_len();
        let rest = self.header.block.saturating_sub(records);
        let tail = clip(self.region, at.saturating_add(records), rest);
        self.harvest
            .account
            .padded(at.saturating_add(records), &tail, 0, 0xff);
        for record in self.directory.records(at) {
            if record.purpose == Use::Free && is_all(&record.raw, 0xff) {
                self.harvest.account.metadata(record.at, RECORD);
            }
        }
    }

    /// Reads the record of a file or module. Returns whether the walk may go on.
    fn file(&mut self, record: &Record) -> bool {
        self.explain(record);
        let name = self.name(record);
        let path = self.path(&name, record.at);
        let Some(blocks) = self.blocks(record) else {
            return false;
        };
        let (bits, ticks) = record.attributes();
        let meta = Meta {
            mtime: dos::filetime(ticks),
            xattrs: dos::attributes(bits),
            ..Meta::default()
        };
        if record.section() == 0 {
            return self.add(path, file(blocks), meta);
        }
        let Some(sections) = self.sections(record) else {
            return false;
        };
        match module(&blocks, &sections) {
            Some((file, addresses)) => {
                let mut meta = meta;
                meta.xattrs.insert(SECTIONS.to_vec(), addresses);
                self.add(path, file, meta)
            }
            None => self.parts(&path, blocks, sections, &meta),
        }
    }

    /// Shows a module that cannot be put together part by part: its headers under its name, its sections behind that.
    fn parts(
        &mut self,
        path: &EntryPath,
        headers: Blocks,
        sections: Vec<Named>,
        meta: &Meta,
    ) -> bool {
        let detail = "a module whose headers do not fit its sections: both are shown as they are";
        self.harvest.tell(Problem::corrupt(detail).about(path));
        let mut going_on = self.add(path.clone(), file(headers), meta.clone());
        for (name, blocks) in sections {
            let path = [path.as_bytes(), b".", &name].concat();
            going_on = going_on && self.add(EntryPath::new(&path), file(blocks), meta.clone());
        }
        going_on
    }

    fn add(&mut self, path: EntryPath, file: File, meta: Meta) -> bool {
        self.harvest.add(Entry {
            path,
            node: Node::File(file),
            meta,
        })
    }

    /// The sections of a module, in the order of their chain; `None` when the budget is spent.
    fn sections(&mut self, module: &Record) -> Option<Vec<Named>> {
        let mut sections = Vec::new();
        let mut at = module.section();
        while at != 0 {
            let record = self.directory.record(at);
            let record = record.filter(|record| record.purpose == Use::Section);
            let Some(record) = record.filter(|_| self.taken.insert(at)) else {
                let detail = "the chain of a module's sections leads to none, or to one in use";
                self.harvest.tell(Problem::corrupt(detail).at(at));
                break;
            };
            self.explain(&record);
            let name = self.name(&record);
            sections.push((name, self.blocks(&record)?));
            at = record.section();
        }
        Some(sections)
    }

    /// Accounts for a record of a file or section.
    fn explain(&mut self, record: &Record) {
        let unused = record.unused();
        let (from, until) = (index(unused.start), index(unused.end));
        let empty = record.raw.get(from..until);
        let account = &mut self.harvest.account;
        account.metadata(record.at, unused.start);
        if empty.is_some_and(|bytes| is_all(bytes, 0)) {
            let at = record.at.saturating_add(unused.start);
            account.metadata(at, unused.end.saturating_sub(unused.start));
        }
        let rest = RECORD.saturating_sub(unused.end);
        account.metadata(record.at.saturating_add(unused.end), rest);
    }

    /// The name of a record in UTF-8; empty where it has none.
    fn name(&mut self, record: &Record) -> Vec<u8> {
        let units = match record.name() {
            None => return Vec::new(),
            Some(Name::Here(units)) => units,
            Some(Name::Record(at, len)) => {
                let found = self.directory.record(at);
                let found = found.filter(|found| found.purpose == Use::Name);
                let Some(found) = found.filter(|_| self.taken.insert(at)) else {
                    return Vec::new();
                };
                let used = len.saturating_add(4);
                self.harvest.account.padded(at, &found.raw, used, 0);
                clip(&found.raw, 4, len).to_vec()
            }
            Some(Name::Elsewhere(at, len)) => {
                let Some(units) = cut(self.region, at, len).filter(|_| at != 0) else {
                    return Vec::new();
                };
                self.piece(at, len, Role::Metadata);
                units.to_vec()
            }
        };
        dos::utf8(dos::units(&units))
    }

    /// The path of a file; one without a name is called after its place.
    fn path(&mut self, name: &[u8], at: u64) -> EntryPath {
        if name.is_empty() {
            let problem = Problem::corrupt("a file without a name").at(at);
            self.harvest.tell(problem);
            return EntryPath::new(format!("nameless-{at:x}").as_bytes());
        }
        self.harvest.path(&EntryPath::root(), name)
    }

    /// What a record describes, with its bytes accounted for; `None` when the budget is spent.
    fn blocks(&mut self, record: &Record) -> Option<Blocks> {
        let table = record.table();
        let mut rows = 0_u64;
        for row in table.rows(self.region) {
            rows = rows.saturating_add(1);
            if !self.harvest.hold(ROW) {
                return None;
            }
            if row.at != 0 && cut(self.region, row.at, row.stored).is_some() {
                self.piece(row.at, row.stored, Role::Content);
            }
        }
        self.table(table, rows);
        Some(Blocks {
            region: self.region.clone(),
            table,
            method: self.header.method,
            size: record.size(),
        })
    }

    /// Accounts for a table of so many rows, and for the rest of it where that is empty.
    fn table(&mut self, table: Table, rows: u64) {
        let raw = clip(self.region, table.at, table.len);
        let used = rows.saturating_mul(ROW).min(length(&raw));
        self.harvest.account.padded(table.at, &raw, used, 0);
        let padding = padding(self.region, table.at, table.len, self.header.chunk);
        let end = table.at.saturating_add(table.len);
        if length(&raw) == table.len {
            self.harvest.account.metadata(end, padding);
        }
    }

    /// Accounts for bytes that were allocated on their own, and for the padding behind them.
    fn piece(&mut self, at: u64, len: u64, role: Role) {
        let padding = padding(self.region, at, len, self.header.chunk);
        self.harvest.account.name(at, len, role);
        self.harvest
            .account
            .metadata(at.saturating_add(len), padding);
    }

    /// Tells where two records claim the same bytes.
    fn settle(&mut self) {
        let account = std::mem::take(&mut self.harvest.account);
        let (spans, twice) = account.finish();
        for span in spans {
            self.harvest.account.name(span.at, span.len, span.role);
        }
        if let Some(at) = twice {
            let detail = "bytes belong to two files or tables";
            self.harvest.tell(Problem::corrupt(detail).at(at));
        }
    }
}

/// A file of these blocks.
fn file(blocks: Blocks) -> File {
    File {
        size: blocks.size,
        data: Arc::new(blocks),
    }
}

/// A module as a PE file, and where its sections lie when it runs; `None` where its headers do not fit its sections.
fn module(headers: &Blocks, contents: &[Named]) -> Option<(File, Vec<u8>)> {
    if headers.size > MOST_HEADERS {
        return None;
    }
    let headers = headers.read()?;
    let kept = Kept::read(&headers, 0, SECTIONS_AT)?;
    let table = cut(
        &headers,
        SECTIONS_AT,
        u64::from(kept.sections).checked_mul(O32)?,
    )?;
    let sections = Section::read_all(&table);
    if sections.len() != contents.len() {
        return None;
    }
    let addresses = ce_module::load_addresses(&sections);
    let contents = contents.iter().map(|(_, blocks)| file(blocks.clone()));
    let file = ce_module::Module::file(&kept, NO_MACHINE, &sections, contents.collect(), None);
    Some((file, addresses))
}
