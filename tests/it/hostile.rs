//! Damaged and malicious images: a report with a problem, within the budget, and never a panic.

use std::io::Write;

use vitalsign::budget::Limits;
use vitalsign::extract::Inventory;
use vitalsign::problem::ProblemKind;

use crate::samples;

/// Limits that keep a test short.
fn small() -> Limits {
    Limits {
        entries: 20_000,
        decoded: 64 << 20,
        memory: 16 << 20,
        ..Limits::default()
    }
}

/// A small generator of repeatable noise (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

fn has(found: &Inventory, kind: ProblemKind) -> bool {
    found.problems.iter().any(|told| told.kind == kind)
}

#[test]
fn empty_tiny_and_blank_images_are_read() {
    for image in [vec![], vec![0], vec![0xff; 1 << 16], b"\x1f\x8b".to_vec()] {
        let len = image.len() as u64;
        let found = samples::unpack_bytes(image);
        assert_eq!(found.coverage.bytes, len);
        assert!(found.regions.is_empty());
    }
}

#[test]
fn mutants_of_every_fixture_are_read_without_a_panic() {
    let mut noise = Noise(0x5eed);
    for path in samples::images() {
        let image = std::fs::read(&path).unwrap();
        if image.len() > 1 << 20 {
            continue;
        }
        for _ in 0..4 {
            let mut mutant = image.clone();
            match noise.below(3) {
                0 => mutant.truncate(noise.below(image.len())),
                1 => {
                    for _ in 0..8 {
                        let at = noise.below(mutant.len());
                        mutant[at] ^= 1 << noise.below(8);
                    }
                }
                _ => {
                    let at = noise.below(mutant.len().saturating_sub(4)) & !3;
                    let word = [[0xff; 4], [0xff, 0xff, 0xff, 0x7f], [0; 4], [0, 0, 0, 0x80]]
                        [noise.below(4)];
                    mutant[at..at + 4].copy_from_slice(&word);
                }
            }
            let len = mutant.len() as u64;
            let found = samples::unpack_within(mutant, small());
            let coverage = found.coverage;
            assert_eq!(
                coverage.content + coverage.metadata + coverage.fill + coverage.unknown,
                len
            );
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_hundred_levels_end_at_the_limit() {
    let nested = (0..100).fold(b"innermost".to_vec(), |inner, _| gzip(&inner));
    let found = samples::unpack_bytes(nested);
    assert!(has(&found, ProblemKind::Limit));
    assert!(found.is_incomplete());
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..200 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let found = samples::unpack_within(encoder.finish().unwrap(), small());
    assert!(has(&found, ProblemKind::Limit));
    assert_eq!(found.regions.len(), 1);
}

#[test]
fn noise_holds_no_region() {
    let mut noise = Noise(1);
    let image: Vec<u8> = (0..1 << 20)
        .flat_map(|_| noise.next().to_le_bytes())
        .collect();
    let found = samples::unpack_bytes(image);
    let places: Vec<_> = found
        .regions
        .iter()
        .map(|region| region.place.to_string())
        .collect();
    assert!(places.is_empty(), "{places:?}");
}

#[test]
fn a_log_that_bears_nothing_is_not_walked_from_every_node() {
    // A sound JFFS2 cleanmarker: each is a hit, and each hit could be walked to the end of all the others.
    let cleanmarker = [0x85, 0x19, 3, 0x20, 12, 0, 0, 0, 0xb1, 0xb0, 0x1e, 0xe4];
    let found = samples::unpack_bytes(cleanmarker.repeat(100_000));
    assert!(found.regions.is_empty());
    assert!(has(&found, ProblemKind::NearMiss) && has(&found, ProblemKind::Limit));
}
