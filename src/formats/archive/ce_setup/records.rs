//! The tables of a setup header. Texts are stored once and named by number.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

use super::{HEADER, Header, Table, Text};
use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node};
use crate::formats::filesystem::registry;
use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::formats::{Properties, Span};
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length, rest};

/// The processors for which a cabinet can be made.
const PROCESSORS: [(u32, &str); 20] = [
    (0, "any"),
    (103, "SHx SH3"),
    (104, "SHx SH4"),
    (386, "Intel 386"),
    (486, "Intel 486"),
    (586, "Intel Pentium"),
    (601, "PowerPC 601"),
    (603, "PowerPC 603"),
    (604, "PowerPC 604"),
    (620, "PowerPC 620"),
    (821, "Motorola 821"),
    (1824, "ARM 720"),
    (2080, "ARM 820"),
    (2336, "ARM 920"),
    (2577, "StrongARM"),
    (4000, "MIPS R4000"),
    (10003, "Hitachi SH3"),
    (10004, "Hitachi SH3E"),
    (10005, "Hitachi SH4"),
    (70001, "ARM 7TDMI"),
];

/// The keys that a path of the registry starts with, counted from 1.
const ROOTS: [&str; 4] = ["HKCR", "HKCU", "HKLM", "HKU"];
/// Directories of the device, by number; 0 is the directory of the application.
const DIRECTORIES: u16 = 17;

/// No path of the device is longer (bytes): Windows CE takes 260 characters.
const PATH: usize = 4096;

/// The tables as they are read.
pub(super) struct Tables<'a> {
    region: &'a Bytes,
    budget: &'a Budget,
    strings: BTreeMap<u16, Bytes>,
    dirs: BTreeMap<u16, Vec<u8>>,
    files: BTreeMap<u16, Vec<u8>>,
    hives: BTreeMap<u16, Vec<u8>>,
    entries: Vec<Entry>,
    ledger: Ledger,
    problems: Problems,
    properties: Properties,
    /// Whether more would take too much memory.
    stopped: bool,
}

/// One record: its fixed fields, and the bytes behind them whose length it states.
struct Record {
    head: Bytes,
    body: Bytes,
}

impl Record {
    fn word(&self, at: usize) -> u16 {
        Fields::little(&self.head).u16(at).unwrap_or_default()
    }
}

impl<'a> Tables<'a> {
    pub(super) fn new(region: &'a Bytes, budget: &'a Budget) -> Self {
        Self {
            region,
            budget,
            strings: BTreeMap::new(),
            dirs: BTreeMap::new(),
            files: BTreeMap::new(),
            hives: BTreeMap::new(),
            entries: Vec::new(),
            ledger: Ledger::default(),
            problems: Problems::default(),
            properties: Properties::new(),
            stopped: false,
        }
    }

    pub(super) fn finish(self) -> (Vec<Entry>, Vec<Span>, Vec<Problem>, Properties) {
        (
            self.entries,
            self.ledger.into_spans(),
            self.problems.into_vec(),
            self.properties,
        )
    }

    /// Reads all of it.
    pub(super) fn read(&mut self, header: &Header) {
        let reserved: [Range<u64>; 3] = [4..8, 12..16, 96..100];
        let head = clip(self.region, 0, HEADER);
        self.ledger.structure(0, &head, &reserved);
        self.describe(header);
        for record in self.records("strings", header.strings, 4) {
            self.strings
                .insert(record.word(0), terminated(&record.body));
        }
        for record in self.records("directories", header.dirs, 4) {
            let path = self.spelled(&record.body);
            if self.hold(length(&path)) {
                self.dirs.insert(record.word(0), path);
            }
        }
        for record in self.records("files", header.files, 12) {
            self.file(&record);
        }
        for record in self.records("registry keys", header.hives, 8) {
            self.hive(&record);
        }
        for record in self.records("registry values", header.values, 12) {
            if self.stopped {
                return;
            }
            self.value(&record);
        }
        for (number, record) in (1_u32..).zip(self.records("links", header.links, 12)) {
            self.link(number, &record);
        }
    }

    /// Makes room for so many bytes that are held in memory; whether there is any.
    fn hold(&mut self, bytes: u64) -> bool {
        if !self.stopped
            && let Err(problem) = self.budget.spend_held(bytes)
        {
            self.problems.push(problem);
            self.stopped = true;
        }
        !self.stopped
    }

    /// Says a property for which there is room.
    fn say(&mut self, name: String, value: Vec<u8>) {
        if self.hold(length(&value).saturating_add(length(name.as_bytes()))) {
            self.properties.set(name, value);
        }
    }

    fn wrong(&mut self, detail: impl Into<String>) {
        self.problems.push(Problem::corrupt(detail));
    }

    fn describe(&mut self, header: &Header) {
        let processor = header.processor;
        let known = PROCESSORS.iter().find(|&&(id, _)| id == processor);
        let word = known.map_or_else(|| processor.to_string(), |&(_, word)| word.to_owned());
        self.properties.set("processor", word);
        for (name, (major, minor, build)) in [("least", header.least), ("most", header.most)] {
            if (major, minor) != (0, 0) {
                let version = format!("{major}.{minor}");
                self.properties.set(format!("windows-ce.{name}"), version);
            }
            if build != 0 {
                let key = format!("windows-ce.{name}-build");
                self.properties.set(key, build.to_string());
            }
        }
        for (name, text) in [
            ("application", header.application),
            ("provider", header.provider),
            ("unsupported", header.unsupported),
        ] {
            let told = self.text(text);
            if !told.is_empty() {
                self.properties.set(name, told);
            }
        }
    }

    /// A text, or several with zeros between them, which become commas.
    fn text(&mut self, text: Text) -> Vec<u8> {
        let raw = clip(self.region, text.at, text.len);
        self.ledger.metadata(text.at, text.len);
        let parts = raw.split(|&byte| byte == 0);
        let parts: Vec<&[u8]> = parts.filter(|part| !part.is_empty()).collect();
        parts.join(&b", "[..])
    }

    /// The records of a table, each of `head` bytes, the last two of which count the bytes behind them.
    fn records(&mut self, what: &str, table: Table, head: u64) -> Vec<Record> {
        let mut records = Vec::new();
        let mut at = table.at;
        for _ in 0..table.count {
            if self.stopped {
                break;
            }
            let record = self.record(at, head);
            let Some(record) = record else {
                self.wrong(format!("the table of {what} is cut off"));
                break;
            };
            let len = head.saturating_add(length(&record.body));
            self.ledger.metadata(at, len);
            at = at.saturating_add(len);
            records.push(record);
        }
        records
    }

    fn record(&self, at: u64, head: u64) -> Option<Record> {
        let head = cut(self.region, at, head)?;
        let counted = index(length(&head).checked_sub(2)?);
        let len = Fields::little(&head).u16(counted)?;
        let body = cut(self.region, at.checked_add(length(&head))?, len.into())?;
        Some(Record { head, body })
    }

    /// The path that a list of strings spells, as far as a zero.
    fn spelled(&mut self, list: &[u8]) -> Vec<u8> {
        let (words, _) = list.as_chunks::<2>();
        let mut path = Vec::new();
        let numbers = words.iter().map(|&word| u16::from_le_bytes(word));
        for number in numbers.take_while(|&number| number != 0) {
            let part = self.strings.get(&number).cloned();
            if part.is_none() {
                self.wrong(format!("there is no string {number}"));
            }
            if !path.is_empty() {
                path.push(b'\\');
            }
            path.extend_from_slice(&part.unwrap_or_default());
            if path.len() > PATH {
                self.wrong("a path longer than any device takes it");
                path.truncate(PATH);
                break;
            }
        }
        path
    }

    /// What the member with this number as its extension is called on the device.
    fn file(&mut self, record: &Record) {
        let (id, dir) = (record.word(0), record.word(2));
        let known = self.dirs.get(&dir).cloned();
        if known.is_none() {
            self.wrong(format!("file {id} goes to directory {dir}, which is none"));
        }
        let mut path = known.unwrap_or_default();
        path.push(b'\\');
        path.extend_from_slice(&terminated(&record.body));
        self.say(format!("file.{id:03}"), path.clone());
        let flags = Fields::little(&record.head).u32(6).unwrap_or_default();
        if flags != 0 {
            let name = format!("file.{id:03}.flags");
            self.say(name, format!("0x{flags:08x}").into_bytes());
        }
        if self.files.insert(id, path).is_some() {
            self.wrong(format!("file {id} is described twice"));
        }
    }

    /// A key of the registry.
    fn hive(&mut self, record: &Record) {
        let (id, root) = (record.word(0), record.word(2));
        let word = usize::from(root)
            .checked_sub(1)
            .and_then(|at| ROOTS.get(at));
        let Some(word) = word else {
            self.wrong(format!(
                "registry key {id} is below key {root}, which is none"
            ));
            return;
        };
        let below = self.spelled(&record.body);
        let mut path = word.as_bytes().to_vec();
        for part in below.split(|&byte| byte == b'\\') {
            path.push(b'/');
            path.extend_from_slice(&registry::key(part));
        }
        if self.hold(length(&path)) {
            self.hives.insert(id, path);
        }
    }

    /// A value of the registry.
    fn value(&mut self, record: &Record) {
        let (id, hive) = (record.word(0), record.word(2));
        let end = memchr::memchr(0, &record.body);
        let (Some(key), Some(end)) = (self.hives.get(&hive), end) else {
            self.wrong(format!("registry value {id} has no name or no key"));
            return;
        };
        let name = record.body.get(..end).unwrap_or_default();
        let data = rest(&record.body, length(name).saturating_add(1));
        // Two of the flags say the type.
        let flags = Fields::little(&record.head).u32(6).unwrap_or_default();
        let kind = match flags & 0x0001_0001 {
            0 => 1,
            1 => 3,
            0x0001_0000 => 7,
            _ => 4,
        };
        let path = EntryPath::new(key).join(&registry::value(name, kind));
        if !self.hold(length(path.as_bytes())) {
            return;
        }
        if let Err(problem) = self.budget.spend_entries(1) {
            self.problems.push(problem);
            self.stopped = true;
            return;
        }
        self.entries.push(Entry {
            path,
            node: Node::File(File::stored(data)),
            meta: Meta::default(),
        });
    }

    /// A link in a directory of the device.
    fn link(&mut self, number: u32, record: &Record) {
        let (base, target) = (record.word(4), record.word(6));
        let mut path = match base {
            0 => b"%InstallDir%".to_vec(),
            1..=DIRECTORIES => format!("%CE{base}%").into_bytes(),
            _ => {
                self.wrong(format!(
                    "link {number} is in directory {base}, which is none"
                ));
                return;
            }
        };
        path.push(b'\\');
        path.extend_from_slice(&self.spelled(&record.body));
        let leads_to = match (record.word(8), target) {
            (0, 0) => Some(b"%InstallDir%".to_vec()),
            (0, dir) => self.dirs.get(&dir).cloned(),
            _ => self.files.get(&target).cloned(),
        };
        if leads_to.is_none() {
            self.wrong(format!("link {number} leads to {target}, which is none"));
        }
        path.extend_from_slice(b" -> ");
        path.extend_from_slice(&leads_to.unwrap_or_default());
        self.say(format!("link.{number}"), path);
    }
}

/// A text up to its first zero.
fn terminated(text: &Bytes) -> Bytes {
    let end = memchr::memchr(0, text).unwrap_or(text.len());
    text.slice(..end)
}
