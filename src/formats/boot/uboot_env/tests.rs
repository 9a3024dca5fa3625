//! Environments of the real tool, and what only looks like one.

use super::*;
use crate::budget::Limits;
use crate::formats::Length;
use sha2::{Digest, Sha256};
use std::fmt::Write;

fn fixture(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/uboot-env/");
    std::fs::read(format!("{root}{name}")).unwrap()
}

/// Every region that some key leads to, as the engine asks.
fn regions(stream: &[u8]) -> Vec<(u64, u64)> {
    let stream = Bytes::copy_from_slice(stream);
    let mut found = Vec::new();
    for key in KEYS {
        for hit in memchr::memmem::find_iter(&stream, key.bytes) {
            let Some(at) = UbootEnv.locate(&stream, key, hit as u64) else {
                continue;
            };
            if let Ok(extent) = UbootEnv.measure(&clip(&stream, at, u64::MAX)) {
                assert_eq!(extent.proof, Proof::Checksum);
                let Length::Known(len) = extent.len else {
                    panic!("a known length");
                };
                found.push((at, len));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn open(region: Vec<u8>) -> (Vec<Entry>, Opened) {
    let mut opened = UbootEnv.open(Bytes::from(region), &Budget::new(Limits::default()));
    let Content::Tree(tree) = std::mem::replace(&mut opened.content, Content::Unread) else {
        panic!("not a tree");
    };
    (tree.entries, opened)
}

fn rows(entries: &[Entry]) -> String {
    let mut rows = Vec::new();
    for entry in entries {
        let Node::File(file) = &entry.node else {
            panic!("not a file");
        };
        let path = String::from_utf8(entry.path.as_bytes().to_vec()).unwrap();
        let mut row = format!("{path}\tfile\t-\t-\t-\t{}\t", file.size);
        for byte in Sha256::digest(file.data.bytes().unwrap()) {
            write!(row, "{byte:02x}").unwrap();
        }
        rows.push(row + "\t-\t-\n");
    }
    rows.sort();
    rows.concat()
}

/// An environment of `size` bytes with the given strings.
fn build(strings: &[u8], size: usize, flag: Option<u8>, fill: u8) -> Vec<u8> {
    let mut body = strings.to_vec();
    body.resize(size - 4 - usize::from(flag.is_some()), fill);
    let mut image = crc32fast::hash(&body).to_le_bytes().to_vec();
    image.extend(flag);
    image.extend(body);
    image
}

#[test]
fn every_variant_yields_its_variables_wherever_it_stands() {
    for variant in ["single", "big-endian", "redundant"] {
        let image = fixture(&format!("{variant}.img"));
        let len = image.len() as u64;
        for before in [0_u64, 1, 77, 512, 0x1000] {
            for behind in [&b""[..], b"other data", &[0xff; 5000]] {
                let lead = vec![0xa5; before as usize];
                let stream = [&lead[..], &image, behind].concat();
                assert_eq!(regions(&stream), [(before, len)], "{variant} at {before}");
            }
        }
        let (entries, opened) = open(image);
        assert!(opened.problems.is_empty());
        let truth = fixture(&format!("{variant}.img.tsv"));
        assert_eq!(rows(&entries), String::from_utf8(truth).unwrap());
    }
}

#[test]
fn a_redundant_pair_is_two_regions() {
    let copy = fixture("redundant.img");
    let stream = [&copy[..], &copy].concat();
    assert_eq!(regions(&stream), [(0, 4096), (4096, 4096)]);
}

#[test]
fn checksums_and_flags_that_look_like_text_do_not_mislead() {
    let mut tried = 0;
    for number in 0..3000 {
        let strings = format!("a={number}\0bootcmd=run\0\0");
        for flag in [None, Some(b'A')] {
            let image = build(strings.as_bytes(), 512, flag, 0xff);
            if image[3].is_ascii_graphic() {
                let stream = [&[0x80; 512][..], &image].concat();
                assert_eq!(regions(&stream), [(512, 512)], "{number} {flag:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 1000);
}

#[test]
fn leftovers_behind_the_strings_are_covered_but_explained_by_nothing() {
    let strings = b"bootcmd=run\0\0leftover=of an older environment\0\0";
    let image = build(strings, 1024, None, 0);
    assert_eq!(regions(&image), [(0, 1024)]);
    let (entries, opened) = open(image);
    assert_eq!(entries.len(), 1);
    assert_eq!(opened.spans, [Span::metadata(0, 4), Span::content(4, 13)]);
}

#[test]
fn no_checksum_is_a_coincidence_unless_it_looks_like_damage() {
    let reject = |image: Vec<u8>| UbootEnv.measure(&Bytes::from(image)).err();
    let mut image = fixture("single.img");
    image[110] ^= 1;
    assert!(matches!(reject(image), Some(Reject::NearMiss(_))));
    // The default environment within a U-Boot.
    let mut image = fixture("single.img");
    image.truncate(0xdf);
    image.extend_from_slice(b"other data of the program");
    assert!(matches!(reject(image), Some(Reject::Coincidence(_))));
    let mut image = build(b"bootcmd=run\0\0", 512, None, 0);
    image[0] ^= 1;
    assert!(matches!(reject(image), Some(Reject::Coincidence(_))));
}

#[test]
fn hostile_keys_are_kept_as_data() {
    let strings = b"../etc=1\0/a/b=2\0bootcmd=\0\0";
    let (entries, opened) = open(build(strings, 256, None, 0));
    assert_eq!(entries.len(), 3);
    assert_eq!(opened.problems.len(), 2);
}

#[test]
fn hostile_streams_cost_linear_work() {
    let text = b"bootcmd=".repeat(1 << 17);
    let runs = b"\x02bootcmd=a\0\0".repeat(1 << 16);
    let list = b"bootcmd=a\0".repeat(1 << 16);
    let long = [&b"x".repeat(8000)[..], b"=1\0bootcmd=2\0"]
        .concat()
        .repeat(100);
    for stream in [text, runs, list, long] {
        assert!(regions(&stream).is_empty());
    }
}

#[test]
fn truncations_and_mutants_do_not_panic() {
    let image = fixture("redundant.img");
    for len in 0..600 {
        assert!(regions(&image[..len]).is_empty());
    }
    for at in 0..260 {
        for bit in 0..8 {
            let mut mutant = image.clone();
            mutant[at] ^= 1 << bit;
            // The flag byte is not covered.
            assert_eq!(regions(&mutant).is_empty(), at != 4, "{at} {bit}");
            UbootEnv.open(Bytes::from(mutant), &Budget::new(Limits::default()));
        }
    }
}
