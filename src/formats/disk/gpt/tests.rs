use super::*;
use crate::formats::disk::assemble::tests::{cut_everywhere, fixture, hurt, open, poked};
use crate::problem::ProblemKind::{self, ChecksumMismatch, Corrupt};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("gpt/{name}.img.gz"))
}

fn property(opened: &Opened, name: &str) -> String {
    let mut all = opened.properties.iter();
    let value = all.find(|(other, _)| *other == name.as_bytes());
    value.map_or_else(String::new, |(_, value)| {
        String::from_utf8(value.to_vec()).unwrap()
    })
}

fn parts(opened: &Opened) -> Vec<(String, u64, u64)> {
    let Content::Layout(parts) = &opened.content else {
        panic!("not a layout");
    };
    let part = |part: &Part| match &part.bytes {
        PartBytes::Range(range) => (
            String::from_utf8(part.name.clone()).unwrap(),
            range.start,
            range.end,
        ),
        _ => panic!("not a range"),
    };
    parts.iter().map(part).collect()
}

#[test]
fn partitions_are_those_that_were_made() {
    // 40 KiB of file system, as sgdisk was told; `sgdisk -p` lists sectors 128-639 and 640-719.
    for name in ["two-tables", "no-primary", "bad-entries"] {
        let opened = open(&Gpt, &image(name)).unwrap();
        let wanted = [
            ("boot", 128 * 512, 640 * 512),
            ("rootfs gr\u{fc}\u{df}", 640 * 512, 720 * 512),
        ];
        let wanted = wanted.map(|(name, start, end)| (name.to_owned(), start, end));
        assert_eq!(parts(&opened), wanted, "{name}");
        assert_eq!(
            property(&opened, "disk-guid"),
            "11111111-2222-3333-4444-555555555555"
        );
        assert_eq!(
            property(&opened, "p1.type"),
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
        );
        assert_eq!(property(&opened, "p1.attributes"), "0x0000000000000004");
    }
    let opened = open(&Gpt, &image("sectors-4096")).unwrap();
    assert!(opened.problems.is_empty());
    assert_eq!(property(&opened, "sector-size"), "4096");
    assert_eq!(
        parts(&opened)[0],
        ("boot".to_owned(), 64 * 4096, 128 * 4096)
    );
}

#[test]
fn damaged_tables_are_told() {
    let sound = image("two-tables");
    let end = sound.len();
    let kinds = |image: &[u8]| -> Option<Vec<ProblemKind>> {
        let opened = open(&Gpt, image)?;
        Some(opened.problems.iter().map(|problem| problem.kind).collect())
    };
    assert_eq!(kinds(&sound), Some(vec![]));
    assert_eq!(kinds(&image("no-primary")), Some(vec![Corrupt]));
    assert_eq!(kinds(&image("bad-entries")), Some(vec![ChecksumMismatch]));
    assert_eq!(kinds(&image("other-backup")), Some(vec![Corrupt]));
    for (what, pokes, wanted) in [
        (
            "primary header",
            &[(512 + 40, &[9_u8][..])][..],
            Some(vec![ChecksumMismatch]),
        ),
        (
            "backup header",
            &[(end - 512 + 40, &[9])],
            Some(vec![ChecksumMismatch]),
        ),
        ("backup magic", &[(end - 512, &[9])], Some(vec![Corrupt])),
        (
            "backup entries",
            &[(end - 512 * 33 + 9, &[9])],
            Some(vec![ChecksumMismatch]),
        ),
        (
            "both headers",
            &[(512 + 40, &[9]), (end - 512 + 40, &[9])],
            None,
        ),
        (
            "both arrays",
            &[(1024 + 40, &[9]), (end - 512 * 33 + 9, &[9])],
            Some(vec![ChecksumMismatch, ChecksumMismatch]),
        ),
    ] {
        assert_eq!(kinds(&poked(&sound, pokes)), wanted, "{what}");
    }
}

#[test]
fn a_backup_alone_tells_where_its_disk_starts() {
    let mut image = vec![7; 1000];
    image.extend(self::image("no-primary"));
    let image = Bytes::from(image);
    let hit = length(&image) - 512;
    let magic = &Gpt.magics()[0];
    assert_eq!(Gpt.locate(&image, magic, hit), Some(1000));
}

#[test]
fn bytes_behind_a_name_and_in_unused_entries_are_explained_by_nothing() {
    let sound = image("two-tables");
    let explained = |image: &[u8]| -> u64 {
        let opened = open(&Gpt, image).unwrap();
        opened.spans.iter().map(|span| span.len).sum()
    };
    let hidden = poked(
        &sound,
        &[(1024 + 120, b"hidden!!"), (1024 + 128 * 50 + 20, b"hidden")],
    );
    // The array's checksum is of no use against who hides: made right again.
    let mut hidden = hidden;
    let array = crc32fast::hash(&hidden[1024..1024 + 16384]);
    hidden[512 + 88..512 + 92].copy_from_slice(&array.to_le_bytes());
    hidden[512 + 16..512 + 20].fill(0);
    let header = crc32fast::hash(&hidden[512..512 + 92]);
    hidden[512 + 16..512 + 20].copy_from_slice(&header.to_le_bytes());
    let lost = explained(&sound) - explained(&hidden);
    // The room behind the name `boot`, and one unused entry.
    assert_eq!(lost, (72 - 8) + 128);
}

#[test]
fn damage_is_survived() {
    let sound = image("two-tables");
    cut_everywhere(&Gpt, &sound);
    hurt(&Gpt, &sound, 100);
}
