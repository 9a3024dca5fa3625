//! File systems that somebody hid with a short key.

use std::fs;

use vitalsign::budget::{Budget, Limits};
use vitalsign::extract::{Inventory, unpack};
use vitalsign::image::Image;

use crate::samples::repository;

/// A SquashFS that is hidden between fill and text.
fn hidden(key: &[u8]) -> Vec<u8> {
    let plain = fs::read(repository().join("fixtures/squashfs/gzip.img")).unwrap();
    assert!(plain.len() > 16 << 10);
    let xored = plain
        .iter()
        .zip(key.iter().cycle())
        .map(|(byte, key)| byte ^ key);
    let mut image = vec![0xff; 8192];
    image.extend(xored);
    image.extend(vec![0xff; 8192]);
    image
}

fn unpacked(bytes: Vec<u8>, undoes_xor: bool) -> Inventory {
    let mut image = Image::from_bytes("hidden", bytes.into());
    image.undoes_xor = undoes_xor;
    unpack(&image, &Budget::new(Limits::default()))
}

#[test]
fn what_a_short_key_hides_is_told_and_read_when_asked_for() {
    for key in [&b"\x5a"[..], b"vendor", b"0123456789abcdefghij"] {
        let told = unpacked(hidden(key), false);
        let problem = told
            .problems
            .iter()
            .find(|told| told.detail.contains("--xor"));
        assert!(
            problem.unwrap().detail.contains("squashfs"),
            "{:#?}",
            told.problems
        );
        assert!(told.is_incomplete() && told.entries.is_empty());

        let read = unpacked(hidden(key), true);
        let formats: Vec<&str> = read.regions.iter().map(|it| it.format.id).collect();
        assert_eq!(
            formats,
            ["xor", "squashfs"],
            "{key:?}: {:#?}",
            read.problems
        );
        assert!(read.entries.len() > 10);
    }
}

#[test]
fn a_key_of_its_own_is_no_reason_to_doubt_plain_images() {
    let plain = fs::read(repository().join("fixtures/demo/vsm9000-4.2.1.bin")).unwrap();
    let found = unpacked(plain, false);
    assert!(
        found
            .problems
            .iter()
            .all(|told| !told.detail.contains("XOR"))
    );
}
