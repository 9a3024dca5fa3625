use bytes::Bytes;

use super::Exfat;
use crate::formats::filesystem::trial::{Trial, fixture, poke, stored};
use crate::formats::{Format, Length, Proof, Reject};

fn open(image: &[u8]) -> Trial {
    crate::formats::filesystem::trial::open(&Exfat, image)
}

fn measure(image: &[u8]) -> Result<(u64, Proof), Reject> {
    let extent = Exfat.measure(&Bytes::copy_from_slice(image))?;
    match extent.len {
        Length::Known(len) => Ok((len, extent.proof)),
        Length::Decoded => panic!("a file system states its length"),
    }
}

fn deleted() -> Vec<u8> {
    fixture("exfat/deleted.img.gz")
}

fn number(image: &[u8], at: usize) -> usize {
    u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize
}

/// Where the record of a file is: its name in UTF-16 starts 66 bytes behind it.
fn set_of(image: &[u8], name: &str) -> usize {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut windows = image.windows(name.len());
    windows.position(|window| window == name).unwrap() - 66
}

#[test]
fn deleted_files_are_history_where_their_clusters_are_free() {
    let found = open(&deleted());
    let truth = String::from_utf8(stored("exfat/deleted.img.gz.history.tsv")).unwrap();
    assert_eq!(found.history(), truth.lines().collect::<Vec<_>>());
    let whys = found.tree.history.iter().map(|older| older.why);
    assert_eq!(
        whys.filter(|why| why.contains("clusters are free")).count(),
        2
    );
    assert_eq!(found.problems, Vec::<String>::new());
}

#[test]
fn times_have_a_zone_and_the_volume_a_label() {
    let found = open(&deleted());
    assert_eq!(found.tree.entries[0].meta.mtime, Some(1_700_000_000));
    let said: Vec<_> = found.opened.properties.iter().collect();
    assert!(said.contains(&(&b"label"[..], &b"VITALSIGN"[..])));
    assert!(said.contains(&(&b"serial"[..], &b"1A2B-3C4D"[..])));
}

#[test]
fn damage_is_told() {
    let image = deleted();
    let kept = set_of(&image, "kept");
    let table = number(&image, 80) * 512;
    let heap = number(&image, 88) * 512;
    let cluster = |number: usize| heap + (number - 2) * 4096;
    let root = cluster(number(&image, 96));
    let find = |kind: u8| {
        let records = image[root..root + 4096].chunks(32);
        root + 32
            * records
                .clone()
                .position(|record| record[0] == kind)
                .unwrap()
    };
    let bitmap = cluster(number(&image, find(0x81) + 20));
    let upper = cluster(number(&image, find(0x82) + 20));
    let cases: &[(&str, usize, &[u8], &str)] = &[
        ("boot region", 64, &[0x77], "its copy is read"),
        ("boot code", 200, &[0x77], "its copy is read"),
        (
            "copy of the boot region",
            12 * 512 + 72,
            &[0x77],
            "checksum of the copy",
        ),
        (
            "the size in a record",
            kept + 32 + 24,
            &[0x2],
            "checksum of the set",
        ),
        ("a letter of a name", kept + 66, b"K", "checksum of the set"),
        (
            "the table of upper case",
            upper + 40,
            &[0x55],
            "checksum of the table of upper case",
        ),
        (
            "a used cluster is free",
            bitmap,
            &[0],
            "are marked as free and belong to a file",
        ),
        (
            "a free cluster is used",
            bitmap + 90,
            &[4],
            "1 clusters are marked as used and belong to no file",
        ),
        (
            "the start of the table",
            table,
            &[0],
            "table of clusters does not start",
        ),
        (
            "a record that must be understood",
            find(0x83),
            &[0x84],
            "of a kind that is not known",
        ),
        (
            "a set without its file",
            kept,
            &[0x05],
            "belongs to no complete set",
        ),
    ];
    for (name, at, bytes, wanted) in cases {
        let found = open(&poke(&image, *at, bytes));
        assert!(found.tells(wanted), "{name}: {:?}", found.problems);
        assert!(!found.tree.entries.is_empty(), "{name}");
    }
}

#[test]
fn a_wrong_hash_is_told_where_the_set_is_sound() {
    let image = deleted();
    let kept = set_of(&image, "kept");
    let mut changed = poke(&image, kept + 36, &[image[kept + 36] ^ 1]);
    let mut sum = 0_u16;
    for (at, &byte) in changed[kept..kept + 96].iter().enumerate() {
        if !matches!(at, 2 | 3) {
            sum = sum.rotate_right(1).wrapping_add(byte.into());
        }
    }
    changed[kept + 2..kept + 4].copy_from_slice(&sum.to_le_bytes());
    assert!(open(&changed).tells("the hash of the name"));
}

#[test]
fn a_lost_boot_region_is_read_from_its_copy() {
    let image = deleted();
    let whole = open(&image).rows();
    let lost = poke(&image, 0, &[0; 12 * 512]);
    let found = open(&lost);
    assert!(found.tells("its copy is read"));
    assert_eq!(found.rows(), whole);
    let stream = Bytes::from([vec![7; 700], lost].concat());
    let hit = 700 + 12 * 512 + 3;
    assert_eq!(Exfat.locate(&stream, &Exfat.magics()[0], hit), Some(700));
    let stream = Bytes::from(image);
    assert_eq!(Exfat.locate(&stream, &Exfat.magics()[0], 3), Some(0));
}

#[test]
fn a_boot_sector_is_proven_by_its_checksum() {
    let image = deleted();
    let len = image.len() as u64;
    assert_eq!(measure(&image), Ok((len, Proof::Checksum)));
    let near = poke(&image[..6000], 108, &[3]);
    assert!(matches!(measure(&near), Err(Reject::NearMiss(_))));
    let other = [&[0; 3][..], b"EXFAT   ", &[0; 800]].concat();
    assert!(matches!(measure(&other), Err(Reject::Coincidence(_))));
}

#[test]
fn what_is_hidden_is_not_explained() {
    let found = open(&fixture("exfat/small-clusters.img.gz"));
    // Boot code, what stands behind a valid length, free clusters.
    assert_eq!(found.explains(120, 390), None);
    let image = fixture("exfat/small-clusters.img.gz");
    let mut windows = image.windows(64);
    let behind = windows.position(|window| window == [0xa5; 64]).unwrap();
    assert_eq!(found.explains(behind as u64, 64), None);
    assert_eq!(found.explains(image.len() as u64 - 4096, 4096), None);
}

#[test]
fn every_truncation_is_survived() {
    let image = deleted();
    let heap = number(&image, 88) * 512;
    for len in (0..heap)
        .step_by(4099)
        .chain((heap..heap + 60_000).step_by(1031))
    {
        let found = open(&image[..len]);
        let lost = found.rows().iter().any(|row| row.ends_with("\t-"));
        assert!(!found.problems.is_empty() || lost, "{len}");
    }
}

#[test]
fn a_second_bitmap_or_table_of_upper_case_is_told() {
    let image = deleted();
    for kind in [0x81, 0x82] {
        let number_at = |at: usize| number(&image, at);
        let heap = number_at(88) * 512;
        let cluster = 512 << image[109];
        let root = heap + (number_at(96) - 2) * cluster;
        let at = |kind: u8| {
            (root..root + cluster)
                .step_by(32)
                .find(|&at| image[at] == kind)
        };
        let own = at(kind).unwrap();
        let free = at(0).unwrap();
        let mut image = image.clone();
        let record = image[own..own + 32].to_vec();
        image[free..free + 32].copy_from_slice(&record);
        let found = open(&image);
        assert!(
            found.tells("a second bitmap or table"),
            "{:?}",
            found.problems
        );
    }
}
