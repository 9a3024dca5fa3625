use std::path::Path;

use super::*;
use crate::budget::Limits;

fn fixture(name: &str) -> Bytes {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cms");
    std::fs::read(fixtures.join(name)).unwrap().into()
}

fn opened(bytes: Bytes) -> Opened {
    Cms.open(bytes, &Budget::new(Limits::default()))
}

#[test]
fn who_signed_is_what_openssl_was_told() {
    let serial = String::from_utf8(fixture("serial").to_vec()).unwrap();
    for name in ["detached.img", "attached.img"] {
        let whole = fixture(name);
        let extent = Cms.measure(&whole).unwrap();
        assert_eq!(extent, Extent::known(length(&whole), Proof::Structure));
        let opened = opened(whole);
        let said = |wanted: &str| {
            let mut all = opened.properties.iter();
            let found = all.find(|(name, _)| *name == wanted.as_bytes());
            String::from_utf8(found.unwrap().1.to_vec()).unwrap()
        };
        assert_eq!(said("signer.0.issuer"), "Example Medical, release 2026");
        assert_eq!(
            said("certificate.0.subject"),
            "Example Medical, release 2026"
        );
        assert_eq!(
            said("signer.0.serial").trim_start_matches("00"),
            serial.trim()
        );
        assert_eq!(
            (said("signer.0.digest"), said("signer.0.signature")),
            ("sha256".to_owned(), "rsa".to_owned())
        );
    }
}

#[test]
fn a_content_inside_is_a_part() {
    let whole = fixture("attached.img");
    let Content::Layout(parts) = opened(whole.clone()).content else {
        panic!("no layout");
    };
    let PartBytes::Range(range) = &parts[0].bytes else {
        panic!("no range");
    };
    let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
    assert_eq!(whole.slice(range), fixture("content"));
    let Content::Layout(parts) = opened(fixture("detached.img")).content else {
        panic!("no layout");
    };
    assert!(parts.is_empty());
}

#[test]
fn every_length_and_every_flipped_byte_of_a_message_is_read() {
    let whole = fixture("attached.img");
    for len in 0..whole.len() {
        let cut = whole.slice(..len);
        assert!(Cms.measure(&cut).is_err());
        opened(cut);
    }
    for at in 0..whole.len() {
        let mut flipped = whole.to_vec();
        flipped[at] ^= 0xff;
        let _ = Cms.measure(&flipped.clone().into());
        opened(flipped.into());
    }
}
