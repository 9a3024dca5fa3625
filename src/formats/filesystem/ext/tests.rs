//! The reader against images that mke2fs packed, whole, damaged, cut off, and with something hidden in them.

mod history;
mod journal;

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Ext;
use crate::budget::{Budget, Limits};
use crate::entry::{Entry, Fault, Node};
use crate::formats::{Content, Extent, Format, Length, Opened, Proof, Reject};
use crate::problem::ProblemKind;
use crate::read::{clip, index};

const VARIANTS: [&str; 8] = [
    "ext2-1k",
    "ext3-2k",
    "ext4-4k",
    "ext4-64k",
    "ext4-bigalloc",
    "ext4-block-lists",
    "ext4-inline",
    "ext4-meta-bg",
];

fn fixture(variant: &str) -> Vec<u8> {
    let path = format!(
        "{}/fixtures/ext/{variant}.img.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let packed = std::fs::read(path).unwrap();
    let mut image = Vec::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_end(&mut image)
        .unwrap();
    image
}

fn truth(variant: &str) -> Vec<Vec<String>> {
    let path = format!(
        "{}/fixtures/ext/{variant}.img.gz.tsv",
        env!("CARGO_MANIFEST_DIR")
    );
    let table = std::fs::read_to_string(path).unwrap();
    table
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

fn open(image: Vec<u8>) -> Opened {
    Ext.open(image.into(), &Budget::new(Limits::default()))
}

fn entries(opened: &Opened) -> &[Entry] {
    match &opened.content {
        Content::Tree(tree) => &tree.entries,
        _ => panic!("not a tree: {:?}", opened.problems),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Size and digest of a content, or why it cannot be read.
fn digest(entry: &Entry) -> Result<[String; 2], Fault> {
    let Node::File(file) = &entry.node else {
        return Ok(["-".to_owned(), "-".to_owned()]);
    };
    let mut bytes = Vec::new();
    file.data.copy_to(&mut bytes)?;
    if let Some(piece) = file.data.bytes() {
        assert_eq!(bytes, piece);
    }
    assert_eq!(bytes.len(), index(file.size));
    Ok([file.size.to_string(), hex(&Sha256::digest(&bytes))])
}

fn kinds(opened: &Opened) -> Vec<ProblemKind> {
    opened.problems.iter().map(|problem| problem.kind).collect()
}

/// Whether any span covers any of the `len` bytes at `at`.
fn is_named(opened: &Opened, at: u64, len: u64) -> bool {
    opened
        .spans
        .iter()
        .any(|span| span.at < at + len && at < span.at + span.len)
}

/// Where a block starts that is free: no span is near it.
fn free_block(opened: &Opened, image: &[u8], len: u64) -> u64 {
    let mut at = u64::try_from(image.len()).unwrap() - len;
    while is_named(opened, at, len) {
        at -= len;
    }
    at
}

#[test]
fn every_form_yields_the_tree_that_was_packed() {
    for variant in VARIANTS {
        let opened = open(fixture(variant));
        assert_eq!(opened.problems, [], "{variant}");
        let found: BTreeMap<&[u8], &Entry> = entries(&opened)
            .iter()
            .map(|entry| (entry.path.as_bytes(), entry))
            .collect();
        let truth = truth(variant);
        assert_eq!(found.len(), truth.len(), "{variant}");
        for row in truth.iter().filter(|row| !row[0].contains('\\')) {
            let entry = found[row[0].as_bytes()];
            let meta = &entry.meta;
            let (kind, target) = match &entry.node {
                Node::File(_) => ("file", "-".to_owned()),
                Node::Dir => ("dir", "-".to_owned()),
                Node::Symlink(target) => ("symlink", String::from_utf8(target.clone()).unwrap()),
                Node::Char(device) => ("char", format!("{}:{}", device.major, device.minor)),
                Node::Block(device) => ("block", format!("{}:{}", device.major, device.minor)),
                Node::Fifo => ("fifo", "-".to_owned()),
                Node::Socket => ("socket", "-".to_owned()),
            };
            let xattrs: Vec<String> = meta
                .xattrs
                .iter()
                .map(|(name, value)| format!("{}={}", String::from_utf8_lossy(name), hex(value)))
                .collect();
            let xattrs = if xattrs.is_empty() {
                "-".to_owned()
            } else {
                xattrs.join(",")
            };
            let [size, sha256] = digest(entry).unwrap();
            let mode = format!("{:04o}", meta.mode.unwrap());
            let owner = [meta.uid, meta.gid].map(|id| id.unwrap().to_string());
            let [uid, gid] = owner;
            let got = [
                row[0].clone(),
                kind.to_owned(),
                mode,
                uid,
                gid,
                size,
                sha256,
                target,
                xattrs,
            ];
            assert_eq!(got[..], row[..], "{variant}");
        }
    }
}

#[test]
fn checksums_prove_more_than_structure() {
    for variant in VARIANTS {
        let image = Bytes::from(fixture(variant));
        let proof = match variant {
            "ext2-1k" | "ext3-2k" | "ext4-meta-bg" => Proof::Structure,
            _ => Proof::Checksum,
        };
        let len = u64::try_from(image.len()).unwrap();
        assert_eq!(
            Ext.measure(&image),
            Ok(Extent::known(len, proof)),
            "{variant}"
        );
        // A region that is cut off still has the length that it states.
        assert_eq!(
            Ext.measure(&clip(&image, 0, 3000)).unwrap().len,
            Length::Known(len)
        );
    }
}

#[test]
fn names_of_one_file_share_its_content() {
    let opened = open(fixture("ext4-4k"));
    let content = |path: &[u8]| {
        let entry = entries(&opened)
            .iter()
            .find(|entry| entry.path.as_bytes() == path);
        let Node::File(file) = &entry.unwrap().node else {
            panic!()
        };
        file.data.clone()
    };
    let first = content(b"/bin/tool");
    assert!(std::sync::Arc::ptr_eq(&first, &content(b"/bin/tool-link")));
    assert!(std::sync::Arc::ptr_eq(&first, &content(b"/a/b/tool-again")));
    assert!(first.bytes().is_some(), "one extent needs no copy");
}

#[test]
fn hidden_bytes_are_never_explained() {
    let text = b"four kibibytes that nobody should be able to hide ".repeat(82);
    for variant in VARIANTS {
        let image = fixture(variant);
        let opened = open(image.clone());
        let free = free_block(&opened, &image, 4096);
        let content = entries(&opened)
            .iter()
            .find(|entry| entry.path.as_bytes() == b"/home/notes");
        let Node::File(file) = &content.unwrap().node else {
            panic!()
        };
        let bytes = file.data.bytes().unwrap();
        // The last byte of the content is followed by slack up to the end of its block.
        let found = image
            .windows(bytes.len())
            .position(|window| window == bytes)
            .unwrap();
        let slack = u64::try_from(found + bytes.len()).unwrap();
        for (at, len) in [(free, 4096), (slack, 100), (0, 1024)] {
            let mut image = image.clone();
            let (start, count) = (index(at), index(len));
            assert!(
                image[start..start + count].iter().all(|&byte| byte == 0),
                "{variant} {at}"
            );
            image[start..start + count].copy_from_slice(&text[..count]);
            let opened = open(image);
            assert_eq!(opened.problems, [], "{variant}");
            assert!(
                !is_named(&opened, at, len),
                "{variant}: {len} bytes at {at}"
            );
        }
    }
}

/// The first byte of `image` at which the entry `name` of a directory stands.
fn entry_of(image: &[u8], name: &[u8]) -> usize {
    let len = u8::try_from(name.len()).unwrap();
    let is_entry = |at: &usize| image[at + 6] == len && image[at + 8..].starts_with(name);
    (0..image.len() - 300).step_by(4).find(is_entry).unwrap()
}

#[test]
fn text_in_the_slack_of_a_directory_is_not_explained() {
    let mut image = fixture("ext2-1k");
    let at = entry_of(&image, b"mtdblock0") + 100;
    image[at..at + 12].copy_from_slice(b"hidden bytes");
    assert!(!is_named(&open(image), u64::try_from(at).unwrap(), 12));
}

#[test]
fn one_wrong_field_is_one_problem() {
    // Variant, what to find, bytes from there, the new byte, the problem.
    let pokes: [(&str, &[u8], usize, u8, ProblemKind); 7] = [
        (
            "ext4-4k",
            b"mtdblock0",
            9,
            b'X',
            ProblemKind::ChecksumMismatch,
        ),
        ("ext2-1k", b"mtdblock0", 4, 3, ProblemKind::Corrupt),
        ("ext2-1k", b"mtdblock0", 2, 9, ProblemKind::Corrupt),
        ("ext2-1k", b"mtdblock0", 8, b'/', ProblemKind::Name),
        ("ext2-1k", b"mtdblock0", 0, 8, ProblemKind::Corrupt),
        ("ext2-1k", b"mtdblock0", 0, 0, ProblemKind::Corrupt),
        ("ext3-2k", b"initctl", 0, 2, ProblemKind::Corrupt),
    ];
    for (variant, name, within, byte, kind) in pokes {
        let mut image = fixture(variant);
        let at = entry_of(&image, name) + within;
        image[at] = byte;
        if within == 0 {
            image[at + 1] = 0;
        }
        assert!(kinds(&open(image)).contains(&kind), "{variant} {within}");
    }
}

#[test]
fn an_empty_journal_and_one_elsewhere_are_told() {
    let mut image = fixture("ext3-2k");
    image[1024 + 0x60] |= 4;
    let opened = open(image);
    assert_eq!(opened.problems, []);
    let said: Vec<_> = opened.properties.iter().collect();
    let nothing = &b"replayed: 0 transactions, 0 blocks"[..];
    assert_eq!(said, [(&b"journal"[..], nothing)]);
    let mut image = fixture("ext3-2k");
    image[1024 + 0xe0] = 0;
    let opened = open(image);
    assert!(
        opened
            .problems
            .iter()
            .any(|problem| problem.detail.contains("another device"))
    );
}

#[test]
fn a_broken_superblock_is_told_and_not_believed() {
    let near_miss = |poke: usize, byte: u8| {
        let mut image = fixture("ext3-2k");
        image[1024 + poke] = byte;
        matches!(Ext.measure(&image.into()), Err(Reject::NearMiss(_)))
    };
    assert!(
        near_miss(0, 0x77),
        "a number of inodes that the groups do not have"
    );
    assert!(near_miss(0x28, 0x77), "inodes per group");
    assert!(near_miss(0x21, 1), "blocks per group");
    let mut image = fixture("ext3-2k");
    let table = entry_of(&image, b"lost+found");
    image.drain(1024 + 1024..table);
    assert!(
        Ext.measure(&image.into()).is_err(),
        "no root directory behind it"
    );
    let mut noise = vec![0x5a; 1 << 20];
    noise[1080..1082].copy_from_slice(&[0x53, 0xef]);
    assert!(matches!(
        Ext.measure(&noise.into()),
        Err(Reject::Coincidence(_))
    ));
}

#[test]
fn a_backup_of_the_superblock_starts_nothing() {
    let image = fixture("ext4-meta-bg");
    // Group 1 starts with a backup, in block 1025.
    let region = Bytes::from(image[1025 * 1024 - 1024..].to_vec());
    assert!(matches!(Ext.measure(&region), Err(Reject::Coincidence(_))));
}

#[test]
fn an_image_cut_anywhere_keeps_what_is_there() {
    for variant in ["ext2-1k", "ext4-inline"] {
        let image = Bytes::from(fixture(variant));
        let (whole, step) = (image.len(), 7919);
        for len in (0..whole).step_by(step).chain(1020..1100) {
            let cut = image.slice(..len);
            if Ext.measure(&cut).is_err() {
                continue;
            }
            let opened = open(cut.to_vec());
            assert!(
                kinds(&opened).contains(&ProblemKind::Corrupt),
                "{variant} {len}"
            );
            for entry in entries(&opened) {
                // Right, or told to be wrong: `digest` checks the size.
                let _ = digest(entry);
            }
        }
    }
}

#[test]
fn a_spent_budget_stops_the_walk() {
    let limits = Limits {
        entries: 10,
        ..Limits::default()
    };
    let opened = Ext.open(fixture("ext2-1k").into(), &Budget::new(limits));
    assert_eq!(entries(&opened).len(), 10);
    assert_eq!(kinds(&opened), [ProblemKind::Limit]);
}
