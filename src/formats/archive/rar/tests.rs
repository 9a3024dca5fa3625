//! Tests of the rar reader.

use super::*;
use crate::formats::archive::trial;

fn fixture(name: &str) -> Vec<u8> {
    trial::fixture(&format!("rar/{name}.img"))
}

fn open(bytes: impl Into<Bytes>) -> Option<(u64, Tree, Opened)> {
    trial::open(&Rar, bytes)
}

#[test]
fn both_versions_are_explained_to_their_end() {
    for variant in ["four", "five"] {
        let image = fixture(variant);
        let (len, tree, opened) = open([&image[..], b"behind"].concat()).unwrap();
        assert_eq!(len as usize, image.len(), "{variant}");
        assert!(opened.problems.is_empty(), "{:?}", opened.problems);
        let explained = trial::explained(&opened);
        assert_eq!(explained, len);
        assert_eq!(tree.entries.len(), 6);
    }
}

#[test]
fn a_compressed_file_is_named_and_not_read() {
    let mut image = fixture("four");
    // The first file's method, and the CRC of its header.
    let at = 7 + 13;
    image[at + 25] = 0x33;
    let len = usize::from(u16::from_le_bytes([image[at + 5], image[at + 6]]));
    let crc = crc32fast::hash(&image[at + 2..at + len]).to_le_bytes();
    image[at..at + 2].copy_from_slice(&crc[..2]);
    let (_, tree, opened) = open(image).unwrap();
    assert_eq!(tree.entries.len(), 6);
    assert_eq!(opened.problems[0].kind, ProblemKind::Unsupported);
    assert!(opened.problems[0].detail.contains("0x33 of version 20"));
}

#[test]
fn every_flipped_bit_is_told() {
    for variant in ["four", "five"] {
        let sound = fixture(variant);
        for at in 8..sound.len() {
            let mut image = sound.clone();
            image[at] ^= 1;
            let told = open(image).is_none_or(|(_, _, opened)| !opened.problems.is_empty());
            assert!(told, "{variant} {at}");
        }
    }
}

#[test]
fn every_truncation_is_told() {
    for variant in ["four", "five"] {
        let image = fixture(variant);
        for len in 0..image.len() {
            if let Some((end, _, opened)) = open(image[..len].to_vec()) {
                assert!(end > len as u64 || !opened.problems.is_empty(), "{len}");
            }
        }
    }
}
