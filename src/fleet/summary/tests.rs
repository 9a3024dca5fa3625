use super::*;
use crate::baseline::change::ChangeKind;
use crate::extract::ImageId;
use crate::fleet::inventory::Device;
use crate::fleet::keys::{KeyRow, What};
use crate::fleet::parts::{PartRow, ProgramRow};
use crate::fleet::record::{Counts, Judged};

fn judged(image: u32, rootfs: u32, settings: u32) -> Judged {
    let part = |place: &str, content: u32, programs: Option<u32>| PartRow {
        place: place.to_owned(),
        component: None,
        sha256: Digest::of(&content.to_le_bytes()),
        programs: programs.map(|it| Digest::of(&it.to_le_bytes())),
    };
    Judged {
        image: ImageId {
            name: String::new(),
            size: 1,
            sha256: Some(Digest::of(&image.to_le_bytes())),
            with: Vec::new(),
            part: None,
            second_read: None,
            interleaved: Vec::new(),
        },
        integrity: Integrity::NoBaseline,
        risk: Risk::NoneFound,
        bits: 8,
        baseline: None,
        is_near: false,
        counts: Counts::default(),
        changes: Vec::new(),
        findings: Vec::new(),
        parts: vec![
            part("squashfs@0x60000", rootfs, Some(rootfs)),
            part("jffs2@0x1a0000", settings, None),
        ],
        programs: Vec::new(),
        keys: Vec::new(),
    }
}

fn device(position: u64) -> Device {
    Device {
        image: format!("{position}.bin"),
        model: Some("VSM".to_owned()),
        ..Device::default()
    }
}

fn summary(all: Vec<Judged>) -> Summary {
    let mut summary = Summary::default();
    for (position, judged) in (0..).zip(all) {
        let record = Record::judged(position, &device(position), judged, "x".to_owned());
        summary.add(&record);
    }
    summary
}

#[test]
fn of_two_versions_and_one_that_was_tampered_with_only_that_one_is_told() {
    // Settings differ between all units.
    let mut all: Vec<Judged> = (0..30)
        .map(|nth| judged(nth, nth % 2, 1000 + nth))
        .collect();
    all.push(judged(77, 77, 1077));
    let told = summary(all).told();
    let rows: Vec<_> = told
        .outliers
        .iter()
        .map(|row| (row.image.as_str(), row.place.as_str(), row.usual, row.of))
        .collect();
    assert_eq!(rows, [("30.bin", "squashfs@0x60000", 30, 31); 2]);
    assert_eq!(told.parts.len(), 4);
    assert!(told.images.is_empty());
}

#[test]
fn a_part_that_only_one_lacks_is_told_of_it() {
    let of = |units: u32, lacking: usize| {
        let mut all: Vec<Judged> = (0..units).map(|nth| judged(nth, 1, nth)).collect();
        for one in all.iter_mut().take(lacking) {
            one.parts.retain(|part| !part.place.starts_with("squashfs"));
        }
        let told = summary(all).told().outliers.into_iter();
        told.map(|row| (row.image, row.place, row.sha256, row.usual, row.of))
            .collect::<Vec<_>>()
    };
    let expected = (
        "0.bin".to_owned(),
        "squashfs@0x60000".to_owned(),
        None,
        10,
        11,
    );
    assert_eq!(of(11, 1), [expected]);
    // One of ten is as many as an option may have.
    assert_eq!(of(10, 1), []);
    assert_eq!(of(11, 0), []);
}

#[test]
fn what_is_told_does_not_depend_on_which_device_was_done_first() {
    let with = |nth: u64| {
        let mut one = judged(7, 7, 7);
        one.programs = vec![ProgramRow {
            kind: ChangeKind::Added,
            path: format!("/opt/{nth}"),
            sha256: Digest::of(b"program"),
        }];
        Record::judged(nth, &device(nth), one, "x".to_owned())
    };
    let path = |order: [u64; 2]| {
        let mut summary = Summary::default();
        for nth in order {
            summary.add(&with(nth));
        }
        summary.told().programs[0].path.clone()
    };
    assert_eq!(path([0, 1]), "/opt/0");
    assert_eq!(path([1, 0]), "/opt/0");
}

#[test]
fn where_all_differ_nobody_is_unlike_the_others() {
    let told = summary((0..9).map(|nth| judged(nth, nth, nth)).collect()).told();
    assert!(told.outliers.is_empty() && told.parts.is_empty());
}

#[test]
fn what_several_units_have_is_told_once_a_unit() {
    let with = |nth: u32| {
        let mut one = judged(7, 7, 7);
        let key = KeyRow {
            what: What::PrivateKey,
            place: "jffs2@0x1a0000:/etc/key".to_owned(),
            fingerprint: "00".repeat(16),
        };
        one.keys = vec![key.clone(), key];
        one.programs = vec![ProgramRow {
            kind: ChangeKind::Added,
            path: format!("/opt/{nth}"),
            sha256: Digest::of(b"program"),
        }];
        one
    };
    let told = summary(vec![with(0), with(1), judged(8, 7, 7)]).told();
    assert_eq!(told.keys.len(), 1);
    assert_eq!(told.keys[0].units, ["0.bin", "1.bin"]);
    assert_eq!(
        (told.programs[0].count, told.programs[0].path.as_str()),
        (2, "/opt/0")
    );
    assert_eq!((told.images.len(), told.images[0].count), (1, 2));
}

#[test]
fn the_exit_code_is_what_scripts_expect() {
    let error = |position, code| Record::error(position, &device(position), code, "why");
    let mut none = Summary::default();
    assert_eq!(none.exit_code(), 0);
    none.add(&error(0, 66));
    none.add(&error(1, 68));
    assert_eq!((none.exit_code(), none.exit_code_unfinished()), (68, 8));
    let mut one = summary(vec![Judged {
        bits: 5,
        ..judged(1, 1, 1)
    }]);
    one.add(&error(1, 70));
    assert_eq!(one.exit_code(), 5 + 8);
}

#[test]
fn another_version_than_was_stated_has_a_bit() {
    let mut one = judged(1, 1, 1);
    one.bits = 0;
    one.is_near = true;
    one.baseline = Some(crate::fleet::record::BaselineId {
        vendor: "example".to_owned(),
        model: "VSM".to_owned(),
        version: "2".to_owned(),
        sequence: 1,
        is_signed: true,
        sha256: Digest::of(b"baseline"),
    });
    for (claimed, code) in [("1", 32), ("2", 0)] {
        let device = Device {
            version: Some(claimed.to_owned()),
            ..device(0)
        };
        let record = Record::judged(0, &device, one.clone(), "x".to_owned());
        assert_eq!(record.exit_code, code);
        let mut summary = Summary::default();
        summary.add(&record);
        assert_eq!(summary.told().versions.len(), usize::from(code == 32));
        assert!(summary.relies_on(Digest::of(b"baseline")));
    }
    // What fits badly tells no version.
    one.is_near = false;
    let device = Device {
        version: Some("1".to_owned()),
        ..device(0)
    };
    let record = Record::judged(0, &device, one, "x".to_owned());
    assert_eq!(record.exit_code, 0);
}
