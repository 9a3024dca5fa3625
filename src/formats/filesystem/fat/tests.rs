use bytes::Bytes;

use super::Fat;
use crate::formats::filesystem::dos::ATTRIBUTES;
use crate::formats::filesystem::trial::{Trial, fixture, poke, stored};
use crate::formats::{Format, Length, Proof, Reject};

fn open(image: &[u8]) -> Trial {
    crate::formats::filesystem::trial::open(&Fat, image)
}

fn measure(image: &[u8]) -> Result<(u64, Proof), Reject> {
    let extent = Fat.measure(&Bytes::copy_from_slice(image))?;
    match extent.len {
        Length::Known(len) => Ok((len, extent.proof)),
        Length::Decoded => panic!("a file system states its length"),
    }
}

fn find(image: &[u8], wanted: &[u8]) -> usize {
    let mut windows = image.windows(wanted.len());
    windows.position(|window| window == wanted).unwrap()
}

/// FAT12, 1024 bytes a cluster; the table at 512, its copy behind it.
fn small() -> Vec<u8> {
    fixture("fat/fat12.img.gz")
}

#[test]
fn deleted_files_are_history_where_their_clusters_are_free() {
    let found = open(&fixture("fat/deleted.img.gz"));
    let truth = String::from_utf8(stored("fat/deleted.img.gz.history.tsv")).unwrap();
    assert_eq!(found.history(), truth.lines().collect::<Vec<_>>());
    let why = |path: &[u8]| {
        let mut history = found.tree.history.iter();
        history
            .find(|older| older.path.as_bytes() == path)
            .unwrap()
            .why
    };
    assert!(why(b"/a deleted tool").contains("free"));
    assert!(why(b"/keep/_ver.bin").contains("lost"));
    assert_eq!(found.problems, Vec::<String>::new());
    // What is deleted is told, and its bytes are still nobody's.
    let image = fixture("fat/deleted.img.gz");
    let tool = find(&image, &[0xf4, 0x0e]) as u64;
    assert!(tool > 0);
    let free = found
        .tree
        .history
        .iter()
        .map(|older| older.file.size)
        .sum::<u64>();
    assert!(free > 200_000);
}

#[test]
fn damage_is_told() {
    let image = small();
    let tables = usize::from(image[22]) * 512;
    let root = 512 * usize::from(image[14]) + 2 * tables;
    // The first entry of the root is the label; the last in use is followed by zeros.
    let entry = find(&image, b"005        ");
    let long = find(&image, b"019        ");
    let cases: &[(&str, usize, &[u8], &str)] = &[
        (
            "media descriptor in the table",
            512 * usize::from(image[14]),
            &[0xf1],
            "media descriptor",
        ),
        (
            "a link in one table",
            512 * usize::from(image[14]) + 9,
            &[0x77],
            "differs from the first in 1 bytes",
        ),
        ("a jump", 0, &[0], "lacks one of its marks"),
        (
            "a size too small",
            long + 28,
            &[1, 0],
            "more clusters belong to the file",
        ),
        (
            "attributes",
            entry + 11,
            &[0xe0],
            "none that a system writes",
        ),
        (
            "the same cluster twice",
            entry + 26,
            &[3],
            "which belongs to another one",
        ),
        (
            "a cluster that is none",
            entry + 26,
            &[0xff, 0xff],
            "is broken at cluster",
        ),
        (
            "behind the end",
            root + 32 * 40,
            b"GHOST   BIN\x20",
            "Linux shows them",
        ),
    ];
    assert_eq!(open(&image).problems, Vec::<String>::new());
    for (name, at, bytes, wanted) in cases {
        let found = open(&poke(&image, *at, bytes));
        assert!(found.tells(wanted), "{name}: {:?}", found.problems);
        assert!(found.tree.entries.len() >= 20, "{name}");
    }
    let image = fixture("fat/fat16-sectors-4k.img.gz");
    let name = find(&image, b"BLANKN~1");
    let found = open(&poke(&image, name, b"X"));
    assert!(
        found.tells("checksum-mismatch: the checksum of the long name"),
        "{:?}",
        found.problems
    );
    assert!(
        found
            .tree
            .entries
            .iter()
            .any(|entry| entry.path.as_bytes() == b"/XLANKN~1")
    );
    assert_eq!(found.tree.entries.len(), 5);
}

#[test]
fn a_lost_boot_sector_is_read_from_its_copy() {
    let image = fixture("fat/fat32.img.gz");
    let whole = open(&image).rows();
    for blank in [14, 512] {
        let lost = poke(&image, 0, &vec![0; blank]);
        assert_eq!(measure(&lost).unwrap().1, Proof::Structure);
        let found = open(&lost);
        assert!(found.tells("its copy is read"));
        assert_eq!(found.rows(), whole);
        let stream = Bytes::from([vec![7; 700], lost].concat());
        let magic = &Fat.magics()[2];
        assert_eq!(Fat.locate(&stream, magic, 700 + 6 * 512 + 82), Some(700));
    }
    let found = open(&poke(&image, 6 * 512 + 13, &[2]));
    assert!(
        found.tells("differ in 1 bytes, the first is byte 13"),
        "{:?}",
        found.problems
    );
    assert!(open(&poke(&image, 512, b"X")).tells("lacks its marks"));
}

#[test]
fn attributes_label_and_serial_are_told() {
    let image = small();
    let entry = find(&image, b"005        ");
    let found = open(&poke(&image, entry + 11, &[0x23]));
    let entries = &found.tree.entries;
    let changed = entries
        .iter()
        .find(|entry| entry.path.as_bytes() == b"/005")
        .unwrap();
    assert_eq!(changed.meta.xattrs[ATTRIBUTES], b"readonly,hidden");
    assert_eq!(changed.meta.mtime, Some(1_700_000_000));
    assert_eq!(changed.meta.mode, None);
    let said: Vec<_> = found.opened.properties.iter().collect();
    assert!(said.contains(&(&b"label"[..], &b"VITALSIGN"[..])));
    assert!(said.contains(&(&b"serial"[..], &b"1A2B-3C4D"[..])));
    assert!(said.contains(&(&b"type"[..], &b"FAT12"[..])));
}

#[test]
fn what_is_hidden_is_not_explained() {
    let image = fixture("fat/fat32.img.gz");
    let found = open(&image);
    let (reserved, end) = (512 * 9, image.len() as u64 - 65536);
    assert_eq!(found.explains(reserved, 4096), None);
    assert_eq!(found.explains(end, 4096), None);
    let last = found.opened.spans.last().unwrap();
    assert_eq!(found.explains(last.at + last.len, 1), None);
}

#[test]
fn other_boot_sectors_and_damaged_ones_are_told_apart() {
    let image = small();
    let len = u64::from(u16::from_le_bytes([image[19], image[20]])) * 512;
    assert_eq!(measure(&image), Ok((len, Proof::Structure)));
    // Cut off behind the boot sector, its three marks have to do.
    assert_eq!(measure(&image[..512]), Ok((len, Proof::Structure)));
    assert!(matches!(
        measure(&poke(&image, 11, &[1])),
        Err(Reject::NearMiss(_))
    ));
    assert!(matches!(
        measure(&poke(&image, 3, b"NTFS    ")),
        Err(Reject::Coincidence(_))
    ));
    let mut table = vec![0; 512];
    table[510..].copy_from_slice(&[0x55, 0xaa]);
    assert!(matches!(measure(&table), Err(Reject::Coincidence(_))));
    // Without the word the numbers, the jump, the signature and the table are enough.
    assert!(measure(&poke(&image, 54, b"        ")).is_ok());
}

#[test]
fn every_truncation_is_survived() {
    let image = fixture("fat/deleted.img.gz");
    for len in (0..40_000).step_by(97).chain(40_000..40_020) {
        let cut = &image[..len];
        let found = open(cut);
        if len < 600 {
            assert!(!found.problems.is_empty(), "{len}");
        }
    }
}

#[test]
fn a_directory_in_itself_ends() {
    let image = fixture("fat/deleted.img.gz");
    let entry = find(&image, b"KEEP       ");
    let inside = find(&image, b"STAY       ");
    let own = image[entry + 26];
    let mut looped = poke(&image, inside + 26, &[own]);
    looped[inside + 11] = 0x10;
    let found = open(&looped);
    assert!(
        found.tells("which belongs to another one or to itself"),
        "{:?}",
        found.problems
    );
    assert_eq!(found.tree.entries.len(), 3);
}
