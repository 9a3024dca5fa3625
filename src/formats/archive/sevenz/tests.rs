//! Tests of the 7z reader.

use super::*;
use crate::entry::Node;
use crate::formats::Tree;
use crate::formats::archive::trial;
use crate::problem::ProblemKind;

const VARIANTS: [&str; 12] = [
    "lzma2",
    "lzma",
    "ppmd",
    "bzip2",
    "deflate",
    "deflate64",
    "copy",
    "bcj",
    "bcj2",
    "delta",
    "arm64",
    "libarchive",
];

fn fixture(name: &str) -> Vec<u8> {
    trial::fixture(&format!("7z/{name}.img"))
}

fn open(bytes: impl Into<Bytes>) -> Option<(u64, Tree, Opened)> {
    trial::open(&SevenZ, bytes)
}

/// The contents that came out whole, and how many did not.
fn contents(tree: &Tree) -> (Vec<(Vec<u8>, Bytes)>, usize) {
    let (mut whole, mut damaged) = (Vec::new(), 0);
    for entry in &tree.entries {
        if let Node::File(file) = &entry.node {
            match file.data.bytes() {
                Some(bytes) => whole.push((entry.path.as_bytes().to_vec(), bytes)),
                None => damaged += 1,
            }
        }
    }
    (whole, damaged)
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
        assert_eq!(explained, len, "{variant}");
        assert!(tree.entries.len() > 30);
    }
}

#[test]
fn every_flipped_byte_is_told() {
    for variant in VARIANTS {
        let sound = fixture(variant);
        let (_, tree, _) = open(sound.clone()).unwrap();
        let (right, _) = contents(&tree);
        for at in (0..sound.len()).step_by(11) {
            let mut image = sound.clone();
            image[at] ^= 4;
            let Some((len, tree, opened)) = open(image) else {
                assert!(at < 32);
                continue;
            };
            let (found, damaged) = contents(&tree);
            let told = damaged > 0 || !opened.problems.is_empty() || len != sound.len() as u64;
            // The last bytes of LZMA are not needed; and a header whose CRC-32 is wrong is read all the same.
            let right = found.iter().all(|pair| right.contains(pair));
            assert!(told || right, "{variant} {at}");
        }
    }
}

#[test]
fn encrypted_archives_are_named() {
    let (_, tree, opened) = open(fixture("encrypted-files")).unwrap();
    assert!(!tree.entries.is_empty());
    assert_eq!(opened.problems[0].kind, ProblemKind::Encrypted);
    let (_, tree, opened) = open(fixture("encrypted-header")).unwrap();
    assert!(tree.entries.is_empty());
    assert_eq!(opened.problems[0].kind, ProblemKind::Encrypted);
}

#[test]
fn one_wrong_byte_of_the_start_header_is_a_near_miss() {
    for at in 8..32 {
        let mut image = fixture("lzma2");
        image[at] ^= 1;
        let reject = SevenZ.measure(&Bytes::from(image)).err();
        assert!(matches!(reject, Some(Reject::NearMiss(_))), "{at}");
    }
}

#[test]
fn headers_of_noise_do_not_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut number = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 1).unwrap()
    };
    for variant in ["lzma", "libarchive"] {
        let sound = fixture(variant);
        let start = Start::parse(&sound).unwrap();
        for _ in 0..2000 {
            let mut image = sound.clone();
            for _ in 0..=number() % 4 {
                let within = number() % usize::try_from(start.header_len).unwrap();
                image[usize::try_from(start.header_at).unwrap() + within] =
                    u8::try_from(number() & 0xff).unwrap();
            }
            open(image);
        }
    }
}

/// The archive with another header, not packed, behind its packed streams.
fn with_header(streams: &[u8], header: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 32];
    image[..8].copy_from_slice(b"7z\xbc\xaf\x27\x1c\0\x04");
    image.extend_from_slice(streams);
    image.extend_from_slice(header);
    image[12..20].copy_from_slice(&(streams.len() as u64).to_le_bytes());
    image[20..28].copy_from_slice(&(header.len() as u64).to_le_bytes());
    image[28..32].copy_from_slice(&crc32fast::hash(header).to_le_bytes());
    let start = crc32fast::hash(&image[12..32]);
    image[8..12].copy_from_slice(&start.to_le_bytes());
    image
}

/// One folder of one stored stream of 100 bytes that holds `size` bytes in `files` files, and the file `a`.
fn one_folder(size: u8, files: u8) -> Vec<u8> {
    let streams = [
        &[1, 4, 6, 0, 1, 9, 100, 0, 7, 11, 1, 0, 1, 1, 0, 12, size, 0][..],
        &[8, 13, files, 0, 0],
    ];
    let names = [5, 1, 17, 5, 0, b'a', 0, 0, 0, 0, 0];
    [&streams.concat()[..], &names].concat()
}

#[test]
fn what_no_coder_reads_and_no_file_holds_is_told_and_stays_open() {
    let whole = with_header(&[b'x'; 100], &one_folder(100, 1));
    let (len, tree, opened) = open(whole).unwrap();
    assert!(opened.problems.is_empty(), "{:?}", opened.problems);
    assert_eq!(contents(&tree).0[0].1, [b'x'; 100][..]);
    assert_eq!(trial::explained(&opened), len);
    for (size, files, told) in [(10, 1, "90 bytes at the end"), (100, 0, "holds no file")] {
        let (len, _, opened) = open(with_header(&[b'x'; 100], &one_folder(size, files))).unwrap();
        let detail = &opened.problems[0].detail;
        assert!(detail.contains(told), "{detail}");
        assert!(trial::explained(&opened) <= len - 90);
    }
}

#[test]
fn what_the_header_says_besides_files_is_told() {
    let mut header = one_folder(100, 1);
    header.truncate(header.len() - 2);
    header.extend([25, 4, 0, 0, 0, 0, 0, 0]);
    let (_, _, opened) = open(with_header(&[b'x'; 100], &header)).unwrap();
    assert!(opened.problems.is_empty(), "{:?}", opened.problems);
    let end = header.len() - 3;
    header[end] = 1;
    let (_, tree, opened) = open(with_header(&[b'x'; 100], &header)).unwrap();
    assert_eq!(opened.problems[0].kind, ProblemKind::Unsupported);
    assert_eq!(tree.entries.len(), 1);
}

#[test]
fn more_files_than_the_budget_has_are_not_made_room_for() {
    let header = [&[1, 5, 0xe0, 0, 0, 0x40][..], &vec![0; 5 << 20]].concat();
    let (_, tree, opened) = open(with_header(&[], &header)).unwrap();
    assert_eq!(opened.problems[0].kind, ProblemKind::Limit);
    assert!(tree.entries.is_empty());
}
