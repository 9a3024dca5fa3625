use std::fmt::Write as _;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Ubi;
use super::header::crc;
use crate::budget::{Budget, Limits};
use crate::formats::{Content, Format, Length, Opened, Part, PartBytes, Proof, Reject};
use crate::problem::{Problem, ProblemKind};

/// Size of an erase block of the crafted image, and where in it the data starts (bytes).
const PEB: usize = 8192;
const DATA: usize = 1024;

fn crafted() -> Vec<u8> {
    let path = "fixtures/ubi/crafted.img";
    std::fs::read(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn measured(bytes: &[u8]) -> Result<u64, Reject> {
    let extent = Ubi.measure(&Bytes::copy_from_slice(bytes))?;
    assert_eq!(extent.proof, Proof::Checksum);
    match extent.len {
        Length::Known(len) => Ok(len),
        Length::Decoded => panic!("a length is known"),
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

/// Name, length and digest of every volume, and everything else that was told.
fn open(bytes: &[u8]) -> (String, Opened) {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut opened = Ubi.open(bytes, &Budget::new(Limits::default()));
    let mut rows = String::new();
    let Content::Layout(parts) = std::mem::replace(&mut opened.content, Content::Unread) else {
        panic!("a layout");
    };
    for Part { name, bytes } in parts {
        let PartBytes::Stream(mut decoder) = bytes else {
            panic!("a stream");
        };
        let mut content = Vec::new();
        decoder.read_to_end(&mut content).unwrap();
        opened.problems.extend(decoder.finish().problems);
        let name = String::from_utf8(name).unwrap();
        write!(rows, "{name}\t{}\t", content.len()).unwrap();
        for byte in Sha256::digest(&content) {
            write!(rows, "{byte:02x}").unwrap();
        }
        rows.push('\n');
    }
    (rows, opened)
}

fn unexplained(bytes: &[u8], opened: &Opened) -> Vec<bool> {
    let mut left = vec![true; bytes.len()];
    for span in &opened.spans {
        let at = usize::try_from(span.at).unwrap();
        let end = at + usize::try_from(span.len).unwrap();
        left[at..end.min(bytes.len())].fill(false);
    }
    left
}

fn told(problems: &[Problem], words: &str) -> bool {
    problems
        .iter()
        .any(|problem| problem.detail.contains(words))
}

/// Gives a header at `at` the checksum of its bytes.
fn seal(image: &mut [u8], at: usize, covered: usize) {
    let sum = crc(&image[at..at + covered]);
    image[at + covered..at + covered + 4].copy_from_slice(&sum.to_be_bytes());
}

const VOLUMES: &str = include_str!("../../../../fixtures/ubi/crafted.img.volumes.tsv");

#[test]
fn volumes_are_put_together_as_linux_does() {
    let image = crafted();
    assert_eq!(measured(&image), Ok(len(&image)));
    let (rows, opened) = open(&image);
    assert_eq!(rows, VOLUMES);
    assert_eq!(opened.problems.len(), 1, "{:?}", opened.problems);
    assert!(told(&opened.problems, "not finished"));
    let say = |name: &[u8]| {
        let mut all = opened.properties.iter();
        let found = all.find(|(key, _)| *key == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    for (name, value) in [
        ("erase-block-size", "8192"),
        ("erase-blocks.superseded", "3"),
        ("erase-blocks.free", "1"),
        ("erase-blocks.blank", "2"),
        ("erase-counter.highest", "16"),
        ("image-sequence", "4660"),
        ("fastmap", "sound"),
        ("volume.1.autoresize", "yes"),
        ("removed-volume.7.erase-blocks", "1"),
    ] {
        assert_eq!(say(name.as_bytes()).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn what_no_volume_shows_is_not_explained() {
    let mut image = crafted();
    // 4 KiB hidden in the free erase block.
    image[4096..PEB].fill(0x5a);
    let (_, opened) = open(&image);
    let left = unexplained(&image, &opened);
    assert!(left[4096..PEB].iter().all(|&left| left));
    // The block that was replaced, the copy that was not finished, the volume that was removed; not the equal copy.
    for (block, is_left) in [(2, true), (10, true), (11, true), (4, false)] {
        let data = block * PEB + DATA..block * PEB + DATA + 1000;
        assert!(left[data].iter().all(|&left| left == is_left), "{block}");
    }
    // Reserved bytes of a header, under a right checksum.
    let mut image = crafted();
    image[PEB + 30] = 7;
    seal(&mut image, PEB, 60);
    let (_, opened) = open(&image);
    assert!(unexplained(&image, &opened)[PEB + 30]);
}

#[test]
fn every_damage_is_told() {
    let table = |copy: usize, record: usize| copy * PEB + DATA + record * 172;
    for (what, at, words) in [
        (
            "counter of a used block",
            8 * PEB + 9,
            "erase counter header",
        ),
        ("volume header", 8 * PEB + 512 + 9, "nobody knows whose"),
        ("static data", 8 * PEB + DATA + 77, "block 0 of volume 0"),
        ("finished copy", 9 * PEB + DATA + 77, ""),
        (
            "first table",
            table(7, 1) + 20,
            "copy 0 of the volume table",
        ),
        (
            "second table",
            table(1, 1) + 20,
            "copy 1 of the volume table",
        ),
        ("both headers", 14 * PEB, "erase counter header"),
        ("fastmap", 16 * PEB + DATA + 400, "fastmap is damaged"),
    ] {
        let mut image = crafted();
        image[at] ^= 0x10;
        let (rows, opened) = open(&image);
        if words.is_empty() {
            // The older block then counts, which has the same data.
            assert_eq!(rows, VOLUMES, "{what}");
            continue;
        }
        assert!(
            told(&opened.problems, words),
            "{what}: {:?}",
            opened.problems
        );
    }
}

#[test]
fn tables_that_differ_or_are_lost_are_told() {
    let mut image = crafted();
    let name = PEB + DATA + 172 + 16;
    image[name..name + 4].copy_from_slice(b"atad");
    seal(&mut image, PEB + DATA + 172, 168);
    let (rows, opened) = open(&image);
    assert_eq!(rows, VOLUMES);
    assert!(told(
        &opened.problems,
        "two copies of the volume table differ"
    ));
    let mut image = crafted();
    for copy in [1, 7] {
        image[copy * PEB + 512] = 0;
    }
    let (rows, opened) = open(&image);
    assert!(told(&opened.problems, "there is no volume table"));
    let first = VOLUMES
        .lines()
        .next()
        .unwrap()
        .replace("kernel", "volume-0");
    assert_eq!(rows.lines().next(), Some(first.as_str()));
}

#[test]
fn a_fastmap_that_shows_linux_other_blocks_is_told() {
    let mut image = crafted();
    let start = 16 * PEB + DATA;
    let lists = image[start..]
        .windows(4)
        .position(|word| word == [0xf0, 0xc0, 0x40, 0xa8])
        .unwrap();
    // Block 0 of the static volume, from the erase block of the removed volume.
    image[start + lists + 11] = 11;
    image[start + 8..start + 12].fill(0);
    let sum = crc(&image[start..start + PEB - DATA]);
    image[start + 8..start + 12].copy_from_slice(&sum.to_be_bytes());
    let (_, opened) = open(&image);
    assert!(told(
        &opened.problems,
        "the fastmap takes block 0 of volume 0"
    ));
}

#[test]
fn two_blocks_with_one_number_and_age_are_told() {
    let mut image = crafted();
    image.copy_within(15 * PEB..16 * PEB, 12 * PEB);
    let (rows, opened) = open(&image);
    assert_eq!(rows, VOLUMES);
    assert!(told(&opened.problems, "one sequence number"));
}

#[test]
fn images_one_after_another_are_told_apart() {
    let first = crafted();
    let mut second = first.clone();
    for block in (0..second.len()).step_by(PEB) {
        if second[block..].starts_with(b"UBI#") {
            second[block + 27] ^= 1;
            seal(&mut second, block, 60);
        }
    }
    // With another number, and without: then the table is there twice.
    for second in [second, first.clone()] {
        let both = [&first[..], &second].concat();
        let len = measured(&both).unwrap();
        assert!(len <= u64::try_from(first.len() + PEB).unwrap());
    }
}

#[test]
fn bad_blocks_are_bridged_and_what_follows_is_not_claimed() {
    let image = crafted();
    let mut bad = image.clone();
    bad[PEB..4 * PEB].fill(0x33);
    bad[2 * PEB + 5] = 0x34;
    bad.extend(vec![0x77; 100_000]);
    assert_eq!(measured(&bad), Ok(len(&image)));
    let (_, opened) = open(&bad[..image.len()]);
    assert!(told(&opened.problems, "without a sound header"));
    assert!(told(&opened.problems, "is missing"));
    // Cut off within the last block: the length says what is missing.
    assert_eq!(measured(&image[..image.len() - 3000]), Ok(len(&image)));
}

#[test]
fn what_is_no_image_is_rejected() {
    let image = crafted();
    let mut broken = image.clone();
    broken[9] ^= 1;
    assert!(matches!(measured(&broken), Err(Reject::NearMiss(_))));
    assert!(matches!(measured(&image[..PEB]), Err(Reject::NearMiss(_))));
    for bytes in [&b"UBI#"[..], b"UBI#\x02", b""] {
        assert!(matches!(measured(bytes), Err(Reject::Coincidence(_))));
    }
}

#[test]
fn numbers_that_cannot_be_make_no_large_volume() {
    let mut image = crafted();
    // A block far behind the end of its volume, and a table that sets aside more than any chip has.
    image[15 * PEB + 512 + 12..15 * PEB + 512 + 16].copy_from_slice(&[0x7f; 4]);
    seal(&mut image, 15 * PEB + 512, 60);
    let (rows, _) = open(&image);
    assert!(rows.contains("data\t43008\t"), "{rows}");
    for copy in [1, 7] {
        let record = copy * PEB + DATA + 172;
        image[record..record + 4].copy_from_slice(&[0x10, 0, 0, 0]);
        seal(&mut image, record, 168);
    }
    let (rows, _) = open(&image);
    assert!(rows.contains("data\t43008\t"), "{rows}");
}

#[test]
fn an_image_cut_anywhere_is_read_as_far_as_it_goes() {
    let image = crafted();
    for end in (0..image.len()).step_by(509) {
        let bytes = &image[..end];
        let Ok(measured) = measured(bytes) else {
            continue;
        };
        let (rows, opened) = open(bytes);
        let whole = rows == VOLUMES && measured <= len(bytes);
        let kinds = opened.problems.iter().map(|problem| problem.kind);
        let lost = kinds.filter(|kind| *kind != ProblemKind::NearMiss).count() > 1;
        assert!(whole || lost || measured > len(bytes), "{end}");
    }
}
