//! Files of the real tools, and files with one thing wrong.

use super::super::trial::{Seeded, assert_is_the_payload, decode, decode_by, fixture, hurt};
use super::*;
use crate::problem::ProblemKind;

const VARIANTS: [&str; 4] = ["check", "no-check", "frames", "pzstd"];

fn name(variant: &str) -> String {
    format!("zstd/{variant}.img")
}

#[test]
fn every_variant_is_read_to_its_exact_end() {
    for variant in VARIANTS {
        let mut image = fixture(&name(variant));
        let len = image.len() as u64;
        image.extend_from_slice(b"junk behind it");
        for piece in [1, 4096, 1 << 20] {
            let outcome = decode_by(&Zstd, image.clone(), piece).unwrap();
            assert_is_the_payload(&outcome.payload, &name(variant));
            assert!(outcome.problems.is_empty());
            let proof = match variant {
                "no-check" => Proof::Structure,
                _ => Proof::Checksum,
            };
            assert_eq!(outcome.extent, Some((len, proof)), "{variant}");
            // The payload of a skippable frame explains itself only when it is pzstd's.
            let hidden = if variant == "frames" { 6 } else { 0 };
            assert_eq!(outcome.unexplained(), hidden, "{variant}");
        }
    }
}

#[test]
fn a_file_of_pzstd_starts_at_its_skippable_frame() {
    let mut image = vec![0xff; 100];
    image.extend(fixture("zstd/pzstd.img"));
    let image = Bytes::from(image);
    assert_eq!(Zstd.locate(&image, &Zstd.magics()[0], 112), Some(100));
    let plain = [vec![0xff; 100], fixture("zstd/check.img")].concat();
    let plain = Bytes::from(plain);
    assert_eq!(Zstd.locate(&plain, &Zstd.magics()[0], 100), Some(100));
}

#[test]
fn a_wrong_checksum_is_told_and_everything_is_read() {
    let mut image = fixture("zstd/check.img");
    let at = image.len() - 1;
    image[at] ^= 1;
    for piece in [1, 4096, 1 << 20] {
        let outcome = decode_by(&Zstd, image.clone(), piece).unwrap();
        assert_eq!(outcome.kinds(), [ProblemKind::ChecksumMismatch]);
        assert_is_the_payload(&outcome.payload, "zstd/check.img");
        let extent = Some((image.len() as u64, Proof::Structure));
        assert_eq!(outcome.extent, extent);
    }
}

#[test]
fn blocks_before_a_damaged_one_are_kept() {
    let payload: Vec<u8> = Seeded(3)
        .bytes(400_000)
        .iter()
        .map(|byte| byte & 0x0f)
        .collect();
    let mut image = zstd::bulk::compress(&payload, 1).unwrap();
    let len = image.len();
    let whole = decode(&Zstd, image.clone()).unwrap();
    assert!(whole.payload == payload);
    let last = whole
        .spans
        .iter()
        .rfind(|span| span.role == crate::formats::Role::Content);
    let at = last.unwrap().at as usize;
    image[at..at + 40].fill(0xff);
    let outcome = decode_by(&Zstd, image, 1 << 20).unwrap();
    assert_eq!(outcome.kinds(), [ProblemKind::Corrupt]);
    assert_eq!(outcome.extent, Some((len as u64, Proof::Structure)));
    assert!(outcome.payload == payload[..outcome.payload.len()]);
    assert_eq!(outcome.payload.len(), 3 << 17);
}

#[test]
fn dictionaries_and_large_windows_are_told() {
    // Magic, descriptor, window or dictionary, one last raw block of one byte.
    let dictionary = b"\x28\xb5\x2f\xfd\x21\x07\x01\x09\0\0x";
    let window = b"\x28\xb5\x2f\xfd\0\x90\x09\0\0x";
    let cases = [
        (&dictionary[..], ProblemKind::Unsupported),
        (&window[..], ProblemKind::Limit),
    ];
    for (image, kind) in cases {
        let outcome = decode(&Zstd, image.to_vec()).unwrap();
        assert_eq!(outcome.kinds(), [kind]);
        let extent = Some((image.len() as u64, Proof::Structure));
        assert_eq!(outcome.extent, extent);
    }
}

#[test]
fn every_truncation_is_told() {
    for variant in VARIANTS {
        let image = fixture(&name(variant));
        for len in 0..image.len() {
            let Some(outcome) = decode(&Zstd, image[..len].to_vec()) else {
                continue;
            };
            let whole = outcome.problems.is_empty() && outcome.extent.is_some();
            assert!(!whole || outcome.payload.len() == 3000, "{variant} {len}");
        }
    }
}

#[test]
fn noise_behind_the_magic_is_a_coincidence() {
    let mut seed = Seeded(11);
    let mut regions = 0;
    for _ in 0..20_000 {
        let mut image = seed.bytes(3000);
        image[..4].copy_from_slice(&MAGIC);
        let outcome = decode(&Zstd, image);
        regions += usize::from(outcome.is_some_and(|outcome| outcome.extent.is_some()));
    }
    // One in 300 noisy frames seems to need a dictionary; the magic itself is one in 2^32.
    assert!(regions < 150, "{regions}");
}

#[test]
fn mutants_neither_panic_nor_pass_as_checked() {
    for variant in VARIANTS {
        hurt(&Zstd, &fixture(&name(variant)), 1000);
    }
}
