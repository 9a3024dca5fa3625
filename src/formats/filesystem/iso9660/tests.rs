//! Discs made by genisoimage and xorriso, whole and damaged. What they hold is compared with the source tree by `tests/it/fixtures.rs`.

use std::io::Read;

use bytes::Bytes;

use super::Iso9660;
use super::record::time;
use crate::budget::{Budget, Limits};
use crate::entry::Node;
use crate::formats::{Content, Format, Opened, Reject};
use crate::problem::ProblemKind;

fn disc(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/fixtures/iso9660/{name}.img.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(&*std::fs::read(path).unwrap())
        .read_to_end(&mut image)
        .unwrap();
    image
}

fn open(image: Vec<u8>) -> Opened {
    Iso9660.open(Bytes::from(image), &Budget::new(Limits::default()))
}

fn kinds(opened: &Opened) -> Vec<ProblemKind> {
    opened.problems.iter().map(|problem| problem.kind).collect()
}

fn paths(opened: &Opened) -> Vec<String> {
    let Content::Tree(tree) = &opened.content else {
        return Vec::new();
    };
    let paths = tree.entries.iter();
    paths
        .map(|entry| String::from_utf8_lossy(entry.path.as_bytes()).into_owned())
        .collect()
}

#[test]
fn what_a_later_session_replaced_or_removed_is_history() {
    let older = |image: Vec<u8>| {
        let opened = open(image);
        assert_eq!(kinds(&opened), []);
        let Content::Tree(tree) = opened.content else {
            panic!("no tree");
        };
        let older = tree.history.iter().map(|older| {
            let mut bytes = Vec::new();
            older.file.data.copy_to(&mut bytes).unwrap();
            let path = String::from_utf8_lossy(older.path.as_bytes()).into_owned();
            (path, String::from_utf8(bytes).unwrap())
        });
        older.collect::<Vec<_>>()
    };
    let wanted = [("/changed", "changed\n"), ("/dir/removed", "dir/removed\n")];
    let wanted = wanted.map(|(path, text)| (path.to_owned(), text.to_owned()));
    assert_eq!(older(disc("sessions")), wanted);
    // The first session's descriptor in sector 48 makes no sense: its tree is not found.
    let mut image = disc("sessions");
    image[48 * 2048 + 128] = 7;
    assert_eq!(older(image), []);
}

/// Where the record whose name field is `name` starts.
fn record(image: &[u8], name: &[u8]) -> usize {
    let at = image
        .windows(name.len())
        .position(|window| window == name)
        .unwrap();
    at - 33
}

#[test]
fn damage_is_told_where_it_is() {
    // Offsets by ECMA-119: the primary descriptor at 0x8000, its root record at 156, its path table at 140.
    type Poke = fn(&mut Vec<u8>);
    let cases: [(&str, Poke, ProblemKind); 5] = [
        (
            "other extent in big-endian",
            |image| {
                let at = record(image, b"BLOCKS.;1");
                image[at + 9] ^= 1;
            },
            ProblemKind::Corrupt,
        ),
        (
            "name longer than its record",
            |image| {
                let at = record(image, b"BLOCKS.;1");
                image[at + 32] = 0xff;
            },
            ProblemKind::Corrupt,
        ),
        (
            "path table",
            |image| {
                let table =
                    u32::from_le_bytes(image[0x8000 + 140..0x8000 + 144].try_into().unwrap());
                image[table as usize * 2048 + 2] ^= 1;
            },
            ProblemKind::Corrupt,
        ),
        (
            "no terminator",
            |image| image[0x8800] = 3,
            ProblemKind::Unsupported,
        ),
        (
            "cut off",
            |image| image.truncate(200_000),
            ProblemKind::Corrupt,
        ),
    ];
    for (name, poke, kind) in cases {
        let mut image = disc("relocated");
        assert!(kinds(&open(image.clone())).is_empty());
        poke(&mut image);
        let opened = open(image);
        assert!(
            kinds(&opened).contains(&kind),
            "{name}: {:?}",
            opened.problems
        );
        assert!(paths(&opened).contains(&"/etc".to_owned()), "{name}");
    }
}

#[test]
fn a_file_that_only_windows_would_show_is_listed() {
    let mut image = disc("rock-ridge-joliet");
    // `one` in the Joliet tree is pointed at another sector, in both byte orders.
    let name: Vec<u8> = "one".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let at = record(&image, &name);
    assert_eq!(usize::from(image[at + 32]), name.len());
    image[at + 2..at + 6].copy_from_slice(&17_u32.to_le_bytes());
    image[at + 6..at + 10].copy_from_slice(&17_u32.to_be_bytes());
    let opened = open(image);
    assert_eq!(kinds(&opened), [ProblemKind::Name]);
    assert_eq!(
        paths(&opened).iter().filter(|path| *path == "/one").count(),
        2
    );
}

#[test]
fn directories_that_hold_each_other_end() {
    let mut image = disc("relocated");
    let at = record(&image, b"BIN");
    let root = u32::from_le_bytes(image[0x8000 + 158..0x8000 + 162].try_into().unwrap());
    image[at + 2..at + 6].copy_from_slice(&root.to_le_bytes());
    image[at + 6..at + 10].copy_from_slice(&root.to_be_bytes());
    let opened = open(image);
    assert!(kinds(&opened).contains(&ProblemKind::Corrupt));
    assert!(!paths(&opened).contains(&"/bin/bin".to_owned()));
}

#[test]
fn every_cut_is_read_without_a_panic() {
    let image = disc("zisofs");
    for end in (0..image.len()).step_by(1021) {
        let _ = Iso9660.measure(&Bytes::copy_from_slice(&image[..end]));
        let opened = open(image[..end].to_vec());
        assert!(end > 0x5_5000 || !opened.problems.is_empty(), "{end}");
    }
}

#[test]
fn zisofs_blocks_that_do_not_decode_are_told() {
    let mut image = disc("zisofs");
    let magic = [0x37, 0xe4, 0x53, 0x96, 0xc9, 0xdb, 0xd6, 0x07];
    let at = image.windows(8).position(|window| window == magic).unwrap();
    image[at + 60] ^= 0x55;
    let Content::Tree(tree) = open(image).content else {
        panic!("no tree");
    };
    let failed = tree.entries.iter().filter(|entry| match &entry.node {
        Node::File(file) => file.data.copy_to(&mut Vec::new()).is_err(),
        _ => false,
    });
    assert!(failed.count() > 0);
}

#[test]
fn a_descriptor_whose_root_is_elsewhere_is_a_near_miss() {
    let mut image = disc("relocated");
    image[0x8000 + 158] ^= 1;
    image[0x8000 + 165] ^= 1;
    let reject = Iso9660.measure(&Bytes::from(image)).unwrap_err();
    assert!(matches!(reject, Reject::NearMiss(_)));
}

#[test]
fn times_count_from_their_zone() {
    // 2023-11-14T22:13:20Z is second 1700000000; the second one is stated at UTC+1.
    assert_eq!(time(&[123, 11, 14, 22, 13, 20, 0]), Some(1_700_000_000));
    assert_eq!(time(&[123, 11, 14, 23, 13, 20, 4]), Some(1_700_000_000));
    assert_eq!(time(&[123, 13, 14, 23, 13, 20, 4]), None);
}
