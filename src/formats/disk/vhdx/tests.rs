use super::*;
use crate::formats::crc32c::{START, crc32c};
use crate::formats::disk::assemble::tests::{cut_everywhere, decode, fixture, hurt, open, poked};
use crate::problem::ProblemKind::{ChecksumMismatch, Corrupt, Unsupported};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("vhdx/{name}.img.gz"))
}

/// Sets the checksum of a structure right again.
fn seal(image: &mut [u8], at: usize, len: usize) {
    image[at + 4..at + 8].fill(0);
    let crc = !crc32c(START, &image[at..at + len]);
    image[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn fixed_and_dynamic_disks_hold_the_same() {
    let fixed = decode(&Vhdx, &image("fixed")).unwrap();
    let dynamic = decode(&Vhdx, &image("dynamic")).unwrap();
    assert!(fixed.problems.is_empty() && dynamic.problems.is_empty());
    assert_eq!(fixed.bytes.len(), 8 << 20);
    assert!(fixed.bytes == dynamic.bytes);
    assert!(
        fixed.bytes[7 << 20..]
            .windows(18)
            .any(|text| text == b"line 100 of a text")
    );
}

#[test]
fn damaged_copies_are_told() {
    let sound = image("dynamic");
    for (what, pokes, wanted) in [
        (
            "a header",
            &[(65536 + 100, &[1_u8][..])][..],
            &[ChecksumMismatch][..],
        ),
        (
            "a region table",
            &[((192 << 10) + 100, &[1])],
            &[ChecksumMismatch, Corrupt],
        ),
    ] {
        let read = decode(&Vhdx, &poked(&sound, pokes)).unwrap();
        assert_eq!(read.kinds(), wanted, "{what}");
        assert_eq!(read.bytes.len(), 8 << 20, "{what}");
    }
    let both = poked(
        &sound,
        &[((192 << 10) + 100, &[1]), ((256 << 10) + 100, &[1])],
    );
    assert!(matches!(
        Vhdx.measure(&both.into()),
        Err(Reject::NearMiss(_))
    ));
    // Writes that are still in the log.
    let mut logged = sound.clone();
    for at in [64 << 10, 128 << 10] {
        logged[at + 48..at + 64].fill(7);
        seal(&mut logged, at, 4096);
    }
    let read = decode(&Vhdx, &logged).unwrap();
    assert_eq!(read.kinds(), [Unsupported]);
}

#[test]
fn a_block_in_no_sane_state_is_told() {
    let sound = image("dynamic");
    let layout = Layout::parse(&sound.clone().into()).unwrap();
    let at = index(layout.table_at);
    for (state, kind) in [(4, Corrupt), (5, Corrupt), (7, Corrupt)] {
        let read = decode(&Vhdx, &poked(&sound, &[(at, &[state])])).unwrap();
        assert_eq!(read.kinds(), [kind]);
    }
    // A block past the end.
    let read = decode(&Vhdx, &poked(&sound, &[(at + 4, &[9])]));
    assert!(read.unwrap().kinds().contains(&Corrupt));
}

#[test]
fn damage_is_survived() {
    cut_everywhere(&Vhdx, &image("dynamic"));
    hurt(&Vhdx, &image("dynamic"), 15);
    assert!(open(&Vhdx, b"vhdxfile").is_none());
}

#[test]
fn a_log_that_claims_itself_over_and_over_is_no_work_without_end() {
    let mut image = image("dynamic");
    let log = image.len().next_multiple_of(1 << 20);
    image.resize(log + (64 << 20), 0);
    for at in (log..image.len()).step_by(4096) {
        image[at..at + 4].copy_from_slice(b"loge");
        let rest = (image.len() - at) as u32;
        image[at + 8..at + 12].copy_from_slice(&rest.to_le_bytes());
    }
    for at in [64 << 10, 128 << 10] {
        image[at + 68..at + 72].copy_from_slice(&(64_u32 << 20).to_le_bytes());
        image[at + 72..at + 80].copy_from_slice(&(log as u64).to_le_bytes());
        seal(&mut image, at, 4096);
    }
    assert!(open(&Vhdx, &image).is_some());
}
