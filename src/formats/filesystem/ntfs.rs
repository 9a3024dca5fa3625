//! NTFS, read-only: every record of the table of files. What the indexes of directories say is compared with them.

mod boot;
mod content;
mod file;
mod index;
mod lznt1;
mod own;
mod record;
mod runs;
mod space;
#[cfg(test)]
mod tests;
mod volume;
mod walk;

use bytes::Bytes;

use self::boot::Boot;
use self::volume::Volume;
use self::walk::Walk;
use super::harvest::Harvest;
use crate::budget::Budget;
use crate::formats::{Doc, Extent, Format, Kind, Magic, Opened, Proof, Reject};
use crate::problem::Problem;
use crate::read::{clip, index, rest};

/// NTFS.
pub(in crate::formats) struct Ntfs;

/// Records that the copy of the table of files has at least.
const MIRRORED: u64 = 4;

impl Format for Ntfs {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "ntfs",
            title: "NTFS",
            kind: Kind::Filesystem,
            spec: "The Linux-NTFS project's documentation; ntfs-3g layout.h; [MS-XCA] for LZNT1",
            reads: "contents in records and in clusters, sparse and compressed (LZNT1), alternate contents as `name:stream`, hard links, symbolic links and junctions, Interix links and devices, deleted files",
            verifies: "the marks of records and index blocks, the copies of the boot sector and of the first records, files against each other and against the bitmap, the names of files against the indexes of directories",
            limits: &[
                "encrypted files (EFS), deduplicated and system-compressed files are listed and not read",
                "access lists, quotas and the log are not read",
                "alternate contents are shown under the first name of a file only",
                "boot code is left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: b"NTFS    ",
            at: 3,
        }]
    }

    fn locate(&self, stream: &Bytes, magic: &Magic, hit: u64) -> Option<u64> {
        let at = hit.checked_sub(magic.at)?;
        Some(start_of_copy(stream, at).unwrap_or(at))
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let found = Boot::parse(rest).map(|boot| (boot, false));
        // The copy is looked for where only its own hit leads here.
        let found = found.or_else(|| copy_ahead(rest).map(|boot| (boot, true)));
        let Some((boot, _)) = found else {
            let head = rest.get(..512).unwrap_or_default();
            return Err(
                if head.starts_with(&[0xeb, 0x52, 0x90]) && head.ends_with(&[0x55, 0xaa]) {
                    Reject::NearMiss("an NTFS boot sector whose numbers make no sense")
                } else {
                    Reject::Coincidence("no NTFS boot sector")
                },
            );
        };
        let mirror = boot.mirror.saturating_mul(boot.cluster);
        let mirrored = rest
            .get(index(mirror)..)
            .is_some_and(|bytes| bytes.starts_with(b"FILE"));
        match boot.has_table(rest) {
            Some(true) | None => Ok(Extent::known(boot.len(), Proof::Structure)),
            Some(false) if mirrored => Ok(Extent::known(boot.len(), Proof::Structure)),
            Some(false) => Err(Reject::NearMiss(
                "an NTFS boot sector without a table of files",
            )),
        }
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some((boot, is_copy)) = boot::find(&region) else {
            return Opened::unread(Problem::corrupt("no NTFS boot sector"));
        };
        let mut harvest = Harvest::new(budget);
        if is_copy {
            let detail = "the boot sector makes no sense; its copy is read";
            harvest.tell(Problem::corrupt(detail).at(0));
        }
        boot_sectors(&region, &boot, &mut harvest);
        let mut problems = Vec::new();
        let Some(volume) = Volume::read(region, boot, &mut problems) else {
            problems.push(Problem::corrupt("the table of files cannot be found"));
            return Opened {
                problems,
                ..harvest.finish()
            };
        };
        for problem in problems {
            harvest.tell(problem);
        }
        if volume.is_cut() {
            let detail = "the volume is cut off";
            harvest.tell(Problem::corrupt(detail));
        }
        compare_mirror(&volume, &mut harvest);
        Walk::new(&volume, &mut harvest).run();
        harvest.finish()
    }
}

/// Names the fields of the boot sector and of its copy, and compares them.
fn boot_sectors(region: &Bytes, boot: &Boot, harvest: &mut Harvest<'_>) {
    let sector = |at| clip(region, at, 512);
    for at in [0, boot.copy_at()] {
        harvest.account.metadata(at, boot::FIELDS);
        if sector(at).ends_with(&[0x55, 0xaa]) {
            harvest.account.metadata(at.saturating_add(510), 2);
        }
    }
    if sector(0) != sector(boot.copy_at()) {
        let detail = "the boot sector and its copy at the end differ";
        harvest.tell(Problem::corrupt(detail).at(boot.copy_at()));
    }
    harvest
        .properties
        .set("serial", format!("{:016X}", boot.serial));
    harvest
        .properties
        .set("cluster-bytes", boot.cluster.to_string());
}

/// Compares the first records of the table of files with their copy.
fn compare_mirror(volume: &Volume, harvest: &mut Harvest<'_>) {
    for number in 0..MIRRORED.min(volume.records) {
        let record = volume.boot.record;
        let start = volume.clusters.at(volume.boot.mirror);
        let at = start.saturating_add(number.saturating_mul(record));
        if volume.raw(number) != volume.bytes(at, record) {
            let detail = format!("record {number} of the table of files and its copy differ");
            harvest.tell(Problem::corrupt(detail).at(at));
        }
    }
}

/// The copy of the boot sector at the end of the volume that starts here, whose own is lost.
fn copy_ahead(rest: &Bytes) -> Option<Boot> {
    boot::find(rest)
        .filter(|(_, is_copy)| *is_copy)
        .map(|(boot, _)| boot)
}

/// Where the volume starts whose copy of the boot sector is at `at`, when its own is lost.
fn start_of_copy(stream: &Bytes, at: u64) -> Option<u64> {
    let boot = Boot::parse(&rest(stream, at))?;
    let start = at.checked_sub(boot.copy_at())?;
    let before = rest(stream, start);
    let lost = Boot::parse(&before).is_none() && boot.copy_at() > 0;
    (lost && boot.has_table(&before) == Some(true)).then_some(start)
}
