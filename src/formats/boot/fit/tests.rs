use super::*;
use crate::budget::Limits;
use crate::formats::Length;

fn fixture(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fit/");
    std::fs::read(format!("{root}{name}.img")).unwrap()
}

/// Opens an image as the engine does: what lies behind the measured length is cut off.
fn open(image: &[u8]) -> Result<Opened, Reject> {
    let image = Bytes::copy_from_slice(image);
    let extent = Fit.measure(&image)?;
    let Length::Known(len) = extent.len else {
        panic!("a known length");
    };
    Ok(Fit.open(clip(&image, 0, len), &Budget::new(Limits::default())))
}

fn said(opened: &Opened, name: &str) -> Option<String> {
    let mut all = opened.properties.iter();
    all.find(|(other, _)| *other == name.as_bytes())
        .map(|(_, value)| String::from_utf8(value.to_vec()).unwrap())
}

/// The parts by name, with their bytes.
fn parts<'a>(image: &'a [u8], opened: &Opened) -> Vec<(String, &'a [u8])> {
    let Content::Layout(parts) = &opened.content else {
        panic!("not a layout");
    };
    let bytes = |part: &Part| match &part.bytes {
        PartBytes::Range(range) => &image[range.start as usize..range.end as usize],
        _ => panic!("not a range"),
    };
    parts
        .iter()
        .map(|part| (String::from_utf8(part.name.clone()).unwrap(), bytes(part)))
        .collect()
}

#[test]
fn images_stand_in_the_tree_or_behind_it() {
    let tree = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/dtb/v17.img")).unwrap();
    for name in ["embedded", "external", "position"] {
        let image = fixture(name);
        let opened = open(&image).unwrap();
        assert!(opened.problems.is_empty(), "{name}: {:?}", opened.problems);
        let parts = parts(&image, &opened);
        let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["kernel-1", "fdt-1", "ramdisk-1"]);
        assert_eq!(parts[0].1.len(), 1234);
        assert_eq!(parts[1].1, tree);
        assert!(parts[2].1.starts_with(&[0x1f, 0x8b]));
        for (property, value) in [
            ("description", "VSM-9000 4.2.1"),
            ("timestamp", "2023-11-14T22:13:20Z"),
            ("image.kernel-1.type", "kernel"),
            ("image.kernel-1.load", "0x80008000"),
            ("image.kernel-1.entry", "0x80008040"),
            ("image.kernel-1.hash-1", "crc32 verified"),
            ("image.kernel-1.hash-2", "md5 verified"),
            ("image.kernel-1.hash-3", "sha1 verified"),
            ("image.kernel-1.hash-4", "sha256 verified"),
            ("image.kernel-1.hash-5", "sha384 verified"),
            ("image.kernel-1.hash-6", "sha512 verified"),
            ("image.fdt-1.hash-1", "sha256 verified"),
            ("image.ramdisk-1.compression", "gzip"),
            ("default-configuration", "conf-1"),
            ("configuration.conf-1.kernel", "kernel-1"),
            ("configuration.conf-1.fdt", "fdt-1"),
            ("configuration.conf-2.loadables.1", "ramdisk-1"),
        ] {
            assert_eq!(
                said(&opened, property).as_deref(),
                Some(value),
                "{name}: {property}"
            );
        }
    }
}

#[test]
fn signatures_are_shown_and_not_believed() {
    let opened = open(&fixture("signed")).unwrap();
    assert!(opened.problems.is_empty());
    for property in [
        "image.kernel-1.signature-1",
        "configuration.conf-1.signature-1",
    ] {
        assert_eq!(
            said(&opened, property).as_deref(),
            Some("sha256,rsa2048, key dev, 256 bytes, not verified: no key")
        );
    }
}

#[test]
fn a_changed_byte_breaks_the_hashes_of_its_image_alone() {
    for name in ["embedded", "external"] {
        let sound = fixture(name);
        let opened = open(&sound).unwrap();
        let Content::Layout(layout) = &opened.content else {
            panic!("not a layout");
        };
        let PartBytes::Range(range) = &layout[0].bytes else {
            panic!("not a range");
        };
        let mut image = sound.clone();
        image[range.start as usize] ^= 1;
        let opened = open(&image).unwrap();
        assert_eq!(opened.problems.len(), 6);
        for problem in &opened.problems {
            assert_eq!(problem.kind, ProblemKind::ChecksumMismatch);
            assert!(problem.detail.contains("kernel-1"), "{}", problem.detail);
        }
        assert_eq!(parts(&image, &opened).len(), 3);
        let said = said(&opened, "image.kernel-1.hash-4");
        assert_eq!(said.as_deref(), Some("sha256 WRONG"));
    }
}

fn replace(image: &mut [u8], from: &[u8], to: &[u8]) {
    let at = image.windows(from.len()).position(|bytes| bytes == from);
    image[at.unwrap()..][..to.len()].copy_from_slice(to);
}

#[test]
fn what_does_not_fit_together_is_told() {
    for (from, to, kind) in [
        (&b"fdt-1\0"[..], &b"fdt-9\0"[..], ProblemKind::Corrupt),
        (b"crc32\0", b"crc99\0", ProblemKind::Unsupported),
        (b"hash-1\0", b"cipher\0", ProblemKind::Encrypted),
    ] {
        let mut image = fixture("embedded");
        replace(&mut image, from, to);
        let opened = open(&image).unwrap();
        assert!(opened.problems.iter().any(|problem| problem.kind == kind));
        assert_eq!(parts(&image, &opened).len(), 3);
    }
    // An offset that leads far away makes the image longer than what is there, and an overflow is refused.
    let image = fixture("external");
    let whole = image.len() as u64;
    let extent = Fit.measure(&Bytes::from(image.clone())).unwrap();
    assert_eq!(extent.len, Length::Known(whole));
    for cut in [whole - 1, whole - 600] {
        let opened = open(&image[..cut as usize]).unwrap();
        assert!(!opened.problems.is_empty());
    }
}

#[test]
fn a_plain_tree_is_no_fit_image_and_every_truncation_is_read() {
    let tree = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/dtb/v17.img")).unwrap();
    assert!(matches!(open(&tree), Err(Reject::Coincidence(_))));
    let image = fixture("embedded");
    for len in (0..image.len()).step_by(7) {
        drop(open(&image[..len]));
    }
}
