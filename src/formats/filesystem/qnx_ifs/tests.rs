//! Damage, one poke each, on a small image that is built here by hand.

use super::*;
use crate::entry::Node;
use crate::formats::filesystem::trial::{fixture, open, poke};

/// A record: its kind's own fields and its path behind the common ones.
fn record(mode: u32, own: &[u8]) -> Vec<u8> {
    let len = (24 + own.len()).next_multiple_of(4);
    let mut raw = Vec::new();
    raw.extend(u16::try_from(len).unwrap().to_le_bytes());
    raw.extend([0, 0]);
    for field in [1, mode, 3, 2, 1_700_000_000_u32] {
        raw.extend(field.to_le_bytes());
    }
    raw.extend(own);
    raw.resize(len, 0);
    raw
}

/// With a directory `d`, a file `d/f`, a link `l` to `d/f`, and a device.
fn image() -> Vec<u8> {
    let mut file = [0; 8].to_vec();
    file.extend(b"d/f\0");
    let mut records = record(0o040_755, b"d\0");
    let file_at = records.len();
    records.extend(record(0o100_644, &file));
    records.extend(record(0o120_777, b"\x02\0\x03\0l\0d/f\0"));
    records.extend(record(0o020_600, b"\x01\0\0\0\x05\x04\0\0null\0"));
    records.extend([0; 4]);
    let directory_end = 92 + records.len();
    let content = u32::try_from(directory_end).unwrap().to_le_bytes();
    records[file_at + 24..file_at + 28].copy_from_slice(&content);
    records[file_at + 28] = 5;
    let mut image = b"imagefs\x06".to_vec();
    for size in [directory_end + 8 + 4, directory_end, 92] {
        image.extend(u32::try_from(size).unwrap().to_le_bytes());
    }
    image.resize(92, 0);
    image.extend(records);
    image.extend(b"hello\0\0\0");
    seal(image)
}

/// Adds the sum.
fn seal(mut image: Vec<u8>) -> Vec<u8> {
    let sum = image.chunks(4).fold(0_u32, |sum, word| {
        sum.wrapping_sub(u32::from_le_bytes(word.try_into().unwrap()))
    });
    image.extend(sum.to_le_bytes());
    image
}

#[test]
fn every_sort_of_entry_is_read_and_every_byte_is_explained() {
    let image = image();
    let read = open(&QnxIfs, &image);
    assert_eq!(read.problems, [""; 0]);
    let paths: Vec<_> = read
        .tree
        .entries
        .iter()
        .map(|entry| String::from_utf8(entry.path.as_bytes().to_vec()).unwrap())
        .collect();
    assert_eq!(paths, ["/d", "/d/f", "/l", "/null"]);
    assert!(matches!(&read.tree.entries[2].node, Node::Symlink(to) if to == b"d/f"));
    let Node::Char(device) = read.tree.entries[3].node else {
        panic!("no device");
    };
    assert_eq!((device.major, device.minor), (1, 5));
    let meta = &read.tree.entries[1].meta;
    assert_eq!(
        (meta.uid, meta.gid, meta.mode),
        (Some(2), Some(3), Some(0o644))
    );
    let explained: u64 = read.opened.spans.iter().map(|span| span.len).sum();
    // But three bytes behind the content.
    assert_eq!(explained, image.len() as u64 - 3);
}

#[test]
fn each_sort_of_damage_is_told() {
    let sound = image();
    let end = sound.len() - 12;
    for (what, at, bytes, words) in [
        ("a content byte", end, &b"H"[..], "do not add up"),
        ("a record's length", 92, &[4, 0], "of 4 bytes"),
        ("a record's end", 92, &[0xff, 0xff], "of 65535 bytes"),
        (
            "a file behind the end",
            120 + 24,
            &[0xff; 4],
            "not all inside",
        ),
        ("a file too long", 120 + 28, &[9; 4], "not all inside"),
        (
            "a name without an end",
            92 + 24,
            &[b'd'; 4],
            "its own fields",
        ),
        ("a type", 120 + 9, &[0xf0], "no type of file"),
        ("attributes", 92 + 2, &[24, 0], "extended attributes"),
    ] {
        let damaged = poke(&sound, at, bytes);
        let read = open(&QnxIfs, &damaged);
        let told = read.tells(words)
            || read.tree.entries.iter().any(|entry| match &entry.node {
                Node::File(file) => match file.data.copy_to(&mut std::io::sink()) {
                    Err(crate::entry::Fault::Problem(problem)) => problem.detail.contains(words),
                    _ => false,
                },
                _ => false,
            });
        assert!(told, "{what}: {:?}", read.problems);
    }
}

#[test]
fn sizes_that_do_not_fit_are_no_image() {
    let sound = image();
    for (at, bytes) in [
        (8, [1, 0, 0, 0]),
        (12, [0xff; 4]),
        (16, [0xff; 4]),
        (16, [8, 0, 0, 0]),
    ] {
        let image = Bytes::from(poke(&sound, at, &bytes));
        assert!(matches!(
            QnxIfs.measure(&image),
            Err(Reject::Coincidence(_))
        ));
    }
    let words = Bytes::from_static(b"imagefs is what QNX calls it, and so does this text, which goes on for a while longer than a header");
    assert!(matches!(
        QnxIfs.measure(&words),
        Err(Reject::Coincidence(_))
    ));
    let image = Bytes::from(poke(&sound, 92, &[23, 0]));
    assert!(matches!(QnxIfs.measure(&image), Err(Reject::NearMiss(_))));
}

#[test]
fn cut_images_and_flipped_bits_are_told() {
    let sound = image();
    for len in 0..sound.len() {
        let cut = sound[..len].to_vec();
        assert!(!open(&QnxIfs, &cut).problems.is_empty(), "{len} bytes");
    }
    for at in 92..sound.len() {
        for bit in 0..8 {
            let damaged = poke(&sound, at, &[sound[at] ^ 1 << bit]);
            assert!(
                !open(&QnxIfs, &damaged).problems.is_empty(),
                "bit {bit} of {at}"
            );
        }
    }
}

#[test]
fn a_flag_that_is_not_known_makes_a_wrong_sum_unsupported() {
    let damaged = poke(&image(), 7, &[0x16]);
    assert!(open(&QnxIfs, &damaged).tells("unsupported: flags 0x10"));
}

#[test]
fn fixtures_are_measured_and_whole() {
    for name in ["little", "big"] {
        let image = fixture(&format!("qnx-ifs/{name}.ifs.gz"));
        let len = image.len() as u64;
        assert_eq!(open(&QnxIfs, &image).problems, [""; 0], "{name}");
        let measured = QnxIfs.measure(&Bytes::from(image));
        assert_eq!(measured, Ok(Extent::known(len, Proof::Structure)), "{name}");
    }
}
