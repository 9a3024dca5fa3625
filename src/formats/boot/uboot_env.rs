//! The U-Boot environment: a CRC-32, in a redundant pair a flag byte, then `key=value` strings.
//!
//! There is no magic number and no size. A common key betrays it; from there the start is found by walking back
//! over strings, and the size by trying the checksum at every multiple of 256 bytes. Work stays linear on
//! hostile input: runs of strings do not overlap, each is walked back from its first common key alone, and what
//! lies behind the strings is hashed far only where an environment would start in flash.

#[cfg(test)]
mod tests;

use std::ops::Range;

use bytes::Bytes;

use crate::budget::Budget;
use crate::entry::{Entry, EntryPath, File, Meta, Node, name_problem};
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span, Tree,
};
use crate::problem::Problem;
use crate::read::{Fields, clip, index};

/// The U-Boot environment.
pub(in crate::formats) struct UbootEnv;

/// The largest environment that is looked for (256 KiB).
const LARGEST: usize = 256 << 10;

/// Sizes that are tried are multiples of this (bytes).
const STEP: usize = 256;

/// Environments in flash start at multiples of this (bytes).
const SECTOR: u64 = 512;

/// How far before a common key the first variable may stand (bytes).
const BACK: usize = 8 << 10;

macro_rules! keys {
    ($($key:literal),* $(,)?) => { &[$(Magic { bytes: $key, at: 4 }),*] };
}

/// Keys that nearly every environment has one of.
const KEYS: &[Magic] = keys![
    b"baudrate=",
    b"bootargs=",
    b"bootcmd=",
    b"bootdelay=",
    b"bootfile=",
    b"ethact=",
    b"ethaddr=",
    b"fdt_addr=",
    b"ipaddr=",
    b"loadaddr=",
    b"mtdparts=",
    b"serverip=",
    b"stdin=",
    b"stdout=",
];

impl Format for UbootEnv {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "uboot-env",
            title: "U-Boot environment",
            kind: Kind::Boot,
            spec: "U-Boot include/env_internal.h, struct environment_s; tools/mkenvimage.c",
            reads: "single and redundant environments up to 256 KiB, CRC in either byte order",
            verifies: "CRC-32; it also tells the size",
            limits: &[
                "sizes that are no multiple of 256 bytes, unless the stream ends there",
                "values with bytes other than ASCII text, tabs and line ends",
                "environments without any common key, such as bootcmd or baudrate",
                "at offsets that are no multiple of 512: those with anything but fill behind the strings",
                "a key with a slash becomes a path of several components",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        KEYS
    }

    fn locate(&self, stream: &Bytes, _magic: &Magic, hit: u64) -> Option<u64> {
        let run = run_start(stream, index(hit))?;
        // Up to 4 bytes of the CRC may look like text, and a flag byte may stand before the run.
        let first = run.saturating_sub(5);
        // An environment whose checksum holds, with nothing but fill behind the strings, may start anywhere.
        let holds = |&at: &usize| {
            let rest = clip(stream, u64::try_from(at).unwrap_or(u64::MAX), u64::MAX);
            Strings::all(&rest).any(|strings| {
                let fill = fill_end(&rest, strings.end);
                strings.size(rest.get(..fill).unwrap_or_default()).is_some()
            })
        };
        // Others are measured only where they would start in flash.
        let in_flash = |at: &usize| u64::try_from(*at).is_ok_and(|at| at.is_multiple_of(SECTOR));
        let found = (first..=run).find(holds).or((first..=run).find(in_flash))?;
        u64::try_from(found).ok()
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        if let Some(size) = Strings::all(rest).find_map(|strings| strings.size(rest)) {
            return Ok(Extent::known(size, Proof::Checksum));
        }
        let strings = Strings::all(rest).next();
        let strings = strings.ok_or(Reject::Coincidence("no list of variables"))?;
        // The default environment inside a U-Boot has no checksum and other data behind it.
        let like_one = strings.variables.len() >= 5
            && strings.keys(rest).any(|key| key == b"bootcmd")
            && strings
                .end
                .checked_next_multiple_of(STEP)
                .is_some_and(|end| fill_end(rest, strings.end) >= end);
        Err(if like_one {
            Reject::NearMiss("a U-Boot environment whose CRC-32 fits no size up to 256 KiB")
        } else {
            Reject::Coincidence("variables without a checksum")
        })
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let fits = |strings: &Strings| strings.fits(&region);
        let sound = Strings::all(&region).find(fits);
        let checked = sound.is_some();
        let Some(strings) = sound.or_else(|| Strings::all(&region).next()) else {
            return Opened::unread(Problem::corrupt("the list of variables is cut off"));
        };
        let mut problems = Vec::new();
        let mut tree = Tree::default();
        for variable in &strings.variables {
            if let Err(problem) = budget.spend_entries(1) {
                problems.push(problem);
                break;
            }
            let key = region
                .get(variable.start..variable.equals)
                .unwrap_or_default();
            let path = EntryPath::new(key);
            problems.extend(name_problem(key, &path));
            let value = region.slice(variable.equals.saturating_add(1)..variable.end);
            tree.entries.push(Entry {
                path,
                node: Node::File(File::stored(value)),
                meta: Meta::default(),
            });
        }
        if !checked {
            problems.push(Problem::checksum(
                "the CRC-32 is not that of the environment",
            ));
        }
        let head = u64::try_from(strings.start).unwrap_or_default();
        let end = u64::try_from(strings.end).unwrap_or_default();
        Opened {
            content: Content::Tree(tree),
            spans: vec![
                Span::metadata(0, head),
                Span::content(head, end.saturating_sub(head)),
            ],
            problems,
            properties: Properties::new(),
        }
    }
}

/// One `key=value`, in bytes from the region's start.
struct Variable {
    start: usize,
    equals: usize,
    end: usize,
}

/// The strings behind the checksum.
struct Strings {
    /// The stored CRC-32 in both byte orders.
    crcs: [u32; 2],
    /// Where the strings start: 4, or 5 behind a flag byte (bytes from the region's start).
    start: usize,
    /// The end of the NUL that ends the list.
    end: usize,
    variables: Vec<Variable>,
}

impl Strings {
    /// The strings with and without a flag byte before them. The flag counts up, so it may look like text.
    fn all(bytes: &[u8]) -> impl Iterator<Item = Self> {
        [4, 5]
            .into_iter()
            .filter_map(|start| Self::parse(bytes, start))
    }

    fn parse(bytes: &[u8], start: usize) -> Option<Self> {
        let crcs = [Fields::little(bytes).u32(0)?, Fields::big(bytes).u32(0)?];
        let bytes = bytes.get(..LARGEST).unwrap_or(bytes);
        let mut variables = Vec::new();
        let mut at = start;
        while *bytes.get(at)? != 0 {
            let Range { start, end } = string(bytes, at)?;
            let equals = bytes
                .get(start..end)?
                .iter()
                .position(|&byte| byte == b'=')?;
            variables.push(Variable {
                start,
                equals: start.checked_add(equals).filter(|_| equals > 0)?,
                end,
            });
            at = end.checked_add(1)?;
        }
        (!variables.is_empty()).then_some(Self {
            crcs,
            start,
            end: at.checked_add(1)?,
            variables,
        })
    }

    fn keys<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.variables
            .iter()
            .filter_map(|variable| bytes.get(variable.start..variable.equals))
    }

    /// Whether the checksum is that of the whole of `bytes`.
    fn fits(&self, bytes: &[u8]) -> bool {
        let covered = bytes.get(self.start..).unwrap_or_default();
        self.crcs.contains(&crc32fast::hash(covered))
    }

    /// The size of the environment in bytes: the first one at which the checksum holds.
    fn size(&self, bytes: &[u8]) -> Option<u64> {
        let bytes = bytes.get(..LARGEST).unwrap_or(bytes);
        let mut hasher = crc32fast::Hasher::new();
        let mut at = self.start;
        let mut size = self.end.checked_next_multiple_of(STEP)?;
        loop {
            let next = size.min(bytes.len());
            hasher.update(bytes.get(at..next)?);
            if next >= self.end && self.crcs.contains(&hasher.clone().finalize()) {
                return u64::try_from(next).ok();
            }
            if next < size || next == bytes.len() {
                return None;
            }
            (at, size) = (next, size.checked_add(STEP)?);
        }
    }
}

/// Whether a byte can stand in a variable.
fn text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

/// The string at `at`, without its NUL.
fn string(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let tail = bytes.get(at..)?;
    let len = tail.iter().position(|&byte| !text(byte))?;
    let end = at.checked_add(len)?;
    (bytes.get(end) == Some(&0)).then_some(at..end)
}

/// The end of the fill behind the strings: zeros, then erased flash.
fn fill_end(bytes: &[u8], from: usize) -> usize {
    let bytes = bytes.get(..LARGEST).unwrap_or(bytes);
    let run = |from: usize, fill: u8| {
        let tail = bytes.get(from..).unwrap_or_default();
        from.saturating_add(tail.iter().take_while(|&&byte| byte == fill).count())
    };
    run(run(from, 0), 0xff)
}

/// How many bytes of checksum and flag before the first variable may look like text.
const LEAD: usize = 5;

/// Where the strings around a common key start; `None` when an earlier common key of the same run will tell.
fn run_start(stream: &[u8], hit: usize) -> Option<usize> {
    let least = hit.saturating_sub(BACK);
    let before = |from: usize, end: usize| {
        let other = stream.get(from..end)?.iter().rposition(|&byte| !text(byte));
        Some(other.map_or(from, |at| from.saturating_add(at).saturating_add(1)))
    };
    // Further into a string, it is part of a value.
    let near = hit.saturating_sub(LEAD.saturating_add(1));
    let mut start = before(near, hit)?;
    if hit.saturating_sub(start) > LEAD {
        return None;
    }
    loop {
        let Some(end) = start.checked_sub(1) else {
            return Some(start);
        };
        if end <= least && least > 0 {
            return None;
        }
        let previous = before(least, end)?;
        let string = stream.get(previous..end)?;
        if stream.get(end) != Some(&0) || !string.contains(&b'=') {
            return Some(start);
        }
        let common = |skip: usize| {
            let string = string.get(skip..).unwrap_or_default();
            KEYS.iter().any(|key| string.starts_with(key.bytes))
        };
        if (0..=LEAD).any(common) {
            return None;
        }
        start = previous;
    }
}
