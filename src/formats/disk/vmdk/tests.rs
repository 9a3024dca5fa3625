use super::*;
use crate::formats::Role;
use crate::formats::disk::assemble::tests::{cut_everywhere, decode, fixture, hurt, open, poked};
use crate::problem::ProblemKind;
use crate::read::{Fields, index};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("vmdk/{name}.img.gz"))
}

#[test]
fn every_form_holds_the_same_disk() {
    let plain = decode(&Vmdk, &image("monolithicSparse")).unwrap();
    assert_eq!(plain.bytes.len(), 8 << 20);
    assert!(
        plain.bytes[7 << 20..]
            .windows(18)
            .any(|text| text == b"line 100 of a text")
    );
    for name in [
        "monolithicSparse",
        "streamOptimized",
        "stream-footer",
        "extent",
    ] {
        let read = decode(&Vmdk, &image(name)).unwrap();
        assert!(read.problems.is_empty(), "{name}: {:?}", read.problems);
        assert!(read.bytes == plain.bytes, "{name}");
    }
}

#[test]
fn the_description_is_told() {
    let opened = open(&Vmdk, &fixture("vmdk/descriptor.img")).unwrap();
    assert_eq!(opened.problems[0].kind, ProblemKind::Unsupported);
    let said: Vec<_> = opened.properties.iter().collect();
    assert!(said.contains(&(&b"create-type"[..], &b"monolithicFlat"[..])));
    assert!(said.contains(&(&b"extent.0"[..], &b"RW 16384 FLAT \"flat-flat.vmdk\" 0"[..])));
    // A snapshot's parent is another file.
    let text = String::from_utf8(fixture("vmdk/descriptor.img")).unwrap();
    let child = text.replace("parentCID=ffffffff", "parentCID=12345678");
    assert_eq!(open(&Vmdk, child.as_bytes()).unwrap().problems.len(), 2);
    assert!(open(&Vmdk, &text.as_bytes()[..40]).is_none());
}

#[test]
fn damaged_tables_and_grains_are_told() {
    let sound = image("monolithicSparse");
    let at = |field| {
        Fields::little(&sound)
            .u64(field)
            .map(|sector| index(sector * SECTOR))
            .unwrap()
    };
    let (redundant, directory) = (at(48), at(56));
    let table = |directory: usize| {
        index(u64::from(Fields::little(&sound).u32(directory).unwrap()) * SECTOR)
    };
    for (what, at) in [
        ("the redundant directory", redundant),
        ("a redundant table", table(redundant)),
        ("a table", table(directory)),
    ] {
        let read = decode(&Vmdk, &poked(&sound, &[(at, &[0x77])])).unwrap();
        assert!(read.kinds().contains(&ProblemKind::Corrupt), "{what}");
        assert_eq!(read.bytes.len(), 8 << 20);
    }
    for name in ["streamOptimized", "stream-footer"] {
        let sound = image(name);
        let whole = decode(&Vmdk, &sound).unwrap();
        let content = whole
            .spans
            .iter()
            .find(|span| span.role == Role::Content)
            .unwrap();
        for (what, at, poke) in [
            ("data", content.at + 100, &[0xff; 8][..]),
            (
                "the checksum behind the data",
                content.at + content.len - 1,
                &[0x5a],
            ),
            ("the marker's sector", content.at - 12, &[0x77]),
        ] {
            let read = decode(&Vmdk, &poked(&sound, &[(index(at), poke)])).unwrap();
            assert_eq!(read.kinds(), [ProblemKind::Corrupt], "{name}: {what}");
            assert_eq!(read.bytes.len(), 8 << 20);
        }
    }
}

#[test]
fn hostile_headers_are_refused() {
    let sound = image("monolithicSparse");
    for (what, at, poke) in [
        ("version", 4, &[9][..]),
        ("no grain", 20, &[0; 8]),
        ("a grain of 16 GiB", 20, &[0, 0, 0, 2]),
        ("no table entries", 44, &[0; 4]),
        ("a disk without end", 12, &[0xff; 8]),
    ] {
        assert!(
            open(&Vmdk, &poked(&sound, &[(at, poke)])).is_none(),
            "{what}"
        );
    }
}

#[test]
fn damage_is_survived() {
    for name in ["monolithicSparse", "streamOptimized", "stream-footer"] {
        let image = image(name);
        let crate::formats::Length::Known(len) = Vmdk.measure(&image.clone().into()).unwrap().len
        else {
            panic!("a known length");
        };
        cut_everywhere(&Vmdk, &image[..index(len)]);
        hurt(&Vmdk, &image, 15);
    }
}

#[test]
fn a_footer_that_differs_from_the_header_is_told() {
    let sound = image("stream-footer");
    let header = Header::parse(&Bytes::copy_from_slice(&sound)).unwrap();
    let footers = (512..sound.len() - 512).step_by(512);
    let footer = footers
        .rev()
        .find(|&at| sound[at..].starts_with(MAGIC))
        .unwrap();
    let size = header.size() / SECTOR;
    let half = (size / 2).to_le_bytes();
    let read = decode(&Vmdk, &poked(&sound, &[(footer + 12, &half)])).unwrap();
    assert_eq!(read.kinds(), [ProblemKind::Corrupt]);
}
