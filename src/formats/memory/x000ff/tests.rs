use bytes::Bytes;

use super::X000ff;
use crate::budget::{Budget, Limits};
use crate::formats::{Content, Format, Length, Opened, PartBytes, Proof, Reject, Span};

fn stored(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/x000ff");
    std::fs::read(format!("{root}/{name}")).unwrap()
}

fn open(bytes: &[u8]) -> Opened {
    let budget = Budget::new(Limits::default());
    X000ff.open(Bytes::copy_from_slice(bytes), &budget)
}

/// The parts by name, as bytes of the image.
fn parts(image: &[u8]) -> Vec<(String, Vec<u8>)> {
    let Content::Layout(parts) = open(image).content else {
        panic!("no layout");
    };
    let parts = parts.into_iter().map(|part| {
        let PartBytes::Range(range) = part.bytes else {
            panic!("no range");
        };
        let bytes = image[range.start as usize..range.end as usize].to_vec();
        (String::from_utf8(part.name).unwrap(), bytes)
    });
    parts.collect()
}

fn measured(bytes: &[u8]) -> Result<(u64, Proof), Reject> {
    let extent = X000ff.measure(&Bytes::copy_from_slice(bytes))?;
    match extent.len {
        Length::Known(len) => Ok((len, extent.proof)),
        Length::Decoded => panic!("it states its length"),
    }
}

#[test]
fn each_region_has_its_file() {
    let (first, second) = (stored("nk.bin"), stored("xip2.bin"));
    for (name, names) in [
        ("old.img", ["0x80200000", "0x82000000"]),
        ("new.img", ["nk.bin", "xip2.bin"]),
    ] {
        let image = stored(name);
        let found = parts(&image);
        assert_eq!(found[0], (names[0].to_owned(), first.clone()));
        assert_eq!(found[1], (names[1].to_owned(), second.clone()));
        assert!(open(&image).problems.is_empty(), "{name}");
        let behind = [&image[..], b"behind"].concat();
        assert_eq!(measured(&behind), Ok((image.len() as u64, Proof::Checksum)));
    }
    let plain = parts(&stored("plain.img"));
    assert_eq!(plain, [("plain.nb0".to_owned(), stored("plain.nb0"))]);
}

#[test]
fn only_the_list_and_its_end_are_its_own() {
    let image = stored("old.img");
    let end = image.len() as u64 - 4;
    let spans = open(&image).spans;
    assert_eq!(spans, [Span::metadata(0, 31), Span::metadata(end, 4)]);
}

#[test]
fn what_does_not_fit_is_told() {
    for (name, at) in [("old.img", 15), ("new.img", 15), ("new.img", 15 + 268 + 4)] {
        let mut image = stored(name);
        image[at] ^= 4;
        let problems = open(&image).problems;
        let told = |what: &str| problems.iter().any(|told| told.detail.contains(what));
        assert!(
            told("the sum of the list") && told("another region"),
            "{name}"
        );
    }
    let mut image = stored("old.img");
    let last = image.len() - 1;
    image[last] = 1;
    assert!(
        open(&image).problems[0]
            .detail
            .contains("the zeros at the end")
    );
    // The second file is no image.
    let mut image = stored("old.img");
    let second = 31 + stored("nk.bin").len();
    image[second] = b'A';
    assert!(open(&image).problems[0].detail.contains("1 of 2 regions"));
    image[second] = b'S';
    assert_eq!(parts(&image).len(), 1);
}

#[test]
fn signed_files_are_named() {
    let mut image = stored("new.img");
    let second = 15 + 2 * 268 + stored("nk.bin").len();
    image[second] = b'S';
    let told = &open(&image).problems[0];
    assert!(told.detail.contains("S000FF"), "{}", told.detail);
    assert_eq!(parts(&image).len(), 2);
    let mut alone = stored("nk.bin");
    for letter in [b'S', b'R', b'D'] {
        alone[0] = letter;
        assert!(matches!(measured(&alone), Err(Reject::NearMiss(_))));
    }
    let text = b"S000FF\n and S000FF are magics of images.";
    assert!(matches!(measured(text), Err(Reject::Coincidence(_))));
}

#[test]
fn counts_that_cannot_be_and_cuts_are_refused_or_told() {
    for name in ["old.img", "new.img", "plain.img"] {
        let sound = stored(name);
        for count in [0, 26, 1 << 20, u32::MAX] {
            let mut image = sound.clone();
            image[11..15].copy_from_slice(&count.to_le_bytes());
            assert!(measured(&image).is_err());
        }
        let whole = parts(&sound);
        for len in 0..sound.len() {
            let cut = &sound[..len];
            let Ok((stated, _)) = measured(cut) else {
                continue;
            };
            if len % 13 == 0 && stated as usize <= len && name != "old.img" {
                assert_eq!(parts(cut), whole, "{name} {len}");
            }
            if len % 13 == 0 && parts(cut) != whole {
                assert!(!open(cut).problems.is_empty(), "{name} {len}");
            }
        }
    }
}
