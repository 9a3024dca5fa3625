//! The image file system that QNX Neutrino boots from: a header, a list of directory entries with full paths, and the contents.
//!
//! A word at its end makes the sum of all words zero.

#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use self::walk::walk;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::formats::words::word_sum;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::problem::Problem;
use crate::read::{Endian, Fields, index, length};

/// The QNX image file system.
pub(in crate::formats) struct QnxIfs;

/// The length of the header without its mount point, in bytes.
const HEADER: u64 = 88;
/// The length of the sum at the end, in bytes.
const SUM: u64 = 4;
/// The length of what all directory entries have in common, in bytes.
const ATTRIBUTES: u64 = 24;
/// The longest mount point that is read, in bytes.
const MOUNT: u64 = 1024;

/// Bits of the flags: big-endian, read-only, numbers of inodes.
const BIG_ENDIAN: u8 = 0x01;
const KNOWN: u8 = 0x07;
/// Bits that no version is known to set.
const UNUSED: u8 = 0xe0;

impl Format for QnxIfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "qnx-ifs",
            title: "QNX image file system (IFS)",
            kind: Kind::Filesystem,
            spec: "QNX sys/image.h; QNX Building Embedded Systems, OS Images",
            reads: "both byte orders; files, directories, links and devices",
            verifies: "the sum over all of it; there is none of single files",
            limits: &[
                "extended attributes of directory entries",
                "the boot script is shown as a file",
                "of images with flags that are not known, it is told where the sum does not hold",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"imagefs",
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no image header"))?;
        let fields = Fields::new(rest, header.endian);
        let Some(first) = fields.u16(index(header.directory)) else {
            return Ok(Extent::known(header.len, Proof::Magic));
        };
        let end = header.directory.saturating_add(first.into());
        if first != 0 && u64::from(first) < ATTRIBUTES || end > header.directory_end {
            return Err(Reject::NearMiss(
                "an image header with no directory entry where it says",
            ));
        }
        Ok(Extent::known(header.len, Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut harvest = Harvest::new(budget);
        header.describe(&region, &mut harvest);
        walk(&region, &header, &mut harvest);
        harvest.finish()
    }
}

/// The header.
struct Header {
    endian: Endian,
    flags: u8,
    /// The length of the image in bytes, up to and with the sum.
    len: u64,
    /// Where the directory entries end, in bytes from the start.
    directory_end: u64,
    /// Where they start.
    directory: u64,
    /// The number of the inode that is the boot script; none where it is 0.
    script: u32,
}

impl Header {
    /// The header at the start of `bytes`, if its sizes fit each other.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..index(HEADER))?;
        let flags = *head.get(7)?;
        let endian = if flags & BIG_ENDIAN == 0 {
            Endian::Little
        } else {
            Endian::Big
        };
        let fields = Fields::new(head, endian);
        let header = Self {
            endian,
            flags,
            len: fields.u32(8)?.into(),
            directory_end: fields.u32(12)?.into(),
            directory: fields.u32(16)?.into(),
            script: fields.u32(36)?,
        };
        let fits = head.starts_with(b"imagefs")
            && flags & UNUSED == 0
            && header.directory > HEADER
            && header.directory <= header.directory_end
            && header.directory_end.saturating_add(SUM) <= header.len;
        fits.then_some(header)
    }

    /// Tells what the header says, and whether the sum at the end holds.
    fn describe(&self, region: &Bytes, harvest: &mut Harvest<'_>) {
        let order = match self.endian {
            Endian::Little => "little",
            Endian::Big => "big",
        };
        harvest.properties.set("byte-order", order);
        if self.script != 0 {
            harvest
                .properties
                .set("boot-script-inode", self.script.to_string());
        }
        let most = self.directory.min(HEADER.saturating_add(MOUNT));
        let head = region.get(..index(self.directory)).unwrap_or_default();
        let mount = region.get(index(HEADER)..index(most)).unwrap_or_default();
        let text = mount.split(|&byte| byte == 0).next().unwrap_or_default();
        if !text.is_empty() {
            harvest.properties.set("mount-point", text);
        }
        let used = HEADER.saturating_add(length(text)).saturating_add(1);
        harvest.account.padded(0, head, used, 0);
        if length(region) < self.len {
            let detail = format!("{} of {} bytes are there", region.len(), self.len);
            harvest.tell(Problem::corrupt(detail).at(length(region)));
            return;
        }
        let last = self.len.saturating_sub(SUM);
        harvest.account.metadata(last, SUM);
        if region.len().is_multiple_of(4) && word_sum(region, self.endian) == 0 {
            return;
        }
        let unknown = self.flags & !KNOWN;
        let problem = if unknown == 0 {
            Problem::checksum("the words of the image do not add up to zero")
        } else {
            let detail = format!("flags {unknown:#04x} are not known, and the sum does not hold");
            Problem::unsupported(detail)
        };
        harvest.tell(problem.at(last));
    }
}
