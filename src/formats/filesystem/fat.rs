//! FAT12, FAT16 and FAT32, with long names.
//!
//! The three differ in the size of a table entry, which the number of clusters decides, and in where the root directory is. No
//! part of it has a checksum but the link from a long name to its short one: what can be compared is compared.

mod boot;
mod deleted;
mod directory;
mod record;
mod reserved;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;

use bytes::Bytes;

use self::boot::Boot;
use self::walk::Walk;
use super::clusters::Clusters;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::problem::Problem;
use crate::read::{index, length, rest};

/// FAT12, FAT16, FAT32.
pub(in crate::formats) struct Fat;

/// Where FAT32 keeps the copy of its boot sector: by convention always in this one.
const BACKUP: u64 = 6;

impl Format for Fat {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "fat",
            title: "FAT12, FAT16, FAT32",
            kind: Kind::Filesystem,
            spec: "Microsoft FAT32 File System Specification 1.03; Linux fs/fat",
            reads: "sectors of 512 to 4096 bytes, long names, deleted files and directories, a FAT32 volume whose boot sector is lost and whose copy is left",
            verifies: "the copies of the table and of the boot sector against each other; long names against short ones; chains against sizes, against each other and against the table",
            limits: &[
                "the code page of short names is stored nowhere: their bytes are kept",
                "times are local times of an unknown zone, told as if they were UTC",
                "a deleted file is taken to lie in one piece; of a deleted directory only the first cluster is read",
                "boot code is left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[
            Magic {
                bytes: b"FAT12   ",
                at: 54,
            },
            Magic {
                bytes: b"FAT16   ",
                at: 54,
            },
            Magic {
                bytes: b"FAT32   ",
                at: 82,
            },
            Magic {
                bytes: &[0x55, 0xaa],
                at: 510,
            },
        ]
    }

    fn locate(&self, stream: &Bytes, magic: &Magic, hit: u64) -> Option<u64> {
        let at = hit.checked_sub(magic.at)?;
        Some(start_of_backup(stream, at).unwrap_or(at))
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let (boot, _) = find(rest)?;
        let tables = boot.sound_tables(rest);
        let evidence = boot
            .marks
            .saturating_add(u32::from(tables.is_some_and(|sound| sound > 0)));
        if evidence >= 3 && tables != Some(0) {
            return Ok(Extent::known(boot.len, Proof::Structure));
        }
        Err(if evidence >= 2 && boot.marks >= 2 {
            Reject::NearMiss("a FAT boot sector without a table of clusters behind it")
        } else {
            Reject::Coincidence("no FAT boot sector")
        })
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Ok((boot, lost)) = find(&region) else {
            return Opened::unread(Problem::corrupt("no FAT boot sector"));
        };
        let mut harvest = Harvest::new(budget);
        if lost {
            let detail = "the boot sector makes no sense; its copy is read";
            harvest.tell(Problem::corrupt(detail).at(0));
        }
        reserved::read(&region, &boot, &mut harvest);
        let clusters = Arc::new(Clusters {
            table_at: boot.table_at(boot.table_in_use()),
            width: boot.width,
            heap_at: boot.heap_at(),
            cluster_len: boot.cluster,
            count: boot.count,
            region,
        });
        let mut walk = Walk::new(&boot, Arc::clone(&clusters), &mut harvest);
        walk.run();
        if !walk.harvest.was_stopped() {
            reserved::count(&clusters, &walk.claims, walk.harvest);
            walk.tell_deleted();
        }
        harvest.finish()
    }
}

/// The boot sector of a region, or its copy where it is lost; and whether it is.
fn find(region: &Bytes) -> Result<(Boot, bool), Reject> {
    match Boot::parse(region) {
        Ok(boot) => Ok((boot, false)),
        Err(reject) => match copy_behind(region) {
            Some(boot) => Ok((boot, true)),
            None => Err(reject),
        },
    }
}

/// The copy of a boot sector that is itself lost.
fn copy_behind(region: &Bytes) -> Option<Boot> {
    [512, 1024, 2048, 4096].into_iter().find_map(|sector: u64| {
        let at = sector.checked_mul(BACKUP)?;
        let boot = Boot::parse(region.get(index(at)..)?).ok()?;
        let backup = boot.wide.as_ref()?.backup;
        let sound = boot.sector == sector && backup == BACKUP && boot.marks == 3;
        (sound && boot.sound_tables(region) > Some(0)).then_some(boot)
    })
}

/// Where the volume starts whose copy of the boot sector is at `at`, when that one is all that is left of it.
fn start_of_backup(stream: &Bytes, at: u64) -> Option<u64> {
    let boot = Boot::parse(&rest(stream, at)).ok()?;
    boot.wide.as_ref().filter(|wide| wide.backup == BACKUP)?;
    let start = at.checked_sub(BACKUP.checked_mul(boot.sector)?)?;
    let region = rest(stream, start);
    let lost = Boot::parse(&region).is_err();
    (lost && length(&region) > at && copy_behind(&region).is_some()).then_some(start)
}
