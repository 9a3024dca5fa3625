use super::*;
use crate::budget::Limits;
use crate::formats::{Length, Role};
use crate::problem::ProblemKind;

fn fixture(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/dtb/");
    std::fs::read(format!("{root}{name}.img")).unwrap()
}

/// Opens a blob as the engine does: what lies behind the measured length is cut off.
fn open(image: &[u8]) -> Result<Opened, Reject> {
    let image = Bytes::copy_from_slice(image);
    let extent = Dtb.measure(&image)?;
    let Length::Known(len) = extent.len else {
        panic!("a known length");
    };
    let region = crate::read::clip(&image, 0, len);
    Ok(Dtb.open(region, &Budget::new(Limits::default())))
}

fn said(opened: &Opened, name: &str) -> Option<String> {
    let mut all = opened.properties.iter();
    all.find(|(other, _)| *other == name.as_bytes())
        .map(|(_, value)| String::from_utf8(value.to_vec()).unwrap())
}

/// Which bytes no span names.
fn unnamed(image: &[u8], opened: &Opened) -> Vec<usize> {
    let mut named = vec![false; image.len()];
    for span in &opened.spans {
        assert_eq!(span.role, Role::Metadata);
        let (from, to) = (span.at as usize, (span.at + span.len) as usize);
        named[from..to].fill(true);
    }
    (0..image.len()).filter(|&at| !named[at]).collect()
}

#[test]
fn every_version_says_what_its_source_says() {
    for name in ["v1", "v2", "v3", "v16", "v17", "slack", "symbols"] {
        let image = fixture(name);
        let opened = open(&image).unwrap();
        assert!(opened.problems.is_empty(), "{name}: {:?}", opened.problems);
        for (property, value) in [
            ("model", "Example Medical VSM-9000"),
            ("compatible", "example,vsm9000, nxp,lpc3250"),
            ("bootargs", "console=ttyS0,115200 root=/dev/mtdblock3"),
            ("stdout-path", "serial0:115200n8"),
            ("partition.boot", "0x0+0x40000"),
            ("partition.kernel", "0x40000+0x200000"),
            ("partition.data", "0x240000+0x5c0000"),
            ("partition.boot.2", "0x0+0x180000000"),
        ] {
            assert_eq!(said(&opened, property).as_deref(), Some(value), "{name}");
        }
        // Everything but padding (and unused room) is explained.
        let rest = unnamed(&image, &opened);
        assert!(rest.iter().all(|&at| image[at] == 0), "{name}");
        assert!(rest.len() < 24 || name == "slack", "{name}: {}", rest.len());
    }
    let opened = open(&fixture("symbols")).unwrap();
    assert_eq!(said(&opened, "boot-cpu").as_deref(), Some("3"));
}

#[test]
fn what_hides_in_the_slack_is_explained_by_nothing() {
    let mut image = fixture("slack");
    let end = fixture("v17").len();
    image[end..].fill(0xa5);
    let opened = open(&image).unwrap();
    assert_eq!(unnamed(&image, &opened).len(), image.len() - end);
}

#[test]
fn a_string_that_no_property_uses_is_explained_by_nothing() {
    let mut image = fixture("v17");
    let len = u32::try_from(image.len() + 8).unwrap();
    let strings = u32::from_be_bytes(image[32..36].try_into().unwrap()) + 8;
    image.extend_from_slice(b"hidden!\0");
    image[4..8].copy_from_slice(&len.to_be_bytes());
    image[32..36].copy_from_slice(&strings.to_be_bytes());
    let opened = open(&image).unwrap();
    assert!(opened.problems.is_empty());
    assert_eq!(unnamed(&image, &opened).len(), 8);
}

#[test]
fn damage_is_told() {
    let sound = fixture("v17");
    let structure = usize::try_from(u32::from_be_bytes(sound[8..12].try_into().unwrap())).unwrap();
    // The first property of the root follows its 8 bytes of start and name.
    for (name, at, word) in [
        ("an unknown token", structure + 8, 7_u32),
        ("a value past the structure", structure + 12, 0x7fff_fff0),
        ("a name past the strings", structure + 16, 0x7fff_fff0),
        ("an end too early", structure + 8, 9),
        ("one end too many", structure + 8, 2),
    ] {
        let mut image = sound.clone();
        image[at..at + 4].copy_from_slice(&word.to_be_bytes());
        let opened = open(&image).unwrap();
        let told = opened.problems.first().map(|problem| problem.kind);
        assert_eq!(told, Some(ProblemKind::Corrupt), "{name}");
    }
    for (name, at) in [("the root", structure), ("version", 27), ("strings", 12)] {
        let mut image = sound.clone();
        image[at] ^= 0x80;
        assert!(matches!(open(&image), Err(Reject::NearMiss(_))), "{name}");
    }
}

#[test]
fn every_truncation_is_told() {
    for name in ["v1", "v17"] {
        let image = fixture(name);
        for len in 0..image.len() {
            // The engine tells what is missing of a region whose length is known.
            let measured = Dtb.measure(&Bytes::copy_from_slice(&image[..len]));
            let whole = image.len() as u64;
            if let Ok(extent) = measured {
                assert_eq!(extent.len, Length::Known(whole));
            }
            drop(open(&image[..len]));
        }
    }
}

#[test]
fn nodes_without_end_are_told() {
    let mut image = fixture("v17");
    image.truncate(56);
    image.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0].repeat(100_000));
    image.extend_from_slice(&[0, 0, 0, 9]);
    let len = u32::try_from(image.len()).unwrap();
    for (at, value) in [(4, len), (8, 56), (12, len), (32, 0), (36, len - 56)] {
        image[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    let opened = open(&image).unwrap();
    let told = opened.problems.first().map(|problem| problem.kind);
    assert_eq!(told, Some(ProblemKind::Unsupported));
}

#[test]
fn a_second_root_and_endless_reservations_are_told() {
    let sound = fixture("v17");
    let field = |image: &[u8], at: usize| {
        u32::from_be_bytes(image[at..at + 4].try_into().unwrap()) as usize
    };
    let mut image = sound.clone();
    // Behind the root, in the place of the token that ends the tree, another root.
    let end = field(&image, 8) + field(&image, 36) - 4;
    let evil = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2];
    image.splice(end..end, evil);
    for at in [4, 12, 36] {
        let value = field(&image, at) + evil.len();
        image[at..at + 4].copy_from_slice(&(value as u32).to_be_bytes());
    }
    let opened = open(&image).unwrap();
    assert_eq!(
        opened.problems[0].detail,
        "a second root, which no reader looks at"
    );
    // Reservations that go on through whatever is there.
    let mut image = sound.clone();
    let total = image.len();
    image.extend(std::iter::repeat_n(0x5a, 1 << 20));
    image.extend([0; 16]);
    let len = image.len() as u32;
    image[4..8].copy_from_slice(&len.to_be_bytes());
    image[16..20].copy_from_slice(&(total.next_multiple_of(8) as u32).to_be_bytes());
    let opened = open(&image).unwrap();
    assert_eq!(opened.problems.len(), 1, "{:?}", opened.problems);
    assert!(unnamed(&image, &opened).len() >= 1 << 20);
}
