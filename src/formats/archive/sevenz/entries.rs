//! From the header to entries: folders decoded one after another, and cut into files.

use std::sync::Arc;

use bytes::Bytes;
use crc32fast::Hasher;

use super::coder::Coders;
use super::header::{self, Folder, HEADER, Header, Item, PACKED_HEADER, Streams};
use super::number::Reader;
use super::{START, Start};
use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node, name_problem};
use crate::formats::archive::packed::{crc32, wrong_crc};
use crate::formats::archive::solid;
use crate::formats::stored::{Damaged, Ledger};
use crate::formats::{Properties, Role, Tree};
use crate::problem::Problem;
use crate::read::{clip, index, length};

/// The largest header that is read (64 MiB), and how often one may be packed into another.
const LARGEST: u64 = 64 << 20;
const LEVELS: usize = 4;

/// So many bytes at the end of a packed stream decoders may leave unread: an end marker, and what the encoder flushed.
const FLUSHED: u64 = 16;

/// In the attributes of Windows: a folder, and that the high half holds a mode of Unix.
const DIRECTORY: u32 = 0x10;
const UNIX: u32 = 0x8000;

const KINDS: u32 = 0o170_000;
const DIR: u32 = 0o040_000;
const SYMLINK: u32 = 0o120_000;

/// What an archive held.
pub(super) struct Read {
    pub(super) tree: Tree,
    pub(super) ledger: Ledger,
    pub(super) problems: Vec<Problem>,
    pub(super) properties: Properties,
}

/// Reads a whole archive.
pub(super) fn read(region: &Bytes, budget: &Budget) -> Read {
    let mut reading = Reading {
        region,
        budget,
        out: Read {
            tree: Tree::default(),
            ledger: Ledger::default(),
            problems: Vec::new(),
            properties: Properties::new(),
        },
    };
    match reading.header() {
        Ok(header) => reading.items(&header.streams, header.items),
        Err(problem) => reading.out.problems.push(problem),
    }
    reading.out
}

struct Reading<'a> {
    region: &'a Bytes,
    budget: &'a Budget,
    out: Read,
}

impl Reading<'_> {
    /// The header, unpacked.
    fn header(&mut self) -> Result<Header, Problem> {
        let start = Start::parse(self.region);
        let start = start.ok_or_else(|| Problem::corrupt("the start header is cut off"))?;
        self.out.ledger.metadata(0, START);
        let mut bytes = clip(self.region, start.header_at, start.header_len);
        let at = start.header_at;
        if length(&bytes) < start.header_len {
            return Err(Problem::corrupt("the header is not there").at(at));
        }
        self.out.ledger.metadata(at, length(&bytes));
        if start.header_len == 0 {
            return Ok(Header::default());
        }
        let computed = crc32(&bytes);
        if computed != start.header_crc {
            let problem = wrong_crc(start.header_crc, computed).at(at);
            self.out.problems.push(problem);
        }
        for _ in 0..LEVELS {
            let mut reader = Reader::new(&bytes);
            match reader.byte() {
                Some(HEADER) => {
                    let most = self.budget.limits().entries;
                    let found =
                        header::header(&mut reader, most).map_err(|problem| problem.at(at))?;
                    if found.has_more {
                        let detail = "the header holds more than what is read of it";
                        self.out.problems.push(Problem::unsupported(detail).at(at));
                    }
                    return Ok(found);
                }
                Some(PACKED_HEADER) => {
                    let streams = header::streams(&mut reader);
                    let packed =
                        streams.ok_or_else(|| Problem::corrupt("the header is damaged").at(at))?;
                    bytes = self
                        .packed_header(&packed)
                        .map_err(|problem| problem.at(at))?;
                }
                _ => break,
            }
        }
        Err(Problem::corrupt("the header is damaged").at(at))
    }

    /// Unpacks a header.
    fn packed_header(&mut self, streams: &Streams) -> Result<Bytes, Problem> {
        let folder = streams.folders.first();
        let folder = folder.ok_or_else(|| Problem::corrupt("a packed header without a folder"))?;
        if folder.size() > LARGEST {
            let detail = format!("a header of {} bytes", folder.size());
            return Err(Problem::limit(detail));
        }
        let packed = self.packed(streams, 0..folder.packed.len());
        let unpacked = unpack(folder, &packed, &[(folder.size(), folder.crc)], self.budget);
        self.name_packed(&packed, &unpacked, Role::Metadata);
        if let Some(problem) = unpacked.problem {
            return Err(Problem {
                detail: format!("the header: {}", problem.detail),
                ..problem
            });
        }
        let computed = unpacked.crcs.first().copied();
        let differ = folder.crc.zip(computed).filter(|(one, other)| one != other);
        let problem = differ.map(|(stored, computed)| wrong_crc(stored, computed));
        self.out.problems.extend(problem);
        Ok(unpacked.bytes)
    }

    /// Some of the packed streams and where they stand; tells when their CRC-32 is wrong.
    fn packed(&mut self, streams: &Streams, which: std::ops::Range<usize>) -> Vec<(u64, Bytes)> {
        let mut at = START.saturating_add(streams.packed_at);
        let mut found = Vec::new();
        for (number, packed) in streams.packed.iter().enumerate() {
            if which.contains(&number) {
                let bytes = clip(self.region, at, packed.len);
                if let Some(crc) = packed.crc.filter(|&crc| crc != crc32(&bytes)) {
                    let detail = format!("the CRC-32 of a packed stream is not {crc:08x}");
                    self.out.problems.push(Problem::checksum(detail).at(at));
                }
                found.push((at, bytes));
            }
            at = at.saturating_add(packed.len);
        }
        found
    }

    /// Names packed streams as far as they were read; tells where something stands behind that.
    fn name_packed(&mut self, packed: &[(u64, Bytes)], unpacked: &Unpacked, role: Role) {
        for ((at, bytes), &left) in packed.iter().zip(&unpacked.left) {
            let mut len = length(bytes);
            // What could not be decoded was told.
            if left > FLUSHED && unpacked.problem.is_none() {
                len = len.saturating_sub(left);
                let detail = format!("{left} bytes at the end of a packed stream are not decoded");
                let problem = Problem::corrupt(detail).at(at.saturating_add(len));
                self.out.problems.push(problem);
            }
            match role {
                Role::Content => self.out.ledger.content(*at, len),
                Role::Metadata => self.out.ledger.metadata(*at, len),
            }
        }
    }

    fn items(&mut self, streams: &Streams, items: Vec<Item>) {
        let mut items = items.into_iter();
        let mut first = 0_usize;
        let mut waiting: Vec<Item> = Vec::new();
        for (folder, files) in streams.folders.iter().zip(&streams.contents) {
            let last = first.saturating_add(folder.packed.len());
            let packed = self.packed(streams, first..last);
            first = last;
            if files.is_empty() {
                let detail = format!("a folder of {} bytes holds no file", folder.size());
                self.out.problems.push(Problem::corrupt(detail));
                continue;
            }
            let unpacked = unpack(folder, &packed, files, self.budget);
            self.name_packed(&packed, &unpacked, Role::Content);
            if let Some(problem) = &unpacked.problem {
                self.out.problems.push(problem.clone());
            }
            self.check_folder(folder, files, &unpacked);
            let mut at = 0_u64;
            for (&(size, crc), computed) in files.iter().zip(unpacked.each()) {
                let item = loop {
                    match items.next() {
                        Some(item) if !item.has_stream => waiting.push(item),
                        item => break item,
                    }
                };
                let Some(item) = item else {
                    let detail = "more contents than files";
                    self.out.problems.push(Problem::corrupt(detail));
                    return;
                };
                let content = clip(&unpacked.bytes, at, size);
                at = at.saturating_add(size);
                let problem = if length(&content) < size {
                    let detail = "the folder that holds the file could not be decoded so far";
                    let told = unpacked.problem.clone();
                    Some(told.unwrap_or_else(|| Problem::corrupt(detail)))
                } else {
                    crc.zip(computed)
                        .filter(|(stored, computed)| stored != computed)
                        .map(|(stored, computed)| wrong_crc(stored, computed))
                };
                if self.entry(&item, Some((size, content, problem))).is_none() {
                    return;
                }
            }
        }
        for item in waiting.into_iter().chain(items) {
            if self.entry(&item, None).is_none() {
                return;
            }
        }
    }

    /// Where a folder has a CRC-32 of its own and several files, it is verified too.
    fn check_folder(&mut self, folder: &Folder, files: &[(u64, Option<u32>)], unpacked: &Unpacked) {
        let differs = folder
            .crc
            .filter(|&crc| unpacked.problem.is_none() && files.len() > 1 && crc != unpacked.crc);
        if let Some(crc) = differs {
            let problem = wrong_crc(crc, unpacked.crc);
            self.out.problems.push(problem);
        }
    }

    /// Adds an entry; `None` when the budget refuses it.
    fn entry(&mut self, item: &Item, content: Option<(u64, Bytes, Option<Problem>)>) -> Option<()> {
        if let Err(problem) = self.budget.spend_entries(1) {
            self.out.problems.push(problem);
            return None;
        }
        let name = name(&item.name);
        let path = EntryPath::new(&name);
        self.out.problems.extend(name_problem(&name, &path));
        let attributes = item.attributes.unwrap_or_default();
        let mode = (attributes & UNIX != 0).then_some(attributes >> 16);
        let kind = mode.unwrap_or_default() & KINDS;
        if item.is_anti {
            let detail = "an item that says that this path was deleted";
            self.out
                .problems
                .push(Problem::unsupported(detail).about(&path));
        }
        let is_dir = attributes & DIRECTORY != 0 || kind == DIR;
        let node = match content {
            Some((size, bytes, problem)) => match problem {
                Some(problem) => Node::File(File {
                    size,
                    data: Arc::new(Damaged { bytes, problem }),
                }),
                None if kind == SYMLINK => Node::Symlink(bytes.to_vec()),
                None => Node::File(File::stored(bytes)),
            },
            None if is_dir || !item.is_empty_file && !item.has_stream => Node::Dir,
            None if item.has_stream => {
                let problem = Problem::corrupt("no folder holds this file").about(&path);
                self.out.problems.push(problem.clone());
                let bytes = Bytes::new();
                Node::File(File {
                    size: 0,
                    data: Arc::new(Damaged { bytes, problem }),
                })
            }
            None => Node::File(File::stored(Bytes::new())),
        };
        let meta = Meta {
            mode: mode.map(|mode| mode & 0o7777),
            mtime: item.mtime.and_then(|ticks| {
                let seconds = i64::try_from(ticks / 10_000_000).ok()?;
                seconds.checked_sub(11_644_473_600)
            }),
            ..Meta::default()
        };
        self.out.tree.entries.push(Entry { path, node, meta });
        Some(())
    }
}

/// The name as Linux shows it: 7-Zip writes UTF-16, and bytes that are no UTF-8 as characters from U+EF80 on.
fn name(stored: &[u16]) -> Vec<u8> {
    let mut name = Vec::new();
    for unit in char::decode_utf16(stored.iter().copied()) {
        match unit {
            Ok(char @ '\u{ef80}'..='\u{efff}') => {
                let byte = u8::try_from(u32::from(char) & 0xff).unwrap_or_default();
                name.push(byte);
            }
            Ok(char) => name.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(half) => {
                let half = u32::from(half.unpaired_surrogate());
                let byte = |bits: u32| u8::try_from(bits).unwrap_or_default();
                name.extend([
                    byte(0xe0 | half >> 12),
                    byte(0x80 | half >> 6 & 0x3f),
                    byte(0x80 | half & 0x3f),
                ]);
            }
        }
    }
    name
}

/// A decoded folder.
struct Unpacked {
    bytes: Bytes,
    /// The CRC-32 of each file that came out whole, and of everything.
    crcs: Vec<u32>,
    crc: u32,
    /// How many bytes of each packed stream were not read.
    left: Vec<u64>,
    problem: Option<Problem>,
}

impl Unpacked {
    /// The CRC-32 of each file; none for those that did not come out.
    fn each(&self) -> impl Iterator<Item = Option<u32>> {
        let crcs = self.crcs.iter().copied().map(Some);
        crcs.chain(std::iter::repeat(None))
    }
}

/// Decodes a folder, in order and once.
fn unpack(
    folder: &Folder,
    packed: &[(u64, Bytes)],
    files: &[(u64, Option<u32>)],
    budget: &Budget,
) -> Unpacked {
    let packed: Vec<Bytes> = packed.iter().map(|(_, bytes)| bytes.clone()).collect();
    let stored = packed.iter().map(|bytes| length(bytes)).sum::<u64>();
    let mut sums = Sums::new(files);
    let mut coders = Coders::new(folder, &packed);
    let (bytes, problem) = match coders.reader() {
        Ok(mut reader) => solid::decode(&mut *reader, stored, budget, &mut |piece| {
            sums.update(piece);
        }),
        Err(problem) => (Bytes::new(), Some(problem)),
    };
    let short = length(&bytes) < folder.size();
    let problem = problem.or_else(|| {
        let detail = format!(
            "{} of {} bytes could be decoded",
            bytes.len(),
            folder.size()
        );
        short.then(|| Problem::corrupt(detail))
    });
    Unpacked {
        bytes,
        left: coders.left(),
        crc: sums.all.clone().finalize(),
        crcs: sums.finished(),
        problem: problem.map(|problem| Problem {
            detail: format!("a folder of {} files: {}", files.len(), problem.detail),
            ..problem
        }),
    }
}

/// The CRC-32 of files that come one behind another.
struct Sums<'a> {
    files: &'a [(u64, Option<u32>)],
    done: Vec<u32>,
    current: Hasher,
    /// How many bytes of the current file are missing.
    left: u64,
    all: Hasher,
}

impl<'a> Sums<'a> {
    fn new(files: &'a [(u64, Option<u32>)]) -> Self {
        Self {
            files,
            done: Vec::new(),
            current: Hasher::new(),
            left: files.first().map_or(0, |(size, _)| *size),
            all: Hasher::new(),
        }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        // Of one file the sum of everything is that of the file.
        if self.files.len() > 1 {
            self.all.update(bytes);
        }
        while !bytes.is_empty() && self.done.len() < self.files.len() {
            let (here, rest) = bytes.split_at(bytes.len().min(index(self.left)));
            self.current.update(here);
            self.left = self.left.saturating_sub(length(here));
            bytes = rest;
            self.advance();
        }
    }

    /// Ends the current file when it is complete.
    fn advance(&mut self) {
        while self.left == 0 && self.done.len() < self.files.len() {
            self.done.push(std::mem::take(&mut self.current).finalize());
            self.left = self.files.get(self.done.len()).map_or(0, |(size, _)| *size);
        }
    }

    fn finished(mut self) -> Vec<u32> {
        self.advance();
        self.done
    }
}
