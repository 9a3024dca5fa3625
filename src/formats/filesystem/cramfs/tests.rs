//! Images of the real tools, and images with one thing wrong.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::*;
use crate::budget::Limits;
use crate::entry::{Entry, Fault, Node};
use crate::formats::{Length, Role};
use crate::problem::ProblemKind;

const VARIANTS: [&str; 5] = [
    "little",
    "big-endian-holes",
    "padded",
    "blocks-16k",
    "swapped",
];

fn fixture(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cramfs/");
    std::fs::read(format!("{root}{name}")).unwrap()
}

fn open(image: &[u8], limits: Limits) -> Result<(Vec<Entry>, Opened), Reject> {
    let image = Bytes::copy_from_slice(image);
    let Length::Known(len) = Cramfs.measure(&image)?.len else {
        panic!("a known length");
    };
    let mut opened = Cramfs.open(clip(&image, 0, len), &Budget::new(limits));
    match std::mem::replace(&mut opened.content, Content::Unread) {
        Content::Tree(tree) => Ok((tree.entries, opened)),
        _ => Ok((Vec::new(), opened)),
    }
}

fn opened(image: &[u8]) -> (Vec<Entry>, Opened) {
    open(image, Limits::default()).unwrap()
}

fn kinds(opened: &Opened) -> Vec<ProblemKind> {
    opened.problems.iter().map(|problem| problem.kind).collect()
}

fn read(entry: &Entry) -> Result<Vec<u8>, Problem> {
    let Node::File(file) = &entry.node else {
        panic!("not a file");
    };
    let mut content = Vec::new();
    match file.data.copy_to(&mut content) {
        Ok(()) => {
            assert_eq!(content.len() as u64, file.size);
            Ok(content)
        }
        Err(Fault::Problem(problem)) => Err(problem),
        Err(Fault::Sink(error)) => panic!("{error}"),
    }
}

/// What a test needs of each row of a listing: path, kind and digest, by the raw path.
fn rows(entries: &[Entry]) -> Vec<String> {
    let mut rows = Vec::new();
    for entry in entries {
        let mode = entry.meta.mode.unwrap();
        let (uid, gid) = (entry.meta.uid.unwrap(), entry.meta.gid.unwrap());
        let mut row = format!("{mode:04o} {uid} {gid} ");
        match &entry.node {
            Node::File(file) => {
                write!(row, "{} ", file.size).unwrap();
                for byte in Sha256::digest(read(entry).unwrap()) {
                    write!(row, "{byte:02x}").unwrap();
                }
            }
            Node::Symlink(target) => row += std::str::from_utf8(target).unwrap(),
            Node::Char(device) | Node::Block(device) => {
                write!(row, "{}:{}", device.major, device.minor).unwrap();
            }
            _ => {}
        }
        rows.push(row.trim_end().to_owned());
    }
    rows.sort();
    rows
}

fn truth(name: &str) -> Vec<String> {
    let listing = String::from_utf8(fixture(&format!("{name}.img.tsv"))).unwrap();
    let row = |row: &str| {
        let columns: Vec<&str> = row.split('\t').collect();
        let [_, _, mode, uid, gid, size, digest, target, _] = columns[..] else {
            panic!("nine columns");
        };
        let shown: Vec<&str> = [mode, uid, gid, size, digest, target]
            .into_iter()
            .filter(|column| *column != "-")
            .collect();
        shown.join(" ")
    };
    let mut rows: Vec<String> = listing.lines().map(row).collect();
    rows.sort();
    rows
}

#[test]
fn every_variant_yields_its_tree_and_explains_every_byte() {
    for variant in VARIANTS {
        let mut image = fixture(&format!("{variant}.img"));
        let len = image.len();
        image.extend_from_slice(b"behind");
        let (entries, opened) = opened(&image);
        assert!(opened.problems.is_empty(), "{variant}");
        assert_eq!(rows(&entries), truth(variant), "{variant}");
        let names = [
            &b"/bin/tool"[..],
            b"/names/new\nline",
            b"/names/latin1-\xe9",
        ];
        for name in names {
            assert!(entries.iter().any(|entry| entry.path.as_bytes() == name));
        }
        let mut spans = opened.spans;
        spans.sort();
        let mut at = if variant == "padded" { PAD } else { 0 };
        for span in spans {
            assert!(span.at <= at, "{variant}: a gap at {at}");
            at = at.max(span.at + span.len);
        }
        assert!(image[index(at)..len].iter().all(|&byte| byte == 0));
        assert!(len as u64 - at < 4096);
    }
}

#[test]
fn a_padded_image_starts_before_its_superblock() {
    let lead = vec![0xff; 1000];
    for (variant, hit) in [
        ("little", 1000),
        ("padded", 1512),
        ("big-endian-holes", 1000),
    ] {
        let image = [&lead[..], &fixture(&format!("{variant}.img"))].concat();
        let magic = &Cramfs.magics()[0];
        assert_eq!(Cramfs.locate(&Bytes::from(image), magic, hit), Some(1000));
    }
}

fn sign(image: &mut [u8]) {
    image[32..36].fill(0);
    let crc = crc32fast::hash(image);
    image[32..36].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn a_wrong_checksum_and_a_cut_image_are_told() {
    let sound = fixture("little.img");
    for at in [36, 60, 5000, sound.len() - 1] {
        let mut image = sound.clone();
        image[at] ^= 1;
        assert!(kinds(&opened(&image).1).contains(&ProblemKind::ChecksumMismatch));
    }
    for len in [76, 80, 500, 5000, 60_000, sound.len() - 1] {
        let (entries, opened) = opened(&sound[..len]);
        assert!(kinds(&opened).contains(&ProblemKind::Corrupt));
        assert!(!entries.is_empty());
        assert!(
            opened
                .spans
                .iter()
                .all(|span| span.at + span.len <= len as u64)
        );
    }
}

#[test]
fn headers_that_cannot_be_are_rejected() {
    let reject = |at: usize, value: &[u8]| {
        let mut image = fixture("little.img");
        image[at..at + value.len()].copy_from_slice(value);
        open(&image, Limits::default()).err()
    };
    assert!(matches!(reject(16, b"X"), Some(Reject::Coincidence(_))));
    assert!(matches!(reject(4, &[0; 4]), Some(Reject::NearMiss(_))));
    assert!(matches!(
        reject(64, &[0xff, 0x81]),
        Some(Reject::NearMiss(_))
    ));
    assert!(reject(3, b"\0").is_some());
}

#[test]
fn version_1_and_unknown_features_are_unsupported() {
    let mut image = fixture("little.img");
    image[8] = 2;
    let (entries, version_1) = opened(&image);
    assert!(entries.is_empty());
    assert_eq!(kinds(&version_1), [ProblemKind::Unsupported]);
    image[8..12].copy_from_slice(&0x0001_0003_u32.to_le_bytes());
    sign(&mut image);
    assert_eq!(kinds(&opened(&image).1), [ProblemKind::Unsupported]);
}

/// The place of the inode of `name` in an image.
fn inode_of(image: &[u8], name: &[u8]) -> usize {
    memchr::memmem::find(image, name).unwrap() - 12
}

#[test]
fn a_directory_that_contains_itself_is_told_and_not_followed() {
    let mut image = fixture("little.img");
    let root = image[72..76].to_vec();
    let home = inode_of(&image, b"home");
    image[home + 8..home + 12].copy_from_slice(&[(root[0] & 0xc0) | 1, root[1], root[2], root[3]]);
    sign(&mut image);
    let (entries, opened) = opened(&image);
    assert_eq!(kinds(&opened), [ProblemKind::Corrupt]);
    assert!(entries.len() > 50);
}

#[test]
fn bytes_that_no_reader_uses_are_explained_by_nothing() {
    // Behind the end of a name, and behind the content of a file.
    let mut image = fixture("little.img");
    let name = inode_of(&image, b"empty-dir\0") + 12;
    image[name + 10..name + 12].copy_from_slice(b"hi");
    let tail = image.len() - 100;
    image[tail..].fill(b'x');
    sign(&mut image);
    let opened = opened(&image).1;
    assert!(opened.problems.is_empty());
    let covers = |at: usize| {
        let at = at as u64;
        opened
            .spans
            .iter()
            .any(|span| span.at <= at && at < span.at + span.len)
    };
    assert!(covers(name) && !covers(name + 10) && !covers(name + 11));
    assert!(!covers(tail));
}

#[test]
fn bytes_behind_a_blocks_compressed_data_are_a_fault() {
    let block = zlib(b"content");
    for (behind, sound) in [(&b""[..], true), (b"hide", false)] {
        let stored = [&block[..], behind].concat();
        let end = (96 + 4 + stored.len()) as u32;
        let image = build(7, 0, &[end.to_le_bytes().to_vec(), stored].concat());
        let (entries, opened) = opened(&image);
        assert!(opened.problems.is_empty());
        let content = read(&entries[1]);
        assert_eq!(content.is_ok(), sound);
        assert!(content.is_err() || content.unwrap() == b"content");
    }
}

#[test]
fn extended_pointers_reach_plain_and_direct_blocks() {
    let (plain, packed) = ([b'a'; 4096], zlib(&[b'b'; 4096]));
    // Three pointers, then at 108 a direct plain block, then a direct packed one, then a plain one behind it.
    let direct = 108 + 4096;
    let last = direct + 2 + packed.len() as u32 + 5;
    let pointers = [
        (3 << 30) | (108 / 4),
        (1 << 30) | (direct / 4),
        (1 << 31) | last,
    ];
    let mut body: Vec<u8> = pointers
        .iter()
        .flat_map(|pointer: &u32| pointer.to_le_bytes())
        .collect();
    body.extend_from_slice(&plain);
    body.extend_from_slice(&(packed.len() as u16).to_le_bytes());
    body.extend_from_slice(&packed);
    body.extend_from_slice(b"ccccc");
    let (entries, opened) = opened(&build(8197, 0x800, &body));
    assert!(opened.problems.is_empty());
    let content = read(&entries[1]).unwrap();
    assert_eq!(content, [&plain[..], &[b'b'; 4096], b"ccccc"].concat());
    let content: u64 = opened
        .spans
        .iter()
        .filter(|span| span.role == Role::Content)
        .map(|span| span.len)
        .sum();
    assert_eq!(content, 4096 + packed.len() as u64 + 5);
}

#[test]
fn the_budget_stops_the_walk_and_says_so() {
    let limits = Limits {
        entries: 20,
        ..Limits::default()
    };
    let (entries, opened) = open(&fixture("little.img"), limits).unwrap();
    assert!(entries.len() <= 21);
    assert_eq!(kinds(&opened), [ProblemKind::Limit]);
}

#[test]
fn mutants_neither_panic_nor_pass_unnoticed() {
    for variant in ["little", "big-endian-holes", "padded"] {
        let sound = fixture(&format!("{variant}.img"));
        let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
        for round in 0..700 {
            let mut image = sound.clone();
            for _ in 0..3 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                // Most of them where the inodes and pointers are.
                let range = if round % 4 == 0 { sound.len() } else { 3000 };
                let at = (seed >> 8) as usize % range;
                image[at] ^= 1 << (seed & 7);
            }
            let Ok((entries, opened)) = open(&image, Limits::default()) else {
                continue;
            };
            for entry in &entries {
                if matches!(entry.node, Node::File(_)) {
                    drop(read(entry));
                }
            }
            let ignored = variant == "padded" && image[PAD as usize..] == sound[PAD as usize..];
            assert!(!opened.problems.is_empty() || ignored || image == sound);
        }
    }
}

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let level = flate2::Compression::best();
    let mut writer = flate2::write::ZlibEncoder::new(&mut packed, level);
    std::io::Write::write_all(&mut writer, content).unwrap();
    writer.finish().unwrap();
    packed
}

/// A little-endian image with one file `file` of `size` bytes, whose pointers and blocks are `body`, at 96.
fn build(size: u32, flags: u32, body: &[u8]) -> Vec<u8> {
    let len = (96 + body.len()) as u32;
    let mut image = Vec::new();
    let words = |image: &mut Vec<u8>, words: &[u32]| {
        image.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    words(&mut image, &[0x28cd_3d45, len, 1 | flags, 0]);
    image.extend_from_slice(b"Compressed ROMFS");
    words(&mut image, &[0, 0, size.div_ceil(4096), 2]);
    image.extend_from_slice(&[0; 16]);
    words(&mut image, &[0o040_755, 16, (76 / 4) << 6]);
    words(&mut image, &[0o100_644, size, ((96 / 4) << 6) | 1]);
    image.extend_from_slice(b"file");
    image.resize(96, 0);
    image.extend_from_slice(body);
    sign(&mut image);
    image
}
