//! What stands before the directories: the boot sector, the sectors that FAT32 adds to it, and the tables.

use super::super::clusters::{Claims, Clusters, FIRST, Link};
use super::super::harvest::Harvest;
use super::boot::{Boot, SECTOR, Wide};
use crate::problem::Problem;
use crate::read::{Fields, index, length};

/// Tables are compared in pieces of so many bytes.
const PIECE: usize = 64 << 10;

/// Explains and compares everything before the directories.
pub(super) fn read(region: &[u8], boot: &Boot, harvest: &mut Harvest<'_>) {
    describe(region, boot, harvest);
    sector(region, 0, boot, harvest);
    if let Some(wide) = &boot.wide {
        info(region, wide.info, boot, harvest);
        backup(region, wide, boot, harvest);
    }
    tables(region, boot, harvest);
}

/// What the boot sector says about the volume.
fn describe(region: &[u8], boot: &Boot, harvest: &mut Harvest<'_>) {
    let fields = Fields::little(region);
    harvest.properties.set("type", boot.name());
    harvest
        .properties
        .set("cluster-bytes", boot.cluster.to_string());
    if let Some(writer) = fields.slice(3, 8) {
        harvest.properties.set("written-by", writer.trim_ascii());
    }
    let serial_at = if boot.wide.is_some() { 67 } else { 39 };
    if boot.extended
        && let Some(serial) = fields.u32(serial_at)
    {
        let serial = format!("{:04X}-{:04X}", serial >> 16, serial & 0xffff);
        harvest.properties.set("serial", serial);
    }
    if boot.marks < 3 {
        let detail =
            "the boot sector lacks one of its marks: a jump, the word FAT, 55 aa at the end";
        harvest.tell(Problem::corrupt(detail).at(0));
    }
}

/// Names the fields of a boot sector at `at`, but not the code between them: nobody has judged that.
fn sector(region: &[u8], at: u64, boot: &Boot, harvest: &mut Harvest<'_>) {
    let raw = region.get(index(at)..).unwrap_or_default();
    harvest.account.metadata(at, boot.fields_len());
    if raw.get(510..512) == Some(&[0x55, 0xaa]) {
        harvest.account.metadata(at.saturating_add(510), 2);
    }
}

/// The sector that counts the free clusters.
fn info(region: &[u8], number: u64, boot: &Boot, harvest: &mut Harvest<'_>) {
    if number == 0 || number >= boot.reserved {
        return;
    }
    let at = number.saturating_mul(boot.sector);
    let raw = region.get(index(at)..).unwrap_or_default();
    let fields = Fields::little(raw);
    let marks = [(0, 0x4161_5252), (484, 0x6141_7272), (508, 0xaa55_0000)];
    if !marks.iter().all(|&(at, mark)| fields.u32(at) == Some(mark)) {
        let detail = "the sector that counts the free clusters lacks its marks";
        harvest.tell(Problem::corrupt(detail).at(at));
        return;
    }
    for (from, len) in [(0, 4), (484, 12), (508, 4)] {
        harvest.account.metadata(at.saturating_add(from), len);
    }
    let stated = fields.u32(488).filter(|&free| free != u32::MAX);
    if let Some(free) = stated {
        harvest
            .properties
            .set("free-clusters-stated", free.to_string());
        if free > boot.count {
            let detail = format!(
                "{free} clusters are said to be free, and there are {}",
                boot.count
            );
            harvest.tell(Problem::corrupt(detail).at(at));
        }
    }
}

/// The copy of the boot sector, and of the sector behind it.
fn backup(region: &[u8], wide: &Wide, boot: &Boot, harvest: &mut Harvest<'_>) {
    if wide.backup == 0 || wide.backup >= boot.reserved {
        return;
    }
    let at = wide.backup.saturating_mul(boot.sector);
    let first = region.get(..index(SECTOR)).unwrap_or_default();
    let copy = region.get(index(at)..).unwrap_or_default();
    let copy = copy.get(..index(SECTOR)).unwrap_or_default();
    // Two of its bytes are flags that a system sets while the volume is in use.
    let differs = first.iter().zip(copy).enumerate();
    let differs = differs.filter(|(place, (one, other))| one != other && !matches!(place, 65));
    if let Some((place, _)) = differs.clone().next() {
        let count = differs.count();
        let detail = format!(
            "the boot sector and its copy at {at:#x} differ in {count} bytes, the first is byte {place}"
        );
        harvest.tell(Problem::corrupt(detail).at(at));
    }
    sector(region, at, boot, harvest);
    let after = wide.backup.saturating_add(1);
    let marked = region.get(index(at.saturating_add(boot.sector))..);
    if marked.is_some_and(|bytes| bytes.starts_with(b"RRaA")) {
        info_copy(region, after, boot, harvest);
    }
}

fn info_copy(region: &[u8], number: u64, boot: &Boot, harvest: &mut Harvest<'_>) {
    let at = number.saturating_mul(boot.sector);
    let raw = region.get(index(at)..).unwrap_or_default();
    if number < boot.reserved && raw.get(508..512) == Some(&[0, 0, 0x55, 0xaa]) {
        for (from, len) in [(0, 4), (484, 12), (508, 4)] {
            harvest.account.metadata(at.saturating_add(from), len);
        }
    }
}

/// The tables: all that are in use must say the same.
fn tables(region: &[u8], boot: &Boot, harvest: &mut Harvest<'_>) {
    let used = boot.table_used();
    let read = boot.table_at(boot.table_in_use());
    harvest.account.metadata(read, used);
    let Some(table) = region
        .get(index(read)..)
        .and_then(|bytes| bytes.get(..index(used)))
    else {
        let detail = "the table of clusters is not all there";
        return harvest.tell(Problem::corrupt(detail).at(read));
    };
    first_entries(table, boot, harvest);
    if boot
        .wide
        .as_ref()
        .is_some_and(|wide| wide.only_table.is_some())
    {
        return;
    }
    for number in 1..boot.tables {
        let at = boot.table_at(number);
        let copy = region.get(index(at)..).unwrap_or_default();
        let copy = copy.get(..index(used)).unwrap_or(copy);
        harvest.account.metadata(at, length(copy));
        let pieces = table.chunks(PIECE).zip(copy.chunks(PIECE)).enumerate();
        let differ = pieces.filter(|(_, (one, other))| one != other);
        let (mut count, mut first) = (0_u64, None);
        for (piece, (one, other)) in differ {
            let places = one.iter().zip(other).enumerate();
            for (place, _) in places.filter(|(_, (one, other))| one != other) {
                count = count.saturating_add(1);
                first = first.or(piece
                    .checked_mul(PIECE)
                    .and_then(|at| at.checked_add(place)));
            }
        }
        if let Some(first) = first {
            let detail = format!(
                "table {} of clusters differs from the first in {count} bytes, the first is byte {first}; the first table is read",
                number.saturating_add(1)
            );
            harvest.tell(Problem::corrupt(detail).at(at));
        }
    }
}

/// The first two entries stand for no cluster: they repeat the media descriptor and tell of an unclean shutdown.
fn first_entries(table: &[u8], boot: &Boot, harvest: &mut Harvest<'_>) {
    let entry = |number| boot.width.entry(table, number).unwrap_or_default();
    if entry(0) != boot.width.ones() & !0xff | u32::from(boot.media) {
        let detail = "the first entry of the table does not repeat the media descriptor";
        harvest.tell(Problem::corrupt(detail).at(boot.table_at(boot.table_in_use())));
    }
    let flags = match boot.name() {
        "FAT16" => 0xc000,
        "FAT32" => 0x0c00_0000,
        _ => 0,
    };
    let clean = entry(1) & flags == flags;
    harvest
        .properties
        .set("clean", if clean { "yes" } else { "no" });
}

/// Compares the table with the clusters that the walk reached, and counts.
pub(super) fn count(clusters: &Clusters, claims: &Claims, harvest: &mut Harvest<'_>) {
    let (mut free, mut bad, mut lost, mut first) = (0_u32, 0_u32, 0_u32, None);
    for number in 0..clusters.present() {
        let cluster = number.saturating_add(FIRST);
        match clusters.link(cluster) {
            Link::Free => free = free.saturating_add(1),
            Link::Bad => bad = bad.saturating_add(1),
            _ if claims.has(cluster) => {}
            _ => {
                lost = lost.saturating_add(1);
                first = first.or(Some(cluster));
            }
        }
    }
    harvest.properties.set("free-clusters", free.to_string());
    if bad > 0 {
        harvest.properties.set("bad-clusters", bad.to_string());
    }
    if let Some(cluster) = first {
        let detail = format!(
            "{lost} clusters are marked as used and belong to no file, the first is {cluster}"
        );
        harvest.tell(Problem::corrupt(detail).at(clusters.at(cluster)));
    }
}
