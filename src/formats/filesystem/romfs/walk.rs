//! Directories and files, from the root down, without following a header twice.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{name, sums_to_zero};
use crate::budget::Budget;
use crate::entry::{Device, Entry, EntryPath, File, Meta, Node};
use crate::formats::Span;
use crate::formats::stored::Damaged;
use crate::problem::{Problem, ProblemKind};
use crate::read::{Fields, clip, cut, index, length};

/// No path is longer than Linux takes one, in bytes.
const LONGEST_PATH: usize = 4096;
/// The length of a header without its name, in bytes.
const FIXED: u64 = 16;

const HARD_LINK: u32 = 0;
const DIRECTORY: u32 = 1;

/// A walk over an image.
pub(super) struct Walk<'a> {
    region: &'a Bytes,
    pub(super) spans: Vec<Span>,
    pub(super) problems: Vec<Problem>,
    /// What stands at each header, and the first path to it.
    made: BTreeMap<u64, (EntryPath, Node, Meta)>,
    /// Hard links, and the header that each means.
    links: Vec<(EntryPath, u64)>,
}

/// A file header.
struct Header<'a> {
    at: u64,
    /// Where the next header of the directory stands; 0 behind the last.
    next: u64,
    kind: u32,
    /// What it means depends on the type.
    info: u32,
    size: u32,
    name: &'a [u8],
    /// Where the content starts.
    data: u64,
}

impl<'a> Header<'a> {
    fn parse(bytes: &'a [u8], at: u64) -> Option<Self> {
        let fields = Fields::big(bytes.get(index(at)..)?);
        let word = fields.u32(0)?;
        let (name, data) = name(bytes, at.checked_add(FIXED)?)?;
        Some(Self {
            at,
            next: u64::from(word & !0xf),
            kind: word & 7,
            info: fields.u32(4)?,
            size: fields.u32(8)?,
            name,
            data,
        })
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(region: &'a Bytes, problems: Vec<Problem>) -> Self {
        Self {
            region,
            spans: Vec::new(),
            problems,
            made: BTreeMap::new(),
            links: Vec::new(),
        }
    }

    /// Every entry. The root has no header of its own but the entry `.` in itself.
    pub(super) fn run(&mut self, root: u64, budget: &Budget) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![(root, EntryPath::root())];
        'directories: while let Some((first, directory)) = open.pop() {
            let mut at = first;
            while at != 0 {
                if !seen.insert(at) {
                    let detail = "a header that already stands in a directory; not read again";
                    let problem = Problem::corrupt(detail).at(at);
                    self.problems.push(problem.about(&directory));
                    break;
                }
                let Some(header) = Header::parse(self.region, at) else {
                    let problem = Problem::corrupt("a file header is cut off").at(at);
                    self.problems.push(problem.about(&directory));
                    break;
                };
                if let Err(limit) = budget.spend_entry(&directory, header.name) {
                    self.problems.push(limit);
                    break 'directories;
                }
                at = header.next;
                let before = entries.len();
                if let Some((path, below)) = self.header(&header, &directory) {
                    entries.extend(self.entry(&header, path.clone()));
                    open.extend(below.map(|below| (below, path)));
                }
                if let Err(limit) = budget.spend_attached(&entries, before) {
                    self.problems.push(limit);
                    break 'directories;
                }
            }
        }
        entries.extend(self.linked(budget));
        entries
    }

    /// Checks a header and finds its path, and where the directory that it is starts.
    fn header(
        &mut self,
        header: &Header<'_>,
        directory: &EntryPath,
    ) -> Option<(EntryPath, Option<u64>)> {
        let len = header.data.saturating_sub(header.at);
        self.spans.push(Span::metadata(header.at, len));
        let is_root = header.name == b"." && *directory == EntryPath::root();
        let path = if is_root {
            directory.clone()
        } else {
            directory.join(header.name)
        };
        if !sums_to_zero(self.region, header.at, len) {
            let problem = Problem::checksum("the header's checksum does not hold");
            self.problems.push(problem.at(header.at).about(&path));
        }
        if is_root {
            // Its first header is where this one stands.
            return Some((path, None));
        }
        // Every other `.` and `..` is a hard link to a directory.
        if matches!(header.name, b"." | b"..") && header.kind == HARD_LINK {
            return None;
        }
        if header.name.contains(&b'/') || matches!(header.name, b"" | b"." | b"..") {
            let detail = "a name that no program can have made: empty, `.`, `..`, or with `/`";
            let problem = Problem::new(ProblemKind::Name, detail).at(header.at);
            self.problems.push(problem.about(&path));
        }
        if header.name.is_empty() || path.as_bytes().len() > LONGEST_PATH {
            let detail =
                "an entry without a name, or with a path of more than 4096 bytes, is not read";
            let problem = Problem::limit(detail).at(header.at);
            self.problems.push(problem.about(directory));
            return None;
        }
        let below = (header.kind == DIRECTORY).then_some(u64::from(header.info & !0xf));
        Some((path, below.filter(|&below| below != 0)))
    }

    /// The entry of a header, unless it is a hard link: those wait for what they mean.
    fn entry(&mut self, header: &Header<'_>, path: EntryPath) -> Option<Entry> {
        let node = match header.kind {
            HARD_LINK => {
                self.links.push((path, header.info.into()));
                return None;
            }
            DIRECTORY => Node::Dir,
            2 => Node::File(self.file(header)),
            3 => Node::Symlink(self.target(header, &path)?),
            4 => Node::Block(device(header.info)),
            5 => Node::Char(device(header.info)),
            6 => Node::Socket,
            _ => Node::Fifo,
        };
        // The one bit that the format keeps of a mode says nothing exact enough to be one.
        let meta = Meta::default();
        let made = (path.clone(), node.clone(), meta.clone());
        self.made.insert(header.at, made);
        Some(Entry { path, node, meta })
    }

    fn file(&mut self, header: &Header<'_>) -> File {
        let size = u64::from(header.size);
        let content = clip(self.region, header.data, size);
        self.spans
            .push(Span::content(header.data, length(&content)));
        if length(&content) == size {
            return File::stored(content);
        }
        let detail = format!("{} of {size} bytes are there", content.len());
        let problem = Problem::corrupt(detail).at(header.data);
        File {
            size,
            data: std::sync::Arc::new(Damaged {
                bytes: content,
                problem,
            }),
        }
    }

    fn target(&mut self, header: &Header<'_>, path: &EntryPath) -> Option<Vec<u8>> {
        let target = cut(self.region, header.data, header.size.into());
        let Some(target) = target.filter(|target| target.len() <= LONGEST_PATH) else {
            let problem = Problem::corrupt("the link's target is cut off, or too long");
            self.problems.push(problem.at(header.data).about(path));
            return None;
        };
        let len = header.size.into();
        self.spans.push(Span::content(header.data, len));
        Some(target.to_vec())
    }

    /// The entries of the hard links.
    fn linked(&mut self, budget: &Budget) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (path, meant) in std::mem::take(&mut self.links) {
            match self.made.get(&(meant & !0xf)) {
                Some((_, Node::Dir, _)) | None => {
                    let detail = "a hard link to what is no file";
                    self.problems
                        .push(Problem::corrupt(detail).at(meant).about(&path));
                }
                Some((_, node, meta)) => entries.push(Entry {
                    path,
                    node: node.clone(),
                    meta: meta.clone(),
                }),
            }
            let newest = entries.len().saturating_sub(1);
            if let Err(limit) = budget.spend_attached(&entries, newest) {
                self.problems.push(limit);
                break;
            }
        }
        entries
    }
}

/// Device numbers have 16 bits each.
fn device(info: u32) -> Device {
    Device {
        major: info >> 16,
        minor: info & 0xffff,
    }
}
