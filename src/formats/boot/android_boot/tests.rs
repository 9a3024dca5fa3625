use super::*;
use crate::budget::Limits;
use crate::formats::Length;
use crate::problem::ProblemKind;

fn fixture(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/android-boot/");
    std::fs::read(format!("{root}{name}.img")).unwrap()
}

fn open(image: &[u8]) -> Result<Opened, Reject> {
    let image = Bytes::copy_from_slice(image);
    let Length::Known(len) = AndroidBoot.measure(&image)?.len else {
        panic!("a known length");
    };
    let region = clip(&image, 0, len);
    Ok(AndroidBoot.open(region, &Budget::new(Limits::default())))
}

fn said(opened: &Opened, name: &str) -> Option<String> {
    let mut all = opened.properties.iter();
    all.find(|(other, _)| *other == name.as_bytes())
        .map(|(_, value)| String::from_utf8(value.to_vec()).unwrap())
}

/// The parts that hold something: name, start and length.
fn parts(opened: &Opened) -> Vec<(String, u64, u64)> {
    let Content::Layout(parts) = &opened.content else {
        panic!("not a layout");
    };
    let row = |part: &Part| match &part.bytes {
        PartBytes::Range(range) => (
            String::from_utf8(part.name.clone()).unwrap(),
            range.start,
            range.end - range.start,
        ),
        _ => panic!("not a range"),
    };
    let rows = parts.iter().map(row);
    rows.filter(|(_, _, len)| *len > 0).collect()
}

#[test]
fn every_version_has_its_parts_in_order() {
    // The kernel has 1234 bytes, the ramdisk 40, the device tree 1051.
    for (name, expected) in [
        (
            "v0",
            &[
                ("kernel", 2048, 1234),
                ("ramdisk", 4096, 40),
                ("second", 6144, 1051),
            ][..],
        ),
        (
            "v1",
            &[
                ("kernel", 4096, 1234),
                ("ramdisk", 8192, 40),
                ("recovery-dtbo", 12288, 1051),
            ],
        ),
        (
            "v2",
            &[
                ("kernel", 2048, 1234),
                ("ramdisk", 4096, 40),
                ("second", 6144, 1234),
                ("dtb", 8192, 1051),
            ],
        ),
        ("v3", &[("kernel", 4096, 1234), ("ramdisk", 8192, 40)]),
        (
            "v4",
            &[
                ("kernel", 4096, 1234),
                ("ramdisk", 8192, 40),
                ("boot-signature", 12288, 64),
            ],
        ),
        ("vendor3", &[("ramdisk", 4096, 40), ("dtb", 6144, 1051)]),
        (
            "vendor4",
            &[
                ("ramdisk", 4096, 40),
                ("ramdisk.dlkm", 4136, 1234),
                ("dtb", 8192, 1051),
                ("bootconfig", 16384, 29),
            ],
        ),
    ] {
        let opened = open(&fixture(name)).unwrap();
        assert!(opened.problems.is_empty(), "{name}: {:?}", opened.problems);
        let expected = expected
            .iter()
            .map(|(part, at, len)| ((*part).to_owned(), *at, *len));
        assert_eq!(parts(&opened), expected.collect::<Vec<_>>(), "{name}");
        let version = name.trim_start_matches(|char: char| !char.is_ascii_digit());
        assert_eq!(said(&opened, "version").as_deref(), Some(version));
        assert!(
            said(&opened, "cmdline")
                .unwrap()
                .starts_with("console=ttyS0")
        );
    }
}

#[test]
fn what_the_header_says_is_shown() {
    let opened = open(&fixture("v2")).unwrap();
    for (name, value) in [
        ("board", "vsm9000"),
        ("cmdline", "console=ttyS0 quiet"),
        ("os-version", "9.1.2, 2023-11"),
        ("id", "sha1 verified"),
    ] {
        assert_eq!(said(&opened, name).as_deref(), Some(value));
    }
}

#[test]
fn a_changed_byte_breaks_the_digest() {
    for name in ["v0", "v1", "v2"] {
        let sound = fixture(name);
        for (_, at, _) in parts(&open(&sound).unwrap()) {
            let mut image = sound.clone();
            image[at as usize] ^= 1;
            let opened = open(&image).unwrap();
            assert_eq!(opened.problems[0].kind, ProblemKind::ChecksumMismatch);
        }
    }
}

#[test]
fn what_hides_behind_a_text_is_explained_by_nothing() {
    let opened = open(&fixture("v0")).unwrap();
    let named = |at: u64| {
        opened
            .spans
            .iter()
            .any(|span| span.at <= at && at < span.at + span.len)
    };
    assert!(named(64) && !named(64 + 100));
}

#[test]
fn hostile_headers_are_refused_or_told() {
    for (name, at, value) in [
        ("v0", 36, 0_u32),
        ("v0", 36, 3000),
        ("v1", 1644, 1),
        ("v3", 20, 1),
        ("vendor3", 8, 9),
        ("vendor4", 2120, 4),
    ] {
        let mut image = fixture(name);
        image[at..at + 4].copy_from_slice(&value.to_le_bytes());
        assert!(open(&image).is_err(), "{name} {at}");
    }
    let mut image = fixture("vendor4");
    image[2116..2120].fill(0xff);
    assert_eq!(open(&image).unwrap().problems[0].kind, ProblemKind::Corrupt);
    let mut image = fixture("vendor4");
    image[12288..12296].fill(0xff);
    assert_eq!(open(&image).unwrap().problems[0].kind, ProblemKind::Corrupt);
    for name in ["v0", "v2", "v4", "vendor4"] {
        let image = fixture(name);
        for len in (0..image.len()).step_by(13) {
            drop(open(&image[..len]));
        }
    }
}
