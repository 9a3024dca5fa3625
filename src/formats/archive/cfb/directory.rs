//! The directory: storages and streams, and where the bytes of each stream are.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use super::sectors::{Chain, Links, Sectors};
use super::{HEADER, Header};
use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node};
use crate::formats::Span;
use crate::formats::filesystem::dos;
use crate::formats::scattered::Scattered;
use crate::formats::stored::{Damaged, Ledger};
use crate::formats::told::Problems;
use crate::problem::Problem;
use crate::read::{Fields, clip, cut, index, length};

/// Bytes of a record.
const RECORD: u64 = 128;
/// The mark of a record that has no neighbour there.
const NONE: u32 = 0xffff_ffff;
/// The largest number of a record.
const LAST: u32 = 0xffff_fffa;
/// Bytes of a small sector.
const SMALL: u64 = 64;
/// All paths together may be so many times as long as the file: those of storages in storages repeat.
const PATHS: u64 = 4;

const STORAGE: u8 = 1;
const STREAM: u8 = 2;
const ROOT: u8 = 5;

/// The classes of Windows Installer: transforms, packages, patches.
const INSTALLER: [u8; 4] = [0x82, 0x84, 0x86, 0x10];

/// The directory as it is read.
pub(super) struct Directory<'a> {
    region: &'a Bytes,
    header: &'a Header,
    links: Links,
    small: Links,
    /// The sectors of the directory, and those that small streams share.
    sectors: Vec<u32>,
    shared: Vec<u32>,
    seen: Vec<bool>,
    /// How many more bytes of paths there may be.
    room: u64,
    pub(super) class: Option<[u8; 16]>,
    is_installer: bool,
    entries: Vec<Entry>,
    spans: Vec<Span>,
    ledger: Ledger,
    problems: Problems,
}

/// One record.
struct Record {
    name: Vec<u16>,
    kind: u8,
    left: u32,
    right: u32,
    child: u32,
    class: [u8; 16],
    modified: u64,
    first: u32,
    size: u64,
}

impl Record {
    fn parse(bytes: &[u8], version: u16) -> Option<Self> {
        let fields = Fields::little(bytes);
        let name_len = usize::from(fields.u16(64)?).saturating_sub(2).min(62);
        let size = fields.u64(120)?;
        Some(Self {
            name: dos::units(fields.slice(0, name_len)?).collect(),
            kind: fields.u8(66)?,
            left: fields.u32(68)?,
            right: fields.u32(72)?,
            child: fields.u32(76)?,
            class: fields.slice(80, 16)?.try_into().ok()?,
            modified: fields.u64(108)?,
            first: fields.u32(116)?,
            // Version 3 leaves the upper half as it may be.
            size: if version == 3 {
                size & 0xffff_ffff
            } else {
                size
            },
        })
    }
}

/// What is still to be looked at.
struct Pending {
    record: u32,
    storage: Rc<EntryPath>,
}

impl<'a> Directory<'a> {
    pub(super) fn new(region: &'a Bytes, header: &'a Header) -> Self {
        let sectors = Sectors::places(region, header);
        let mut directory = Self {
            region,
            header,
            links: sectors.links(region, header),
            small: Links::default(),
            sectors: Vec::new(),
            shared: Vec::new(),
            seen: Vec::new(),
            room: length(region).saturating_mul(PATHS),
            class: None,
            is_installer: false,
            entries: Vec::new(),
            spans: sectors.spans(header),
            ledger: Ledger::default(),
            problems: Problems::default(),
        };
        let head = clip(region, 0, HEADER);
        directory.ledger.structure(0, &head, &[8..24, 34..40]);
        directory.ledger.padding(region, HEADER..header.sector());
        directory
    }

    /// Reads all of it.
    pub(super) fn read(&mut self, budget: &Budget) {
        let directory = self.links.chain(self.header.directory, u64::MAX);
        self.name_sectors(&directory, "the directory");
        self.sectors = directory.sectors;
        let small = self.links.chain(
            self.header.small_table,
            self.header.small_table_sectors.into(),
        );
        if self.header.small_table_sectors > 0 {
            self.name_sectors(&small, "the table of small sectors");
        }
        let root = self.record(0).filter(|root| root.kind == ROOT);
        let Some(root) = root else {
            self.problems.push(Problem::corrupt(
                "the directory does not start with its root",
            ));
            return;
        };
        let shared = self.links.chain(root.first, self.sectors_of(root.size));
        if length_of(&shared.sectors) < self.sectors_of(root.size)
            || root.size > 0 && !shared.is_sound
        {
            let detail = "what small streams share is shorter or longer than it should be";
            self.problems.push(Problem::corrupt(detail));
        }
        self.shared = shared.sectors;
        if let Some(end) = root
            .size
            .checked_sub(1)
            .and_then(|last| self.within(&self.shared, last))
        {
            let sector_end = end
                .saturating_add(1)
                .checked_next_multiple_of(self.header.sector());
            self.ledger.padding(
                self.region,
                end.saturating_add(1)..sector_end.unwrap_or(end),
            );
        }
        let (region, header) = (self.region, self.header);
        let parts = small.sectors.iter();
        let parts = parts.map(|&sector| clip(region, header.place(sector), header.sector()));
        let count = length_of(&self.shared).saturating_mul(header.sector()) / SMALL;
        self.small = Links::new(parts, index(count));
        self.class = (root.class != [0; 16]).then_some(root.class);
        self.is_installer = matches!(root.class, [first, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46] if INSTALLER.contains(&first));
        self.walk(&root, budget);
        self.leftovers();
    }

    /// Goes through all records that the root leads to.
    fn walk(&mut self, root: &Record, budget: &Budget) {
        let count = length_of(&self.sectors).saturating_mul(self.header.sector()) / RECORD;
        self.seen = vec![false; index(count)];
        if let Some(seen) = self.seen.first_mut() {
            *seen = true;
        }
        let mut pending = vec![Pending {
            record: root.child,
            storage: Rc::new(EntryPath::root()),
        }];
        while let Some(Pending {
            record: id,
            storage,
        }) = pending.pop()
        {
            if id == NONE {
                continue;
            }
            let seen = self.seen.get_mut(index(id.into()));
            let is_new = seen.is_some_and(|seen| !std::mem::replace(seen, true));
            let record = self.record(id).filter(|_| is_new && id <= LAST);
            let Some(record) = record else {
                let detail = format!("the directory leads to record {id} twice, or there is none");
                self.problems.push(Problem::corrupt(detail));
                continue;
            };
            let path = storage.join(&self.name(&record));
            let cost = length(path.as_bytes());
            self.room = self.room.saturating_sub(cost);
            let spent = budget.spend_entries(1);
            let refused = match spent {
                Err(problem) => Some(problem),
                Ok(()) if self.room == 0 => Some(Problem::limit("paths too long to be kept")),
                Ok(()) => None,
            };
            if let Some(problem) = refused {
                self.problems.push(problem);
                return;
            }
            for neighbour in [record.left, record.right] {
                pending.push(Pending {
                    record: neighbour,
                    storage: Rc::clone(&storage),
                });
            }
            match record.kind {
                STORAGE => {
                    pending.push(Pending {
                        record: record.child,
                        storage: Rc::new(path.clone()),
                    });
                    self.push(path, Node::Dir, &record);
                }
                STREAM => {
                    let file = self.stream(&record, &path);
                    self.push(path, Node::File(file), &record);
                }
                kind => {
                    let detail = format!("record {id} is of kind {kind}");
                    self.problems.push(Problem::corrupt(detail).about(&path));
                }
            }
        }
    }

    fn push(&mut self, path: EntryPath, node: Node, record: &Record) {
        let meta = Meta {
            mtime: dos::filetime(record.modified),
            ..Meta::default()
        };
        self.entries.push(Entry { path, node, meta });
    }

    /// Explains the records that the tree leads to and those that are empty; others are told.
    fn leftovers(&mut self) {
        for (number, seen) in std::mem::take(&mut self.seen).into_iter().enumerate() {
            let Some(at) = u32::try_from(number).ok().and_then(|id| self.place(id)) else {
                continue;
            };
            let raw = clip(self.region, at, RECORD);
            // An empty one has no name and no content; its neighbours may say that it has none.
            let empty = raw
                .iter()
                .enumerate()
                .all(|(at, &byte)| byte == 0 || (68..80).contains(&at) && byte == 0xff);
            if seen || empty {
                self.ledger.metadata(at, RECORD);
            } else {
                let detail = format!("no storage leads to record {number}");
                self.problems.push(Problem::corrupt(detail).at(at));
            }
        }
    }

    /// The content of a stream.
    fn stream(&mut self, record: &Record, path: &EntryPath) -> File {
        let is_small = record.size < self.header.cutoff.into();
        let (links, sector) = if is_small {
            (&mut self.small, SMALL)
        } else {
            (&mut self.links, self.header.sector())
        };
        let wanted = record.size.div_ceil(sector);
        let chain = links.chain(record.first, wanted);
        let mut pieces: Vec<(u64, u64)> = Vec::new();
        let mut left = record.size;
        for &number in &chain.sectors {
            let place = if is_small {
                self.small_place(number)
            } else {
                Some(self.header.place(number))
            };
            let Some(place) = place else {
                break;
            };
            let len = left.min(sector);
            self.ledger.padding(
                self.region,
                place.saturating_add(len)..place.saturating_add(sector),
            );
            left = left.saturating_sub(len);
            match pieces.last_mut() {
                Some((at, before)) if at.checked_add(*before) == Some(place) => {
                    *before = before.saturating_add(len);
                }
                _ => pieces.push((place, len)),
            }
        }
        for &(at, len) in &pieces {
            self.spans.push(Span::content(at, len));
        }
        if wanted > 0 && left == 0 && !chain.is_sound {
            let detail = "its sectors go on behind its end, or are those of another stream";
            self.problems.push(Problem::corrupt(detail).about(path));
        }
        let scattered = Scattered {
            region: self.region.clone(),
            pieces,
        };
        if left == 0 {
            return scattered.into_file();
        }
        let detail = format!(
            "{left} of {} bytes are in no sector of its own",
            record.size
        );
        let problem = Problem::corrupt(detail).about(path);
        self.problems.push(problem.clone());
        let bytes = scattered.pieces.first();
        let bytes = bytes.map(|&(at, len)| clip(self.region, at, len));
        File {
            size: record.size,
            data: Arc::new(Damaged {
                bytes: bytes.unwrap_or_default(),
                problem,
            }),
        }
    }

    /// Where a small sector stands.
    fn small_place(&self, number: u32) -> Option<u64> {
        self.within(&self.shared, u64::from(number).checked_mul(SMALL)?)
    }

    /// Where a record stands.
    fn place(&self, id: u32) -> Option<u64> {
        self.within(&self.sectors, u64::from(id).checked_mul(RECORD)?)
    }

    /// Where a byte of a chain stands.
    fn within(&self, sectors: &[u32], at: u64) -> Option<u64> {
        let size = self.header.sector();
        let sector = sectors.get(index(at.checked_div(size)?))?;
        let place = self.header.place(*sector);
        Some(place.saturating_add(at.checked_rem(size)?))
    }

    /// Explains the sectors of a chain.
    fn name_sectors(&mut self, chain: &Chain, what: &str) {
        for &sector in &chain.sectors {
            let place = self.header.place(sector);
            if what != "the directory" {
                self.ledger.metadata(place, self.header.sector());
            }
        }
        if !chain.is_sound {
            let detail = format!("{what} does not end where it should");
            self.problems.push(Problem::corrupt(detail));
        }
    }

    fn sectors_of(&self, size: u64) -> u64 {
        size.div_ceil(self.header.sector())
    }

    fn record(&self, id: u32) -> Option<Record> {
        let raw = cut(self.region, self.place(id)?, RECORD)?;
        Record::parse(&raw, self.header.version)
    }

    /// The name of a record. Windows Installer packs two characters in one unit, and marks tables with one of its own.
    fn name(&self, record: &Record) -> Vec<u8> {
        if !self.is_installer {
            return dos::utf8(record.name.iter().copied());
        }
        let mut units = Vec::new();
        for &unit in &record.name {
            match unit {
                0x3800..0x4800 => {
                    units.extend([unit & 0x3f, unit.saturating_sub(0x3800) >> 6].map(character));
                }
                0x4800..0x4840 => units.push(character(unit & 0x3f)),
                0x4840 => units.push(u16::from(b'!')),
                other => units.push(other),
            }
        }
        dos::utf8(units)
    }

    /// Entries, spans and problems.
    pub(super) fn finish(self) -> (Vec<Entry>, Vec<Span>, Vec<Problem>) {
        let mut spans = self.spans;
        spans.extend(self.ledger.into_spans());
        (self.entries, spans, self.problems.into_vec())
    }
}

/// A character of a packed name.
fn character(number: u16) -> u16 {
    const ALPHABET: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    let character = ALPHABET.get(usize::from(number));
    character.copied().map_or(number, u16::from)
}

fn length_of(sectors: &[u32]) -> u64 {
    u64::try_from(sectors.len()).unwrap_or(u64::MAX)
}
