//! QEMU's copy-on-write disks: clusters found through two levels of tables.

mod clusters;
mod header;
mod snapshots;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::clusters::Clusters;
use self::header::{DIRTY, EXTENDED, EXTERNAL, Header};
use super::assemble::{Disk, Even};
use crate::budget::Budget;
use crate::formats::stored::Ledger;
use crate::formats::{
    Content, Decode, Doc, Extent, Format, Kind, Magic, Opened, Part, PartBytes, Proof, Properties,
    Reject,
};
use crate::problem::{Problem, ProblemKind};
use crate::read::{clip, length};

/// QEMU's copy-on-write disks.
pub(in crate::formats) struct Qcow2;

const MAGIC: [u8; 4] = *b"QFI\xfb";

/// Bits of a table's entry that hold a place in the file.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;

impl Format for Qcow2 {
    fn doc(&self) -> &'static Doc {
        &Doc {
            id: "qcow2",
            title: "QEMU disk image (qcow2)",
            kind: Kind::Disk,
            spec: "QEMU docs/interop/qcow2.txt",
            reads: "versions 2 and 3; plain, zlib and zstd clusters; subclusters; snapshots",
            verifies: "that tables and clusters lie inside the file; the format has no checksums",
            limits: &[
                "backing files are not read: what they hold is read as zeros",
                "encrypted disks and disks with an external data file",
                "reference counts only tell where the file ends",
                "bitmaps and the saved memory of a snapshot are left unexplained",
            ],
        }
    }

    fn magics(&self) -> &'static [Magic] {
        &[Magic {
            bytes: &MAGIC,
            at: 0,
        }]
    }

    fn measure(&self, rest: &Bytes) -> Result<Extent, Reject> {
        let header = Header::parse(rest).ok_or(Reject::Coincidence("no qcow2 header"))?;
        Ok(Extent::known(header.end(rest), Proof::Structure))
    }

    fn open(&self, region: Bytes, budget: &Budget) -> Opened {
        let Some(header) = Header::parse(&region) else {
            return Opened::unread(Problem::corrupt("the header is cut off"));
        };
        let mut ledger = Ledger::default();
        let mut opened = Opened {
            content: Content::Unread,
            spans: Vec::new(),
            problems: Vec::new(),
            properties: Properties::new(),
        };
        header.explain(&region, &mut ledger, &mut opened);
        let snapshots = snapshots::read(&region, &header, budget, &mut ledger, &mut opened);
        opened.spans = ledger.into_spans();
        if header.features & DIRTY != 0 {
            opened.properties.set("dirty", "yes");
        }
        if header.encryption != 0 {
            let detail = "the disk is encrypted";
            opened
                .problems
                .push(Problem::new(ProblemKind::Encrypted, detail));
            return opened;
        }
        if header.features & EXTERNAL != 0 {
            let detail = "the disk's bytes are in another file; only its tables are here";
            opened.problems.push(Problem::unsupported(detail));
            return opened;
        }
        if header.features >> 5 != 0 || header.packing.is_none() {
            let detail = format!("incompatible features {:#x} are not known", header.features);
            opened.problems.push(Problem::unsupported(detail).at(72));
            return opened;
        }
        if let Some(name) = header.backing(&region) {
            opened.properties.set("backing-file", name.to_vec());
        }
        if header.has_backing() {
            let detail = "what is not stored here is in a backing file; it is read as zeros";
            opened.problems.push(Problem::unsupported(detail).at(8));
        }
        let disk = |table: (u64, u64), size: u64| -> Box<dyn Decode> {
            let clusters = Clusters::new(region.clone(), &header, table);
            let even = Even::new(clusters, header.cluster(), size);
            Box::new(Disk::new(region.clone(), even))
        };
        let current = disk((header.l1_at, header.l1_len), header.size);
        if snapshots.is_empty() {
            opened.content = Content::Stream(current);
            return opened;
        }
        let part = |name: Vec<u8>, disk| Part {
            name,
            bytes: PartBytes::Stream(disk),
        };
        let older = snapshots.into_iter().map(|snapshot| {
            let size = snapshot.size.unwrap_or(header.size);
            part(snapshot.part_name(), disk(snapshot.table, size))
        });
        let parts = std::iter::once(part(
            Vec::new(),
            disk((header.l1_at, header.l1_len), header.size),
        ));
        opened.content = Content::Layout(parts.chain(older).collect());
        opened
    }
}

/// The last byte of `bytes` in `len` from `at` that is not zero, counted from `at`.
fn last_used(bytes: &Bytes, at: u64, len: u64) -> Option<u64> {
    let table = clip(bytes, at, len);
    let last = table.iter().rposition(|&byte| byte != 0)?;
    crate::image::map::touched(length(&table));
    u64::try_from(last).ok()
}

/// The length of a second-level table's entry, as a power of two: 8 bytes, or 16 where it tells of subclusters.
fn entry_bits(features: u64) -> u32 {
    if features & EXTENDED == 0 { 3 } else { 4 }
}
