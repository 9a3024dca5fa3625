use std::io::Read as _;

use bytes::Bytes;

use super::B000ff;
use crate::budget::{Budget, Limits};
use crate::formats::{Content, Format, Length, PartBytes, Proof, Reject};
use crate::problem::{Problem, ProblemKind};
use crate::read::clip;

fn fixture(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/b000ff/");
    std::fs::read(format!("{root}{name}")).unwrap()
}

/// The image that a file holds, what is told of it, and how many bytes are explained; `None` where it is refused.
fn read(file: &[u8]) -> Option<(Vec<u8>, Vec<Problem>, u64)> {
    let file = Bytes::copy_from_slice(file);
    let Length::Known(len) = B000ff.measure(&file).ok()?.len else {
        panic!("the length is known");
    };
    let budget = Budget::new(Limits::default());
    let opened = B000ff.open(clip(&file, 0, len), &budget);
    let mut problems = opened.problems;
    let mut spans = opened.spans;
    let Content::Layout(parts) = opened.content else {
        panic!("a layout");
    };
    let mut image = Vec::new();
    for part in parts {
        assert_eq!(part.name.len(), 10);
        let PartBytes::Stream(mut decoder) = part.bytes else {
            panic!("one that is put together");
        };
        // No test image is larger; a hostile one may be.
        decoder
            .by_ref()
            .take(1 << 20)
            .read_to_end(&mut image)
            .unwrap();
        let ending = decoder.finish();
        spans.extend(ending.spans);
        problems.extend(ending.problems);
    }
    let cut = len.saturating_sub(file.len() as u64);
    if cut > 0 {
        problems.push(Problem::corrupt("cut off"));
    }
    Some((image, problems, spans.iter().map(|span| span.len).sum()))
}

fn poked(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// A file of an image of 64 bytes at 0x1000, of these records.
fn file(records: &[(u32, &[u8])]) -> Vec<u8> {
    let mut file = b"B000FF\n\x00\x10\0\0\x40\0\0\0".to_vec();
    for (address, bytes) in records {
        let sum: u32 = bytes.iter().map(|&byte| u32::from(byte)).sum();
        for word in [*address, bytes.len() as u32, sum] {
            file.extend(word.to_le_bytes());
        }
        file.extend(*bytes);
    }
    for word in [0_u32, 0x1010, 0] {
        file.extend(word.to_le_bytes());
    }
    file
}

#[test]
fn the_image_is_that_of_the_writer() {
    let sound = fixture("NK.bin");
    let (image, problems, explained) = read(&sound).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    assert!(image == fixture("plain.img"));
    assert_eq!(explained, sound.len() as u64);
    let extent = B000ff.measure(&Bytes::from(sound)).unwrap();
    assert_eq!(extent.proof, Proof::Checksum);
}

#[test]
fn what_follows_the_file_is_not_its_own() {
    let sound = fixture("NK.bin");
    let len = sound.len() as u64;
    for tail in [&b"more"[..], &[0xff; 64], &sound] {
        let file = Bytes::from([&sound[..], tail].concat());
        assert_eq!(B000ff.measure(&file).unwrap().len, Length::Known(len));
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused_or_said_to_be() {
    let sound = fixture("NK.bin");
    for len in 0..sound.len() {
        if let Some((_, problems, _)) = read(&sound[..len]) {
            assert!(!problems.is_empty(), "{len}");
        }
    }
}

#[test]
fn no_flipped_bit_of_a_record_is_silent() {
    let sound = fixture("NK.bin");
    let mut at = 15;
    while at < sound.len() - 12 {
        let len = u32::from_le_bytes(sound[at + 4..at + 8].try_into().unwrap()) as usize;
        // Its address has no sum; a record that is moved leaves a hole.
        for place in at + 4..at + 12 + len {
            let mutant = poked(&sound, place, &[sound[place] ^ 1 << (place % 8)]);
            let read = read(&mutant);
            assert!(
                read.is_none_or(|(_, problems, _)| !problems.is_empty()),
                "{place}"
            );
        }
        at += 12 + len;
    }
    for at in 0..sound.len() {
        read(&poked(&sound, at, &[sound[at] ^ 0x80]));
    }
}

#[test]
fn records_are_put_where_they_belong() {
    let (image, problems, _) = read(&file(&[(0x1010, b"later"), (0x1000, b"first")])).unwrap();
    assert!(problems.is_empty());
    assert_eq!(image.len(), 64);
    assert!(image.starts_with(b"first\0\0\0\0\0\0\0\0\0\0\0later\0"));
    let twice = file(&[(0x1000, b"first"), (0x1003, b"later")]);
    let (image, problems, _) = read(&twice).unwrap();
    assert!(image.starts_with(b"firstter\0"));
    assert_eq!(problems[0].kind, ProblemKind::Corrupt);
    // One that lies elsewhere ends the file.
    let elsewhere = file(&[(0x1000, b"first"), (0x2000, b"other")]);
    let (_, problems, explained) = read(&elsewhere).unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(explained, 15 + 12 + 5);
}

#[test]
fn a_magic_alone_is_no_image() {
    let rejected = |bytes: &[u8]| B000ff.measure(&Bytes::copy_from_slice(bytes)).unwrap_err();
    assert!(matches!(rejected(b"B000FF\n"), Reject::Coincidence(_)));
    assert!(matches!(rejected(&file(&[])), Reject::NearMiss(_)));
    let endless = poked(&file(&[(0x1000, b"x")]), 7, &[0xff; 8]);
    assert!(matches!(rejected(&endless), Reject::Coincidence(_)));
    // A large image of one small record ends at the limits of the budget, not in memory.
    let large = poked(&file(&[(0x1000, b"x")]), 11, &[0, 0, 0, 0xf0]);
    assert_eq!(read(&large).unwrap().0.len(), 1 << 20);
}
