//! Tests of the compress reader.

use super::super::trial::{Seeded, assert_is_the_payload, decode, decode_by, fixture, hurt};
use super::*;
use crate::problem::ProblemKind;

const VARIANTS: [&str; 5] = ["16", "12", "10", "9", "no-block"];

fn name(variant: &str) -> String {
    format!("compress/{variant}.img")
}

#[test]
fn every_variant_is_read_to_its_end_at_the_end_of_a_stream_and_before_padding() {
    for variant in VARIANTS {
        for behind in [&[][..], &[0; 700], &[0xff; 700], &[0; 3]] {
            let mut image = fixture(&name(variant));
            let len = image.len() as u64;
            image.extend_from_slice(behind);
            for piece in [1, 4096] {
                let outcome = decode_by(&Compress, image.clone(), piece).unwrap();
                if behind.len() == 3 {
                    // Too little to be told from codes.
                    assert!(outcome.extent.is_some());
                    continue;
                }
                assert_is_the_payload(&outcome.payload, &name(variant));
                assert!(outcome.problems.is_empty(), "{variant}");
                assert_eq!(outcome.extent, Some((len, Proof::Structure)), "{variant}");
                assert_eq!(outcome.unexplained(), 0);
            }
        }
    }
}

#[test]
fn something_else_behind_a_stream_is_told() {
    for variant in VARIANTS {
        let sound = fixture(&name(variant));
        let whole = decode(&Compress, sound.clone()).unwrap();
        let len = sound.len() as u64;
        let mut image = sound;
        image.extend_from_slice(&Seeded(7).bytes(5000));
        let outcome = decode(&Compress, image).unwrap();
        assert_eq!(outcome.kinds(), [ProblemKind::Corrupt], "{variant}");
        let (end, _) = outcome.extent.unwrap();
        assert!(end >= len && end < len + 200, "{variant}: {end} of {len}");
        assert!(outcome.payload.starts_with(&whole.payload));
    }
}

/// `printf abababab | compress`, as ncompress writes it.
#[test]
fn the_smallest_streams_are_read() {
    let image = b"\x1f\x9d\x90\x61\xc4\x04\x1c\x28\x50\x0c";
    let outcome = decode(&Compress, image.to_vec()).unwrap();
    assert_eq!(outcome.payload, b"ababababab");
    assert_eq!(outcome.extent, Some((10, Proof::Structure)));
}

#[test]
fn noise_and_padding_behind_the_magic_are_coincidences() {
    let mut seed = Seeded(99);
    for round in 0..20_000 {
        let mut image = seed.bytes(3000);
        image[..3].copy_from_slice(&[0x1f, 0x9d, 0x90]);
        match round % 3 {
            0 => image[3..].fill(0),
            1 => image[3..].fill(0xff),
            _ => {}
        }
        let outcome = decode(&Compress, image);
        assert!(outcome.is_none_or(|outcome| outcome.extent.is_none()));
    }
}

#[test]
fn mutants_do_not_panic() {
    for variant in VARIANTS {
        hurt(&Compress, &fixture(&name(variant)), 200);
    }
}

#[test]
fn bits_that_no_decoder_reads_are_told() {
    // Codes of 9 bits: `a`, the one that empties the table, seven that fill the group, and `b`.
    let pack = |hidden: u16| {
        let codes = [97, 256, hidden, hidden, 0, 0, 0, 0, 98];
        let mut bytes = vec![0x1f, 0x9d, 0x90];
        for (number, code) in codes.into_iter().enumerate() {
            let at = 24 + number * 9;
            bytes.resize(bytes.len().max(at / 8 + 3), 0);
            let word = u32::from(code) << (at % 8);
            for (byte, more) in bytes[at / 8..].iter_mut().zip(word.to_le_bytes()) {
                *byte |= more;
            }
        }
        bytes.truncate(3 + 9 + 2);
        bytes
    };
    for (hidden, told) in [(0, 0), (0x155, 1)] {
        let outcome = decode(&Compress, pack(hidden)).unwrap();
        assert_eq!(outcome.payload, b"ab");
        assert_eq!(outcome.problems.len(), told);
    }
}
