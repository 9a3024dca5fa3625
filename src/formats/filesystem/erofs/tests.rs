//! Images made by mkfs.erofs, whole and damaged. What they hold is compared with the source tree by `tests/it/fixtures.rs`.

use std::io::Read;

use bytes::Bytes;

use super::Erofs;
use crate::budget::{Budget, Limits};
use crate::entry::Node;
use crate::formats::crc32c::{START, crc32c};
use crate::formats::{Content, Format, Opened, Proof, Reject};
use crate::problem::ProblemKind;

fn image(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/fixtures/erofs/{name}.img.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(&*std::fs::read(path).unwrap())
        .read_to_end(&mut image)
        .unwrap();
    image
}

fn open(image: Vec<u8>) -> Opened {
    Erofs.open(Bytes::from(image), &Budget::new(Limits::default()))
}

/// How many files there are, and how many of them cannot be read to their end.
fn files(opened: &Opened) -> (usize, usize) {
    let Content::Tree(tree) = &opened.content else {
        return (0, 0);
    };
    let files: Vec<_> = tree
        .entries
        .iter()
        .filter_map(|entry| match &entry.node {
            Node::File(file) => Some(file),
            _ => None,
        })
        .collect();
    let failed = files
        .iter()
        .filter(|file| file.data.copy_to(&mut Vec::new()).is_err());
    (files.len(), failed.count())
}

fn kinds(opened: &Opened) -> Vec<ProblemKind> {
    opened.problems.iter().map(|problem| problem.kind).collect()
}

/// Mends the checksum of the superblock, so that what was poked is all that is wrong.
fn mend(image: &mut [u8]) {
    image[1028..1032].fill(0);
    let crc = crc32c(START, &image[1024..4096]);
    image[1028..1032].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn the_superblock_tells_the_length_and_its_checksum_proves_it() {
    let mut bytes = image("lz4");
    let whole = Bytes::from(bytes.clone());
    let extent = Erofs.measure(&whole).unwrap();
    assert_eq!(
        (extent.len, extent.proof),
        (
            crate::formats::Length::Known(whole.len() as u64),
            Proof::Checksum
        )
    );
    bytes[1024 + 64] ^= 1;
    let reject = Erofs.measure(&Bytes::from(bytes.clone())).unwrap_err();
    assert!(matches!(reject, Reject::NearMiss(_)));
    mend(&mut bytes);
    assert!(Erofs.measure(&Bytes::from(bytes)).is_ok());
}

#[test]
fn a_feature_that_is_not_read_is_told_and_the_rest_kept() {
    let mut bytes = image("lz4");
    bytes[1024 + 80] |= 0x80;
    let opened = open(bytes);
    assert_eq!(kinds(&opened), [ProblemKind::Unsupported]);
    assert!(files(&opened).0 > 20);
}

#[test]
fn damaged_clusters_are_told_by_the_files_that_use_them() {
    // Its three files stand one behind another; the last block belongs to the last of them.
    let mut bytes = image("crafted");
    let end = bytes.len();
    bytes[end - 4096..].fill(0);
    assert_eq!(files(&open(bytes)), (3, 1));
}

#[test]
fn without_the_packed_inode_its_fragments_are_told() {
    let whole = image("all-fragments");
    let (all, failed) = files(&open(whole.clone()));
    assert_eq!(failed, 0);
    // Its slot stands in the superblock.
    let mut bytes = whole;
    bytes[1024 + 96..1024 + 104].fill(0);
    let (still, failed) = files(&open(bytes));
    assert_eq!(still, all);
    assert!(failed >= 40, "{failed} of {all}");
}

#[test]
fn a_directory_that_names_the_root_ends() {
    let mut bytes = image("plain");
    // The slot of the first name after `.` and `..` in the root's block becomes the root's own.
    let meta = 4096 * u32::from_le_bytes(bytes[1064..1068].try_into().unwrap()) as usize;
    let root = meta + 32 * usize::from(u16::from_le_bytes([bytes[1038], bytes[1039]]));
    let dir = root + 32;
    let slot: [u8; 8] = bytes[dir..dir + 8].try_into().unwrap();
    let name = (0..40)
        .map(|number| dir + number * 12)
        .find(|&at| bytes[at + 10] == 2 && bytes[at..at + 8] != slot)
        .unwrap();
    bytes[name..name + 8].copy_from_slice(&slot);
    let opened = open(bytes);
    assert!(kinds(&opened).contains(&ProblemKind::Corrupt));
    assert!(files(&opened).0 > 0);
}

#[test]
fn every_cut_and_flip_is_read_without_a_panic() {
    for name in [
        "chunks",
        "lz4hc-tail",
        "lz4-full-index",
        "crafted",
        "fragments",
        "dedupe-fragments",
    ] {
        let whole = image(name);
        for end in (0..whole.len()).step_by(2039) {
            let cut = Bytes::copy_from_slice(&whole[..end]);
            let _ = Erofs.measure(&cut);
            let opened = Erofs.open(cut, &Budget::new(Limits::default()));
            assert!(!opened.problems.is_empty(), "{name}: {end}");
        }
        for at in (1024..whole.len().min(40_000)).step_by(397) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x5a;
            files(&open(flipped));
        }
    }
}

#[test]
fn directories_are_spent() {
    let limits = Limits {
        decoded: 10,
        ..Limits::default()
    };
    let opened = Erofs.open(Bytes::from(image("plain")), &Budget::new(limits));
    assert!(kinds(&opened).contains(&ProblemKind::Limit));
}
