//! romfs, the smallest file system of Linux: read-only, big-endian, headers in steps of 16 bytes.
//!
//! A file header holds no mode but one bit for "executable", no owner and no time. Its last four bits say what it is and
//! the rest of that word where the next header of the directory stands.

#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use self::walk::Walk;
use crate::budget::Budget;
use crate::formats::words::word_sum;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span, Tree,
};
use crate::problem::Problem;
use crate::read::{Endian, Fields, index, length};

/// romfs.
pub(in crate::formats) struct Romfs;

/// How many bytes the checksum of the superblock covers, at most.
const SUMMED: u64 = 512;

impl Format for Romfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "romfs",
            title: "romfs",
            kind: Kind::Filesystem,
            spec: "Linux Documentation/filesystems/romfs.rst, fs/romfs",
            reads: "all eight types, hard links, any alignment",
            verifies: "the checksums of the superblock and of each file header; there is none of contents",
            limits: &["the bit that says that a file is executable is no mode, and is not shown"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"-rom1fs-",
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let head = Super::parse(rest).ok_or(Reject::Coincidence("no romfs superblock"))?;
        let whole = length(rest) >= head.size.min(SUMMED);
        if !whole {
            return Ok(Extent::known(head.size, Proof::Magic));
        }
        if head.size < head.root || !sums_to_zero(rest, 0, head.size.min(SUMMED)) {
            return Err(Reject::NearMiss(
                "a superblock whose checksum does not hold",
            ));
        }
        Ok(Extent::known(head.size, Proof::Checksum))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(head) = Super::parse(&region) else {
            return Opened::unread(Problem::corrupt("the superblock is cut off"));
        };
        let mut problems = Vec::new();
        if length(&region) < head.size {
            let detail = format!("{} of {} bytes are there", region.len(), head.size);
            problems.push(Problem::corrupt(detail).at(length(&region)));
        }
        let mut properties = Properties::new();
        properties.set("volume", head.volume.to_vec());
        let mut walk = Walk::new(&region, problems);
        walk.spans.push(Span::metadata(0, head.root));
        let entries = walk.run(head.root, budget);
        Opened {
            content: Content::Tree(Tree {
                entries,
                history: Vec::new(),
            }),
            spans: walk.spans,
            problems: walk.problems,
            properties,
        }
    }
}

/// The superblock.
struct Super<'a> {
    /// The length of the image in bytes, as it states it.
    size: u64,
    volume: &'a [u8],
    /// Where the first header of the root directory stands, in bytes from the start.
    root: u64,
}

impl<'a> Super<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let fields = Fields::big(bytes);
        let (volume, root) = name(bytes, 16)?;
        (fields.slice(0, 8)? == b"-rom1fs-").then_some(Self {
            size: fields.u32(8)?.into(),
            volume,
            root,
        })
    }
}

/// The name at `at`, and where the next step of 16 bytes behind its zero byte starts.
fn name(bytes: &[u8], at: u64) -> Option<(&[u8], u64)> {
    /// No name is longer, in bytes: Linux reads as many.
    const LONGEST: u64 = 4096;
    let end = at.checked_add(LONGEST)?.min(length(bytes));
    let room = bytes.get(index(at)..index(end))?;
    let name = room.get(..memchr::memchr(0, room)?)?;
    let after = at.checked_add(length(name))?.checked_add(1)?;
    Some((name, after.checked_next_multiple_of(16)?))
}

/// Whether the big-endian words of `len` bytes from `at` add up to zero, as romfs makes them.
fn sums_to_zero(bytes: &[u8], at: u64, len: u64) -> bool {
    let covered = bytes.get(index(at)..index(at.saturating_add(len)));
    covered.is_some_and(|covered| word_sum(covered, Endian::Big) == 0)
}
