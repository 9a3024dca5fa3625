//! The summary at the end of an erase block: a list of its nodes, which Linux may trust instead of looking.
//!
//! A list that differs from the nodes shows Linux another file system than a reader of nodes sees, so it is compared.

use bytes::Bytes;

use super::body::{Damage, Dirent, Inode, Owner, Xdatum};
use super::node::{HEADER, Header, Kind, crc};
use crate::formats::Span;
use crate::problem::Problem;
use crate::read::{Endian, Fields, clip, length};

/// The last four bytes of an erase block that has a summary.
const MARKER: u32 = 0x0285_1885;
/// Length of the offset and the magic at the end of a summary, in bytes.
const MARKER_LEN: u64 = 8;

/// A node as a summary lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Where the node starts, in bytes from the region's start.
    at: u64,
    kind: Kind,
    /// Inode, directory's inode, or number of the extended attribute.
    owner: u32,
    version: u32,
    /// What a directory entry names.
    names: u32,
    name: Bytes,
    obsolete: bool,
}

impl Listed {
    pub(super) fn inode(node: &Inode) -> Self {
        Self {
            at: node.at,
            kind: Kind::Inode,
            owner: node.ino,
            version: node.version,
            names: 0,
            name: Bytes::new(),
            obsolete: node.obsolete,
        }
    }

    pub(super) fn dirent(node: &Dirent) -> Self {
        Self {
            at: node.at,
            kind: Kind::Dirent,
            owner: node.parent,
            version: node.version,
            names: node.ino,
            name: node.name.clone(),
            obsolete: node.obsolete,
        }
    }

    pub(super) fn xattr(header: &Header, datum: &Xdatum) -> Self {
        Self {
            owner: datum.xid,
            version: datum.version,
            ..Self::bare(header.at, Kind::Xattr, header.obsolete)
        }
    }

    pub(super) fn xref(header: &Header) -> Self {
        Self::bare(header.at, Kind::Xref, header.obsolete)
    }

    fn bare(at: u64, kind: Kind, obsolete: bool) -> Self {
        Self {
            at,
            kind,
            owner: 0,
            version: 0,
            names: 0,
            name: Bytes::new(),
            obsolete,
        }
    }
}

/// The summary of one erase block.
pub(super) struct Summary {
    /// Where the block starts, in bytes from the region's start; `None` where the summary does not say.
    block: Option<u64>,
    at: u64,
    nodes: Vec<Listed>,
    /// How many of the node's first bytes are fields and entries.
    pub(super) explained: u64,
}

/// Parses the summary `header` of `image`, and names its marker.
pub(super) fn parse(
    image: &Bytes,
    header: &Header,
    endian: Endian,
) -> Result<(Summary, Option<Span>), Damage> {
    let node = header.bytes(image);
    let fields = Fields::new(&node, endian);
    let damage = |what, explained| Damage {
        at: header.at,
        what,
        owner: Owner::Nobody,
        explained,
    };
    let field_sum = fields.slice(0, 24).map(crc);
    if length(&node) != header.len || field_sum.is_none() || field_sum != fields.u32(28) {
        return Err(damage("the summary's checksum does not hold", HEADER));
    }
    if fields.tail(32).map(crc) != fields.u32(24) {
        return Err(damage(
            "the checksum of the summary's entries does not hold",
            32,
        ));
    }
    let marker_at = header.len.saturating_sub(MARKER_LEN);
    let marker = clip(&node, marker_at, MARKER_LEN);
    let marker = Fields::new(&marker, endian);
    let valid = marker.u32(4) == Some(MARKER);
    let block = marker
        .u32(0)
        .filter(|_| valid)
        .and_then(|into| header.at.checked_sub(into.into()));
    let span = valid.then(|| Span::metadata(header.at.saturating_add(marker_at), MARKER_LEN));
    let mut summary = Summary {
        block,
        at: header.at,
        nodes: Vec::new(),
        explained: 32,
    };
    for _ in 0..fields.u32(12).unwrap_or_default() {
        let Some((listed, len)) = entry(&node, summary.explained, block.unwrap_or(0), endian)
        else {
            return Err(damage("the summary holds an entry of unknown type", 32));
        };
        summary.explained = summary.explained.saturating_add(len);
        summary.nodes.push(listed);
    }
    Ok((summary, span))
}

/// The entry at `at` of the summary and its length.
fn entry(node: &Bytes, at: u64, block: u64, endian: Endian) -> Option<(Listed, u64)> {
    let fields = clip(node, at, 24);
    let fields = Fields::new(&fields, endian);
    let kind = Kind::of(fields.u16(0)?);
    let place = |field: usize| Some(block.saturating_add(fields.u32(field)?.into()));
    Some(match kind {
        Kind::Inode | Kind::Xattr => {
            let listed = Listed {
                owner: fields.u32(2)?,
                version: fields.u32(6)?,
                ..Listed::bare(place(10)?, kind, false)
            };
            (listed, 18)
        }
        Kind::Dirent => {
            let len = u64::from(fields.u8(22)?);
            let listed = Listed {
                owner: fields.u32(10)?,
                version: fields.u32(14)?,
                names: fields.u32(18)?,
                name: clip(node, at.checked_add(24)?, len),
                ..Listed::bare(place(6)?, kind, false)
            };
            (listed, len.checked_add(24)?)
        }
        Kind::Xref => (Listed::bare(place(2)?, kind, false), 6),
        _ => return None,
    })
}

impl Summary {
    /// The problem, if the block's nodes (those in `nodes`, ordered by place) are not those that are listed.
    pub(super) fn compare(&self, nodes: &[Listed]) -> Option<Problem> {
        let Some(block) = self.block else {
            return Some(
                Problem::corrupt("a summary that does not say where its erase block starts")
                    .at(self.at),
            );
        };
        let from = nodes.partition_point(|node| node.at < block);
        let to = nodes.partition_point(|node| node.at < self.at);
        let there = nodes.get(from..to).unwrap_or_default();
        let mut listed: Vec<&Listed> = self.nodes.iter().collect();
        listed.sort_by_key(|node| node.at);
        let find = |at: u64, of: &[&Listed]| of.binary_search_by_key(&at, |node| node.at).ok();
        let same = |a: &Listed, b: &Listed| {
            Listed {
                obsolete: b.obsolete,
                ..a.clone()
            } == *b
        };
        let unlisted = there.iter().filter(|node| {
            let found = find(node.at, &listed).and_then(|place| listed.get(place));
            !node.obsolete && !found.is_some_and(|found| same(found, node))
        });
        let unlisted = unlisted.count();
        let there: Vec<&Listed> = there.iter().collect();
        let absent = listed
            .iter()
            .filter(|node| find(node.at, &there).is_none())
            .count();
        (unlisted > 0 || absent > 0).then(|| {
            Problem::corrupt(format!(
                "the erase block's summary, which Linux may trust, leaves out or changes {unlisted} of its nodes and lists \
                 {absent} that are not there"
            ))
            .at(self.at)
        })
    }
}
