//! Fixtures of both versions, in front of and behind other bytes.

use super::*;
use crate::formats::filesystem::trial::{fixture, open, poke};
use crate::read::length;

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("qnx-efs/{name}.bin.gz"))
}

/// Where the signature stands.
fn hit(image: &[u8]) -> u64 {
    u64::try_from(memchr::memmem::find(image, SIGNATURE).unwrap()).unwrap()
}

#[test]
fn every_version_is_named_with_its_bounds_wherever_its_boot_unit_is() {
    for (name, version) in [("three", "3.0"), ("three-big", "3.0"), ("two", "2.1")] {
        let image = image(name);
        let whole = Extent::known(length(&image), Proof::Structure);
        let mut stream = vec![0x55; 0x3000];
        stream.extend(&image);
        stream.extend([0x55; 0x1000]);
        let stream = Bytes::from(stream);
        let at = QnxEfs.locate(&stream, &QnxEfs.magics()[0], hit(&stream));
        assert_eq!(at, Some(0x3000), "{name}");
        assert_eq!(QnxEfs.measure(&rest(&stream, 0x3000)), Ok(whole), "{name}");
        let read = open(&QnxEfs, &image);
        assert!(read.tells("unsupported"), "{name}");
        let said: Vec<_> = read.opened.properties.iter().collect();
        assert!(
            said.contains(&(&b"version"[..], version.as_bytes())),
            "{said:?}"
        );
        assert!(said.contains(&(&b"units"[..], b"4")), "{said:?}");
    }
}

#[test]
fn an_erased_unit_in_front_is_one_of_them() {
    let mut image = image("three-big");
    image[..0x1000].fill(0xff);
    let extent = Extent::known(length(&image), Proof::Structure);
    assert_eq!(QnxEfs.measure(&Bytes::from(image)), Ok(extent));
}

#[test]
fn a_signature_among_other_bytes_is_nothing() {
    let text = Bytes::from(
        vec![b'x'; 600]
            .into_iter()
            .chain(*SIGNATURE)
            .collect::<Vec<_>>(),
    );
    assert_eq!(QnxEfs.locate(&text, &QnxEfs.magics()[0], 600), None);
    let sound = image("three");
    let at = usize::try_from(hit(&sound)).unwrap();
    // Another revision, an index behind the last unit, spare units only, a size that none has.
    for (at, bytes) in [(at - 2, [9]), (at + 8, [4]), (at + 12, [4]), (4, [40])] {
        let image = Bytes::from(poke(&sound, at, &bytes));
        let located = QnxEfs.locate(&image, &QnxEfs.magics()[0], hit(&image));
        assert_eq!(located, None, "byte {at}");
        assert!(QnxEfs.measure(&image).is_err(), "byte {at}");
    }
}

#[test]
fn a_unit_that_is_none_is_a_near_miss() {
    let image = Bytes::from(poke(&image("three"), 0x2002, b"x"));
    assert!(matches!(QnxEfs.measure(&image), Err(Reject::NearMiss(_))));
}

#[test]
fn cut_images_and_flipped_bits_are_read_without_a_panic() {
    for name in ["three", "two"] {
        let sound = image(name);
        for len in 0..0x1100 {
            let _ = QnxEfs.measure(&Bytes::copy_from_slice(&sound[..len]));
        }
        let start = usize::try_from(hit(&sound)).unwrap() & !0xfff;
        for at in start..start + 80 {
            for bit in 0..8 {
                let damaged = poke(&sound, at, &[sound[at] ^ 1 << bit]);
                let _ = QnxEfs.measure(&Bytes::copy_from_slice(&damaged));
                open(&QnxEfs, &damaged);
            }
        }
    }
}
