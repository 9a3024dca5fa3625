//! cab: \[MS-CAB\] for the container, \[MS-MCI\] for MSZIP.
//!
//! All files of a folder are compressed as one, in blocks of 32 KiB.

mod blocks;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use self::blocks::{Blocks, Compression};
use super::solid;
use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node, name_problem};
use crate::formats::stored::{Damaged, Ledger};
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Tree,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

/// cab.
pub(in crate::formats) struct Cab;

const MAGIC: [u8; 8] = *b"MSCF\0\0\0\0";

/// The length of the header without what its flags add (bytes).
const HEADER: u64 = 36;

const HAS_PREVIOUS: u16 = 1;
const HAS_NEXT: u16 = 2;
const HAS_RESERVE: u16 = 4;

impl Format for Cab {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "cab",
            title: "Microsoft cabinet",
            kind: Kind::Archive,
            spec: "[MS-CAB], [MS-MCI]",
            reads: "stored, MSZIP and LZX; several folders; reserved areas",
            verifies: "the sum of each block that has one; the order of blocks and files",
            limits: &[
                "Quantum",
                "files that go on in another cabinet of their set",
                "times, which state no time zone",
                "reserved areas, where signatures stand, which are left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &MAGIC,
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no cabinet header"))?;
        if header.files_at < HEADER || header.files_at > header.len {
            return Err(Reject::Coincidence("no cabinet header"));
        }
        let folder = Folder::parse(rest, header.folders_at);
        if header.folders > 0 && folder.is_none_or(|folder| folder.at > header.len) {
            return Err(Reject::NearMiss(
                "a cabinet header, but no folder behind it",
            ));
        }
        Ok(Extent::known(header.len, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut reading = Reading {
            region: &region,
            budget,
            tree: Tree::default(),
            ledger: Ledger::default(),
            problems: Vec::new(),
            room: length(&region) / blocks::HEAD,
        };
        reading.read(&header);
        let mut properties = Properties::new();
        properties.set("set", format!("{} of set {}", header.number, header.set));
        for (name, other) in [("previous", &header.previous), ("next", &header.next)] {
            if let Some(other) = other {
                properties.set(name, other.clone());
            }
        }
        Opened {
            content: Content::Tree(reading.tree),
            spans: reading.ledger.into_spans(),
            problems: reading.problems,
            properties,
        }
    }
}

/// What a cabinet starts with.
struct Header {
    /// The length of the cabinet in bytes.
    len: u64,
    files_at: u64,
    folders: u16,
    files: u16,
    set: u16,
    number: u16,
    /// How much the reserved areas of a folder and of a block take up.
    folder_reserve: u64,
    block_reserve: u64,
    /// The part of the header that means something, in front of the reserved area and behind it.
    reserve_at: u64,
    reserve_len: u64,
    /// The names of the cabinets before and behind this one.
    previous: Option<Vec<u8>>,
    next: Option<Vec<u8>>,
    folders_at: u64,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::little(bytes);
        if fields.slice(0, 8)? != MAGIC || fields.u16(24)? != 0x0103 || fields.u32(12)? != 0 {
            return None;
        }
        let flags = fields.u16(30)?;
        if flags > 7 {
            return None;
        }
        let mut header = Self {
            len: u64::from(fields.u32(8)?),
            files_at: u64::from(fields.u32(16)?),
            folders: fields.u16(26)?,
            files: fields.u16(28)?,
            set: fields.u16(32)?,
            number: fields.u16(34)?,
            folder_reserve: 0,
            block_reserve: 0,
            reserve_at: HEADER,
            reserve_len: 0,
            previous: None,
            next: None,
            folders_at: HEADER,
        };
        if flags & HAS_RESERVE != 0 {
            header.reserve_len = u64::from(fields.u16(36)?);
            header.folder_reserve = u64::from(fields.u8(38)?);
            header.block_reserve = u64::from(fields.u8(39)?);
            header.reserve_at = 40;
            header.folders_at = header.reserve_len.checked_add(40)?;
        }
        // Each of the two is the name of a file and that of a disk.
        let mut pair = |flag: u16| -> Option<Option<Vec<u8>>> {
            if flags & flag == 0 {
                return Some(None);
            }
            let (file, behind) = text(bytes, header.folders_at)?;
            header.folders_at = text(bytes, behind)?.1;
            Some(Some(file.to_vec()))
        };
        let previous = pair(HAS_PREVIOUS)?;
        let next = pair(HAS_NEXT)?;
        (header.previous, header.next) = (previous, next);
        Some(header)
    }
}

/// A text that a zero ends, and where it ends. At most 256 bytes, as the specification has it.
fn text(bytes: &[u8], at: u64) -> Option<(&[u8], u64)> {
    let from = bytes.get(index(at)..)?;
    let len = memchr::memchr(0, from.get(..257).unwrap_or(from))?;
    let behind = at.checked_add(u64::try_from(len).ok()?)?.checked_add(1)?;
    Some((from.get(..len)?, behind))
}

/// What is compressed as one.
struct Folder {
    /// Where its first block stands.
    at: u64,
    blocks: u16,
    compression: u16,
}

impl Folder {
    fn parse(bytes: &[u8], at: u64) -> Option<Self> {
        let fields = Fields::little(bytes.get(index(at)..)?);
        Some(Self {
            at: u64::from(fields.u32(0)?),
            blocks: fields.u16(4)?,
            compression: fields.u16(6)?,
        })
    }
}

/// A file's record.
struct Record<'a> {
    size: u64,
    /// Where its content starts in what its folder holds.
    offset: u64,
    folder: u16,
    name: &'a [u8],
    next: u64,
}

impl<'a> Record<'a> {
    fn parse(bytes: &'a [u8], at: u64) -> Option<Self> {
        let fields = Fields::little(bytes.get(index(at)..)?);
        let (name, next) = text(bytes, at.checked_add(16)?)?;
        Some(Self {
            size: u64::from(fields.u32(0)?),
            offset: u64::from(fields.u32(4)?),
            folder: fields.u16(8)?,
            name,
            next,
        })
    }
}

impl Held {
    /// How many bytes of it no file has.
    fn hidden(&mut self) -> u64 {
        self.files.sort_by_key(|file| file.start);
        let (mut reached, mut hidden) = (0, 0_u64);
        let end = length(&self.bytes);
        for file in self.files.iter().chain([&(end..end)]) {
            hidden = hidden.saturating_add(file.start.min(end).saturating_sub(reached));
            reached = file.end.min(end).max(reached);
        }
        hidden
    }
}

struct Reading<'a> {
    region: &'a Bytes,
    budget: &'a Budget,
    tree: Tree,
    ledger: Ledger,
    problems: Vec<Problem>,
    /// How many more blocks there can be: folders that share theirs would be work without end.
    room: u64,
}

/// What a folder holds, and why it is not all there.
struct Held {
    bytes: Bytes,
    problem: Option<Problem>,
    /// Which of it files have.
    files: Vec<Range<u64>>,
}

impl Reading<'_> {
    fn read(&mut self, header: &Header) {
        self.ledger.metadata(0, header.reserve_at);
        let names_at = header.reserve_at.saturating_add(header.reserve_len);
        let names = header.folders_at.saturating_sub(names_at);
        self.ledger.metadata(names_at, names);
        let mut contents = Vec::new();
        let mut at = header.folders_at;
        for _ in 0..header.folders {
            let Some(folder) = Folder::parse(self.region, at) else {
                let problem = Problem::corrupt("the folders are cut off");
                self.problems.push(problem.at(at));
                break;
            };
            self.ledger.metadata(at, 8);
            at = at.saturating_add(8).saturating_add(header.folder_reserve);
            let (bytes, problem) = self.folder(&folder, header.block_reserve);
            contents.push(Held {
                bytes,
                problem,
                files: Vec::new(),
            });
        }
        let mut at = header.files_at;
        for _ in 0..header.files {
            let Some(record) = Record::parse(self.region, at) else {
                let problem = Problem::corrupt("the list of files is cut off");
                self.problems.push(problem.at(at));
                break;
            };
            self.ledger.metadata(at, record.next.saturating_sub(at));
            if let Err(problem) = self.budget.spend_entries(1) {
                self.problems.push(problem.at(at));
                break;
            }
            self.file(&record, &mut contents, at);
            at = record.next;
        }
        for held in &mut contents {
            let hidden = held.hidden();
            if hidden > 0 && held.problem.is_none() {
                let detail = format!("{hidden} bytes of a folder are in no file");
                self.problems.push(Problem::corrupt(detail));
            }
        }
    }

    /// Decodes a folder: what it holds, and why it is not all there.
    fn folder(&mut self, folder: &Folder, reserve: u64) -> (Bytes, Option<Problem>) {
        let Some(room) = self.room.checked_sub(folder.blocks.into()) else {
            let detail = "folders of more blocks than there are";
            let problem = Problem::corrupt(detail).at(folder.at);
            self.problems.push(problem.clone());
            return (Bytes::new(), Some(problem));
        };
        self.room = room;
        let mut blocks = match Compression::of(folder.compression) {
            Ok(compression) => {
                Blocks::new(self.region, folder.at, folder.blocks, reserve, compression)
            }
            Err(problem) => {
                // Their sizes tell where its blocks are all the same.
                let mut blocks = Blocks::new(
                    self.region,
                    folder.at,
                    folder.blocks,
                    reserve,
                    Compression::Stored,
                );
                blocks.pass();
                self.take(blocks);
                let problem = problem.at(folder.at);
                self.problems.push(problem.clone());
                return (Bytes::new(), Some(problem));
            }
        };
        let stored = length(self.region);
        let (bytes, problem) = solid::decode(&mut blocks, stored, self.budget, &mut |_| ());
        let problem = blocks.problem.take().or(problem);
        let problem = problem.map(|problem| problem.at(folder.at));
        blocks.pass();
        self.take(blocks);
        self.problems.extend(problem.clone());
        (bytes, problem)
    }

    fn take(&mut self, blocks: Blocks<'_>) {
        for (head, body) in blocks.places {
            self.ledger
                .metadata(head.start, head.end.saturating_sub(head.start));
            self.ledger
                .content(body.start, body.end.saturating_sub(body.start));
        }
        self.problems.extend(blocks.wrong);
    }

    fn file(&mut self, record: &Record<'_>, contents: &mut [Held], at: u64) {
        // Folders are parted as Windows does it.
        let name: Vec<u8> = record
            .name
            .iter()
            .map(|&byte| if byte == b'\\' { b'/' } else { byte })
            .collect();
        let path = EntryPath::new(&name);
        self.problems
            .extend(name_problem(&name, &path).map(|problem| problem.at(at)));
        let size = record.size;
        let (content, problem) = match contents.get_mut(usize::from(record.folder)) {
            Some(held) => {
                let content = clip(&held.bytes, record.offset, size);
                let short = length(&content) < size;
                held.files
                    .push(record.offset..record.offset.saturating_add(size));
                let detail = "the folder ends before the file does";
                let why = held
                    .problem
                    .clone()
                    .unwrap_or_else(|| Problem::corrupt(detail));
                (content, short.then_some(why))
            }
            None if record.folder >= 0xfffd => {
                let detail = "the file starts or ends in another cabinet of the set";
                (Bytes::new(), Some(Problem::unsupported(detail)))
            }
            None => (
                Bytes::new(),
                Some(Problem::corrupt("no folder holds the file")),
            ),
        };
        let file = match problem {
            None => File::stored(content),
            Some(problem) => {
                let problem = problem.at(at).about(&path);
                self.problems.push(problem.clone());
                File {
                    size,
                    data: Arc::new(Damaged {
                        bytes: content,
                        problem,
                    }),
                }
            }
        };
        self.tree.entries.push(Entry {
            path,
            node: Node::File(file),
            meta: Meta::default(),
        });
    }
}
