//! exFAT: large clusters, a bitmap of those in use, and a checksum over the records of each file.

mod boot;
mod deleted;
mod names;
mod record;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;

use bytes::Bytes;

use self::boot::Boot;
use self::walk::Walk;
use super::clusters::{Clusters, Width};
use super::dos;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::problem::Problem;
use crate::read::{length, rest};

/// exFAT.
pub(in crate::formats) struct Exfat;

impl Format for Exfat {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "exfat",
            title: "exFAT",
            kind: Kind::Filesystem,
            spec: "Microsoft exFAT file system specification 1.00",
            reads: "contiguous and chained files, content beyond the valid length, deleted files and directories, a volume whose boot region is lost and whose copy is left",
            verifies: "the checksums of both boot regions, of the table of upper case and of each set of records; hashes of names; the bitmap against files",
            limits: &[
                "records of vendors are not shown",
                "of two tables and bitmaps (TexFAT) only those in use are read",
                "boot code is left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"EXFAT   ",
            at: 3,
        }]
    }

    fn locate(&self, stream: &Bytes, magic: &Magic, hit: u64) -> Option<u64> {
        let at = hit.checked_sub(magic.at)?;
        Some(start_of_copy(stream, at).unwrap_or(at))
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        if let Some((boot, is_copy)) = boot::find(rest) {
            let sound = is_copy || boot.is_sound(rest) == Some(true);
            let proof = if sound {
                Proof::Checksum
            } else {
                Proof::Structure
            };
            return match boot.has_table(rest) {
                Some(true) | None => Ok(Extent::known(boot.len, proof)),
                // Only the start of its table is damaged.
                Some(false) if sound => Ok(Extent::known(boot.len, proof)),
                Some(false) => Err(Reject::NearMiss(
                    "an exFAT boot sector without a table of clusters",
                )),
            };
        }
        let head = rest.get(..512).unwrap_or_default();
        let marked = head.starts_with(&[0xeb, 0x76, 0x90]) || head.ends_with(&[0x55, 0xaa]);
        Err(if marked {
            Reject::NearMiss("an exFAT boot sector whose numbers make no sense")
        } else {
            Reject::Coincidence("no exFAT boot sector")
        })
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some((boot, is_copy)) = boot::find(&region) else {
            return Opened::unread(Problem::corrupt("no exFAT boot sector"));
        };
        let mut harvest = Harvest::new(budget);
        if is_copy {
            let detail = "the boot region is damaged; its copy is read";
            harvest.tell(Problem::corrupt(detail).at(0));
        }
        boot::read(&region, &boot, &mut harvest);
        if boot.has_table(&region) != Some(true) {
            let detail = "the table of clusters does not start as it should";
            harvest.tell(Problem::corrupt(detail).at(boot.table_at));
        }
        let second = boot.active().saturating_mul(boot.table_len);
        let clusters = Arc::new(Clusters {
            table_at: boot.table_at.saturating_add(second),
            width: Width::ThirtyTwo,
            heap_at: boot.heap_at,
            cluster_len: boot.cluster,
            count: boot.count,
            region,
        });
        let mut walk = Walk::new(&boot, clusters, &mut harvest);
        walk.run();
        if !walk.harvest.was_stopped() {
            walk.compare_bitmap();
            walk.tell_deleted();
        }
        harvest.finish()
    }
}

/// Where the volume starts whose copy of the boot region is at `at`.
fn start_of_copy(stream: &Bytes, at: u64) -> Option<u64> {
    let boot = Boot::parse(&rest(stream, at))?;
    let start = at.checked_sub(boot.copy_at())?;
    let here = boot.has_table(&rest(stream, at)) == Some(true);
    let there = boot.has_table(&rest(stream, start)) == Some(true);
    (!here && there && length(stream) > at).then_some(start)
}
