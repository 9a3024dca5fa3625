//! A vendor's header that somebody described, end to end.

use std::fs;
use std::io::Write;

use vitalsign::budget::{Budget, Limits};
use vitalsign::extract::{Inventory, unpack};
use vitalsign::formats::wrapper::Wrapper;
use vitalsign::image::Image;

use crate::samples::repository;

fn fixture(name: &str) -> Vec<u8> {
    fs::read(repository().join("fixtures/wrapper").join(name)).unwrap()
}

fn update() -> Vec<u8> {
    fixture("update.img")
}

fn unpacked(bytes: Vec<u8>) -> Inventory {
    let mut image = Image::from_bytes("update", bytes.into());
    image.wrappers = vec![Wrapper::parse(&fixture("acme.toml")).unwrap()];
    unpack(&image, &Budget::new(Limits::default()))
}

#[test]
fn a_described_package_is_opened() {
    let update = [&update()[..], b"behind"].concat();
    let found = unpacked(update);
    assert!(found.problems.is_empty(), "{:#?}", found.problems);
    let formats: Vec<&str> = found.regions.iter().map(|it| it.format.id).collect();
    assert_eq!(formats, ["wrapper", "squashfs"]);
    let said = &found.regions[0].properties;
    assert_eq!(said["wrapper"], "acme-update");
    assert_eq!(said["field.version"], "4.2.1");
    assert!(
        found
            .entries
            .iter()
            .any(|it| it.entry.path.as_bytes() == b"/passwd")
    );
    let gap = found.gaps.iter().find(|gap| gap.kind.is_unknown()).unwrap();
    assert_eq!((gap.parent, gap.len), (None, 6));
}

#[test]
fn a_package_inside_a_stream_is_opened() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&update()).unwrap();
    let found = unpacked(packer.finish().unwrap());
    let formats: Vec<&str> = found.regions.iter().map(|it| it.format.id).collect();
    assert_eq!(formats, ["gzip", "wrapper", "squashfs"]);
}

#[test]
fn what_does_not_fit_the_description_is_told() {
    let told = |at: usize, byte: u8| -> Vec<String> {
        let mut update = update();
        update[at] ^= byte;
        let problems = unpacked(update).problems.into_iter();
        problems.map(|problem| problem.detail).collect()
    };
    assert!(told(64 + 4000, 1).iter().any(|it| it.contains("crc32")));
    assert!(told(33, 1).iter().any(|it| it.contains("sum16")));
    assert!(told(12, 0x80).iter().any(|it| it.contains("cut off")));
    let update = update();
    for len in 0..80 {
        unpacked(update[..len].to_vec());
    }
}
