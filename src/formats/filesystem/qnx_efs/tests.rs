//! Fixtures of both versions, in front of and behind other bytes, and damage at one place each. Where things stand in `three` is
//! found again here, from the headers at the ends of its units.

use super::*;
use crate::digest::Digest;
use crate::formats::filesystem::trial::{Trial, fixture, poke};
use crate::read::{length, rest};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("qnx-efs/{name}.bin.gz"))
}

fn open(image: &[u8]) -> Trial {
    crate::formats::filesystem::trial::open(&QnxEfs, image)
}

/// Where the signature stands.
fn hit(image: &[u8]) -> u64 {
    u64::try_from(memchr::memmem::find(image, SIGNATURE).unwrap()).unwrap()
}

fn said(read: &Trial, name: &str) -> String {
    let mut all = read.opened.properties.iter();
    let (_, value) = all.find(|(said, _)| *said == name.as_bytes()).unwrap();
    String::from_utf8_lossy(value).into_owned()
}

#[test]
fn every_version_is_read_with_its_bounds_wherever_its_boot_unit_is() {
    for (name, version, sums) in [
        ("three", "3.0", true),
        ("three-big", "3.0", true),
        ("aligned", "3.0", false),
        ("two", "2.1", false),
    ] {
        let image = image(name);
        let whole = Extent::known(length(&image), Proof::Structure);
        let mut stream = vec![0x55; 0x3000];
        stream.extend(&image);
        stream.extend([0x55; 0x1000]);
        let stream = Bytes::from(stream);
        let at = QnxEfs.locate(&stream, &QnxEfs.magics()[0], hit(&stream));
        assert_eq!(at, Some(0x3000), "{name}");
        assert_eq!(QnxEfs.measure(&rest(&stream, 0x3000)), Ok(whole), "{name}");
        let read = open(&image);
        assert_eq!(read.problems, [""; 0], "{name}");
        assert_eq!(said(&read, "version"), version, "{name}");
        if sums {
            let used = said(&read, "units").parse::<u16>().unwrap() - 1;
            assert_eq!(
                said(&read, "unit-sums-verified"),
                format!("{used} of {used}"),
                "{name}"
            );
        }
    }
}

#[test]
fn only_erased_flash_is_left_over() {
    for name in ["three", "three-big", "aligned", "two"] {
        let image = image(name);
        let mut left = image.clone();
        for span in &open(&image).opened.spans {
            let at = usize::try_from(span.at).unwrap();
            let end = at + usize::try_from(span.len).unwrap();
            left[at..end].fill(0xff);
        }
        assert!(left.iter().all(|&byte| byte == 0xff), "{name}");
    }
}

#[test]
fn what_was_overwritten_or_deleted_is_history() {
    let row = |path: &str, content: &str| {
        let bytes = content.as_bytes();
        format!("{path}\t{}\t{}", bytes.len(), Digest::of(bytes))
    };
    for name in ["three", "two"] {
        let read = open(&image(name));
        let mut expected = vec![
            row("/etc/passwd", "root::0:0::/:/bin/sh\n"),
            row("/gone", &"what was deleted\n".repeat(3)),
            row("/one", "0"),
        ];
        expected.sort();
        assert_eq!(read.history(), expected, "{name}");
    }
    assert!(open(&image("three-big")).history().is_empty());
}

#[test]
fn an_erased_unit_in_front_is_one_of_them() {
    let sound = image("three");
    // The second unit is the spare one.
    let size = 0x1_0000;
    let image = poke(&sound, size, &vec![0xff; size]);
    let turned = [&image[size..], &image[..size]].concat();
    let at = usize::try_from(hit(&turned)).unwrap();
    let turned = poke(&turned, at + 8, &[1, 0]);
    let extent = Extent::known(length(&turned), Proof::Structure);
    assert_eq!(QnxEfs.measure(&Bytes::from(turned.clone())), Ok(extent));
    assert_eq!(open(&turned).rows(), open(&sound).rows());
}

#[test]
fn a_signature_among_other_bytes_is_nothing() {
    let text = Bytes::from([&[b'x'; 600][..], SIGNATURE].concat());
    assert_eq!(QnxEfs.locate(&text, &QnxEfs.magics()[0], 600), None);
    let sound = image("three");
    let at = usize::try_from(hit(&sound)).unwrap();
    // Another revision, an index behind the last unit, spare units only, an alignment and a size that none has.
    let unit = at & !0xffff;
    for (at, bytes) in [
        (at - 2, [9]),
        (at + 8, [99]),
        (at + 12, [99]),
        (at + 14, [17]),
        (unit + 4, [40]),
    ] {
        let image = Bytes::from(poke(&sound, at, &bytes));
        let located = QnxEfs.locate(&image, &QnxEfs.magics()[0], hit(&image));
        assert_eq!(located, None, "byte {at}");
        assert!(QnxEfs.measure(&image).is_err(), "byte {at}");
    }
}

#[test]
fn a_unit_that_is_none_is_a_near_miss() {
    let image = Bytes::from(poke(&image("three"), 0x3_0002, b"x"));
    assert!(matches!(QnxEfs.measure(&image), Err(Reject::NearMiss(_))));
}

/// Where the header of extent `index` of the unit that holds the boot information starts.
fn head(image: &[u8], index: usize) -> usize {
    let unit = usize::try_from(hit(image)).unwrap() & !0xffff;
    unit + 0x1_0000 - 32 * (index + 1)
}

#[test]
fn each_sort_of_damage_is_told() {
    let sound = image("three");
    let root = head(&sound, 3);
    // The first entries of the root: `a`, and the directory `a/b` in it.
    let (first, second) = (head(&sound, 4), head(&sound, 5));
    let unit = usize::try_from(hit(&sound)).unwrap() & !0xffff;
    let name =
        unit + usize::from(u16::from_le_bytes([sound[first + 20], sound[first + 21]])) * 4 + 8;
    assert_eq!(sound[name..name + 2], *b"a\0");
    for (what, damaged, words) in [
        ("the root's kind", poke(&sound, root + 1, &[0xf8]), ""),
        (
            "no root",
            poke(&sound, root + 20, &[0, 0]),
            "the entry of the root is not there",
        ),
        (
            "a text behind its unit",
            poke(&sound, first + 19, &[0x7f]),
            "whose text is not in its unit",
        ),
        (
            "no state",
            poke(&sound, first, &[sound[first] & !0x70]),
            "whose state is none",
        ),
        (
            "deleted and current",
            poke(&sound, first, &[sound[first] & !0x20]),
            "marked as deleted still counts",
        ),
        (
            "a chain that leads to itself",
            poke(&sound, first + 24, &[1, 0, 4, 0]),
            "or comes twice",
        ),
        (
            "a chain into nothing",
            poke(&sound, first + 24, &[9, 9, 9, 9]),
            "extent 2313 of logical unit 2313 is not there",
        ),
        (
            "superseded by itself",
            poke(
                &poke(&sound, first, &[sound[first] & !4]),
                first + 28,
                &[1, 0, 4, 0],
            ),
            "superseded by none",
        ),
        (
            "an entry of another size",
            poke(&sound, name - 8, &[9]),
            "does not hold together",
        ),
        (
            "a name with a slash",
            poke(&sound, name, b"/"),
            "name: the stored name",
        ),
        (
            "a type that is none",
            poke(&sound, name + 7, &[0x21]),
            "an entry of type 20000",
        ),
        (
            "a number that its sum is not of",
            poke(&sound, unit + 20, &[1]),
            "does not hold",
        ),
        (
            "two units of one number",
            poke(&sound, unit + 18, &[2]),
            "2 units hold logical unit 2",
        ),
        (
            "the header of the boot information",
            poke(&sound, head(&sound, 2) + 20, &[0]),
            "does not lead to it",
        ),
        (
            "the second entry free",
            poke(&sound, second, &[sound[second] | 0x70]),
            "another kind",
        ),
    ] {
        let read = open(&damaged);
        assert!(
            words.is_empty() || read.tells(words),
            "{what}: {:?}",
            read.problems
        );
    }
}

#[test]
fn two_files_of_one_content_are_told() {
    let sound = image("three");
    let rows = open(&sound).rows().len();
    // The directory `a/b` starts where `a` starts.
    let first = head(&sound, 4);
    let second = head(&sound, 5);
    let unit = usize::try_from(hit(&sound)).unwrap() & !0xffff;
    let text = |head: usize| {
        unit + usize::from(u16::from_le_bytes([sound[head + 20], sound[head + 21]])) * 4
    };
    let start = sound[text(first) + 4..text(first) + 8].to_vec();
    let read = open(&poke(&sound, text(second) + 4, &start));
    assert!(read.tells("belongs to another file"), "{:?}", read.problems);
    assert!(read.rows().len() < rows);
}

#[test]
fn cut_images_and_flipped_bits_are_read_without_a_panic() {
    for name in ["three", "two"] {
        let sound = image(name);
        for len in (0..sound.len()).step_by(20_011).chain(0..0x200) {
            let cut = Bytes::copy_from_slice(&sound[..len]);
            let _ = QnxEfs.measure(&cut);
            open(&cut);
        }
        let start = usize::try_from(hit(&sound)).unwrap() & !0xffff;
        let heads = start + 0x1_0000 - 32 * 6..start + 0x1_0000;
        for at in (start..start + 120).chain(heads) {
            for bit in [0, 2, 5] {
                let damaged = poke(&sound, at, &[sound[at] ^ 1 << bit]);
                let _ = QnxEfs.measure(&Bytes::copy_from_slice(&damaged));
                open(&damaged);
            }
        }
    }
}
