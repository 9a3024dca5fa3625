use super::*;
use crate::formats::disk::assemble::tests::{cut_everywhere, decode, fixture, hurt, open, poked};
use crate::problem::ProblemKind::{self, ChecksumMismatch, Corrupt};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("vhd/{name}.img.gz"))
}

/// Sets the checksum of the footer at `at` right again.
fn seal(image: &mut [u8], at: usize) {
    let sum = sum_but(&image[at..at + 512], 64);
    image[at + 64..at + 68].copy_from_slice(&sum.to_be_bytes());
}

#[test]
fn a_fixed_disk_stands_before_its_footer() {
    let mut image = vec![3; 700];
    image.extend(self::image("fixed"));
    let image = Bytes::from(image);
    let hit = length(&image) - FOOTER;
    assert_eq!(Vhd.locate(&image, &Vhd.magics()[0], hit), Some(700));
    let opened = open(&Vhd, &image[700..]).unwrap();
    assert!(opened.problems.is_empty());
    let Content::Layout(parts) = opened.content else {
        panic!("not a layout");
    };
    assert!(matches!(parts[0].bytes, PartBytes::Range(ref range) if *range == (0..8 << 20)));
    // With other bytes behind it, the footer is a region of its own.
    let mut image = image.to_vec();
    image.extend([0; 512]);
    assert_eq!(Vhd.locate(&image.into(), &Vhd.magics()[0], hit), Some(hit));
}

#[test]
fn a_dynamic_disk_holds_the_same() {
    let fixed = image("fixed");
    let read = decode(&Vhd, &image("dynamic")).unwrap();
    assert!(read.problems.is_empty());
    assert!(read.bytes == fixed[..8 << 20]);
    let read = decode(&Vhd, &image("differencing")).unwrap();
    assert_eq!(read.kinds(), [ProblemKind::Unsupported]);
}

#[test]
fn damaged_footers_and_headers_are_told() {
    let sound = image("dynamic");
    let end = sound.len() - 512;
    for (what, pokes, wanted) in [
        (
            "the copy",
            &[(40, &[1_u8][..])][..],
            &[ChecksumMismatch][..],
        ),
        ("the footer", &[(end + 40, &[1])], &[ChecksumMismatch]),
        ("no footer", &[(end, &[1])], &[Corrupt]),
        (
            "both",
            &[(40, &[1]), (end + 40, &[1])],
            &[ChecksumMismatch, ChecksumMismatch],
        ),
    ] {
        let read = decode(&Vhd, &poked(&sound, pokes)).unwrap();
        assert_eq!(read.kinds(), wanted, "{what}");
    }
    let mut other = poked(&sound, &[(24, &[9])]);
    seal(&mut other, 0);
    assert_eq!(decode(&Vhd, &other).unwrap().kinds(), [Corrupt]);
    let damaged = poked(&sound, &[(512 + 20, &[9])]);
    assert!(matches!(
        Vhd.measure(&damaged.into()),
        Err(Reject::NearMiss(_))
    ));
}

#[test]
fn damage_is_survived() {
    cut_everywhere(&Vhd, &image("dynamic"));
    hurt(&Vhd, &image("dynamic"), 15);
    hurt(&Vhd, &image("differencing"), 15);
}
