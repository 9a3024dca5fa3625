//! From the table of contents to entries.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use md5::Md5;
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha512};

use crate::budget::Budget;
use crate::digest::hex;
use crate::entry::{Device, Entry, EntryPath, Fault, File, Meta, Node, name_problem};
use crate::formats::Tree;
use crate::formats::archive::packed::{Check, Method, Packed};
use crate::formats::stored::{Damaged, Ledger};
use crate::formats::xml::Element;
use crate::problem::Problem;
use crate::read::{clip, length};

/// The longest extended attribute (bytes).
const ATTRIBUTE: u64 = 64 << 10;

/// How far the heap reaches: to the end of the last thing that stands in it.
pub(super) fn heap_len(elements: &[Element<'_>]) -> u64 {
    let children = Children::new(elements);
    let holders = (0..elements.len()).filter(|&number| is_holder(elements, number));
    let ends = holders.filter_map(|number| {
        let stored = Stored::of(&children, number)?;
        stored.at.checked_add(stored.len)
    });
    ends.max().unwrap_or_default()
}

/// Whether an element says where something in the heap stands.
fn is_holder(elements: &[Element<'_>], number: usize) -> bool {
    let name = elements
        .get(number)
        .map_or(&b""[..], |element| element.name);
    matches!(
        name,
        b"data" | b"ea" | b"checksum" | b"signature" | b"x-signature"
    )
}

/// Where the checksum of the table of contents stands in the heap, and its length.
pub(super) fn table_checksum(elements: &[Element<'_>]) -> (u64, u64) {
    let children = Children::new(elements);
    let found = elements
        .iter()
        .position(|element| element.name == b"checksum");
    let stored = found.and_then(|number| Stored::of(&children, number));
    stored.map_or((0, 0), |stored| (stored.at, stored.len))
}

/// The elements, with those in each.
struct Children<'a, 'b> {
    elements: &'b [Element<'a>],
    of: BTreeMap<usize, Vec<usize>>,
}

impl<'a, 'b> Children<'a, 'b> {
    fn new(elements: &'b [Element<'a>]) -> Self {
        let mut of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, element) in elements.iter().enumerate() {
            if let Some(parent) = element.parent {
                of.entry(parent).or_default().push(number);
            }
        }
        Self { elements, of }
    }

    /// The elements in one that have this name.
    fn all<'s>(&'s self, number: usize, name: &'s str) -> impl Iterator<Item = usize> + 's {
        let children = self.of.get(&number).into_iter().flatten().copied();
        children.filter(move |&child| {
            let child = self.elements.get(child);
            child.is_some_and(|child| child.name == name.as_bytes())
        })
    }

    fn find(&self, number: usize, name: &str) -> Option<&'b Element<'a>> {
        let child = self.all(number, name).next()?;
        self.elements.get(child)
    }

    fn number(&self, number: usize, name: &str, radix: u32) -> Option<u64> {
        self.find(number, name)?.number(radix)
    }
}

/// Something in the heap.
struct Stored {
    /// Where it stands, from the heap's start, and its length (bytes).
    at: u64,
    len: u64,
    /// The length of what it holds.
    size: u64,
    encoding: Vec<u8>,
    /// The checksums of what it holds, and of its bytes as stored: the kind, and hexadecimal digits.
    unpacked: Option<(Vec<u8>, Vec<u8>)>,
    archived: Option<(Vec<u8>, Vec<u8>)>,
}

impl Stored {
    fn of(children: &Children<'_, '_>, number: usize) -> Option<Self> {
        let checksum = |name: &str| {
            let element = children.find(number, name)?;
            let kind = element.attribute("style").unwrap_or_default();
            Some((
                kind.to_ascii_lowercase(),
                element.text().to_ascii_lowercase(),
            ))
        };
        // A table's checksum and a signature have a size and an offset alone; of members `length` is what is stored.
        let size = children.number(number, "size", 10)?;
        let len = children.number(number, "length", 10).unwrap_or(size);
        let encoding = children.find(number, "encoding");
        let encoding = encoding.and_then(|element| element.attribute("style"));
        Some(Self {
            at: children.number(number, "offset", 10)?,
            len,
            size,
            encoding: encoding.unwrap_or_default(),
            unpacked: checksum("extracted-checksum"),
            archived: checksum("archived-checksum"),
        })
    }
}

/// Turns the table of contents into entries.
pub(super) struct Reading<'a> {
    pub(super) heap: Bytes,
    /// Where the heap starts, in bytes from the region's start.
    pub(super) heap_at: u64,
    /// How many stored bytes were hashed: members that share them would be work without end.
    pub(super) weighed: u64,
    pub(super) budget: &'a Budget,
    pub(super) tree: Tree,
    pub(super) ledger: Ledger,
    pub(super) problems: Vec<Problem>,
}

impl Reading<'_> {
    pub(super) fn read(&mut self, elements: &[Element<'_>]) {
        let children = Children::new(elements);
        let mut paths: BTreeMap<usize, EntryPath> = BTreeMap::new();
        // Which file is which, for hard links: they name the identifier of another.
        let mut contents: BTreeMap<Vec<u8>, File> = BTreeMap::new();
        let mut links: Vec<(usize, Vec<u8>)> = Vec::new();
        for (number, element) in elements.iter().enumerate() {
            if element.name != b"file" {
                continue;
            }
            let name = children.find(number, "name");
            let name = name.map(Element::text).unwrap_or_default();
            let parent = element.parent.and_then(|parent| paths.get(&parent));
            let path = parent.map_or_else(|| EntryPath::new(&name), |parent| parent.join(&name));
            if let Err(problem) = self.budget.spend_entry(&path, &[]) {
                self.problems.push(problem);
                break;
            }
            self.problems.extend(name_problem(&name, &path));
            paths.insert(number, path.clone());
            let node = self.node(&children, number, &path);
            let kind = children.find(number, "type");
            let link = kind.and_then(|kind| kind.attribute("link"));
            match (&node, link) {
                (Node::File(file), Some(link)) if link == b"original" => {
                    let id = element.attribute("id").unwrap_or_default();
                    contents.insert(id, file.clone());
                }
                (Node::File(_), Some(link)) => links.push((self.tree.entries.len(), link)),
                _ => {}
            }
            let meta = self.meta(&children, number, &path);
            self.tree.entries.push(Entry { path, node, meta });
        }
        for (number, link) in links {
            let Some(entry) = self.tree.entries.get_mut(number) else {
                continue;
            };
            if let Some(file) = contents.get(&link) {
                entry.node = Node::File(file.clone());
            } else {
                let detail = "a hard link to a file that is not there";
                self.problems
                    .push(Problem::corrupt(detail).about(&entry.path));
            }
        }
    }

    fn node(&mut self, children: &Children<'_, '_>, number: usize, path: &EntryPath) -> Node {
        let kind = children.find(number, "type").map(Element::text);
        let device = || {
            let device = children.all(number, "device").next().unwrap_or(number);
            let part = |name| {
                let value = children.number(device, name, 10).unwrap_or_default();
                u32::try_from(value).unwrap_or_default()
            };
            Device {
                major: part("major"),
                minor: part("minor"),
            }
        };
        match kind.as_deref() {
            Some(b"directory") => Node::Dir,
            Some(b"symlink") => {
                let target = children.find(number, "link");
                Node::Symlink(target.map(Element::text).unwrap_or_default())
            }
            Some(b"character special") => Node::Char(device()),
            Some(b"block special") => Node::Block(device()),
            Some(b"fifo") => Node::Fifo,
            Some(b"socket") => Node::Socket,
            _ => {
                let data = children.all(number, "data").next();
                let stored = data.map(|data| Stored::of(children, data));
                Node::File(match stored {
                    Some(Some(stored)) => self.file(&stored, path),
                    Some(None) => {
                        let detail = "nothing tells where the content stands";
                        self.damaged(0, Bytes::new(), Problem::corrupt(detail).about(path))
                    }
                    None => File::stored(Bytes::new()),
                })
            }
        }
    }

    /// Something in the heap, read when it is wanted.
    fn file(&mut self, stored: &Stored, path: &EntryPath) -> File {
        let at = self.heap_at.saturating_add(stored.at);
        let body = clip(&self.heap, stored.at, stored.len);
        self.ledger.content(at, length(&body));
        let told = |problem: Problem| problem.at(at).about(path);
        let size = stored.size;
        if length(&body) == stored.len
            && let Some(problem) = self.verify(stored.archived.as_ref(), &body)
        {
            self.problems.push(told(problem));
        }
        let method = match &stored.encoding[..] {
            b"" | b"application/octet-stream" => None,
            b"application/x-gzip" | b"application/zlib" => Some(Method::Zlib),
            b"application/x-bzip2" => Some(Method::Bzip2),
            b"application/x-lzma" => Some(Method::LzmaAlone),
            b"application/x-xz" => Some(Method::Xz),
            other => {
                let style = crate::place::escape(other);
                let problem = told(Problem::unsupported(format!("the encoding {style}")));
                return self.damaged(size, Bytes::new(), problem);
            }
        };
        if length(&body) < stored.len {
            let detail = format!("{} of {} stored bytes are there", body.len(), stored.len);
            let problem = told(Problem::corrupt(detail));
            let bytes = if method.is_none() { body } else { Bytes::new() };
            return self.damaged(size, bytes, problem);
        }
        let Some(method) = method else {
            if size != stored.len {
                let detail = format!("{size} bytes are stated, {} are stored", stored.len);
                return self.damaged(size, body, told(Problem::corrupt(detail)));
            }
            if stored.unpacked != stored.archived
                && let Some(problem) = self.verify(stored.unpacked.as_ref(), &body)
            {
                self.problems.push(told(problem));
            }
            return File::stored(body);
        };
        let check = match stored.unpacked.clone() {
            None => Check::None,
            Some((kind, wanted)) => match &kind[..] {
                b"sha1" => Check::Sha1(wanted),
                b"sha256" => Check::Sha256(wanted),
                b"sha512" => Check::Sha512(wanted),
                b"md5" => Check::Md5(wanted),
                other => {
                    self.problems.push(told(unknown(other)));
                    Check::None
                }
            },
        };
        File {
            size,
            data: Arc::new(Packed {
                body,
                method,
                size,
                check,
            }),
        }
    }

    /// What is wrong with bytes that have this checksum.
    fn verify(&mut self, checksum: Option<&(Vec<u8>, Vec<u8>)>, bytes: &Bytes) -> Option<Problem> {
        let (kind, wanted) = checksum?;
        self.weighed = self.weighed.saturating_add(length(bytes));
        if self.weighed > length(&self.heap).saturating_mul(2)
            && let Err(problem) = self.budget.spend_decoded(length(bytes))
        {
            return Some(problem);
        }
        match digest(kind, bytes) {
            None => Some(unknown(kind)),
            Some(found) if found.as_bytes() == wanted => None,
            Some(_) => Some(Problem::checksum(
                "the checksum of the stored bytes is another",
            )),
        }
    }

    fn damaged(&mut self, size: u64, bytes: Bytes, problem: Problem) -> File {
        self.problems.push(problem.clone());
        File {
            size,
            data: Arc::new(Damaged { bytes, problem }),
        }
    }

    fn meta(&mut self, children: &Children<'_, '_>, number: usize, path: &EntryPath) -> Meta {
        let small = |name, radix| {
            let value = children.number(number, name, radix)?;
            u32::try_from(value).ok()
        };
        let mut xattrs = BTreeMap::new();
        for attribute in children.all(number, "ea") {
            let name = children.find(attribute, "name").map(Element::text);
            let stored = Stored::of(children, attribute);
            let (Some(name), Some(stored)) = (name, stored) else {
                continue;
            };
            if stored.size > ATTRIBUTE {
                let detail = format!("an extended attribute of {} bytes", stored.size);
                self.problems.push(Problem::limit(detail).about(path));
                continue;
            }
            let file = self.file(&stored, path);
            let mut value = Vec::new();
            match file.data.copy_to(&mut value) {
                Ok(()) => drop(xattrs.insert(name, value)),
                Err(Fault::Problem(problem)) => self.problems.push(problem.about(path)),
                Err(Fault::Sink(_)) => {}
            }
        }
        let mtime = children.find(number, "mtime").map(Element::text);
        let mtime = mtime.and_then(|text| {
            let text = String::from_utf8(text).ok()?;
            text.parse::<jiff::Timestamp>().ok()
        });
        Meta {
            mode: small("mode", 8).map(|mode| mode & 0o7777),
            uid: small("uid", 10),
            gid: small("gid", 10),
            mtime: mtime.map(jiff::Timestamp::as_second),
            xattrs,
        }
    }
}

/// The problem with a kind of checksum that is not known.
fn unknown(kind: &[u8]) -> Problem {
    let kind = crate::place::escape(kind);
    Problem::unsupported(format!("the kind of the checksum is not known: {kind}"))
}

/// The hexadecimal digits of a checksum; `None` for kinds that are not known.
pub(super) fn digest(kind: &[u8], bytes: &[u8]) -> Option<String> {
    match kind {
        b"sha1" => Some(hex(&Sha1::digest(bytes))),
        b"sha256" => Some(hex(&Sha256::digest(bytes))),
        b"sha512" => Some(hex(&Sha512::digest(bytes))),
        b"md5" => Some(hex(&Md5::digest(bytes))),
        _ => None,
    }
}
