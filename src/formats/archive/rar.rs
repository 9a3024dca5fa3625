//! rar, versions 4 and 5: technote.txt of unrar, and "RAR 5.0 archive format".
//!
//! There is no free reader of what rar compresses. Its headers are open: they name the files, tell how long they are and where the archive
//! ends, and files that are stored as they are can be read.

mod five;
mod four;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

use super::packed::{crc32, wrong_crc};
use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node, name_problem};
use crate::formats::stored::{Damaged, Ledger};
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Tree,
};
use crate::problem::{Problem, ProblemKind};
use crate::read::{clip, length};

/// rar.
pub(in crate::formats) struct Rar;

impl Format for Rar {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "rar",
            title: "RAR archive",
            kind: Kind::Archive,
            spec: "technote.txt of unrar 3 (RAR 4); RAR 5.0 archive format (rarlab.com)",
            reads: "the headers of versions 4 and 5: names, sizes, modes; files that are stored as they are",
            verifies: "the CRC of each header; CRC-32 of files that are read",
            limits: &[
                "compressed files are named and not read: there is no free reader",
                "encrypted archives",
                "files that go on in another volume",
                "names of version 4 that are no ASCII are shown as their DOS form",
                "recovery records and quick-open data, which are left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: &four::MAGIC,
                at: 0,
            },
            Magic {
                bytes: &five::MAGIC,
                at: 0,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let mut walk = Walk::new(rest);
        while walk.next().is_some() {}
        if walk.count == 0 {
            return Err(Reject::NearMiss("a RAR signature, but no header behind it"));
        }
        Ok(Extent::known(walk.at, Proof::Checksum))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let mut reading = Reading {
            region: &region,
            tree: Tree::default(),
            ledger: Ledger::default(),
            problems: Vec::new(),
        };
        let mut walk = Walk::new(&region);
        reading.ledger.metadata(0, walk.at);
        while let Some(header) = walk.next() {
            if let Err(problem) = budget.spend_entries(1) {
                reading.problems.push(problem.at(header.at));
                break;
            }
            reading.header(header);
        }
        reading.problems.extend(walk.problem());
        let mut properties = Properties::new();
        properties.set("version", if walk.five { "5" } else { "4" });
        Opened {
            content: Content::Tree(reading.tree),
            spans: reading.ledger.into_spans(),
            problems: reading.problems,
            properties,
        }
    }
}

/// A header, of either version.
struct Header {
    /// Where it stands, in bytes from the region's start, and where what belongs to it does.
    at: u64,
    data_at: u64,
    data_len: u64,
    what: What,
}

/// What a header is of.
enum What {
    File(Box<Item>),
    /// Everything behind it is encrypted, headers too.
    Encryption,
    /// The archive, a comment, something else that holds no file; whether what belongs to it is explained.
    Other,
    /// The end of the archive.
    End,
}

/// A file.
struct Item {
    name: Vec<u8>,
    size: u64,
    crc: Option<u32>,
    /// How it is compressed; `None` when it is stored as it is.
    method: Option<String>,
    encrypted: bool,
    /// Whether it starts or ends in another volume.
    split: bool,
    kind: ItemKind,
    mode: Option<u32>,
    mtime: Option<i64>,
}

/// What an entry is.
enum ItemKind {
    File,
    Dir,
    Symlink(Option<Vec<u8>>),
}

/// A walk over the headers.
struct Walk<'a> {
    region: &'a Bytes,
    five: bool,
    /// The next byte to read; at the end of the walk, the archive's end.
    at: u64,
    count: u64,
    ended: bool,
    encrypted: bool,
}

impl<'a> Walk<'a> {
    fn new(region: &'a Bytes) -> Self {
        let five = region.starts_with(&five::MAGIC);
        let at = if five {
            five::MAGIC.len()
        } else {
            four::MAGIC.len()
        };
        Self {
            region,
            five,
            at: u64::try_from(at).unwrap_or_default(),
            count: 0,
            ended: false,
            encrypted: false,
        }
    }

    fn next(&mut self) -> Option<Header> {
        if self.ended || self.encrypted {
            return None;
        }
        let header = if self.five {
            five::header(self.region, self.at)?
        } else {
            four::header(self.region, self.at)?
        };
        self.count = self.count.saturating_add(1);
        self.at = header.data_at.saturating_add(header.data_len);
        self.ended = matches!(header.what, What::End);
        self.encrypted = matches!(header.what, What::Encryption);
        Some(header)
    }

    /// Why the walk ended where no end is.
    fn problem(&self) -> Option<Problem> {
        if self.ended {
            return None;
        }
        let problem = if self.encrypted {
            Problem::new(ProblemKind::Encrypted, "the headers are encrypted")
        } else {
            Problem::corrupt("no sound header where the next is due, and no end of the archive")
        };
        Some(problem.at(self.at))
    }
}

struct Reading<'a> {
    region: &'a Bytes,
    tree: Tree,
    ledger: Ledger,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn header(&mut self, header: Header) {
        let len = header.data_at.saturating_sub(header.at);
        self.ledger.metadata(header.at, len);
        let What::File(item) = header.what else {
            return;
        };
        let body = clip(self.region, header.data_at, header.data_len);
        self.ledger.content(header.data_at, length(&body));
        let path = EntryPath::new(&item.name);
        self.problems
            .extend(name_problem(&item.name, &path).map(|problem| problem.at(header.at)));
        let node = match item.kind {
            ItemKind::Dir => Node::Dir,
            ItemKind::Symlink(Some(ref target)) => Node::Symlink(target.clone()),
            ItemKind::Symlink(None) if item.is_plain(&body) => {
                let problem = item.wrong_crc(&body);
                self.problems
                    .extend(problem.map(|problem| problem.at(header.at).about(&path)));
                Node::Symlink(body.to_vec())
            }
            _ => Node::File(self.file(&item, body, &path, header.at)),
        };
        self.tree.entries.push(Entry {
            path,
            node,
            meta: Meta {
                mode: item.mode.map(|mode| mode & 0o7777),
                mtime: item.mtime,
                ..Meta::default()
            },
        });
    }

    fn file(&mut self, item: &Item, body: Bytes, path: &EntryPath, at: u64) -> File {
        let problem = if item.encrypted {
            Problem::new(ProblemKind::Encrypted, "encrypted")
        } else if item.split {
            Problem::unsupported("the file starts or ends in another volume")
        } else if let Some(method) = &item.method {
            Problem::unsupported(format!("compressed with {method}, which is not read"))
        } else if length(&body) != item.size {
            let detail = format!("{} of {} bytes are there", body.len(), item.size);
            Problem::corrupt(detail)
        } else {
            let problem = item.wrong_crc(&body);
            self.problems
                .extend(problem.map(|problem| problem.at(at).about(path)));
            return File::stored(body);
        };
        let problem = problem.at(at).about(path);
        self.problems.push(problem.clone());
        let bytes = match item.method {
            None if !item.encrypted => body,
            _ => Bytes::new(),
        };
        File {
            size: item.size,
            data: Arc::new(Damaged { bytes, problem }),
        }
    }
}

impl Item {
    /// Whether its bytes are its content.
    fn is_plain(&self, body: &[u8]) -> bool {
        !self.encrypted && !self.split && self.method.is_none() && length(body) == self.size
    }

    fn wrong_crc(&self, body: &[u8]) -> Option<Problem> {
        let computed = crc32(body);
        let wrong = self.crc.filter(|&crc| crc != computed);
        wrong.map(|stored| wrong_crc(stored, computed))
    }
}
