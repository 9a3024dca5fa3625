//! Tests of the rpm reader.

use std::path::Path;

use super::*;
use crate::budget::Limits;
use crate::formats::Length;
use crate::problem::ProblemKind;

const VARIANTS: [&str; 6] = ["gzip", "bzip2", "xz", "zstd", "lzma", "stored"];

fn fixture(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rpm");
    std::fs::read(root.join(format!("{name}.img"))).unwrap()
}

fn open(bytes: impl Into<Bytes>) -> Option<(u64, Opened)> {
    let bytes = bytes.into();
    let Length::Known(len) = Rpm.measure(&bytes).ok()?.len else {
        panic!("a package states its length");
    };
    let region = clip(&bytes, 0, len);
    Some((len, Rpm.open(region, &Budget::new(Limits::default()))))
}

#[test]
fn every_digest_of_every_variant_is_right() {
    for variant in VARIANTS {
        let image = fixture(variant);
        let (len, opened) = open([&image[..], b"behind"].concat()).unwrap();
        assert_eq!(len as usize, image.len(), "{variant}");
        assert!(
            opened.problems.is_empty(),
            "{variant}: {:?}",
            opened.problems
        );
        let told: Vec<_> = opened.properties.iter().collect();
        let digests = &b"MD5 of header and payload, SHA-1 of the header, SHA-256 of the header, SHA-256 of the payload"[..];
        for (name, value) in [
            (&b"name"[..], &b"demo"[..]),
            (b"version", b"1.2"),
            (b"release", b"3"),
            (b"arch", b"noarch"),
            (b"digests", digests),
        ] {
            assert!(told.contains(&(name, value)), "{variant}");
        }
        let Content::Layout(parts) = opened.content else {
            panic!("a package is a layout");
        };
        let PartBytes::Range(payload) = &parts[0].bytes else {
            panic!("the payload is a plain range");
        };
        assert_eq!(payload.end, len);
        // All of the headers is explained, but the room that is left for signatures, which is zeros.
        let mut open = vec![true; image.len()];
        for span in &opened.spans {
            open[span.at as usize..(span.at + span.len) as usize].fill(false);
        }
        open[payload.start as usize..].fill(false);
        let left = image.iter().zip(open).filter(|(_, open)| *open);
        assert!(left.into_iter().all(|(&byte, _)| byte == 0), "{variant}");
    }
}

#[test]
fn every_flipped_bit_of_header_and_payload_is_told() {
    let sound = fixture("xz");
    let package = Package::parse(&sound).unwrap();
    for at in (package.header.at as usize..sound.len()).step_by(5) {
        let mut image = sound.clone();
        image[at] ^= 2;
        let Some((_, opened)) = open(image) else {
            continue;
        };
        let kinds = opened.problems.iter().map(|problem| problem.kind);
        assert!(
            kinds
                .into_iter()
                .any(|kind| kind == ProblemKind::ChecksumMismatch),
            "{at}"
        );
    }
}

#[test]
fn mutants_and_truncations_do_not_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut number = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 1).unwrap()
    };
    let sound = fixture("gzip");
    for _ in 0..3000 {
        let mut image = sound.clone();
        for _ in 0..=number() % 4 {
            let at = number() % image.len();
            image[at] = u8::try_from(number() & 0xff).unwrap();
        }
        if number() % 3 == 0 {
            image.truncate(number() % sound.len());
        }
        open(image);
    }
}

#[test]
fn values_that_share_their_bytes_are_no_work_without_end() {
    let mut image = fixture("stored")[..96].to_vec();
    let start = |entries: u32, store: u32| {
        let mut start = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
        start.extend(entries.to_be_bytes());
        start.extend(store.to_be_bytes());
        start
    };
    image.extend(start(1, 8));
    image.extend([0; 24]);
    let (entries, store) = (0xffff_u32, 8 << 20);
    image.extend(start(entries, store));
    for _ in 0..entries {
        image.extend([1000_u32, 6, 0, 1].map(u32::to_be_bytes).concat());
    }
    image.resize(image.len() + store as usize, b'x');
    assert!(open(image).is_some());
}
