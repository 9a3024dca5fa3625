//! The Power-Safe file system of QNX (QNX6), in the byte order of the machine that wrote it.
//!
//! Two superblocks, of which the one with the higher serial number counts: between them lie the blocks. Inodes, names longer than
//! 27 bytes and the map of used blocks are files of the superblock. Files are trees of block pointers of one depth each.

mod blocks;
mod superblock;
#[cfg(test)]
mod tests;
mod walk;

use bytes::Bytes;

use self::blocks::Volume;
use self::superblock::{BOOT, Super};
use self::walk::Walk;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::problem::Problem;
use crate::read::length;

/// The QNX6 file system.
pub(in crate::formats) struct Qnx6;

impl Format for Qnx6 {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "qnx6",
            title: "QNX Power-Safe file system (QNX6)",
            kind: Kind::Filesystem,
            spec: "Linux include/linux/qnx6_fs.h, fs/qnx6, Documentation/filesystems/qnx6.rst",
            reads: "both byte orders, any block size; holes, long names, hard links",
            verifies: "CRC-32 of both superblocks, the sums of long names; that no block belongs to two files",
            limits: &[
                "volumes without the 8 KiB of boot blocks in front, and the layout of Audi's MMI 3G",
                "device nodes, of which no document says where their numbers stand",
                "the state that the older superblock describes; the map of used blocks is not compared with the tree",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: &[0x22, 0x11, 0x19, 0x68],
                at: BOOT,
            },
            Magic {
                bytes: &[0x68, 0x19, 0x11, 0x22],
                at: BOOT,
            },
        ]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let first = Super::parse(rest, BOOT).ok_or(Reject::Coincidence("no superblock"))?;
        if !first.fits() {
            return Err(Reject::Coincidence("no superblock that holds"));
        }
        if first.sound {
            return Ok(Extent::known(first.len(), Proof::Checksum));
        }
        // The sizes are the same in both, and the second one may be whole.
        let second = Super::parse(rest, first.second());
        if second.is_some_and(|second| second.sound && second.is_of(&first)) {
            return Ok(Extent::known(first.len(), Proof::Checksum));
        }
        Err(Reject::NearMiss("a superblock whose CRC-32 is wrong"))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(first) = Super::parse(&region, BOOT).filter(Super::fits) else {
            return Opened::unread(Problem::corrupt("no superblock that holds"));
        };
        let mut harvest = Harvest::new(budget);
        if length(&region) < first.end() {
            let detail = format!("{} of {} bytes are there", region.len(), first.end());
            harvest.tell(Problem::corrupt(detail).at(length(&region)));
        }
        let Some(active) = choose(&region, &first, &mut harvest) else {
            harvest.tell(Problem::checksum("neither superblock is sound"));
            return harvest.finish();
        };
        active.describe(&region, &mut harvest);
        Walk::new(Volume::new(region, &active), harvest).run(&active)
    }
}

/// The superblock that counts; what is wrong with either is told.
fn choose(region: &Bytes, first: &Super, harvest: &mut Harvest<'_>) -> Option<Super> {
    let second_at = first.second();
    let second = Super::parse(region, second_at).filter(|second| second.is_of(first));
    if second.is_none() && length(region) >= first.end() {
        let detail = "there is no second superblock where the first one says";
        harvest.tell(Problem::corrupt(detail).at(second_at));
    }
    let both = [(BOOT, Some(first.clone())), (second_at, second)];
    let mut active: Option<Super> = None;
    for (at, found) in both {
        let Some(found) = found else { continue };
        harvest.account.padded(at, &found.raw, superblock::USED, 0);
        if !found.sound {
            harvest.tell(Problem::checksum("the CRC-32 of a superblock is wrong").at(at));
        } else if active
            .as_ref()
            .is_none_or(|active| found.serial > active.serial)
        {
            active = Some(found);
        }
    }
    active
}
