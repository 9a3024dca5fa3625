//! ar: the archives of System V and GNU, of BSD, and thin ones that hold names alone. A Debian package is one that holds tars.

mod symbols;
#[cfg(test)]
mod tests;

use std::ops::Range;

use bytes::Bytes;

use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node, name_problem};
use crate::formats::stored::{Damaged, Ledger};
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Tree,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

/// ar.
pub(in crate::formats) struct Ar;

const MAGIC: [u8; 8] = *b"!<arch>\n";
const THIN: [u8; 8] = *b"!<thin>\n";

/// The lengths of the magic and of a member's header (bytes).
const START: u64 = 8;
const HEADER: u64 = 60;

impl Format for Ar {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "ar",
            title: "ar archive",
            kind: Kind::Archive,
            spec: "ar(5) of FreeBSD; GNU binutils include/aout/ar.h; deb(5)",
            reads: "names of System V, GNU and BSD; symbol tables; Debian packages",
            verifies: "each header against the next; the format has no checksum",
            limits: &["the members of thin archives, which lie in other files"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: &MAGIC,
                at: 0,
            },
            Magic {
                bytes: &THIN,
                at: 0,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let is_alone = length(rest) == START;
        if !is_alone && Header::parse(rest, START).is_none() {
            return Err(Reject::Coincidence("no ar member behind the magic"));
        }
        let mut walk = Walk::new(rest);
        let mut count = 0_u64;
        while walk.next().is_some() {
            count = count.saturating_add(1);
        }
        let proof = if count > 1 || walk.at == length(rest) {
            Proof::Structure
        } else {
            Proof::Magic
        };
        Ok(Extent::known(walk.at, proof))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let mut walk = Walk::new(&region);
        let mut reading = Reading {
            region: &region,
            long_names: 0..0,
            entries: Vec::new(),
            ledger: Ledger::default(),
            problems: Vec::new(),
        };
        reading.ledger.metadata(0, START);
        while let Some(header) = walk.next() {
            if let Err(problem) = budget.spend_entries(1) {
                reading.problems.push(problem.at(header.at));
                break;
            }
            reading.member(&header, walk.thin);
        }
        let damaged = walk.damaged.iter().map(|&at| {
            Problem::corrupt("no member where the next is due; the one behind it was looked for")
                .at(at)
        });
        reading.problems.extend(damaged);
        let mut properties = Properties::new();
        if walk.thin {
            properties.set("thin", "the members lie in other files");
        }
        Opened {
            content: Content::Tree(Tree {
                entries: reading.entries,
                ..Tree::default()
            }),
            spans: reading.ledger.into_spans(),
            problems: reading.problems,
            properties,
        }
    }
}

/// A member's header.
struct Header<'a> {
    /// Where it stands, in bytes from the region's start.
    at: u64,
    /// The name without the spaces that fill its field.
    name: &'a [u8],
    mtime: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    mode: Option<u64>,
    /// The length of what follows, with a name of BSD's if there is one.
    size: u64,
}

impl<'a> Header<'a> {
    fn parse(region: &'a [u8], at: u64) -> Option<Self> {
        let fields = Fields::big(region.get(index(at)..)?);
        if fields.slice(58, 2)? != b"`\n" {
            return None;
        }
        let name = fields.slice(0, 16)?.trim_ascii_end();
        let number = |from: usize, len: usize, radix: u32| -> Option<Option<u64>> {
            let digits = std::str::from_utf8(fields.slice(from, len)?)
                .ok()?
                .trim_ascii_end();
            if digits.is_empty() {
                // Tables have no owner and no time.
                return Some(None);
            }
            Some(Some(u64::from_str_radix(digits, radix).ok()?))
        };
        let header = Self {
            at,
            name,
            mtime: number(16, 12, 10)?,
            uid: number(28, 6, 10)?,
            gid: number(34, 6, 10)?,
            mode: number(40, 8, 8)?,
            size: number(48, 10, 10)??,
        };
        (!name.is_empty()).then_some(header)
    }

    fn body_at(&self) -> u64 {
        self.at.saturating_add(HEADER)
    }

    /// Whether it is a table: of symbols, or of long names.
    fn is_table(&self) -> bool {
        self.is_long_names() || symbols::is_table(self.name)
    }

    fn is_long_names(&self) -> bool {
        matches!(self.name, b"//" | b"ARFILENAMES/")
    }

    fn meta(&self) -> Meta {
        let small = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
        Meta {
            mode: small(self.mode).map(|mode| mode & 0o7777),
            uid: small(self.uid),
            gid: small(self.gid),
            mtime: self.mtime.and_then(|time| i64::try_from(time).ok()),
            ..Meta::default()
        }
    }
}

/// How far behind a damaged header the next sound one is looked for (1 MiB).
const RESYNC: u64 = 1 << 20;

/// A walk over the members.
struct Walk<'a> {
    region: &'a Bytes,
    /// The next byte to read; at the end of the walk, the archive's end.
    at: u64,
    /// Whether members have no bytes in the archive.
    thin: bool,
    /// Where headers should have stood that are none.
    damaged: Vec<u64>,
}

impl<'a> Walk<'a> {
    fn new(region: &'a Bytes) -> Self {
        Self {
            region,
            at: START,
            thin: region.starts_with(&THIN),
            damaged: Vec::new(),
        }
    }

    fn next(&mut self) -> Option<Header<'a>> {
        let header = Header::parse(self.region, self.at).or_else(|| self.resync())?;
        let size = if self.thin && !header.is_table() {
            0
        } else {
            header.size
        };
        let end = header.body_at().saturating_add(size);
        // A byte fills up odd members, also the last; some writers leave that one out.
        let fills = end % 2 == 1 && end < length(self.region);
        self.at = end.saturating_add(u64::from(fills));
        Some(header)
    }

    /// The next sound header; `None` when there is none near, or when it is that of another archive.
    fn resync(&mut self) -> Option<Header<'a>> {
        let window = clip(self.region, self.at, RESYNC);
        let from = self.at;
        let at = memchr::memmem::find_iter(&window, b"`\n")
            .filter_map(|mark| from.checked_add(u64::try_from(mark).ok()?)?.checked_sub(58))
            .find(|&at| at > from && Header::parse(self.region, at).is_some())?;
        let before = clip(self.region, at.saturating_sub(START), START);
        if before == MAGIC[..] || before == THIN[..] {
            return None;
        }
        self.damaged.push(from);
        Header::parse(self.region, at)
    }
}

struct Reading<'a> {
    region: &'a Bytes,
    /// Where the table of long names stands.
    long_names: Range<u64>,
    entries: Vec<Entry>,
    ledger: Ledger,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn member(&mut self, header: &Header<'_>, thin: bool) {
        self.ledger.metadata(header.at, HEADER);
        let (body_at, size) = (header.body_at(), header.size);
        if header.is_table() {
            let end = body_at.saturating_add(size);
            if header.is_long_names() {
                // Each name is named with the member that has it.
                self.long_names = body_at..end;
            } else {
                self.symbols(header.name, body_at, size);
            }
            self.pad(end);
            return;
        }
        let mut skipped = 0;
        let name = if let Some(len) = bsd_name_len(header.name) {
            skipped = len.min(size);
            let name = clip(self.region, body_at, skipped);
            let text = name.split(|&byte| byte == 0).next().unwrap_or_default();
            let end = body_at.saturating_add(length(text));
            self.ledger.metadata(body_at, length(text));
            self.ledger
                .padding(self.region, end..body_at.saturating_add(skipped));
            text.to_vec()
        } else if let Some(name) = self.long_name(header.name) {
            name
        } else {
            // System V ends names with a slash, so that they may end with spaces.
            header
                .name
                .strip_suffix(b"/")
                .unwrap_or(header.name)
                .to_vec()
        };
        let path = EntryPath::new(&name);
        self.problems
            .extend(name_problem(&name, &path).map(|problem| problem.at(header.at)));
        if symbols::is_table(&name) && skipped > 0 {
            let len = size.saturating_sub(skipped);
            self.symbols(&name, body_at.saturating_add(skipped), len);
            self.pad(body_at.saturating_add(size));
            return;
        }
        let file = if thin {
            let detail = "the member lies in a file beside this thin archive";
            self.damaged(
                header,
                &path,
                size,
                Bytes::new(),
                Problem::unsupported(detail),
            )
        } else {
            let at = body_at.saturating_add(skipped);
            let size = size.saturating_sub(skipped);
            let body = clip(self.region, at, size);
            self.ledger.content(at, length(&body));
            self.pad(at.saturating_add(size));
            if length(&body) < size {
                let detail = format!("{} of {size} bytes are there", body.len());
                self.damaged(header, &path, size, body, Problem::corrupt(detail))
            } else {
                File::stored(body)
            }
        };
        self.entries.push(Entry {
            path,
            node: Node::File(file),
            meta: header.meta(),
        });
    }

    /// Names a table of symbols, as far as it is one.
    fn symbols(&mut self, name: &[u8], at: u64, size: u64) {
        let table = clip(self.region, at, size);
        let used = symbols::len(name, &table);
        self.ledger.metadata(at, used);
        let end = at.saturating_add(length(&table));
        self.ledger
            .padding(self.region, at.saturating_add(used)..end);
    }

    fn damaged(
        &mut self,
        header: &Header<'_>,
        path: &EntryPath,
        size: u64,
        bytes: Bytes,
        problem: Problem,
    ) -> File {
        let problem = problem.at(header.at).about(path);
        self.problems.push(problem.clone());
        File {
            size,
            data: std::sync::Arc::new(Damaged { bytes, problem }),
        }
    }

    /// The byte that fills up a member of odd length.
    fn pad(&mut self, end: u64) {
        let byte = self.region.get(index(end));
        if end % 2 == 1 && byte.is_some_and(|&byte| matches!(byte, b'\n' | 0)) {
            self.ledger.metadata(end, 1);
        }
    }

    /// The name that `/NUMBER` refers to in the table of long names.
    fn long_name(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        let digits = std::str::from_utf8(name.strip_prefix(b"/")?).ok()?;
        let at = digits.parse::<u64>().ok()?;
        let len = self.long_names.end.checked_sub(self.long_names.start)?;
        let table = clip(self.region, self.long_names.start, len);
        let from = table.get(index(at)..)?;
        // A name may hold a newline; what ends it is a slash in front of one. Windows ends it with a NUL.
        let slash = memchr::memmem::find(from, b"/\n");
        let end = slash.or_else(|| memchr::memchr(0, from))?;
        let stored = from.get(..end.checked_add(if slash.is_some() { 2 } else { 1 })?)?;
        let at = self.long_names.start.checked_add(at)?;
        self.ledger.metadata(at, length(stored));
        from.get(..end).map(<[u8]>::to_vec)
    }
}

/// How many bytes of a member are its name, when BSD put it there.
fn bsd_name_len(name: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(name.strip_prefix(b"#1/")?).ok()?;
    digits.parse().ok()
}
