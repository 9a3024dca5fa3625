//! Tests of the lzop reader.

use super::super::trial::{decode, fixture, hurt, reads_to_its_end};
use super::*;
use crate::problem::ProblemKind;

const CHECKED: [&str; 5] = ["default", "best", "crc", "filter", "files"];
const UNCHECKED: [&str; 2] = ["no-checksum", "old"];

fn name(variant: &str) -> String {
    format!("lzop/{variant}.img")
}

#[test]
fn every_variant_is_read_to_its_exact_end() {
    for variant in CHECKED {
        reads_to_its_end(&Lzop, &name(variant), Proof::Checksum, 0);
    }
    for variant in UNCHECKED {
        // The extra field.
        let open = if variant == "old" { 5 } else { 0 };
        reads_to_its_end(&Lzop, &name(variant), Proof::Structure, open);
    }
}

#[test]
fn the_header_says_what_was_packed() {
    let image = Bytes::from(fixture("lzop/default.img"));
    let opened = Lzop.open(image, &Budget::new(crate::budget::Limits::default()));
    let told: Vec<_> = opened.properties.iter().collect();
    let expected: [(&[u8], &[u8]); 3] = [
        (b"mode", b"0640"),
        (b"mtime", b"1700000000"),
        (b"name", b"payload.tar"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_wrong_checksum_is_told_and_everything_is_read() {
    let image = fixture("lzop/crc.img");
    let sound = decode(&Lzop, image.clone()).unwrap();
    let head = Header::parse(&image).unwrap().len as usize;
    // The CRC-32 of the content, and that of the stored bytes.
    for at in [head + 8, head + 12] {
        let mut image = image.clone();
        image[at] ^= 1;
        let outcome = decode(&Lzop, image.clone()).unwrap();
        assert_eq!(outcome.kinds(), [ProblemKind::ChecksumMismatch], "{at}");
        assert!(outcome.payload == sound.payload);
        let extent = Some((image.len() as u64, Proof::Structure));
        assert_eq!(outcome.extent, extent);
    }
}

#[test]
fn every_truncation_is_told() {
    let image = fixture("lzop/files.img");
    let whole = decode(&Lzop, image.clone()).unwrap();
    for len in 0..image.len() {
        let Some(outcome) = decode(&Lzop, image[..len].to_vec()) else {
            continue;
        };
        let (end, proof) = outcome.extent.unwrap();
        assert!(whole.payload.starts_with(&outcome.payload), "{len}");
        // A cut within the second file's header leaves a complete one and a few bytes behind it.
        let complete = proof == Proof::Checksum;
        assert_eq!(complete, outcome.problems.is_empty(), "{len}");
        assert!(!complete || end + 60 > len as u64, "{len}");
    }
}

#[test]
fn one_wrong_byte_of_the_header_is_a_near_miss() {
    let mut image = fixture("lzop/default.img");
    image[30] ^= 1;
    let reject = Lzop.measure(&Bytes::from(image)).err();
    assert!(matches!(reject, Some(Reject::NearMiss(_))));
}

#[test]
fn mutants_neither_panic_nor_pass_as_checked() {
    // Not `filter`: there the highest bit of one byte changes that of all bytes behind it, which Adler-32 may miss. So does lzop.
    for variant in ["default", "best", "crc", "files", "no-checksum", "old"] {
        hurt(&Lzop, &fixture(&name(variant)), 300);
    }
}
