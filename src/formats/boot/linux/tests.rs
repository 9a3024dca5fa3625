use super::*;
use crate::budget::Limits;
use crate::formats::Length;
use crate::problem::ProblemKind;
use crate::read::clip;

fn fixture(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/linux/");
    std::fs::read(format!("{root}{name}.img")).unwrap()
}

/// The measured length, and what is opened when what lies behind it is cut off, as the engine does.
fn open(image: &[u8]) -> Result<(u64, Opened), Reject> {
    let image = Bytes::copy_from_slice(image);
    let extent = Linux.measure(&image)?;
    let Length::Known(len) = extent.len else {
        panic!("a known length");
    };
    let region = clip(&image, 0, len);
    Ok((len, Linux.open(region, &Budget::new(Limits::default()))))
}

fn said(opened: &Opened, name: &str) -> Option<String> {
    let mut all = opened.properties.iter();
    all.find(|(other, _)| *other == name.as_bytes())
        .map(|(_, value)| String::from_utf8(value.to_vec()).unwrap())
}

fn parts(opened: &Opened) -> Vec<(&[u8], Range<u64>)> {
    let Content::Layout(parts) = &opened.content else {
        panic!("not a layout");
    };
    let range = |part: &Part| match &part.bytes {
        PartBytes::Range(range) => range.clone(),
        _ => panic!("not a range"),
    };
    parts
        .iter()
        .map(|part| (&part.name[..], range(part)))
        .collect()
}

#[test]
fn every_kind_is_told_by_its_header() {
    let version = "6.1.99-vsm (build@example) #1 SMP Tue Nov 14 22:13:20 UTC 2023";
    for (name, expected) in [
        (
            "zimage",
            &[
                ("kind", "ARM zImage"),
                ("endian", "little"),
                ("unpacked-size", "24776"),
            ][..],
        ),
        (
            "zimage-plain",
            &[("kind", "ARM zImage"), ("endian", "little")],
        ),
        (
            "zimage-big",
            &[
                ("kind", "ARM zImage"),
                ("endian", "big"),
                ("unpacked-size", "24776"),
            ],
        ),
        (
            "bzimage",
            &[
                ("kind", "x86 bzImage"),
                ("protocol", "2.15"),
                ("version", version),
                ("crc32", "verified"),
            ],
        ),
        (
            "bzimage-signed",
            &[
                ("kind", "x86 bzImage"),
                ("version", version),
                ("crc32", "verified"),
            ],
        ),
        (
            "arm64",
            &[
                ("kind", "arm64 Image"),
                ("endian", "little"),
                ("memory-size", "163840"),
            ],
        ),
        (
            "riscv",
            &[("kind", "RISC-V Image"), ("memory-size", "163840")],
        ),
        ("zboot", &[("kind", "EFI zboot"), ("compression", "gzip")]),
    ] {
        let image = fixture(name);
        let (len, opened) = open(&image).unwrap();
        assert!(opened.problems.is_empty(), "{name}: {:?}", opened.problems);
        for (property, value) in expected {
            assert_eq!(said(&opened, property).as_deref(), Some(*value), "{name}");
        }
        // Only the first zImage has something behind it: a device tree.
        let whole = image.len() as u64;
        assert_eq!(
            len,
            if name == "zimage" {
                whole - 1051
            } else {
                whole
            },
            "{name}"
        );
    }
}

#[test]
fn named_parts_are_where_the_header_says() {
    let image = fixture("bzimage-signed");
    let (_, opened) = open(&image).unwrap();
    let parts = parts(&opened);
    assert_eq!(parts[0].0, b"payload");
    assert!(image[parts[0].1.start as usize..].starts_with(&[0x1f, 0x8b]));
    assert_eq!(
        parts[1],
        (
            &b"certificate"[..],
            image.len() as u64 - 512..image.len() as u64
        )
    );
}

#[test]
fn a_changed_byte_breaks_the_checksum_of_an_x86_kernel() {
    let image = fixture("bzimage");
    // In the boot sector, the setup code, the packed kernel, and the padding before the checksum.
    for at in [0x100, 0x900, 5000, image.len() - 5, image.len() - 1] {
        let mut image = image.clone();
        image[at] ^= 1;
        let (_, opened) = open(&image).unwrap();
        assert_eq!(opened.problems[0].kind, ProblemKind::ChecksumMismatch);
        assert_eq!(said(&opened, "crc32").as_deref(), Some("WRONG"));
    }
    // From 6.16 on there is none.
    let mut image = fixture("bzimage");
    image[0x600..0x605].copy_from_slice(b"6.16 ");
    let (_, opened) = open(&image).unwrap();
    assert!(opened.problems.is_empty());
    assert_eq!(said(&opened, "crc32"), None);
}

#[test]
fn hostile_headers_are_refused_or_told() {
    for (name, at, bytes) in [
        ("zimage", 0x2c, &[0, 0, 0, 0][..]),
        ("zimage", 0x28, &[0xff; 4]),
        ("bzimage", 0x1f4, &[0; 4]),
        ("bzimage", 0x1fe, &[0; 2]),
        ("arm64", 0x10, &[0xff; 8]),
        ("riscv", 0x10, &[0; 8]),
        ("zboot", 0x3c, &[0xff; 4]),
    ] {
        let mut image = fixture(name);
        image[at..at + bytes.len()].copy_from_slice(bytes);
        assert!(open(&image).is_err(), "{name}");
    }
    for (name, at) in [("bzimage", 0x24c), ("bzimage", 0x248), ("zboot", 12)] {
        let mut image = fixture(name);
        image[at..at + 4].fill(0xff);
        let (_, opened) = open(&image).unwrap();
        let kinds = opened.problems.iter().map(|problem| problem.kind);
        assert!(kinds.collect::<Vec<_>>().contains(&ProblemKind::Corrupt));
    }
    for name in [
        "zimage",
        "bzimage",
        "bzimage-signed",
        "arm64",
        "riscv",
        "zboot",
    ] {
        let image = fixture(name);
        for len in (0..image.len().min(2048)).chain(image.len() - 600..image.len()) {
            drop(open(&image[..len]));
        }
    }
}
