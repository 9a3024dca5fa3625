//! Fixtures that the real libraries packed, and damage.

use std::io::Read;

use super::*;
use crate::budget::Limits;
use crate::formats::{Ending, PartBytes};

fn fixture(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/fixtures/qnx-startup/{name}.bin.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_end(&mut image)
        .unwrap();
    image
}

/// The image behind the startup program, and the kinds and words of all problems.
fn read(image: &[u8]) -> (Vec<u8>, Vec<String>) {
    let region = Bytes::copy_from_slice(image);
    let opened = QnxStartup.open(region.clone(), &Budget::new(Limits::default()));
    let mut problems = opened.problems;
    let mut plain = Vec::new();
    if let Content::Layout(parts) = opened.content {
        for part in parts.into_iter().filter(|part| part.name == b"imagefs") {
            match part.bytes {
                PartBytes::Range(range) => {
                    plain = clip(&region, range.start, range.end - range.start).to_vec();
                }
                PartBytes::Stream(mut decoder) => {
                    decoder.read_to_end(&mut plain).unwrap();
                    let ending: Ending = decoder.finish();
                    problems.extend(ending.problems);
                }
                PartBytes::Decoded(bytes) => plain = bytes.to_vec(),
            }
        }
    }
    let told = problems.iter();
    let told = told.map(|problem| format!("{}: {}", problem.kind.word(), problem.detail));
    (plain, told.collect())
}

#[test]
fn every_compression_holds_the_same_image() {
    let (plain, told) = read(&fixture("plain"));
    assert_eq!(told, [""; 0]);
    assert!(plain.starts_with(b"imagefs"));
    for name in ["zlib", "lzo", "ucl"] {
        let image = fixture(name);
        assert_eq!(read(&image), (plain.clone(), vec![]), "{name}");
        let measured = QnxStartup.measure(&Bytes::from(image.clone()));
        let len = image.len() as u64;
        assert_eq!(measured, Ok(Extent::known(len, Proof::Structure)), "{name}");
    }
    let (big, told) = read(&fixture("plain-big"));
    assert_eq!(told, [""; 0]);
    assert_eq!(read(&fixture("ucl-big")), (big, vec![]));
}

#[test]
fn each_flipped_byte_is_told() {
    for name in ["plain", "zlib", "lzo", "ucl", "ucl-big"] {
        let sound = fixture(name);
        for at in (256..sound.len()).step_by(977) {
            let mut image = sound.clone();
            image[at] ^= 0x40;
            // The sum of a plain image is its own.
            let own = name == "plain" && at >= 3260;
            let (_, told) = read(&image);
            assert!(own || !told.is_empty(), "{name}, byte {at}");
        }
    }
}

#[test]
fn cut_images_are_told_wherever_they_end() {
    for name in ["zlib", "lzo", "ucl"] {
        let sound = fixture(name);
        let near = (0..400)
            .chain(3200..3400)
            .chain((3400..sound.len()).step_by(499));
        for len in near.filter(|&len| len < sound.len()) {
            let (_, told) = read(&sound[..len]);
            assert!(!told.is_empty(), "{name}, {len} bytes");
        }
    }
}

#[test]
fn impossible_sizes_are_near_misses_and_other_headers_are_nothing() {
    let sound = fixture("ucl");
    let poke = |at: usize, bytes: &[u8]| {
        let mut image = sound.clone();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        QnxStartup.measure(&Bytes::from(image))
    };
    for (at, bytes) in [(32, [0; 4]), (36, [0; 4]), (32, [0xff; 4])] {
        assert!(matches!(poke(at, &bytes), Err(Reject::NearMiss(_))));
    }
    for (at, bytes) in [
        (4, [2, 0]),
        (6, [2, 0]),
        (8, [0, 2]),
        (52, [1, 0]),
        (50, [1, 0]),
    ] {
        assert!(matches!(poke(at, &bytes), Err(Reject::Coincidence(_))));
    }
}

#[test]
fn a_compression_that_is_not_known_is_told() {
    let mut image = fixture("ucl");
    image[6] = 0x10;
    let (plain, told) = read(&image);
    assert!(plain.is_empty());
    assert!(told.contains(&"unsupported: compression 0x10 is not known".to_owned()));
}

#[test]
fn hostile_blocks_end_without_a_panic_and_within_their_limit() {
    let mut out = Vec::new();
    let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
    for _ in 0..3000 {
        let mut block = Vec::new();
        for _ in 0..64 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            block.push((seed >> 11).to_le_bytes()[0] | (seed >> 43).to_le_bytes()[0] & 0xaa);
        }
        let _ = ucl::decode(&block, 500, &mut out);
        assert!(out.len() <= 500);
    }
    assert_eq!(ucl::decode(&[], 9, &mut out), Err(ucl::Damage::Length));
    // Two literals, then a match three bytes back.
    let block = [0b1101_1010, b'a', b'b', 2];
    assert_eq!(ucl::decode(&block, 9, &mut out), Err(ucl::Damage::Match));
}
