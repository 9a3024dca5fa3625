//! Tests of the lz4 reader.

use super::super::trial::{decode, fixture, hurt, reads_to_its_end};
use super::*;
use crate::problem::ProblemKind;

/// The variants of frames that have checksums, and those that have none.
const CHECKED: [&str; 4] = ["default", "linked", "block-checksums", "frames"];
const UNCHECKED: [&str; 4] = ["no-checksum", "legacy", "linux", "skippable"];

fn name(variant: &str) -> String {
    format!("lz4/{variant}.img")
}

#[test]
fn every_variant_is_read_to_its_exact_end() {
    for variant in CHECKED {
        reads_to_its_end(&Lz4, &name(variant), Proof::Checksum, 0);
    }
    for variant in UNCHECKED {
        // The payload of the skippable frame.
        let open = if variant == "skippable" { 20 } else { 0 };
        reads_to_its_end(&Lz4, &name(variant), Proof::Structure, open);
    }
}

/// `printf 1 | lz4`, and `lz4 </dev/null`.
#[test]
fn the_smallest_streams_are_read() {
    let one = b"\x04\x22\x4d\x18\x64\x40\xa7\x01\0\0\x80\x31\0\0\0\0\xb2\xc8\xec\xb6";
    let nothing = b"\x04\x22\x4d\x18\x64\x40\xa7\0\0\0\0\x05\x5d\xcc\x02";
    let cases: [(&[u8], &[u8]); 2] = [(one, b"1"), (nothing, b"")];
    for (image, payload) in cases {
        let outcome = decode(&Lz4, [image, b"behind"].concat()).unwrap();
        let extent = Some((image.len() as u64, Proof::Checksum));
        assert_eq!((outcome.extent, &outcome.payload[..]), (extent, payload));
    }
}

#[test]
fn a_wrong_checksum_is_told_and_everything_is_read() {
    let image = fixture("lz4/block-checksums.img");
    let sound = decode(&Lz4, image.clone()).unwrap();
    let len = image.len();
    // The content's checksum stands behind the end mark, a block's in front of it.
    for at in [len - 1, len - 9] {
        let mut image = image.clone();
        image[at] ^= 1;
        let outcome = decode(&Lz4, image).unwrap();
        assert_eq!(outcome.kinds(), [ProblemKind::ChecksumMismatch], "{at}");
        assert!(outcome.payload == sound.payload);
        assert_eq!(outcome.extent, Some((len as u64, Proof::Structure)));
    }
}

#[test]
fn a_damaged_block_ends_the_content_and_not_the_region() {
    let mut image = fixture("lz4/no-checksum.img");
    let len = image.len() as u64;
    let (first, second) = (
        11,
        11 + u32::from_le_bytes(image[7..11].try_into().unwrap()) as usize,
    );
    image[second + 4..second + 12].fill(0xff);
    let outcome = decode(&Lz4, image.clone()).unwrap();
    assert_eq!(outcome.kinds(), [ProblemKind::Corrupt]);
    assert_eq!(outcome.payload.len(), 64 << 10);
    assert_eq!(outcome.extent, Some((len, Proof::Structure)));
    assert_eq!(outcome.unexplained(), 0);
    image[first..first + 8].fill(0xff);
    assert!(decode(&Lz4, image).unwrap().extent.is_none());
}

#[test]
fn every_truncation_is_told() {
    for variant in ["frames", "legacy"] {
        let image = fixture(&name(variant));
        let whole = decode(&Lz4, image.clone()).unwrap();
        for len in 0..image.len() {
            let Some(outcome) = decode(&Lz4, image[..len].to_vec()) else {
                continue;
            };
            let Some((end, _)) = outcome.extent else {
                continue;
            };
            assert!(whole.payload.starts_with(&outcome.payload), "{len}");
            // A cut within the second frame's header leaves a complete frame and a few bytes behind it.
            let complete = end + 15 > len as u64 && outcome.payload.len() == 3000;
            assert!(complete || !outcome.problems.is_empty(), "{len}");
        }
    }
}

#[test]
fn one_wrong_byte_of_the_header_is_a_near_miss() {
    let mut image = fixture("lz4/default.img");
    image[6] ^= 1;
    let reject = Lz4.measure(&Bytes::from(image)).err();
    assert!(matches!(reject, Some(Reject::NearMiss(_))));
}

#[test]
fn mutants_neither_panic_nor_pass_as_checked() {
    for variant in CHECKED {
        hurt(&Lz4, &fixture(&name(variant)), 300);
    }
    for variant in UNCHECKED {
        hurt(&Lz4, &fixture(&name(variant)), 100);
    }
}
