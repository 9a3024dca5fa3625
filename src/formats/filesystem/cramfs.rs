//! cramfs, in both byte orders, with the block pointer extensions of Linux 4.15.
//!
//! Inodes are bit fields, so their layout differs between the byte orders beyond the order of bytes. The block
//! size is the page size of the machine that made the image and is stored nowhere: the number of blocks in the
//! superblock tells it.

mod blocks;
#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use self::walk::Walk;
use crate::budget::Budget;
use crate::formats::{
    Content, Doc, Extent, Format, Kind, Magic, Opened, Proof, Properties, Reject, Span, Tree,
};
use crate::problem::Problem;
use crate::read::{Endian, Fields, clip, index, length, rest};

/// cramfs.
pub(in crate::formats) struct Cramfs;

/// The length of the superblock with the root's inode (bytes).
const SUPER: u64 = 76;

/// What may stand before the superblock: room for boot code (bytes). Offsets count from its start.
const PAD: u64 = 512;

const FSID_VERSION_2: u32 = 1;
const KNOWN_FLAGS: u32 = 0xfff;

impl Format for Cramfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "cramfs",
            title: "cramfs",
            kind: Kind::Filesystem,
            spec: "Linux include/uapi/linux/cramfs_fs.h, fs/cramfs/README",
            reads: "both byte orders, holes, 512 bytes of padding, extended block pointers, blocks of 4 to 64 KiB",
            verifies: "CRC-32 of the image; Adler-32 of each block",
            limits: &["images of version 1, which do not state their size"],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: &[0x45, 0x3d, 0xcd, 0x28],
                at: 0,
            },
            Magic {
                bytes: &[0x28, 0xcd, 0x3d, 0x45],
                at: 0,
            },
        ]
    }

    fn locate(&self, stream: &Bytes, _magic: &Magic, hit: u64) -> Option<u64> {
        let padded = Super::parse(&rest(stream, hit), 0)
            .is_some_and(|head| head.root.offset == PAD.saturating_add(SUPER));
        match hit.checked_sub(PAD) {
            Some(start) if padded => Some(start),
            _ => Some(hit),
        }
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let head = Super::find(rest).ok_or(Reject::Coincidence("no cramfs superblock"))?;
        if head.root.mode & 0o170_000 != 0o040_000 {
            return Err(Reject::NearMiss(
                "a cramfs superblock whose root is no directory",
            ));
        }
        if head.flags & FSID_VERSION_2 == 0 {
            let len = head.at.saturating_add(SUPER);
            return Ok(Extent::known(len, Proof::Structure));
        }
        if head.size < head.at.saturating_add(SUPER) {
            return Err(Reject::NearMiss("a cramfs superblock that states no size"));
        }
        // The checksum covers the whole image: too much to be computed at every hit.
        Ok(Extent::known(head.size, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(head) = Super::find(&region) else {
            return Opened::unread(Problem::corrupt("the superblock is cut off"));
        };
        if head.flags & FSID_VERSION_2 == 0 {
            let problem =
                Problem::unsupported("an image of version 1, which does not state its size");
            let mut opened = Opened::unread(problem);
            opened.spans = head.spans(&region);
            return opened;
        }
        let mut opened = Opened {
            content: Content::Unread,
            spans: head.spans(&region),
            problems: head.verify(&region).into_iter().collect(),
            properties: Properties::new(),
        };
        if head.flags & !KNOWN_FLAGS != 0 {
            let detail = format!(
                "feature flags {:#x} are not known",
                head.flags & !KNOWN_FLAGS
            );
            opened.problems.push(Problem::unsupported(detail));
        }
        let (entries, spans) = Walk::new(&region, &head).run(budget, &mut opened.problems);
        opened.spans.extend(spans);
        opened.content = Content::Tree(Tree {
            entries,
            history: Vec::new(),
        });
        opened
    }
}

/// The superblock.
struct Super {
    /// Where it stands: 0, or behind the padding (bytes from the region's start).
    at: u64,
    endian: Endian,
    /// The length of the image in bytes, with the padding.
    size: u64,
    flags: u32,
    crc: u32,
    /// How many blocks all files and links together have.
    blocks: u64,
    root: Inode,
}

impl Super {
    /// The superblock of the image at the start of `bytes`.
    fn find(bytes: &[u8]) -> Option<Self> {
        Self::parse(bytes, 0).or_else(|| Self::parse(bytes, PAD))
    }

    fn parse(bytes: &[u8], at: u64) -> Option<Self> {
        let bytes = bytes.get(index(at)..)?;
        let endian = match bytes.first_chunk::<4>()? {
            [0x45, 0x3d, 0xcd, 0x28] => Endian::Little,
            [0x28, 0xcd, 0x3d, 0x45] => Endian::Big,
            _ => return None,
        };
        let fields = Fields::new(bytes, endian);
        if fields.slice(16, 16)? != b"Compressed ROMFS" {
            return None;
        }
        Some(Self {
            at,
            endian,
            size: u64::from(fields.u32(4)?),
            flags: fields.u32(8)?,
            crc: fields.u32(32)?,
            blocks: u64::from(fields.u32(40)?),
            root: Inode::parse(bytes, 64, endian)?,
        })
    }

    /// Whether the image is all there and has the checksum it states.
    fn verify(&self, region: &Bytes) -> Option<Problem> {
        if length(region) < self.size {
            let detail = format!("{} of {} bytes are there", region.len(), self.size);
            return Some(Problem::corrupt(detail).at(length(region)));
        }
        let image = clip(region, self.at, self.size.saturating_sub(self.at));
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(image.get(..32)?);
        hasher.update(&[0; 4]);
        hasher.update(image.get(36..)?);
        let crc = hasher.finalize();
        (crc != self.crc).then(|| {
            let detail = format!("CRC-32 stored {:08x}, computed {crc:08x}", self.crc);
            Problem::checksum(detail).at(self.at.saturating_add(32))
        })
    }

    /// The superblock without what stands behind the end of the volume's name.
    fn spans(&self, region: &[u8]) -> Vec<Span> {
        let name_at = self.at.saturating_add(48);
        let name = region.get(index(name_at)..).unwrap_or_default();
        let used = text_len(name.get(..16).unwrap_or(name));
        let after = self.at.saturating_add(64);
        vec![
            Span::metadata(self.at, 48_u64.saturating_add(used)),
            Span::metadata(after, SUPER.saturating_sub(64)),
        ]
    }
}

/// How much of a field padded with zeros explains itself: all of it, or up to the first NUL when more follows.
fn text_len(field: &[u8]) -> u64 {
    let text = field.split(|&byte| byte == 0).next().unwrap_or_default();
    let clean = field.iter().skip(text.len()).all(|&byte| byte == 0);
    length(if clean { field } else { text })
}

/// An inode: 12 bytes of bit fields.
#[derive(Clone, Copy)]
struct Inode {
    mode: u32,
    uid: u32,
    gid: u32,
    /// The size in bytes; the device number of a device.
    size: u32,
    /// The length of the name behind the inode (bytes, with padding).
    name_len: usize,
    /// Where the content starts (bytes from the image's start).
    offset: u64,
}

impl Inode {
    fn parse(bytes: &[u8], at: usize, endian: Endian) -> Option<Self> {
        let fields = Fields::new(bytes.get(at..)?, endian);
        let (first, second, third) = (fields.u32(0)?, fields.u32(4)?, fields.u32(8)?);
        // Bit fields fill a word from its least significant bit on little-endian machines, from the other end on
        // big-endian ones.
        let (mode, uid, size, gid, name, offset) = match endian {
            Endian::Little => (
                first & 0xffff,
                first >> 16,
                second & 0x00ff_ffff,
                second >> 24,
                third & 0x3f,
                third >> 6,
            ),
            Endian::Big => (
                first >> 16,
                first & 0xffff,
                second >> 8,
                second & 0xff,
                third >> 26,
                third & 0x03ff_ffff,
            ),
        };
        Some(Self {
            mode,
            uid,
            gid,
            size,
            name_len: usize::try_from(name).ok()?.checked_mul(4)?,
            offset: u64::from(offset).checked_mul(4)?,
        })
    }
}
