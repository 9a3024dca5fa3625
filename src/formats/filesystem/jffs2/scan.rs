//! The pass over a whole region: every node is parsed and checked, every byte that is explained is named.

use bytes::Bytes;

use super::body::{self, Damage, Dirent, Inode, Owner, Xdatum, Xref};
use super::node::{Compat, Dialect, HEADER, Header, Kind, OLD_MAGIC};
use super::summary::{self, Listed, Summary};
use super::walk::{Blocks, Piece, Walk};
use crate::formats::Span;
use crate::formats::told::Problems;
use crate::problem::Problem;
use crate::read::{Fields, clip, index, length};

/// Linux takes an erase block for empty whose first so many bytes are erased, but for a cleanmarker.
const LOOKED_AT: u64 = 256;

/// What stands in a region.
pub(super) struct Scan {
    pub(super) inodes: Vec<Inode>,
    pub(super) dirents: Vec<Dirent>,
    pub(super) xdata: Vec<Xdatum>,
    pub(super) xrefs: Vec<Xref>,
    pub(super) damages: Vec<Damage>,
    pub(super) spans: Vec<Span>,
    pub(super) problems: Problems,
    /// Every sound node that a summary must list, in the order of the region.
    listed: Vec<Listed>,
    summaries: Vec<Summary>,
}

impl Scan {
    /// Scans `image`.
    pub(super) fn new(image: &Bytes, dialect: Dialect) -> Self {
        let mut blocks = Blocks::default();
        for piece in Walk::new(image, dialect) {
            if let Piece::Node(header) = piece {
                blocks.learn(&header);
            }
        }
        let mut scan = Self {
            inodes: Vec::new(),
            dirents: Vec::new(),
            xdata: Vec::new(),
            xrefs: Vec::new(),
            damages: Vec::new(),
            spans: Vec::new(),
            problems: Problems::default(),
            listed: Vec::new(),
            summaries: Vec::new(),
        };
        if dialect.magic == OLD_MAGIC {
            scan.problems.push(Problem::unsupported(
                "the nodes have the magic 0x1984 of 2001, which Linux refuses; they are read as those with 0x1985",
            ));
        }
        let mut hidden = Hidden::default();
        for piece in Walk::new(image, dialect) {
            match piece {
                Piece::Node(header) if hidden.is(&blocks, &header) => {
                    scan.skip_hidden(&hidden, &header);
                }
                Piece::Node(header) => scan.take(image, &header, dialect),
                Piece::Erased(start, end) => hidden.erased = Some((start, end)),
                Piece::Junk(start, end, headed) => scan.junk(image, start, end, headed, dialect),
            }
        }
        for summary in &scan.summaries {
            if let Some(problem) = summary.compare(&scan.listed) {
                scan.problems.push(problem);
            }
        }
        scan
    }

    fn take(&mut self, image: &Bytes, header: &Header, dialect: Dialect) {
        let endian = dialect.endian;
        if header.end() > length(image) {
            self.problems
                .push(Problem::corrupt("the image ends within a node").at(header.at));
        }
        let before = self.damages.len();
        let explained = match header.kind {
            Kind::Inode => self.settle(body::inode(image, header, endian), |scan, inode| {
                scan.listed.push(Listed::inode(&inode));
                scan.inodes.push(inode);
                Kind::Inode.fixed()
            }),
            Kind::Dirent => self.settle(body::dirent(image, header, endian), |scan, dirent| {
                let named = length(&dirent.name).saturating_add(40);
                scan.listed.push(Listed::dirent(&dirent));
                scan.dirents.push(dirent);
                named
            }),
            Kind::Xattr => self.settle(body::xdatum(image, header, endian), |scan, datum| {
                let text = length(&datum.name).saturating_add(length(&datum.value));
                scan.listed.push(Listed::xattr(header, &datum));
                if !header.obsolete {
                    scan.xdata.push(datum);
                }
                text.saturating_add(33)
            }),
            Kind::Xref => self.settle(body::xref(image, header, endian), |scan, xref| {
                scan.listed.push(Listed::xref(header));
                if !header.obsolete {
                    scan.xrefs.push(xref);
                }
                Kind::Xref.fixed()
            }),
            Kind::Summary => {
                let summary = summary::parse(image, header, endian);
                self.settle(summary, |scan, (summary, marker)| {
                    scan.spans.extend(marker);
                    let explained = summary.explained;
                    scan.summaries.push(summary);
                    explained
                })
            }
            Kind::Cleanmarker | Kind::Padding => blank(&header.bytes(image)),
            Kind::Unknown(compat, stored) => {
                self.unknown(header, compat, stored);
                HEADER
            }
        };
        let whole = self.damages.len() == before && explained == header.len;
        // Of a node that is cut off there may be less.
        let there = explained.min(length(&header.bytes(image)));
        self.spans.push(Span::metadata(header.at, there));
        let inode_end = self.inodes.last().filter(|node| node.at == header.at);
        let inode_end =
            inode_end.is_some_and(|node| u64::from(node.csize).saturating_add(68) == header.len);
        if whole || inode_end {
            self.pad(image, header);
        }
    }

    /// Names the up to three bytes that pad a node, when they are zeros or erased.
    fn pad(&mut self, image: &Bytes, header: &Header) {
        let len = header.next().saturating_sub(header.end());
        let pad = clip(image, header.end(), len);
        let constant = |byte| pad.iter().all(|&other| other == byte);
        if !pad.is_empty() && (constant(0) || constant(0xff)) {
            self.spans.push(Span::metadata(header.end(), length(&pad)));
        }
    }

    /// Keeps what was parsed or the damage; how many bytes of the node are explained.
    fn settle<T>(
        &mut self,
        parsed: Result<T, Damage>,
        keep: impl FnOnce(&mut Self, T) -> u64,
    ) -> u64 {
        match parsed {
            Ok(parsed) => keep(self, parsed),
            Err(damage) => {
                let explained = damage.explained;
                self.damages.push(damage);
                explained
            }
        }
    }

    fn unknown(&mut self, header: &Header, compat: Compat, stored: u16) {
        if header.obsolete {
            return;
        }
        let linux = match compat {
            Compat::Refuse => "does not mount a file system that has one",
            Compat::ReadOnly => "mounts a file system that has one read-only",
            Compat::Copy => "keeps it",
            Compat::Delete => "drops it",
        };
        self.problems.push(
            Problem::unsupported(format!(
                "a node of unknown type {stored:#06x}; Linux {linux}"
            ))
            .at(header.at),
        );
    }

    fn skip_hidden(&mut self, hidden: &Hidden, header: &Header) {
        if hidden.first == Some(header.at) {
            self.problems.push(
                Problem::corrupt(
                    "nodes behind the erased start of an erase block, where Linux does not look; they are not read",
                )
                .at(header.at),
            );
        }
    }

    /// Tells of bytes that are neither nodes nor erased flash.
    fn junk(&mut self, image: &Bytes, start: u64, end: u64, headed: bool, dialect: Dialect) {
        let bytes = image.get(index(start)..index(end)).unwrap_or_default();
        if headed {
            let fields = Fields::new(bytes, dialect.endian);
            let owner = match fields.u16(2).map(Kind::of) {
                Some(Kind::Inode) => fields.u32(12).map(Owner::Inode),
                Some(Kind::Dirent) => fields.u32(12).zip(fields.u8(28)).map(|(parent, len)| {
                    let name = image.slice(index(start).min(image.len())..);
                    Owner::Name(parent, clip(&name, 40, len.into()))
                }),
                _ => None,
            };
            self.damages.push(Damage {
                at: start,
                what: "a node header's checksum does not hold",
                owner: owner.unwrap_or(Owner::Nobody),
                explained: 0,
            });
        } else if bytes.iter().any(|&byte| byte != 0) {
            let len = end.saturating_sub(start);
            self.problems.push(
                Problem::corrupt(format!(
                    "{len} bytes that are neither nodes nor erased flash"
                ))
                .at(start),
            );
        }
    }
}

/// How many bytes of a node without a body are explained: all of them, unless something stands where a body would.
fn blank(node: &Bytes) -> u64 {
    let body = node.get(index(HEADER)..).unwrap_or_default();
    let constant = |byte| body.iter().all(|&other| other == byte);
    if constant(0) || constant(0xff) {
        length(node)
    } else {
        HEADER
    }
}

/// Which nodes Linux does not see, because their erase block looks erased at its start.
#[derive(Default)]
struct Hidden {
    /// The last erased run.
    erased: Option<(u64, u64)>,
    /// Where the last cleanmarker starts and ends.
    marker: Option<(u64, u64)>,
    /// The block that the last node stood in, and whether its nodes are hidden.
    block: Option<(u64, bool)>,
    /// The first node of the last hidden block.
    first: Option<u64>,
}

impl Hidden {
    fn is(&mut self, blocks: &Blocks, header: &Header) -> bool {
        let Some(block) = blocks.start(header.at) else {
            return false;
        };
        if let Some((known, hidden)) = self.block
            && known == block
        {
            return hidden;
        }
        if header.kind == Kind::Cleanmarker && header.at == block {
            self.marker = Some((block, header.next()));
            return false;
        }
        let from = self
            .marker
            .filter(|marker| marker.0 == block)
            .map_or(block, |marker| marker.1);
        let erased = self
            .erased
            .is_some_and(|(start, end)| start <= from && end == header.at);
        let far = header.at.saturating_sub(block) >= LOOKED_AT;
        let hidden = erased && far && header.kind != Kind::Summary;
        self.block = Some((block, hidden));
        if hidden {
            self.first = Some(header.at);
        }
        hidden
    }
}
