//! Files of the real tool, and files with one thing wrong.

use super::super::trial::{assert_is_the_payload, decode, decode_by, fixture, hurt};
use super::*;
use crate::formats::{Role, Span};
use crate::problem::ProblemKind;

const VARIANTS: [&str; 6] = ["none", "crc32", "crc64", "sha256", "blocks", "streams"];

fn name(variant: &str) -> String {
    format!("xz/{variant}.img")
}

#[test]
fn every_variant_is_read_to_its_exact_end() {
    for variant in VARIANTS {
        let mut image = fixture(&name(variant));
        let len = image.len() as u64;
        image.extend_from_slice(b"\0\0\0\0junk behind it");
        let outcome = decode(&Xz, image).unwrap();
        assert_is_the_payload(&outcome.payload, &name(variant));
        assert!(outcome.problems.is_empty());
        let proof = match variant {
            "none" => Proof::Structure,
            _ => Proof::Checksum,
        };
        assert_eq!(outcome.extent, Some((len, proof)), "{variant}");
        // Only stream padding is left over.
        let padding = if variant == "streams" { 512 } else { 0 };
        assert_eq!(outcome.unexplained(), padding, "{variant}");
    }
}

#[test]
fn spans_tell_headers_and_checks_from_content() {
    let image = fixture("xz/crc64.img");
    let len = image.len() as u64;
    let spans = decode(&Xz, image).unwrap().spans;
    let roles: Vec<Role> = spans.iter().map(|span| span.role).collect();
    assert_eq!(roles, [Role::Metadata, Role::Content, Role::Metadata]);
    assert_eq!(spans[0], Span::metadata(0, 24));
    assert_eq!(spans[2].at + spans[2].len, len);
}

#[test]
fn a_wrong_check_is_told_and_everything_is_read() {
    for variant in ["crc32", "crc64", "sha256"] {
        let mut image = fixture(&name(variant));
        let sound = decode(&Xz, image.clone()).unwrap();
        let index = sound.spans[2];
        // The check follows the content and up to 3 zeros.
        let at = index.at as usize + 3;
        image[at] ^= 0x10;
        for piece in [1, 100, 1 << 20] {
            let outcome = decode_by(&Xz, image.clone(), piece).unwrap();
            assert_eq!(
                outcome.kinds(),
                [ProblemKind::ChecksumMismatch],
                "{variant}"
            );
            assert!(outcome.payload == sound.payload, "{variant} {piece}");
            let extent = Some((image.len() as u64, Proof::Structure));
            assert_eq!(outcome.extent, extent);
        }
    }
}

#[test]
fn damage_is_told_once_and_what_came_before_it_is_kept() {
    let mut image = fixture("xz/blocks.img");
    let sound = decode(&Xz, image.clone()).unwrap();
    let at = image.len() / 2;
    image[at..at + 8].fill(0xee);
    let outcome = decode_by(&Xz, image, 100).unwrap();
    assert_eq!(outcome.kinds(), [ProblemKind::Corrupt]);
    assert!(outcome.payload.len() >= 1024);
    assert!(sound.payload.starts_with(&outcome.payload[..1024]));
}

#[test]
fn every_truncation_is_told() {
    let image = fixture("xz/streams.img");
    let first = decode(&Xz, image.clone()).unwrap().spans[0];
    assert_eq!(first.at, 0);
    for len in 0..image.len() {
        let Some(outcome) = decode(&Xz, image[..len].to_vec()) else {
            assert!(len < 24);
            continue;
        };
        // Cut between the two streams, the first one is whole.
        let whole = outcome.extent.unwrap().1 == Proof::Checksum;
        assert_eq!(whole, outcome.problems.is_empty(), "{len}");
        assert!(!whole || outcome.payload.len() == 3000);
    }
}

#[test]
fn dictionaries_beyond_the_limit_are_a_limit() {
    let mut image = fixture("xz/crc32.img");
    // Block header: size, flags, filter 0x21, 1 byte of properties: the dictionary size.
    assert_eq!(image[14..16], [0x21, 1]);
    image[16] = 40;
    let crc = crc32fast::hash(&image[12..20]);
    image[20..24].copy_from_slice(&crc.to_le_bytes());
    let outcome = decode(&Xz, image).unwrap();
    assert_eq!(outcome.kinds(), [ProblemKind::Limit]);
    assert!(outcome.payload.is_empty());
}

#[test]
fn unknown_checks_and_filters_are_unsupported() {
    let mut image = fixture("xz/none.img");
    image[14] = 0x30;
    let crc = crc32fast::hash(&image[12..20]);
    image[20..24].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(
        decode(&Xz, image).unwrap().kinds(),
        [ProblemKind::Unsupported]
    );
    let mut image = fixture("xz/crc32.img");
    let end = image.len();
    for (flags, crc) in [(6..8, 8..12), (end - 8..end - 2, end - 12..end - 8)] {
        let last = flags.end - 1;
        image[last] = 3;
        let sum = crc32fast::hash(&image[flags]);
        image[crc].copy_from_slice(&sum.to_le_bytes());
    }
    let outcome = decode(&Xz, image).unwrap();
    assert_eq!(outcome.kinds(), [ProblemKind::Unsupported]);
    assert_is_the_payload(&outcome.payload, "xz/crc32.img");
}

#[test]
fn the_magic_alone_is_a_coincidence_and_a_broken_header_is_not() {
    let reject = |image: &[u8]| Xz.measure(&Bytes::copy_from_slice(image)).err();
    let mut image = fixture("xz/crc32.img");
    assert_eq!(reject(&image), None);
    let noise = [&MAGIC[..], &[0; 60]].concat();
    assert!(matches!(reject(&noise), Some(Reject::Coincidence(_))));
    image[8] ^= 1;
    assert!(matches!(reject(&image), Some(Reject::NearMiss(_))));
}

#[test]
fn an_empty_stream_is_one() {
    let empty = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\0\0\0\0\x1c\xdf\x44\x21\x1f\xb6\xf3\x7d\x01\0\0\0\0\x04YZ";
    let outcome = decode(&Xz, empty.to_vec()).unwrap();
    assert_eq!(outcome.extent, Some((32, Proof::Checksum)));
    assert_eq!(outcome.unexplained(), 0);
}

#[test]
fn mutants_neither_panic_nor_pass_as_checked() {
    for variant in VARIANTS {
        hurt(&Xz, &fixture(&name(variant)), 500);
    }
}
