//! Files beside an image: other parts of the device, a second read, the other chip of a pair; and what is said about spare bytes.

use std::io::Write;
use std::path::{Path, PathBuf};

use vitalsign::budget::{Budget, Limits};
use vitalsign::extract::{Inventory, unpack};
use vitalsign::formats::nand::Choice;
use vitalsign::image::Image;
use vitalsign::problem::ProblemKind;

use crate::samples::folder;

fn budget() -> Budget {
    Budget::new(Limits::default())
}

/// A file of the repository's fixtures, unpacked when it is compressed.
fn bytes(name: &str) -> Vec<u8> {
    let bytes = std::fs::read(folder().join(name)).unwrap();
    if Path::new(name)
        .extension()
        .is_none_or(|ending| ending != "gz")
    {
        return bytes;
    }
    let mut plain = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut plain).unwrap();
    plain
}

/// A folder of files.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::File::create(&path)
            .unwrap()
            .write_all(bytes)
            .unwrap();
        path
    }
}

fn unreadable(found: &Inventory) -> Vec<(String, String)> {
    let problems = found
        .problems
        .iter()
        .filter(|told| told.kind == ProblemKind::Unreadable);
    problems
        .map(|told| (told.place.to_string(), told.detail.clone()))
        .collect()
}

fn open(path: &Path) -> Image {
    Image::open(path, &budget()).unwrap()
}

#[test]
fn another_part_of_the_device_is_explored_at_its_name_and_counted() {
    let files = Files::new();
    let (user, boot) = (bytes("squashfs/gzip.img"), bytes("cramfs/little.img"));
    let mut hidden = vec![0xff; 4096];
    hidden.extend(&boot);
    let mut image = open(&files.write("user.bin", &user));
    image
        .add("boot0", &files.write("b0.bin", &hidden), &budget())
        .unwrap();
    image
        .add("boot1", &files.write("b1.bin", b"unknown"), &budget())
        .unwrap();
    let found = unpack(&image, &budget());
    let places: Vec<_> = found
        .regions
        .iter()
        .map(|region| region.place.to_string())
        .collect();
    assert_eq!(places, ["squashfs@0x0", "boot0:cramfs@0x1000"]);
    let all = user.len() + hidden.len() + 7;
    assert_eq!(found.coverage.bytes, all as u64);
    assert_eq!(found.coverage.unknown, 7);
    assert_eq!(found.image.size, user.len() as u64);
    let with: Vec<_> = found
        .image
        .with
        .iter()
        .map(|file| (file.name.as_str(), file.size))
        .collect();
    assert_eq!(with, [("boot0", hidden.len() as u64), ("boot1", 7)]);
    // Together they tile, as if one followed the other.
    let regions = found.regions.iter().map(|region| (region.at, region.len));
    let mut tiles: Vec<_> = regions
        .chain(
            found
                .gaps
                .iter()
                .filter(|gap| gap.parent.is_none())
                .map(|gap| (gap.at, gap.len)),
        )
        .collect();
    tiles.sort_unstable();
    assert_eq!(
        tiles
            .iter()
            .fold(0, |end, (at, len)| if *at == end { end + len } else { 0 }),
        all as u64
    );
}

#[test]
fn a_pair_of_chips_is_put_together() {
    let files = Files::new();
    let whole = bytes("squashfs/gzip.img");
    for width in [1_usize, 2] {
        let chip = |which: usize| -> Vec<u8> {
            whole
                .chunks(width)
                .skip(which)
                .step_by(2)
                .flatten()
                .copied()
                .collect()
        };
        let (first, second) = (files.write("a", &chip(0)), files.write("b", &chip(1)));
        let mut image = open(&first);
        image.interleave(&second, width, &budget()).unwrap();
        let found = unpack(&image, &budget());
        assert_eq!(found.image.size, whole.len() as u64);
        assert_eq!(found.regions[0].place.to_string(), "squashfs@0x0");
        assert!(!found.is_incomplete());
        assert_eq!(found.image.interleaved.len(), 2);
        let mut uneven = open(&first);
        let short = files.write("short", &chip(1)[1..]);
        assert!(uneven.interleave(&short, width, &budget()).is_err());
    }
}

#[test]
fn what_a_second_read_gives_otherwise_is_unreadable() {
    let files = Files::new();
    let first = bytes("squashfs/gzip.img");
    let mut second = first.clone();
    second[5000] ^= 4;
    second[90_000..90_100].fill(0x5a);
    let mut image = open(&files.write("first", &first));
    image
        .read_again(&files.write("same", &first), &budget())
        .unwrap();
    assert!(unreadable(&unpack(&image, &budget())).is_empty());
    image
        .read_again(&files.write("other", &second), &budget())
        .unwrap();
    let told = unreadable(&unpack(&image, &budget()));
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].0, "0x1388");
    assert!(
        told[0].1.contains("1 of 8 bits: flipped bits"),
        "{}",
        told[0].1
    );
    assert!(told[1].1.contains("another content"), "{}", told[1].1);
    image
        .read_again(&files.write("short", &first[..1000]), &budget())
        .unwrap();
    assert_eq!(unreadable(&unpack(&image, &budget())).len(), 1);
}

#[test]
fn check_bytes_say_which_of_two_reads_is_right() {
    let files = Files::new();
    let first = bytes("nand/bch4.img.gz");
    let mut second = first.clone();
    second[2112 + 7] ^= 1;
    second[2112 * 3 + 99] ^= 0x80;
    let mut image = open(&files.write("first", &first));
    image
        .read_again(&files.write("second", &second), &budget())
        .unwrap();
    assert!(unreadable(&unpack(&image, &budget())).is_empty());
    image.nand = Choice::None;
    assert_eq!(unreadable(&unpack(&image, &budget())).len(), 2);
}

#[test]
fn spare_bytes_are_what_somebody_says_they_are() {
    let files = Files::new();
    let path = files.write("dump", &bytes("nand/bch4.img.gz"));
    let regions = |nand: Choice| -> Vec<String> {
        let mut image = open(&path);
        image.nand = nand;
        let found = unpack(&image, &budget());
        let coverage = found.coverage;
        assert_eq!(
            coverage.content + coverage.metadata + coverage.fill + coverage.unknown,
            found.image.size
        );
        found
            .regions
            .iter()
            .map(|region| region.place.to_string())
            .collect()
    };
    let geometry = "2048+64".parse().unwrap();
    let both = ["nand@0x0", "nand@0x0:data:squashfs@0x0"];
    assert_eq!(regions(Choice::Detect), both);
    assert_eq!(regions(Choice::Stated(geometry, None)), both);
    assert_eq!(regions(Choice::Stated(geometry, Some("bch4"))), both);
    // Nothing fits a page of another size, and the dump is taken apart all the same.
    assert_eq!(
        regions(Choice::Stated("512+16".parse().unwrap(), None))[0],
        "nand@0x0"
    );
    assert!(
        regions(Choice::None)
            .iter()
            .all(|place| !place.contains("nand"))
    );
}
