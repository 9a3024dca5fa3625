//! F2FS, the log-structured file system of eMMC and cards.
//!
//! Two superblocks, two packs of checkpoints, of which the newer that holds counts, and the node address table, which says in
//! which block each node (an inode, or a list of blocks) stands. Each block of that table stands twice; a bit map in the
//! checkpoint says which counts, and a journal in the checkpoint says what changed since.

mod content;
mod forward;
mod node;
#[cfg(test)]
mod tests;
mod volume;
mod walk;
mod xattr;

use bytes::Bytes;

use self::volume::Volume;
use self::walk::Walk;
use crate::budget::Budget;
use crate::formats::told::Problems;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span, Tree,
};
use crate::problem::Problem;
use crate::read::{Fields, cut, index, length, rest};

/// F2FS.
pub(in crate::formats) struct F2fs;

/// The length of a block in bytes.
const BLOCK: u64 = 4096;
/// Where the superblock stands in each of the first two blocks, in bytes.
const SUPER: u64 = 1024;
/// The length of the superblock in bytes.
const SUPER_LEN: u64 = 3072;
const MAGIC: u32 = 0xf2f5_2010;

impl Format for F2fs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "f2fs",
            title: "F2FS",
            kind: Kind::Filesystem,
            spec: "Linux include/linux/f2fs_fs.h, fs/f2fs",
            reads: "blocks of 4 KiB; inline contents, directories and attributes; files compressed with LZO, LZ4 and zstd",
            verifies: "CRC-32 of superblocks, checkpoints and, where they are kept, of inodes and compressed clusters; node footers",
            limits: &[
                "what was synced after the last checkpoint is told, not read",
                "encrypted files are named, not read",
                "access control lists, and clusters compressed with LZO-RLE",
                "blocks of another length than 4 KiB, and volumes of several devices",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &[0x10, 0x20, 0xf5, 0xf2],
            at: SUPER,
        }]
    }

    fn locate(&self, stream: &Bytes, magic: &Magic, hit: u64) -> Option<u64> {
        let start = hit.checked_sub(magic.at)?;
        let Some(before) = start.checked_sub(BLOCK) else {
            return Some(start);
        };
        // The second superblock speaks for the volume only where the first is lost.
        let (own, other) = (rest(stream, start), rest(stream, before));
        if Super::parse(&own).is_some_and(|head| head.has_checkpoint(&own)) {
            Some(start)
        } else if Super::at(&other, SUPER).is_some() {
            None
        } else {
            Some(before)
        }
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let head = Super::parse(rest).ok_or(Reject::Coincidence("no superblock that holds"))?;
        if length(rest) > head.checkpoint.saturating_mul(BLOCK) && !head.has_checkpoint(rest) {
            return Err(Reject::NearMiss("a superblock without a checkpoint"));
        }
        Ok(Extent::known(head.len, Proof::Checksum))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(head) = Super::parse(&region) else {
            return Opened::unread(Problem::corrupt("no superblock that holds"));
        };
        let mut problems = Problems::default();
        for at in [SUPER, SUPER.saturating_add(BLOCK)] {
            match Super::at(&region, at) {
                None => problems.push(Problem::corrupt("a superblock does not hold").at(at)),
                Some(_) if !is_sealed(&region, at) => {
                    let detail = "a superblock's checksum does not hold";
                    problems.push(Problem::checksum(detail).at(at));
                }
                Some(_) => {}
            }
        }
        let [first, second] = [SUPER, SUPER.saturating_add(BLOCK)];
        let copies = [first, second].map(|at| {
            Super::at(&region, at).filter(|_| is_sealed(&region, at))?;
            cut(&region, at, SUPER_LEN)
        });
        if let [Some(one), Some(other)] = copies
            && one != other
        {
            let detail = "the two superblocks differ; the first that holds is read";
            problems.push(Problem::corrupt(detail).at(second));
        }
        if length(&region) < head.len {
            let detail = format!("{} of {} bytes are there", region.len(), head.len);
            problems.push(Problem::corrupt(detail).at(length(&region)));
        }
        let properties = head.properties();
        let Some(volume) = Volume::new(&region, head) else {
            let mut opened = Opened::unread(Problem::corrupt("no checkpoint holds"));
            opened.problems.extend(problems.into_vec());
            return opened;
        };
        let synced = volume
            .forward
            .and_then(|start| forward::told(&volume, start));
        if let Some(problem) = synced {
            problems.push(problem);
        }
        let mut walk = Walk::new(volume, problems);
        for at in [SUPER, SUPER.saturating_add(BLOCK)] {
            walk.spans.push(Span::metadata(at, SUPER_LEN));
        }
        let entries = walk.run(budget);
        Opened {
            content: Content::Tree(Tree {
                entries,
                history: Vec::new(),
            }),
            spans: walk.spans,
            problems: walk.problems.into_vec(),
            properties,
        }
    }
}

/// The checksum of F2FS: CRC-32 from a given state on, without the inversion at the end.
fn crc(state: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(!state);
    hasher.update(bytes);
    !hasher.finalize()
}

/// Whether the superblock at `at` has no checksum, or one that holds.
fn is_sealed(region: &[u8], at: u64) -> bool {
    let sealed = || {
        let raw = region.get(index(at)..index(at.checked_add(SUPER_LEN)?))?;
        let fields = Fields::little(raw);
        if fields.u32(2180)? & Super::CHECKSUM == 0 {
            return Some(true);
        }
        let offset = usize::try_from(fields.u32(32)?).ok()?;
        Some(crc(MAGIC, raw.get(..offset)?) == fields.u32(offset)?)
    };
    sealed().unwrap_or(false)
}

/// The superblock. Addresses count blocks.
#[derive(Clone, Debug)]
struct Super {
    /// The length of the volume in bytes.
    len: u64,
    features: u32,
    checkpoint: u64,
    sit: u64,
    nat: u64,
    nat_segments: u64,
    sit_segments: u64,
    ssa: u64,
    main: u64,
    root: u32,
    /// Whether the bit maps of the checkpoint stand in blocks of their own.
    payload: u32,
    uuid: Bytes,
    label: Vec<u8>,
    kernel: Vec<u8>,
}

impl Super {
    const INODE_CHECKSUM: u32 = 0x20;
    const FLEXIBLE_XATTRS: u32 = 0x40;
    const CHECKSUM: u32 = 0x800;

    /// The superblock of the volume at the start of `bytes`: the first that holds.
    fn parse(bytes: &Bytes) -> Option<Self> {
        let places = [SUPER, SUPER.saturating_add(BLOCK)];
        let mut there = places
            .into_iter()
            .filter_map(|at| Some((at, Self::at(bytes, at)?)));
        let (at, first) = there.next()?;
        if is_sealed(bytes, at) {
            return Some(first);
        }
        let sealed = there.find(|&(at, _)| is_sealed(bytes, at));
        Some(sealed.map_or(first, |(_, head)| head))
    }

    fn at(bytes: &Bytes, at: u64) -> Option<Self> {
        let raw = cut(bytes, at, SUPER_LEN)?;
        let fields = Fields::little(&raw);
        let word = |at: usize| fields.u32(at).map(u64::from);
        // Blocks of 4 KiB, and segments of 512 blocks.
        if fields.u32(0)? != MAGIC || fields.u32(16)? != 12 || fields.u32(20)? != 9 {
            return None;
        }
        let label = fields.slice(124, 1024)?.as_chunks::<2>().0;
        let label = label.iter().map(|unit| u16::from_le_bytes(*unit));
        let label: Vec<u16> = label.take_while(|&unit| unit != 0).collect();
        let kernel = fields.slice(1668, 256)?.split(|&byte| byte == 0).next()?;
        let head = Self {
            len: fields.u64(36)?.checked_mul(BLOCK)?,
            features: fields.u32(2180)?,
            checkpoint: word(76)?,
            sit: word(80)?,
            nat: word(84)?,
            nat_segments: word(60)?,
            sit_segments: word(56)?,
            ssa: word(88)?,
            main: word(92)?,
            root: fields.u32(96)?,
            payload: fields.u32(1664)?,
            uuid: cut(&raw, 108, 16)?,
            label: String::from_utf16_lossy(&label).into_bytes(),
            kernel: kernel.to_vec(),
        };
        // The areas stand one behind the other.
        let ordered = [head.checkpoint, head.sit, head.nat, head.ssa, head.main];
        let fits = fields.u32(72)? == fields.u32(76)?
            && ordered.is_sorted_by(|a, b| a < b)
            && head.main.saturating_mul(BLOCK) < head.len;
        fits.then_some(head)
    }

    /// Whether one of the two checkpoints holds.
    fn has_checkpoint(&self, region: &Bytes) -> bool {
        Volume::checkpoint(region, self).is_some()
    }

    fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        properties.set("uuid", hex(&self.uuid));
        properties.set("kernel", self.kernel.clone());
        if !self.label.is_empty() {
            properties.set("volume", self.label.clone());
        }
        properties
    }
}

/// A UUID in its usual form.
fn hex(uuid: &[u8]) -> String {
    let text = crate::digest::hex(uuid);
    let ends = [8, 12, 16, 20, 32];
    let parts = ends.iter().zip([0, 8, 12, 16, 20]);
    let parts: Vec<&str> = parts
        .filter_map(|(&end, start)| text.get(start..end))
        .collect();
    parts.join("-")
}
