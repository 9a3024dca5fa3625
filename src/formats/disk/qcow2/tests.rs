use std::io::Read;

use super::*;
use crate::formats::disk::assemble::tests::{cut_everywhere, decode, fixture, hurt, open, poked};
use crate::read::{Fields, index};

fn image(name: &str) -> Vec<u8> {
    fixture(&format!("qcow2/{name}.img.gz"))
}

/// The text at the end of the disk that every fixture holds, as `fixtures/disk-raw` writes it.
fn text() -> Vec<u8> {
    let line = |line| format!("line {line} of a text\n").into_bytes();
    (0..9999).flat_map(line).take(70000).collect()
}

const TEXT_AT: usize = (8 * 1048 - 1000) * 1000;

#[test]
fn every_kind_of_cluster_is_read() {
    let plain = decode(&Qcow2, &image("v3")).unwrap();
    assert!(plain.problems.is_empty());
    assert_eq!(plain.bytes.len(), 8 << 20);
    assert_eq!(plain.bytes[TEXT_AT..TEXT_AT + 70000], text());
    for name in ["v2-small-clusters", "zlib", "zstd", "subclusters"] {
        let read = decode(&Qcow2, &image(name)).unwrap();
        assert!(read.problems.is_empty(), "{name}: {:?}", read.problems);
        assert!(read.bytes == plain.bytes, "{name}");
    }
}

#[test]
fn a_snapshot_is_a_disk_of_its_own() {
    let opened = open(&Qcow2, &image("snapshots")).unwrap();
    assert!(opened.problems.is_empty());
    let Content::Layout(parts) = opened.content else {
        panic!("not a layout");
    };
    let mut names = Vec::new();
    for part in parts {
        let PartBytes::Stream(mut disk) = part.bytes else {
            panic!("not a stream");
        };
        let mut bytes = Vec::new();
        disk.read_to_end(&mut bytes).unwrap();
        // The first 64 KiB from 7 MiB on were overwritten behind the snapshot; the text starts later and ends there.
        let kept = bytes[TEXT_AT..TEXT_AT + 70000] == text();
        assert_eq!(kept, !part.name.is_empty());
        names.push(part.name);
    }
    assert_eq!(names, [&b""[..], b"snapshot-before"]);
}

#[test]
fn what_is_not_here_is_told() {
    for (name, kind) in [
        ("backed", ProblemKind::Unsupported),
        ("encrypted", ProblemKind::Encrypted),
        ("external", ProblemKind::Unsupported),
    ] {
        let read = decode(&Qcow2, &image(name)).unwrap();
        assert_eq!(read.kinds(), [kind], "{name}");
    }
}

#[test]
fn hostile_headers_are_refused_or_told() {
    let sound = image("v3");
    for (what, at, poke) in [
        ("version", 7, &[4][..]),
        ("clusters of 2 GiB", 20, &[0, 0, 0, 31]),
        ("clusters of 8 bytes", 20, &[0, 0, 0, 3]),
        ("first-level table of 32 GiB", 36, &[0xff; 4]),
        ("table not at a cluster", 47, &[1]),
        ("a disk that the table cannot hold", 24, &[0x10; 8]),
        ("header longer than a cluster", 100, &[0, 2, 0, 0]),
        ("reference counts of 1024 bits", 99, &[10]),
    ] {
        assert!(
            open(&Qcow2, &poked(&sound, &[(at, poke)])).is_none(),
            "{what}"
        );
    }
    for (what, at, poke) in [
        ("an unknown feature", 72, &[1, 0, 0, 0, 0, 0, 0, 0][..]),
        ("an unknown compression", 104, &[9]),
    ] {
        let read = decode(&Qcow2, &poked(&sound, &[(at, poke)])).unwrap();
        assert_eq!(read.kinds(), [ProblemKind::Unsupported], "{what}");
    }
    // The first entry of the first-level table leads past the end.
    let l1 = index(Fields::big(&sound).u64(40).unwrap());
    let read = decode(&Qcow2, &poked(&sound, &[(l1 + 2, &[1])])).unwrap();
    assert!(read.kinds().contains(&ProblemKind::Corrupt));
    assert_eq!(read.bytes.len(), 8 << 20);
}

#[test]
fn a_damaged_compressed_cluster_is_told_and_the_rest_is_kept() {
    for name in ["zlib", "zstd"] {
        let sound = image(name);
        let whole = decode(&Qcow2, &sound).unwrap();
        let content = whole
            .spans
            .iter()
            .find(|span| span.role == crate::formats::Role::Content);
        let at = index(content.unwrap().at);
        let read = decode(&Qcow2, &poked(&sound, &[(at, &[0xff; 64])])).unwrap();
        assert_eq!(read.kinds(), [ProblemKind::Corrupt], "{name}");
        assert_eq!(read.bytes[TEXT_AT..TEXT_AT + 70000], text());
    }
}

#[test]
fn damage_is_survived() {
    for name in ["v2-small-clusters", "zlib"] {
        cut_everywhere(&Qcow2, &image(name));
    }
    for name in ["v2-small-clusters", "zlib", "subclusters", "snapshots"] {
        hurt(&Qcow2, &image(name), 15);
    }
}

#[test]
fn tables_are_as_long_as_the_disk_needs() {
    let sound = image("v3");
    let header = Header::parse(&sound).unwrap();
    // An entry of the first-level table behind the one that the disk needs.
    let at = index(header.l1_at) + 8;
    let mut hostile = poked(&sound, &[(36, &[0, 0, 0x10, 0])]);
    assert_eq!(header.l1_len, 1);
    hostile[at..at + 6].copy_from_slice(b"hidden");
    let named = |bytes: &[u8]| {
        let read = decode(&Qcow2, bytes).unwrap();
        let mut spans = read.spans.into_iter();
        spans.any(|span| (span.at..span.at + span.len).contains(&(at as u64)))
    };
    assert!(named(&poked(&sound, &[(36, &[0, 0, 0x10, 0])])));
    assert!(!named(&hostile));
}
