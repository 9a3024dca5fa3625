//! The flattened device tree, which device tree blobs and FIT images share: a header, memory reservations, a block of
//! structure and a block of strings, all big-endian.
//!
//! What is named are the header, the reservations up to the entry that ends them, the tokens up to the one that ends
//! the tree, and the strings that some property uses. Anything else, between the blocks or behind them, is nobody's.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::formats::stored::Ledger;
use crate::formats::told::Problems;
use crate::formats::{Reject, Span};
use crate::problem::Problem;
use crate::read::{Fields, index};

/// What every blob starts with.
pub(super) const MAGIC: [u8; 4] = [0xd0, 0x0d, 0xfe, 0xed];

/// Nodes may be nested so deep, as in Linux.
const DEPTH: usize = 64;

/// The longest name of a property (bytes); the specification has 31.
const NAME: usize = 256;

/// The longest name of a node (bytes): up to version 15 it is a path.
const NODE_NAME: usize = 4096;

/// So many bytes of a value are shown.
const SHOWN: usize = 4096;

/// So many memory reservations a blob may have. Linux itself has room for fewer.
const RESERVATIONS: usize = 1024;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// The header of a blob.
pub(super) struct Header {
    /// The length of the blob in bytes.
    pub(super) total: u64,
    /// The version of the layout, 1 to 17.
    pub(super) version: u32,
    /// The processor that boots, where the version has it.
    pub(super) boot_cpu: Option<u32>,
    /// Where the blocks stand (bytes from the blob's start). Before version 17 (structure) and 3 (strings) only their
    /// starts are stated: they reach to the blob's end.
    structure: Range<usize>,
    strings: Range<usize>,
    reservations: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`, and looks at the first and, where its place is stated, the last token.
    ///
    /// # Errors
    /// [`Reject::NearMiss`] when nearly everything is as in a blob.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Reject> {
        let (header, signs) =
            Self::read(bytes).ok_or(Reject::Coincidence("no device tree header"))?;
        match signs.iter().filter(|&&sign| !sign).count() {
            0 => Ok(header),
            1 | 2 => Err(Reject::NearMiss("a device tree whose header does not hold")),
            _ => Err(Reject::Coincidence("no device tree header")),
        }
    }

    /// The fields, and which signs of a blob they show.
    fn read(bytes: &[u8]) -> Option<(Self, [bool; 8])> {
        let fields = Fields::big(bytes);
        let word = |at: usize| Some(index(u64::from(fields.u32(at)?)));
        let total = fields.u32(4)?;
        let (structure, strings, reservations) = (word(8)?, word(12)?, word(16)?);
        let (version, compatible) = (fields.u32(20)?, fields.u32(24)?);
        let whole = index(total.into());
        let end = |from: usize, at: usize, since: u32| {
            if version < since {
                return Some(whole);
            }
            from.checked_add(word(at)?)
        };
        let (structure_end, strings_end) = (end(structure, 36, 17)?, end(strings, 32, 3)?);
        let first = fields.u32(structure);
        let last = fields.u32(structure_end.saturating_sub(4));
        // Where the blob is cut off, its end shows nothing.
        let ends = version < 17 || last == Some(END) || structure_end > bytes.len();
        let signs = [
            (1..=17).contains(&compatible) && compatible <= version,
            version <= 255,
            structure.is_multiple_of(4) && structure >= header_len(version),
            structure_end > structure && structure_end <= whole,
            strings_end >= strings && strings_end <= whole && strings >= header_len(version),
            reservations >= header_len(version) && reservations < whole,
            first == Some(BEGIN_NODE),
            ends,
        ];
        let header = Self {
            total: total.into(),
            version,
            boot_cpu: fields.u32(28).filter(|_| version >= 2),
            structure: structure..structure_end,
            strings: strings..strings_end,
            reservations,
        };
        Some((header, signs))
    }

    /// The tokens of the blob in `bytes`, one after another.
    pub(super) fn walk<'a>(&self, bytes: &'a [u8]) -> Walk<'a> {
        let bytes = bytes.get(..index(self.total)).unwrap_or(bytes);
        Walk {
            bytes,
            version: self.version,
            start: self.structure.start,
            at: self.structure.start,
            structure: bytes.get(..self.structure.end).unwrap_or(bytes),
            strings: self.strings.clone(),
            used: BTreeSet::new(),
            open: Vec::new(),
            rooted: false,
            ledger: Ledger::default(),
            problems: Problems::default(),
            nameless: false,
            done: false,
        }
    }

    /// What is explained of the blob when its tokens were read, and what was wrong with it.
    pub(super) fn account(&self, walk: Walk<'_>) -> (Vec<Span>, Vec<Problem>) {
        let Walk {
            bytes,
            used,
            mut ledger,
            mut problems,
            ..
        } = walk;
        let at = |at: usize| u64::try_from(at).unwrap_or(u64::MAX);
        ledger.metadata(0, at(header_len(self.version)));
        for offset in used {
            let start = self.strings.start.saturating_add(offset);
            let len = string(bytes, start, NAME).map_or(0, |string| string.len().saturating_add(1));
            ledger.metadata(at(start), at(len));
        }
        let reservations = bytes.get(self.reservations..).unwrap_or_default();
        let mut entries = reservations.as_chunks::<16>().0.iter().take(RESERVATIONS);
        if let Some(last) = entries.position(|entry| *entry == [0; 16]) {
            let len = last.saturating_add(1).saturating_mul(16);
            ledger.metadata(at(self.reservations), at(len));
        } else {
            let problem = Problem::corrupt("the list of memory reservations has no end");
            problems.push(problem.at(at(self.reservations)));
        }
        (ledger.into_spans(), problems.into_vec())
    }
}

/// The length of the header in bytes.
fn header_len(version: u32) -> usize {
    match version {
        ..=1 => 28,
        2 => 32,
        3..=16 => 36,
        17.. => 40,
    }
}

/// A string shorter than `most` bytes, without its NUL.
fn string(bytes: &[u8], at: usize, most: usize) -> Option<&[u8]> {
    let tail = bytes.get(at..)?;
    let tail = tail.get(..most).unwrap_or(tail);
    tail.get(..memchr::memchr(0, tail)?)
}

/// What a tree is made of.
pub(super) enum Event<'a> {
    /// A node starts; its name without the path that old versions put before it, and empty for the root.
    Node(&'a [u8]),
    /// A property of the node that started last and has not ended.
    Property(Property<'a>),
    /// The node ends that started last.
    End,
}

/// A property.
pub(super) struct Property<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    /// Where its value stands (bytes from the blob's start).
    pub(super) at: u64,
}

impl<'a> Property<'a> {
    /// The first 4 bytes as a number.
    pub(super) fn number(&self) -> Option<u32> {
        Fields::big(self.value).u32(0)
    }

    /// Its strings, one after another, as far as they are shown.
    pub(super) fn strings(&self) -> impl Iterator<Item = &'a [u8]> {
        let value = self.value.get(..SHOWN).unwrap_or(self.value);
        let value = value.strip_suffix(b"\0").unwrap_or(value);
        value.split(|&byte| byte == 0)
    }

    /// Its strings with a comma between them.
    pub(super) fn text(&self) -> Vec<u8> {
        self.strings().collect::<Vec<_>>().join(&b", "[..])
    }
}

/// Reads the tokens of a blob, names their bytes and keeps in mind which strings they use.
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    /// The bytes up to the end of the structure.
    structure: &'a [u8],
    version: u32,
    start: usize,
    at: usize,
    strings: Range<usize>,
    /// The strings that are used, in bytes from the start of their block.
    used: BTreeSet<usize>,
    /// The nodes that have not ended, from the root down: the names in each of its properties, and of the nodes below it.
    open: Vec<Names<'a>>,
    /// Whether the root was read.
    rooted: bool,
    ledger: Ledger,
    problems: Problems,
    /// Whether it was told that a property has no name.
    nameless: bool,
    done: bool,
}

/// The names in a node.
#[derive(Default)]
struct Names<'a> {
    properties: BTreeSet<&'a [u8]>,
    nodes: BTreeSet<&'a [u8]>,
}

impl<'a> Walk<'a> {
    /// The next token; `None` at the end of the tree, or where it is damaged.
    pub(super) fn next(&mut self) -> Option<Event<'a>> {
        while !self.done {
            let at = self.at;
            let Some(token) = self.number() else {
                return self.stop("the structure ends too early");
            };
            match token {
                NOP => {}
                BEGIN_NODE if self.open.len() >= DEPTH => {
                    let detail = format!("nodes nested more than {DEPTH} deep are not read");
                    self.problems
                        .push(Problem::unsupported(detail).at(place(at)));
                    self.done = true;
                }
                BEGIN_NODE if self.open.is_empty() && self.rooted => {
                    self.at = at;
                    return self.stop("a second root, which no reader looks at");
                }
                BEGIN_NODE => return self.node(),
                END_NODE if self.open.pop().is_some() => return Some(Event::End),
                PROPERTY if !self.open.is_empty() => match self.property() {
                    None => return self.stop("a property reaches past the structure"),
                    Some(property) if self.is_first(&property) => {
                        return Some(Event::Property(property));
                    }
                    Some(_) => {}
                },
                END if self.open.is_empty() => self.done = true,
                _ => {
                    self.at = at;
                    return self.stop("no token stands where one should");
                }
            }
        }
        None
    }

    fn stop(&mut self, what: &str) -> Option<Event<'a>> {
        self.problems
            .push(Problem::corrupt(what).at(place(self.at)));
        self.done = true;
        None
    }

    fn node(&mut self) -> Option<Event<'a>> {
        let at = self.at;
        let tail = self.structure.get(at..).unwrap_or_default();
        let Some(name) = string(tail, 0, NODE_NAME) else {
            return self.stop("the name of a node has no end");
        };
        self.name(name.len().saturating_add(1));
        let last = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
        if let Some(above) = self.open.last_mut()
            && !above.nodes.insert(last)
        {
            let detail = "a node of this name stands here twice; boot loaders find the first";
            self.problems.push(Problem::corrupt(detail).at(place(at)));
        }
        self.rooted = true;
        self.open.push(Names::default());
        Some(Event::Node(last))
    }

    /// Whether no property of this name stands before it in its node: readers find the first and no other. Names its bytes then.
    fn is_first(&mut self, property: &Property<'a>) -> bool {
        let node = self.open.last_mut();
        // One without a name was told already.
        let first = property.name.is_empty()
            || node.is_some_and(|node| node.properties.insert(property.name));
        if first {
            self.explain(property.at, property.value.len());
        } else {
            let detail = "a property of this name stands in its node twice; readers take the first";
            let problem = Problem::corrupt(detail).at(property.at);
            self.problems.push(problem);
        }
        first
    }

    fn number(&mut self) -> Option<u32> {
        let number = Fields::big(self.structure).u32(self.at)?;
        self.name(4);
        Some(number)
    }

    /// Goes past `len` bytes and names them.
    fn name(&mut self, len: usize) {
        self.explain(place(self.at), len);
        self.pass(len);
    }

    /// Goes past `len` bytes, to the next multiple of 4.
    fn pass(&mut self, len: usize) {
        let end = self.at.saturating_add(len);
        self.at = end.checked_next_multiple_of(4).unwrap_or(end);
    }

    /// Names `len` bytes, and the padding to the next multiple of 4 where it is zero.
    fn explain(&mut self, at: u64, len: usize) {
        let end = at.saturating_add(place(len));
        let padded = end.checked_next_multiple_of(4).unwrap_or(end);
        self.ledger.metadata(at, place(len));
        self.ledger.padding(self.structure, end..padded);
    }

    fn property(&mut self) -> Option<Property<'a>> {
        let len = index(self.number()?.into());
        let offset = index(self.number()?.into());
        // Before version 16, values of 8 bytes and more are aligned to 8.
        let unaligned = !self.at.saturating_sub(self.start).is_multiple_of(8);
        if self.version < 16 && len >= 8 && unaligned {
            let end = self.at.saturating_add(4);
            self.ledger
                .padding(self.structure, place(self.at)..place(end));
            self.at = end;
        }
        let at = self.at;
        let value = self.structure.get(at..at.checked_add(len)?)?;
        self.pass(len);
        let name = self.property_name(offset);
        if name.is_none() && !self.nameless {
            self.nameless = true;
            let problem = Problem::corrupt("the name of a property is not among the strings");
            self.problems.push(problem.at(place(at)));
        }
        Some(Property {
            name: name.unwrap_or_default(),
            value,
            at: place(at),
        })
    }

    fn property_name(&mut self, offset: usize) -> Option<&'a [u8]> {
        let strings = self.bytes.get(self.strings.clone())?;
        let name = string(strings, offset, NAME)?;
        self.used.insert(offset);
        Some(name)
    }
}

/// How deep a walk may look for a node before it is told to give up (tokens).
const PATIENCE: usize = 1024;

/// Whether the root of a blob has this node, as far as its first tokens tell.
pub(super) fn has_node(header: &Header, bytes: &[u8], wanted: &[u8]) -> bool {
    let mut walk = header.walk(bytes);
    for _ in 0..PATIENCE {
        match walk.next() {
            Some(Event::Node(name)) if walk.open.len() == 2 && name == wanted => return true,
            Some(_) => {}
            None => return false,
        }
    }
    false
}

fn place(at: usize) -> u64 {
    u64::try_from(at).unwrap_or(u64::MAX)
}
