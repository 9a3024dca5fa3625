use std::path::Path;

use super::*;
use crate::budget::Limits;

fn fixture(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dfu");
    std::fs::read(fixtures.join(name)).unwrap()
}

fn opened(bytes: Vec<u8>) -> Opened {
    Dfu.open(bytes.into(), &Budget::new(Limits::default()))
}

#[test]
fn the_suffix_is_that_of_dfu_suffix() {
    for name in ["program.dfu", "elements.dfu"] {
        let whole = fixture(name);
        let extent = Dfu.measure(&whole.clone().into()).unwrap();
        assert_eq!(extent, Extent::known(length(&whole), Proof::Checksum));
        let opened = opened(whole.clone());
        assert!(opened.problems.is_empty(), "{name}: {:#?}", opened.problems);
        let product = opened
            .properties
            .iter()
            .find(|(name, _)| *name == b"product");
        assert_eq!(product.unwrap().1, b"0xdf11");
    }
}

#[test]
fn damage_is_told() {
    let mut flipped = fixture("program.dfu");
    flipped[100] ^= 1;
    assert!(matches!(
        Dfu.measure(&flipped.into()),
        Err(Reject::NearMiss(_))
    ));
    let mut flipped = fixture("elements.dfu");
    flipped[400] ^= 1;
    assert_eq!(
        Dfu.measure(&flipped.clone().into()).unwrap().proof,
        Proof::Structure
    );
    assert!(opened(flipped).problems[0].detail.contains("CRC-32"));
    // An element that claims more than there is.
    let mut long = fixture("elements.dfu");
    let size = index(PREFIX + TARGET) + 4;
    long[size..size + 4].copy_from_slice(&[0xff; 4]);
    let told = opened(long).problems;
    assert!(
        told.iter()
            .any(|problem| problem.detail.contains("past the end")),
        "{told:#?}"
    );
}

#[test]
fn every_length_of_a_file_is_read() {
    let whole = fixture("elements.dfu");
    for len in 0..whole.len() {
        let cut = Bytes::copy_from_slice(&whole[..len]);
        let _ = Dfu.measure(&cut);
        let _ = Dfu.open(cut, &Budget::new(Limits::default()));
    }
}
