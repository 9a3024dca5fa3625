//! Tests of the cabinet reader.

use super::*;
use crate::formats::archive::trial::{self, contents};
use crate::problem::ProblemKind;

const VARIANTS: [&str; 4] = ["mszip", "stored", "lzx", "runs"];

fn fixture(name: &str) -> Vec<u8> {
    trial::fixture(&format!("cab/{name}.img"))
}

fn open(bytes: impl Into<Bytes>) -> Option<(u64, Tree, Opened)> {
    trial::open(&Cab, bytes)
}

#[test]
fn every_variant_is_explained_to_its_end() {
    for variant in VARIANTS {
        let image = fixture(variant);
        let (len, tree, opened) = open([&image[..], b"behind"].concat()).unwrap();
        assert_eq!(len as usize, image.len(), "{variant}");
        assert!(
            opened.problems.is_empty(),
            "{variant}: {:?}",
            opened.problems
        );
        let explained = trial::explained(&opened);
        // The reserved areas of the header, two folders and two blocks.
        let reserved = if variant == "lzx" {
            20 + 2 * 4 + 2 * 2
        } else {
            0
        };
        assert_eq!(explained, len - reserved, "{variant}");
        assert!(tree.entries.len() >= 3 || variant == "runs");
    }
}

#[test]
fn the_set_and_its_neighbours_are_shown() {
    let (_, _, opened) = open(fixture("lzx")).unwrap();
    let told: Vec<_> = opened.properties.iter().collect();
    let expected: [(&[u8], &[u8]); 2] = [(b"previous", b"before.cab"), (b"set", b"1 of set 77")];
    assert_eq!(told, expected);
}

#[test]
fn every_flipped_bit_of_a_block_is_told() {
    for variant in VARIANTS {
        let sound = fixture(variant);
        let (len, tree, opened) = open(sound.clone()).unwrap();
        let right = contents(&tree);
        let is_content = |at: u64| {
            let mut spans = opened.spans.iter();
            spans.any(|span| {
                span.role == crate::formats::Role::Content
                    && (span.at..span.at + span.len).contains(&at)
            })
        };
        for at in (0..len).step_by(13).filter(|&at| is_content(at)) {
            let mut image = sound.clone();
            image[at as usize] ^= 4;
            let (_, tree, opened) = open(image).unwrap();
            // gcab leaves the sums out.
            let told = !opened.problems.is_empty();
            assert!(
                told || variant != "lzx" || contents(&tree) == right,
                "{variant} {at}"
            );
        }
    }
}

#[test]
fn quantum_is_named_and_its_blocks_are_explained() {
    let mut image = fixture("mszip");
    let folder = Header::parse(&image).unwrap().folders_at as usize;
    image[folder + 6] = 2;
    let (len, tree, opened) = open(image).unwrap();
    assert_eq!(opened.problems[0].kind, ProblemKind::Unsupported);
    let explained = trial::explained(&opened);
    assert_eq!(explained, len);
    assert!(
        contents(&tree)
            .iter()
            .filter(|content| content.is_some())
            .count()
            <= 2
    );
}

#[test]
fn mutants_and_truncations_do_not_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut number = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 1).unwrap()
    };
    for variant in VARIANTS {
        let sound = fixture(variant);
        for _ in 0..500 {
            let mut image = sound.clone();
            for _ in 0..=number() % 4 {
                let at = number() % image.len();
                image[at] = u8::try_from(number() & 0xff).unwrap();
            }
            if number() % 3 == 0 {
                image.truncate(number() % sound.len());
            }
            open(image);
        }
    }
}

/// A cabinet of these folders (method and blocks as stored: what each holds, and its bytes) and one file of so many bytes.
fn cabinet(folders: usize, method: u16, blocks: &[(u16, &[u8])], size: u32) -> Vec<u8> {
    let blocks_at = 36 + folders * 8;
    let mut image = b"MSCF\0\0\0\0".to_vec();
    let data: Vec<u8> = blocks
        .iter()
        .flat_map(|(made, body)| {
            let sizes = [(body.len() as u16).to_le_bytes(), made.to_le_bytes()];
            [&[0; 4], sizes.concat().as_slice(), body].concat()
        })
        .collect();
    let files_at = (blocks_at + data.len()) as u32;
    let len = files_at + 18;
    for word in [len, 0, files_at, 0] {
        image.extend(word.to_le_bytes());
    }
    for short in [0x103, folders as u16, 1, 0, 77, 0] {
        image.extend(short.to_le_bytes());
    }
    for _ in 0..folders {
        image.extend((blocks_at as u32).to_le_bytes());
        image.extend((blocks.len() as u16).to_le_bytes());
        image.extend(method.to_le_bytes());
    }
    image.extend(data);
    image.extend(size.to_le_bytes());
    image.extend([0; 12]);
    image.extend(b"a\0");
    image
}

#[test]
fn bytes_of_a_folder_that_no_file_has_are_told() {
    let told = |size| {
        let (_, _, opened) = open(cabinet(1, 0, &[(10, b"0123456789")], size)).unwrap();
        let mut details = opened.problems.iter().map(|problem| problem.detail.clone());
        details.next().unwrap_or_default()
    };
    assert_eq!(told(10), "");
    assert_eq!(told(3), "7 bytes of a folder are in no file");
}

#[test]
fn bytes_behind_the_end_of_a_block_are_told() {
    let block = b"CK\x4b\x04\0";
    for (hidden, count) in [(&b""[..], 0), (b"what no reader looks at", 1)] {
        let body = [&block[..], hidden].concat();
        let (_, tree, opened) = open(cabinet(1, 1, &[(1, &body)], 1)).unwrap();
        assert_eq!(contents(&tree)[0].as_deref(), Some(&b"a"[..]));
        assert_eq!(opened.problems.len(), count, "{:?}", opened.problems);
    }
}

#[test]
fn folders_that_share_their_blocks_are_no_work_without_end() {
    let blocks = vec![(0_u16, &b""[..]); 60_000];
    let image = cabinet(60_000, 2, &blocks, 0);
    let (_, _, opened) = open(image).unwrap();
    assert!(!opened.problems.is_empty());
}
