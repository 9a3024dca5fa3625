//! The memory file system of Wind River's web server, which is linked into images of `VxWorks`: a list of names, then contents.
//!
//! Big-endian. Its maker's tool has no published description: the layout is that which two analyses of images agree on.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

use super::harvest::Harvest;
use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node, name_problem};
use crate::formats::stored::Damaged;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject, Role};
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

/// The `VxWorks` memory file system.
pub(in crate::formats) struct VxworksMemfs;

/// What it starts with: a constant of the web server.
const MARK: &[u8; 32] = b"owowowowowowowowowowowowowowowow";
/// The length of mark and header in bytes: the last four have no known meaning.
const HEADER: u64 = 44;
/// The length of an entry in bytes, and of the name in it.
const ENTRY: u64 = 48;
const NAME: usize = 40;
/// The most files: more would not be counted by hand, and no image seen has more than a few hundred.
const MOST: u32 = 65536;

impl Format for VxworksMemfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "vxworks-memfs",
            title: "VxWorks memory file system (MemFS)",
            kind: Kind::Filesystem,
            spec: "no published one: devttys0.com, Mystery File System (2011); IOActive, Solving a Little Mystery (2012)",
            reads: "the variant with a header of 12 bytes, plain and compressed",
            verifies: "nothing: the format keeps no checksum; that contents follow each other behind the list",
            limits: &[
                "compressed files are shown as they are stored, and looked into",
                "the variant with a header of 8 bytes, little-endian images and other marks than the usual one",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic { bytes: MARK, at: 0 }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let list = List::parse(rest).ok_or(Reject::Coincidence("no list of files"))?;
        if !list.follows(rest) {
            return Err(Reject::NearMiss("a list of files without their contents"));
        }
        Ok(Extent::known(list.end(rest), Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(list) = List::parse(&region) else {
            return Opened::unread(Problem::corrupt("no list of files"));
        };
        let mut harvest = Harvest::new(budget);
        harvest.properties.set(
            "contents",
            if list.compressed {
                "compressed"
            } else {
                "plain"
            },
        );
        harvest.account.metadata(0, HEADER);
        for number in 0..list.count {
            let Some(record) = Record::parse(&region, number) else {
                let at = length(&region);
                harvest.tell(Problem::corrupt("the list of files is cut off").at(at));
                break;
            };
            harvest
                .account
                .padded(record.at, &record.raw, record.used(), 0);
            if !harvest.add(record.entry(&region, list.contents())) {
                break;
            }
            let path = EntryPath::new(&record.name);
            if let Some(problem) = name_problem(&record.name, &path) {
                harvest.tell(problem);
            }
            let there = length(&clip(&region, record.offset, record.len));
            if record.offset >= list.contents() {
                harvest.account.name(record.offset, there, Role::Content);
            }
        }
        harvest.finish()
    }
}

/// The header.
struct List {
    compressed: bool,
    count: u32,
}

impl List {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::big(bytes);
        let marked = fields.slice(0, MARK.len())? == MARK;
        let flags = fields.u32(32)?;
        let count = fields.u32(36)?;
        (marked && matches!(flags, 1 | 2) && (1..=MOST).contains(&count)).then_some(Self {
            compressed: flags == 1,
            count,
        })
    }

    /// Where the contents start, in bytes.
    fn contents(&self) -> u64 {
        HEADER.saturating_add(ENTRY.saturating_mul(self.count.into()))
    }

    /// Whether the first content follows the list, and each name is one.
    fn follows(&self, bytes: &Bytes) -> bool {
        let first = Record::parse(bytes, 0);
        let starts = first.is_some_and(|first| first.offset == self.contents());
        starts
            && self
                .records(bytes)
                .all(|record| !record.name.is_empty() && record.offset >= self.contents())
    }

    /// Where the last content ends, in bytes.
    fn end(&self, bytes: &Bytes) -> u64 {
        let ends = self
            .records(bytes)
            .map(|record| record.offset.saturating_add(record.len));
        ends.max().unwrap_or(0).max(self.contents())
    }

    fn records<'a>(&'a self, bytes: &'a Bytes) -> impl Iterator<Item = Record> + 'a {
        (0..self.count).map_while(|number| Record::parse(bytes, number))
    }
}

/// A file of the list.
struct Record {
    /// Where it stands, in bytes.
    at: u64,
    raw: Bytes,
    name: Vec<u8>,
    /// How long the stored content is, and where it starts, in bytes.
    len: u64,
    offset: u64,
}

impl Record {
    /// The file `number` of the list.
    fn parse(bytes: &Bytes, number: u32) -> Option<Self> {
        let at = HEADER.saturating_add(ENTRY.saturating_mul(number.into()));
        let raw = crate::read::cut(bytes, at, ENTRY)?;
        let fields = Fields::big(&raw);
        let room = fields.slice(0, NAME)?;
        let name = room.split(|&byte| byte == 0).next()?.to_vec();
        Some(Self {
            at,
            name,
            len: fields.u32(40)?.into(),
            offset: fields.u32(44)?.into(),
            raw: raw.clone(),
        })
    }

    /// All of it, unless there is something behind the name.
    fn used(&self) -> u64 {
        let rest = self.raw.get(self.name.len()..NAME).unwrap_or_default();
        if rest.iter().all(|&byte| byte == 0) {
            ENTRY
        } else {
            length(&self.name).saturating_add(1)
        }
    }

    fn entry(&self, region: &Bytes, contents: u64) -> Entry {
        let bytes = clip(region, self.offset, self.len);
        let why = if self.offset < contents {
            Some("the content starts inside the list")
        } else if length(&bytes) < self.len {
            Some("the content is cut off")
        } else {
            None
        };
        let file = match why {
            None => File::stored(bytes),
            Some(why) => File {
                size: self.len,
                data: Arc::new(Damaged {
                    bytes: bytes.slice(..index(length(&bytes).min(self.len))),
                    problem: Problem::corrupt(why).at(self.at),
                }),
            },
        };
        Entry {
            path: EntryPath::new(&self.name),
            node: Node::File(file),
            meta: Meta::default(),
        }
    }
}
