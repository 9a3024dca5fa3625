use bytes::Bytes;

use super::Minix;
use crate::budget::{Budget, Limits};
use crate::entry::{Entry, Fault, Node};
use crate::formats::{Content, Extent, Format, Opened, Proof, Reject};
use crate::problem::ProblemKind;

const IMAGES: [&str; 7] = [
    "v1-14",
    "v1-30",
    "v2-14",
    "v2-30",
    "v3",
    "v1-30-big",
    "v3-big",
];

fn fixture(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/fixtures/minix/{name}.img.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut plain = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap());
    std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
    plain
}

fn measure(bytes: &[u8]) -> Result<Extent, Reject> {
    Minix.measure(&Bytes::copy_from_slice(bytes))
}

fn open(bytes: &[u8]) -> (Vec<Entry>, Opened) {
    let budget = Budget::new(Limits::default());
    let mut opened = Minix.open(Bytes::copy_from_slice(bytes), &budget);
    match std::mem::replace(&mut opened.content, Content::Unread) {
        Content::Tree(tree) => (tree.entries, opened),
        _ => (Vec::new(), opened),
    }
}

/// Kind of every problem, those of contents too.
fn told(bytes: &[u8]) -> Vec<ProblemKind> {
    let (entries, opened) = open(bytes);
    let mut told: Vec<_> = opened.problems.iter().map(|problem| problem.kind).collect();
    for entry in &entries {
        if let Node::File(file) = &entry.node {
            match file.data.copy_to(&mut std::io::sink()) {
                Err(Fault::Problem(problem)) => told.push(problem.kind),
                Ok(()) => {}
                Err(Fault::Sink(error)) => panic!("{error}"),
            }
        }
    }
    told
}

#[test]
fn every_version_and_byte_order_is_measured_and_whole() {
    for name in IMAGES {
        let image = fixture(name);
        let extent = Extent::known(image.len() as u64, Proof::Structure);
        assert_eq!(measure(&image), Ok(extent), "{name}");
        assert_eq!(told(&image), [], "{name}");
    }
}

/// Where the inodes of `v1-30` start: behind boot block, superblock and the two maps.
fn table(image: &[u8]) -> usize {
    let word = |at: usize| usize::from(u16::from_le_bytes([image[at], image[at + 1]]));
    (2 + word(1028) + word(1030)) * 1024
}

/// The number of the first inode of `v1-30` that is a file with a list of zones.
fn large(image: &[u8]) -> usize {
    let table = table(image);
    let number = (2..100).find(|number| {
        let at = table + (number - 1) * 32;
        image[at + 1] & 0xf0 == 0x80 && image[at + 28..at + 30] != [0, 0]
    });
    table + (number.unwrap() - 1) * 32
}

#[test]
fn each_sort_of_damage_is_told() {
    let sound = fixture("v1-30");
    let inode = large(&sound);
    let first = [sound[inode + 14], sound[inode + 15]];
    for (what, at, bytes) in [
        ("a zone behind the end", inode + 14, [0xff, 0xff]),
        ("a zone of the maps", inode + 14, [2, 0]),
        ("a zone twice", inode + 16, first),
        ("a list that is its own content", inode + 28, first),
        ("a type", inode, [0, 0xf0]),
    ] {
        let mut image = sound.clone();
        image[at..at + 2].copy_from_slice(&bytes);
        // Once for each name of the file.
        let told = told(&image);
        assert!(!told.is_empty(), "{what}");
        assert!(
            told.iter().all(|&kind| kind == ProblemKind::Corrupt),
            "{what}"
        );
    }
    // The cut end is missing.
    assert!(told(&sound[..sound.len() / 4]).contains(&ProblemKind::Corrupt));
}

#[test]
fn a_root_that_is_no_directory_is_a_near_miss_and_wrong_maps_are_nothing() {
    let sound = fixture("v1-30");
    let mut image = sound.clone();
    image[table(&sound) + 1] = 0x81;
    assert!(matches!(measure(&image), Err(Reject::NearMiss(_))));
    let mut image = sound;
    image[1028] += 9;
    assert!(matches!(measure(&image), Err(Reject::Coincidence(_))));
}

#[test]
fn a_directory_that_contains_itself_is_told_and_not_followed() {
    let mut image = fixture("v1-30");
    // `..` of the first directory behind the root becomes a name for the root.
    let at = memchr::memmem::rfind(&image, b"\0..\0").unwrap();
    image[at + 1..at + 3].copy_from_slice(b"up");
    assert_eq!(told(&image), [ProblemKind::Corrupt]);
}

#[test]
fn cut_images_and_mutants_are_read_without_a_panic() {
    for name in ["v1-14", "v3-big"] {
        let sound = fixture(name);
        for len in (0..sound.len()).step_by(20_001) {
            if measure(&sound[..len]).is_ok() {
                told(&sound[..len]);
            }
        }
        let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
        for _ in 0..60 {
            let mut image = sound.clone();
            for _ in 0..4 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let at = 1024 + (seed >> 8) as usize % 30000;
                image[at] ^= 1 << (seed & 7);
            }
            if measure(&image).is_ok() {
                told(&image);
            }
        }
    }
}
