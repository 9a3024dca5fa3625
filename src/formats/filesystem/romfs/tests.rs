use bytes::Bytes;

use super::{Romfs, sums_to_zero};
use crate::budget::{Budget, Limits};
use crate::entry::{Entry, Node};
use crate::formats::{Content, Extent, Format, Opened, Proof, Reject};
use crate::problem::ProblemKind;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/fixtures/romfs/{name}.img.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut plain = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap());
    std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
    plain
}

fn measure(bytes: &[u8]) -> Result<Extent, Reject> {
    Romfs.measure(&Bytes::copy_from_slice(bytes))
}

fn open(bytes: &[u8]) -> (Vec<Entry>, Opened) {
    let budget = Budget::new(Limits::default());
    let mut opened = Romfs.open(Bytes::copy_from_slice(bytes), &budget);
    match std::mem::replace(&mut opened.content, Content::Unread) {
        Content::Tree(tree) => (tree.entries, opened),
        _ => (Vec::new(), opened),
    }
}

/// Where the header of the entry `name` stands.
fn header_of(image: &[u8], name: &[u8]) -> usize {
    let at = image.windows(name.len()).position(|bytes| bytes == name);
    at.unwrap() - 16
}

/// Puts the checksum of a header of 32 bytes right.
fn sign(image: &mut [u8], at: usize) {
    image[at + 12..at + 16].fill(0);
    let words = image[at..at + 32].as_chunks::<4>().0;
    let sum = words.iter().fold(0_u32, |sum, word| {
        sum.wrapping_add(u32::from_be_bytes(*word))
    });
    image[at + 12..at + 16].copy_from_slice(&sum.wrapping_neg().to_be_bytes());
    assert!(sums_to_zero(image, at as u64, 32));
}

#[test]
fn the_superblock_states_the_length_and_proves_it() {
    for name in ["plain", "aligned"] {
        let image = fixture(name);
        let stated = u32::from_be_bytes(image[8..12].try_into().unwrap());
        assert_eq!(
            measure(&image),
            Ok(Extent::known(stated.into(), Proof::Checksum))
        );
        let mut damaged = image;
        damaged[0x30] ^= 1;
        assert!(matches!(measure(&damaged), Err(Reject::NearMiss(_))));
    }
}

#[test]
fn each_sort_of_damage_is_told_and_loses_nothing_else() {
    let sound = fixture("plain");
    let whole = open(&sound).0.len();
    for (what, name, at, bytes, kind) in [
        (
            "a name",
            &b"passwd\0"[..],
            16,
            &b"q"[..],
            ProblemKind::ChecksumMismatch,
        ),
        (
            "a size",
            b"shadow\0",
            8,
            &[0, 0, 0, 9],
            ProblemKind::ChecksumMismatch,
        ),
    ] {
        let mut image = sound.clone();
        let header = header_of(&sound, name);
        image[header + at..header + at + bytes.len()].copy_from_slice(bytes);
        let (entries, opened) = open(&image);
        assert_eq!(entries.len(), whole, "{what}");
        assert_eq!(opened.problems.len(), 1, "{what}: {:?}", opened.problems);
        assert_eq!(opened.problems[0].kind, kind, "{what}");
    }
}

#[test]
fn a_directory_in_itself_and_a_name_with_a_slash_are_told() {
    let sound = fixture("plain");
    let etc = header_of(&sound, b"etc\0");
    let mut image = sound.clone();
    image[etc + 4..etc + 8].copy_from_slice(&0x20_u32.to_be_bytes());
    sign(&mut image, etc);
    let opened = open(&image).1;
    assert_eq!(opened.problems[0].kind, ProblemKind::Corrupt);
    let mut image = sound;
    image[etc + 17] = b'/';
    sign(&mut image, etc);
    let (entries, opened) = open(&image);
    assert_eq!(opened.problems[0].kind, ProblemKind::Name);
    let dirs = entries
        .iter()
        .filter(|entry| matches!(entry.node, Node::Dir));
    assert!(dirs.count() > 5);
}

#[test]
fn cut_images_and_mutants_are_read_without_a_panic() {
    let sound = fixture("plain");
    let stated = u32::from_be_bytes(sound[8..12].try_into().unwrap()) as usize;
    for len in (0..2000).chain((2000..stated).step_by(997)) {
        let (entries, opened) = open(&sound[..len]);
        assert!(!opened.problems.is_empty());
        drop(entries);
    }
    let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
    for _ in 0..500 {
        let mut image = sound.clone();
        for _ in 0..4 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let at = (seed >> 8) as usize % 3000;
            image[at] ^= 1 << (seed & 7);
        }
        if measure(&image).is_ok() {
            open(&image);
        }
    }
}
