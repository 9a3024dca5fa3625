use super::*;
use crate::formats::disk::assemble::tests::{cut_everywhere, fixture, hurt, open, poked};
use crate::problem::ProblemKind;

type Found = Vec<(String, Range<u64>)>;

fn parts(opened: &Opened) -> Found {
    let Content::Layout(parts) = &opened.content else {
        panic!("not a layout");
    };
    let range = |part: &Part| match &part.bytes {
        PartBytes::Range(range) => range.clone(),
        _ => panic!("not a range"),
    };
    let name = |part: &Part| String::from_utf8(part.name.clone()).unwrap();
    parts.iter().map(|part| (name(part), range(part))).collect()
}

fn expected(parts: &[(&str, u64, u64)], sector: u64) -> Found {
    let part = |&(name, first, count): &(&str, u64, u64)| {
        (name.to_owned(), first * sector..(first + count) * sector)
    };
    parts.iter().map(part).collect()
}

#[test]
fn partitions_are_where_fdisk_says() {
    // As `fdisk -l` lists them.
    for (name, sector, wanted) in [
        ("primary", 512, &[("p1", 128, 512), ("p2", 640, 80)][..]),
        (
            "logical",
            512,
            &[("p1", 64, 64), ("p5", 256, 512), ("p6", 1024, 80)],
        ),
        ("sectors-4096", 4096, &[("p1", 64, 64), ("p2", 128, 650)]),
    ] {
        let image = fixture(&format!("mbr/{name}.img.gz"));
        let opened = open(&Mbr, &image).unwrap();
        assert!(opened.problems.is_empty(), "{name}");
        assert_eq!(parts(&opened), expected(wanted, sector), "{name}");
        let signature = opened
            .properties
            .iter()
            .find(|(name, _)| name == b"disk-signature");
        assert_eq!(signature.unwrap().1, b"0x1234abcd");
    }
}

#[test]
fn boot_code_and_the_gap_behind_it_are_explained_by_nothing() {
    let opened = open(&Mbr, &fixture("mbr/primary.img.gz")).unwrap();
    assert_eq!(opened.spans, [Span::metadata(440, 72)]);
}

/// A first sector with one sound entry, and 64 KiB behind it.
fn disk() -> Vec<u8> {
    let mut image = vec![0; 1 << 16];
    image[446..462].copy_from_slice(&[0x80, 0, 2, 0, 0x83, 0, 9, 0, 8, 0, 0, 0, 64, 0, 0, 0]);
    image[510..512].copy_from_slice(&[0x55, 0xaa]);
    image
}

#[test]
fn what_is_no_table_is_refused() {
    assert!(open(&Mbr, &disk()).is_some());
    for (why, pokes) in [
        ("no signature", &[(510, &[0x55, 0xab][..])][..]),
        ("a flag that is none", &[(446, &[0x81])]),
        ("no type", &[(450, &[0])]),
        ("no sectors", &[(458, &[0])]),
        ("from the first sector on", &[(454, &[0])]),
        ("past the end of the image", &[(455, &[8])]),
        ("past the last sector there may be", &[(454, &[0xff; 8])]),
        ("an unused entry that is not empty", &[(470, &[0, 1])]),
        (
            "two that overlap",
            &[(462, &[0, 0, 2, 0, 0x83, 0, 9, 0, 60, 0, 0, 0, 64, 0, 0, 0])],
        ),
        (
            "FAT",
            &[(0, b"\xeb\x3c\x90mkfs.fat\0\x02\x04"), (21, &[0xf8])],
        ),
        ("NTFS", &[(0, b"\xeb\x52\x90NTFS    \0\x02\x08")]),
        ("exFAT", &[(0, b"\xeb\x76\x90EXFAT   ")]),
    ] {
        assert!(open(&Mbr, &poked(&disk(), pokes)).is_none(), "{why}");
    }
    // A boot loader may start with the same jump.
    assert!(open(&Mbr, &poked(&disk(), &[(0, b"\xeb\x63\x90")])).is_some());
    let guard = poked(&disk(), &[(450, &[0xee])]);
    assert!(matches!(
        Mbr.measure(&guard.into()),
        Err(Reject::NearMiss(_))
    ));
}

#[test]
fn a_chain_that_is_damaged_is_told_and_ends() {
    let image = fixture("mbr/logical.img.gz");
    let first = 128 * 512;
    for (what, pokes, kept) in [
        (
            "a next table at sector 0",
            &[(first + 446 + 24, &[0; 4][..])][..],
            1,
        ),
        ("no table", &[(first + 510, &[0, 0])], 1),
        ("flag", &[(first + 446, &[1])], 1),
        (
            "past the extended partition",
            &[(first + 446 + 12, &[0xff, 0xff])],
            3,
        ),
    ] {
        let opened = open(&Mbr, &poked(&image, pokes)).unwrap();
        let kinds: Vec<_> = opened.problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [ProblemKind::Corrupt], "{what}");
        assert_eq!(parts(&opened).len(), kept, "{what}");
    }
}

#[test]
fn a_circle_of_tables_ends() {
    let mut image = fixture("mbr/logical.img.gz");
    let first = 128 * 512;
    // The second table, which stands before the second logical partition, names itself.
    let next = u32::from_le_bytes(image[first + 470..first + 474].try_into().unwrap());
    let at = first + next as usize * 512;
    let mut link = [0, 0, 2, 0, 5, 0, 9, 0, 0, 0, 0, 0, 9, 0, 0, 0];
    link[8..12].copy_from_slice(&next.to_le_bytes());
    image[at + 462..at + 478].copy_from_slice(&link);
    let opened = open(&Mbr, &image).unwrap();
    assert!(opened.problems[0].detail.contains("circle"));
    assert_eq!(parts(&opened).len(), 3);
}

#[test]
fn damage_is_survived() {
    for name in ["primary", "logical"] {
        let image = fixture(&format!("mbr/{name}.img.gz"));
        let crate::formats::Length::Known(len) = Mbr.measure(&image.clone().into()).unwrap().len
        else {
            panic!("a known length");
        };
        cut_everywhere(&Mbr, &image[..index(len)]);
        hurt(&Mbr, &image, 100);
    }
}
