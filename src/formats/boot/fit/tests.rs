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

/// The image with `bytes` put into its structure at `at`.
fn inserted(image: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = image.to_vec();
    image.splice(at..at, bytes.iter().copied());
    // The length of it all, where the strings start, and the length of the structure.
    for field in [4, 12, 36] {
        let word = u32::from_be_bytes(image[field..field + 4].try_into().unwrap());
        let word = word + bytes.len() as u32;
        image[field..field + 4].copy_from_slice(&word.to_be_bytes());
    }
    image
}

#[test]
fn of_two_datas_the_one_that_boots_is_the_part() {
    let sound = fixture("embedded");
    let opened = open(&sound).unwrap();
    let Content::Layout(layout) = &opened.content else {
        panic!("not a layout");
    };
    let PartBytes::Range(kernel) = &layout[0].bytes else {
        panic!("not a range");
    };
    let token = kernel.start as usize - 12;
    let name = &sound[token + 8..token + 12];
    // libfdt finds the first property of a name.
    let evil = [&[0, 0, 0, 3, 0, 0, 0, 4], name, b"EVIL"].concat();
    let image = inserted(&sound, token, &evil);
    let opened = open(&image).unwrap();
    assert_eq!(
        parts(&image, &opened)[0],
        ("kernel-1".to_owned(), &b"EVIL"[..])
    );
    let details: Vec<&str> = opened
        .problems
        .iter()
        .map(|problem| problem.detail.as_str())
        .collect();
    assert!(
        details[0].contains("stands in its node twice"),
        "{details:?}"
    );
    let hidden = kernel.start + evil.len() as u64;
    let names = |at: u64| {
        opened
            .spans
            .iter()
            .any(|span| (span.at..span.at + span.len).contains(&at))
    };
    assert!(!names(hidden) && !names(hidden + 1000));
}

#[test]
fn of_two_images_of_one_name_the_second_is_told() {
    let sound = fixture("embedded");
    let at = memchr::memmem::find(&sound, b"\0\0\0\x01fdt-1\0").unwrap();
    let image = inserted(&sound, at, b"\0\0\0\x01fdt-1\0\0\0\0\0\0\x02");
    let opened = open(&image).unwrap();
    let told = |problem: &Problem| problem.detail.contains("boot loaders find the first");
    assert!(opened.problems.iter().any(told), "{:?}", opened.problems);
}

#[test]
fn data_that_is_stated_in_two_ways_is_where_u_boot_looks() {
    let sound = fixture("external");
    let strings = memchr::memmem::find(&sound, b"data-size\0").unwrap();
    let base = u32::from_be_bytes(sound[12..16].try_into().unwrap());
    let size = (strings as u32 - base).to_be_bytes();
    let token = [&[0, 0, 0, 3, 0, 0, 0, 4][..], &size].concat();
    let at = memchr::memmem::find(&sound, &token).unwrap();
    // `data` is the end of no other name here: it becomes one by a string of its own at the very end.
    let mut image = inserted(
        &sound,
        at,
        &[&[0, 0, 0, 3, 0, 0, 0, 4], &[0xff; 4][..], b"SAFE"].concat(),
    );
    let total = u32::from_be_bytes(image[4..8].try_into().unwrap()) as usize;
    let base = u32::from_be_bytes(image[12..16].try_into().unwrap()) as usize;
    let len = u32::from_be_bytes(image[32..36].try_into().unwrap()) as usize;
    assert!(base + len <= total);
    let (name, rest) = (b"data\0\0\0\0", image.split_off(base + len));
    image.extend_from_slice(name);
    image.extend_from_slice(&rest);
    for (field, value) in [(4, total + 8), (32, len + 8)] {
        image[field..field + 4].copy_from_slice(&(value as u32).to_be_bytes());
    }
    image[at + 8..at + 12].copy_from_slice(&(len as u32).to_be_bytes());
    let opened = open(&image).unwrap();
    assert_eq!(parts(&image, &opened)[0].1.len(), 1234);
    let told = |problem: &Problem| problem.detail.contains("in several ways");
    assert!(opened.problems.iter().any(told), "{:?}", opened.problems);
}
