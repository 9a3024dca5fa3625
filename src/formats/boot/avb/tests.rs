//! A vbmeta image and two partitions with a footer, whole and damaged. The tree of hashes is one of veritysetup.

use std::io::Read;

use bytes::Bytes;

use super::Avb;
use crate::budget::{Budget, Limits};
use crate::formats::{Content, Extent, Format, Opened, PartBytes, Proof, Reject};
use crate::problem::ProblemKind;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/avb/{name}", env!("CARGO_MANIFEST_DIR"));
    let stored = std::fs::read(path).unwrap();
    if name.strip_suffix(".gz").is_none() {
        return stored;
    }
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(&stored[..])
        .read_to_end(&mut image)
        .unwrap();
    image
}

fn open(image: &[u8]) -> Opened {
    let budget = Budget::new(Limits::default());
    Avb.open(Bytes::copy_from_slice(image), &budget)
}

fn said(opened: &Opened, name: &str) -> String {
    let mut all = opened.properties.iter();
    let found = all.find(|(known, _)| *known == name.as_bytes());
    found.map_or(String::new(), |(_, value)| {
        String::from_utf8_lossy(value).into_owned()
    })
}

fn kinds(opened: &Opened) -> Vec<ProblemKind> {
    opened.problems.iter().map(|problem| problem.kind).collect()
}

#[test]
fn every_descriptor_is_shown() {
    let image = fixture("vbmeta.img");
    let extent = Avb.measure(&Bytes::from(image.clone())).unwrap();
    let len = u64::try_from(image.len()).unwrap();
    assert_eq!(extent, Extent::known(len, Proof::Checksum));
    let opened = open(&image);
    assert_eq!(opened.problems, []);
    for (name, value) in [
        ("algorithm", "SHA256_RSA2048"),
        ("command-line.1", "dm-verity on"),
        ("flags", "verification-disabled"),
        ("hash", "verified"),
        ("property.com.android.build.boot.os_version", "13"),
        ("release", "avbtool 1.3.0"),
        ("rollback-index", "1700000000"),
    ] {
        assert_eq!(said(&opened, name), value, "{name}");
    }
    let key = said(&opened, "key.sha256");
    let chain = format!("rollback location 2, key sha256 {key}");
    assert_eq!(said(&opened, "chain.vbmeta_system"), chain);
    assert!(
        said(&opened, "hash.boot")
            .ends_with("of 1234 bytes, salt 00112233445566778899aabbccddeeff")
    );
    assert!(said(&opened, "hashtree.system").contains("of 577536 bytes"));
}

#[test]
fn a_changed_header_or_descriptor_is_told() {
    for at in [119, 256 + 320 + 20] {
        let mut image = fixture("vbmeta.img");
        image[at] ^= 1;
        assert!(kinds(&open(&image)).contains(&ProblemKind::ChecksumMismatch));
        let extent = Avb.measure(&Bytes::from(image)).unwrap();
        assert_eq!(extent.proof, Proof::Structure);
    }
}

#[test]
fn images_are_compared_with_what_stands_behind_them() {
    for (name, partition, len) in [
        ("hash.img", "boot", 1234),
        ("hashtree.img.gz", "system", 577_536),
    ] {
        let image = fixture(name);
        let opened = open(&image);
        assert_eq!(opened.problems, [], "{name}");
        assert_eq!(said(&opened, &format!("image.{partition}")), "verified");
        let Content::Layout(parts) = &opened.content else {
            panic!("no layout");
        };
        assert!(matches!(&parts[0].bytes, PartBytes::Range(range) if *range == (0..len)));
        let last = usize::try_from(len).unwrap() - 1;
        for at in [0, last / 2, last] {
            let mut image = image.clone();
            image[at] ^= 1;
            let opened = open(&image);
            assert_eq!(
                kinds(&opened),
                [ProblemKind::ChecksumMismatch],
                "{name}: {at}"
            );
            assert_eq!(said(&opened, &format!("image.{partition}")), "NOT VERIFIED");
        }
    }
    // The image is whole, its tree is not.
    let mut image = fixture("hashtree.img.gz");
    image[577_536 + 4096] ^= 1;
    assert_eq!(kinds(&open(&image)), [ProblemKind::ChecksumMismatch]);
}

#[test]
fn every_cut_and_flip_is_read_without_a_panic() {
    for name in ["vbmeta.img", "hash.img"] {
        let image = fixture(name);
        for end in (0..image.len()).step_by(61) {
            let cut = Bytes::copy_from_slice(&image[..end]);
            assert!(matches!(Avb.measure(&cut), Err(Reject::Coincidence(_))));
            let _ = open(&cut);
        }
        for at in (0..image.len())
            .step_by(7)
            .filter(|at| *at < 2600 || *at > image.len() - 64)
        {
            let mut image = image.clone();
            image[at] ^= 0xff;
            let _ = open(&image);
        }
    }
}
