use super::*;
use crate::budget::Limits;
use crate::formats::Length;
use crate::problem::ProblemKind;
use crate::read::clip;

fn fixture(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/trx/");
    std::fs::read(format!("{root}{name}.img")).unwrap()
}

fn open(image: &[u8]) -> Result<Opened, Reject> {
    let image = Bytes::copy_from_slice(image);
    let Length::Known(len) = Trx.measure(&image)?.len else {
        panic!("a known length");
    };
    Ok(Trx.open(clip(&image, 0, len), &Budget::new(Limits::default())))
}

fn starts(opened: &Opened) -> Vec<u64> {
    let Content::Layout(parts) = &opened.content else {
        panic!("not a layout");
    };
    let start = |part: &Part| match &part.bytes {
        PartBytes::Range(range) => range.start,
        _ => panic!("not a range"),
    };
    parts.iter().map(start).collect()
}

#[test]
fn parts_stand_where_the_header_says() {
    // The loader has 1234 bytes (1236 with padding), the kernel 40.
    for (name, expected) in [("v1", &[28, 1264][..]), ("v2", &[32, 72, 1308, 1348])] {
        let mut image = fixture(name);
        image.extend_from_slice(b"behind");
        let opened = open(&image).unwrap();
        assert!(opened.problems.is_empty());
        assert_eq!(starts(&opened), expected, "{name}");
    }
}

#[test]
fn a_changed_byte_breaks_the_checksum() {
    let sound = fixture("v1");
    for at in [8, 12, 100, sound.len() - 1] {
        let mut image = sound.clone();
        image[at] ^= 1;
        let opened = open(&image).unwrap();
        assert_eq!(opened.problems[0].kind, ProblemKind::ChecksumMismatch);
        assert_eq!(starts(&opened).len(), 2);
    }
}

#[test]
fn hostile_headers_are_refused() {
    for (at, value) in [(4, 28_u32), (14, 3), (16, 4), (20, 27), (20, 0xffff_fff0)] {
        let mut image = fixture("v1");
        image[at..at + 4].copy_from_slice(&value.to_le_bytes());
        assert!(open(&image).is_err(), "{at} {value:#x}");
    }
    let image = fixture("v2");
    for len in 0..200 {
        assert_eq!(open(&image[..len]).is_ok(), len >= 32);
    }
}
